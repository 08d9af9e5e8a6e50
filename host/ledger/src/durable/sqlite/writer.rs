//! The one thread that writes: takes what waits, carries it out in one transaction, and answers
//! everyone when it is on the disk.
//!
//! While the disk syncs, the next batch gathers by itself; so the sync is shared without anyone
//! waiting for a timer. A commit that does not fit is refused before any of its rows is written,
//! so no savepoint is needed; a rule of the tables that is broken all the same fails its own commit
//! alone, because the batch is then carried out one by one.
//!
//! Never: an answer before COMMIT; a batch with a caller that gets none.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::Receiver;

use remit_core::durable::{LedgerEvent, Stream};
use remit_engine::durable::ledger::{
    Append, Commit, Expect, HostIdentity, HostRecord, Lane, LedgerError,
};
use rusqlite::Connection;
use tokio::sync::watch;

use super::append::{self, Prepared};
use super::fault::{self, LedgerOpenError, Trouble};
use super::heads::Heads;
use super::queue::{Job, Reply, Work, gather};
use super::reserve::Reserve;
use super::rows::{self, int};
use super::schema::{self, Durability};

/// Pages of 4 KiB in the log after which what is in it is put where it belongs. Larger is fewer
/// syncs of the file; smaller is a shorter pause for those who wait meanwhile.
const CHECKPOINT_PAGES: u32 = 2_000;

/// The writer.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    durability: Durability,
    /// Absent after a failure; opened again by the next batch.
    open: Option<Open>,
    heads: Heads,
    newest: watch::Sender<u64>,
    reserve: Reserve,
}

#[derive(Debug)]
struct Open {
    db: Connection,
    /// Pages in the log after the last commit.
    pages: Arc<AtomicU32>,
}

/// Why a transaction came to nothing.
struct Failure {
    error: LedgerError,
    /// There is no room.
    full: bool,
    /// One of its works broke a rule of the tables.
    constraint: bool,
}

type Replies = Vec<Result<Reply, LedgerError>>;

impl Writer {
    /// Opens the file.
    pub(super) fn open(
        path: &Path,
        durability: Durability,
        newest: watch::Sender<u64>,
    ) -> Result<Self, LedgerOpenError> {
        let mut writer = Self {
            path: path.to_owned(),
            durability,
            open: None,
            heads: Heads::default(),
            newest,
            reserve: Reserve::beside(path),
        };
        let open = writer.connect()?;
        let counters = append::counters(&open.db).map_err(|error| LedgerOpenError::Refused {
            path: path.to_owned(),
            error: fault::plain(&error),
        })?;
        writer.newest.send_replace(counters.newest);
        writer.open = Some(open);
        Ok(writer)
    }

    /// Works until every caller is gone.
    pub(super) fn work(mut self, jobs: &Receiver<Job>) {
        while let Some(batch) = gather(jobs) {
            let mut works = Vec::with_capacity(batch.len());
            let mut callers = Vec::with_capacity(batch.len());
            for job in batch {
                works.push(job.work);
                callers.push((job.answer, job.room));
            }
            let replies = self.batch(&works);
            for ((answer, room), reply) in callers.into_iter().zip(replies) {
                // Whoever asked may have gone; the work is done all the same.
                drop(answer.send(reply));
                drop(room);
            }
            self.checkpoint();
        }
    }

    /// One reply for each work.
    fn batch(&mut self, works: &[Work]) -> Replies {
        if self.reserve.is_spent() && !self.reserve.refill() {
            return self.only_ends(works, "the reserve is spent; free some space");
        }
        let all: Vec<&Work> = works.iter().collect();
        match self.transaction(&all) {
            Ok(replies) => replies,
            Err(failure) if failure.full && self.reserve.spend() => {
                tracing::warn!("the ledger's disk is full; its reserve is given up");
                let why = failure.error.to_string();
                self.only_ends(works, &why)
            }
            Err(failure) => self.failed(&all, failure),
        }
    }

