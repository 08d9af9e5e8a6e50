//! Gives back room: finished runs whole, and artifacts that nobody names any more.
//!
//! Never: a part of a run; a run that has not finished; an artifact that someone may be about to
//! name.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use remit_core::digest::Digest;
use remit_core::durable::RunId;
use remit_engine::durable::ledger::LedgerError;
use rusqlite::{Connection, TransactionBehavior};

use super::artifacts;
use super::fault::plain;
use super::rows::int;
use super::schema::{self, Durability};
use crate::files;

/// How old an artifact has to be, in seconds: it is kept first and named by an event afterwards.
const GRACE_S: i64 = 3_600;

/// Digits of a digest.
const DIGITS: usize = 64;

/// What is to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GcPlan {
    /// Runs that finished before this, in milliseconds since 1970.
    pub before_ms: u64,
    /// But never the newest of the finished ones, so many.
    pub keep: usize,
    /// Only say what would be removed.
    pub dry_run: bool,
}

/// What was removed, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GcReport {
    /// The runs, oldest first.
    pub runs: Vec<RunId>,
    /// Their tasks.
    pub tasks: u64,
    /// Their events.
    pub events: u64,
    /// Artifacts, and files that were not written to their end.
    pub artifacts: u64,
    /// Bytes of these artifacts.
    pub artifact_bytes: u64,
}

/// Removes it. Others may use the ledger meanwhile; each run goes in one transaction.
///
/// # Errors
/// The ledger cannot be opened, read or written. What was removed until then stays removed.
pub fn collect_garbage(path: &Path, plan: &GcPlan) -> Result<GcReport, LedgerError> {
    let mut db = if plan.dry_run {
        schema::open_to_read(path)?
    } else {
        schema::open(path, Durability::Full)?
    };
    let mut report = GcReport::default();
    let mut gone = HashSet::new();
    for (id, run) in candidates(&db, plan).map_err(|e| plain(&e))? {
        let (events, tasks) = remove_run(&mut db, id, plan.dry_run).map_err(|e| plain(&e))?;
        report.events += events;
        report.tasks += tasks;
        let run = RunId::try_from(run).map_err(|e| LedgerError::Damaged(e.to_string()))?;
        report.runs.push(run);
        gone.insert(id);
    }
    let named = named(&db, &gone).map_err(|e| plain(&e))?;
    remove_inline(&db, &named, plan.dry_run, &mut report).map_err(|e| plain(&e))?;
    remove_files(&db, path, &named, plan.dry_run, &mut report)?;
    if !plan.dry_run {
        // Pages that were freed go back to the file system.
        db.execute_batch("PRAGMA incremental_vacuum")
            .map_err(|e| plain(&e))?;
    }
    Ok(report)
}

fn candidates(db: &Connection, plan: &GcPlan) -> rusqlite::Result<Vec<(i64, String)>> {
    let keep = i64::try_from(plan.keep).unwrap_or(i64::MAX);
    let mut statement = db.prepare(
        "SELECT id, run_id FROM (
             SELECT id, run_id, finished_ms FROM runs WHERE finished_ms IS NOT NULL
             ORDER BY finished_ms DESC, id DESC LIMIT -1 OFFSET ?2)
         WHERE finished_ms < ?1 ORDER BY id",
    )?;
    let rows = statement.query_map((int(plan.before_ms), keep), |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    rows.collect()
}

/// How many events and tasks it had.
fn remove_run(db: &mut Connection, run: i64, dry: bool) -> rusqlite::Result<(u64, u64)> {
    if dry {
        return db.query_row(
            "SELECT (SELECT count(*) FROM events WHERE run = ?1),
                 (SELECT count(*) FROM tasks WHERE run = ?1)",
            [run],
            |row| Ok((row.get(0)?, row.get(1)?)),
        );
    }
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut removed = [0; 6];
    let texts = [
        "DELETE FROM events WHERE run = ?1",
        "DELETE FROM tasks WHERE run = ?1",
        "DELETE FROM execution_log WHERE run = ?1",
        "DELETE FROM test_gates WHERE run = ?1",
        "DELETE FROM patch_history WHERE run = ?1",
        "DELETE FROM runs WHERE id = ?1",
    ];
    for (text, removed) in texts.iter().zip(&mut removed) {
        *removed = transaction.execute(text, [run])?;
    }
    transaction.commit()?;
    let [events, tasks, ..] = removed;
    Ok((events as u64, tasks as u64))
}

/// Every digest that an event of a run that stays mentions, whatever for.
fn named(db: &Connection, gone: &HashSet<i64>) -> rusqlite::Result<HashSet<Digest>> {
    let mut named = HashSet::new();
    let mut statement =
        db.prepare("SELECT run, event FROM events WHERE instr(event, 'sha256:')")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        if gone.contains(&row.get(0)?) {
            continue;
        }
        let text: String = row.get(1)?;
        for (start, word) in text.match_indices("sha256:") {
            let digest = text.get(start..start + word.len() + DIGITS);
            named.extend(digest.and_then(|digest| digest.parse::<Digest>().ok()));
        }
    }
    Ok(named)
}

fn remove_inline(
    db: &Connection,
    named: &HashSet<Digest>,
    dry: bool,
    report: &mut GcReport,
) -> rusqlite::Result<()> {
    let old: Vec<(i64, [u8; 32], u64)> = db
        .prepare("SELECT id, digest, length(bytes) FROM artifacts WHERE put_s < unixepoch() - ?1")?
        .query_map([GRACE_S], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (id, digest, bytes) in old {
        if named.contains(&Digest::from_bytes(digest)) {
            continue;
        }
        if !dry {
            // Again: it may have been kept anew since.
            let removed = db
                .prepare_cached("DELETE FROM artifacts WHERE id = ?1 AND put_s < unixepoch() - ?2")?
                .execute((id, GRACE_S))?;
            if removed == 0 {
                continue;
            }
        }
        report.artifacts += 1;
        report.artifact_bytes += bytes;
    }
    Ok(())
}

fn remove_files(
    db: &Connection,
    path: &Path,
    named: &HashSet<Digest>,
    dry: bool,
    report: &mut GcReport,
) -> Result<(), LedgerError> {
    let now: u64 = db
        .query_row("SELECT unixepoch()", (), |row| row.get(0))
        .map_err(|e| plain(&e))?;
    let limit = UNIX_EPOCH + Duration::from_secs(now.saturating_sub(GRACE_S.unsigned_abs()));
    for name in artifacts::names(path)? {
        let file = match name {
            artifacts::Name::Artifact(digest) if named.contains(&digest) => continue,
            artifacts::Name::Artifact(digest) => artifacts::file(path, digest),
            artifacts::Name::Other(path) => path,
        };
        // One that goes away meanwhile is gone.
        let metadata = files::open(&file).and_then(|file| file.metadata());
        let Ok(metadata) = metadata else { continue };
        if !metadata.modified().is_ok_and(|modified| modified < limit) {
            continue;
        }
        if dry || files::remove(&file).is_ok() {
            report.artifacts += 1;
            report.artifact_bytes += metadata.len();
        }
    }
    Ok(())
}
