//! What follows when an attempt's work has ended: the next attempt, the gates, or the task's end.
//!
//! Never: an end without what follows from it in the same commit; a retry of a denial.

use remit_core::durable::{Effect, End, LedgerEvent, Phase, Severity, Stream, TaskState, Trigger};
use remit_core::outcome::CancelReason;
use remit_core::retry::{FailureClass, Retry, RetryPolicy};
use serde_json::Value;

use super::input::{EndedAttempt, TaskKey};
use super::send::{Batch, Part};
use super::task::{Run, Task};
use super::{Alarm, Dispatcher};
use crate::durable::ledger::Expect;

/// What a plugin's failure is called that only stands for one that is to come (R2.15).
const STUB_CODES: [&str; 3] = ["stub", "not-implemented", "unimplemented"];

/// Why a task failed whose plan says so of effects of which is not known whether they happened.
const EFFECT_UNKNOWN: &str = "effect-unknown";

/// What follows.
pub(super) enum Then {
    Completed,
    Validating(u32),
    Retry {
        candidate: u32,
        not_before_ms: u64,
        reason: String,
    },
    Failed {
        code: String,
        reasons: Vec<String>,
    },
    TimedOut(u64),
    Canceled(CancelReason),
    /// The host gives it back: it shuts down, or may have lost it.
    GivenBack(String),
}

impl Dispatcher {
    /// An attempt's work has ended.
    pub(super) fn attempt_ended(
        &mut self,
        key: TaskKey,
        fence: u64,
        ended: Box<EndedAttempt>,
        now_ms: u64,
    ) {
        let Some(task) = self.task_mut(key) else {
            return;
        };
        task.running = false;
        let deadline = task.deadline_ms.take();
        task.time_left_ms = None;
        let is_newest = task.state.fence == fence;
        if is_newest {
            if let Some((digest, effects)) = ended.checkpoint {
                task.state.checkpoint = Some(digest);
                task.state.checkpoint_effects = effects;
            }
            task.ended = Some(ended);
        }
        if let Some(at) = deadline {
            self.alarms.remove(&(at, Alarm::Task(key)));
        }
        if !is_newest {
            // Its task is someone else's by now; nothing it says counts.
            self.release(key);
        }
        self.step(key, now_ms);
    }

    /// A task that an attempt holds.
    pub(super) fn step_held(&mut self, key: TaskKey, now_ms: u64) {
        let Some(run) = self.runs.get(&key.run) else {
            return;
        };
        let Some(task) = run.task(key.index) else {
            return;
        };
        if task.state.epoch != self.epoch {
            if self.is_gone(task.state.epoch) {
                self.take_over(key, now_ms);
            }
            return;
        }
        let asked = run.cancel_of(task);
        if task.ended.is_some() {
            self.conclude(key, now_ms);
        } else if task.running {
            if let Some(reason) = asked {
                self.tell(key, reason);
            }
        } else if task.state.phase == Phase::Validating {
            self.step_gates(key, now_ms);
        } else if asked.is_some() || self.shutdown || self.lease_lost {
            // It is not begun at all.
            let reason = asked.unwrap_or(CancelReason::Shutdown);
            self.not_begun(key, reason, now_ms);
        } else {
            self.start(key, now_ms);
        }
    }

    fn not_begun(&mut self, key: TaskKey, reason: CancelReason, now_ms: u64) {
        let Some(task) = self.task_mut(key) else {
            return;
        };
        let outcome = remit_core::outcome::Outcome::Cancelled { reason };
        task.told = Some(reason);
        task.ended = Some(Box::new(EndedAttempt {
            result: crate::durable::outcome::result_of(&outcome, 0),
            activity: Vec::new(),
            checkpoint: None,
            open: std::collections::BTreeMap::new(),
        }));
        self.conclude(key, now_ms);
    }

    /// Writes an attempt's end and what follows.
    fn conclude(&mut self, key: TaskKey, now_ms: u64) {
        let Some(task) = self.task(key) else { return };
        let state = task.state.clone();
        let expect = Expect::Fence(state.fence);
        self.conclude_as(key, &state, expect, Vec::new(), now_ms);
    }

