//! Looks a ledger over: is the file whole, does every history hold, do the other tables say what
//! the histories come to, are the artifacts what they were.
//!
//! Reads one snapshot, beside hosts that go on. Never: a write; a finding that stops the search.

mod artifacts;
mod rows;
mod streams;

use std::path::Path;

use rusqlite::Connection;

use super::fault::LedgerOpenError;
use super::schema;

/// Most findings that are told. A file that has more is not looked at one by one.
const MAX_FINDINGS: usize = 1_000;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingSeverity {
    /// Something is left over, or cannot be judged; nothing is lost.
    Note,
    /// A table that is made from the histories does not say what they come to.
    Derived,
    /// A history, an artifact or the file itself is not what was written.
    Damage,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerFinding {
    /// How bad.
    pub severity: FindingSeverity,
    /// Where: a stream, a table, a file.
    pub place: String,
    /// What.
    pub message: String,
}

/// What there was, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerReport {
    /// The file's format.
    pub format: i64,
    /// Events that were looked at.
    pub events: u64,
    /// Runs.
    pub runs: u64,
    /// Tasks.
    pub tasks: u64,
    /// Artifacts.
    pub artifacts: u64,
    /// What is wrong, at most a thousand.
    pub findings: Vec<LedgerFinding>,
    /// How many more were found.
    pub more: u64,
}

impl LedgerReport {
    /// The worst finding.
    #[must_use]
    pub fn worst(&self) -> Option<FindingSeverity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    fn add(&mut self, severity: FindingSeverity, place: &str, message: impl ToString) {
        if self.findings.len() >= MAX_FINDINGS {
            self.more += 1;
            return;
        }
        self.findings.push(LedgerFinding {
            severity,
            place: place.to_owned(),
            message: message.to_string(),
        });
    }

    fn damage(&mut self, place: &str, message: impl ToString) {
        self.add(FindingSeverity::Damage, place, message);
    }

    fn derived(&mut self, place: &str, message: impl ToString) {
        self.add(FindingSeverity::Derived, place, message);
    }

    /// A step that could not be made to its end.
    fn unless_done<T, E: std::fmt::Display>(&mut self, place: &str, done: Result<T, E>) {
        if let Err(error) = done {
            self.damage(place, format_args!("cannot be read to its end: {error}"));
        }
    }
}

/// Looks a ledger over.
///
/// # Errors
/// It cannot be opened at all: see [`LedgerOpenError`].
pub fn verify_ledger(path: &Path) -> Result<LedgerReport, LedgerOpenError> {
    let db = schema::open_to_read(path)?;
    let mut report = LedgerReport::default();
    // One snapshot for every step.
    let begun = db.execute_batch("BEGIN");
    report.unless_done("the file", begun);
    let format = db.query_row("PRAGMA user_version", (), |row| row.get(0));
    report.format = format.unwrap_or_default();
    let whole = integrity(&db, &mut report);
    report.unless_done("the file", whole);
    let done = streams::check(&db, &mut report);
    report.unless_done("events", done.map_err(super::fault::words));
    let done = rows::check(&db, &mut report);
    report.unless_done("the derived tables", done);
    artifacts::check(&db, path, &mut report);
    Ok(report)
}

fn integrity(db: &Connection, report: &mut LedgerReport) -> rusqlite::Result<()> {
    let mut statement = db.prepare("PRAGMA integrity_check(100)")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let word: String = row.get(0)?;
        if word != "ok" {
            report.damage("the file", word);
        }
    }
    Ok(())
}
