//! The ledger's file: how it is made, brought up to date, and which files are refused.
//!
//! Never: a change to a file that a newer version or another program wrote.

use std::path::Path;
use std::time::Duration;

use remit_core::contract::Tables;
use remit_engine::durable::ledger::LedgerError;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::fault::{LedgerOpenError, is_busy, plain};
use crate::files;

/// Marks the file as ours in SQLite's header: the letters `RMLG`.
const APPLICATION_ID: i64 = 0x524d_4c47;

/// What makes format `n + 1` of format `n`, from 0, an empty file.
const MIGRATIONS: &[&str] = &[include_str!("tables.sql")];

/// The format that this version writes.
pub(super) fn newest_format() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// How long to wait for another process that writes. Each writes for a few milliseconds at a time;
/// whoever waits longer than this waits for something that hangs.
const BUSY: Duration = Duration::from_secs(5);

/// How often to try the change to write-ahead logging again. It needs the file for itself for a
/// moment, and SQLite does not wait for that by itself.
const WAL_TRIES: u32 = 100;

/// The pause between two such tries.
const WAL_PAUSE: Duration = Duration::from_millis(20);

/// Statements kept ready for each connection; there are about thirty.
const STATEMENTS: usize = 64;

/// When a commit is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// After it is on the disk: it survives the loss of power.
    #[default]
    Full,
    /// After the system has it: it survives the death of the host, and the last commits may be
    /// gone after a loss of power. `synchronous=NORMAL` of SQLite.
    Normal,
}

/// Opens the file for writing, and makes or migrates it if needed.
pub(super) fn open(path: &Path, durability: Durability) -> Result<Connection, LedgerOpenError> {
    if let Some(directory) = path.parent() {
        files::private_directory(directory).map_err(|source| LedgerOpenError::Make {
            path: directory.to_owned(),
            source,
        })?;
    }
    files::ensure_private_file(path).map_err(|source| LedgerOpenError::Make {
        path: path.to_owned(),
        source,
    })?;
    let sqlite = |error| refused(path, &error);
    let mut connection = Connection::open_with_flags(path, flags(true)).map_err(sqlite)?;
    connection.busy_timeout(BUSY).map_err(sqlite)?;
    // Looked at before anything is changed, even the journal mode.
    if judge(&connection, path)? == 0 {
        // Only an empty file takes this: pages that were freed can be given back by and by.
        connection
            .pragma_update(None, "auto_vacuum", "INCREMENTAL")
            .map_err(sqlite)?;
    }
    write_ahead(&connection).map_err(sqlite)?;
    settings(&connection, durability).map_err(sqlite)?;
    migrate(&mut connection, path)?;
    Ok(connection)
}

/// Opens the file for reading.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, LedgerOpenError> {
    let sqlite = |error| refused(path, &error);
    let connection = Connection::open_with_flags(path, flags(false)).map_err(sqlite)?;
    connection.busy_timeout(BUSY).map_err(sqlite)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection
        .pragma_update(None, "trusted_schema", false)
        .map_err(sqlite)?;
    match judge(&connection, path)? {
        0 => Err(LedgerOpenError::Missing {
            path: path.to_owned(),
        }),
        _ => Ok(connection),
    }
}

/// The tables with their columns. SQLite's own are left out.
pub(super) fn tables(connection: &Connection) -> rusqlite::Result<Tables> {
    let mut statement = connection.prepare(
        "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )?;
    let mut tables = Tables::new();
    let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    for row in rows {
        let (table, column): (String, String) = row?;
        tables.entry(table).or_default().insert(column);
    }
    Ok(tables)
}

/// The tables of a ledger that does not exist yet, as this version would make them.
///
/// # Errors
/// SQLite has no memory.
pub fn planned_tables() -> Result<Tables, LedgerError> {
    let make = || {
        let connection = Connection::open_in_memory()?;
        for text in MIGRATIONS {
            connection.execute_batch(text)?;
        }
        tables(&connection)
    };
    make().map_err(|error| plain(&error))
}

fn flags(write: bool) -> OpenFlags {
    let access = if write {
        OpenFlags::SQLITE_OPEN_READ_WRITE
    } else {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    };
    // No links: the file is private, and what is beside it has its name. No mutex: each
    // connection has one thread.
    access | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn refused(path: &Path, error: &rusqlite::Error) -> LedgerOpenError {
    LedgerOpenError::Refused {
        path: path.to_owned(),
        error: plain(error),
    }
}

/// The format of the file, if it is to be used; 0 for an empty one, which is ours to fill.
fn judge(connection: &Connection, path: &Path) -> Result<i64, LedgerOpenError> {
    let number = |text: &str| -> Result<i64, LedgerOpenError> {
        connection
            .query_row(text, (), |row| row.get(0))
            .map_err(|error| refused(path, &error))
    };
    if number("SELECT count(*) FROM sqlite_schema")? == 0 {
        return Ok(0);
    }
    if number("PRAGMA application_id")? != APPLICATION_ID {
        return Err(LedgerOpenError::Foreign {
            path: path.to_owned(),
        });
    }
    let found = number("PRAGMA user_version")?;
    if found > newest_format() {
        return Err(LedgerOpenError::Newer {
            path: path.to_owned(),
            found,
            known: newest_format(),
        });
    }
    if found < 1 {
        return Err(LedgerOpenError::Refused {
            path: path.to_owned(),
            error: LedgerError::Damaged(format!("it has format {found}, which no version wrote")),
        });
    }
    Ok(found)
}

/// Turns write-ahead logging on. It stays on in the file, so this is work only once.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let mut tries = 0;
    loop {
        match connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))
        {
            Ok(_) => return Ok(()),
            Err(e) if is_busy(&e) && tries < WAL_TRIES => {
                tries += 1;
                std::thread::sleep(WAL_PAUSE);
            }
            Err(e) => return Err(e),
        }
    }
}

fn settings(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Negative: in KiB. Room for the inner pages of every index of a large ledger.
    connection.pragma_update(None, "cache_size", -65_536)?;
    // What a burst made of the log is given back.
    connection.pragma_update(None, "journal_size_limit", 67_108_864)?;
    // The writer says when, so that no commit waits for a checkpoint.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

/// Brings the file to the newest format, unless another process was quicker.
fn migrate(connection: &mut Connection, path: &Path) -> Result<(), LedgerOpenError> {
    if judge(connection, path)? == newest_format() {
        return Ok(());
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(|error| refused(path, &error))?;
    // Again: two processes of different versions may have started at once.
    let found = judge(&transaction, path)?;
    let step = |text: &str, format: i64| -> rusqlite::Result<()> {
        transaction.execute_batch(text)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", format)
    };
    for (text, format) in MIGRATIONS.iter().zip(1..) {
        if format > found {
            step(text, format).map_err(|error| refused(path, &error))?;
        }
    }
    transaction.commit().map_err(|error| refused(path, &error))
}
