//! The ledger in one SQLite file: any number of handles and processes may use it.
//!
//! ```text
//! commit ─▶ queue ─▶ writer: one thread, one transaction for all that waits ─▶ everyone is answered
//! run, tasks, entries … ─▶ readers: a few threads, each with a connection of its own
//! newest ─▶ the writer tells; a poll of `data_version` tells of other processes
//! ```
//!
//! Never: an answer before it is on the disk; a thread of the runtime that waits for SQLite.

mod append;
mod artifacts;
mod chain;
mod export;
mod fault;
mod gc;
mod heads;
mod lock;
mod log;
mod plans;
mod queue;
mod read;
mod readers;
mod reserve;
mod rows;
mod schema;
mod verify;
mod watching;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use remit_core::breaker::BreakerState;
use remit_core::contract::Tables;
use remit_core::digest::Digest;
use remit_core::durable::{AdapterId, Entry, RunId, TaskId};
use remit_engine::durable::ledger::{
    Commit, Committed, EntryQuery, HostIdentity, HostRecord, Ledger, LedgerError, RunView,
    TaskQuery, TaskView,
};
use tokio::sync::{Mutex, watch};

use append::Prepared;
pub use export::export_ledger;
pub use fault::LedgerOpenError;
pub use gc::{GcPlan, GcReport, collect_garbage};
pub use plans::query_plans;
use queue::{Queue, Reply, Work};
use readers::Readers;
pub use schema::{Durability, planned_tables};
pub use verify::{FindingSeverity, LedgerFinding, LedgerReport, verify_ledger};
use watching::Watching;

/// The engine's `Ledger`, in a file.
#[derive(Debug)]
pub struct SqliteLedger {
    path: Arc<Path>,
    queue: Queue,
    readers: Readers,
    newest: watch::Sender<u64>,
    watching: Watching,
    /// Taken by the first host that begins, and held as long as the handle is there.
    lock: Mutex<Option<lock::Lock>>,
}

/// A file beside the ledger.
fn beside(ledger: &Path, suffix: &str) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

impl SqliteLedger {
    /// Opens the ledger in this file, or makes it with the directories above it. Blocks for as
    /// long as that takes.
    ///
    /// # Errors
    /// See [`LedgerOpenError`]. A refused file stays as it is.
    pub fn open(path: &Path) -> Result<Self, LedgerOpenError> {
        Self::open_with(path, Durability::Full)
    }

    /// As [`SqliteLedger::open`], with a say in when a commit is answered.
    ///
    /// # Errors
    /// See [`LedgerOpenError`].
    pub fn open_with(path: &Path, durability: Durability) -> Result<Self, LedgerOpenError> {
        let make = |source| LedgerOpenError::Make {
            path: path.to_owned(),
            source,
        };
        let newest = watch::Sender::new(0);
        let writer = writer::Writer::open(path, durability, newest.clone())?;
        let (queue, jobs) = Queue::new();
        std::thread::Builder::new()
            .name("remit-ledger-write".into())
            .spawn(move || writer.work(&jobs))
            .map_err(make)?;
        Ok(Self {
            path: Arc::from(path),
            queue,
            readers: Readers::start(path).map_err(make)?,
            watching: Watching::start(path.to_owned(), newest.clone()).map_err(make)?,
            newest,
            lock: Mutex::new(None),
        })
    }

    /// Its tables with their columns.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn tables(&self) -> Result<Tables, LedgerError> {
        self.readers
            .ask(|db| schema::tables(db).map_err(|error| fault::plain(&error)))
            .await
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The writer answered something else than it was asked. It does not.
fn confused() -> LedgerError {
    LedgerError::Unavailable("the writer's answer is of another kind".to_owned())
}

impl From<LedgerOpenError> for LedgerError {
    fn from(error: LedgerOpenError) -> Self {
        match error {
            LedgerOpenError::Refused { error, .. } => error,
            LedgerOpenError::Make { .. } => Self::ReadOnly(error.to_string()),
            LedgerOpenError::Foreign { .. }
            | LedgerOpenError::Newer { .. }
            | LedgerOpenError::Missing { .. } => Self::Unavailable(error.to_string()),
        }
    }
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn commit(&self, commit: Commit) -> Result<Committed, LedgerError> {
        let prepared = Prepared::new(commit)
            .map_err(|e| LedgerError::Unavailable(format!("an event has no JSON form: {e}")))?;
        match self.queue.ask(Work::Commit(prepared)).await? {
            Reply::Committed(committed) => Ok(committed),
            Reply::Host(_) | Reply::Done => Err(confused()),
        }
    }

