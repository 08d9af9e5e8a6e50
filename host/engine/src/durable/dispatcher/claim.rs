//! Which ready task starts, and with which candidate: limits, conflict groups, circuits.
//!
//! Never: a start that is not in the ledger; a task that waits for room in front of one that does
//! not.

use std::sync::Arc;

use remit_core::breaker::{Admission, ProbeKey};
use remit_core::durable::{AdapterId, LedgerEvent, Phase, SafeModeCause};
use remit_core::outcome::Outcome;
use remit_core::plan::{MAX_PARALLEL, Work};

use super::input::{Action, EndedAttempt, Start, TaskKey};
use super::ready::Wants;
use super::task::{Busy, Hold, Task, adapter_of};
use super::{Alarm, Dispatcher};
use crate::durable::attempts::{AdapterFacts, Unfit};
use crate::durable::ledger::Expect;
use crate::durable::outcome::result_of;

/// Most candidates whose facts are kept. A plan with more asks again.
const MAX_FACTS: usize = 10_000;

/// Where a task that could start goes.
enum Way {
    Take(u32, AdapterId),
    Park(Wants),
    /// Not before.
    Later(u64),
    /// It went another way since.
    Gone,
}

impl Dispatcher {
    /// A task that needs others.
    pub(super) fn step_pending(&mut self, key: TaskKey) {
        let Some(run) = self.runs.get(&key.run) else {
            return;
        };
        let Some(task) = run.task(key.index) else {
            return;
        };
        let event = if let Some(reason) = run.cancel_of(task) {
            LedgerEvent::TaskCanceled { reason }
        } else if let Some(by) = task.doomed_by.clone() {
            LedgerEvent::TaskBlocked { by }
        } else if run.stopped {
            super::finish::skipped()
        } else if task.needs_left == 0 {
            LedgerEvent::TaskReady
        } else {
            return;
        };
        self.batch(key, Expect::Exists, vec![event]);
    }

    /// A task that can be taken.
    pub(super) fn step_ready(&mut self, key: TaskKey, now_ms: u64) {
        let Some(run) = self.runs.get(&key.run) else {
            return;
        };
        let Some(task) = run.task(key.index) else {
            return;
        };
        let seq = Expect::Seq(task.seq);
        if let Some(reason) = run.cancel_of(task) {
            self.batch(key, seq, vec![LedgerEvent::TaskCanceled { reason }]);
        } else if task.state.crashes >= self.limits.host_crashes {
            self.too_many_crashes(key);
        } else if run.stopped {
            self.batch(key, seq, vec![super::finish::skipped()]);
        } else if task.state.not_before_ms > now_ms {
            let at = task.state.not_before_ms;
            self.alarm(at, Alarm::Task(key));
        } else {
            match task.spec.work {
                Work::Plugin { .. } => self.enqueue(key),
                Work::Manual { .. } | Work::Approval { .. } => self.ask(key, now_ms),
            }
        }
    }

    /// Whether anything may start at all.
    fn may_start(&self, now_ms: u64) -> bool {
        !self.shutdown
            && !self.lease_lost
            && self.safe_mode.is_none()
            && now_ms >= self.trouble.until_ms
            && self.active < MAX_PARALLEL
    }

    /// Takes ready tasks while there is room.
    pub(super) fn claim(&mut self, now_ms: u64) {
        while self.may_start(now_ms) {
            let Some(rank) = self.queue.pop() else { return };
            let key = rank.key();
            match self.way(key, now_ms) {
                Way::Take(candidate, adapter) => self.take(key, candidate, adapter),
                Way::Park(wants) => {
                    self.pass_on(key, Some(&wants));
                    self.queue.park(wants, rank);
                }
                Way::Later(at) => {
                    self.unqueue(key);
                    self.pass_on(key, None);
                    self.alarm(at, Alarm::Task(key));
                }
                Way::Gone => {
                    self.unqueue(key);
                    self.pass_on(key, None);
                    self.step_if_other(key, now_ms);
                }
            }
        }
    }

