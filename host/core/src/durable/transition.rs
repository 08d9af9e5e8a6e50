//! The legal moves of a task, one function for each event.
//!
//! Never: a way out of a terminal state; a write of an attempt that is not the newest.

use super::event::{AttemptResult, LedgerEvent};
use super::task::{Effect, IllegalEvent, Last, MAX_EFFECTS, Phase, TaskState};
use super::words::{Answer, GateWord, Question};
use crate::digest::Digest;
use crate::outcome::CancelReason;

/// One event about to happen to one task.
pub(super) struct Transition<'a> {
    pub(super) state: &'a mut TaskState,
    pub(super) event: &'a LedgerEvent,
}

impl Transition<'_> {
    fn refuse(&self) -> IllegalEvent {
        IllegalEvent::Phase {
            event: self.event.word(),
            phase: self.state.phase,
        }
    }

    pub(super) fn order(&self, why: &'static str) -> IllegalEvent {
        IllegalEvent::Order {
            event: self.event.word(),
            why,
        }
    }

    /// The task is in one of these phases.
    pub(super) fn from(&self, phases: &[Phase]) -> Result<(), IllegalEvent> {
        if phases.contains(&self.state.phase) {
            Ok(())
        } else {
            Err(self.refuse())
        }
    }

    /// The event comes from the attempt that holds the task.
    pub(super) fn held_by(&self, fence: u64, phases: &[Phase]) -> Result<(), IllegalEvent> {
        if fence != self.state.fence {
            return Err(IllegalEvent::Fence {
                event: self.event.word(),
                found: fence,
                newest: self.state.fence,
            });
        }
        self.from(phases)
    }

    pub(super) fn make(self) -> Result<(), IllegalEvent> {
        use LedgerEvent as E;
        match self.event {
            E::TaskQueued { .. } => Err(self.order("a task is queued once, as its first event")),
            E::TaskReady => self.ready(),
            E::TaskHurried { .. } => self.hurried(),
            E::TaskStarted { .. } => self.make_started(),
            E::ValidationResumed { fence, epoch } => self.resumed(*fence, *epoch),
            E::AttemptLost { fence, orderly, .. } => self.lost(*fence, *orderly),
            E::TaskWaiting { .. } | E::TaskAnswered { .. } | E::TaskExpired => self.make_asked(),
            E::EffectStarted { .. }
            | E::EffectFinished { .. }
            | E::EffectRefused { .. }
            | E::EffectUnknown { .. }
            | E::EffectReplayed { .. } => self.make_effect(),
            E::CheckpointCreated { .. } => self.checkpoint(),
            E::AttemptEnded { fence, result } => self.attempt_ended(*fence, result),
            E::TaskValidating { fence, gates } => self.validating(*fence, *gates),
            E::GateFinished {
                fence,
                gate,
                verdict,
                required,
                ..
            } => self.gate_finished(*fence, *gate, (*verdict, *required)),
            E::TaskRetry {
                attempt,
                not_before_ms,
                candidate,
                ..
            } => self.retry(*attempt, *not_before_ms, *candidate),
            E::Activity { fence, .. } => {
                self.held_by(*fence, &[Phase::InProgress, Phase::Validating])
            }
            E::TaskCancelRequested { reason, .. } => self.cancel_requested(*reason),
            E::TaskCompleted => self.completed(),
            E::TaskFailed { .. } => self.ended(Phase::Failed, &WORKED_ON),
            E::TaskTimeout { .. } => self.ended(Phase::Timeout, &WORKED_ON),
            E::TaskCanceled { .. } => self.ended(Phase::Canceled, &OPEN),
            E::TaskSkipped { .. } => self.ended(Phase::Skipped, &[Phase::Pending, Phase::Ready]),
            E::TaskBlocked { .. } => self.ended(Phase::Blocked, &[Phase::Pending]),
            E::HostStarted { .. }
            | E::CircuitOpened { .. }
            | E::CircuitHalfOpen { .. }
            | E::CircuitClosed { .. }
            | E::SafeModeEntered { .. }
            | E::SafeModeLeft { .. }
            | E::RunSubmitted { .. }
            | E::RunStarted { .. }
            | E::RunCancelRequested { .. }
            | E::Escalation { .. }
            | E::ExecutionFinished { .. } => Err(IllegalEvent::Stream {
                event: self.event.word(),
                stream: "task",
            }),
        }
    }

    fn make_started(self) -> Result<(), IllegalEvent> {
        if let LedgerEvent::TaskStarted {
            attempt,
            fence,
            epoch,
            candidate,
            ..
        } = self.event
        {
            self.started(*attempt, *fence, *epoch, *candidate)
        } else {
            Err(self.refuse())
        }
    }

    /// The events about tools alone.
    fn make_effect(self) -> Result<(), IllegalEvent> {
        use LedgerEvent as E;
        if let E::EffectStarted {
            fence,
            effect,
            call,
            ..
        } = self.event
        {
            self.effect_started(*fence, *effect, *call)
        } else if let E::EffectFinished {
            fence,
            effect,
            tool_call,
            ..
        } = self.event
        {
            self.effect_finished(*fence, *effect, *tool_call)
        } else if let E::EffectRefused { fence, effect, .. } = self.event {
            self.effect_refused(*fence, *effect)
        } else if let E::EffectUnknown { effect, repeat, .. } = self.event {
            self.effect_unknown(*effect, *repeat)
        } else if let E::EffectReplayed { fence, effect } = self.event {
            self.effect_replayed(*fence, *effect)
        } else {
            Err(self.refuse())
        }
    }

    fn ready(self) -> Result<(), IllegalEvent> {
        self.from(&[Phase::Pending])?;
        self.state.phase = Phase::Ready;
        Ok(())
    }

    fn hurried(self) -> Result<(), IllegalEvent> {
        self.from(&[Phase::Ready])?;
        self.state.not_before_ms = 0;
        Ok(())
    }

    fn started(
        self,
        attempt: u32,
        fence: u64,
        epoch: u64,
        candidate: u32,
    ) -> Result<(), IllegalEvent> {
        self.from(&[Phase::Ready])?;
        if attempt != self.state.attempt.saturating_add(1) {
            return Err(self.order("attempts are numbered one after the other"));
        }
        self.newer(fence)?;
        let state = self.state;
        state.phase = Phase::InProgress;
        state.attempt = attempt;
        state.fence = fence;
        state.epoch = epoch;
        state.candidate = candidate;
        state.not_before_ms = 0;
        state.last = None;
        state.gates = 0;
        state.verdicts.clear();
        Ok(())
    }

    fn newer(&self, fence: u64) -> Result<(), IllegalEvent> {
        if fence > self.state.fence {
            Ok(())
        } else {
            Err(self.order("each fence is larger than the one before"))
        }
    }

    fn resumed(self, fence: u64, epoch: u64) -> Result<(), IllegalEvent> {
        self.from(&[Phase::Validating])?;
        self.newer(fence)?;
        self.state.fence = fence;
        self.state.epoch = epoch;
        Ok(())
    }

    fn lost(self, fence: u64, orderly: bool) -> Result<(), IllegalEvent> {
        self.held_by(fence, &[Phase::InProgress])?;
        let open = |effect: &Effect| matches!(effect, Effect::Started { .. });
        if self.state.effects.values().any(open) {
            return Err(self.order("an effect of the attempt has no known end"));
        }
        let state = self.state;
        state.phase = Phase::Ready;
        let count = if orderly {
            &mut state.returned
        } else {
            &mut state.crashes
        };
        *count = count.saturating_add(1);
        state.epoch = 0;
        Ok(())
    }

    pub(super) fn waiting(
        self,
        question: Question,
        expires_ms: Option<u64>,
    ) -> Result<(), IllegalEvent> {
        self.from(&[Phase::Ready])?;
        self.state.phase = Phase::Waiting;
        self.state.question = Some((question, expires_ms));
        Ok(())
    }

    pub(super) fn answered(self, answer: Option<Answer>) -> Result<(), IllegalEvent> {
        self.from(&[Phase::Waiting])?;
        if self.state.answer.is_some() {
            return Err(self.order("it was answered before"));
        }
        self.state.answer = answer;
        Ok(())
    }

    fn effect_started(self, fence: u64, effect: u32, call: Digest) -> Result<(), IllegalEvent> {
        self.held_by(fence, &[Phase::InProgress])?;
        match self.state.effects.get(&effect) {
            None | Some(Effect::Unknown { repeat: true, .. }) => {}
            Some(Effect::Unknown { call: known, .. } | Effect::Finished { call: known, .. }) => {
                if *known == call {
                    return Err(self.order("the effect may not be repeated"));
                }
            }
            Some(Effect::Started { .. }) => return Err(self.order("the effect was started before")),
        }
        self.state.effects.insert(effect, Effect::Started { call });
        Ok(())
    }

    /// The call of an effect that goes on.
    fn going_on(&self, fence: u64, effect: u32) -> Result<Digest, IllegalEvent> {
        self.held_by(fence, &[Phase::InProgress])?;
        match self.state.effects.get(&effect) {
            Some(Effect::Started { call }) => Ok(*call),
            Some(Effect::Finished { .. } | Effect::Unknown { .. }) | None => {
                Err(self.order("the effect was not started"))
            }
        }
    }

    fn effect_finished(self, fence: u64, effect: u32, tool_call: u32) -> Result<(), IllegalEvent> {
        let call = self.going_on(fence, effect)?;
        let attempt = self.state.attempt;
        let finished = Effect::Finished {
            call,
            attempt,
            tool_call,
        };
        self.state.effects.insert(effect, finished);
        if self.state.effects.len() > MAX_EFFECTS {
            self.state.effects.remove(&effect);
        }
        Ok(())
    }

    fn effect_refused(self, fence: u64, effect: u32) -> Result<(), IllegalEvent> {
        self.going_on(fence, effect)?;
        self.state.effects.remove(&effect);
        Ok(())
    }

    fn effect_unknown(self, effect: u32, repeat: bool) -> Result<(), IllegalEvent> {
        let call = self.going_on(self.state.fence, effect)?;
        self.state
            .effects
            .insert(effect, Effect::Unknown { call, repeat });
        Ok(())
    }

    fn effect_replayed(self, fence: u64, effect: u32) -> Result<(), IllegalEvent> {
        self.held_by(fence, &[Phase::InProgress])?;
        match self.state.effects.get(&effect) {
            Some(Effect::Finished { .. }) => Ok(()),
            Some(Effect::Started { .. } | Effect::Unknown { .. }) | None => {
                Err(self.order("the effect was not finished"))
            }
        }
    }

    fn checkpoint(self) -> Result<(), IllegalEvent> {
        let LedgerEvent::CheckpointCreated {
            fence,
            digest,
            effects,
            ..
        } = self.event
        else {
            return Err(self.refuse());
        };
        self.held_by(*fence, &[Phase::InProgress])?;
        self.state.checkpoint = Some(*digest);
        self.state.checkpoint_effects = *effects;
        Ok(())
    }

    fn attempt_ended(self, fence: u64, result: &AttemptResult) -> Result<(), IllegalEvent> {
        self.held_by(fence, &[Phase::InProgress])?;
        if self.state.last.is_some() {
            return Err(self.order("the attempt has ended before"));
        }
        self.state.asked = None;
        self.state.last = Some(Last {
            status: result.status.clone(),
            class: result.class,
            message: result.message.clone(),
        });
        Ok(())
    }

    fn validating(self, fence: u64, gates: u32) -> Result<(), IllegalEvent> {
        self.held_by(fence, &[Phase::InProgress])?;
        if !self.state.succeeded() {
            return Err(self.order("the attempt's work has not succeeded"));
        }
        self.state.phase = Phase::Validating;
        self.state.gates = gates;
        forget_effects(self.state);
        Ok(())
    }

    fn gate_finished(
        self,
        fence: u64,
        gate: u32,
        verdict: (GateWord, bool),
    ) -> Result<(), IllegalEvent> {
        self.held_by(fence, &[Phase::Validating])?;
        if gate >= self.state.gates {
            return Err(self.order("there is no such gate"));
        }
        if self.state.verdicts.contains_key(&gate) {
            return Err(self.order("the gate has its verdict"));
        }
        self.state.verdicts.insert(gate, verdict);
        Ok(())
    }

    fn retry(self, attempt: u32, not_before_ms: u64, candidate: u32) -> Result<(), IllegalEvent> {
        self.from(&[Phase::InProgress, Phase::Validating])?;
        if attempt != self.state.attempt {
            return Err(self.order("it is not the newest attempt"));
        }
        if self.state.last.is_none() {
            return Err(self.order("the attempt has not ended"));
        }
        let state = self.state;
        state.phase = Phase::Ready;
        state.not_before_ms = not_before_ms;
        state.candidate = candidate;
        state.epoch = 0;
        forget_effects(state);
        Ok(())
    }

    fn cancel_requested(self, reason: CancelReason) -> Result<(), IllegalEvent> {
        self.from(&OPEN)?;
        // Reasons only escalate.
        self.state.cancel = self.state.cancel.max(Some(reason));
        Ok(())
    }

    fn completed(self) -> Result<(), IllegalEvent> {
        self.from(&[Phase::InProgress, Phase::Validating, Phase::Waiting])?;
        let state = &self.state;
        let earned = match state.phase {
            Phase::InProgress => state.succeeded(),
            Phase::Validating => state.verdicts.len() as u64 == u64::from(state.gates),
            Phase::Waiting => state.answer == Some(Answer::Yes),
            Phase::Pending
            | Phase::Ready
            | Phase::Completed
            | Phase::Failed
            | Phase::Timeout
            | Phase::Canceled
            | Phase::Skipped
            | Phase::Blocked => false,
        };
        if !earned {
            return Err(self.order("its work has not succeeded"));
        }
        self.ended(Phase::Completed, &WORKED_ON)
    }

    fn ended(self, phase: Phase, from: &[Phase]) -> Result<(), IllegalEvent> {
        self.from(from)?;
        let state = self.state;
        state.phase = phase;
        state.epoch = 0;
        state.effects.clear();
        state.asked = None;
        state.answered.clear();
        Ok(())
    }
}

/// A try that ended by itself is over; the next one does everything anew, but for what must not be
/// repeated.
fn forget_effects(state: &mut TaskState) {
    let is_barred = |effect: &Effect| matches!(effect, Effect::Unknown { repeat: false, .. });
    state.effects.retain(|_, effect| is_barred(effect));
    state.answered.clear();
}

/// Where a task is that has not ended.
const OPEN: [Phase; 5] = [
    Phase::Pending,
    Phase::Ready,
    Phase::Waiting,
    Phase::InProgress,
    Phase::Validating,
];

/// Where a task is that someone works on, or could.
const WORKED_ON: [Phase; 4] = [
    Phase::Ready,
    Phase::Waiting,
    Phase::InProgress,
    Phase::Validating,
];

#[cfg(test)]
mod tests;
