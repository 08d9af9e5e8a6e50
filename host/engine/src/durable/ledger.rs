//! The seam to the store of durable execution: append-only histories, and what is known from them.
//!
//! Narrow on purpose, so that SQLite, memory and later a distributed engine can stand behind it.
//! Every implementation folds with `TaskState::apply` and `RunState::apply` and refuses what they
//! refuse. Never: a change that is not an appended event; an answer before it is durable.

use async_trait::async_trait;
use remit_core::breaker::BreakerState;
use remit_core::digest::Digest;
use remit_core::durable::{
    AdapterId, Counts, Entry, IllegalEvent, LedgerEvent, Phase, RunId, RunState, SafeModeCause,
    Stream, TaskId, TaskState,
};
use remit_core::plan::{RunSettings, TaskSpec};
use tokio::sync::watch;

/// Most events of one commit. More than a host of [`remit_core::plan::MAX_PARALLEL`] attempts has
/// waiting; a plan is submitted in one commit whatever its size.
pub const MAX_ENTRIES: usize = 10_000;

/// What a stream must look like for an append to be made. Checked in the same transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// It does not exist yet.
    New,
    /// Its newest event has this number: nobody else has written since it was looked at.
    Seq(u64),
    /// It is a task whose newest attempt has this fence and holds the task. What an attempt writes.
    Fence(u64),
    /// It exists; whether the events are legal is all that counts. What people ask for.
    Exists,
}

/// Events for one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// Whose history.
    pub stream: Stream,
    /// What it must look like.
    pub expect: Expect,
    /// What happened, in order.
    pub events: Vec<LedgerEvent>,
}

/// How soon a commit has to be durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// It may wait some milliseconds for company: output and progress.
    Activity,
    /// As soon as the disk can: changes of state.
    State,
}

/// Appends that happen all or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// The host's clock, in milliseconds since 1970. A store never goes back: it uses the latest
    /// time that it has seen.
    pub now_ms: u64,
    /// How soon.
    pub lane: Lane,
    /// What is appended.
    pub appends: Vec<Append>,
    /// Circuit breakers as they are from now on, with the adapter's name.
    pub breakers: Vec<(AdapterId, BreakerState)>,
}

/// What a commit came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Place of its last event among all events of the ledger.
    pub seq: u64,
    /// The number of the newest event of each append's stream, in the commit's order.
    pub streams: Vec<u64>,
    /// When it happened by the ledger's time, in milliseconds since 1970.
    pub at_ms: u64,
}

/// Why an append is not made. Nothing of its commit is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It exists already.
    #[error("{0} exists already")]
    Exists(Stream),
    /// It does not exist.
    #[error("there is no {0}")]
    Missing(Stream),
    /// Someone else wrote since.
    #[error("{stream} has {found} events, {expected} were expected")]
    Conflict {
        /// The stream.
        stream: Stream,
        /// The number that was expected.
        expected: u64,
        /// The number that there is.
        found: u64,
    },
    /// Another attempt is the newest, or none holds the task.
    #[error("{stream} is not held by the attempt with fence {fence}; the newest has {newest}")]
    Fenced {
        /// The stream.
        stream: Stream,
        /// Whose write it was.
        fence: u64,
        /// The newest attempt's.
        newest: u64,
    },
    /// The event cannot have happened.
    #[error("{stream}: {why}")]
    Illegal {
        /// The stream.
        stream: Stream,
        /// Why.
        why: IllegalEvent,
    },
}

/// Why the ledger did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The commit does not fit what is there. Nothing was written.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The disk is full. Nothing was written; it can be tried again once there is room.
    #[error("the ledger's disk is full: {0}")]
    Full(String),
    /// It cannot be written, for example because its directory is read-only. Nothing was written.
    #[error("the ledger cannot be written: {0}")]
    ReadOnly(String),
    /// The file is not what it should be.
    #[error("the ledger is damaged: {0}; see `remit ledger verify`")]
    Damaged(String),
    /// Whether it was written is not known: read again and decide.
    #[error("whether the ledger took it is not known: {0}")]
    Unknown(String),
    /// Another process of this machine executes with it. Nothing was written.
    #[error(
        "the ledger is used by another executor ({}); wait for its end, or end it first",
        pid.map_or_else(|| "of unknown process id".to_owned(), |pid| format!("process {pid}"))
    )]
    Held {
        /// Its process id, as far as it said.
        pid: Option<u32>,
    },
    /// It did not answer. Nothing was written.
    #[error("the ledger is unavailable: {0}")]
    Unavailable(String),
}

/// Which entries are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryQuery {
    /// Only of this run.
    pub run: Option<RunId>,
    /// Only of this task of it.
    pub task: Option<TaskId>,
    /// Only after this place among all events.
    pub after: u64,
    /// Whether output and progress of attempts are wanted, too.
    pub activity: bool,
    /// At most so many, at most [`MAX_ENTRIES`].
    pub limit: usize,
}

/// A run as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct RunView {
    /// Its name.
    pub run: RunId,
    /// Its state.
    pub state: RunState,
    /// Where its tasks are.
    pub counts: Counts,
    /// What applies to all of it.
    pub settings: RunSettings,
    /// Where its plan came from.
    pub source: String,
    /// When it was submitted, in milliseconds since 1970.
    pub submitted_ms: u64,
    /// When a host first began it.
    pub started_ms: Option<u64>,
    /// When it finished.
    pub finished_ms: Option<u64>,
    /// The number of its own newest event.
    pub seq: u64,
}

