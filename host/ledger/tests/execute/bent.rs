//! A ledger that misbehaves as a test says: out of order, deaf to one host, or without the rules
//! that keep two hosts apart.
//!
//! Never: used where the rules are to hold.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use remit_core::breaker::BreakerState;
use remit_core::digest::Digest;
use remit_core::durable::{AdapterId, Entry, LedgerEvent, RunId, Stream, TaskId};
use remit_engine::durable::ledger::{
    Commit, Committed, EntryQuery, Expect, HostIdentity, HostRecord, Ledger, LedgerError, RunView,
    TaskQuery, TaskView,
};
use remit_ledger::MemoryLedger;
use tokio::sync::watch;

/// See the module.
#[derive(Debug)]
pub(crate) struct Bent {
    pub(crate) inner: Arc<MemoryLedger>,
    /// Writes of an attempt count whatever its fence is.
    pub(crate) no_fence: bool,
    /// Every other host counts as gone.
    pub(crate) early_reaper: bool,
    /// Nobody hears that there is something new.
    pub(crate) blind: Option<watch::Sender<u64>>,
    /// Hosts cannot say that they live.
    pub(crate) deaf: AtomicBool,
    /// What the next commits come to instead; `Unknown` is written all the same.
    pub(crate) trouble: Mutex<VecDeque<LedgerError>>,
    /// What every commit comes to instead.
    pub(crate) broken: Mutex<Option<LedgerError>>,
}

impl Bent {
    pub(crate) fn new(inner: &Arc<MemoryLedger>) -> Self {
        Self {
            inner: Arc::clone(inner),
            no_fence: false,
            early_reaper: false,
            blind: None,
            deaf: AtomicBool::new(false),
            trouble: Mutex::default(),
            broken: Mutex::default(),
        }
    }

    /// Gives an attempt's writes the fence that the task has by now.
    async fn without_fence(&self, mut commit: Commit) -> Commit {
        for append in &mut commit.appends {
            let (Expect::Fence(_), Stream::Task(run, task)) = (append.expect, &append.stream)
            else {
                continue;
            };
            let view = self.inner.task(run, task).await.unwrap().unwrap();
            let newest = view.state.fence;
            append.expect = Expect::Exists;
            for event in &mut append.events {
                match event {
                    LedgerEvent::EffectStarted { fence, .. }
                    | LedgerEvent::EffectFinished { fence, .. }
                    | LedgerEvent::EffectReplayed { fence, .. }
                    | LedgerEvent::AttemptEnded { fence, .. }
                    | LedgerEvent::Activity { fence, .. } => *fence = newest,
                    _ => {}
                }
            }
        }
        commit
    }
}

#[async_trait]
impl Ledger for Bent {
    async fn commit(&self, commit: Commit) -> Result<Committed, LedgerError> {
        if let Some(error) = self.broken.lock().unwrap().clone() {
            return Err(error);
        }
        let next = self.trouble.lock().unwrap().pop_front();
        let commit = if self.no_fence {
            self.without_fence(commit).await
        } else {
            commit
        };
        match next {
            None => self.inner.commit(commit).await,
            Some(error @ LedgerError::Unknown(_)) => {
                self.inner.commit(commit).await?;
                Err(error)
            }
            Some(error) => Err(error),
        }
    }
    async fn entries(&self, query: EntryQuery) -> Result<Vec<Entry>, LedgerError> {
        self.inner.entries(query).await
    }
    fn newest(&self) -> watch::Receiver<u64> {
        match &self.blind {
            Some(nothing) => nothing.subscribe(),
            None => self.inner.newest(),
        }
    }
    async fn run(&self, run: &RunId) -> Result<Option<RunView>, LedgerError> {
        self.inner.run(run).await
    }
    async fn runs(&self, open: bool, limit: usize) -> Result<Vec<RunView>, LedgerError> {
        self.inner.runs(open, limit).await
    }
    async fn task(&self, run: &RunId, task: &TaskId) -> Result<Option<TaskView>, LedgerError> {
        self.inner.task(run, task).await
    }
    async fn tasks(&self, query: TaskQuery) -> Result<Vec<TaskView>, LedgerError> {
        self.inner.tasks(query).await
    }
    async fn breakers(&self) -> Result<Vec<(AdapterId, BreakerState)>, LedgerError> {
        self.inner.breakers().await
    }
    async fn put(&self, bytes: Vec<u8>) -> Result<Digest, LedgerError> {
        self.inner.put(bytes).await
    }
    async fn get(&self, digest: Digest) -> Result<Option<Vec<u8>>, LedgerError> {
        self.inner.get(digest).await
    }
    async fn begin_host(
        &self,
        who: HostIdentity,
        now_ms: u64,
        until_ms: u64,
    ) -> Result<HostRecord, LedgerError> {
        self.inner.begin_host(who, now_ms, until_ms).await
    }
    async fn beat(&self, epoch: u64, until_ms: u64, ended: bool) -> Result<(), LedgerError> {
        if self.deaf.load(Ordering::SeqCst) {
            return Err(LedgerError::Unavailable("deaf".into()));
        }
        self.inner.beat(epoch, until_ms, ended).await
    }
    async fn hosts(&self) -> Result<Vec<HostRecord>, LedgerError> {
        let mut hosts = self.inner.hosts().await?;
        for host in &mut hosts {
            if self.early_reaper {
                host.until_ms = 0;
            }
        }
        Ok(hosts)
    }
}
