//! What goes to the ledger and what its answers mean.
//!
//! Commits go out one after the other without waiting for answers. A task has at most one that is
//! under way. Never: a state in memory that is ahead of the ledger.

use std::collections::{BTreeMap, BTreeSet};

use remit_core::breaker::BreakerState;
use remit_core::durable::{AdapterId, LedgerEvent, Phase, Stream, TaskState};

use remit_core::outcome::CancelReason;

use super::input::{Action, CommitId, ReadTask, TaskKey};
use super::task::{Busy, Slot};
use super::{Alarm, Dispatcher};
use crate::durable::ledger::{Append, Commit, Committed, Expect, Lane, LedgerError, Refusal};

/// Most tasks of one batch: a refusal of one sends all the others again.
const MAX_BATCH: usize = 256;
/// The first wait after the ledger was out of order, in milliseconds.
const FIRST_PAUSE_MS: u64 = 100;
/// No wait is longer, in milliseconds: someone may have made room on the disk.
const LONGEST_PAUSE_MS: u64 = 5_000;

/// Events for one task.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) key: TaskKey,
    pub(super) expect: Expect,
    pub(super) events: Vec<LedgerEvent>,
}

/// What waits to go out together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) parts: Vec<Part>,
    /// Events of runs and of the host.
    pub(super) loose: Vec<(Stream, LedgerEvent)>,
    pub(super) breakers: BTreeSet<AdapterId>,
}

/// A commit without an answer.
#[derive(Debug)]
pub(super) struct Sent {
    tasks: Vec<(TaskKey, Vec<LedgerEvent>)>,
    /// What has to be said again if this was not written.
    loose: Vec<(Stream, LedgerEvent)>,
    breakers: BTreeSet<AdapterId>,
    /// The run whose last event it has.
    finish: Option<u32>,
    runs: BTreeSet<u32>,
}

/// The ledger is out of order.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    since_ms: Option<u64>,
    pause_ms: u64,
    pub(super) until_ms: u64,
}

impl Dispatcher {
    /// Something for the next commit of many.
    pub(super) fn batch(&mut self, key: TaskKey, expect: Expect, events: Vec<LedgerEvent>) {
        if let Some(task) = self.task_mut(key) {
            // Until the batch has its number.
            task.busy = Busy::Commit(CommitId::MAX);
            self.batch.parts.push(Part {
                key,
                expect,
                events,
            });
        }
    }

    pub(super) fn say(&mut self, stream: Stream, event: LedgerEvent) {
        self.batch.loose.push((stream, event));
    }

    /// Sends what waits, in commits of bounded size.
    pub(super) fn flush(&mut self, now_ms: u64) {
        let mut parts = std::mem::take(&mut self.batch.parts);
        let mut loose = std::mem::take(&mut self.batch.loose);
        let mut breakers = std::mem::take(&mut self.batch.breakers);
        while !(parts.is_empty() && loose.is_empty() && breakers.is_empty()) {
            let rest = parts.split_off(parts.len().min(MAX_BATCH));
            let first = Batch {
                parts,
                loose: std::mem::take(&mut loose),
                breakers: std::mem::take(&mut breakers),
            };
            self.send(first, Vec::new(), None, now_ms);
            parts = rest;
        }
    }

    /// Sends one commit. `once` is not said again if it is refused: whoever decides again says it.
    pub(super) fn send(
        &mut self,
        batch: Batch,
        once: Vec<(Stream, LedgerEvent)>,
        finish: Option<u32>,
        now_ms: u64,
    ) {
        let id = self.next_commit;
        self.next_commit += 1;
        let mut appends = Vec::with_capacity(batch.parts.len() + 2);
        let mut tasks = Vec::with_capacity(batch.parts.len());
        let mut runs = BTreeSet::new();
        for part in batch.parts {
            let Some(run) = self.runs.get_mut(&part.key.run) else {
                continue;
            };
            let Some(name) = run.name(part.key.index).cloned() else {
                continue;
            };
            let stream = Stream::Task(run.id.clone(), name);
            runs.insert(part.key.run);
            if let Some(task) = run.task_mut(part.key.index) {
                task.busy = Busy::Commit(id);
            }
            let kept = part
                .events
                .iter()
                .filter(|event| !TaskState::is_unchanged_by(event));
            tasks.push((part.key, kept.map(small).collect()));
            appends.push(Append {
                stream,
                expect: part.expect,
                events: part.events,
            });
        }
        let mut by_stream: BTreeMap<Stream, Vec<LedgerEvent>> = BTreeMap::new();
        for (stream, event) in batch.loose.iter().chain(&once) {
            let events = by_stream.entry(stream.clone()).or_default();
            events.push(event.clone());
        }
        appends.extend(by_stream.into_iter().map(|(stream, events)| Append {
            stream,
            expect: Expect::Exists,
            events,
        }));
        runs.extend(finish);
        for number in &runs {
            if let Some(run) = self.runs.get_mut(number) {
                run.commits += 1;
            }
        }
        let breakers = self.breaker_states(&batch.breakers);
        self.sent.insert(
            id,
            Sent {
                tasks,
                loose: batch.loose,
                breakers: batch.breakers,
                finish,
                runs,
            },
        );
        let commit = Commit {
            now_ms,
            lane: Lane::State,
            appends,
            breakers,
        };
        self.actions.push(Action::Append(id, Box::new(commit)));
    }

