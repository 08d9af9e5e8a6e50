//! What the dispatcher keeps of a run and of each of its tasks.
//!
//! A task that has ended is one word. Never: an outcome, an event, a state that is not the fold of
//! the task's history.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use remit_core::durable::{AdapterId, Effect, End, Phase, RunId, RunState, TaskId, TaskState};
use remit_core::graph::{Cycle, Graph};
use remit_core::outcome::CancelReason;
use remit_core::plan::{Candidate, GateSpec, OnFailure, RunSettings, TaskSpec, Work};
use remit_core::retry::RetryPolicy;

use super::input::{CommitId, EndedAttempt, EndedGate, ReadTask};
use crate::durable::ledger::RunView;

/// What is under way for a task. While something is, nothing is decided about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Busy {
    No,
    /// A commit has no answer yet.
    Commit(CommitId),
    /// It is being read again.
    Reading,
    /// A candidate is being looked at.
    Checking,
}

/// The room that a task takes from its claim to the end of its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hold {
    pub(super) adapter: AdapterId,
    pub(super) group: Option<Arc<str>>,
}

/// A task that has not ended.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) spec: Arc<TaskSpec>,
    pub(super) state: TaskState,
    /// The number of its newest event that is known here.
    pub(super) seq: u64,
    /// How many of its needs have not completed.
    pub(super) needs_left: u32,
    /// A need of it that will not complete.
    pub(super) doomed_by: Option<TaskId>,
    pub(super) busy: Busy,
    /// Whether a person wrote something that could not be taken in while a commit was under way.
    pub(super) stale: bool,
    pub(super) hold: Option<Hold>,
    /// Whether it stands in the queue of ready tasks, or waits there for room.
    pub(super) queued: bool,
    /// When it became ready, for its rank.
    pub(super) ready_ms: u64,
    /// Whether an attempt or a check of it runs in this process.
    pub(super) running: bool,
    /// What the running attempt was told.
    pub(super) told: Option<CancelReason>,
    /// Whether it was told because it took too long.
    pub(super) late: bool,
    /// When the attempt has taken too long, in milliseconds since 1970.
    pub(super) deadline_ms: Option<u64>,
    /// What was left of its time when it began to ask a person, in milliseconds.
    pub(super) time_left_ms: Option<u64>,
    /// Who does the newest attempt.
    pub(super) adapter: Option<AdapterId>,
    /// What the attempt came to, until that is in the ledger.
    pub(super) ended: Option<Box<EndedAttempt>>,
    /// Whether the adapter's circuit has heard of that end.
    pub(super) judged: bool,
    pub(super) gate_ended: Option<Box<EndedGate>>,
    /// Why gates stood in the way, for the reasons of the failure.
    pub(super) gate_reasons: Vec<String>,
    /// The tools of effects without an end, of a host that is gone.
    pub(super) tools: BTreeMap<u32, String>,
}

impl Task {
    pub(super) fn new(read: ReadTask) -> Self {
        let ReadTask { view, tools } = read;
        Self {
            spec: Arc::new(view.spec),
            state: view.state,
            seq: view.seq,
            needs_left: 0,
            doomed_by: None,
            busy: Busy::No,
            stale: false,
            hold: None,
            queued: false,
            ready_ms: view.queued_ms,
            running: false,
            told: None,
            late: false,
            deadline_ms: None,
            time_left_ms: None,
            adapter: view.adapter,
            ended: None,
            judged: false,
            gate_ended: None,
            gate_reasons: Vec::new(),
            tools,
        }
    }

    /// Takes over what the ledger has, and keeps what is under way here.
    pub(super) fn reread(&mut self, read: ReadTask) {
        self.state = read.view.state;
        self.seq = read.view.seq;
        self.adapter = read.view.adapter;
        self.tools = read.tools;
    }

    pub(super) fn candidates(&self) -> &[Candidate] {
        match &self.spec.work {
            Work::Plugin { candidates, .. } => candidates,
            Work::Manual { .. } | Work::Approval { .. } => &[],
        }
    }

    pub(super) fn open_effects(&self) -> impl Iterator<Item = u32> {
        let open = |effect: &Effect| matches!(effect, Effect::Started { .. });
        let pairs = self.state.effects.iter();
        pairs
            .filter(move |(_, effect)| open(effect))
            .map(|(number, _)| *number)
    }
}

/// A task, or how it ended.
#[derive(Debug)]
pub(super) enum Slot {
    Open(Box<Task>),
    Ended(End),
}

/// A run that is being carried out.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: RunId,
    pub(super) settings: Arc<RunSettings>,
    pub(super) state: RunState,
    pub(super) submitted_ms: u64,
    pub(super) tasks: Vec<Slot>,
    pub(super) places: HashMap<TaskId, u32>,
    pub(super) names: Vec<TaskId>,
    pub(super) graph: Graph,
    /// Tasks that have not ended.
    pub(super) open: usize,
    pub(super) completed: u64,
    /// Attempts that are being made.
    pub(super) active: u32,
    /// The conflict groups that have a task which is worked on.
    pub(super) groups: std::collections::HashSet<Arc<str>>,
    /// Whether a failure has stopped it (`on-failure: fail-fast`).
    pub(super) stopped: bool,
    /// Whether its last event is on the way.
    pub(super) finishing: bool,
    /// Commits without an answer that are about it.
    pub(super) commits: usize,
    /// How many open tasks name each adapter as a candidate.
    pub(super) wanted: BTreeMap<AdapterId, u32>,
}