    /// Likewise, of a task whose state after `before` is `state`.
    pub(super) fn conclude_as(
        &mut self,
        key: TaskKey,
        state: &TaskState,
        expect: Expect,
        before: Vec<LedgerEvent>,
        now_ms: u64,
    ) {
        let Some(run) = self.runs.get(&key.run) else {
            return;
        };
        let Some(task) = run.task(key.index) else {
            return;
        };
        let Some(ended) = task.ended.clone() else {
            return;
        };
        let given_back = self.given_back(run, task);
        let then = match given_back {
            Some(reason) => Then::GivenBack(reason),
            None => then(run, task, state, &ended, now_ms),
        };
        let class = ended.result.class;
        let once = self.calls(run, task, &ended, &then);
        let mut events = before;
        events.extend(ended.activity);
        let fence = state.fence;
        if let Then::GivenBack(reason) = &then {
            events.extend(unknown(task, &ended.open));
            events.push(LedgerEvent::AttemptLost {
                fence,
                reason: reason.clone(),
                orderly: true,
            });
        } else {
            let result = Box::new(ended.result);
            events.push(LedgerEvent::AttemptEnded { fence, result });
            events.extend(then.event(state));
        }
        let adapter = task.adapter.clone();
        let judged = task.judged;
        let mut batch = Batch::default();
        if let Some(adapter) = adapter.filter(|_| !judged) {
            let who = self.who(key, state.attempt);
            let class = match then {
                Then::GivenBack(_) => Some(FailureClass::Cancelled),
                Then::Completed
                | Then::Validating(_)
                | Then::Retry { .. }
                | Then::Failed { .. }
                | Then::TimedOut(_)
                | Then::Canceled(_) => class,
            };
            self.judge(key, &adapter, who, class, now_ms, &mut batch);
        }
        self.send_end(key, expect, events, then.end(), batch, once, now_ms);
    }

    /// Sends an end, with what it means for those that need the task.
    #[expect(
        clippy::too_many_arguments,
        reason = "one commit is made of all of these"
    )]
    pub(super) fn send_end(
        &mut self,
        key: TaskKey,
        expect: Expect,
        events: Vec<LedgerEvent>,
        end: Option<End>,
        mut batch: Batch,
        once: Vec<(Stream, LedgerEvent)>,
        now_ms: u64,
    ) {
        let validating = |event: &LedgerEvent| matches!(event, LedgerEvent::TaskValidating { .. });
        if !events.iter().any(validating) {
            // Its work is over, whatever the ledger says to it.
            self.release(key);
        }
        batch.parts.push(Part {
            key,
            expect,
            events,
        });
        if let Some(end) = end {
            batch.parts.extend(self.behind(key, end));
        }
        self.send(batch, once, None, now_ms);
    }

    /// Why the attempt goes back into the queue instead of ending, if it does.
    fn given_back(&self, run: &Run, task: &Task) -> Option<String> {
        let class = task.ended.as_ref().and_then(|ended| ended.result.class);
        let cancelled = class == Some(FailureClass::Cancelled);
        if !cancelled || run.cancel_of(task).is_some() || task.late {
            return None;
        }
        match task.told {
            Some(CancelReason::Shutdown) => Some("the host shut down".to_owned()),
            Some(CancelReason::Lost) => Some("the host may have lost the task".to_owned()),
            Some(CancelReason::Requested | CancelReason::Revoked | CancelReason::Forced) | None => {
                None
            }
        }
    }

    /// Whom an end calls.
    fn calls(
        &self,
        run: &Run,
        task: &Task,
        ended: &EndedAttempt,
        then: &Then,
    ) -> Vec<(Stream, LedgerEvent)> {
        let mut calls = Vec::new();
        let mut call = |trigger, severity| {
            calls.push(escalation(
                run,
                task,
                trigger,
                severity,
                &ended.result.message,
            ));
        };
        match ended.result.class {
            Some(FailureClass::Crash) => call(Trigger::AdapterCrash, Severity::High),
            Some(FailureClass::Work) if is_stub(&ended.result.outcome) => {
                call(Trigger::StubCalled, Severity::Critical);
            }
            Some(
                FailureClass::Transient
                | FailureClass::Timeout
                | FailureClass::Work
                | FailureClass::Rejected
                | FailureClass::Denied
                | FailureClass::CircuitOpen
                | FailureClass::Input
                | FailureClass::Cancelled
                | FailureClass::Unavailable
                | FailureClass::Host,
            )
            | None => {}
        }
        if let Then::TimedOut(_) = then {
            call(Trigger::Timeout, Severity::Medium);
        }
        if matches!(then.end(), Some(End::Failed | End::Timeout)) && escalates(run) {
            call(Trigger::TaskFailed, Severity::High);
        }
        calls
    }
}

/// Whether the plan wants a person on any failure.
pub(super) fn escalates(run: &Run) -> bool {
    run.settings.on_failure == remit_core::plan::OnFailure::Escalate
}

/// An event that calls a person.
pub(super) fn escalation(
    run: &Run,
    task: &Task,
    trigger: Trigger,
    severity: Severity,
    message: &str,
) -> (Stream, LedgerEvent) {
    let event = LedgerEvent::Escalation {
        trigger,
        severity,
        about: Some(task.spec.id.clone()),
        message: message.to_owned(),
    };
    (Stream::Run(run.id.clone()), event)
}

fn is_stub(outcome: &Value) -> bool {
    let code = outcome.get("code").and_then(Value::as_str);
    code.is_some_and(|code| STUB_CODES.contains(&code))
}

/// Effects that have no known end.
pub(super) fn unknown(
    task: &Task,
    open: &std::collections::BTreeMap<u32, String>,
) -> Vec<LedgerEvent> {
    let repeat = match task.spec.on_unknown {
        remit_core::plan::OnUnknown::Repeat => true,
        remit_core::plan::OnUnknown::Fail => false,
    };
    let events = open
        .iter()
        .map(|(effect, tool)| LedgerEvent::EffectUnknown {
            effect: *effect,
            tool: tool.clone(),
            repeat,
        });
    events.collect()
}

