//! Questions to the file: entries, runs, tasks, breakers, hosts.
//!
//! Each goes by an index; a test asks SQLite. Never: a write; a text from outside inside an SQL
//! text.

use remit_core::durable::{AdapterId, Entry, LEDGER_FORMAT, LedgerEvent, RunId, Stream, TaskId};
use remit_engine::durable::ledger::{
    EntryQuery, HostRecord, LedgerError, MAX_ENTRIES, RunView, TaskQuery, TaskView,
};
use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::fault::Trouble;
use super::rows::{int, parse, uint};

type Found<T> = Result<T, LedgerError>;

/// The columns that make an [`Entry`]. Names come with the rows of run and task.
const ENTRY: &str = "SELECT e.pos, e.at_ms, e.number, e.event, r.run_id, t.task_id
     FROM events e LEFT JOIN runs r ON r.id = e.run LEFT JOIN tasks t ON t.id = e.task ";

/// The columns that make a [`RunView`].
const RUN: &str = "SELECT r.run_id, r.state, r.counts, r.submitted_ms, r.started_ms, r.finished_ms,
         (SELECT max(number) FROM events WHERE run = r.id AND task = 0),
         (SELECT event FROM events WHERE run = r.id AND task = 0 AND number = 1)
     FROM runs r ";

/// The columns that make a [`TaskView`].
const TASK: &str = "SELECT t.state, t.adapter_id, t.queued_ms, t.started_ms, t.ended_ms,
         (SELECT max(number) FROM events WHERE run = t.run AND task = t.id),
         (SELECT event FROM events WHERE run = t.run AND task = t.id AND number = 1)
     FROM tasks t ";

fn sqlite(error: rusqlite::Error) -> LedgerError {
    Trouble::from(error).into()
}

