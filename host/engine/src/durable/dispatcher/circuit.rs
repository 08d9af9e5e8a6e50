//! Circuit breakers of adapters, and safe mode.
//!
//! A circuit changes in the same commit as the end or the start that changes it. Never: a failure of
//! the work held against its adapter; a way out of safe mode that is not in the ledger.

use remit_core::breaker::{
    self, Admission, Breaker, BreakerEvent, BreakerState, CircuitChange, ProbeKey,
};
use remit_core::durable::{AdapterId, LedgerEvent, SafeModeCause, Severity, Stream, Trigger};
use remit_core::retry::FailureClass;

use super::input::TaskKey;
use super::ready::Wants;
use super::send::Batch;
use super::{Alarm, Dispatcher};

impl Dispatcher {
    pub(super) fn opened(
        &mut self,
        breakers: Vec<(AdapterId, BreakerState)>,
        safe_mode: Option<SafeModeCause>,
        now_ms: u64,
    ) {
        for (adapter, state) in breakers {
            if let BreakerState::Open { since, until } = state {
                self.unhealthy.insert(adapter.clone(), since);
                self.alarm(until, Alarm::Circuit(adapter.clone()));
            } else if let BreakerState::HalfOpen { .. } = state {
                self.unhealthy.insert(adapter.clone(), now_ms);
            }
            let limit = self.limits.circuit_open_ms;
            if let Some(since) = self.unhealthy.get(&adapter) {
                self.alarm(
                    since.saturating_add(limit),
                    Alarm::CircuitLimit(adapter.clone()),
                );
            }
            let breaker = Breaker::restore(remit_core::breaker::BreakerSettings::default(), state);
            self.breakers.insert(adapter, breaker);
        }
        self.safe_mode = safe_mode;
    }

    /// The circuit, under the settings of the run that asks.
    fn breaker(&self, key: TaskKey, adapter: &AdapterId) -> Breaker {
        let run = self.runs.get(&key.run);
        let settings = run.map(|run| run.settings.breaker).unwrap_or_default();
        match self.breakers.get(adapter) {
            Some(known) => Breaker::restore(settings, known.state().clone()),
            None => Breaker::new(settings),
        }
    }

    /// Tells a circuit of an attempt's end.
    pub(super) fn judge(
        &mut self,
        key: TaskKey,
        adapter: &AdapterId,
        who: ProbeKey,
        class: Option<FailureClass>,
        now_ms: u64,
        batch: &mut Batch,
    ) {
        if let Some(task) = self.task_mut(key) {
            task.judged = true;
        }
        let event = breaker::ended(who, class, now_ms);
        let is_success = class.is_none();
        if is_success && !self.breakers.contains_key(adapter) {
            return;
        }
        self.circuit(key, adapter, &event, now_ms, batch);
    }

    /// A probe ended without a word about its adapter: its host is gone.
    pub(super) fn probe_lost(
        &mut self,
        key: TaskKey,
        attempt: u32,
        now_ms: u64,
        batch: &mut Batch,
    ) {
        let adapter = self.task(key).and_then(|task| task.adapter.clone());
        if let Some(adapter) = adapter.filter(|adapter| self.breakers.contains_key(adapter)) {
            let who = self.who(key, attempt);
            let event = BreakerEvent::ProbeLost { who, at: now_ms };
            self.circuit(key, &adapter, &event, now_ms, batch);
        }
    }

    /// Tells a circuit that a probe starts, if the attempt is one.
    pub(super) fn probe_if_asked(
        &mut self,
        key: TaskKey,
        attempt: u32,
        adapter: &AdapterId,
        now_ms: u64,
    ) {
        if !self.breakers.contains_key(adapter) {
            return;
        }
        let who = self.who(key, attempt);
        if self.breaker(key, adapter).admit(now_ms, &who) == Admission::Probe {
            let event = BreakerEvent::ProbeStarted { who, at: now_ms };
            let mut batch = std::mem::take(&mut self.batch);
            self.circuit(key, adapter, &event, now_ms, &mut batch);
            self.batch = batch;
        }
    }