    fn breaker_states(&self, names: &BTreeSet<AdapterId>) -> Vec<(AdapterId, BreakerState)> {
        let known = names.iter().filter_map(|name| {
            let breaker = self.breakers.get(name)?;
            Some((name.clone(), breaker.state().clone()))
        });
        known.collect()
    }

    fn answered(&mut self, id: CommitId) -> Option<Sent> {
        let sent = self.sent.remove(&id)?;
        for number in &sent.runs {
            if let Some(run) = self.runs.get_mut(number) {
                run.commits = run.commits.saturating_sub(1);
            }
        }
        Some(sent)
    }

    pub(super) fn committed(&mut self, id: CommitId, committed: &Committed, now_ms: u64) {
        let Some(sent) = self.answered(id) else {
            return;
        };
        self.trouble = Trouble::default();
        let mut touched = Vec::with_capacity(sent.tasks.len());
        for (place, (key, events)) in sent.tasks.iter().enumerate() {
            let newest = committed.streams.get(place).copied().unwrap_or(0);
            self.applied(*key, events, newest, now_ms, &mut touched);
        }
        for (stream, event) in &sent.loose {
            let number = stream.run().and_then(|run| self.numbers.get(run));
            if let Some(number) = number.copied() {
                self.run_entry(number, event, now_ms);
            }
        }
        if let Some(number) = sent.finish {
            self.finished(number);
        }
        for key in touched {
            self.step(key, now_ms);
        }
    }

    /// A task's events are in the ledger.
    fn applied(
        &mut self,
        key: TaskKey,
        events: &[LedgerEvent],
        newest: u64,
        now_ms: u64,
        touched: &mut Vec<TaskKey>,
    ) {
        let Some(task) = self.task_mut(key) else {
            return;
        };
        task.busy = Busy::No;
        task.seq = task.seq.max(newest);
        let before = task.state.phase;
        let fits = events.iter().all(|event| task.state.apply(event).is_ok());
        if !fits || std::mem::take(&mut task.stale) && task.state.phase.end().is_none() {
            // Someone else wrote between: the ledger's word goes.
            self.read(&[key], now_ms);
            return;
        }
        if task.state.phase == Phase::Ready && before != Phase::Ready {
            task.ready_ms = now_ms.max(task.state.not_before_ms);
        }
        if !task.state.phase.is_held() || task.state.phase == Phase::Validating {
            task.ended = None;
        }
        let gate_done = |event: &LedgerEvent| matches!(event, LedgerEvent::GateFinished { .. });
        if events.iter().any(gate_done) || !task.state.phase.is_held() {
            task.gate_ended = None;
        }
        let is_lost = |event: &LedgerEvent| matches!(event, LedgerEvent::AttemptLost { .. });
        let lost = events.iter().any(is_lost);
        if !task.state.phase.is_held() {
            self.release(key);
        }
        match self.task(key).and_then(|task| task.state.phase.end()) {
            Some(end) => self.ended(key, end, now_ms, touched),
            // What its effects came to is only in the ledger.
            None if lost => self.read(&[key], now_ms),
            None => touched.push(key),
        }
    }

    pub(super) fn refused(&mut self, id: CommitId, refusal: &Refusal, now_ms: u64) {
        let Some(sent) = self.answered(id) else {
            return;
        };
        let culprit = match refusal {
            Refusal::Exists(stream) | Refusal::Missing(stream) => stream,
            Refusal::Conflict { stream, .. }
            | Refusal::Fenced { stream, .. }
            | Refusal::Illegal { stream, .. } => stream,
        };
        if let Some(number) = sent.finish {
            // Another host has written it: there is no other reason.
            self.finished(number);
            return;
        }
        let culprit_key = match culprit {
            Stream::Task(run, task) => self.key_of(run, task),
            Stream::Host | Stream::Run(_) => None,
        };
        self.say_again(sent.loose, sent.breakers, culprit);
        let known = culprit_key.is_some_and(|key| sent.tasks.iter().any(|(at, _)| *at == key));
        let mut again = Vec::new();
        for (key, _) in &sent.tasks {
            let Some(task) = self.task_mut(*key) else {
                continue;
            };
            task.busy = Busy::No;
            if !known || Some(*key) == culprit_key {
                again.push(*key);
            }
        }
        self.read(&again, now_ms);
        for (key, _) in sent.tasks {
            self.release_unless_held(key);
            self.step(key, now_ms);
        }
    }

