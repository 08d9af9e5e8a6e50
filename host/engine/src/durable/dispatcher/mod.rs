//! Decides what happens next to the tasks of runs: which start, what follows when one ends, who is
//! asked, what is given up.
//!
//! No I/O: [`Dispatcher::handle`] takes one [`Input`] and gives [`Action`]s; whoever owns it waits
//! and carries out. Each decision about a task is made from its state as the ledger has it, by one
//! function ([`Dispatcher::step`]); after a refusal or a crash the task is read again and the same
//! function decides again.
//!
//! ```text
//! Input ─▶ handle ─▶ step(task) ─▶ Action::Append ─▶ ledger ─▶ Input::Committed ─▶ apply ─▶ step
//! ```
//!
//! Never: routing, an order of its own beyond priority and plan, a task that nobody submitted; an
//! attempt that is not in the ledger; a look at all tasks for one input that is about one.

mod ask;
mod cancel;
mod circuit;
mod claim;
mod end;
mod finish;
mod gates;
mod input;
mod ready;
mod recover;
mod send;
mod task;
mod watch;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use remit_core::breaker::Breaker;
use remit_core::durable::{AdapterId, Phase, RunId, SafeModeCause};

pub use input::{Action, CommitId, EndedAttempt, EndedGate, Input, ReadTask, Start, TaskKey};

use super::attempts::AdapterFacts;
use ready::{Rank, ReadyQueue, Wants};
use send::{Batch, Sent, Trouble};
use task::{Busy, Run, Task};

/// Numbers of a host that no plan says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Attempts of each run at the same time, whatever its plan says.
    pub parallel: Option<u32>,
    /// How often hosts may die over one task before it is given up: it may be what kills them.
    pub host_crashes: u32,
    /// How long a circuit may be open before safe mode, in milliseconds.
    pub circuit_open_ms: u64,
    /// How much longer than its limit an attempt may take to end by itself, in milliseconds.
    pub grace_ms: u64,
    /// How long the ledger may be out of order, in milliseconds.
    pub patience_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            parallel: None,
            // More than power cuts in a row, less than a night of restarts.
            host_crashes: 10,
            circuit_open_ms: 600_000,
            grace_ms: 10_000,
            patience_ms: 60_000,
        }
    }
}

/// When something is to be looked at again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Alarm {
    Task(TaskKey),
    /// A circuit lets a probe through.
    Circuit(AdapterId),
    /// A circuit may have been open for too long.
    CircuitLimit(AdapterId),
    /// The ledger may be in order again.
    Resume,
}

/// See the module.
#[derive(Debug)]
pub struct Dispatcher {
    epoch: u64,
    limits: Limits,
    runs: BTreeMap<u32, Run>,
    numbers: HashMap<RunId, u32>,
    next_run: u32,
    queue: ReadyQueue,
    alarms: BTreeSet<(u64, Alarm)>,
    breakers: HashMap<AdapterId, Breaker>,
    /// Since when circuits have not been closed, in milliseconds since 1970.
    unhealthy: BTreeMap<AdapterId, u64>,
    /// Those of them whose probe failed, too.
    relapsed: BTreeSet<AdapterId>,
    /// What candidates turned out to be.
    facts: HashMap<(String, Option<AdapterId>), AdapterFacts>,
    /// Attempts that are being made, by adapter.
    with_adapter: HashMap<AdapterId, u32>,
    active: u32,
    /// Hosts that may still work on what they took.
    alive: BTreeSet<u64>,
    /// Hosts up to this epoch were there when it was last looked who lives. A later one lives.
    looked_at: u64,
    /// Likewise, for the next look.
    next_look: u64,
    /// The newest epoch that was seen.
    newest_host: u64,
    safe_mode: Option<SafeModeCause>,
    shutdown: bool,
    drained: bool,
    lease_lost: bool,
    trouble: Trouble,
    next_commit: CommitId,
    sent: HashMap<CommitId, Sent>,
    batch: Batch,
    actions: Vec<Action>,
}

impl Dispatcher {
    /// A dispatcher without runs, of the host with this epoch.
    #[must_use]
    pub fn new(epoch: u64, limits: Limits) -> Self {
        Self {
            epoch,
            limits,
            runs: BTreeMap::new(),
            numbers: HashMap::new(),
            next_run: 0,
            queue: ReadyQueue::default(),
            alarms: BTreeSet::new(),
            breakers: HashMap::new(),
            unhealthy: BTreeMap::new(),
            relapsed: BTreeSet::new(),
            facts: HashMap::new(),
            with_adapter: HashMap::new(),
            active: 0,
            alive: BTreeSet::new(),
            looked_at: epoch,
            next_look: epoch,
            newest_host: epoch,
            safe_mode: None,
            shutdown: false,
            drained: false,
            lease_lost: false,
            trouble: Trouble::default(),
            next_commit: 0,
            sent: HashMap::new(),
            batch: Batch::default(),
            actions: Vec::new(),
        }
    }

