//! What happened to the working tree, as data.
//!
//! Never: a claim of a plugin or a tool. Only what the host saw for itself becomes a `Change`.

use serde::{Deserialize, Serialize};

use crate::path::RelPath;

/// How a file differs from the state at the start of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It was not there.
    Created,
    /// Its content, its type or its mode changed.
    Modified,
    /// It is gone.
    Deleted,
}

impl ChangeKind {
    /// The word in the JSON form and on the terminal.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Modified => "modified",
            Self::Deleted => "deleted",
        }
    }
}

/// One file that is not as it was when the run began.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Change {
    /// Where it is.
    pub path: RelPath,
    /// How it differs.
    pub kind: ChangeKind,
}
