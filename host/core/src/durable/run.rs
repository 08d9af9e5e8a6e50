//! A run as a whole as a state machine: accepted, begun, perhaps cancelled, finished once.
//!
//! What its tasks do is in their own streams; the run's counts of them are kept beside it by
//! [`Counts`]. Never: an event after `EXECUTION_FINISHED`.

use serde::{Deserialize, Serialize};

use super::event::LedgerEvent;
use super::task::{IllegalEvent, Phase};
use crate::outcome::CancelReason;

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunPhase {
    /// Accepted; no host has begun it.
    Submitted,
    /// A host carries it out, or did when it ended.
    Running,
    /// Every task has ended.
    Finished,
}

/// A run as far as its own history goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunState {
    /// Where it is.
    pub phase: RunPhase,
    /// How many tasks it has.
    pub tasks: u64,
    /// The host that carries it out, or did last.
    pub epoch: u64,
    /// Why its end was asked for.
    pub cancel: Option<CancelReason>,
    /// How many escalations there were.
    pub escalations: u64,
}

impl RunState {
    /// The state after a run's first event.
    ///
    /// # Errors
    /// It is not `RUN_SUBMITTED`.
    pub fn begin(event: &LedgerEvent) -> Result<Self, IllegalEvent> {
        let LedgerEvent::RunSubmitted { tasks, .. } = event else {
            return Err(IllegalEvent::First {
                event: event.word(),
                stream: "run",
            });
        };
        Ok(Self {
            phase: RunPhase::Submitted,
            tasks: *tasks,
            epoch: 0,
            cancel: None,
            escalations: 0,
        })
    }

    /// The state after one more event.
    ///
    /// # Errors
    /// The event cannot have happened here; the state is as it was.
    pub fn apply(&mut self, event: &LedgerEvent) -> Result<(), IllegalEvent> {
        let order = |why| {
            Err(IllegalEvent::Order {
                event: event.word(),
                why,
            })
        };
        if self.phase == RunPhase::Finished {
            return order("the run has finished");
        }
        if let LedgerEvent::RunStarted { epoch, .. } = event {
            self.phase = RunPhase::Running;
            self.epoch = *epoch;
        } else if let LedgerEvent::RunCancelRequested { reason, .. } = event {
            self.cancel = self.cancel.max(Some(*reason));
        } else if let LedgerEvent::Escalation { .. } = event {
            self.escalations = self.escalations.saturating_add(1);
        } else if let LedgerEvent::ExecutionFinished { .. } = event {
            if self.phase != RunPhase::Running {
                return order("no host has begun the run");
            }
            self.phase = RunPhase::Finished;
        } else if let LedgerEvent::RunSubmitted { .. } = event {
            return order("a run is submitted once, as its first event");
        } else {
            return Err(IllegalEvent::Stream {
                event: event.word(),
                stream: "run",
            });
        }
        Ok(())
    }
}

/// How many tasks of a run are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts([u64; Phase::ALL.len()]);

impl Counts {
    /// How many are there.
    #[must_use]
    pub fn of(&self, phase: Phase) -> u64 {
        self.0.get(phase as usize).copied().unwrap_or(0)
    }

    /// One task moved. `from` is absent for a new one.
    pub fn moved(&mut self, from: Option<Phase>, to: Phase) {
        if let Some(count) = from.and_then(|from| self.0.get_mut(from as usize)) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = self.0.get_mut(to as usize) {
            *count = count.saturating_add(1);
        }
    }

    /// How many there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// How many have ended.
    #[must_use]
    pub fn ended(&self) -> u64 {
        Phase::ALL
            .iter()
            .filter(|phase| phase.end().is_some())
            .map(|phase| self.of(*phase))
            .sum()
    }
}