    /// Carries out what ends something; the rest has no room.
    fn only_ends(&mut self, works: &[Work], why: &str) -> Replies {
        let ends: Vec<&Work> = works.iter().filter(|work| work.ends_something()).collect();
        let mut replies = if ends.is_empty() {
            Vec::new()
        } else {
            match self.transaction(&ends) {
                Ok(replies) => replies,
                Err(failure) => self.failed(&ends, failure),
            }
        }
        .into_iter();
        let mut reply = |work: &Work| {
            let carried_out = work.ends_something().then(|| replies.next()).flatten();
            carried_out.unwrap_or_else(|| Err(LedgerError::Full(why.to_owned())))
        };
        works.iter().map(&mut reply).collect()
    }

    /// After a batch that failed: one by one if one of them alone is to blame.
    fn failed(&mut self, works: &[&Work], failure: Failure) -> Replies {
        if !failure.constraint || works.len() == 1 {
            return works.iter().map(|_| Err(failure.error.clone())).collect();
        }
        let alone = |work: &&Work| match self.transaction(&[*work]) {
            Ok(mut replies) => replies.pop().unwrap_or(Ok(Reply::Done)),
            Err(failure) => Err(failure.error),
        };
        works.iter().map(alone).collect()
    }

    /// Carries out works in one transaction. After a failure nothing of it is there, and the
    /// connection is closed: what SQLite or the disk thinks of it is not to be relied on.
    fn transaction(&mut self, works: &[&Work]) -> Result<Replies, Failure> {
        let result = self.carry_out(works);
        if result.is_err() {
            self.open = None;
            self.heads.clear();
        }
        result
    }

    fn carry_out(&mut self, works: &[&Work]) -> Result<Replies, Failure> {
        let open = match self.open.take() {
            Some(open) => open,
            None => self.connect().map_err(|error| Failure::opening(&error))?,
        };
        let db = &open.db;
        begin(db, &mut self.heads)?;
        let mut replies = Vec::with_capacity(works.len());
        for work in works {
            match one(db, &mut self.heads, work) {
                Ok(reply) => replies.push(Ok(reply)),
                Err(Trouble::Refused(refusal)) => replies.push(Err(refusal.into())),
                Err(trouble) => return Err(trouble.into()),
            }
        }
        self.heads
            .written(|stream, held| rows::put(db, stream, held))?;
        rows::put_counters(db, &self.heads.counters).map_err(Trouble::from)?;
        statement(db, "COMMIT").map_err(|error| Failure::committing(&error))?;
        let seq = self.heads.counters.newest;
        self.newest.send_if_modified(|newest| {
            let changed = *newest < seq;
            *newest = (*newest).max(seq);
            changed
        });
        self.open = Some(open);
        Ok(replies)
    }

    fn connect(&self) -> Result<Open, LedgerOpenError> {
        let mut db = schema::open(&self.path, self.durability)?;
        let pages = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&pages);
        db.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
            counter.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))
        .map_err(|error| LedgerOpenError::Refused {
            path: self.path.clone(),
            error: fault::plain(&error),
        })?;
        Ok(Open { db, pages })
    }

    /// Puts what is in the log where it belongs, as far as readers let it.
    fn checkpoint(&mut self) {
        let Some(open) = &self.open else {
            return;
        };
        if open.pages.load(Ordering::Relaxed) < CHECKPOINT_PAGES {
            return;
        }
        open.pages.store(0, Ordering::Relaxed);
        let done = open
            .db
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(()));
        if let Err(error) = done {
            // Everything is in the log all the same. The next batch meets what is wrong.
            tracing::warn!(%error, "no checkpoint of the ledger");
            self.open = None;
            self.heads.clear();
        }
    }
}

impl Failure {
    fn opening(error: &LedgerOpenError) -> Self {
        let full = |error: &std::io::Error| error.kind() == std::io::ErrorKind::StorageFull;
        let (error, full) = match error {
            LedgerOpenError::Refused { error, .. } => {
                (error.clone(), matches!(error, LedgerError::Full(_)))
            }
            LedgerOpenError::Make { source, .. } if full(source) => {
                (LedgerError::Full(error.to_string()), true)
            }
            LedgerOpenError::Make { .. } => (LedgerError::ReadOnly(error.to_string()), false),
            LedgerOpenError::Foreign { .. }
            | LedgerOpenError::Newer { .. }
            | LedgerOpenError::Missing { .. } => (LedgerError::Damaged(error.to_string()), false),
        };
        Self {
            error,
            full,
            constraint: false,
        }
    }

