//! Artifacts held against their digests, and events against the artifacts that they name.
//!
//! Never: a whole directory in memory.

use std::path::Path;

use remit_core::digest::Digest;
use remit_core::durable::LedgerEvent;
use remit_engine::durable::ledger::LedgerError;
use rusqlite::{Connection, OptionalExtension};

use super::{FindingSeverity, LedgerReport};
use crate::durable::sqlite::artifacts;

/// Looks at all of them.
pub(super) fn check(db: &Connection, path: &Path, report: &mut LedgerReport) {
    let done = inline(db, report);
    report.unless_done("artifacts", done);
    let done = files(path, report);
    report.unless_done("artifacts", done);
    let done = named(db, path, report);
    report.unless_done("artifacts", done);
}

fn inline(db: &Connection, report: &mut LedgerReport) -> rusqlite::Result<()> {
    let mut statement = db.prepare("SELECT digest, bytes FROM artifacts")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let digest = Digest::from_bytes(row.get(0)?);
        report.artifacts += 1;
        if Digest::of(row.get_ref(1)?.as_blob()?) != digest {
            report.damage(
                &format!("artifact {digest}"),
                "its bytes are not what they were",
            );
        }
    }
    Ok(())
}

fn files(path: &Path, report: &mut LedgerReport) -> Result<(), LedgerError> {
    for name in artifacts::names(path)? {
        match name {
            artifacts::Name::Artifact(digest) => {
                report.artifacts += 1;
                let bytes = artifacts::read(path, digest)?.unwrap_or_default();
                if artifacts::checked(digest, bytes).is_err() {
                    report.damage(
                        &format!("artifact {digest}"),
                        "its bytes are not what they were",
                    );
                }
            }
            artifacts::Name::Other(path) => report.add(
                FindingSeverity::Note,
                &path.display().to_string(),
                "a file that was not written to its end, or of someone else; `remit gc` removes it",
            ),
        }
    }
    Ok(())
}

/// Artifacts that events name and that are not there.
fn named(db: &Connection, path: &Path, report: &mut LedgerReport) -> Result<(), LedgerError> {
    let sqlite = |error: rusqlite::Error| crate::durable::sqlite::fault::plain(&error);
    let text = "SELECT pos, event FROM events WHERE activity = 0 AND
         (event LIKE '%\"CHECKPOINT_CREATED\"%' OR event LIKE '%\"outcome-digest\"%')";
    let mut statement = db.prepare(text).map_err(sqlite)?;
    let mut rows = statement.query(()).map_err(sqlite)?;
    while let Some(row) = rows.next().map_err(sqlite)? {
        let pos: i64 = row.get(0).map_err(sqlite)?;
        let event: String = row.get(1).map_err(sqlite)?;
        let Ok(event) = serde_json::from_str(&event) else {
            continue;
        };
        let digest = if let LedgerEvent::CheckpointCreated { digest, .. } = event {
            Some(digest)
        } else if let LedgerEvent::AttemptEnded { result, .. } = event {
            result.outcome_digest
        } else {
            None
        };
        let Some(digest) = digest else { continue };
        let known: Option<i64> = db
            .prepare_cached("SELECT 1 FROM artifacts WHERE digest = ?1")
            .map_err(sqlite)?
            .query_row([digest.as_bytes()], |row| row.get(0))
            .optional()
            .map_err(sqlite)?;
        if known.is_none() && !artifacts::is_file(path, digest) {
            report.damage(
                &format!("event {pos}"),
                format_args!("the artifact {digest} that it names is not there"),
            );
        }
    }
    Ok(())
}
