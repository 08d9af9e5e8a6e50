//! A ledger as JSON lines: one entry each, in the ledger's order. `MemoryLedger::replay` takes it.
//!
//! Never: everything in memory at once.

use std::io::Write;
use std::path::Path;

use remit_engine::durable::ledger::{EntryQuery, LedgerError};

use super::{read, schema};

/// Entries that are read at a time.
const PAGE: usize = 1_000;

/// Writes all entries of one snapshot. Gives their number.
///
/// # Errors
/// The ledger cannot be opened or read, or `to` cannot be written, which is
/// [`LedgerError::Unavailable`].
pub fn export_ledger(path: &Path, to: &mut dyn Write) -> Result<u64, LedgerError> {
    let db = schema::open_to_read(path)?;
    db.execute_batch("BEGIN")
        .map_err(|e| super::fault::plain(&e))?;
    let mut query = EntryQuery {
        run: None,
        task: None,
        after: 0,
        activity: true,
        limit: PAGE,
    };
    let mut written = 0;
    let failed = |error: &dyn std::fmt::Display| {
        LedgerError::Unavailable(format!("the export cannot be written: {error}"))
    };
    loop {
        let page = read::entries(&db, &query)?;
        let Some(last) = page.last() else {
            break;
        };
        query.after = last.seq;
        for entry in &page {
            serde_json::to_writer(&mut *to, entry).map_err(|e| failed(&e))?;
            to.write_all(b"\n").map_err(|e| failed(&e))?;
            written += 1;
        }
    }
    to.flush().map_err(|e| failed(&e))?;
    Ok(written)
}