    fn committing(error: &rusqlite::Error) -> Self {
        Self {
            full: fault::is_full(error),
            constraint: false,
            error: fault::of_commit(error),
        }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        let (full, constraint) = match &trouble {
            Trouble::Sqlite(error) => (fault::is_full(error), fault::is_constraint(error)),
            Trouble::Refused(_) | Trouble::Damaged(_) => (false, false),
        };
        Self {
            error: trouble.into(),
            full,
            constraint,
        }
    }
}

/// Begins a transaction that will write, and forgets what is known if another process has written.
fn begin(db: &Connection, heads: &mut Heads) -> Result<(), Trouble> {
    statement(db, "BEGIN IMMEDIATE")?;
    let version: i64 = db
        .prepare_cached("PRAGMA data_version")?
        .query_row((), |row| row.get(0))?;
    if heads.version != Some(version) {
        heads.clear();
        heads.version = Some(version);
        heads.counters = append::counters(db)?;
    }
    Ok(())
}

fn statement(db: &Connection, text: &str) -> rusqlite::Result<()> {
    db.prepare_cached(text)?.execute(()).map(drop)
}

/// Carries out one work.
fn one(db: &Connection, heads: &mut Heads, work: &Work) -> Result<Reply, Trouble> {
    match work {
        Work::Commit(prepared) => append::apply(db, heads, prepared).map(Reply::Committed),
        Work::Begin {
            who,
            now_ms,
            until_ms,
        } => begin_host(db, heads, who, *now_ms, *until_ms).map(Reply::Host),
        Work::Beat {
            epoch,
            until_ms,
            ended,
        } => {
            db.prepare_cached("UPDATE hosts SET until_ms = ?2, ended = ?3 WHERE epoch = ?1")?
                .execute((int(*epoch), int(*until_ms), ended))?;
            Ok(Reply::Done)
        }
        Work::Keep { digest, bytes } => {
            // Kept again, it is as new: `gc` leaves alone what someone is about to name.
            db.prepare_cached(
                "INSERT INTO artifacts (digest, put_s, bytes) VALUES (?1, unixepoch(), ?2)
                 ON CONFLICT (digest) DO UPDATE SET put_s = excluded.put_s",
            )?
            .execute((digest.as_bytes().as_slice(), bytes))?;
            Ok(Reply::Done)
        }
    }
}

fn begin_host(
    db: &Connection,
    heads: &mut Heads,
    who: &HostIdentity,
    now_ms: u64,
    until_ms: u64,
) -> Result<HostRecord, Trouble> {
    let epoch: u64 = db
        .prepare_cached(
            "INSERT INTO hosts (boot_id, pid, pid_start, version, started_ms, until_ms, ended)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0) RETURNING epoch",
        )?
        .query_row(
            (
                &who.boot_id,
                who.pid,
                int(who.pid_start),
                &who.version,
                int(now_ms),
                int(until_ms),
            ),
            |row| row.get(0),
        )?;
    let commit = Commit {
        now_ms,
        lane: Lane::State,
        appends: vec![Append {
            stream: Stream::Host,
            expect: Expect::Exists,
            events: vec![LedgerEvent::HostStarted {
                epoch,
                pid: who.pid,
                version: who.version.clone(),
            }],
        }],
        breakers: Vec::new(),
    };
    let prepared = Prepared::new(commit).map_err(|e| Trouble::Damaged(e.to_string()))?;
    append::apply(db, heads, &prepared)?;
    Ok(HostRecord {
        epoch,
        boot_id: who.boot_id.clone(),
        pid: who.pid,
        pid_start: who.pid_start,
        until_ms,
        ended: false,
    })
}
