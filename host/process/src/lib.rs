//! Real tools: find and pin their programs, start them through a supervisor, stream what they
//! write, and end all of what they started.
//!
//! Where to look first: [`ToolBox`] is what the engine sees; [`Broker`] starts one [`Invocation`]
//! and hands out a [`Running`].
//!
//! Linux 5.11 or newer. Never: a shell, a program looked up in a plugin's or a workspace's
//! directories, a fork of the host, a decision about what is allowed (a
//! [`remit_core::tool::Launch`] is that decision).

mod broker;
mod buffer;
mod control;
mod directory;
mod drain;
mod drive;
mod environment;
mod image;
mod invocation;
mod pin;
mod private;
mod probe;
mod resolve;
mod running;
mod search;
mod shared;
mod stage;
mod toolbox;
mod watched;

pub use broker::{Broker, MAX_RUNNING};
pub use directory::WorkingDirectory;
pub use environment::{HostEnvironment, TOOL_PATH, environment};
pub use invocation::{Hold, Input, Invocation};
pub use pin::{Change, Pinned};
pub use private::{HostDirectory, RunDirectory};
pub use probe::{ProbeError, probe};
pub use resolve::{ResolveError, resolve};
pub use running::Running;
pub use search::SearchPath;
pub use toolbox::{Settings, ToolBox};
