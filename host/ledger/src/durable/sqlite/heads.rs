//! What the writer knows of streams: their newest event and state, and which of their rows have
//! still to be written.
//!
//! A commit is folded on copies (a [`Stage`]) before anything of it is written, so that a refused
//! one leaves no trace and needs no savepoint. Never: a head that is older than the file; the
//! writer forgets all of them when another process has written, and when a batch failed.

use std::collections::{HashMap, HashSet};

use remit_core::durable::{AdapterId, Counts, LedgerEvent, Phase, RunState, Stream, TaskState};
use remit_engine::durable::fold::{Folded, Head};

use super::chain::Link;

/// Most streams whose heads are kept. Ended ones are not, so this is about tasks that are open:
/// more than a host of many runs works on at the same time, in a few tens of megabytes.
const MAX_HEADS: usize = 32_768;

/// A stream as it is, or as it will be when the batch is committed.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// The row of its run; 0 for the host's stream.
    pub(super) run: i64,
    /// The row of its task; 0 if it is not one's.
    pub(super) task: i64,
    /// The number of its newest event.
    pub(super) number: u64,
    /// The newest event's link.
    pub(super) chain: Link,
    /// Its state, and what else its row says.
    pub(super) row: Row,
    /// What has to be done about its row.
    pub(super) write: Write,
}

/// The projection of a stream.
#[derive(Debug, Clone)]
pub(super) enum Row {
    /// The host's stream has none.
    Host,
    /// A run's.
    Run(RunRow),
    /// A task's.
    Task(Box<TaskRow>),
}

/// What `runs` says of a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RunRow {
    pub(super) state: RunState,
    pub(super) counts: Counts,
    pub(super) submitted_ms: u64,
    pub(super) started_ms: Option<u64>,
    pub(super) finished_ms: Option<u64>,
    /// The first place in the plan that no task of it has, and none after it.
    pub(super) places: u64,
}

/// What `tasks` says of a task.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TaskRow {
    pub(super) state: TaskState,
    pub(super) adapter: Option<AdapterId>,
    pub(super) queued_ms: u64,
    pub(super) started_ms: Option<u64>,
    pub(super) ended_ms: Option<u64>,
    /// The newest event that changed the state.
    pub(super) number: u64,
}

/// What has to be done about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    /// It is as it should be.
    Nothing,
    /// It is there and has to be changed.
    Update,
    /// It is not there yet.
    Insert,
}

impl Write {
    /// After one more change.
    fn changed(self) -> Self {
        match self {
            Self::Nothing | Self::Update => Self::Update,
            Self::Insert => Self::Insert,
        }
    }
}

impl RunRow {
    pub(super) fn new(state: RunState, at_ms: u64) -> Self {
        Self {
            state,
            counts: Counts::default(),
            submitted_ms: at_ms,
            started_ms: None,
            finished_ms: None,
            places: 0,
        }
    }

    /// Notes what an event says besides the state.
    fn note(&mut self, event: &LedgerEvent, at_ms: u64) {
        if let LedgerEvent::RunStarted { .. } = event {
            self.started_ms.get_or_insert(at_ms);
        }
        if let LedgerEvent::ExecutionFinished { .. } = event {
            self.finished_ms = Some(at_ms);
        }
    }
}

impl TaskRow {
    pub(super) fn new(state: TaskState, at_ms: u64) -> Self {
        Self {
            state,
            adapter: None,
            queued_ms: at_ms,
            started_ms: None,
            ended_ms: None,
            number: 1,
        }
    }

    /// Notes what an event says besides the state that it led to.
    fn note(&mut self, phase: Phase, event: &LedgerEvent, at_ms: u64, number: u64) {
        self.number = number;
        if let LedgerEvent::TaskStarted { adapter, .. } = event {
            self.adapter = Some(adapter.clone());
            self.started_ms.get_or_insert(at_ms);
        }
        if phase.end().is_some() {
            self.ended_ms.get_or_insert(at_ms);
        }
    }
}

impl Held {
    /// The stream as the fold wants it.
    pub(super) fn head(&self) -> Head {
        let folded = match &self.row {
            Row::Host => Folded::Host,
            Row::Run(run) => Folded::Run(run.state.clone()),
            Row::Task(task) => Folded::Task(Box::new(task.state.clone())),
        };
        // A stream without an event, such as the host's at first, does not exist yet.
        (self.number > 0).then_some((self.number, folded))
    }

