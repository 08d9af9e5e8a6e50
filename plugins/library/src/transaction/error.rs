//! Why a change was not made, and what an undoing could not undo.
//!
//! Never: an error without the path that it is about.

use std::io;
use std::path::{Path, PathBuf};

use super::MAX_FILE_BYTES;
use crate::files;
use crate::path::PathError;

/// Why a change was not made. What was changed before is still there to be undone.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    /// Not a path below the workspace.
    #[error("`{path}`: {rule}")]
    Path {
        /// As it was given.
        path: String,
        /// What it breaks.
        rule: PathError,
    },
    /// Something that is not a file has the file's name, or has the name of one of its directories.
    #[error("{path} is in the way: it is not a {wanted}")]
    InTheWay {
        /// What is in the way.
        path: String,
        /// What should be there.
        wanted: &'static str,
    },
    /// The target of a move is there already.
    #[error("{path} is there already")]
    Exists {
        /// The target.
        path: String,
    },
    /// What is to be changed is not there.
    #[error("{path} is not there")]
    Missing {
        /// What should be there.
        path: String,
    },
    /// Another run that has not ended, or was ended a moment ago, changes the same file.
    #[error(
        "{path} is being changed by another run ({owner}), or was until it was ended: try again \
         after {until}"
    )]
    Busy {
        /// The file.
        path: String,
        /// The other run's task.
        owner: String,
        /// When it is certainly over: RFC 3339.
        until: String,
    },
    /// It was silent for too long, and another run has taken its changes back.
    #[error("another run has taken the changes back, because this one was silent for too long")]
    TakenBack,
    /// More than a transaction holds.
    #[error("a transaction has at most {limit} {what}")]
    Limit {
        /// The limit.
        limit: u64,
        /// Of what.
        what: &'static str,
    },
    /// The file system refused a step.
    #[error("cannot {action} {path}: {source}", path = .path.display())]
    Io {
        /// A verb.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// The register of unfinished transactions does not answer.
    #[error("cannot note down what would have to be undone: {0}")]
    Register(String),
}

impl TransactionError {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Path { rule, .. } => rule.code(),
            Self::InTheWay { .. } => "in-the-way",
            Self::Exists { .. } => "exists",
            Self::Missing { .. } => "missing-file",
            Self::Busy { .. } => "busy",
            Self::TakenBack => "taken-back",
            Self::Limit { .. } => "limit",
            Self::Io { .. } | Self::Register(_) => "cannot-write",
        }
    }

    /// Whether the same change could succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::TakenBack)
    }
}

/// An error of the file system, to be given to `map_err`.
pub(super) fn failed(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> TransactionError {
    let path = path.to_owned();
    move |source| TransactionError::Io {
        action,
        path,
        source,
    }
}

/// Reads a file that is written anew.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, TransactionError> {
    match files::read(path, MAX_FILE_BYTES) {
        Ok(bytes) => Ok(bytes),
        Err(files::FilesError::TooLarge { .. }) => Err(limit(MAX_FILE_BYTES, "bytes in one file")),
        Err(error) => Err(failed("read", path)(io::Error::other(error.to_string()))),
    }
}

pub(super) fn limit(limit: u64, what: &'static str) -> TransactionError {
    TransactionError::Limit { limit, what }
}
