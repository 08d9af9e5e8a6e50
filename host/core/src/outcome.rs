//! How an attempt ended: exactly one [`Outcome`], and the exit code that the program gives for it.
//!
//! Never: two outcomes for one attempt, an exit code that is not in [`ExitCode`].

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::denial::Denial;

/// The exit codes of the program. Stable: scripts depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExitCode {
    /// The work succeeded.
    Ok = 0,
    /// The work was tried and failed.
    Failed = 1,
    /// The command line, a file or an input is wrong. Nothing was done.
    Usage = 2,
    /// Something that the work needs was denied.
    Denied = 3,
    /// A tool or service that the work needs is not there.
    ToolMissing = 6,
    /// A time limit passed.
    Timeout = 7,
    /// The run was cancelled.
    Cancelled = 8,
    /// The plugin trapped, hit a limit, or cannot be loaded.
    Plugin = 10,
    /// A fault of the host. Worth a bug report.
    Internal = 70,
}

impl ExitCode {
    /// All codes in ascending order, for help texts and tests.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::Failed,
        Self::Usage,
        Self::Denied,
        Self::ToolMissing,
        Self::Timeout,
        Self::Cancelled,
        Self::Plugin,
        Self::Internal,
    ];

    /// The number that the shell sees.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// One phrase for people; the same in `--help`, in the documentation and here.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Usage => "usage or invalid input",
            Self::Denied => "denied",
            Self::ToolMissing => "tool missing",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Plugin => "plugin trap or limit",
            Self::Internal => "internal",
        }
    }
}

/// One thing that is wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputProblem {
    /// JSON pointer (RFC 6901) into the input; empty for the input as a whole.
    pub path: String,
    /// Stable kebab-case word.
    pub code: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl std::fmt::Display for InputProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = if self.path.is_empty() {
            "/"
        } else {
            &self.path
        };
        write!(f, "{path}: {} ({})", self.message, self.code)
    }
}

/// A file that the work produced, as far as the plugin says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Artifact {
    /// Path relative to the workspace, as the plugin wrote it.
    pub path: String,
    /// Media type (RFC 6838).
    pub media_type: String,
    /// One line for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Size in bytes if the host found a regular file there; absent if it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// What stopped a plugin that did not end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// It is not a component that this host can run.
    Load,
    /// It executed a trapping instruction, for example after a panic.
    Trap,
    /// It needed more memory than it may have.
    Memory,
    /// It recursed deeper than its stack.
    Stack,
    /// It passed another limit of the host, for example on events.
    Limit,
    /// It called a function that was not granted to it.
    NotGranted,
    /// It ended itself instead of returning.
    Exit,
    /// It returned something that breaks the contract, for example text that is not JSON.
    Contract,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
#[serde(rename_all_fields = "kebab-case")]
pub enum Outcome {
    /// The work succeeded.
    Succeeded {
        /// One line for people.
        summary: String,
        /// The plugin's outputs.
        outputs: Value,
        /// The files that it says it produced.
        artifacts: Vec<Artifact>,
    },
    /// The work was tried and failed.
    Failed {
        /// The plugin's word for it.
        code: String,
        /// What happened.
        message: String,
        /// What could be done about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
        /// Whether another try, unchanged, could help.
        retryable: bool,
        /// What an adapter's tool still produced; `null` for a pattern.
        #[serde(skip_serializing_if = "Value::is_null", default)]
        outputs: Value,
    },
    /// The work was done and judged not good enough.
    Rejected {
        /// Why.
        reason: String,
    },
    /// The inputs are wrong; nothing was done.
    InvalidInput {
        /// Every problem.
        problems: Vec<InputProblem>,
    },
    /// Something that the work needs was denied.
    Denied {
        /// Every denial that stood in the way.
        denials: Vec<Denial>,
        /// What the plugin said, if it had begun.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// A tool or service is not there.
    Unavailable {
        /// Which, and where was looked.
        what: String,
    },
    /// A time limit passed.
    TimedOut {
        /// The limit in milliseconds.
        limit_ms: u64,
    },
    /// The run was cancelled.
    Cancelled {
        /// By what.
        reason: CancelReason,
    },
    /// The plugin trapped, hit a limit, or cannot be loaded.
    PluginFault {
        /// What kind of fault.
        kind: FaultKind,
        /// What happened, and what could be done.
        message: String,
    },
    /// A fault of the host.
    Internal {
        /// What happened.
        message: String,
    },
}

impl Outcome {
    /// The word for it in the JSON form.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match self {
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Rejected { .. } => "rejected",
            Self::InvalidInput { .. } => "invalid-input",
            Self::Denied { .. } => "denied",
            Self::Unavailable { .. } => "unavailable",
            Self::TimedOut { .. } => "timed-out",
            Self::Cancelled { .. } => "cancelled",
            Self::PluginFault { .. } => "plugin-fault",
            Self::Internal { .. } => "internal",
        }
    }

    /// The exit code for this outcome. Each outcome has exactly one.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Succeeded { .. } => ExitCode::Ok,
            Self::Failed { .. } | Self::Rejected { .. } => ExitCode::Failed,
            Self::InvalidInput { .. } => ExitCode::Usage,
            Self::Denied { .. } => ExitCode::Denied,
            Self::Unavailable { .. } => ExitCode::ToolMissing,
            Self::TimedOut { .. } => ExitCode::Timeout,
            Self::Cancelled { .. } => ExitCode::Cancelled,
            Self::PluginFault { .. } => ExitCode::Plugin,
            Self::Internal { .. } => ExitCode::Internal,
        }
    }
}

/// Why a run was asked to end. Ordered: a later request can only escalate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CancelReason {
    /// Someone asked for it, for example with Ctrl-C.
    Requested,
    /// The host is shutting down.
    Shutdown,
    /// The owner took back an approval on which the run's grants rest.
    Revoked,
    /// Another host may have the task by now: nothing that this attempt does counts.
    Lost,
    /// Someone asked again: end without waiting for anything.
    Forced,
}

impl CancelReason {
    /// Whether nothing that the plugin still does or says counts any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Requested | Self::Shutdown => false,
            Self::Revoked | Self::Lost | Self::Forced => true,
        }
    }
}

impl std::fmt::Display for CancelReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Requested => "on request",
            Self::Shutdown => "the host is shutting down",
            Self::Revoked => "its approval was revoked",
            Self::Lost => "another host may have taken it over",
            Self::Forced => "on request, at once",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_the_published_numbers() {
        let numbers: Vec<u8> = ExitCode::ALL.iter().map(|code| code.number()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 6, 7, 8, 10, 70]);
    }

    #[test]
    fn cancel_reasons_escalate_in_order() {
        assert!(CancelReason::Requested < CancelReason::Shutdown);
        assert!(CancelReason::Shutdown < CancelReason::Revoked);
        assert!(CancelReason::Revoked < CancelReason::Lost);
        assert!(CancelReason::Lost < CancelReason::Forced);
    }
}
