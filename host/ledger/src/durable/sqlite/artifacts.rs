//! Bytes under their digest: large ones as files beside the ledger, `artifacts/ab/cdef…`; small
//! ones in the ledger itself, where they share its sync.
//!
//! Never: a name under which not all of the bytes are; bytes that are handed out unchecked.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use remit_core::digest::Digest;
use remit_engine::durable::ledger::LedgerError;

use crate::files;

/// Largest artifact in the ledger itself. SQLite is quicker than files up to about this size.
pub(super) const MAX_INLINE: usize = 65_536;

/// Largest artifact that is read: what a checkpoint, an outcome or a file of a patch may be.
const MAX_BYTES: u64 = 1_073_741_824;

/// Numbers the files that are being written by this process.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The directory of the large ones.
pub(super) fn directory(ledger: &Path) -> PathBuf {
    ledger.parent().map_or_else(
        || PathBuf::from("artifacts"),
        |parent| parent.join("artifacts"),
    )
}

/// Where a large one is.
pub(super) fn file(ledger: &Path, digest: Digest) -> PathBuf {
    let hex = digest.to_hex();
    let (first, rest) = hex.split_at(2);
    directory(ledger).join(first).join(rest)
}

fn failed(path: &Path, error: &std::io::Error) -> LedgerError {
    use std::io::ErrorKind as K;
    let text = format!("{}: {error}", path.display());
    let kind = error.kind();
    if matches!(kind, K::StorageFull | K::QuotaExceeded) {
        LedgerError::Full(text)
    } else if matches!(kind, K::PermissionDenied | K::ReadOnlyFilesystem) {
        LedgerError::ReadOnly(text)
    } else {
        LedgerError::Unavailable(text)
    }
}

/// Keeps a large one: written under another name, synced, renamed, and the directory synced.
pub(super) fn keep(ledger: &Path, digest: Digest, bytes: &[u8]) -> Result<(), LedgerError> {
    let path = file(ledger, digest);
    let Some(directory) = path.parent() else {
        return Err(LedgerError::Unavailable(
            "an artifact without a directory".into(),
        ));
    };
    files::private_directory(directory).map_err(|e| failed(directory, &e))?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let new = directory.join(format!("new-{}-{number}", std::process::id()));
    // What another process of this number left is in the way of nobody.
    drop(files::remove(&new));
    let write = || -> std::io::Result<()> {
        let mut file = files::new_private_file(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // One that is there is replaced by the same bytes: it is then as new, also for `gc`.
        files::rename(&new, &path)?;
        files::open(directory)?.sync_all()?;
        match directory.parent() {
            Some(above) => files::open(above)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(|error| {
        drop(files::remove(&new));
        failed(&path, &error)
    })
}

/// The bytes of a large one, unchecked.
pub(super) fn read(ledger: &Path, digest: Digest) -> Result<Option<Vec<u8>>, LedgerError> {
    let path = file(ledger, digest);
    let file = match files::open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(&path, &e)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|e| failed(&path, &e))?;
    Ok(Some(bytes))
}

/// Holds bytes against their digest.
pub(super) fn checked(digest: Digest, bytes: Vec<u8>) -> Result<Vec<u8>, LedgerError> {
    if Digest::of(&bytes) == digest {
        Ok(bytes)
    } else {
        Err(LedgerError::Damaged(format!(
            "the artifact {digest} is not what it was"
        )))
    }
}
