//! A snapshot: for every entry of a directory tree, the few numbers that cannot all stay the same
//! when the entry changes.
//!
//! Size and modification time alone miss an edit that keeps the length and sets the time back,
//! which build tools and archivers do every day. The inode's change time cannot be set by a
//! program, so it is what the answer rests on.
//! Never: a file's content, the target of a link, a name made into text that is not UTF-8.

use std::io;
use std::time::Duration;

use cap_std::fs::Dir;
use rustix::fs::{FileType, Stat};
use rustix::time::{ClockId, clock_gettime};

use crate::walk;

/// Most entries of one tree. A checkout of the Linux kernel has 90 000, a large monorepo with its
/// dependencies a few hundred thousand; at about 150 bytes each this is 150 MiB of memory.
pub const MAX_ENTRIES: usize = 1_000_000;

/// Deepest directory below the root. Each level holds one descriptor open while it is walked, and
/// the usual limit of a process is 1 024.
pub const MAX_DEPTH: usize = 128;

/// How many directories that could not be looked into are remembered by name. The rest are
/// counted.
pub const MAX_UNSEEN: usize = 64;

/// How long a snapshot waits for the file system's clock to move on. A tick is 1 to 10 ms; a
/// change time further ahead than this comes from a clock that was set back, and waiting would
/// not help.
const MAX_SETTLE: Duration = Duration::from_millis(50);

/// How often it looks meanwhile.
const SETTLE_STEP: Duration = Duration::from_millis(1);

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The tree is larger than a run can keep an eye on.
    #[error(
        "the workspace has more than {limit} files and directories; \
         run in a smaller directory (`-C DIR`)"
    )]
    TooManyEntries {
        /// The limit that was passed.
        limit: usize,
    },
    /// The tree is nested deeper than a run can keep an eye on.
    #[error(
        "`{path}` is nested more than {limit} directories deep; \
         remove it or run in a smaller directory (`-C DIR`)"
    )]
    TooDeep {
        /// The directory that is one too deep, relative to the root; invalid UTF-8 is replaced.
        path: String,
        /// The limit that was passed.
        limit: usize,
    },
    /// The root itself could not be read.
    #[error("the workspace cannot be read: {0}")]
    Root(#[source] io::Error),
}

/// A directory whose entries are not in the snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// The directory, relative to the root; invalid UTF-8 is replaced.
    pub path: String,
    /// What the operating system said.
    pub reason: String,
}

/// What an entry is. Everything else that a file system can hold is `Other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link; its target is never looked at.
    Link,
    /// A socket, a pipe or a device.
    Other,
}

/// The numbers of one entry. Two different states of one path differ in at least one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// Reads the numbers out of what the kernel answered.
    #[expect(
        clippy::unnecessary_cast,
        reason = "the fields have different widths on different machines"
    )]
    pub(crate) fn of(stat: &Stat) -> Self {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Directory,
            FileType::Symlink => Kind::Link,
            FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => Kind::Other,
        };
        Self {
            kind,
            mode: stat.st_mode as u32,
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            size: stat.st_size as u64,
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            changed: (stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        }
    }

    /// Whether the entry is another one, or has other content or another mode.
    ///
    /// A directory's size and times follow from its entries, which are listed themselves; only
    /// its mode is its own. Its inode is not compared either: a directory that was removed and
    /// made again with the same files has nothing to report beyond those files.
    pub(crate) fn differs(&self, later: &Self) -> bool {
        match (self.kind, later.kind) {
            (Kind::Directory, Kind::Directory) => self.mode != later.mode,
            (
                Kind::File | Kind::Directory | Kind::Link | Kind::Other,
                Kind::File | Kind::Directory | Kind::Link | Kind::Other,
            ) => self != later,
        }
    }
}

/// One entry: its path below the root, as the kernel spells it, and its numbers.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) path: Box<[u8]>,
    pub(crate) stamp: Stamp,
}

