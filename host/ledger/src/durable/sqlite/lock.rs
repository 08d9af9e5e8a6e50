//! Who executes: a lock beside the ledger that one process holds as long as it lives.
//!
//! The kernel gives it back when the process ends, however it ends. Never: a lock that outlives
//! its process; a wait for it.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use remit_engine::durable::ledger::LedgerError;

use super::beside;
use crate::files;

/// Longest text in the lock file that is read: a process id has ten digits.
const LONGEST: u64 = 32;

/// The lock, while it is held.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes it.
    pub(super) fn take(ledger: &Path) -> Result<Self, LedgerError> {
        let path = beside(ledger, ".lock");
        let failed =
            |error: std::io::Error| LedgerError::ReadOnly(format!("{}: {error}", path.display()));
        let mut file = files::private_file(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LedgerError::Held {
                    pid: holder(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // For people only. A full disk is no reason to refuse: the lock itself is the kernel's.
        let written = file
            .set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        if let Err(error) = written {
            tracing::debug!(%error, "the lock's holder is not written down");
        }
        Ok(Self { _file: file })
    }
}

/// What the holder said of itself.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
