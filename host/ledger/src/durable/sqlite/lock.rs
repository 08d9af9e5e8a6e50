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

#[cfg(test)]
mod tests {
    use remit_engine::durable::ledger::{HostIdentity, Ledger as _};

    use super::super::SqliteLedger;

    /// What hosts took that are gone is then taken over at once, and not when their time is over.
    #[tokio::test]
    async fn a_host_that_holds_the_lock_knows_that_no_other_lives() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = SqliteLedger::open(&directory.path().join("ledger.db")).unwrap();
        assert!(
            !ledger.is_exclusive(),
            "who only reads knows nothing of hosts"
        );
        let who = HostIdentity {
            boot_id: "boot".into(),
            pid: 1,
            pid_start: 1,
            version: "0.1.0".into(),
        };
        ledger.begin_host(who, 10, 20).await.unwrap();
        assert!(ledger.is_exclusive());
    }
}
