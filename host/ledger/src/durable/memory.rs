//! Histories in memory: gone when the host ends.
//!
//! For tests, and for runs that shall leave nothing behind. Never: another behaviour than the
//! store on disk, except that nothing is durable.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use remit_core::breaker::BreakerState;
use remit_core::digest::Digest;
use remit_core::durable::{
    AdapterId, Counts, Entry, LEDGER_FORMAT, LedgerEvent, Phase, RunId, Stream, TaskId,
};
use remit_engine::durable::fold::{self, Around, Folded, Head};
use remit_engine::durable::ledger::{
    Append, Commit, Committed, EntryQuery, Expect, HostIdentity, HostRecord, Lane, Ledger,
    LedgerError, MAX_ENTRIES, Refusal, RunView, TaskQuery, TaskView,
};
use tokio::sync::watch;

/// The engine's `Ledger`, in memory.
#[derive(Debug)]
pub struct MemoryLedger {
    inner: Mutex<Inner>,
    newest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: Vec<Entry>,
    now_ms: u64,
    heads: HashMap<Stream, (u64, Folded)>,
    runs: BTreeMap<RunId, RunView>,
    /// Runs in the order in which they were submitted.
    order: Vec<RunId>,
    tasks: HashMap<RunId, BTreeMap<u32, TaskView>>,
    places: HashMap<(RunId, TaskId), u32>,
    breakers: BTreeMap<AdapterId, BreakerState>,
    artifacts: HashMap<Digest, Vec<u8>>,
    hosts: Vec<HostRecord>,
    /// The largest number that a host has had.
    epoch: u64,
}

impl Default for MemoryLedger {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryLedger {
    /// An empty ledger.
    #[must_use]
    pub fn new() -> Self {
        Self {
            inner: Mutex::new(Inner::default()),
            newest: watch::Sender::new(0),
        }
    }

    /// A ledger with this history, as another one returned it. Places may have gaps.
    ///
    /// # Errors
    /// The history cannot have happened: an event does not follow, or has another number than it
    /// says.
    pub fn replay(entries: &[Entry]) -> Result<Self, Refusal> {
        let ledger = Self::new();
        {
            let mut inner = ledger.inner();
            for entry in entries {
                let append = Append {
                    stream: entry.stream(),
                    expect: match entry.task_seq {
                        1 if entry.run.is_none() => Expect::Exists,
                        1 => Expect::New,
                        seq => Expect::Seq(seq.saturating_sub(1)),
                    },
                    events: vec![entry.event.clone()],
                };
                let staged = inner.check(std::slice::from_ref(&append))?;
                if entry.seq <= inner.newest() {
                    return Err(Refusal::Conflict {
                        stream: append.stream,
                        expected: inner.newest() + 1,
                        found: entry.seq,
                    });
                }
                inner.now_ms = inner.now_ms.max(entry.at_ms);
                for head in staged.into_iter().flatten() {
                    inner.take(entry.seq, &append.stream, head, &entry.event);
                }
            }
            ledger.newest.send_replace(inner.newest());
        }
        Ok(ledger)
    }

    /// A panic elsewhere cannot leave it half changed: a commit is checked before it is made.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a commit has changed so far, before any of it is taken.
#[derive(Default)]
struct Changed {
    heads: HashMap<Stream, Head>,
    counts: HashMap<RunId, Counts>,
    places: HashSet<(RunId, u32)>,
}

impl Changed {
    /// What holds between a run and its tasks.
    fn fits(&self, inner: &Inner, stream: &Stream, event: &LedgerEvent) -> Result<(), Refusal> {
        let Some(run) = stream.run() else {
            return Ok(());
        };
        let above = Stream::Run(run.clone());
        let head = match self.heads.get(&above) {
            Some(head) => head.as_ref(),
            None => inner.heads.get(&above),
        };
        let counts = self.counts.get(run).copied();
        let counts = counts
            .or_else(|| Some(inner.runs.get(run)?.counts))
            .unwrap_or_default();
        let place_taken = if let LedgerEvent::TaskQueued { index, .. } = event {
            let known = inner.tasks.get(run);
            self.places.contains(&(run.clone(), *index))
                || known.is_some_and(|all| all.contains_key(index))
        } else {
            false
        };
        let run = match head {
            Some((_, Folded::Run(state))) => Some((state, &counts)),
            Some((_, Folded::Host | Folded::Task(_))) | None => None,
        };
        fold::fits_run(stream, event, Around { run, place_taken })
    }

    /// Counts a task that moved, and keeps its place.
    fn take(
        &mut self,
        inner: &Inner,
        stream: &Stream,
        before: Option<Phase>,
        next: &(u64, Folded),
    ) {
        let (Some(run), (_, Folded::Task(state))) = (stream.run(), next) else {
            return;
        };
        if before == Some(state.phase) {
            return;
        }
        let known = || inner.runs.get(run).map(|view| view.counts);
        self.counts
            .entry(run.clone())
            .or_insert_with(|| known().unwrap_or_default())
            .moved(before, state.phase);
        if before.is_none() {
            self.places.insert((run.clone(), state.index));
        }
    }
}

impl Inner {
    /// The newest event's place.
    fn newest(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.seq)
    }

