//! What SQLite says, in the words of the seam.
//!
//! Never: a failure of the disk that looks like a refusal; "not known" where it is known.

use std::path::PathBuf;

use remit_engine::durable::ledger::{LedgerError, Refusal};
use rusqlite::ErrorCode;

/// Why a ledger's file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerOpenError {
    /// The directory or a file beside the ledger cannot be made.
    #[error("cannot make {path}: {source}")]
    Make {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite refuses the file.
    #[error("{path}: {error}")]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why, in the words of the seam.
        error: LedgerError,
    },
    /// The file belongs to another program.
    #[error("{path} is not a ledger of remit; move it away, or name another file")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is from a newer version.
    #[error(
        "{path} has format {found}, this version knows up to {known}; use the newer version, or \
         move the file away to start anew"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format that this version knows.
        known: i64,
    },
    /// There is no such file, and it was not to be made.
    #[error("there is no ledger at {path}")]
    Missing {
        /// The file.
        path: PathBuf,
    },
}

/// Why a piece of work on the file did not go through.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It does not fit what is there.
    Refused(Refusal),
    /// SQLite failed.
    Sqlite(rusqlite::Error),
    /// What is in the file cannot be.
    Damaged(String),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Trouble> for LedgerError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(refusal) => Self::Refused(refusal),
            Trouble::Sqlite(error) => plain(&error),
            Trouble::Damaged(text) => Self::Damaged(text),
        }
    }
}

/// A failure before anything could be committed: nothing was written.
pub(super) fn plain(error: &rusqlite::Error) -> LedgerError {
    let text = error.to_string();
    let Some(code) = error.sqlite_error_code() else {
        // A value that does not have the column's type.
        return LedgerError::Damaged(text);
    };
    if is_full(error) {
        return LedgerError::Full(text);
    }
    if matches!(code, ErrorCode::ReadOnly | ErrorCode::PermissionDenied) {
        return LedgerError::ReadOnly(text);
    }
    let damaged = [
        ErrorCode::DatabaseCorrupt,
        ErrorCode::NotADatabase,
        ErrorCode::ConstraintViolation,
        ErrorCode::TypeMismatch,
    ];
    if damaged.contains(&code) {
        return LedgerError::Damaged(text);
    }
    if matches!(code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) {
        return LedgerError::Unavailable(format!(
            "another process has been writing for too long ({text})"
        ));
    }
    LedgerError::Unavailable(text)
}

/// A failure of COMMIT itself. A full disk, a busy or read-only file is noticed before the last
/// frame of the transaction is written, so nothing of it counts; anything else, such as a failed
/// sync, leaves open what a later reader will find.
pub(super) fn of_commit(error: &rusqlite::Error) -> LedgerError {
    let known = [
        ErrorCode::DatabaseBusy,
        ErrorCode::DatabaseLocked,
        ErrorCode::ReadOnly,
    ];
    if is_full(error)
        || error
            .sqlite_error_code()
            .is_some_and(|code| known.contains(&code))
    {
        return plain(error);
    }
    LedgerError::Unknown(error.to_string())
}

/// Whether there is no room.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

/// Whether one piece of work broke a rule of the tables.
pub(super) fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

/// Whether someone else is at it.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}
