//! The words of durable execution: how bad, why, how it ended, what was asked and answered.
//!
//! Never: a word whose JSON form changes.

use serde::{Deserialize, Serialize};

use super::name::AdapterId;

/// How bad something is that a person should see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Severity {
    /// Worth a look.
    Medium,
    /// Execution goes on with less than it should have.
    High,
    /// Execution cannot go on, or what was reported as done was never done.
    Critical,
}

/// What calls for a person (R2.15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// A plugin that does nothing was called.
    StubCalled,
    /// A circuit breaker opened.
    CircuitOpened,
    /// A task's acceptance gates failed in every attempt it had.
    AcceptanceFailedRepeatedly,
    /// A task took longer than it may.
    Timeout,
    /// An adapter crashed.
    AdapterCrash,
    /// Whether an effect happened is not known.
    EffectUnknown,
    /// The plan asks for a person on any failure (`on-failure: escalate`).
    TaskFailed,
}

/// Why no new attempt starts until a person has looked (R2.15).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "cause",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum SafeModeCause {
    /// Every adapter that the run needs is unhealthy.
    AllAdaptersUnhealthy,
    /// A circuit has been open for longer than it may.
    CircuitOpenTooLong {
        /// Whose.
        adapter: AdapterId,
    },
    /// Plugins or tools cannot be run here.
    EnvironmentUnavailable {
        /// Why.
        message: String,
    },
    /// A person asked for it.
    Requested,
}

/// How a task ended, in the words of R2.11.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum End {
    /// The work was done and every gate passed.
    Completed,
    /// It was tried and failed, or judged not good enough.
    Failed,
    /// It took longer than it may.
    Timeout,
    /// Someone asked for its end.
    Canceled,
    /// It was not to be done.
    Skipped,
    /// Something that it needs did not complete.
    Blocked,
}

impl End {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Completed,
        Self::Failed,
        Self::Timeout,
        Self::Canceled,
        Self::Skipped,
        Self::Blocked,
    ];
}

/// What a person is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// To do something, and to say how it went: `remit task done|fail`.
    Manual,
    /// To say yes or no: `remit approve|reject`.
    Approval,
}

/// What a person answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It is done, or approved.
    Yes,
    /// It failed, or is rejected.
    No,
}

/// The verdict of an acceptance gate, without its details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateWord {
    /// The criteria are met.
    Passed,
    /// They are not.
    Failed,
    /// The check itself did not work: it crashed, is missing, or was called wrongly.
    Error,
    /// The check worked and found nothing to check.
    NothingCollected,
    /// It was not to be made.
    Skipped,
}