    /// Checks a commit whole; gives the heads after each event.
    fn check(&self, appends: &[Append]) -> Result<Vec<Vec<(u64, Folded)>>, Refusal> {
        let mut changed = Changed::default();
        let mut all = Vec::with_capacity(appends.len());
        for append in appends {
            let stream = &append.stream;
            let mut head = match changed.heads.get(stream) {
                Some(head) => head.clone(),
                None => self.heads.get(stream).cloned(),
            };
            fold::expect(append, &head)?;
            let mut after = Vec::with_capacity(append.events.len());
            for event in &append.events {
                if fold::concerns_run(event) {
                    changed.fits(self, stream, event)?;
                }
                let before = head.as_ref().and_then(|(_, folded)| fold::phase(folded));
                let next = fold::fold(stream, head, event)?;
                changed.take(self, stream, before, &next);
                after.push(next.clone());
                head = Some(next);
            }
            changed.heads.insert(stream.clone(), head);
            all.push(after);
        }
        Ok(all)
    }

    /// Takes one event that was checked.
    fn take(&mut self, pos: u64, stream: &Stream, head: (u64, Folded), event: &LedgerEvent) {
        let (seq, folded) = &head;
        let at_ms = self.now_ms;
        if let LedgerEvent::HostStarted { epoch, .. } = event {
            self.epoch = self.epoch.max(*epoch);
        }
        match (stream, folded) {
            (Stream::Run(run), Folded::Run(state)) => self.take_run(run, *seq, state, event),
            (Stream::Task(run, task), Folded::Task(state)) => {
                self.take_task(run, task, *seq, state, event);
            }
            (Stream::Host | Stream::Run(_) | Stream::Task(..), _) => {}
        }
        self.entries.push(Entry {
            v: LEDGER_FORMAT,
            seq: pos,
            at_ms,
            run: stream.run().cloned(),
            task: stream.task().cloned(),
            task_seq: *seq,
            event: event.clone(),
        });
        self.heads.insert(stream.clone(), head);
    }

    fn take_run(
        &mut self,
        run: &RunId,
        seq: u64,
        state: &remit_core::durable::RunState,
        event: &LedgerEvent,
    ) {
        let at_ms = self.now_ms;
        if let LedgerEvent::RunSubmitted {
            settings, source, ..
        } = event
        {
            self.order.push(run.clone());
            self.runs.insert(
                run.clone(),
                RunView {
                    run: run.clone(),
                    state: state.clone(),
                    counts: Counts::default(),
                    settings: settings.as_ref().clone(),
                    source: source.clone(),
                    submitted_ms: at_ms,
                    started_ms: None,
                    finished_ms: None,
                    seq,
                },
            );
        }
        if let Some(view) = self.runs.get_mut(run) {
            view.state = state.clone();
            view.seq = seq;
            if let LedgerEvent::RunStarted { .. } = event {
                view.started_ms.get_or_insert(at_ms);
            }
            if let LedgerEvent::ExecutionFinished { .. } = event {
                view.finished_ms = Some(at_ms);
            }
        }
    }

