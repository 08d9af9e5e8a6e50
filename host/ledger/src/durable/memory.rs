//! Histories in memory: gone when the host ends.
//!
//! For tests, and for runs that shall leave nothing behind. Never: another behaviour than the
//! store on disk, except that nothing is durable.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use remit_core::breaker::BreakerState;
use remit_core::digest::Digest;
use remit_core::durable::{
    AdapterId, Counts, Entry, LEDGER_FORMAT, LedgerEvent, RunId, Stream, TaskId,
};
use remit_engine::durable::fold::{self, Folded, Head};
use remit_engine::durable::ledger::{
    Append, Commit, Committed, EntryQuery, HostIdentity, HostRecord, Ledger, LedgerError,
    MAX_ENTRIES, Refusal, RunView, TaskQuery, TaskView,
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

    /// A ledger with this history, as another one returned it.
    ///
    /// # Errors
    /// The history cannot have happened.
    pub fn replay(entries: &[Entry]) -> Result<Self, Refusal> {
        let ledger = Self::new();
        {
            let mut inner = ledger.inner();
            for entry in entries {
                let stream = entry.stream();
                let head = fold::fold(&stream, inner.heads.get(&stream).cloned(), &entry.event)?;
                inner.now_ms = inner.now_ms.max(entry.at_ms);
                inner.take(&stream, head, &entry.event);
            }
            ledger.newest.send_replace(inner.entries.len() as u64);
        }
        Ok(ledger)
    }

    /// A panic elsewhere cannot leave it half changed: a commit is checked before it is made.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Checks a commit whole; gives the heads after each event.
    fn check(&self, appends: &[Append]) -> Result<Vec<Vec<(u64, Folded)>>, Refusal> {
        let mut changed: HashMap<Stream, Head> = HashMap::new();
        let mut all = Vec::with_capacity(appends.len());
        for append in appends {
            let stream = &append.stream;
            let mut head = match changed.get(stream) {
                Some(head) => head.clone(),
                None => self.heads.get(stream).cloned(),
            };
            fold::expect(append, &head)?;
            let mut after = Vec::with_capacity(append.events.len());
            for event in &append.events {
                let next = fold::fold(stream, head, event)?;
                after.push(next.clone());
                head = Some(next);
            }
            changed.insert(stream.clone(), head);
            all.push(after);
        }
        Ok(all)
    }

    /// Takes one event that was checked.
    fn take(&mut self, stream: &Stream, head: (u64, Folded), event: &LedgerEvent) {
        let (seq, folded) = &head;
        let at_ms = self.now_ms;
        match (stream, folded) {
            (Stream::Run(run), Folded::Run(state)) => self.take_run(run, *seq, state, event),
            (Stream::Task(run, task), Folded::Task(state)) => {
                self.take_task(run, task, *seq, state, event);
            }
            (Stream::Host | Stream::Run(_) | Stream::Task(..), _) => {}
        }
        self.entries.push(Entry {
            v: LEDGER_FORMAT,
            seq: self.entries.len() as u64 + 1,
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
        inner.now_ms = inner.now_ms.max(commit.now_ms);
        let mut streams = Vec::with_capacity(heads.len());
        for (append, heads) in commit.appends.iter().zip(heads) {
            let mut last = 0;
            for (event, head) in append.events.iter().zip(heads) {
                last = head.0;
                inner.take(&append.stream, head, event);
            }
            streams.push(last);
        }
        for (adapter, state) in commit.breakers {
            inner.breakers.insert(adapter, state);
        }
        let seq = inner.entries.len() as u64;
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
        let from = usize::try_from(query.after).unwrap_or(usize::MAX);
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
        let epoch = self.inner().hosts.len() as u64 + 1;
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
            lane: remit_engine::durable::ledger::Lane::State,
            appends: vec![Append {
                stream: Stream::Host,
                expect: remit_engine::durable::ledger::Expect::Exists,
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