    /// A task that may have been woken by room that it does not take wakes the next one for it:
    /// what comes before `parked` in the order of [`Dispatcher::way`], all of it if it is not parked.
    fn pass_on(&mut self, key: TaskKey, parked: Option<&Wants>) {
        if let Some(Wants::Slot(_)) = parked {
            return;
        }
        self.queue.room(&Wants::Slot(key.run));
        let Some(task) = self.task(key) else { return };
        let group = task.spec.conflict_group.as_deref().map(Arc::from);
        let adapter = task
            .candidates()
            .get(task.state.candidate as usize)
            .map(adapter_of);
        if let Some(Wants::Group(..)) = parked {
            return;
        }
        if let Some(group) = group {
            self.queue.room(&Wants::Group(key.run, group));
        }
        if let (None, Some(adapter)) = (parked, adapter) {
            self.queue.room(&Wants::Adapter(adapter.clone()));
            self.queue.room(&Wants::Circuit(adapter));
        }
    }

    fn unqueue(&mut self, key: TaskKey) {
        if let Some(task) = self.task_mut(key) {
            task.queued = false;
        }
    }

    /// A task that left the queue without being taken gets its due; one that is busy later.
    fn step_if_other(&mut self, key: TaskKey, now_ms: u64) {
        let is_ready = |task: &Task| task.state.phase == Phase::Ready;
        if self.task(key).is_some_and(is_ready) {
            self.step(key, now_ms);
        }
    }

    fn way(&self, key: TaskKey, now_ms: u64) -> Way {
        let Some(run) = self.runs.get(&key.run) else {
            return Way::Gone;
        };
        let Some(task) = run.task(key.index) else {
            return Way::Gone;
        };
        let ready = task.queued && task.busy == Busy::No && task.state.phase == Phase::Ready;
        if !ready || run.stopped || run.cancel_of(task).is_some() {
            return Way::Gone;
        }
        if task.state.not_before_ms > now_ms {
            return Way::Later(task.state.not_before_ms);
        }
        let total = self
            .limits
            .parallel
            .unwrap_or(run.settings.concurrency.total);
        if run.active >= total.max(1) {
            return Way::Park(Wants::Slot(key.run));
        }
        if let Some(group) = &task.spec.conflict_group
            && run.groups.contains(group.as_str())
        {
            return Way::Park(Wants::Group(key.run, Arc::from(group.as_str())));
        }
        self.candidate(key, task, now_ms)
    }

    /// The first candidate from the task's own on whose circuit lets it through, if there is room.
    fn candidate(&self, key: TaskKey, task: &Task, now_ms: u64) -> Way {
        let from = task.state.candidate as usize;
        let mut closed: Option<(Option<u64>, AdapterId)> = None;
        for (number, candidate) in (0_u32..).zip(task.candidates()).skip(from) {
            let known = self.facts.get(&fact_key(candidate));
            let adapter =
                known.map_or_else(|| adapter_of(candidate), |facts| facts.adapter.clone());
            match self.admission(key, task, &adapter, now_ms) {
                Admission::Yes | Admission::Probe => {
                    if self.is_full(key, &adapter, known.and_then(|facts| facts.max_parallel)) {
                        return Way::Park(Wants::Adapter(adapter));
                    }
                    return Way::Take(number, adapter);
                }
                Admission::No { until } => {
                    let sooner = match &closed {
                        None => true,
                        Some((None, _)) => false,
                        Some((Some(known), _)) => until.is_none_or(|until| until < *known),
                    };
                    if sooner {
                        closed = Some((until, adapter));
                    }
                }
            }
        }
        match closed {
            Some((_, adapter)) => Way::Park(Wants::Circuit(adapter)),
            // A plan's plugin task has candidates, and a retry names one of them.
            None => Way::Gone,
        }
    }

    fn admission(&self, key: TaskKey, task: &Task, adapter: &AdapterId, now_ms: u64) -> Admission {
        let breaker = self.breakers.get(adapter);
        breaker.map_or(Admission::Yes, |breaker| {
            breaker.admit(now_ms, &self.who(key, task.state.attempt.saturating_add(1)))
        })
    }

    /// What a circuit knows an attempt as.
    pub(super) fn who(&self, key: TaskKey, attempt: u32) -> ProbeKey {
        let run = self.runs.get(&key.run);
        let name = run.and_then(|run| Some(format!("{}/{}", run.id, run.name(key.index)?)));
        ProbeKey {
            task: name.unwrap_or_default(),
            attempt,
        }
    }

