//! What went wrong, in a form that a test can compare.
//!
//! Never: only a text. Each error keeps its kind.

use std::io;

use remit_plugin_sdk::person::AskError;
use remit_plugin_sdk::progress::CheckpointError;
use remit_plugin_sdk::state::StateError;
use remit_plugin_sdk::workspace::WorkspaceError;
use remit_plugin_sdk::{Capability, Failure, MissingKey, Problem, ProcessError};
use serde_json::{Value, json};

/// Why a deed had no result.
pub(crate) enum Trouble {
    Io(io::Error),
    Process(ProcessError),
    State(StateError),
    Checkpoint(CheckpointError),
    Workspace(WorkspaceError),
    Person(AskError),
    Other(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ProcessError> for Trouble {
    fn from(error: ProcessError) -> Self {
        Self::Process(error)
    }
}

impl From<StateError> for Trouble {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl From<CheckpointError> for Trouble {
    fn from(error: CheckpointError) -> Self {
        Self::Checkpoint(error)
    }
}

impl From<AskError> for Trouble {
    fn from(error: AskError) -> Self {
        Self::Person(error)
    }
}

impl From<WorkspaceError> for Trouble {
    fn from(error: WorkspaceError) -> Self {
        Self::Workspace(error)
    }
}

impl Trouble {
    /// As outputs: always with `kind`.
    pub(crate) fn describe(&self) -> Value {
        match self {
            Self::Io(error) => json!({
                "kind": "io",
                "code": format!("{:?}", error.kind()),
                "errno": error.raw_os_error(),
                "message": error.to_string(),
            }),
            Self::Process(error) => describe_process(error),
            Self::State(error) => json!({ "kind": "state", "message": format!("{error:?}") }),
            Self::Checkpoint(error) => {
                json!({ "kind": "checkpoint", "message": format!("{error:?}") })
            }
            Self::Workspace(error) => {
                json!({ "kind": "workspace", "message": format!("{error:?}") })
            }
            Self::Person(error) => json!({ "kind": "person", "message": format!("{error:?}") }),
            Self::Other(message) => json!({ "kind": "other", "message": message }),
        }
    }

    /// As a plugin would return it.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Io(error) => Failure::failed("io", error.to_string()),
            Self::Process(error) => error.into(),
            Self::State(error) => error.into(),
            Self::Checkpoint(error) => error.into(),
            Self::Workspace(error) => error.into(),
            Self::Person(error) => error.into(),
            Self::Other(message) => Failure::failed("other", message),
        }
    }
}

fn describe_process(error: &ProcessError) -> Value {
    let said = |kind: &str, message: &str| json!({ "kind": kind, "message": message });
    match error {
        ProcessError::Denied(denial) => json!({
            "kind": "denied",
            "capability": match denial.capability {
                Capability::Read => "read",
                Capability::Write => "write",
                Capability::Env => "env",
                Capability::Run => "run",
                Capability::Net => "net",
            },
            "scope": denial.scope,
            "missing": match denial.missing {
                MissingKey::Declared => "declared",
                MissingKey::Allowed => "allowed",
                MissingKey::Forbidden => "forbidden",
            },
            "fix": denial.fix,
        }),
        ProcessError::InvalidCall(problems) => json!({
            "kind": "invalid-call",
            "problems": problems.iter().map(describe_problem).collect::<Vec<_>>(),
        }),
        ProcessError::ToolMissing(message) => said("tool-missing", message),
        ProcessError::ToolChanged(message) => said("tool-changed", message),
        ProcessError::SpawnFailed(message) => said("spawn-failed", message),
        ProcessError::Limit(message) => said("limit", message),
        ProcessError::StdinClosed => said("stdin-closed", ""),
        ProcessError::Misuse(message) => said("misuse", message),
    }
}

fn describe_problem(problem: &Problem) -> Value {
    json!({ "path": problem.path, "code": problem.code, "message": problem.message })
}