    fn circuit(
        &mut self,
        key: TaskKey,
        adapter: &AdapterId,
        event: &BreakerEvent,
        now_ms: u64,
        batch: &mut Batch,
    ) {
        let before = self.breaker(key, adapter);
        let old = before.state().clone();
        let (after, change) = before.apply(event);
        if *after.state() == old {
            return;
        }
        self.breakers.insert(adapter.clone(), after);
        batch.breakers.insert(adapter.clone());
        if let BreakerEvent::ProbeLost { .. } = event {
            self.queue.room(&Wants::Circuit(adapter.clone()));
        }
        let adapter = adapter.clone();
        let said = match change {
            None => return,
            Some(CircuitChange::Opened { until }) => {
                self.circuit_opened(key, &adapter, until, now_ms, batch);
                LedgerEvent::CircuitOpened {
                    adapter,
                    until_ms: until,
                }
            }
            Some(CircuitChange::HalfOpened) => LedgerEvent::CircuitHalfOpen { adapter },
            Some(CircuitChange::Closed) => {
                self.circuit_closed(&adapter);
                LedgerEvent::CircuitClosed {
                    adapter,
                    by_hand: false,
                }
            }
        };
        batch.loose.push((Stream::Host, said));
    }

    fn circuit_opened(
        &mut self,
        key: TaskKey,
        adapter: &AdapterId,
        until: u64,
        now_ms: u64,
        batch: &mut Batch,
    ) {
        self.alarm(until, Alarm::Circuit(adapter.clone()));
        if self.unhealthy.contains_key(adapter) {
            // A probe has failed, so it does not mend by itself.
            self.relapsed.insert(adapter.clone());
        } else {
            self.unhealthy.insert(adapter.clone(), now_ms);
            let limit = now_ms.saturating_add(self.limits.circuit_open_ms);
            self.alarm(limit, Alarm::CircuitLimit(adapter.clone()));
        }
        let Some(run) = self.runs.get(&key.run) else {
            return;
        };
        let about = run.name(key.index).cloned();
        let event = LedgerEvent::Escalation {
            trigger: Trigger::CircuitOpened,
            severity: Severity::High,
            about,
            message: format!("adapter {adapter} keeps failing: nothing is sent to it for a while"),
        };
        batch.loose.push((Stream::Run(run.id.clone()), event));
        let all = run
            .wanted
            .keys()
            .all(|wanted| self.relapsed.contains(wanted));
        if all && !run.wanted.is_empty() && self.safe_mode.is_none() {
            let cause = SafeModeCause::AllAdaptersUnhealthy;
            self.safe_mode = Some(cause.clone());
            batch
                .loose
                .push((Stream::Host, LedgerEvent::SafeModeEntered { cause }));
        }
    }

    /// Its circuit is closed: everything can be sent to it.
    pub(super) fn circuit_closed(&mut self, adapter: &AdapterId) {
        self.unhealthy.remove(adapter);
        self.relapsed.remove(adapter);
        self.queue.open(&Wants::Circuit(adapter.clone()));
    }

    /// A person closed the circuit.
    pub(super) fn circuit_reset(&mut self, adapter: &AdapterId) {
        self.breakers.remove(adapter);
        self.circuit_closed(adapter);
    }

    /// A circuit has not been closed for as long as it may.
    pub(super) fn circuit_limit(&mut self, adapter: &AdapterId, now_ms: u64) {
        let Some(since) = self.unhealthy.get(adapter) else {
            return;
        };
        let limit = since.saturating_add(self.limits.circuit_open_ms);
        if now_ms >= limit {
            let adapter = adapter.clone();
            self.enter_safe_mode(SafeModeCause::CircuitOpenTooLong { adapter });
        }
    }

    /// Nothing starts any more until a person has looked.
    pub(super) fn enter_safe_mode(&mut self, cause: SafeModeCause) {
        if self.safe_mode.is_none() {
            self.safe_mode = Some(cause.clone());
            self.say(Stream::Host, LedgerEvent::SafeModeEntered { cause });
        }
    }
}
