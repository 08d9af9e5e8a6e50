//! One task as a state machine: [`TaskState::apply`] takes a state and an event and gives the next
//! state, or says why the event cannot have happened.
//!
//! Live execution and recovery both come through it, and the ledger refuses what it refuses; so a
//! history that replays is one that could have been written. Never: a way out of a terminal
//! state; a write of an attempt that is not the newest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::asked::{Answered, Asked};
use super::event::LedgerEvent;
use super::transition::Transition;
use super::words::{Answer, End, GateWord, Question};
use crate::digest::Digest;
use crate::outcome::CancelReason;
use crate::retry::FailureClass;

/// Most effects of one task whose record is kept for repetition. Tools beyond it still run; after a
/// crash they are reported as unknown.
pub const MAX_EFFECTS: usize = 10_000;

/// Where a task is, in the words of R2.11; `Waiting` is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    /// It needs something that has not completed.
    Pending,
    /// It can be taken.
    Ready,
    /// A person is asked.
    Waiting,
    /// An attempt is being made.
    InProgress,
    /// The work is done; gates are being checked.
    Validating,
    /// Ended well.
    Completed,
    /// Failed.
    Failed,
    /// Took too long.
    Timeout,
    /// Cancelled.
    Canceled,
    /// Not to be done.
    Skipped,
    /// Something it needs did not complete.
    Blocked,
}

impl Phase {
    /// All of them, in the order in which a task can go through them.
    pub const ALL: [Self; 11] = [
        Self::Pending,
        Self::Ready,
        Self::Waiting,
        Self::InProgress,
        Self::Validating,
        Self::Completed,
        Self::Failed,
        Self::Timeout,
        Self::Canceled,
        Self::Skipped,
        Self::Blocked,
    ];

    /// How the task ended, if it has.
    #[must_use]
    pub fn end(self) -> Option<End> {
        match self {
            Self::Completed => Some(End::Completed),
            Self::Failed => Some(End::Failed),
            Self::Timeout => Some(End::Timeout),
            Self::Canceled => Some(End::Canceled),
            Self::Skipped => Some(End::Skipped),
            Self::Blocked => Some(End::Blocked),
            Self::Pending | Self::Ready | Self::Waiting | Self::InProgress | Self::Validating => {
                None
            }
        }
    }

    /// Whether an attempt holds the task.
    #[must_use]
    pub fn is_held(self) -> bool {
        matches!(self, Self::InProgress | Self::Validating)
    }

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Ready => "READY",
            Self::Waiting => "WAITING",
            Self::InProgress => "IN_PROGRESS",
            Self::Validating => "VALIDATING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Timeout => "TIMEOUT",
            Self::Canceled => "CANCELED",
            Self::Skipped => "SKIPPED",
            Self::Blocked => "BLOCKED",
        }
    }
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// What is known of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "is",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum Effect {
    /// Started, and not seen to end.
    Started {
        /// The call's identity.
        call: Digest,
    },
    /// Ended; its output is on record.
    Finished {
        /// The call's identity.
        call: Digest,
        /// The attempt in which it ran.
        attempt: u32,
        /// The number of the tool run in that attempt's activity.
        tool_call: u32,
    },
    /// Started by a host that died: whether it happened is not known.
    Unknown {
        /// The call's identity.
        call: Digest,
        /// Whether the next attempt may start it again.
        repeat: bool,
    },
}

/// How the newest attempt's work ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Last {
    /// The outcome's word.
    pub status: String,
    /// What kind of failure; absent after a success.
    pub class: Option<FailureClass>,
    /// In words.
    pub message: String,
}

/// A task as far as its history goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TaskState {
    /// Where it is.
    pub phase: Phase,
    /// Place in the plan, from 0.
    pub index: u32,
    /// Attempts that were begun; the newest one's number.
    pub attempt: u32,
    /// Attempts that the host's death ended; they do not count as tries of the work.
    pub crashes: u32,
    /// Attempts that a host gave back when it shut down; they do not count as tries either.
    #[serde(default)]
    pub returned: u32,
    /// The newest attempt's fence; 0 before the first.
    pub fence: u64,
    /// The host that holds it, while one does.
    pub epoch: u64,
    /// Which candidate does, or will do, the work.
    pub candidate: u32,
    /// The next attempt not before this, in milliseconds since 1970; 0 for at once.
    pub not_before_ms: u64,
    /// Why its end was asked for.
    pub cancel: Option<CancelReason>,
    /// What a person is asked, and until when.
    pub question: Option<(Question, Option<u64>)>,
    /// What the person answered.
    pub answer: Option<Answer>,
    /// What the newest attempt asks a person, while nobody has answered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub asked: Option<Asked>,
    /// Its questions that are over, by their number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub answered: BTreeMap<u32, Answered>,
    /// Effects of the current try, by their number. When a try fails by itself, only those are left
    /// that must not be repeated.
    pub effects: BTreeMap<u32, Effect>,
    /// The newest checkpoint.
    pub checkpoint: Option<Digest>,
    /// How many effects had been asked for when it was saved. The next attempt counts on from there.
    #[serde(default)]
    pub checkpoint_effects: u32,
    /// How the newest attempt's work ended, once it has.
    pub last: Option<Last>,
    /// How many gates the attempt has, once they are being checked.
    pub gates: u32,
    /// The gates that have a verdict, by number: verdict, and whether it was required.
    pub verdicts: BTreeMap<u32, (GateWord, bool)>,
}