/// A directory tree as it was at one moment. See [`Snapshot::take`].
#[derive(Debug)]
pub struct Snapshot {
    /// Sorted by the bytes of the path.
    pub(crate) entries: Vec<Entry>,
    pub(crate) unseen: Vec<Box<[u8]>>,
    reasons: Vec<Unseen>,
}

impl Snapshot {
    /// Looks at everything below `root`, hidden and ignored files too, without following a link
    /// and without reading a file. Blocks: about 2 µs for each entry.
    ///
    /// Returns only when the file system's clock has passed the newest change that was seen, so
    /// that every later change gets a later time. This costs a few milliseconds, and only in a
    /// tree that has just been written to.
    ///
    /// A directory that cannot be read is not an error: it is listed by [`Snapshot::unseen`].
    ///
    /// # Errors
    /// The root cannot be read, or the tree passes [`MAX_ENTRIES`] or [`MAX_DEPTH`].
    pub fn take(root: &Dir) -> Result<Self, SnapshotError> {
        Self::take_but(root, &[])
    }

    /// As [`Snapshot::take`], without these paths and what is below them.
    ///
    /// # Errors
    /// As [`Snapshot::take`].
    pub fn take_but(root: &Dir, left_out: &[&str]) -> Result<Self, SnapshotError> {
        Self::take_within(root, MAX_ENTRIES, MAX_DEPTH, left_out)
    }

    /// As [`Snapshot::take`], with other limits.
    pub(crate) fn take_within(
        root: &Dir,
        max_entries: usize,
        max_depth: usize,
        left_out: &[&str],
    ) -> Result<Self, SnapshotError> {
        let mut found = walk::walk(root, max_entries, max_depth, left_out)?;
        found.entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        found.unseen.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let reasons = found
            .unseen
            .iter()
            .take(MAX_UNSEEN)
            .map(|(path, error)| Unseen {
                path: String::from_utf8_lossy(path).into_owned(),
                reason: error.to_string(),
            })
            .collect();
        let snapshot = Self {
            entries: found.entries,
            unseen: found.unseen.into_iter().map(|(path, _)| path).collect(),
            reasons,
        };
        snapshot.settle();
        Ok(snapshot)
    }

    /// How many files, directories and links it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the tree has no entry at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether some directory could not be looked into.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        !self.unseen.is_empty()
    }

    /// The first [`MAX_UNSEEN`] directories that could not be looked into, sorted by path.
    #[must_use]
    pub fn unseen(&self) -> &[Unseen] {
        &self.reasons
    }

    /// How many directories could not be looked into.
    #[must_use]
    pub fn unseen_count(&self) -> usize {
        self.unseen.len()
    }

    /// Waits until the clock that stamps changes has passed every stamp in this snapshot.
    ///
    /// The kernel stamps with a clock that stands still between two ticks. Without this, an edit
    /// right after the snapshot could get the very stamp that the snapshot already holds.
    fn settle(&self) {
        let newest = self.entries.iter().map(|entry| entry.stamp.changed).max();
        let Some(newest) = newest else { return };
        let mut waited = Duration::ZERO;
        while waited < MAX_SETTLE {
            let now = clock_gettime(ClockId::RealtimeCoarse);
            if (now.tv_sec, now.tv_nsec) > newest {
                return;
            }
            std::thread::sleep(SETTLE_STEP);
            waited += SETTLE_STEP;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "a test makes its own files")]

    use cap_std::ambient_authority;

    use super::*;

    #[test]
    fn a_snapshot_is_older_than_every_later_change() {
        let dir = tempfile::tempdir().unwrap();
        let root = Dir::open_ambient_dir(dir.path(), ambient_authority()).unwrap();
        // Several times, because one file can happen to be made just before a tick.
        for i in 0..20 {
            std::fs::write(dir.path().join(i.to_string()), "x").unwrap();
            let snapshot = Snapshot::take(&root).unwrap();
            let now = clock_gettime(ClockId::RealtimeCoarse);
            let newest = snapshot.entries.iter().map(|e| e.stamp.changed).max();
            assert!(Some((now.tv_sec, now.tv_nsec)) > newest, "the same tick");
        }
    }
}
