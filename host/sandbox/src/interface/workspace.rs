//! `remit:plugin/workspace`: what is granted, and what has changed.
//!
//! Never: a path outside the grants, even as a name.

use remit_core::change::ChangeKind;
use remit_core::path::RelPath;
use wasmtime::Result;

use crate::access::{GUEST_ROOT, GUEST_SCRATCH};
use crate::bindings::host::remit::plugin::workspace::{
    Change, ChangeKind as GuestKind, Grant, Host, Mode, WorkspaceError,
};
use crate::store::StoreData;

/// Changes in one answer; the contract's number.
const MAX_CHANGES: usize = 10_000;

impl Host for StoreData {
    async fn root(&mut self) -> Result<Option<String>> {
        Ok(self.access.has_workspace().then(|| GUEST_ROOT.to_owned()))
    }

    async fn scratch(&mut self) -> Result<Option<String>> {
        Ok(self.access.scratch().map(|_| GUEST_SCRATCH.to_owned()))
    }

    async fn grants(&mut self) -> Result<Vec<Grant>> {
        let grants = self.host.grants();
        let mut paths: Vec<&RelPath> = grants
            .read_roots()
            .iter()
            .chain(grants.write_roots())
            .collect();
        paths.sort_unstable();
        paths.dedup();
        Ok(paths
            .into_iter()
            .map(|path| Grant {
                path: path.to_string(),
                mode: match (grants.may_read(path), grants.may_write(path)) {
                    (true, false) => Mode::Read,
                    (false, _) => Mode::Write,
                    (true, true) => Mode::ReadWrite,
                },
            })
            .collect())
    }

    async fn changed_files(&mut self) -> Result<std::result::Result<Vec<Change>, WorkspaceError>> {
        if !self.access.has_workspace() {
            return Ok(Err(WorkspaceError::NotGranted));
        }
        match self.host.readable_changes().await {
            Ok(changes) => Ok(Ok(changes
                .into_iter()
                .take(MAX_CHANGES)
                .map(|change| Change {
                    path: change.path.to_string(),
                    kind: match change.kind {
                        ChangeKind::Created => GuestKind::Created,
                        ChangeKind::Modified => GuestKind::Modified,
                        ChangeKind::Deleted => GuestKind::Deleted,
                    },
                })
                .collect())),
            Err(error) => Ok(Err(WorkspaceError::Unavailable(error.0))),
        }
    }
}
