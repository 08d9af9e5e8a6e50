//! How a tool ended, what it cost, and why it could not start: the words that `process` speaks
//! and everyone above it repeats.
//!
//! Never: a raw wait status, an errno without the step it belongs to, a guess from stderr text.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{OriginTraffic, ToolId};
use crate::manifest::Confinement;

/// Why the host ended a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KillCause {
    /// The plugin asked for it, or dropped the handle.
    Requested,
    /// The wall-clock limit passed.
    WallTimeout,
    /// The tool was silent for longer than its idle limit.
    IdleTimeout,
    /// The tool wrote more than its hard output limit.
    OutputLimit,
    /// The run was cancelled or its own time was over.
    RunEnded,
    /// The supervisor between host and tool died; nothing of the tool survived it.
    SupervisorLost,
}

/// How a tool ended. Exactly one for each tool that started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// It exited with this code.
    Code(u8),
    /// A signal that the host did not send ended it; the number on this host.
    Signal(u8),
    /// The host ended it.
    Killed(KillCause),
}

/// How strongly a tool's process tree is held together, weakest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Containment {
    /// The supervisor adopts orphans and kills what it finds; a supervisor that is itself killed
    /// cannot.
    #[default]
    Subreaper,
    /// The tree lives in a PID namespace that the kernel empties when its first process ends.
    PidNamespace,
}

/// What a run of a tool cost and did. Complete only when the tool has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Usage {
    /// From start to end.
    #[serde(rename = "wall-ms", with = "millis")]
    pub wall: Duration,
    /// Processor time in user mode: the tool and the children it waited for.
    #[serde(rename = "user-ms", with = "millis")]
    pub user: Duration,
    /// Processor time in the kernel, likewise.
    #[serde(rename = "system-ms", with = "millis")]
    pub system: Duration,
    /// Largest resident size of the tool, in bytes.
    pub max_rss: u64,
    /// Bytes written to standard output, kept or not.
    pub stdout_bytes: u64,
    /// Bytes written to standard error, kept or not.
    pub stderr_bytes: u64,
    /// Whether output was left out because the soft output limit was reached.
    pub truncated: bool,
    /// What held the tree together.
    pub containment: Containment,
    /// How tightly it was confined.
    pub confinement: Confinement,
    /// What it did with the origins that it could reach; empty if it could reach none.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub origins: Vec<OriginTraffic>,
}

/// Durations as whole milliseconds: what people and programs compare.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

/// Why a declared tool could not be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The program is nowhere that the declaration allows.
    #[error("tool `{tool}` is not on this machine: {reason}")]
    Missing {
        /// The tool.
        tool: ToolId,
        /// Where was looked and what was found instead.
        reason: String,
    },
    /// The program is not the one that was pinned.
    #[error("tool `{tool}`: {path} is not the program that was pinned: {change}", path = .path.display())]
    Changed {
        /// The tool.
        tool: ToolId,
        /// The pinned real path.
        path: PathBuf,
        /// What differs, for example `inode 71 is now 94`.
        change: String,
    },
    /// The program, its interpreter or a directory above it can be written by the plugin.
    #[error("tool `{tool}`: {path} lies below a directory that the plugin may write", path = .path.display())]
    Writable {
        /// The tool.
        tool: ToolId,
        /// The program or directory.
        path: PathBuf,
    },
    /// The working directory is not a directory beneath the workspace.
    #[error("tool `{tool}` cannot run in `{path}`: {reason}")]
    Directory {
        /// The tool.
        tool: ToolId,
        /// The directory that was asked for.
        path: String,
        /// What the kernel said.
        reason: String,
    },
    /// Arguments and environment are more than the operating system takes.
    #[error("tool `{tool}`: {what} is {size} bytes, the limit is {limit}")]
    TooLarge {
        /// The tool.
        tool: ToolId,
        /// What is too large.
        what: &'static str,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The machine does not confine tools as tightly as manifest or policy ask for.
    #[error("tool `{tool}` would run at level {best}: {need}; this machine gives {why}")]
    TooLoose {
        /// The tool.
        tool: ToolId,
        /// What is asked for that needs more.
        need: String,
        /// What there is.
        best: Confinement,
        /// What is missing, and what would change it.
        why: String,
    },
    /// The tool reaches origins through the host, and here the host serves none.
    #[error(
        "tool `{tool}`: its network is `origins`, and here nothing serves them; run it with `remit run` or `remit execute`"
    )]
    NoOrigins {
        /// The tool.
        tool: ToolId,
    },
    /// A secret of the tool has no value that could be kept secret.
    #[error("tool `{tool}`: the secret `{name}` ({source_of}) {problem}")]
    Secret {
        /// The tool.
        tool: ToolId,
        /// The variable's name.
        name: String,
        /// Where the value should be.
        source_of: String,
        /// What is wrong; never a part of the value.
        problem: String,
    },
    /// A path that the tool must not change cannot be protected.
    #[error("tool `{tool}`: {path} cannot be protected from the tool: {reason}")]
    Unprotected {
        /// The tool.
        tool: ToolId,
        /// The path, relative to the workspace.
        path: String,
        /// Why, and what would change it.
        reason: String,
    },
    /// The operating system refused a step.
    #[error("tool `{tool}` did not start: {step}: {message}")]
    Refused {
        /// The tool.
        tool: ToolId,
        /// The step, for example `exec`.
        step: String,
        /// The number that the kernel gave.
        errno: i32,
        /// What the number means.
        message: String,
    },
    /// A limit of the host was reached.
    #[error("tool `{tool}` did not start: {what}")]
    Limit {
        /// The tool.
        tool: ToolId,
        /// Which limit.
        what: String,
    },
    /// An attempt before this one may have done it already, and it must not be done twice.
    #[error("tool `{tool}` did not start: {reason}")]
    NotRepeated {
        /// The tool.
        tool: ToolId,
        /// What is known, and what could be done.
        reason: String,
    },
    /// The run is over; nothing starts any more.
    #[error("tool `{tool}` did not start: the run has ended")]
    RunEnded {
        /// The tool.
        tool: ToolId,
    },
}

impl StartError {
    /// A stable kebab-case word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "tool-missing",
            Self::Changed { .. } => "tool-changed",
            Self::Writable { .. } => "tool-writable",
            Self::Directory { .. } => "bad-directory",
            Self::TooLarge { .. } => "too-large",
            Self::TooLoose { .. } => "too-loose",
            Self::NoOrigins { .. } => "no-origins",
            Self::Secret { .. } => "bad-secret",
            Self::Unprotected { .. } => "unprotected",
            Self::Refused { .. } => "spawn-refused",
            Self::Limit { .. } => "limit",
            Self::NotRepeated { .. } => "not-repeated",
            Self::RunEnded { .. } => "run-ended",
        }
    }
}