/// A task as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskView {
    /// Its run.
    pub run: RunId,
    /// Its state.
    pub state: TaskState,
    /// What is to be done.
    pub spec: TaskSpec,
    /// Who does, did or will do the work; absent before the first attempt.
    pub adapter: Option<AdapterId>,
    /// When it was queued, in milliseconds since 1970.
    pub queued_ms: u64,
    /// When its first attempt began.
    pub started_ms: Option<u64>,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// The number of its newest event.
    pub seq: u64,
}

/// Which tasks of a run are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskQuery {
    /// Whose.
    pub run: RunId,
    /// Only those that are there; empty for all.
    pub phases: Vec<Phase>,
    /// Only from this place in the plan on.
    pub from_index: u32,
    /// At most so many, at most [`MAX_ENTRIES`].
    pub limit: usize,
}

/// A process that uses the ledger as an executor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRecord {
    /// Its number; never used again.
    pub epoch: u64,
    /// Which start of which machine; another one means that the process is gone.
    pub boot_id: String,
    /// Its process id.
    pub pid: u32,
    /// When the process started, in the kernel's ticks: a pid alone can be someone else's by now.
    pub pid_start: u64,
    /// Until when its attempts are its own, in milliseconds since 1970, unless it says so again.
    pub until_ms: u64,
    /// Whether it ended in good order.
    pub ended: bool,
}

/// Who begins to use the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostIdentity {
    /// See [`HostRecord::boot_id`].
    pub boot_id: String,
    /// See [`HostRecord::pid`].
    pub pid: u32,
    /// See [`HostRecord::pid_start`].
    pub pid_start: u64,
    /// The version of the program.
    pub version: String,
}

/// The store of durable execution.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Appends. Crash before the return: all of it is there or nothing; after it: all of it.
    ///
    /// # Errors
    /// [`LedgerError::Unknown`] alone leaves open whether it happened.
    async fn commit(&self, commit: Commit) -> Result<Committed, LedgerError>;

    /// Entries in their order. Only what is durable is ever returned.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn entries(&self, query: EntryQuery) -> Result<Vec<Entry>, LedgerError>;

    /// The place of the newest durable event, whoever wrote it. Changes after the commit, never
    /// before, and at most a few hundredths of a second after another process's.
    fn newest(&self) -> watch::Receiver<u64>;

    /// A run.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn run(&self, run: &RunId) -> Result<Option<RunView>, LedgerError>;

    /// The runs that have not finished if `open`, else all: the newest first, at most `limit`.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn runs(&self, open: bool, limit: usize) -> Result<Vec<RunView>, LedgerError>;

    /// A task.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn task(&self, run: &RunId, task: &TaskId) -> Result<Option<TaskView>, LedgerError>;

    /// Tasks in the order of the plan.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn tasks(&self, query: TaskQuery) -> Result<Vec<TaskView>, LedgerError>;

    /// The circuit breakers that are not closed and without failures.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn breakers(&self) -> Result<Vec<(AdapterId, BreakerState)>, LedgerError>;

    /// Keeps bytes under their digest. Crash: the artifact is whole or not there.
    ///
    /// # Errors
    /// The bytes cannot be kept.
    async fn put(&self, bytes: Vec<u8>) -> Result<Digest, LedgerError>;

    /// The bytes with this digest, checked against it.
    ///
    /// # Errors
    /// The store cannot be read, or the bytes are not what they were.
    async fn get(&self, digest: Digest) -> Result<Option<Vec<u8>>, LedgerError>;

    /// Begins to use the ledger as an executor: a new epoch, `HOST_STARTED` on the host's stream.
    /// Crash before the return: the epoch may exist, and nobody has it.
    ///
    /// # Errors
    /// Another process of this machine that lives uses the same ledger, or it cannot be written.
    async fn begin_host(
        &self,
        who: HostIdentity,
        now_ms: u64,
        until_ms: u64,
    ) -> Result<HostRecord, LedgerError>;

    /// Says that the host lives, and until when its attempts are its own; `ended` once it has no
    /// more. One statement for all of them. Crash: the old time stands or the new one.
    ///
    /// # Errors
    /// The ledger cannot be written.
    async fn beat(&self, epoch: u64, until_ms: u64, ended: bool) -> Result<(), LedgerError>;

    /// Every host that has attempts, or may have.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn hosts(&self) -> Result<Vec<HostRecord>, LedgerError>;

    /// Whether [`Ledger::begin_host`] only succeeds when no other host lives: then every other one
    /// is proven dead.
    fn is_exclusive(&self) -> bool {
        false
    }

    /// Why no new attempt starts, if so: the last word of the host's stream about it. A store with
    /// an index answers without reading everything.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn safe_mode(&self) -> Result<Option<SafeModeCause>, LedgerError> {
        let mut cause = None;
        let mut query = EntryQuery {
            run: None,
            task: None,
            after: 0,
            activity: false,
            limit: MAX_ENTRIES,
        };
        loop {
            let page = self.entries(query.clone()).await?;
            let Some(last) = page.last() else {
                return Ok(cause);
            };
            query.after = last.seq;
            for entry in page {
                if let LedgerEvent::SafeModeEntered { cause: why } = entry.event {
                    cause = Some(why);
                } else if let LedgerEvent::SafeModeLeft { .. } = entry.event {
                    cause = None;
                }
            }
        }
    }
}