    /// Takes what happened and says what is to be done. `now_ms` is the host's clock, in
    /// milliseconds since 1970.
    pub fn handle(&mut self, input: Input, now_ms: u64) -> Vec<Action> {
        match input {
            Input::Opened {
                breakers,
                safe_mode,
            } => self.opened(breakers, safe_mode, now_ms),
            Input::Run { view, tasks } => self.add_run(*view, tasks, now_ms),
            Input::Committed(id, committed) => self.committed(id, &committed, now_ms),
            Input::Refused(id, refusal) => self.refused(id, &refusal, now_ms),
            Input::Failed(id, error) => self.commit_failed(id, error, now_ms),
            Input::Read(key, read) => self.read_again(key, read, now_ms),
            Input::ReadFailed(keys, error) => self.read_failed(keys, error, now_ms),
            Input::Checked {
                key,
                candidate,
                fit,
            } => self.checked(key, candidate, fit, now_ms),
            Input::AttemptEnded { key, fence, ended } => {
                self.attempt_ended(key, fence, ended, now_ms);
            }
            Input::GateEnded { key, fence, ended } => self.gate_ended(key, fence, ended, now_ms),
            Input::Entries(entries) => self.entries(&entries, now_ms),
            Input::Hosts(alive) => self.hosts(alive, now_ms),
            Input::LeaseLost => self.lease_is_lost(now_ms),
            Input::LeaseKept => self.lease_is_kept(now_ms),
            Input::CancelAsked { run, reason, by } => self.cancel_asked(run, reason, &by),
            Input::ShutdownAsked => self.shutdown = true,
            Input::DrainOver => self.drain(now_ms),
            Input::Timer => self.alarms(now_ms),
            Input::Quiet => self.settle(now_ms),
        }
        std::mem::take(&mut self.actions)
    }

    /// When [`Input::Timer`] is due, in milliseconds since 1970.
    #[must_use]
    pub fn wake_at(&self) -> Option<u64> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// The runs that it has.
    pub fn runs(&self) -> impl Iterator<Item = &RunId> {
        self.runs.values().map(|run| &run.id)
    }

    /// Whether it has the run.
    #[must_use]
    pub fn has_run(&self, run: &RunId) -> bool {
        self.numbers.contains_key(run)
    }

    /// Why nothing may start, if so.
    #[must_use]
    pub fn safe_mode(&self) -> Option<&SafeModeCause> {
        self.safe_mode.as_ref()
    }

    /// How many attempts and acceptance checks are being made.
    #[must_use]
    pub fn active(&self) -> u32 {
        self.active
    }

    fn task(&self, key: TaskKey) -> Option<&Task> {
        self.runs.get(&key.run)?.task(key.index)
    }

    fn task_mut(&mut self, key: TaskKey) -> Option<&mut Task> {
        self.runs.get_mut(&key.run)?.task_mut(key.index)
    }

    fn key_of(&self, run: &RunId, task: &remit_core::durable::TaskId) -> Option<TaskKey> {
        let number = *self.numbers.get(run)?;
        let index = *self.runs.get(&number)?.places.get(task)?;
        Some(TaskKey { run: number, index })
    }

    /// Decides what is next for a task, if nothing is under way for it.
    fn step(&mut self, key: TaskKey, now_ms: u64) {
        let Some(task) = self.task(key) else { return };
        if task.busy != Busy::No {
            return;
        }
        match task.state.phase {
            Phase::Pending => self.step_pending(key),
            Phase::Ready => self.step_ready(key, now_ms),
            Phase::Waiting => self.step_waiting(key, now_ms),
            Phase::InProgress | Phase::Validating => self.step_held(key, now_ms),
            Phase::Completed
            | Phase::Failed
            | Phase::Timeout
            | Phase::Canceled
            | Phase::Skipped
            | Phase::Blocked => {}
        }
    }

    fn alarm(&mut self, at_ms: u64, alarm: Alarm) {
        self.alarms.insert((at_ms, alarm));
    }

    fn alarms(&mut self, now_ms: u64) {
        while let Some((at, _)) = self.alarms.first()
            && *at <= now_ms
        {
            let Some((_, alarm)) = self.alarms.pop_first() else {
                return;
            };
            match alarm {
                Alarm::Task(key) => {
                    self.check_deadline(key, now_ms);
                    self.step(key, now_ms);
                }
                Alarm::Circuit(adapter) => self.queue.room(&Wants::Circuit(adapter)),
                Alarm::CircuitLimit(adapter) => self.circuit_limit(&adapter, now_ms),
                Alarm::Resume => {}
            }
        }
    }

    /// Puts a ready task where it is found when there is room.
    fn enqueue(&mut self, key: TaskKey) {
        let Some(task) = self.task_mut(key) else {
            return;
        };
        if !task.queued {
            task.queued = true;
            let rank = Rank::new(key, task.spec.priority, task.ready_ms);
            self.queue.push(rank);
        }
    }
}