    fn is_full(&self, key: TaskKey, adapter: &AdapterId, bears: Option<u32>) -> bool {
        let run = self.runs.get(&key.run);
        let asked = run.and_then(|run| run.settings.concurrency.per_adapter.get(adapter));
        let limit = match (asked.copied(), bears) {
            (Some(one), Some(other)) => one.min(other),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => return false,
        };
        let active = self.with_adapter.get(adapter).copied().unwrap_or(0);
        active >= limit.max(1)
    }

    /// Takes room for the task and has its candidate looked at.
    fn take(&mut self, key: TaskKey, candidate: u32, adapter: AdapterId) {
        let Some(run) = self.runs.get_mut(&key.run) else {
            return;
        };
        let Some(task) = run.task_mut(key.index) else {
            return;
        };
        let group = task.spec.conflict_group.as_deref().map(Arc::from);
        task.queued = false;
        task.busy = Busy::Checking;
        task.hold = Some(Hold {
            adapter: adapter.clone(),
            group: group.clone(),
        });
        let task = Arc::clone(&task.spec);
        run.active += 1;
        run.groups.extend(group);
        self.active += 1;
        *self.with_adapter.entry(adapter).or_default() += 1;
        self.actions.push(Action::Check {
            key,
            task,
            candidate,
        });
    }

