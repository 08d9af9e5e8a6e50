//! A tool call that has been decided: the proof, in data, that this program may start now.
//!
//! Only [`crate::grant::Grants::launch`] makes one, so whoever holds a `Launch` need not ask
//! again. Never: a path to search, a string that is still to be split, a value not yet checked.

use std::path::PathBuf;
use std::time::Duration;

use super::{Bounds, EnvName, PlaceAt, Program, SecretSource, TemplateId, ToolId};
use crate::path::RelPath;

/// Where a tool runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Directory {
    /// A directory of the workspace.
    Workspace(RelPath),
    /// A directory that the owner fixed; absolute.
    Fixed(PathBuf),
}

/// What a tool reads on standard input.
#[derive(Clone, PartialEq, Eq)]
pub enum Stdin {
    /// End of file at once.
    Empty,
    /// Exactly these bytes.
    Bytes(Vec<u8>),
    /// A workspace file that the plugin may read.
    File(RelPath),
    /// What the plugin writes while the tool runs.
    Piped,
}

impl std::fmt::Debug for Stdin {
    /// Shows sizes, never content.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::File(path) => write!(f, "File({path})"),
            Self::Piped => f.write_str("Piped"),
        }
    }
}

/// The limits that hold for one run of a tool: the declaration's, lowered by the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolLimits {
    /// Longest time from start to end.
    pub wall: Duration,
    /// Longest time without output, if silence is limited.
    pub idle: Option<Duration>,
    /// Bytes of output (both streams together) that are kept; what follows is counted and left
    /// out, and the usage says `truncated`.
    pub soft_output: u64,
    /// Bytes of output at which the tool is ended.
    pub hard_output: u64,
}

/// A decided tool call.
#[derive(Clone)]
pub struct Launch {
    pub(crate) tool: ToolId,
    pub(crate) template: TemplateId,
    pub(crate) program: Program,
    pub(crate) arguments: Vec<String>,
    pub(crate) pass_env: Vec<EnvName>,
    pub(crate) set_env: Vec<(EnvName, String)>,
    pub(crate) directory: Directory,
    pub(crate) stdin: Stdin,
    pub(crate) limits: ToolLimits,
    pub(crate) success: Vec<u8>,
    pub(crate) secrets: Vec<(EnvName, SecretSource)>,
    pub(crate) bounds: Bounds,
    /// Arguments in which `PLACE` stands for the scratch directory.
    pub(crate) scratch_args: Vec<PlaceAt>,
    /// Variables whose value begins with `PLACE`, by their index.
    pub(crate) scratch_env: Vec<usize>,
    pub(crate) scratch: Option<String>,
}

impl std::fmt::Debug for Launch {
    /// Shows what starts and within which bounds; never an argument, nor the value of a variable.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let set: Vec<&EnvName> = self.set_env.iter().map(|(name, _)| name).collect();
        f.debug_struct("Launch")
            .field("tool", &self.tool)
            .field("template", &self.template)
            .field("program", &self.program)
            .field("arguments", &self.arguments.len())
            .field("pass_env", &self.pass_env)
            .field("set_env", &set)
            .field("directory", &self.directory)
            .field("stdin", &self.stdin)
            .field("limits", &self.limits)
            .field("success", &self.success)
            .field("secrets", &self.secrets)
            .field("bounds", &self.bounds)
            .field("scratch", &self.scratch)
            .finish()
    }
}

impl Launch {
    /// The owner's name for the tool.
    #[must_use]
    pub fn tool(&self) -> &ToolId {
        &self.tool
    }
    /// The owner's name for the argument shape.
    #[must_use]
    pub fn template(&self) -> &TemplateId {
        &self.template
    }
    /// The program as declared; `process` resolves and pins it.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }
    /// The arguments after the program, one element each, never to be split.
    #[must_use]
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }
    /// Names whose values the tool gets from the host's environment, where the host has them.
    #[must_use]
    pub fn pass_env(&self) -> &[EnvName] {
        &self.pass_env
    }
    /// Names and values: the owner's constants, then what the plugin may set.
    #[must_use]
    pub fn set_env(&self) -> &[(EnvName, String)] {
        &self.set_env
    }
    /// Where the tool runs.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }
    /// What it reads.
    #[must_use]
    pub fn stdin(&self) -> &Stdin {
        &self.stdin
    }
    /// Its limits.
    #[must_use]
    pub fn limits(&self) -> &ToolLimits {
        &self.limits
    }
    /// The exit codes that the owner counts as success.
    #[must_use]
    pub fn success(&self) -> &[u8] {
        &self.success
    }
    /// The workspace directories that the plugin may write; no program may lie below them.
    #[must_use]
    pub fn writable(&self) -> &[RelPath] {
        self.bounds.write()
    }
    /// Names whose secret values the tool gets, with the places where those are.
    #[must_use]
    pub fn secrets(&self) -> &[(EnvName, SecretSource)] {
        &self.secrets
    }
    /// How far the tool may reach.
    #[must_use]
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }
}
