//! Real programs: how the owner declares one, and how a plugin uses it.
//!
//! The owner writes a [`ToolDeclaration`]: a [`Program`], argument [`Template`]s with typed slots,
//! and the [`ToolRules`] of a run. A plugin sends a [`ToolCall`]: names and slot values, nothing
//! else. [`crate::grant::Grants::launch`] makes a [`Launch`] of the two, or says what is wrong.
//!
//! Never: a shell, a command as one text, a program that a plugin named.

mod bounds;
mod call;
mod declaration;
mod environment;
mod exit;
mod identity;
mod launch;
mod mark;
mod name;
mod origins;
mod program;
mod read;
mod read_bounds;
mod scratch;
mod slot;
mod template;
mod version;

pub use bounds::{
    Bounds, DEFAULT_FILE, DEFAULT_MEMORY, DEFAULT_PROCESSES, DEFAULT_SCRATCH, Resources,
    RuntimePath, RuntimePathError, SecretSource, SecretSourceError,
};
pub use call::{CallStdin, MAX_STDIN_BYTES, SlotValue, ToolCall};
pub use declaration::{
    DEFAULT_OUTPUT, DEFAULT_WALL, HARD_OUTPUT_FACTOR, MAX_TOOL_TIME, Network, ToolDeclaration,
    ToolDirectory, ToolRules,
};
pub use environment::{Danger, EnvName, EnvNameError, TASK_NAMES};
pub use exit::{Containment, Exit, KillCause, StartError, Usage};
pub use identity::{FileIdentity, ProgramIdentity};
pub use launch::{Directory, Launch, Stdin, ToolLimits};
pub use mark::TaskMark;
pub use name::{NameError, SlotName, TemplateId, ToolId};
pub use origins::{MAX_ORIGINS, OriginPort, OriginTraffic};
pub use program::{Program, ProgramError};
pub(crate) use read::read_tool;
pub(crate) use scratch::PlaceAt;
pub use scratch::{PLACE, SCRATCH_ENV};
pub use slot::{SlotType, SlotTypeError, ValueError};
pub(crate) use template::Filled;
pub use template::{
    Arity, MAX_ARGUMENT_BYTES, MAX_LAUNCH_BYTES, MAX_REPEATED, Slot, Template, TemplateError,
};
pub use version::{Drift, drift, first_version};
