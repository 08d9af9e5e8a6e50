//! The jobs of an executor: each waits for the ledger or for the work, and ends as inputs of the
//! dispatcher.
//!
//! Never: a decision; a job without an end that the dispatcher hears of.

use std::sync::Arc;
use std::time::Duration;

use remit_core::durable::{RunId, TaskId};
use remit_core::gate::Observed;
use remit_core::outcome::Outcome;
use remit_core::plan::{TaskSpec, Work};
use tokio::time::Instant;

use super::attempts::{AdapterFacts, Assignment, AttemptRecord, Attempts, Unfit};
use super::clock::Clock;
use super::dispatcher::{EndedAttempt, EndedGate, Input, Start, TaskKey};
use super::ledger::{EntryQuery, Ledger, LedgerError};
use super::load;
use super::outcome::{message_of, result_of};
use super::record::{Record, Whose};
use crate::cancel::Cancel;

/// An outcome up to this size in bytes is part of its event; larger ones are artifacts.
const MAX_INLINE: usize = 16 * 1024;
/// The wait after entries could not be read.
const AGAIN: Duration = Duration::from_millis(500);

/// Reads tasks again.
pub(super) async fn read(
    ledger: Arc<dyn Ledger>,
    tasks: Vec<(TaskKey, RunId, TaskId)>,
    wait: Duration,
) -> Vec<Input> {
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    let mut inputs = Vec::with_capacity(tasks.len());
    let mut failed = Vec::new();
    let mut why = None;
    for (key, run, task) in tasks {
        match load::task(&*ledger, &run, &task).await {
            Ok(read) => inputs.push(Input::Read(key, read.map(Box::new))),
            Err(error) => {
                failed.push(key);
                why = Some(error);
            }
        }
    }
    if let Some(error) = why {
        inputs.push(Input::ReadFailed(failed, error));
    }
    inputs
}

/// Reads a run with all of its tasks, until that works.
pub(super) async fn load(ledger: Arc<dyn Ledger>, run: RunId) -> Vec<Input> {
    loop {
        match load::run(&*ledger, &run).await {
            Ok(Some((view, tasks))) => {
                let view = Box::new(view);
                return vec![Input::Run { view, tasks }];
            }
            Ok(None) => return Vec::new(),
            Err(error) => {
                tracing::warn!(%run, %error, "the run cannot be read");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Reads what is new.
pub(super) async fn follow(ledger: Arc<dyn Ledger>, query: EntryQuery) -> Vec<Input> {
    let mut entries = Vec::new();
    let mut query = query;
    loop {
        match ledger.entries(query.clone()).await {
            Ok(page) => {
                let is_last = page.len() < query.limit;
                if let Some(last) = page.last() {
                    query.after = last.seq;
                }
                entries.extend(page);
                if is_last || entries.len() >= query.limit {
                    return vec![Input::Entries(entries)];
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the ledger cannot be followed");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Looks at a candidate.
pub(super) async fn check(
    attempts: Arc<dyn Attempts>,
    key: TaskKey,
    task: Arc<TaskSpec>,
    candidate: u32,
) -> Vec<Input> {
    let candidates = match &task.work {
        Work::Plugin { candidates, .. } => candidates.as_slice(),
        Work::Manual { .. } | Work::Approval { .. } => &[],
    };
    let fit: Result<AdapterFacts, Box<Unfit>> = match candidates.get(candidate as usize) {
        Some(wanted) => attempts.check(&task, wanted).await,
        None => Err(Box::new(Unfit {
            adapter: remit_core::durable::AdapterId::of_plugin(""),
            outcome: Outcome::Unavailable {
                what: format!("candidate {candidate} of task {}", task.id),
            },
        })),
    };
    vec![Input::Checked {
        key,
        candidate,
        fit,
    }]
}

/// Makes an attempt, or one of its acceptance checks.
pub(super) async fn make(
    ledger: Arc<dyn Ledger>,
    attempts: Arc<dyn Attempts>,
    clock: Clock,
    start: Start,
    cancel: Cancel,
) -> Input {
    let since = Instant::now();
    let whose = Whose {
        run: start.run.clone(),
        task: start.task.id.clone(),
        attempt: start.attempt,
        fence: start.fence,
        gate: start.gate.is_some(),
    };
    let effects = start.effects.clone();
    let record = Record::new(Arc::clone(&ledger), clock, whose, cancel.clone(), effects);
    let writes: Arc<dyn AttemptRecord> = Arc::new(Arc::clone(&record));
    let (key, fence) = (start.key, start.fence);
    let checkpoint = match start.checkpoint {
        Some(digest) => ledger.get(digest).await,
        None => Ok(None),
    };
    let assignment = Assignment {
        run: start.run,
        settings: start.settings,
        task: start.task,
        candidate: start.candidate,
        attempt: start.attempt,
        fence,
        time: start.time,
        checkpoint: checkpoint.as_ref().ok().cloned().flatten(),
        effects_before: start.effects_before,
    };
    if let Some((gate, spec)) = start.gate {
        let observed = match attempts.gate(assignment, spec, writes, cancel).await {
            Ok(observed) => observed,
            // That says nothing about the work: the check itself is what went wrong.
            Err(outcome) => Observed::not_started(message_of(&outcome)),
        };
        let rest = record.finish().await;
        let ended = Box::new(EndedGate {
            gate,
            observed,
            activity: rest.activity,
            wall_ms: millis(since.elapsed()),
        });
        return Input::GateEnded { key, fence, ended };
    }
    let outcome = match checkpoint {
        Ok(_) => attempts.attempt(assignment, writes, cancel).await,
        // Without it the plugin would begin anew and not know that it should not.
        Err(error) => Outcome::Internal {
            message: format!("the checkpoint cannot be read: {error}"),
        },
    };
    let rest = record.finish().await;
    let wall_ms = millis(since.elapsed());
    let ended = Box::new(EndedAttempt {
        result: kept(&*ledger, &outcome, wall_ms).await,
        activity: rest.activity,
        checkpoint: rest.checkpoint,
        open: rest.open,
    });
    Input::AttemptEnded { key, fence, ended }
}

/// The outcome as an event has it; a large one becomes an artifact.
async fn kept(
    ledger: &dyn Ledger,
    outcome: &Outcome,
    wall_ms: u64,
) -> remit_core::durable::AttemptResult {
    let mut result = result_of(outcome, wall_ms);
    let text = result.outcome.to_string();
    if text.len() <= MAX_INLINE {
        return result;
    }
    let put: Result<_, LedgerError> = ledger.put(text.into_bytes()).await;
    match put {
        Ok(digest) => {
            result.outcome_digest = Some(digest);
            result.outcome = serde_json::Value::Null;
        }
        // It stays in the event: larger than it should be, and not lost.
        Err(error) => tracing::warn!(%error, "an outcome cannot be kept as an artifact"),
    }
    result
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
