//! The rows that an event makes beside its stream's: attempts, verdicts, flags.
//!
//! Derived from events alone, so that `verify` can make them again. Never: a row that no event says.

use remit_core::durable::{LedgerEvent, SafeModeCause};
use rusqlite::Connection;

use super::fault::Trouble;
use super::rows::{int, json};

/// The flag that stands while no new attempt may start. Its value is the cause's JSON form.
pub(super) const SAFE_MODE: &str = "SAFE_MODE";

/// What an event says about an attempt.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Change<'a> {
    /// It begins.
    Begins {
        fence: u64,
        epoch: u64,
        adapter: &'a str,
    },
    /// Another host goes on with it.
    Moves { fence: u64, epoch: u64 },
    /// It has ended with an outcome.
    Ends { status: &'a str, exit_code: u8 },
    /// It has ended without one, unless it has ended before.
    Breaks { status: &'static str },
}

/// What an event says about the newest attempt of its task.
pub(super) fn change(event: &LedgerEvent) -> Option<Change<'_>> {
    use LedgerEvent as E;
    let broken = |status| Some(Change::Breaks { status });
    if let E::TaskStarted {
        fence,
        epoch,
        adapter,
        ..
    } = event
    {
        return Some(Change::Begins {
            fence: *fence,
            epoch: *epoch,
            adapter: adapter.as_str(),
        });
    }
    if let E::ValidationResumed { fence, epoch } = event {
        return Some(Change::Moves {
            fence: *fence,
            epoch: *epoch,
        });
    }
    if let E::AttemptEnded { result, .. } = event {
        return Some(Change::Ends {
            status: &result.status,
            exit_code: result.exit_code,
        });
    }
    if let E::AttemptLost { .. } = event {
        return broken("lost");
    }
    if let E::TaskFailed { .. } = event {
        return broken("failed");
    }
    if let E::TaskTimeout { .. } = event {
        return broken("timed-out");
    }
    if let E::TaskCanceled { .. } = event {
        return broken("cancelled");
    }
    None
}

/// Writes what an event says, for the newest attempt of a task: `(run, task, attempt)`.
pub(super) fn write(
    db: &Connection,
    place: (i64, i64, u32),
    event: &LedgerEvent,
    at_ms: u64,
) -> Result<(), Trouble> {
    if let Some(change) = change(event) {
        write_attempt(db, place, &change, at_ms)?;
    }
    if let LedgerEvent::GateFinished { .. } = event {
        write_gate(db, place, event, at_ms)?;
    }
    if let LedgerEvent::SafeModeEntered { cause } = event {
        enter_safe_mode(db, cause, at_ms)?;
    }
    if let LedgerEvent::SafeModeLeft { .. } = event {
        db.prepare_cached("DELETE FROM state_flags WHERE name = ?1")?
            .execute([SAFE_MODE])?;
    }
    Ok(())
}

fn write_attempt(
    db: &Connection,
    (run, task, attempt): (i64, i64, u32),
    change: &Change<'_>,
    at_ms: u64,
) -> rusqlite::Result<()> {
    let changed = match change {
        Change::Begins {
            fence,
            epoch,
            adapter,
        } => db
            .prepare_cached(
                "INSERT INTO execution_log (run, task, attempt, fence, epoch, adapter_id, started_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute((
                run,
                task,
                attempt,
                int(*fence),
                int(*epoch),
                adapter,
                int(at_ms),
            )),
        Change::Moves { fence, epoch } => db
            .prepare_cached(
                "UPDATE execution_log SET fence = ?4, epoch = ?5
                 WHERE run = ?1 AND task = ?2 AND attempt = ?3",
            )?
            .execute((run, task, attempt, int(*fence), int(*epoch))),
        Change::Ends { status, exit_code } => db
            .prepare_cached(
                "UPDATE execution_log SET ended_ms = ?4, status = ?5, exit_code = ?6
                 WHERE run = ?1 AND task = ?2 AND attempt = ?3",
            )?
            .execute((run, task, attempt, int(at_ms), status, exit_code)),
        Change::Breaks { status } => db
            .prepare_cached(
                "UPDATE execution_log SET ended_ms = ?4, status = ?5
                 WHERE run = ?1 AND task = ?2 AND attempt = ?3 AND ended_ms IS NULL",
            )?
            .execute((run, task, attempt, int(at_ms), status)),
    };
    changed.map(drop)
}

fn write_gate(
    db: &Connection,
    (run, task, attempt): (i64, i64, u32),
    event: &LedgerEvent,
    at_ms: u64,
) -> Result<(), Trouble> {
    let LedgerEvent::GateFinished {
        gate,
        name,
        kind,
        verdict,
        required,
        reasons,
        wall_ms,
        ..
    } = event
    else {
        return Ok(());
    };
    db.prepare_cached(
        "INSERT INTO test_gates (run, task, attempt, gate, name, kind, verdict, required, reasons,
             wall_ms, at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute((
        run,
        task,
        attempt,
        gate,
        name,
        kind,
        json(verdict)?.trim_matches('"'),
        required,
        json(reasons)?,
        int(*wall_ms),
        int(at_ms),
    ))?;
    Ok(())
}

fn enter_safe_mode(db: &Connection, cause: &SafeModeCause, at_ms: u64) -> Result<(), Trouble> {
    db.prepare_cached(
        "INSERT INTO state_flags (name, value, at_ms) VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, at_ms = excluded.at_ms",
    )?
    .execute((SAFE_MODE, json(cause)?, int(at_ms)))?;
    Ok(())
}