fn then(run: &Run, task: &Task, state: &TaskState, ended: &EndedAttempt, now_ms: u64) -> Then {
    if let Some(reason) = run.cancel_of(task) {
        return Then::Canceled(reason);
    }
    let Some(class) = ended.result.class else {
        let gates = u32::try_from(run.gates(&task.spec).count()).unwrap_or(u32::MAX);
        return match gates {
            0 if run.settings.require_evidence => Then::Failed {
                code: "no-evidence".to_owned(),
                reasons: vec!["evidence is required, and the task has no gate".to_owned()],
            },
            0 => Then::Completed,
            gates => Then::Validating(gates),
        };
    };
    if class == FailureClass::Cancelled && !task.late {
        let reason = ended.result.outcome.get("reason").cloned();
        let reason = reason.and_then(|reason| serde_json::from_value(reason).ok());
        return Then::Canceled(reason.unwrap_or(CancelReason::Requested));
    }
    let is_barred = |effect: &Effect| matches!(effect, Effect::Unknown { repeat: false, .. });
    if state.effects.values().any(is_barred) {
        // Another try would ask for it again, and be refused again.
        return Then::Failed {
            code: EFFECT_UNKNOWN.to_owned(),
            reasons: vec![ended.result.message.clone()],
        };
    }
    let class = if task.late {
        FailureClass::Timeout
    } else {
        class
    };
    after_failure(run, task, state, class, &ended.result.message, now_ms)
        .unwrap_or_else(|| given_up(run, task, state, class, ended))
}

fn given_up(
    run: &Run,
    task: &Task,
    state: &TaskState,
    class: FailureClass,
    ended: &EndedAttempt,
) -> Then {
    if class == FailureClass::Timeout {
        let span = task
            .spec
            .timeout
            .or(run.settings.timeout)
            .map(|span| span.get());
        let own = span.map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
        let seen = ended.result.outcome.get("limit-ms").and_then(Value::as_u64);
        return Then::TimedOut(own.or(seen).unwrap_or(0));
    }
    let mut reasons = vec![ended.result.message.clone()];
    if state.tries() > 1 {
        reasons.push(format!("{} attempts were made", state.tries()));
    }
    Then::Failed {
        code: class.word().to_owned(),
        reasons,
    }
}

/// The next attempt, if there is one: the next candidate at once while there are new ones, then
/// what the policy says.
pub(super) fn after_failure(
    run: &Run,
    task: &Task,
    state: &TaskState,
    class: FailureClass,
    message: &str,
    now_ms: u64,
) -> Option<Then> {
    let candidates = u32::try_from(task.candidates().len())
        .unwrap_or(u32::MAX)
        .max(1);
    let next = state.candidate.saturating_add(1);
    if class.falls_back() && next < candidates && state.tries() <= candidates {
        return Some(Then::Retry {
            candidate: next,
            not_before_ms: now_ms,
            reason: format!("{message}; the next candidate is tried"),
        });
    }
    let policy: RetryPolicy = run.policy(&task.spec);
    let seed = format!("{}/{}", run.id, task.spec.id);
    match policy.next(state.tries(), class, &seed) {
        Retry::After(wait) => {
            let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            let candidate = if class.falls_back() {
                next % candidates
            } else {
                state.candidate
            };
            Some(Then::Retry {
                candidate,
                not_before_ms: now_ms.saturating_add(wait),
                reason: message.to_owned(),
            })
        }
        Retry::Exhausted | Retry::Never(_) => None,
    }
}

impl Then {
    /// The event that says so.
    pub(super) fn event(&self, state: &TaskState) -> Option<LedgerEvent> {
        Some(match self {
            Self::Completed => LedgerEvent::TaskCompleted,
            Self::Validating(gates) => LedgerEvent::TaskValidating {
                fence: state.fence,
                gates: *gates,
            },
            Self::Retry {
                candidate,
                not_before_ms,
                reason,
            } => LedgerEvent::TaskRetry {
                attempt: state.attempt,
                not_before_ms: *not_before_ms,
                candidate: *candidate,
                reason: reason.clone(),
            },
            Self::Failed { code, reasons } => LedgerEvent::TaskFailed {
                code: code.clone(),
                reasons: reasons.clone(),
            },
            Self::TimedOut(limit_ms) => LedgerEvent::TaskTimeout {
                limit_ms: *limit_ms,
            },
            Self::Canceled(reason) => LedgerEvent::TaskCanceled { reason: *reason },
            Self::GivenBack(_) => return None,
        })
    }

    /// How the task ends with it, if it does.
    pub(super) fn end(&self) -> Option<End> {
        match self {
            Self::Completed => Some(End::Completed),
            Self::Failed { .. } => Some(End::Failed),
            Self::TimedOut(_) => Some(End::Timeout),
            Self::Canceled(_) => Some(End::Canceled),
            Self::Validating(_) | Self::Retry { .. } | Self::GivenBack(_) => None,
        }
    }
}
