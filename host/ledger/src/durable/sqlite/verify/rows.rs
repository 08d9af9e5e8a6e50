//! The tables that are about no single stream: counters, flags, breakers, rows that nobody has.
//!
//! Never: a guess. What the events do not say is not judged.

use std::collections::BTreeMap;

use remit_core::breaker::BreakerState;
use remit_core::durable::LedgerEvent;
use rusqlite::{Connection, OptionalExtension};

use super::LedgerReport;
use crate::durable::sqlite::log::SAFE_MODE;

/// Rows that must not be there, with what is said of them.
const ORPHANS: &[(&str, &str)] = &[
    (
        "SELECT 'run ' || run_id FROM runs r WHERE NOT EXISTS
             (SELECT 1 FROM events e WHERE e.run = r.id AND e.task = 0 AND e.number = 1)",
        "its first event is missing",
    ),
    (
        "SELECT 'task ' || task_id FROM tasks t WHERE NOT EXISTS
             (SELECT 1 FROM events e WHERE e.run = t.run AND e.task = t.id AND e.number = 1)",
        "its first event is missing",
    ),
    (
        "SELECT 'task ' || task_id FROM tasks t WHERE number >
             (SELECT coalesce(max(number), 0) FROM events e WHERE e.run = t.run AND e.task = t.id)",
        "events at its end are missing",
    ),
    (
        "SELECT 'run ' || run_id FROM runs r WHERE number >
             (SELECT coalesce(max(number), 0) FROM events e WHERE e.run = r.id AND e.task = 0)",
        "events at its end are missing",
    ),
    (
        "SELECT 'execution_log' FROM execution_log l
         WHERE NOT EXISTS (SELECT 1 FROM tasks t WHERE t.id = l.task AND t.run = l.run)",
        "a row belongs to no task",
    ),
    (
        "SELECT 'test_gates' FROM test_gates g
         WHERE NOT EXISTS (SELECT 1 FROM tasks t WHERE t.id = g.task AND t.run = g.run)",
        "a row belongs to no task",
    ),
    (
        "SELECT 'meta' FROM meta WHERE newest < (SELECT coalesce(max(pos), 0) FROM events)",
        "the newest place is less than an event's",
    ),
    (
        "SELECT 'meta' FROM meta WHERE now_ms < (SELECT coalesce(max(at_ms), 0) FROM events)",
        "the ledger's time is before an event's",
    ),
];

/// Looks for all of it.
pub(super) fn check(db: &Connection, report: &mut LedgerReport) -> rusqlite::Result<()> {
    for (text, message) in ORPHANS {
        let mut statement = db.prepare(text)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            report.damage(&row.get::<_, String>(0)?, message);
        }
    }
    let host = host(db)?;
    flags(db, &host, report)?;
    breakers(db, &host, report)
}

/// What the host's stream says last.
#[derive(Default)]
struct Host {
    safe_mode: bool,
    circuits: BTreeMap<String, &'static str>,
}

fn host(db: &Connection) -> rusqlite::Result<Host> {
    let mut said = Host::default();
    let mut statement =
        db.prepare("SELECT event FROM events WHERE run = 0 AND task = 0 ORDER BY number")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        // One that cannot be read was told with its stream.
        let Ok(event) = serde_json::from_str::<LedgerEvent>(&row.get::<_, String>(0)?) else {
            continue;
        };
        let (adapter, word) = if let LedgerEvent::CircuitOpened { adapter, .. } = &event {
            (adapter, "OPEN")
        } else if let LedgerEvent::CircuitHalfOpen { adapter } = &event {
            (adapter, "HALF_OPEN")
        } else if let LedgerEvent::CircuitClosed { adapter, .. } = &event {
            (adapter, "CLOSED")
        } else {
            if let LedgerEvent::SafeModeEntered { .. } = event {
                said.safe_mode = true;
            }
            if let LedgerEvent::SafeModeLeft { .. } = event {
                said.safe_mode = false;
            }
            continue;
        };
        said.circuits.insert(adapter.to_string(), word);
    }
    Ok(said)
}

fn flags(db: &Connection, host: &Host, report: &mut LedgerReport) -> rusqlite::Result<()> {
    let flag: Option<i64> = db
        .query_row(
            "SELECT 1 FROM state_flags WHERE name = ?1",
            [SAFE_MODE],
            |row| row.get(0),
        )
        .optional()?;
    if flag.is_some() != host.safe_mode {
        report.derived("state_flags", "SAFE_MODE is not what the host's events say");
    }
    Ok(())
}

fn breakers(db: &Connection, host: &Host, report: &mut LedgerReport) -> rusqlite::Result<()> {
    let mut words: BTreeMap<String, String> = BTreeMap::new();
    let mut statement = db.prepare("SELECT adapter_id, status, breaker FROM adapters")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let adapter: String = row.get(0)?;
        let word: String = row.get(1)?;
        let state: Result<BreakerState, _> = serde_json::from_str(&row.get::<_, String>(2)?);
        if !state.is_ok_and(|state| state.word() == word) {
            report.derived(&format!("adapter {adapter}"), "its breaker is not readable");
        }
        words.insert(adapter, word);
    }
    for (adapter, word) in &host.circuits {
        let found = words.get(adapter).map(String::as_str);
        if found != Some(word) {
            let found = found.unwrap_or("nothing");
            report.derived(
                &format!("adapter {adapter}"),
                format_args!("its breaker is {found}, its events say {word}"),
            );
        }
    }
    Ok(())
}
