//! What waits for the writer: jobs with their answers, and how much of them there may be.
//!
//! Never: a job without an answer; a caller that waits for the disk on a thread of the runtime.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use remit_core::digest::Digest;
use remit_core::durable::LedgerEvent;
use remit_engine::durable::ledger::{Committed, HostIdentity, HostRecord, Lane, LedgerError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;

use super::append::Prepared;

/// How much may wait, in KiB; each job counts for one more than its bytes. Callers wait beyond it.
const ROOM: u32 = 65_536;

/// How long output and progress wait for company.
const ACTIVITY_WAIT: Duration = Duration::from_millis(20);

/// How much of them waits at most, in bytes.
const ACTIVITY_BYTES: usize = 65_536;

/// Most jobs of one transaction. With more, those that wait for the next one would wait long.
const MAX_BATCH: usize = 4_096;

/// Most bytes of one transaction after which no further job is added.
const MAX_BATCH_BYTES: usize = 4_194_304;

/// What the writer can do.
#[derive(Debug)]
pub(super) enum Work {
    /// Append.
    Commit(Prepared),
    /// Number a new host.
    Begin {
        who: HostIdentity,
        now_ms: u64,
        until_ms: u64,
    },
    /// Say how long a host lives.
    Beat {
        epoch: u64,
        until_ms: u64,
        ended: bool,
    },
    /// Keep a small artifact.
    Keep { digest: Digest, bytes: Vec<u8> },
}

/// What it says when it is done.
#[derive(Debug)]
pub(super) enum Reply {
    Committed(Committed),
    Host(HostRecord),
    Done,
}

/// Where an answer goes.
pub(super) type Answer = oneshot::Sender<Result<Reply, LedgerError>>;

/// Something to do.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) answer: Answer,
    /// Given back when the job has been answered.
    pub(super) room: OwnedSemaphorePermit,
}

impl Work {
    fn bytes(&self) -> usize {
        match self {
            Self::Commit(prepared) => prepared.bytes(),
            Self::Keep { bytes, .. } => bytes.len(),
            Self::Begin { .. } | Self::Beat { .. } => 0,
        }
    }

    fn can_wait(&self) -> bool {
        match self {
            Self::Commit(prepared) => prepared.commit.lane == Lane::Activity,
            Self::Begin { .. } | Self::Beat { .. } | Self::Keep { .. } => false,
        }
    }

    /// Whether it is worth the last bytes of a full disk: it ends something, or says that someone
    /// lives. What begins work or only tells of it is not.
    pub(super) fn ends_something(&self) -> bool {
        use LedgerEvent as E;
        match self {
            Self::Commit(prepared) => {
                let mut events = prepared.commit.appends.iter().flat_map(|a| &a.events);
                !events.any(|event| {
                    matches!(
                        event,
                        E::HostStarted { .. }
                            | E::RunSubmitted { .. }
                            | E::RunStarted { .. }
                            | E::TaskQueued { .. }
                            | E::TaskStarted { .. }
                            | E::EffectStarted { .. }
                            | E::Activity { .. }
                    )
                })
            }
            Self::Beat { .. } | Self::Keep { .. } => true,
            Self::Begin { .. } => false,
        }
    }
}

/// The callers' end.
#[derive(Debug)]
pub(super) struct Queue {
    sender: Sender<Job>,
    room: Arc<Semaphore>,
}

impl Queue {
    pub(super) fn new() -> (Self, Receiver<Job>) {
        let (sender, jobs) = std::sync::mpsc::channel();
        let room = Arc::new(Semaphore::new(ROOM as usize));
        (Self { sender, room }, jobs)
    }

    /// Has the writer do something, and waits for its answer. A caller that goes away before
    /// changes nothing: what was taken is done.
    pub(super) async fn ask(&self, work: Work) -> Result<Reply, LedgerError> {
        let size = u32::try_from(work.bytes() / 1024).unwrap_or(ROOM);
        let size = size.saturating_add(1).min(ROOM);
        let room = Arc::clone(&self.room).acquire_many_owned(size).await;
        let room = room.map_err(|_| ended())?;
        let (answer, wait) = oneshot::channel();
        let job = Job { work, answer, room };
        self.sender.send(job).map_err(|_| ended())?;
        wait.await
            .map_err(|_| LedgerError::Unknown("the writer ended while it was at it".to_owned()))?
    }
}

fn ended() -> LedgerError {
    LedgerError::Unavailable("the writer has ended".to_owned())
}

/// What is done in one transaction: what waits now. Waits for the first job; and if none of it is
/// urgent, some milliseconds for more. Nothing once the callers are gone.
pub(super) fn gather(jobs: &Receiver<Job>) -> Option<Vec<Job>> {
    let first = jobs.recv().ok()?;
    let begin = Instant::now();
    let mut bytes = first.work.bytes();
    let mut can_wait = first.work.can_wait();
    let mut batch = vec![first];
    loop {
        let waits = jobs.try_recv().or_else(|_| {
            if !can_wait || bytes >= ACTIVITY_BYTES {
                return Err(());
            }
            let left = ACTIVITY_WAIT.saturating_sub(begin.elapsed());
            jobs.recv_timeout(left).map_err(drop)
        });
        let Ok(job) = waits else {
            return Some(batch);
        };
        bytes = bytes.saturating_add(job.work.bytes());
        can_wait = can_wait && job.work.can_wait();
        batch.push(job);
        if batch.len() >= MAX_BATCH || bytes >= MAX_BATCH_BYTES {
            return Some(batch);
        }
    }
}
