//! What can happen to a run and its tasks, as it stands in the ledger: past tense, already true.
//!
//! The ledger is the only truth of durable execution: every state is a fold of these events, live
//! and after a crash alike. Each event belongs to one [`Stream`](super::Stream) — the host, a run, or a task — and
//! has a number in it; all events together have one order. The words (`TASK_STARTED`) are the
//! source documents' (R2.05 and the inventory of events).
//!
//! Never: a secret, an environment value, an event whose meaning depends on a clock.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::asked::AskedBy;
use super::name::{AdapterId, TaskId};
use super::words::{Answer, GateWord, Question, SafeModeCause, Severity, Trigger};
use crate::digest::Digest;
use crate::event::Event;
use crate::outcome::CancelReason;
use crate::plan::{RunSettings, TaskSpec};
use crate::retry::FailureClass;

/// How an attempt ended, without what it produced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AttemptResult {
    /// The outcome's word: `succeeded`, `failed`, `plugin-fault`, …
    pub status: String,
    /// The outcome's exit code.
    pub exit_code: u8,
    /// What kind of failure; absent after a success.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub class: Option<FailureClass>,
    /// What happened, in one line for people.
    pub message: String,
    /// The whole outcome, in the artifact store, if it is larger than an event should be.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub outcome_digest: Option<Digest>,
    /// The whole outcome as JSON, if it is small.
    #[serde(skip_serializing_if = "Value::is_null", default)]
    pub outcome: Value,
    /// How long the attempt took, in milliseconds.
    pub wall_ms: u64,
}

/// Something that happened to the host, a run or a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "event",
    rename_all = "SCREAMING_SNAKE_CASE",
    rename_all_fields = "kebab-case"
)]
pub enum LedgerEvent {
    // ---- the host's stream ----
    /// A host began to use the ledger.
    HostStarted {
        /// Its number; a new one for each process.
        epoch: u64,
        /// Its process id, for people.
        pid: u32,
        /// The version of the program.
        version: String,
    },
    /// A circuit breaker opened: calls of the adapter are refused until then.
    CircuitOpened {
        /// Whose.
        adapter: AdapterId,
        /// When a probe may be tried, in milliseconds since 1970.
        until_ms: u64,
    },
    /// A circuit breaker lets one probe through.
    CircuitHalfOpen {
        /// Whose.
        adapter: AdapterId,
    },
    /// A circuit breaker closed: calls go through.
    CircuitClosed {
        /// Whose.
        adapter: AdapterId,
        /// Whether a person closed it.
        by_hand: bool,
    },
    /// No new attempt starts until a person has looked.
    SafeModeEntered {
        /// Why.
        #[serde(flatten)]
        cause: SafeModeCause,
    },
    /// Attempts may start again.
    SafeModeLeft {
        /// Who said so.
        by: String,
    },

    // ---- a run's stream ----
    /// A plan was accepted. Its tasks are in the same commit.
    RunSubmitted {
        /// What applies to the whole run.
        settings: Box<RunSettings>,
        /// How many tasks it has.
        tasks: u64,
        /// Where the plan came from, for people.
        source: String,
        /// The plan file's digest.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        plan: Option<Digest>,
    },
    /// A host began to carry it out, or to go on with it.
    RunStarted {
        /// The host.
        epoch: u64,
        /// Whether another one had begun.
        resumed: bool,
    },
    /// Someone asked for its end.
    RunCancelRequested {
        /// Why.
        reason: CancelReason,
        /// Who.
        by: String,
    },
    /// Something calls for a person.
    Escalation {
        /// What.
        trigger: Trigger,
        /// How bad.
        severity: Severity,
        /// The task that it is about.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        about: Option<TaskId>,
        /// In words.
        message: String,
    },
    /// Every task has ended. The last event of a run, exactly once.
    ExecutionFinished {
        /// How many tasks completed.
        completed: u64,
        /// How many did not, whatever the reason.
        not_completed: u64,
        /// How long it took since it was submitted, in milliseconds.
        wall_ms: u64,
    },