fn damaged(what: &str, error: &dyn std::fmt::Display) -> LedgerError {
    LedgerError::Damaged(format!("{what}: {error}"))
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A row as it is, before its texts are read.
fn each<P: Params, R, T>(
    db: &Connection,
    text: &str,
    params: P,
    row: impl Fn(&Row<'_>) -> rusqlite::Result<R>,
    make: impl Fn(R) -> Found<T>,
) -> Found<Vec<T>> {
    let mut statement = db.prepare_cached(text).map_err(sqlite)?;
    let rows = statement.query_map(params, row).map_err(sqlite)?;
    rows.map(|found| found.map_err(sqlite).and_then(&make))
        .collect()
}

struct EntryRow {
    pos: u64,
    at_ms: u64,
    number: u64,
    event: String,
    run: Option<String>,
    task: Option<String>,
}

fn entry_row(row: &Row<'_>) -> rusqlite::Result<EntryRow> {
    Ok(EntryRow {
        pos: uint(row, 0)?,
        at_ms: uint(row, 1)?,
        number: uint(row, 2)?,
        event: row.get(3)?,
        run: row.get(4)?,
        task: row.get(5)?,
    })
}

fn entry(row: EntryRow) -> Found<Entry> {
    let what = || format!("event {}", row.pos);
    let run = row.run.map(RunId::try_from).transpose();
    let task = row.task.map(TaskId::try_from).transpose();
    Ok(Entry {
        v: LEDGER_FORMAT,
        seq: row.pos,
        at_ms: row.at_ms,
        run: run.map_err(|e| damaged(&what(), &e))?,
        task: task.map_err(|e| damaged(&what(), &e))?,
        task_seq: row.number,
        event: serde_json::from_str(&row.event).map_err(|e| damaged(&what(), &e))?,
    })
}

fn row_of_run(db: &Connection, run: &RunId) -> Found<Option<i64>> {
    db.prepare_cached("SELECT id FROM runs WHERE run_id = ?1")
        .and_then(|mut found| found.query_row([run.as_str()], |row| row.get(0)).optional())
        .map_err(sqlite)
}

fn row_of_task(db: &Connection, run: i64, task: &TaskId) -> Found<Option<i64>> {
    db.prepare_cached("SELECT id FROM tasks WHERE run = ?1 AND task_id = ?2")
        .and_then(|mut found| {
            found
                .query_row((run, task.as_str()), |row| row.get(0))
                .optional()
        })
        .map_err(sqlite)
}

/// See the seam.
pub(super) fn entries(db: &Connection, query: &EntryQuery) -> Found<Vec<Entry>> {
    let after = int(query.after);
    let limit = count(query.limit.min(MAX_ENTRIES));
    match (&query.run, &query.task) {
        (None, None) => each(
            db,
            &all_entries(query.activity),
            (after, limit),
            entry_row,
            entry,
        ),
        // Tasks of this name in any run. Nobody asks for it often.
        (None, Some(task)) => {
            let text = format!(
                "{ENTRY} WHERE e.pos > ?1 AND t.task_id = ?3 AND (?4 OR e.activity = 0)
                 ORDER BY e.pos LIMIT ?2"
            );
            let params = (after, limit, task.as_str(), query.activity);
            each(db, &text, params, entry_row, entry)
        }
        (Some(run), None) => {
            let Some(run) = row_of_run(db, run)? else {
                return Ok(Vec::new());
            };
            let text = run_entries(query.activity);
            each(db, &text, (run, after, limit), entry_row, entry)
        }
        (Some(run), Some(task)) => {
            let Some(run) = row_of_run(db, run)? else {
                return Ok(Vec::new());
            };
            let Some(task) = row_of_task(db, run, task)? else {
                return Ok(Vec::new());
            };
            let from = first_after(db, run, task, after)?;
            let text = task_entries();
            let params = (run, task, from, query.activity, limit);
            each(db, text.as_str(), params, entry_row, entry)
        }
    }
}

pub(super) fn all_entries(activity: bool) -> String {
    let only = if activity { "" } else { "AND e.activity = 0" };
    format!("{ENTRY} WHERE e.pos > ?1 {only} ORDER BY e.pos LIMIT ?2")
}

pub(super) fn run_entries(activity: bool) -> String {
    // Two sorted halves, which SQLite merges: the index has changes of state and activity apart.
    let half = |kind| format!("{ENTRY} WHERE e.run = ?1 AND e.activity = {kind} AND e.pos > ?2");
    let all = if activity {
        format!("{} UNION ALL {}", half(0), half(1))
    } else {
        half(0)
    };
    format!("{all} ORDER BY 1 LIMIT ?3")
}

pub(super) fn task_entries() -> String {
    format!(
        "{ENTRY} WHERE e.run = ?1 AND e.task = ?2 AND e.number >= ?3 AND (?4 OR e.activity = 0)
         ORDER BY e.number LIMIT ?5"
    )
}

/// The number of a stream's first event after a place: numbers and places grow together.
fn first_after(db: &Connection, run: i64, task: i64, after: i64) -> Found<i64> {
    let newest = "SELECT coalesce(max(number), 0) FROM events WHERE run = ?1 AND task = ?2";
    let place = "SELECT pos FROM events WHERE run = ?1 AND task = ?2 AND number = ?3";
    let find = || -> rusqlite::Result<i64> {
        let (mut low, mut high): (i64, i64) = (
            1,
            db.prepare_cached(newest)?
                .query_row((run, task), |row| row.get::<_, i64>(0))?
                + 1,
        );
        let mut place = db.prepare_cached(place)?;
        while low < high {
            let middle = low + (high - low) / 2;
            let pos: i64 = place.query_row((run, task, middle), |row| row.get(0))?;
            if pos > after {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    };
    if after == 0 {
        return Ok(1);
    }
    find().map_err(sqlite)
}

struct RunLine {
    run: String,
    state: String,
    counts: String,
    submitted_ms: u64,
    started_ms: Option<u64>,
    finished_ms: Option<u64>,
    seq: u64,
    first: String,
}

fn run_line(row: &Row<'_>) -> rusqlite::Result<RunLine> {
    Ok(RunLine {
        run: row.get(0)?,
        state: row.get(1)?,
        counts: row.get(2)?,
        submitted_ms: uint(row, 3)?,
        started_ms: row.get(4)?,
        finished_ms: row.get(5)?,
        seq: uint(row, 6)?,
        first: row.get(7)?,
    })
}

fn run_view(line: RunLine) -> Found<RunView> {
    let run = RunId::try_from(line.run).map_err(|e| damaged("a run", &e))?;
    let stream = Stream::Run(run.clone());
    let LedgerEvent::RunSubmitted {
        settings, source, ..
    } = parse(&line.first, &stream)?
    else {
        return Err(damaged("the first event", &stream));
    };
    Ok(RunView {
        state: parse(&line.state, &stream)?,
        counts: parse(&line.counts, &stream)?,
        settings: *settings,
        source,
        submitted_ms: line.submitted_ms,
        started_ms: line.started_ms,
        finished_ms: line.finished_ms,
        seq: line.seq,
        run,
    })
}

/// See the seam.
pub(super) fn run(db: &Connection, run: &RunId) -> Found<Option<RunView>> {
    let mut found = each(db, &one_run(), [run.as_str()], run_line, run_view)?;
    Ok(found.pop())
}

pub(super) fn one_run() -> String {
    format!("{RUN} WHERE r.run_id = ?1")
}

/// See the seam.
pub(super) fn runs(db: &Connection, open: bool, limit: usize) -> Found<Vec<RunView>> {
    each(db, &newest_runs(open), [count(limit)], run_line, run_view)
}

pub(super) fn newest_runs(open: bool) -> String {
    let only = if open {
        "WHERE r.finished_ms IS NULL"
    } else {
        ""
    };
    format!("{RUN} {only} ORDER BY r.id DESC LIMIT ?1")
}

struct TaskLine {
    state: String,
    adapter: Option<String>,
    queued_ms: u64,
    started_ms: Option<u64>,
    ended_ms: Option<u64>,
    seq: u64,
    first: String,
}

fn task_line(row: &Row<'_>) -> rusqlite::Result<TaskLine> {
    Ok(TaskLine {
        state: row.get(0)?,
        adapter: row.get(1)?,
        queued_ms: uint(row, 2)?,
        started_ms: row.get(3)?,
        ended_ms: row.get(4)?,
        seq: uint(row, 5)?,
        first: row.get(6)?,
    })
}

fn task_view(run: &RunId, line: TaskLine) -> Found<TaskView> {
    let stream = Stream::Run(run.clone());
    let LedgerEvent::TaskQueued { spec, .. } = parse(&line.first, &stream)? else {
        return Err(damaged("the first event of a task", &stream));
    };
    let adapter = line.adapter.map(AdapterId::try_from).transpose();
    Ok(TaskView {
        run: run.clone(),
        state: parse(&line.state, &stream)?,
        spec: *spec,
        adapter: adapter.map_err(|e| damaged("an adapter", &e))?,
        queued_ms: line.queued_ms,
        started_ms: line.started_ms,
        ended_ms: line.ended_ms,
        seq: line.seq,
    })
}

/// See the seam.
pub(super) fn task(db: &Connection, run: &RunId, task: &TaskId) -> Found<Option<TaskView>> {
    let Some(row) = row_of_run(db, run)? else {
        return Ok(None);
    };
    let make = |line| task_view(run, line);
    let mut found = each(db, &one_task(), (row, task.as_str()), task_line, make)?;
    Ok(found.pop())
}

pub(super) fn one_task() -> String {
    format!("{TASK} WHERE t.run = ?1 AND t.task_id = ?2")
}

/// See the seam.
pub(super) fn tasks(db: &Connection, query: &TaskQuery) -> Found<Vec<TaskView>> {
    let Some(row) = row_of_run(db, &query.run)? else {
        return Ok(Vec::new());
    };
    let limit = count(query.limit.min(MAX_ENTRIES));
    let make = |line| task_view(&query.run, line);
    let some = !query.phases.is_empty();
    let text = tasks_of_run(some);
    if some {
        let words: Vec<&str> = query.phases.iter().map(|phase| phase.word()).collect();
        let words = serde_json::to_string(&words).map_err(|e| damaged("phases", &e))?;
        let params = (row, query.from_index, limit, words);
        each(db, &text, params, task_line, make)
    } else {
        each(db, &text, (row, query.from_index, limit), task_line, make)
    }
}

pub(super) fn tasks_of_run(some: bool) -> String {
    let only = if some {
        "AND t.status IN (SELECT value FROM json_each(?4))"
    } else {
        ""
    };
    format!("{TASK} WHERE t.run = ?1 AND t.place >= ?2 {only} ORDER BY t.place LIMIT ?3")
}

/// See the seam.
pub(super) fn breakers(
    db: &Connection,
) -> Found<Vec<(AdapterId, remit_core::breaker::BreakerState)>> {
    let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    let make = |(adapter, state): (String, String)| {
        let state = serde_json::from_str(&state).map_err(|e| damaged(&adapter, &e))?;
        let adapter = AdapterId::try_from(adapter).map_err(|e| damaged("an adapter", &e))?;
        Ok((adapter, state))
    };
    let text = "SELECT adapter_id, breaker FROM adapters ORDER BY adapter_id";
    let mut all = each(db, text, (), row, make)?;
    all.retain(|(_, state)| !super::super::is_at_rest(state));
    Ok(all)
}

/// See the seam.
pub(super) fn hosts(db: &Connection) -> Found<Vec<HostRecord>> {
    let row = |row: &Row<'_>| {
        Ok(HostRecord {
            epoch: uint(row, 0)?,
            boot_id: row.get(1)?,
            pid: row.get(2)?,
            pid_start: uint(row, 3)?,
            until_ms: uint(row, 4)?,
            ended: false,
        })
    };
    let text = "SELECT epoch, boot_id, pid, pid_start, until_ms FROM hosts
         WHERE ended = 0 ORDER BY epoch";
    each(db, text, (), row, Ok)
}

/// A small artifact.
pub(super) fn artifact(db: &Connection, digest: &[u8; 32]) -> Found<Option<Vec<u8>>> {
    db.prepare_cached("SELECT bytes FROM artifacts WHERE digest = ?1")
        .and_then(|mut found| found.query_row([digest], |row| row.get(0)).optional())
        .map_err(sqlite)
}

/// Looks the file over, quickly.
pub(super) fn quick_check(db: &Connection) -> Found<()> {
    let found = each(
        db,
        "PRAGMA quick_check(1)",
        (),
        |row| row.get::<_, String>(0),
        Ok,
    )?;
    match found.as_slice() {
        [word] if word == "ok" => Ok(()),
        others => Err(LedgerError::Damaged(others.join("; "))),
    }
}
