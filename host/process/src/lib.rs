//! Real tools: find and pin their programs, start them through a supervisor, stream what they
//! write, and end all of what they started.
//!
//! Where to look first: [`ToolBox`] is what the engine sees; [`Broker`] starts one [`Invocation`]
//! and hands out a [`Running`].
//!
//! Linux 5.11 or newer. Never: a shell, a program looked up in a plugin's or a workspace's
//! directories, a fork of the host, a decision about what is allowed (a
//! [`remit_core::tool::Launch`] is that decision).

mod attempt_directory;
mod broker;
mod buffer;
mod confine;
mod control;
mod covers;
mod directory;
mod drain;
mod drive;
mod environment;
mod image;
mod invocation;
mod origins;
mod pin;
mod pinned_file;
mod private;
mod probe;
mod resolve;
mod running;
mod scrub;
mod search;
mod secrets;
mod settings;
mod shared;
mod stage;
mod system;
mod toolbox;
mod watched;

pub use attempt_directory::AttemptDirectory;
pub use broker::{Broker, MAX_RUNNING};
pub use directory::WorkingDirectory;
pub use environment::{HostEnvironment, TOOL_PATH, environment};
pub use invocation::{Held, Hold, Input, Invocation};
pub use pin::Pinned;
pub use pinned_file::Change;
pub use private::{HostDirectory, RunDirectory};
pub use probe::{Probe, ProbeError, probe};
pub use remit_supervisor::protocol::Without;
pub use resolve::{ResolveError, resolve};
pub use running::Running;
pub use scrub::Secrets;
pub use search::SearchPath;
pub use toolbox::{Settings, ToolBox};
