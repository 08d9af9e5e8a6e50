//! Rows of runs, tasks, adapters and the ledger's counters: written and read by the writer alone.
//!
//! Never: a text of a plan or plugin inside an SQL text.

use remit_core::breaker::BreakerState;
use remit_core::durable::{AdapterId, RunId, Stream, TaskId};
use rusqlite::{Connection, OptionalExtension, Row as Line};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::chain::{self, Link};
use super::fault::Trouble;
use super::heads::{Counters, Held, Row, RunRow, TaskRow, Write};

/// A number as a column holds it: 63 bits. What is larger, such as the times of a broken clock,
/// stops there; the event and the state keep the number as it was.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that was written by [`int`].
pub(super) fn uint(row: &Line<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column)
}

/// A value in its JSON form.
pub(super) fn json<T: Serialize>(value: &T) -> Result<String, Trouble> {
    serde_json::to_string(value).map_err(|e| Trouble::Damaged(e.to_string()))
}

/// A value that [`json`] wrote.
pub(super) fn parse<T: DeserializeOwned>(text: &str, what: &Stream) -> Result<T, Trouble> {
    serde_json::from_str(text).map_err(|e| Trouble::Damaged(format!("the row of {what}: {e}")))
}

/// The number and link of a stream's newest event; nothing if it has none.
pub(super) fn tip(db: &Connection, run: i64, task: i64) -> Result<Option<(u64, Link)>, Trouble> {
    let found = db
        .prepare_cached(
            "SELECT number, chain FROM events WHERE run = ?1 AND task = ?2
             ORDER BY number DESC LIMIT 1",
        )?
        .query_row((run, task), |row| {
            Ok((uint(row, 0)?, row.get::<_, Link>(1)?))
        })
        .optional()?;
    Ok(found)
}

/// The host's stream, which begins by itself.
pub(super) fn load_host(db: &Connection) -> Result<Held, Trouble> {
    let (number, chain) = tip(db, 0, 0)?.unwrap_or_else(|| (0, chain::root(&Stream::Host)));
    Ok(Held {
        run: 0,
        task: 0,
        number,
        chain,
        row: Row::Host,
        write: Write::Nothing,
    })
}

/// A run's stream, if it exists.
pub(super) fn load_run(db: &Connection, run: &RunId) -> Result<Option<Held>, Trouble> {
    let stream = Stream::Run(run.clone());
    let found = db
        .prepare_cached(
            "SELECT id, state, counts, submitted_ms, started_ms, finished_ms,
                 (SELECT coalesce(max(place) + 1, 0) FROM tasks WHERE tasks.run = runs.id)
             FROM runs WHERE run_id = ?1",
        )?
        .query_row([run.as_str()], |row| {
            let texts = (row.get::<_, String>(1)?, row.get::<_, String>(2)?);
            let times = (uint(row, 3)?, row.get(4)?, row.get(5)?, uint(row, 6)?);
            Ok((row.get::<_, i64>(0)?, texts, times))
        })
        .optional()?;
    let Some((id, (state, counts), times)) = found else {
        return Ok(None);
    };
    let (number, chain) = newest(db, &stream, id, 0)?;
    let row = RunRow {
        state: parse(&state, &stream)?,
        counts: parse(&counts, &stream)?,
        submitted_ms: times.0,
        started_ms: times.1,
        finished_ms: times.2,
        places: times.3,
    };
    Ok(Some(Held {
        run: id,
        task: 0,
        number,
        chain,
        row: Row::Run(row),
        write: Write::Nothing,
    }))
}

/// A task's stream, if it exists. `run` is the row of its run.
pub(super) fn load_task(
    db: &Connection,
    run: i64,
    stream: &Stream,
    task: &TaskId,
) -> Result<Option<Held>, Trouble> {
    let found = db
        .prepare_cached(
            "SELECT id, state, adapter_id, queued_ms, started_ms, ended_ms, number
             FROM tasks WHERE run = ?1 AND task_id = ?2",
        )?
        .query_row((run, task.as_str()), |row| {
            let texts = (row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?);
            let times = (uint(row, 3)?, row.get(4)?, row.get(5)?, uint(row, 6)?);
            Ok((row.get::<_, i64>(0)?, texts, times))
        })
        .optional()?;
    let Some((id, (state, adapter), times)) = found else {
        return Ok(None);
    };
    let (number, chain) = newest(db, stream, run, id)?;
    let adapter = adapter
        .map(AdapterId::try_from)
        .transpose()
        .map_err(|e| Trouble::Damaged(e.to_string()))?;
    let row = TaskRow {
        state: parse(&state, stream)?,
        adapter,
        queued_ms: times.0,
        started_ms: times.1,
        ended_ms: times.2,
        number: times.3,
    };
    Ok(Some(Held {
        run,
        task: id,
        number,
        chain,
        row: Row::Task(Box::new(row)),
        write: Write::Nothing,
    }))
}

