//! The file of the store: how it is made, and which files are refused.
//!
//! Never: a change to a file that a newer version or another program wrote.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior};

use crate::files;

/// The format that this version writes. A store with a higher number is refused.
pub const STATE_FORMAT: i64 = 1;

/// Marks the file as ours in SQLite's header: the letters `RMIT`.
const APPLICATION_ID: i64 = 0x524d_4954;

/// How long to wait for another host on the same machine that writes. Each writes for a few
/// milliseconds at a time; whoever waits longer than this waits for something that hangs.
const BUSY: Duration = Duration::from_secs(5);

/// How often to try the change to write-ahead logging again. It needs the file for itself for a
/// moment, and SQLite does not wait for that by itself.
const WAL_TRIES: u32 = 100;

/// The pause between two such tries.
const WAL_PAUSE: Duration = Duration::from_millis(20);

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The directory or file cannot be made.
    #[error("cannot make {path}: {source}")]
    Make {
        path: String,
        source: std::io::Error,
    },
    /// SQLite refuses the file.
    #[error("{path}: {source}")]
    Sqlite {
        path: String,
        source: rusqlite::Error,
    },
    /// The file belongs to another program.
    #[error("{path} is not a store of remit; move it away")]
    Foreign { path: String },
    /// The file is from a newer version.
    #[error(
        "{path} has format {found}, this version knows up to {STATE_FORMAT}; \
         use the newer version, or move the file away to start anew"
    )]
    Newer { path: String, found: i64 },
    /// The file says a format that never was.
    #[error("{path} has format {found:?}, which no version wrote; move it away")]
    Damaged { path: String, found: Option<i64> },
}

/// Opens the store and makes it if it is not there.
///
/// # Errors
/// See [`OpenError`]. A refused file stays as it is.
pub(crate) fn open(path: &Path) -> Result<Connection, OpenError> {
    let name = || path.display().to_string();
    let make = |source| OpenError::Make {
        path: name(),
        source,
    };
    if let Some(directory) = path.parent() {
        files::private_directory(directory).map_err(make)?;
    }
    files::ensure_private_file(path).map_err(make)?;
    let sqlite = |source| OpenError::Sqlite {
        path: name(),
        source,
    };
    let mut connection = Connection::open(path).map_err(sqlite)?;
    connection.busy_timeout(BUSY).map_err(sqlite)?;
    // Looked at before anything is changed, even the journal mode.
    if let Some(refusal) = judge(&connection, path).map_err(sqlite)? {
        return Err(refusal);
    }
    write_ahead(&connection).map_err(sqlite)?;
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(sqlite)?;
    connection
        .pragma_update(None, "trusted_schema", false)
        .map_err(sqlite)?;
    create(&mut connection).map_err(sqlite)?;
    // Again, under no lock but after the last moment at which this host could have made it: two
    // hosts of different versions may have started at once.
    match judge(&connection, path).map_err(sqlite)? {
        Some(refusal) => Err(refusal),
        None => Ok(connection),
    }
}

/// Whether, and why, the file is not to be used. An empty file is ours to fill.
fn judge(connection: &Connection, path: &Path) -> rusqlite::Result<Option<OpenError>> {
    let path = path.display().to_string();
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    if tables == 0 {
        return Ok(None);
    }
    let application: i64 = connection.query_row("PRAGMA application_id", (), |row| row.get(0))?;
    if application != APPLICATION_ID {
        return Ok(Some(OpenError::Foreign { path }));
    }
    let format: Option<i64> = connection
        .query_row("SELECT format_version FROM store", (), |row| row.get(0))
        .optional()?;
    Ok(match format {
        Some(STATE_FORMAT) => None,
        Some(found) if found > STATE_FORMAT => Some(OpenError::Newer { path, found }),
        found => Some(OpenError::Damaged { path, found }),
    })
}

/// Turns write-ahead logging on. It stays on in the file, so this is work only once.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let mut tries = 0;
    loop {
        match connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))
        {
            Ok(_) => return Ok(()),
            Err(e) if busy(&e) && tries < WAL_TRIES => {
                tries += 1;
                std::thread::sleep(WAL_PAUSE);
            }
            Err(e) => return Err(e),
        }
    }
}

fn busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// Makes the tables, unless another host was quicker.
fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tables: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    if tables == 0 {
        fill(&transaction)?;
    }
    transaction.commit()
}

/// One row for each scope, which also says what the scope holds, so that a limit is checked
/// without adding up; one row for each value.
fn fill(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.execute_batch(
        "CREATE TABLE store (format_version INTEGER NOT NULL) STRICT;
         CREATE TABLE scope (
             id INTEGER PRIMARY KEY,
             plugin TEXT NOT NULL,
             kind TEXT NOT NULL CHECK (kind IN ('task', 'project')),
             owner TEXT NOT NULL,
             bytes INTEGER NOT NULL CHECK (bytes >= 0),
             keys INTEGER NOT NULL CHECK (keys >= 0),
             UNIQUE (plugin, kind, owner)
         ) STRICT;
         CREATE TABLE value (
             scope INTEGER NOT NULL REFERENCES scope (id),
             key TEXT NOT NULL,
             size INTEGER NOT NULL,
             json TEXT NOT NULL,
             UNIQUE (scope, key)
         ) STRICT;",
    )?;
    transaction
        .execute(
            "INSERT INTO store (format_version) VALUES (?1)",
            [STATE_FORMAT],
        )
        .map(drop)
}