    fn take_task(
        &mut self,
        run: &RunId,
        task: &TaskId,
        seq: u64,
        state: &remit_core::durable::TaskState,
        event: &LedgerEvent,
    ) {
        let at_ms = self.now_ms;
        let mut before = None;
        if let LedgerEvent::TaskQueued { spec, index, .. } = event {
            let view = TaskView {
                run: run.clone(),
                state: state.clone(),
                spec: spec.as_ref().clone(),
                adapter: None,
                queued_ms: at_ms,
                started_ms: None,
                ended_ms: None,
                seq,
            };
            self.places.insert((run.clone(), task.clone()), *index);
            self.tasks
                .entry(run.clone())
                .or_default()
                .insert(*index, view);
        } else if let Some(view) = self
            .tasks
            .get_mut(run)
            .and_then(|tasks| tasks.get_mut(&state.index))
        {
            before = Some(view.state.phase);
            view.state = state.clone();
            view.seq = seq;
            if let LedgerEvent::TaskStarted { adapter, .. } = event {
                view.adapter = Some(adapter.clone());
                view.started_ms.get_or_insert(at_ms);
            }
            if state.phase.end().is_some() {
                view.ended_ms.get_or_insert(at_ms);
            }
        }
        if before != Some(state.phase)
            && let Some(view) = self.runs.get_mut(run)
        {
            view.counts.moved(before, state.phase);
        }
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn commit(&self, commit: Commit) -> Result<Committed, LedgerError> {
        let mut inner = self.inner();
        let heads = inner.check(&commit.appends)?;
        // As the store on disk, whose columns hold 63 bits.
        inner.now_ms = inner.now_ms.max(commit.now_ms.min(i64::MAX.unsigned_abs()));
        let mut streams = Vec::with_capacity(heads.len());
        for (append, heads) in commit.appends.iter().zip(heads) {
            let mut last = 0;
            for (event, head) in append.events.iter().zip(heads) {
                last = head.0;
                let pos = inner.newest() + 1;
                inner.take(pos, &append.stream, head, event);
            }
            streams.push(last);
        }
        for (adapter, state) in commit.breakers {
            inner.breakers.insert(adapter, state);
        }
        let seq = inner.newest();
        let at_ms = inner.now_ms;
        drop(inner);
        self.newest.send_replace(seq);
        Ok(Committed {
            seq,
            streams,
            at_ms,
        })
    }

    async fn entries(&self, query: EntryQuery) -> Result<Vec<Entry>, LedgerError> {
        let inner = self.inner();
        let from = inner.entries.partition_point(|e| e.seq <= query.after);
        let wanted = |entry: &&Entry| {
            query
                .run
                .as_ref()
                .is_none_or(|run| entry.run.as_ref() == Some(run))
                && query
                    .task
                    .as_ref()
                    .is_none_or(|task| entry.task.as_ref() == Some(task))
                && (query.activity || !matches!(entry.event, LedgerEvent::Activity { .. }))
        };
        Ok(inner
            .entries
            .iter()
            .skip(from)
            .filter(wanted)
            .take(query.limit.min(MAX_ENTRIES))
            .cloned()
            .collect())
    }

    fn newest(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunView>, LedgerError> {
        Ok(self.inner().runs.get(run).cloned())
    }

    async fn runs(&self, open: bool, limit: usize) -> Result<Vec<RunView>, LedgerError> {
        let inner = self.inner();
        Ok(inner
            .order
            .iter()
            .rev()
            .filter_map(|run| inner.runs.get(run))
            .filter(|view| !open || view.finished_ms.is_none())
            .take(limit)
            .cloned()
            .collect())
    }

    async fn task(&self, run: &RunId, task: &TaskId) -> Result<Option<TaskView>, LedgerError> {
        let inner = self.inner();
        let place = inner.places.get(&(run.clone(), task.clone()));
        Ok(place
            .and_then(|place| inner.tasks.get(run)?.get(place))
            .cloned())
    }

    async fn tasks(&self, query: TaskQuery) -> Result<Vec<TaskView>, LedgerError> {
        let inner = self.inner();
        let Some(tasks) = inner.tasks.get(&query.run) else {
            return Ok(Vec::new());
        };
        Ok(tasks
            .range(query.from_index..)
            .map(|(_, view)| view)
            .filter(|view| query.phases.is_empty() || query.phases.contains(&view.state.phase))
            .take(query.limit.min(MAX_ENTRIES))
            .cloned()
            .collect())
    }

    async fn breakers(&self) -> Result<Vec<(AdapterId, BreakerState)>, LedgerError> {
        let inner = self.inner();
        let pairs = inner.breakers.iter();
        Ok(pairs
            .filter(|(_, state)| !super::is_at_rest(state))
            .map(|(id, state)| (id.clone(), state.clone()))
            .collect())
    }

    async fn put(&self, bytes: Vec<u8>) -> Result<Digest, LedgerError> {
        let digest = Digest::of(&bytes);
        self.inner().artifacts.insert(digest, bytes);
        Ok(digest)
    }

    async fn get(&self, digest: Digest) -> Result<Option<Vec<u8>>, LedgerError> {
        Ok(self.inner().artifacts.get(&digest).cloned())
    }

    async fn begin_host(
        &self,
        who: HostIdentity,
        now_ms: u64,
        until_ms: u64,
    ) -> Result<HostRecord, LedgerError> {
        let epoch = self.inner().epoch + 1;
        let record = HostRecord {
            epoch,
            boot_id: who.boot_id,
            pid: who.pid,
            pid_start: who.pid_start,
            until_ms,
            ended: false,
        };
        self.inner().hosts.push(record.clone());
        self.commit(Commit {
            now_ms,
            lane: Lane::State,
            appends: vec![Append {
                stream: Stream::Host,
                expect: Expect::Exists,
                events: vec![LedgerEvent::HostStarted {
                    epoch,
                    pid: who.pid,
                    version: who.version,
                }],
            }],
            breakers: Vec::new(),
        })
        .await?;
        Ok(record)
    }

    async fn beat(&self, epoch: u64, until_ms: u64, ended: bool) -> Result<(), LedgerError> {
        let mut inner = self.inner();
        if let Some(host) = inner.hosts.iter_mut().find(|host| host.epoch == epoch) {
            host.until_ms = until_ms;
            host.ended = ended;
        }
        Ok(())
    }

    async fn hosts(&self) -> Result<Vec<HostRecord>, LedgerError> {
        let inner = self.inner();
        Ok(inner
            .hosts
            .iter()
            .filter(|host| !host.ended)
            .cloned()
            .collect())
    }
}
