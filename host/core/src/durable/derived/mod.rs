//! The files that are derived from a run's history for other programs: what they are called, what
//! stands in which, and the rows of the results.
//!
//! They can be made again at any time and are never read back. Never: a fact that is not from an
//! entry.

mod results;

pub use results::{MAX_TAIL, Results, TaskResult, closing, opening};

use super::entry::{Entry, Stream};
use super::event::LedgerEvent;
use super::name::TaskId;
use super::words::End;

/// Results of all tasks of the run, in the order of the plan.
pub const EXECUTION_RESULTS: &str = ".state/execution_results.json";
/// One line per transition of a patch.
pub const PATCH_LEDGER: &str = ".state/patch_ledger.jsonl";
/// What the executor decided: every entry of the run but what attempts did.
pub const EXECUTOR_LOG: &str = "logs/executor.jsonl";
/// Retries, circuits, crashes, escalations, safe mode.
pub const RESILIENCE_LOG: &str = "logs/resilience.jsonl";
/// The directory of the tasks' own logs.
pub const TASK_LOGS: &str = "logs/execution";

/// The log of one task: all its entries.
#[must_use]
pub fn task_log(task: &TaskId) -> String {
    format!("{TASK_LOGS}/{task}.jsonl")
}

/// Whether a path relative to the workspace is one of the files that are derived, or a directory
/// that is made for them: no work of a plugin, whoever looks for what changed.
#[must_use]
pub fn is_derived(path: &str) -> bool {
    let files = [
        EXECUTION_RESULTS,
        PATCH_LEDGER,
        EXECUTOR_LOG,
        RESILIENCE_LOG,
    ];
    let known = |file: &str| {
        let (directory, name) = file.rsplit_once('/').unwrap_or(("", file));
        // Under a name of its own until it is whole.
        path == file || path == directory || path == format!("{directory}/.{name}.new")
    };
    let below = path.strip_prefix(TASK_LOGS);
    files.into_iter().any(known)
        || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The word of an end in the results: lower case, as the source documents' programs write it.
#[must_use]
pub fn status_word(end: End) -> &'static str {
    match end {
        End::Completed => "completed",
        End::Failed => "failed",
        End::Timeout => "timeout",
        End::Canceled => "canceled",
        End::Skipped => "skipped",
        End::Blocked => "blocked",
    }
}

/// Whether an entry stands in [`EXECUTOR_LOG`].
#[must_use]
pub fn is_of_executor(entry: &Entry) -> bool {
    entry.stream() != Stream::Host && !matches!(entry.event, LedgerEvent::Activity { .. })
}

/// Whether an entry stands in [`RESILIENCE_LOG`].
#[must_use]
pub fn is_of_resilience(entry: &Entry) -> bool {
    use LedgerEvent as E;
    match &entry.event {
        E::CircuitOpened { .. }
        | E::CircuitHalfOpen { .. }
        | E::CircuitClosed { .. }
        | E::SafeModeEntered { .. }
        | E::SafeModeLeft { .. }
        | E::Escalation { .. }
        | E::EffectUnknown { .. }
        | E::EffectReplayed { .. }
        | E::TaskRetry { .. }
        | E::ValidationResumed { .. }
        | E::AttemptLost { .. }
        | E::TaskTimeout { .. }
        | E::TaskHurried { .. } => true,
        E::RunStarted { resumed, .. } => *resumed,
        E::AttemptEnded { result, .. } => result.class == Some(crate::retry::FailureClass::Crash),
        E::HostStarted { .. }
        | E::RunSubmitted { .. }
        | E::RunCancelRequested { .. }
        | E::ExecutionFinished { .. }
        | E::TaskQueued { .. }
        | E::TaskReady
        | E::TaskStarted { .. }
        | E::TaskWaiting { .. }
        | E::TaskAnswered { .. }
        | E::TaskExpired
        | E::EffectStarted { .. }
        | E::EffectFinished { .. }
        | E::EffectRefused { .. }
        | E::CheckpointCreated { .. }
        | E::TaskValidating { .. }
        | E::GateFinished { .. }
        | E::TaskCancelRequested { .. }
        | E::TaskCompleted
        | E::TaskFailed { .. }
        | E::TaskCanceled { .. }
        | E::TaskSkipped { .. }
        | E::TaskBlocked { .. }
        | E::Activity { .. } => false,
    }
}

#[cfg(test)]
mod tests;