    fn say_again(
        &mut self,
        loose: Vec<(Stream, LedgerEvent)>,
        breakers: BTreeSet<AdapterId>,
        culprit: &Stream,
    ) {
        let kept = loose.into_iter().filter(|(stream, _)| stream != culprit);
        self.batch.loose.extend(kept);
        self.batch.breakers.extend(breakers);
    }

    pub(super) fn commit_failed(&mut self, id: CommitId, error: LedgerError, now_ms: u64) {
        let Some(sent) = self.answered(id) else {
            return;
        };
        if let Some(run) = sent.finish.and_then(|number| self.runs.get_mut(&number)) {
            run.finishing = false;
        }
        self.batch.loose.extend(sent.loose);
        self.batch.breakers.extend(sent.breakers);
        let keys: Vec<TaskKey> = sent.tasks.into_iter().map(|(key, _)| key).collect();
        for key in &keys {
            self.release_unless_held(*key);
        }
        self.in_trouble(error, now_ms);
        self.read(&keys, self.trouble.until_ms);
    }

    pub(super) fn read_failed(&mut self, keys: Vec<TaskKey>, error: LedgerError, now_ms: u64) {
        self.in_trouble(error, now_ms);
        self.read(&keys, self.trouble.until_ms);
    }

    fn in_trouble(&mut self, error: LedgerError, now_ms: u64) {
        let since = *self.trouble.since_ms.get_or_insert(now_ms);
        let lasts = now_ms.saturating_sub(since) > self.limits.patience_ms;
        let is_final = match error {
            LedgerError::ReadOnly(_) | LedgerError::Damaged(_) | LedgerError::Held { .. } => true,
            LedgerError::Refused(_)
            | LedgerError::Full(_)
            | LedgerError::Unknown(_)
            | LedgerError::Unavailable(_) => false,
        };
        if is_final || lasts {
            self.actions.push(Action::Fail(error));
        }
        let trouble = &mut self.trouble;
        if now_ms >= trouble.until_ms {
            trouble.pause_ms = (trouble.pause_ms * 2).clamp(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
            trouble.until_ms = now_ms.saturating_add(trouble.pause_ms);
        }
        let until = self.trouble.until_ms;
        self.alarm(until, Alarm::Resume);
    }

    /// Has tasks read again; until then nothing is decided about them.
    pub(super) fn read(&mut self, keys: &[TaskKey], not_before_ms: u64) {
        let mut tasks = Vec::with_capacity(keys.len());
        for key in keys {
            let Some(run) = self.runs.get_mut(&key.run) else {
                continue;
            };
            let (id, name) = (run.id.clone(), run.name(key.index).cloned());
            if let (Some(task), Some(name)) = (run.task_mut(key.index), name) {
                task.busy = Busy::Reading;
                tasks.push((*key, id, name));
            }
        }
        if !tasks.is_empty() {
            self.actions.push(Action::Read {
                tasks,
                not_before_ms,
            });
        }
    }

    pub(super) fn read_again(&mut self, key: TaskKey, read: Option<Box<ReadTask>>, now_ms: u64) {
        let Some(task) = self.task_mut(key) else {
            return;
        };
        task.busy = Busy::No;
        let Some(read) = read else { return };
        let end = read.view.state.phase.end();
        let fence = task.state.fence;
        task.reread(*read);
        let lost = task.state.fence != fence || !task.state.phase.is_held();
        if lost && task.running {
            self.tell(key, CancelReason::Lost);
        }
        let Some(task) = self.task_mut(key) else {
            return;
        };
        if lost {
            task.ended = None;
            task.gate_ended = None;
            task.judged = false;
        }
        self.release_unless_held(key);
        let mut touched = Vec::new();
        match end {
            Some(end) => self.ended(key, end, now_ms, &mut touched),
            None => touched.push(key),
        }
        for key in touched {
            self.step(key, now_ms);
        }
    }

    /// The slot of a task that has ended becomes one word.
    pub(super) fn close(&mut self, key: TaskKey, end: remit_core::durable::End) {
        if let Some(run) = self.runs.get_mut(&key.run)
            && let Some(slot) = run.tasks.get_mut(key.index as usize)
        {
            *slot = Slot::Ended(end);
        }
    }
}

/// An event without what only the ledger keeps.
fn small(event: &LedgerEvent) -> LedgerEvent {
    if let LedgerEvent::AttemptEnded { fence, result } = event {
        let mut result = result.clone();
        result.outcome = serde_json::Value::Null;
        let fence = *fence;
        return LedgerEvent::AttemptEnded { fence, result };
    }
    event.clone()
}