    /// Notes one more event, which led to `next`. The state itself follows with
    /// [`Held::settle`], once for a whole append.
    pub(super) fn note(&mut self, next: &(u64, Folded), event: &LedgerEvent, at_ms: u64) {
        self.number = next.0;
        match (&mut self.row, &next.1) {
            (Row::Run(row), Folded::Run(_)) => {
                row.note(event, at_ms);
                self.write = self.write.changed();
            }
            (Row::Task(row), Folded::Task(state)) => {
                if !TaskState::is_unchanged_by(event) {
                    row.note(state.phase, event, at_ms, next.0);
                    self.write = self.write.changed();
                }
            }
            (Row::Host | Row::Run(_) | Row::Task(_), _) => {}
        }
    }

    /// Puts in the state after an append.
    pub(super) fn settle(&mut self, folded: Folded) {
        match (&mut self.row, folded) {
            (Row::Run(row), Folded::Run(state)) => row.state = state,
            (Row::Task(row), Folded::Task(state)) => row.state = *state,
            (Row::Host | Row::Run(_) | Row::Task(_), _) => {}
        }
    }

    /// Whether no further event can come.
    fn has_ended(&self) -> bool {
        match &self.row {
            Row::Host => false,
            Row::Run(run) => run.finished_ms.is_some(),
            Row::Task(task) => task.state.phase.end().is_some(),
        }
    }
}

/// Every head that the writer knows, and the ledger's own counters.
#[derive(Debug, Default)]
pub(super) struct Heads {
    /// SQLite's `data_version` when all this was true.
    pub(super) version: Option<i64>,
    pub(super) counters: Counters,
    held: HashMap<Stream, Held>,
    /// The streams whose rows have to be written.
    unwritten: Vec<Stream>,
    /// Rows of runs with the places of tasks that have no row yet.
    places: HashSet<(i64, u32)>,
}

/// What is counted for the whole file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counters {
    /// The newest event's place.
    pub(super) newest: u64,
    /// The ledger's time.
    pub(super) now_ms: u64,
    /// The newest row of `runs`.
    pub(super) last_run: i64,
    /// The newest row of `tasks`.
    pub(super) last_task: i64,
}

impl Heads {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn get(&self, stream: &Stream) -> Option<&Held> {
        self.held.get(stream)
    }

    /// Begins a commit.
    pub(super) fn stage(&self) -> Stage {
        Stage {
            counters: self.counters,
            held: HashMap::new(),
            places: HashSet::new(),
        }
    }

    /// Takes what a commit came to.
    pub(super) fn merge(&mut self, stage: Stage) {
        self.counters = stage.counters;
        self.places.extend(stage.places);
        for (stream, held) in stage.held {
            if held.write != Write::Nothing {
                let known = self.held.get(&stream).map(|held| held.write);
                if known.is_none_or(|write| write == Write::Nothing) {
                    self.unwritten.push(stream.clone());
                }
            }
            self.held.insert(stream, held);
        }
    }

    /// Whether a task that has no row yet has this place of this run.
    pub(super) fn is_claimed(&self, place: (i64, u32)) -> bool {
        self.places.contains(&place)
    }

    /// Hands out each row that has to be written, and forgets streams that have ended.
    pub(super) fn written<E>(
        &mut self,
        mut write: impl FnMut(&Stream, &Held) -> Result<(), E>,
    ) -> Result<(), E> {
        for stream in std::mem::take(&mut self.unwritten) {
            let Some(held) = self.held.get_mut(&stream) else {
                continue;
            };
            write(&stream, held)?;
            held.write = Write::Nothing;
            if held.has_ended() {
                self.held.remove(&stream);
            }
        }
        self.places.clear();
        if self.held.len() > MAX_HEADS {
            self.held.clear();
        }
        Ok(())
    }
}

/// A commit in the making: copies of the heads that it changes.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) counters: Counters,
    held: HashMap<Stream, Held>,
    /// As in [`Heads`].
    pub(super) places: HashSet<(i64, u32)>,
}

impl Stage {
    pub(super) fn get(&self, stream: &Stream) -> Option<&Held> {
        self.held.get(stream)
    }

    pub(super) fn get_mut(&mut self, stream: &Stream) -> Option<&mut Held> {
        self.held.get_mut(stream)
    }

    pub(super) fn insert(&mut self, stream: Stream, held: Held) {
        self.held.insert(stream, held);
    }

    /// A run's row, to count a task that moved.
    pub(super) fn run_mut(&mut self, stream: &Stream) -> Option<&mut RunRow> {
        let held = self.held.get_mut(stream)?;
        held.write = held.write.changed();
        match &mut held.row {
            Row::Run(run) => Some(run),
            Row::Host | Row::Task(_) => None,
        }
    }
}