    async fn entries(&self, query: EntryQuery) -> Result<Vec<Entry>, LedgerError> {
        self.readers.ask(move |db| read::entries(db, &query)).await
    }

    fn newest(&self) -> watch::Receiver<u64> {
        let receiver = self.newest.subscribe();
        self.watching.wake();
        receiver
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunView>, LedgerError> {
        let run = run.clone();
        self.readers.ask(move |db| read::run(db, &run)).await
    }

    async fn runs(&self, open: bool, limit: usize) -> Result<Vec<RunView>, LedgerError> {
        self.readers
            .ask(move |db| read::runs(db, open, limit))
            .await
    }

    async fn task(&self, run: &RunId, task: &TaskId) -> Result<Option<TaskView>, LedgerError> {
        let (run, task) = (run.clone(), task.clone());
        self.readers
            .ask(move |db| read::task(db, &run, &task))
            .await
    }

    async fn tasks(&self, query: TaskQuery) -> Result<Vec<TaskView>, LedgerError> {
        self.readers.ask(move |db| read::tasks(db, &query)).await
    }

    async fn breakers(&self) -> Result<Vec<(AdapterId, BreakerState)>, LedgerError> {
        self.readers.ask(read::breakers).await
    }

    async fn put(&self, bytes: Vec<u8>) -> Result<Digest, LedgerError> {
        let digest = Digest::of(&bytes);
        if bytes.len() <= artifacts::MAX_INLINE {
            self.queue.ask(Work::Keep { digest, bytes }).await?;
        } else {
            let path = Arc::clone(&self.path);
            self.readers
                .ask(move |_| artifacts::keep(&path, digest, &bytes))
                .await?;
        }
        Ok(digest)
    }

    async fn get(&self, digest: Digest) -> Result<Option<Vec<u8>>, LedgerError> {
        let path = Arc::clone(&self.path);
        self.readers
            .ask(move |db| {
                let found = match read::artifact(db, digest.as_bytes())? {
                    Some(bytes) => Some(bytes),
                    None => artifacts::read(&path, digest)?,
                };
                found
                    .map(|bytes| artifacts::checked(digest, bytes))
                    .transpose()
            })
            .await
    }

    async fn begin_host(
        &self,
        who: HostIdentity,
        now_ms: u64,
        until_ms: u64,
    ) -> Result<HostRecord, LedgerError> {
        let mut lock = self.lock.lock().await;
        if lock.is_none() {
            let path = Arc::clone(&self.path);
            let taken = self
                .readers
                .ask(move |db| {
                    let taken = lock::Lock::take(&path)?;
                    read::quick_check(db)?;
                    Ok(taken)
                })
                .await?;
            *lock = Some(taken);
        }
        let work = Work::Begin {
            who,
            now_ms,
            until_ms,
        };
        match self.queue.ask(work).await? {
            Reply::Host(record) => Ok(record),
            Reply::Committed(_) | Reply::Done => Err(confused()),
        }
    }

    /// The lock is held by one process at a time, and the kernel takes it from the dead.
    fn is_exclusive(&self) -> bool {
        self.lock.try_lock().is_ok_and(|lock| lock.is_some())
    }

    async fn beat(&self, epoch: u64, until_ms: u64, ended: bool) -> Result<(), LedgerError> {
        let work = Work::Beat {
            epoch,
            until_ms,
            ended,
        };
        self.queue.ask(work).await.map(drop)
    }

    async fn hosts(&self) -> Result<Vec<HostRecord>, LedgerError> {
        self.readers.ask(read::hosts).await
    }
}