    /// Gives back the room that a task takes: others can begin.
    pub(super) fn release(&mut self, key: TaskKey) {
        let Some(run) = self.runs.get_mut(&key.run) else {
            return;
        };
        let Some(hold) = run.task_mut(key.index).and_then(|task| task.hold.take()) else {
            return;
        };
        run.active = run.active.saturating_sub(1);
        self.active = self.active.saturating_sub(1);
        self.queue.room(&Wants::Slot(key.run));
        if let Some(group) = hold.group {
            run.groups.remove(&group);
            self.queue.room(&Wants::Group(key.run, group));
        }
        if let Some(count) = self.with_adapter.get_mut(&hold.adapter) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.with_adapter.remove(&hold.adapter);
            }
        }
        self.queue.room(&Wants::Adapter(hold.adapter));
    }

    /// Gives room back if nothing of the task runs here.
    pub(super) fn release_unless_held(&mut self, key: TaskKey) {
        let epoch = self.epoch;
        let uses =
            |task: &Task| task.running || (task.state.phase.is_held() && task.state.epoch == epoch);
        if !self.task(key).is_some_and(uses) {
            self.release(key);
        }
    }

    pub(super) fn checked(
        &mut self,
        key: TaskKey,
        candidate: u32,
        fit: Result<AdapterFacts, Box<Unfit>>,
        now_ms: u64,
    ) {
        let Some(task) = self.task_mut(key) else {
            return;
        };
        if task.busy != Busy::Checking {
            return;
        }
        task.busy = Busy::No;
        // Whatever happened meanwhile goes before: a cancellation, a shutdown.
        if !self.still_wanted(key, now_ms) {
            self.release(key);
            self.step(key, now_ms);
            return;
        }
        match fit {
            Ok(facts) => self.fits(key, candidate, facts, now_ms),
            Err(unfit) => self.unfit(key, candidate, *unfit, now_ms),
        }
    }

    fn still_wanted(&self, key: TaskKey, now_ms: u64) -> bool {
        let Some(run) = self.runs.get(&key.run) else {
            return false;
        };
        let cancelled = |task: &Task| run.cancel_of(task).is_some();
        let may = !self.shutdown && !self.lease_lost && now_ms >= self.trouble.until_ms;
        may && self.safe_mode.is_none()
            && !run.stopped
            && !run.task(key.index).is_some_and(cancelled)
    }

    fn fits(&mut self, key: TaskKey, candidate: u32, facts: AdapterFacts, now_ms: u64) {
        let Some(task) = self.task(key) else { return };
        let name = task.candidates().get(candidate as usize).map(fact_key);
        let guessed = task.hold.as_ref().map(|hold| hold.adapter.clone());
        let adapter = facts.adapter.clone();
        let bears = facts.max_parallel.is_some();
        if let Some(name) = name
            && self.facts.len() < MAX_FACTS
            && self.facts.insert(name, facts).is_none()
            && (bears || guessed.as_ref() != Some(&adapter))
        {
            // Other limits apply than was thought: once more, now that they are known.
            self.release(key);
            self.step(key, now_ms);
            return;
        }
        self.hold_other(key, &adapter);
        let events = vec![self.started(key, candidate, adapter, now_ms)];
        let seq = self.task(key).map_or(0, |task| task.seq);
        self.batch(key, Expect::Seq(seq), events);
    }

    /// The room that the task takes is this adapter's.
    fn hold_other(&mut self, key: TaskKey, adapter: &AdapterId) {
        let hold = self.task_mut(key).and_then(|task| task.hold.as_mut());
        let Some(hold) = hold.filter(|hold| hold.adapter != *adapter) else {
            return;
        };
        let before = std::mem::replace(&mut hold.adapter, adapter.clone());
        if let Some(count) = self.with_adapter.get_mut(&before) {
            *count = count.saturating_sub(1);
        }
        self.queue.room(&Wants::Adapter(before));
        *self.with_adapter.entry(adapter.clone()).or_default() += 1;
    }

    /// The claim itself. A probe is told to its circuit.
    fn started(
        &mut self,
        key: TaskKey,
        candidate: u32,
        adapter: AdapterId,
        now_ms: u64,
    ) -> LedgerEvent {
        let epoch = self.epoch;
        let mut attempt = 1;
        let mut fence = 1;
        if let Some(task) = self.task_mut(key) {
            attempt = task.state.attempt.saturating_add(1);
            fence = task.state.fence.saturating_add(1);
            task.adapter = Some(adapter.clone());
            task.judged = false;
            task.told = None;
            task.late = false;
            task.gate_reasons.clear();
        }
        self.probe_if_asked(key, attempt, &adapter, now_ms);
        LedgerEvent::TaskStarted {
            attempt,
            fence,
            epoch,
            adapter,
            candidate,
        }
    }

    /// What cannot be used is an attempt that ended at once; all of it in one commit.
    fn unfit(&mut self, key: TaskKey, candidate: u32, unfit: Unfit, now_ms: u64) {
        if let Outcome::Internal { message } = &unfit.outcome {
            let message = message.clone();
            self.release(key);
            self.enter_safe_mode(SafeModeCause::EnvironmentUnavailable { message });
            self.step(key, now_ms);
            return;
        }
        let started = self.started(key, candidate, unfit.adapter, now_ms);
        let Some(task) = self.task_mut(key) else {
            return;
        };
        let expect = Expect::Seq(task.seq);
        let ended = EndedAttempt {
            result: result_of(&unfit.outcome, 0),
            activity: Vec::new(),
            checkpoint: None,
            open: std::collections::BTreeMap::new(),
        };
        task.ended = Some(Box::new(ended));
        let mut ahead = task.state.clone();
        if ahead.apply(&started).is_ok() {
            self.conclude_as(key, &ahead, expect, vec![started], now_ms);
        }
    }

    /// The attempt is in the ledger: it begins.
    pub(super) fn start(&mut self, key: TaskKey, now_ms: u64) {
        let epoch = self.epoch;
        let grace = self.limits.grace_ms;
        let Some(run) = self.runs.get_mut(&key.run) else {
            return;
        };
        let (id, settings) = (run.id.clone(), Arc::clone(&run.settings));
        let Some(task) = run.task_mut(key.index) else {
            return;
        };
        if task.running || task.state.epoch != epoch {
            return;
        }
        task.running = true;
        let time = task
            .spec
            .timeout
            .or(settings.timeout)
            .map(|span| span.get());
        let limit = time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let deadline = limit.map(|limit| now_ms.saturating_add(limit).saturating_add(grace));
        task.deadline_ms = deadline;
        let start = Start {
            key,
            run: id,
            settings,
            task: Arc::clone(&task.spec),
            candidate: task.state.candidate,
            attempt: task.state.attempt,
            fence: task.state.fence,
            time,
            checkpoint: task.state.checkpoint,
            effects_before: task.state.checkpoint_effects,
            effects: task.state.effects.clone(),
            gate: None,
        };
        self.actions.push(Action::Start(Box::new(start)));
        if let Some(at) = deadline {
            self.alarm(at, Alarm::Task(key));
        }
    }
}

fn fact_key(candidate: &remit_core::plan::Candidate) -> (String, Option<AdapterId>) {
    (candidate.plugin.clone(), candidate.adapter.clone())
}
