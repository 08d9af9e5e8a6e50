//! The audit log of a user: one chain of entries, in numbered files of JSON lines.
//!
//! ```text
//! audit/00000001.jsonl   whole lines, oldest first; never changed
//!       00000002.jsonl   the chain goes on in the next file
//!       head.json        number and hash of the last entry that is known to be on the disk
//!       lock             held while an entry is added
//! ```
//!
//! [`AuditWriter`] adds, [`AuditLog`] reads and verifies, [`AuditWatcher`] writes what happens in
//! a run, [`AuditGroup`] what happens in many at the same time. What the chain means is `remit_core::audit`; what it can promise is in `docs/audit.md`.
//!
//! Never: an entry changed or taken back once its line is whole; a head that names what is not on
//! the disk yet.

mod group;
mod head;
mod read;
mod segment;
mod watch;
mod write;

use std::io;
use std::path::{Path, PathBuf};

use remit_core::audit::{AUDIT_FORMAT, SealError, Tampering};

use crate::record::MAX_LINE;

pub use group::{AuditGroup, NotWritten};
pub use read::{AuditLog, EachLine, Follower};
pub use watch::{AuditWatcher, Trouble};
pub use write::AuditWriter;

/// Size at which a file of the log is full: small enough to be read at once, large enough that
/// years of use are a handful.
pub const SEGMENT_BYTES: u64 = 16 << 20;

/// What is held while an entry is added.
const LOCK: &str = "lock";

/// Why the audit log could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The log is not what it was. Nothing is added to it: that would hide what was done.
    #[error("the audit log in {directory} was changed: {tampering}", directory = .directory.display())]
    Changed {
        /// Where the log is.
        directory: PathBuf,
        /// How it was changed.
        tampering: Tampering,
    },
    /// A newer version wrote the end of the log; what this one added would not fit.
    #[error(
        "the audit log in {directory} has format {found}, this version knows up to {AUDIT_FORMAT}",
        directory = .directory.display()
    )]
    Newer {
        /// Where the log is.
        directory: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The entry has no JSON form.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The entry is too long.
    #[error("an audit entry of {0} bytes is longer than {MAX_LINE} bytes")]
    TooLong(usize),
    /// The operating system refused something.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl AuditError {
    /// Puts a path to what the operating system said.
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}
