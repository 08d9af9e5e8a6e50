//! From the errors of the host's interfaces to the failure that a plugin returns, so that `?`
//! does the right thing.
//!
//! Never: a denial turned into text. It goes back as it came, and the host prints its fix.

use crate::bindings::imports::remit::plugin::progress::CheckpointError;
use crate::bindings::imports::remit::plugin::state::StateError;
use crate::bindings::imports::remit::plugin::workspace::WorkspaceError;
use crate::{Failure, Problem, ProcessError, Report};

impl Failure {
    /// Work that was tried and failed, and would fail again unchanged.
    pub fn failed(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Failed(Report {
            code: code.into(),
            message: message.into(),
            hint: None,
            retryable: false,
        })
    }

    /// Work that was tried and failed, with what the reader could do about it.
    pub fn failed_with_hint(
        code: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::Failed(Report {
            code: code.into(),
            message: message.into(),
            hint: Some(hint.into()),
            retryable: false,
        })
    }

    /// Work that failed for a reason that may be gone the next time.
    pub fn failed_for_now(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Failed(Report {
            code: code.into(),
            message: message.into(),
            hint: None,
            retryable: true,
        })
    }
}

impl Problem {
    /// A problem at `path` (JSON pointer) with a stable code and a sentence.
    pub fn new(
        path: impl Into<String>,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            path: path.into(),
            code: code.into(),
            message: message.into(),
        }
    }
}

impl From<Vec<Problem>> for Failure {
    fn from(problems: Vec<Problem>) -> Self {
        Self::InvalidInput(problems)
    }
}

impl From<std::io::Error> for Failure {
    /// A file that was not read or written. The host has put a refusal on record as a denial.
    fn from(error: std::io::Error) -> Self {
        Self::failed("io", error.to_string())
    }
}

impl From<ProcessError> for Failure {
    /// An invalid call is the plugin's fault, not that of its inputs, so it becomes a report.
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::Denied(denial) => Self::Denied(denial),
            ProcessError::InvalidCall(problems) => {
                let all: Vec<String> = problems
                    .into_iter()
                    .map(|problem| format!("{}: {}", problem.path, problem.message))
                    .collect();
                Self::failed("invalid-call", all.join("; "))
            }
            ProcessError::ToolMissing(message) => Self::Unavailable(message),
            ProcessError::ToolChanged(message) => Self::failed("tool-changed", message),
            ProcessError::SpawnFailed(message) => Self::failed_for_now("spawn-failed", message),
            ProcessError::Limit(message) => Self::failed_for_now("limit", message),
            ProcessError::StdinClosed => {
                Self::failed("stdin-closed", "the tool reads no more input")
            }
            ProcessError::Misuse(message) => Self::failed("misuse", message),
        }
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        match error {
            StateError::InvalidKey => Self::failed("invalid-key", "a state key has 1 to 255 bytes"),
            StateError::InvalidJson(message) => Self::failed("invalid-json", message),
            StateError::Quota(message) => Self::failed("quota", message),
            StateError::Unavailable(message) => Self::failed_for_now("state-unavailable", message),
        }
    }
}

impl From<CheckpointError> for Failure {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::TooLarge(limit) => Self::failed(
                "checkpoint-too-large",
                format!("a checkpoint has at most {limit} bytes"),
            ),
            CheckpointError::Unavailable(message) => {
                Self::failed_for_now("checkpoint-unavailable", message)
            }
        }
    }
}

impl From<WorkspaceError> for Failure {
    fn from(error: WorkspaceError) -> Self {
        match error {
            WorkspaceError::NotGranted => {
                Self::failed("no-workspace", "no directory of the workspace was granted")
            }
            WorkspaceError::Unavailable(message) => {
                Self::failed_for_now("workspace-unavailable", message)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Capability, Denial, MissingKey};

    #[test]
    fn a_denial_stays_a_denial() {
        let denial = Denial {
            capability: Capability::Run,
            scope: "git:status".into(),
            missing: MissingKey::Allowed,
            fix: "--allow-run=git:status".into(),
        };
        assert_eq!(
            Failure::from(ProcessError::Denied(denial.clone())),
            Failure::Denied(denial)
        );
    }

    #[test]
    fn every_problem_of_a_call_is_named() {
        let failure = Failure::from(ProcessError::InvalidCall(vec![
            Problem::new("/slots/dir", "relpath", "no `..`"),
            Problem::new("/env/PATH", "env", "not settable"),
        ]));
        assert_eq!(
            failure,
            Failure::failed(
                "invalid-call",
                "/slots/dir: no `..`; /env/PATH: not settable"
            )
        );
    }

    #[test]
    fn only_what_may_pass_is_retryable() {
        let retryable = |error| match Failure::from(error) {
            Failure::Failed(report) => Some(report.retryable),
            Failure::InvalidInput(_)
            | Failure::Denied(_)
            | Failure::Unavailable(_)
            | Failure::Rejected(_)
            | Failure::Cancelled
            | Failure::TimedOut => None,
        };
        assert_eq!(
            retryable(ProcessError::SpawnFailed("EAGAIN".into())),
            Some(true)
        );
        assert_eq!(
            retryable(ProcessError::Limit("64 tools".into())),
            Some(true)
        );
        assert_eq!(
            retryable(ProcessError::ToolChanged("inode".into())),
            Some(false)
        );
        assert_eq!(retryable(ProcessError::ToolMissing("git".into())), None);
    }
}
