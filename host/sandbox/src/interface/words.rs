//! Between the contract's words for tools and the engine's.
//!
//! Never: a word that one side has and the other silently loses.

use std::time::Duration;

use remit_core::denial::{Denial, MissingKey};
use remit_core::grant::CallProblem;
use remit_core::scope::Capability;
use remit_core::tool::{
    CallStdin, Containment, Exit, KillCause, SlotValue, StartError, ToolCall, Usage,
};
use remit_engine::host::{CallError, LimitHit};

use crate::bindings::host::remit::plugin::{process, types};

/// A guest's call as the engine decides it.
pub(crate) fn call(call: process::Call) -> ToolCall {
    ToolCall {
        tool: call.tool,
        template: call.template,
        slots: call
            .slots
            .into_iter()
            .map(|(name, value)| {
                let value = match value {
                    process::SlotValue::One(value) => SlotValue::One(value),
                    process::SlotValue::Many(values) => SlotValue::Many(values),
                };
                (name, value)
            })
            .collect(),
        env: call.env,
        cwd: call.cwd,
        stdin: match call.stdin {
            process::Stdin::Empty => CallStdin::Empty,
            process::Stdin::Bytes(bytes) => CallStdin::Bytes(bytes),
            process::Stdin::File(path) => CallStdin::File(path),
            process::Stdin::Piped => CallStdin::Piped,
        },
        timeout: call.timeout_ms.map(|ms| Duration::from_millis(ms.into())),
        idle: call.idle_ms.map(|ms| Duration::from_millis(ms.into())),
    }
}

/// A refusal as the guest sees it.
///
/// # Errors
/// The guest passed a limit of the host: it ends, and sees nothing any more.
pub(crate) fn error(error: CallError) -> Result<process::ProcessError, LimitHit> {
    Ok(match error {
        CallError::Limit(hit) => return Err(hit),
        CallError::Denied(denied) => process::ProcessError::Denied(denial(&denied)),
        CallError::Invalid(problems) => {
            process::ProcessError::InvalidCall(problems.into_iter().map(problem).collect())
        }
        CallError::Start(start) => {
            let text = start.to_string();
            match start {
                StartError::Missing { .. } => process::ProcessError::ToolMissing(text),
                StartError::Changed { .. } | StartError::Writable { .. } => {
                    process::ProcessError::ToolChanged(text)
                }
                StartError::Limit { .. } | StartError::TooLarge { .. } => {
                    process::ProcessError::Limit(text)
                }
                StartError::Directory { .. }
                | StartError::TooLoose { .. }
                | StartError::NoOrigins { .. }
                | StartError::Secret { .. }
                | StartError::Unprotected { .. }
                | StartError::Refused { .. }
                | StartError::NotRepeated { .. }
                | StartError::RunEnded { .. } => process::ProcessError::SpawnFailed(text),
            }
        }
    })
}

fn problem(problem: CallProblem) -> types::Problem {
    types::Problem {
        path: problem.field,
        code: problem.code,
        message: problem.message,
    }
}

/// A denial as the guest sees it.
pub(crate) fn denial(denial: &Denial) -> types::Denial {
    types::Denial {
        capability: match denial.capability {
            Capability::Read => types::Capability::Read,
            Capability::Write => types::Capability::Write,
            Capability::Env => types::Capability::Env,
            Capability::Run => types::Capability::Run,
            Capability::Net => types::Capability::Net,
            // Decided before anything of the guest runs, so no guest ever reads it.
            Capability::Load => types::Capability::Run,
        },
        scope: denial.scope.clone(),
        missing: match &denial.missing {
            MissingKey::Declared => types::MissingKey::Declared,
            MissingKey::Allowed => types::MissingKey::Allowed,
            MissingKey::Forbidden { .. } | MissingKey::Changed { .. } => {
                types::MissingKey::Forbidden
            }
        },
        fix: denial.fix.to_string(),
    }
}

/// How a tool ended, as the guest sees it.
pub(crate) fn exit(exit: Exit) -> process::Exit {
    match exit {
        Exit::Code(code) => process::Exit::Code(code),
        Exit::Signal(signal) => process::Exit::Signal(signal),
        Exit::Killed(cause) => process::Exit::Killed(match cause {
            KillCause::Requested => process::KillCause::Requested,
            KillCause::WallTimeout => process::KillCause::WallTimeout,
            KillCause::IdleTimeout => process::KillCause::IdleTimeout,
            KillCause::OutputLimit => process::KillCause::OutputLimit,
            KillCause::RunEnded => process::KillCause::RunEnded,
            KillCause::SupervisorLost => process::KillCause::SupervisorLost,
        }),
    }
}

/// What a tool cost, as the guest sees it.
pub(crate) fn usage(usage: &Usage) -> process::Usage {
    process::Usage {
        wall_ms: millis(usage.wall),
        user_ms: millis(usage.user),
        system_ms: millis(usage.system),
        max_rss: usage.max_rss,
        stdout_bytes: usage.stdout_bytes,
        stderr_bytes: usage.stderr_bytes,
        truncated: usage.truncated,
        containment: match usage.containment {
            Containment::PidNamespace => "pid-namespace",
            Containment::Subreaper => "subreaper",
        }
        .to_owned(),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The interface of types has no functions.
impl types::Host for crate::store::StoreData {}