    // ---- a task's stream ----
    /// The task is part of a run. Always the first event of a task.
    TaskQueued {
        /// Place in the plan, from 0.
        index: u32,
        /// What is to be done.
        spec: Box<TaskSpec>,
        /// Whether it needs nothing that is not there yet.
        ready: bool,
    },
    /// Everything that it needs has completed.
    TaskReady,
    /// A host took it: an attempt begins.
    TaskStarted {
        /// The attempt, from 1.
        attempt: u32,
        /// Larger than any fence of this task before. Later writes of older attempts are refused.
        fence: u64,
        /// The host.
        epoch: u64,
        /// Who does the work.
        adapter: AdapterId,
        /// Which of the task's candidates that is, from 0.
        candidate: u32,
    },
    /// A person is asked, by the plan or by the attempt that is being made.
    TaskWaiting {
        /// For what.
        question: Question,
        /// The text that the person reads.
        text: String,
        /// When the question ends by itself, in milliseconds since 1970.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        expires_ms: Option<u64>,
        /// The attempt that asks and waits; absent if the task itself is what a person does or
        /// decides.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        asked_by: Option<AskedBy>,
    },
    /// A person answered.
    TaskAnswered {
        /// What.
        answer: Answer,
        /// Who.
        by: String,
        /// What the person added.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        note: Option<String>,
    },
    /// Nobody answered in time.
    TaskExpired,
    /// A tool is about to be started. On disk before the tool is.
    EffectStarted {
        /// The attempt's fence.
        fence: u64,
        /// Which effect of the task: the order in which its plugin asks, from 1.
        effect: u32,
        /// What identifies the call: digest of tool, template, arguments, directory and input.
        call: Digest,
        /// The owner's name for the tool.
        tool: String,
        /// The owner's name for the argument shape.
        template: String,
    },
    /// The tool has ended, and everything that it wrote is in the events before this one.
    EffectFinished {
        /// The attempt's fence.
        fence: u64,
        /// Which effect.
        effect: u32,
        /// The attempt's number of the tool run, as in its activity.
        tool_call: u32,
        /// Whether the tool's declaration counts the end as success.
        success: bool,
    },
    /// The tool was not started after all.
    EffectRefused {
        /// The attempt's fence.
        fence: u64,
        /// Which effect.
        effect: u32,
        /// Why.
        message: String,
    },
    /// The host died between start and end: whether the effect happened is not known.
    EffectUnknown {
        /// Which effect.
        effect: u32,
        /// The tool.
        tool: String,
        /// Whether the next attempt may start it again.
        repeat: bool,
    },
    /// A finished effect was not run again: its plugin got what was recorded.
    EffectReplayed {
        /// The attempt's fence.
        fence: u64,
        /// Which effect.
        effect: u32,
    },
    /// The plugin saved a checkpoint. The next attempt gets it.
    CheckpointCreated {
        /// The attempt's fence.
        fence: u64,
        /// The bytes, in the artifact store.
        digest: Digest,
        /// How many.
        bytes: u64,
        /// How many effects the plugin had asked for by then: the next attempt's first one comes
        /// after them, so that it is known for what it is.
        #[serde(default)]
        effects: u32,
    },
    /// The attempt's work has ended.
    AttemptEnded {
        /// The attempt's fence.
        fence: u64,
        /// How.
        result: Box<AttemptResult>,
    },
    /// The work succeeded; its acceptance gates are next.
    TaskValidating {
        /// The attempt's fence.
        fence: u64,
        /// How many gates there are.
        gates: u32,
    },
    /// A gate has its verdict.
    GateFinished {
        /// The attempt's fence.
        fence: u64,
        /// Which gate of the task, from 0.
        gate: u32,
        /// Its name.
        name: String,
        /// Its kind, in the plan's words.
        kind: String,
        /// The verdict.
        verdict: GateWord,
        /// Whether the task fails if it is not passed.
        required: bool,
        /// Why.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        reasons: Vec<String>,
        /// How long it took, in milliseconds.
        wall_ms: u64,
    },
    /// Another attempt will be made.
    TaskRetry {
        /// The attempt that failed.
        attempt: u32,
        /// Not before, in milliseconds since 1970.
        not_before_ms: u64,
        /// Which of the task's candidates does it.
        candidate: u32,
        /// Why, in words.
        reason: String,
    },
    /// The host that checked the attempt's gates is gone; another goes on with the missing ones.
    ValidationResumed {
        /// The new fence: the old host's writes are refused from now on.
        fence: u64,
        /// The host that goes on.
        epoch: u64,
    },
    /// The host that had the attempt is gone. The task can be taken again.
    AttemptLost {
        /// The attempt's fence.
        fence: u64,
        /// How that is known.
        reason: String,
        /// Whether the host gave the attempt back in good order; else its end counts as a crash.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        orderly: bool,
    },
    /// Someone asked for the task's end.
    TaskCancelRequested {
        /// Why.
        reason: CancelReason,
        /// Who.
        by: String,
    },
    /// The task ended well. Terminal.
    TaskCompleted,
    /// The task failed. Terminal.
    TaskFailed {
        /// Stable kebab-case word.
        code: String,
        /// Why.
        reasons: Vec<String>,
    },
    /// The task took longer than it may. Terminal.
    TaskTimeout {
        /// The limit in milliseconds.
        limit_ms: u64,
    },
    /// The task was cancelled. Terminal.
    TaskCanceled {
        /// Why.
        reason: CancelReason,
    },
    /// The task was not to be done. Terminal.
    TaskSkipped {
        /// Why.
        reason: String,
    },
    /// Something that the task needs did not complete. Terminal.
    TaskBlocked {
        /// What.
        by: TaskId,
    },
    /// A person does not want to wait for the next attempt.
    TaskHurried {
        /// Who.
        by: String,
    },
    /// Something that an attempt did, as its own event.
    Activity {
        /// The attempt.
        attempt: u32,
        /// The attempt's fence.
        fence: u64,
        /// What.
        #[serde(flatten)]
        activity: Box<Event>,
    },
}