impl Run {
    /// # Errors
    /// The tasks need each other in a circle: nobody submitted them like this.
    pub(super) fn new(view: RunView, read: Vec<ReadTask>) -> Result<Self, Cycle> {
        let names: Vec<TaskId> = read.iter().map(|read| read.view.spec.id.clone()).collect();
        let places: HashMap<TaskId, u32> = names.iter().cloned().zip(0..).collect();
        let needs: Vec<Vec<usize>> = read
            .iter()
            .map(|read| {
                let needs = read.view.spec.needs.iter();
                needs
                    .filter_map(|need| places.get(need))
                    .map(|place| *place as usize)
                    .collect()
            })
            .collect();
        let texts: Vec<&str> = names.iter().map(TaskId::as_str).collect();
        let graph = Graph::new(&texts, &needs)?;
        let mut run = Self {
            id: view.run,
            settings: Arc::new(view.settings),
            state: view.state,
            submitted_ms: view.submitted_ms,
            tasks: Vec::with_capacity(read.len()),
            places,
            names,
            graph,
            open: 0,
            completed: 0,
            active: 0,
            groups: std::collections::HashSet::new(),
            stopped: false,
            finishing: false,
            commits: 0,
            wanted: BTreeMap::new(),
        };
        for read in read {
            run.add(read);
        }
        run.count_needs();
        Ok(run)
    }

    fn add(&mut self, read: ReadTask) {
        match read.view.state.phase.end() {
            Some(end) => {
                self.count_end(end);
                self.tasks.push(Slot::Ended(end));
            }
            None => {
                self.open += 1;
                let task = Task::new(read);
                for candidate in task.candidates() {
                    let name = adapter_of(candidate);
                    *self.wanted.entry(name).or_default() += 1;
                }
                self.tasks.push(Slot::Open(Box::new(task)));
            }
        }
    }

    /// A task has ended so.
    pub(super) fn count_end(&mut self, end: End) {
        match end {
            End::Completed => self.completed += 1,
            End::Failed | End::Timeout => {
                self.stopped |= self.settings.on_failure == OnFailure::FailFast;
            }
            End::Canceled | End::Skipped | End::Blocked => {}
        }
    }

    fn count_needs(&mut self) {
        for place in 0..self.tasks.len() {
            let mut left = 0;
            let mut doomed = None;
            for need in self.graph.needs(place) {
                match self.tasks.get(*need) {
                    Some(Slot::Ended(End::Completed)) => {}
                    Some(Slot::Ended(_)) => {
                        left += 1;
                        doomed = doomed.or(Some(*need));
                    }
                    Some(Slot::Open(_)) | None => left += 1,
                }
            }
            let doomed = doomed.and_then(|place| self.names.get(place).cloned());
            if let Some(Slot::Open(task)) = self.tasks.get_mut(place) {
                task.needs_left = left;
                task.doomed_by = doomed;
            }
        }
    }

    pub(super) fn name(&self, index: u32) -> Option<&TaskId> {
        self.names.get(index as usize)
    }

    pub(super) fn task(&self, index: u32) -> Option<&Task> {
        match self.tasks.get(index as usize) {
            Some(Slot::Open(task)) => Some(task),
            Some(Slot::Ended(_)) | None => None,
        }
    }

    pub(super) fn task_mut(&mut self, index: u32) -> Option<&mut Task> {
        match self.tasks.get_mut(index as usize) {
            Some(Slot::Open(task)) => Some(task),
            Some(Slot::Ended(_)) | None => None,
        }
    }

    /// Whether an acceptance check of it is required, by its number.
    pub(super) fn gates<'a>(&'a self, task: &'a TaskSpec) -> impl Iterator<Item = &'a GateSpec> {
        self.settings.gates.iter().chain(&task.gates)
    }

    pub(super) fn policy(&self, task: &TaskSpec) -> RetryPolicy {
        task.retry.unwrap_or(self.settings.retry)
    }

    /// Why the task is to end, if someone asked.
    pub(super) fn cancel_of(&self, task: &Task) -> Option<CancelReason> {
        self.state.cancel.max(task.state.cancel)
    }

    /// The open tasks.
    pub(super) fn open_indices(&self) -> Vec<u32> {
        let slots = (0..).zip(&self.tasks);
        slots
            .filter(|(_, slot)| matches!(slot, Slot::Open(_)))
            .map(|(index, _)| index)
            .collect()
    }

    /// The dependants of a task that have not begun, directly or through others, each with the one
    /// through which it was reached.
    pub(super) fn pending_behind(&self, index: u32) -> Vec<(u32, u32)> {
        let mut found = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut open = vec![index];
        while let Some(at) = open.pop() {
            for next in self.graph.needed_by(at as usize) {
                let Ok(next) = u32::try_from(*next) else {
                    continue;
                };
                let is_pending =
                    |task: &Task| task.state.phase == Phase::Pending && task.busy == Busy::No;
                if self.task(next).is_some_and(is_pending) && seen.insert(next) {
                    found.push((next, at));
                    open.push(next);
                }
            }
        }
        found
    }
}

/// The adapter's name as far as the plan says: its own, or the plugin's. What `Attempts::check`
/// says goes before it.
pub(super) fn adapter_of(candidate: &Candidate) -> AdapterId {
    let own = candidate.adapter.clone();
    own.unwrap_or_else(|| AdapterId::of_plugin(&candidate.plugin))
}