fn newest(db: &Connection, stream: &Stream, run: i64, task: i64) -> Result<(u64, Link), Trouble> {
    tip(db, run, task)?.ok_or_else(|| Trouble::Damaged(format!("{stream} has a row and no event")))
}

/// Writes the row of a stream as [`Held::write`] says.
pub(super) fn put(db: &Connection, stream: &Stream, held: &Held) -> Result<(), Trouble> {
    match (&held.row, held.write) {
        (Row::Host, _) | (_, Write::Nothing) => Ok(()),
        (Row::Run(row), write) => put_run(db, stream, held, row, write),
        (Row::Task(row), write) => put_task(db, stream, held, row, write),
    }
}

fn put_run(
    db: &Connection,
    stream: &Stream,
    held: &Held,
    row: &RunRow,
    write: Write,
) -> Result<(), Trouble> {
    let name = stream.run().map_or("", |run| run.as_str());
    let status = json(&row.state.phase)?;
    let text = if write == Write::Insert {
        "INSERT INTO runs (id, run_id, status, submitted_ms, started_ms, finished_ms, number,
             counts, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
    } else {
        "UPDATE runs SET status = ?3, started_ms = ?5, finished_ms = ?6, number = ?7, counts = ?8,
             state = ?9
         WHERE id = ?1 AND run_id = ?2 AND submitted_ms = ?4"
    };
    let changed = db.prepare_cached(text)?.execute((
        held.run,
        name,
        status.trim_matches('"'),
        int(row.submitted_ms),
        row.started_ms.map(int),
        row.finished_ms.map(int),
        int(held.number),
        json(&row.counts)?,
        json(&row.state)?,
    ))?;
    one(changed, stream)
}

fn put_task(
    db: &Connection,
    stream: &Stream,
    held: &Held,
    row: &TaskRow,
    write: Write,
) -> Result<(), Trouble> {
    let adapter = row.adapter.as_ref().map(AdapterId::as_str);
    let state = json(&row.state)?;
    let changed = if write == Write::Insert {
        db.prepare_cached(
            "INSERT INTO tasks (id, run, task_id, place, status, adapter_id, attempt, queued_ms,
                 started_ms, ended_ms, number, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute((
            held.task,
            held.run,
            stream.task().map_or("", |task| task.as_str()),
            row.state.index,
            row.state.phase.word(),
            adapter,
            row.state.attempt,
            int(row.queued_ms),
            row.started_ms.map(int),
            row.ended_ms.map(int),
            int(row.number),
            state,
        ))?
    } else {
        db.prepare_cached(
            "UPDATE tasks SET status = ?2, adapter_id = ?3, attempt = ?4, started_ms = ?5,
                 ended_ms = ?6, number = ?7, state = ?8
             WHERE id = ?1",
        )?
        .execute((
            held.task,
            row.state.phase.word(),
            adapter,
            row.state.attempt,
            row.started_ms.map(int),
            row.ended_ms.map(int),
            int(row.number),
            state,
        ))?
    };
    one(changed, stream)
}

fn one(changed: usize, stream: &Stream) -> Result<(), Trouble> {
    if changed == 1 {
        Ok(())
    } else {
        Err(Trouble::Damaged(format!("the row of {stream} is gone")))
    }
}

/// Writes the ledger's counters.
pub(super) fn put_counters(db: &Connection, counters: &Counters) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE meta SET newest = ?1, now_ms = ?2")?
        .execute((int(counters.newest), int(counters.now_ms)))
        .map(drop)
}

/// Writes how a circuit breaker is from now on.
pub(super) fn put_breaker(
    db: &Connection,
    adapter: &AdapterId,
    state: &BreakerState,
    at_ms: u64,
) -> Result<(), Trouble> {
    db.prepare_cached(
        "INSERT INTO adapters (adapter_id, status, breaker, changed_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (adapter_id) DO UPDATE SET status = excluded.status,
             breaker = excluded.breaker, changed_ms = excluded.changed_ms",
    )?
    .execute((adapter.as_str(), state.word(), json(state)?, int(at_ms)))?;
    Ok(())
}