impl LedgerEvent {
    /// The words of all events, as they stand in `event`.
    pub const WORDS: [&'static str; 38] = [
        "HOST_STARTED",
        "CIRCUIT_OPENED",
        "CIRCUIT_HALF_OPEN",
        "CIRCUIT_CLOSED",
        "SAFE_MODE_ENTERED",
        "SAFE_MODE_LEFT",
        "RUN_SUBMITTED",
        "RUN_STARTED",
        "RUN_CANCEL_REQUESTED",
        "ESCALATION",
        "EXECUTION_FINISHED",
        "TASK_QUEUED",
        "TASK_READY",
        "TASK_STARTED",
        "TASK_WAITING",
        "TASK_ANSWERED",
        "TASK_EXPIRED",
        "EFFECT_STARTED",
        "EFFECT_FINISHED",
        "EFFECT_REFUSED",
        "EFFECT_UNKNOWN",
        "EFFECT_REPLAYED",
        "CHECKPOINT_CREATED",
        "ATTEMPT_ENDED",
        "TASK_VALIDATING",
        "GATE_FINISHED",
        "TASK_RETRY",
        "VALIDATION_RESUMED",
        "ATTEMPT_LOST",
        "TASK_CANCEL_REQUESTED",
        "TASK_COMPLETED",
        "TASK_FAILED",
        "TASK_TIMEOUT",
        "TASK_CANCELED",
        "TASK_SKIPPED",
        "TASK_BLOCKED",
        "TASK_HURRIED",
        "ACTIVITY",
    ];

    /// The event's word, as in the JSON form.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::HostStarted { .. } => "HOST_STARTED",
            Self::CircuitOpened { .. } => "CIRCUIT_OPENED",
            Self::CircuitHalfOpen { .. } => "CIRCUIT_HALF_OPEN",
            Self::CircuitClosed { .. } => "CIRCUIT_CLOSED",
            Self::SafeModeEntered { .. } => "SAFE_MODE_ENTERED",
            Self::SafeModeLeft { .. } => "SAFE_MODE_LEFT",
            Self::RunSubmitted { .. } => "RUN_SUBMITTED",
            Self::RunStarted { .. } => "RUN_STARTED",
            Self::RunCancelRequested { .. } => "RUN_CANCEL_REQUESTED",
            Self::Escalation { .. } => "ESCALATION",
            Self::ExecutionFinished { .. } => "EXECUTION_FINISHED",
            Self::TaskQueued { .. } => "TASK_QUEUED",
            Self::TaskReady => "TASK_READY",
            Self::TaskStarted { .. } => "TASK_STARTED",
            Self::TaskWaiting { .. } => "TASK_WAITING",
            Self::TaskAnswered { .. } => "TASK_ANSWERED",
            Self::TaskExpired => "TASK_EXPIRED",
            Self::EffectStarted { .. } => "EFFECT_STARTED",
            Self::EffectFinished { .. } => "EFFECT_FINISHED",
            Self::EffectRefused { .. } => "EFFECT_REFUSED",
            Self::EffectUnknown { .. } => "EFFECT_UNKNOWN",
            Self::EffectReplayed { .. } => "EFFECT_REPLAYED",
            Self::CheckpointCreated { .. } => "CHECKPOINT_CREATED",
            Self::AttemptEnded { .. } => "ATTEMPT_ENDED",
            Self::TaskValidating { .. } => "TASK_VALIDATING",
            Self::GateFinished { .. } => "GATE_FINISHED",
            Self::TaskRetry { .. } => "TASK_RETRY",
            Self::ValidationResumed { .. } => "VALIDATION_RESUMED",
            Self::AttemptLost { .. } => "ATTEMPT_LOST",
            Self::TaskCancelRequested { .. } => "TASK_CANCEL_REQUESTED",
            Self::TaskCompleted => "TASK_COMPLETED",
            Self::TaskFailed { .. } => "TASK_FAILED",
            Self::TaskTimeout { .. } => "TASK_TIMEOUT",
            Self::TaskCanceled { .. } => "TASK_CANCELED",
            Self::TaskSkipped { .. } => "TASK_SKIPPED",
            Self::TaskBlocked { .. } => "TASK_BLOCKED",
            Self::TaskHurried { .. } => "TASK_HURRIED",
            Self::Activity { .. } => "ACTIVITY",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_that_can_be_read_has_its_word_in_the_list() {
        let error = serde_json::from_str::<LedgerEvent>(r#"{"event": "?"}"#).unwrap_err();
        let message = error.to_string();
        let named: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
        assert_eq!(named, LedgerEvent::WORDS);
    }
}
