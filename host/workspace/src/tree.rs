//! The engine's seam `WorkingTree`, over a real directory.
//!
//! Never: a blocking look at the disk on the runtime's own threads.

use std::sync::Arc;

use async_trait::async_trait;
use cap_std::fs::Dir;
use remit_core::change::Change;
use remit_core::path::RelPath;
use remit_engine::seam::{WorkingTree, WorkspaceError};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, statat};

use crate::diff::diff;
use crate::snapshot::{Snapshot, SnapshotError, Unseen};

/// A working tree, together with what it was like when the run began.
#[derive(Debug, Clone)]
pub struct Tree {
    root: Arc<Dir>,
    before: Arc<Snapshot>,
    left_out: &'static [&'static str],
}

impl Tree {
    /// Takes the snapshot that every later question is answered against. Call it before the
    /// plugin or any tool of the run starts.
    ///
    /// # Errors
    /// The directory cannot be read, or it passes a limit of [`Snapshot::take`].
    pub async fn begin(root: Dir) -> Result<Self, SnapshotError> {
        Self::begin_but(root, &[]).await
    }

    /// As [`Tree::begin`], without these paths and what is below them: what the host itself writes
    /// meanwhile is nobody's work, and may be a lot.
    ///
    /// # Errors
    /// As [`Tree::begin`].
    pub async fn begin_but(
        root: Dir,
        left_out: &'static [&'static str],
    ) -> Result<Self, SnapshotError> {
        let root = Arc::new(root);
        let handle = Arc::clone(&root);
        let taken =
            tokio::task::spawn_blocking(move || Snapshot::take_but(&handle, left_out)).await;
        let before = taken.map_err(|e| SnapshotError::Root(std::io::Error::other(e)))??;
        Ok(Self {
            root,
            before: Arc::new(before),
            left_out,
        })
    }

    /// Directories that could not be looked into when the run began: changes below them are not
    /// seen. At most [`crate::MAX_UNSEEN`] of them.
    #[must_use]
    pub fn unseen(&self) -> &[Unseen] {
        self.before.unseen()
    }
}

/// A working tree in a run that may neither write nor have tools run: it needs no snapshot, and
/// still a file that a plugin names is looked for.
#[derive(Debug, Clone)]
pub struct StillTree {
    root: Arc<Dir>,
}

impl StillTree {
    /// The tree below a directory.
    #[must_use]
    pub fn new(root: Dir) -> Self {
        Self {
            root: Arc::new(root),
        }
    }
}

#[async_trait]
impl WorkingTree for StillTree {
    async fn changes(&self) -> Result<Vec<Change>, WorkspaceError> {
        Ok(Vec::new())
    }

    async fn file_size(&self, path: &RelPath) -> Option<u64> {
        look_for(&self.root, path).await
    }
}

#[async_trait]
impl WorkingTree for Tree {
    async fn changes(&self) -> Result<Vec<Change>, WorkspaceError> {
        let (root, before) = (Arc::clone(&self.root), Arc::clone(&self.before));
        let left_out = self.left_out;
        tokio::task::spawn_blocking(move || {
            let after =
                Snapshot::take_but(&root, left_out).map_err(|e| WorkspaceError(e.to_string()))?;
            Ok(diff(&before, &after))
        })
        .await
        .map_err(|e| WorkspaceError(e.to_string()))?
    }

    async fn file_size(&self, path: &RelPath) -> Option<u64> {
        look_for(&self.root, path).await
    }
}

async fn look_for(root: &Arc<Dir>, path: &RelPath) -> Option<u64> {
    let (root, path) = (Arc::clone(root), path.clone());
    tokio::task::spawn_blocking(move || regular_file_size(&root, &path))
        .await
        .ok()
        .flatten()
}

/// The size of a regular file, found component by component so that no link is followed on the
/// way, not even one that appears meanwhile.
fn regular_file_size(root: &Dir, path: &RelPath) -> Option<u64> {
    let on_the_way = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut components = path.as_str().split('/').peekable();
    let mut directory = openat(root, c".", on_the_way, Mode::empty()).ok()?;
    while let Some(name) = components.next() {
        if components.peek().is_some() {
            directory = openat(&directory, name, on_the_way, Mode::empty()).ok()?;
            continue;
        }
        let stat = statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        return regular.then(|| u64::try_from(stat.st_size).ok()).flatten();
    }
    None
}
