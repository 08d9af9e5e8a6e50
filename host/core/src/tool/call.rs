//! What a plugin sends: the decoded `call` of `wit/process.wit`, not yet checked.
//!
//! Never: used for anything but [`crate::grant::Grants::launch`]. Until then these are claims.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Most bytes that a plugin can hand to standard input in one piece; more must be piped, so that
/// the host holds no more than this for a call.
pub const MAX_STDIN_BYTES: usize = 16 << 20;

/// What fills one slot. In a file: a text, or a list of texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a slot is filled with a text or a list of texts"
)]
pub enum SlotValue {
    /// One value: one argument.
    One(String),
    /// Values for a repeated slot: each is one argument.
    Many(Vec<String>),
}

/// What the tool shall read on standard input.
#[derive(Clone, PartialEq, Eq)]
pub enum CallStdin {
    /// End of file at once.
    Empty,
    /// These bytes.
    Bytes(Vec<u8>),
    /// The content of this workspace file.
    File(String),
    /// What the plugin writes while the tool runs.
    Piped,
}

impl fmt::Debug for CallStdin {
    /// Shows sizes, never content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::File(path) => write!(f, "File({path:?})"),
            Self::Piped => f.write_str("Piped"),
        }
    }
}

/// One use of a tool, as a plugin asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The owner's name for the tool.
    pub tool: String,
    /// The owner's name for the shape of the arguments.
    pub template: String,
    /// Slot names and what fills them.
    pub slots: Vec<(String, SlotValue)>,
    /// Environment variables and their values.
    pub env: Vec<(String, String)>,
    /// Directory to run in, relative to the workspace; the tool's own if absent.
    pub cwd: Option<String>,
    /// Standard input.
    pub stdin: CallStdin,
    /// Wall-clock limit; the tool's own if absent.
    pub timeout: Option<Duration>,
    /// Limit on silence; the tool's own if absent.
    pub idle: Option<Duration>,
}