/// An event that cannot follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IllegalEvent {
    /// Not from this state.
    #[error("{event} cannot happen to a task that is {phase}")]
    Phase {
        /// The event.
        event: &'static str,
        /// Where the task is.
        phase: Phase,
    },
    /// Of an attempt that is not the newest.
    #[error("{event} comes from an attempt with fence {found}; the newest has {newest}")]
    Fence {
        /// The event.
        event: &'static str,
        /// The event's fence.
        found: u64,
        /// The task's.
        newest: u64,
    },
    /// The event does not fit what was before it.
    #[error("{event} cannot follow here: {why}")]
    Order {
        /// The event.
        event: &'static str,
        /// What does not fit.
        why: &'static str,
    },
    /// The event belongs to another kind of stream.
    #[error("{event} is not an event of a {stream}")]
    Stream {
        /// The event.
        event: &'static str,
        /// The kind of stream.
        stream: &'static str,
    },
    /// The first event of a task or run is missing.
    #[error("{event} cannot be the first event of a {stream}")]
    First {
        /// The event.
        event: &'static str,
        /// The kind of stream.
        stream: &'static str,
    },
}

impl TaskState {
    /// The state after a task's first event.
    ///
    /// # Errors
    /// It is not `TASK_QUEUED`.
    pub fn begin(event: &LedgerEvent) -> Result<Self, IllegalEvent> {
        let LedgerEvent::TaskQueued { index, ready, .. } = event else {
            return Err(IllegalEvent::First {
                event: event.word(),
                stream: "task",
            });
        };
        Ok(Self {
            phase: if *ready { Phase::Ready } else { Phase::Pending },
            index: *index,
            attempt: 0,
            crashes: 0,
            returned: 0,
            fence: 0,
            epoch: 0,
            candidate: 0,
            not_before_ms: 0,
            cancel: None,
            question: None,
            answer: None,
            asked: None,
            answered: BTreeMap::new(),
            effects: BTreeMap::new(),
            checkpoint: None,
            checkpoint_effects: 0,
            last: None,
            gates: 0,
            verdicts: BTreeMap::new(),
        })
    }

    /// How often the work was tried, the newest attempt included: what a retry policy counts.
    #[must_use]
    pub fn tries(&self) -> u32 {
        self.attempt
            .saturating_sub(self.crashes)
            .saturating_sub(self.returned)
    }

    /// Whether the newest attempt's work ended well.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.class.is_none())
    }

    /// Whether an event of this task leaves its state as it is: it only has to come from the
    /// newest attempt. The ledger need not store the state again.
    #[must_use]
    pub fn is_unchanged_by(event: &LedgerEvent) -> bool {
        matches!(event, LedgerEvent::Activity { .. })
    }

    /// The state after one more event.
    ///
    /// # Errors
    /// The event cannot have happened here; the state is as it was.
    pub fn apply(&mut self, event: &LedgerEvent) -> Result<(), IllegalEvent> {
        Transition { state: self, event }.make()
    }

    /// Whether the gates that have a verdict let the task complete. With `require_evidence` at
    /// least one has to have passed, and a required one that found nothing to check does not.
    #[must_use]
    pub fn gates_hold(&self, require_evidence: bool) -> bool {
        let evidence = self
            .verdicts
            .values()
            .any(|(word, _)| *word == GateWord::Passed);
        let held = self.verdicts.values().all(|(word, required)| match word {
            GateWord::Passed | GateWord::Skipped => true,
            GateWord::NothingCollected => !(require_evidence && *required),
            GateWord::Failed | GateWord::Error => !*required,
        });
        held && (evidence || !require_evidence)
    }
}
