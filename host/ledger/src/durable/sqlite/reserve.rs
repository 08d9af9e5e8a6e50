//! A file beside the ledger that is there to be deleted: when the disk is full, its room lets
//! what has ended be written down.
//!
//! Never: needed. A ledger without one is answered with "full" a little earlier.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use super::beside;
use crate::files;

/// Its size: the ends of some thousand attempts, which take a few pages of 4 KiB each at most.
const BYTES: usize = 4_194_304;

/// How often to try to have it again.
const PAUSE: Duration = Duration::from_secs(1);

/// The room that is held back.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    spent: bool,
    tried: Option<Instant>,
}

impl Reserve {
    /// Makes it, if there is room; a ledger on a full disk begins without.
    pub(super) fn beside(ledger: &Path) -> Self {
        let mut reserve = Self {
            path: beside(ledger, ".reserve"),
            spent: true,
            tried: None,
        };
        reserve.refill();
        reserve
    }

    /// Whether the disk was full and has not had room for a reserve since.
    pub(super) fn is_spent(&self) -> bool {
        self.spent
    }

    /// Gives its room away. False if there was none to give.
    pub(super) fn spend(&mut self) -> bool {
        let given = !self.spent && files::remove(&self.path).is_ok();
        self.spent = true;
        self.tried = Some(Instant::now());
        given
    }

    /// Takes room for it again. False if there is none, or it was looked a moment ago.
    pub(super) fn refill(&mut self) -> bool {
        if self.tried.is_some_and(|tried| tried.elapsed() < PAUSE) {
            return false;
        }
        self.tried = Some(Instant::now());
        match self.make() {
            Ok(()) => self.spent = false,
            Err(error) => {
                tracing::debug!(%error, "no room for the ledger's reserve");
                drop(files::remove(&self.path));
            }
        }
        !self.spent
    }

    fn make(&self) -> std::io::Result<()> {
        if let Some(directory) = self.path.parent() {
            files::private_directory(directory)?;
        }
        let mut file = files::private_file(&self.path)?;
        if file.metadata()?.len() == BYTES as u64 {
            return Ok(());
        }
        // Written, not only sized: a file with holes holds nothing back.
        file.write_all(&vec![0; BYTES])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_directory_has_room() {
        let holder = tempfile::tempdir().unwrap();
        let reserve = Reserve::beside(&holder.path().join("new/ledger.db"));
        assert!(!reserve.is_spent());
    }
}
