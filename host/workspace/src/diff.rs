//! The difference between two snapshots: which files are not as they were.
//!
//! Pure. Never: a look at the disk.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use remit_core::change::{Change, ChangeKind};
use remit_core::path::RelPath;

use crate::snapshot::{Entry, Kind, Snapshot};

/// What differs between two snapshots of one tree, sorted by path, each path once.
///
/// - A file, link or special file is listed when it came, went, or differs in any number.
///   A rename is a deletion and a creation.
/// - A directory is listed when its mode differs, and when it came or went without anything
///   listed below it: an empty directory is a change, a full one is told by its files.
/// - A directory that could not be looked into later, but could before, is listed as modified,
///   and nothing below it is called deleted.
/// - A name that is not UTF-8 is listed with its invalid bytes replaced. A path that cannot be
///   written as a [`RelPath`] stands as a modification of the nearest directory that can.
#[must_use]
pub fn diff(before: &Snapshot, after: &Snapshot) -> Vec<Change> {
    let mut changes = Changes::default();
    let (mut old, mut new) = (before.entries.iter(), after.entries.iter());
    let (mut left, mut right) = (old.next(), new.next());
    loop {
        let order = match (left, right) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(l), Some(r)) => l.path.cmp(&r.path),
        };
        match (order, left, right) {
            (Ordering::Less, Some(gone), _) => {
                changes.gone(gone, before, after);
                left = old.next();
            }
            (Ordering::Greater, _, Some(came)) => {
                changes.came(came, after);
                right = new.next();
            }
            (_, was, is) => {
                if let (Some(was), Some(is)) = (was, is)
                    && was.stamp.differs(&is.stamp)
                {
                    changes.add(&is.path, ChangeKind::Modified);
                }
                left = old.next();
                right = new.next();
            }
        }
    }
    for path in &after.unseen {
        if before.unseen.binary_search(path).is_err() {
            changes.add(path, ChangeKind::Modified);
        }
    }
    changes.sorted()
}

/// The changes so far, each path once.
#[derive(Default)]
struct Changes(BTreeMap<RelPath, ChangeKind>);

impl Changes {
    fn gone(&mut self, entry: &Entry, before: &Snapshot, after: &Snapshot) {
        let told_by_files = entry.stamp.kind == Kind::Directory && has_below(before, &entry.path);
        if !told_by_files && !lies_in(&after.unseen, &entry.path) {
            self.add(&entry.path, ChangeKind::Deleted);
        }
    }

    fn came(&mut self, entry: &Entry, after: &Snapshot) {
        let told_by_files = entry.stamp.kind == Kind::Directory && has_below(after, &entry.path);
        // What appears because its directory can be read at last was perhaps there before. It is
        // listed all the same: to leave a change out is worse than to list one too many.
        if !told_by_files {
            self.add(&entry.path, ChangeKind::Created);
        }
    }

    fn add(&mut self, path: &[u8], kind: ChangeKind) {
        let text = String::from_utf8_lossy(path);
        let mut rest: &str = &text;
        loop {
            if let Ok(path) = RelPath::parse(rest) {
                let kind = if rest.len() == text.len() {
                    kind
                } else {
                    ChangeKind::Modified
                };
                self.0
                    .entry(path)
                    .and_modify(|known| *known = together(*known, kind))
                    .or_insert(kind);
                return;
            }
            rest = match rest.rsplit_once('/') {
                Some((parent, _)) => parent,
                None if rest != "." => ".",
                None => return,
            };
        }
    }

    fn sorted(self) -> Vec<Change> {
        self.0
            .into_iter()
            .map(|(path, kind)| Change { path, kind })
            .collect()
    }
}

/// One word for two changes that share a path, because bytes of their names had to be replaced.
fn together(one: ChangeKind, other: ChangeKind) -> ChangeKind {
    if one == other {
        one
    } else {
        ChangeKind::Modified
    }
}

/// Whether a snapshot holds anything below a directory.
fn has_below(snapshot: &Snapshot, directory: &[u8]) -> bool {
    let prefix: Vec<u8> = directory.iter().copied().chain([b'/']).collect();
    let first = snapshot
        .entries
        .partition_point(|entry| *entry.path < *prefix);
    snapshot
        .entries
        .get(first)
        .is_some_and(|entry| entry.path.starts_with(&prefix))
}

/// Whether a path lies in, or is, one of these directories (sorted).
fn lies_in(directories: &[Box<[u8]>], path: &[u8]) -> bool {
    let ends = path
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'/')
        .map(|(at, _)| at)
        .chain([path.len()]);
    ends.into_iter().any(|end| {
        path.get(..end).is_some_and(|ancestor| {
            directories
                .binary_search_by(|d| (**d).cmp(ancestor))
                .is_ok()
        })
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "a test makes its own files")]

    use std::fs;

    use cap_std::ambient_authority;
    use cap_std::fs::Dir;

    use super::*;
    use crate::snapshot::SnapshotError;

    fn tree() -> (tempfile::TempDir, Dir) {
        let dir = tempfile::tempdir().unwrap();
        for path in ["a/1", "a/2", "ab/3", "b"] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let root = Dir::open_ambient_dir(dir.path(), ambient_authority()).unwrap();
        (dir, root)
    }

    /// A snapshot in which one directory could not be looked into. Made by hand: a test that
    /// runs as root can look into everything.
    fn blinded(mut snapshot: Snapshot, directory: &str) -> Snapshot {
        let below = format!("{directory}/");
        snapshot
            .entries
            .retain(|entry| !entry.path.starts_with(below.as_bytes()));
        snapshot.unseen.push(directory.as_bytes().into());
        snapshot
    }

    #[test]
    fn what_cannot_be_seen_is_not_called_deleted() {
        let (_dir, root) = tree();
        let before = Snapshot::take(&root).unwrap();
        let after = blinded(Snapshot::take(&root).unwrap(), "a");
        let changes = diff(&before, &after);
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].path.as_str(), "a");
        assert_eq!(changes[0].kind, ChangeKind::Modified);
    }

    #[test]
    fn what_was_never_seen_is_no_change() {
        let (_dir, root) = tree();
        let before = blinded(Snapshot::take(&root).unwrap(), "a");
        assert!(before.is_incomplete());
        let after = blinded(Snapshot::take(&root).unwrap(), "a");
        assert_eq!(diff(&before, &after), []);
    }

    #[test]
    fn the_limit_on_entries_is_exact() {
        let (_dir, root) = tree();
        assert_eq!(Snapshot::take_within(&root, 6, 10, &[]).unwrap().len(), 6);
        let error = Snapshot::take_within(&root, 5, 10, &[]).unwrap_err();
        assert!(matches!(error, SnapshotError::TooManyEntries { limit: 5 }));
    }

    #[test]
    fn paths_that_share_a_beginning_are_told_apart() {
        let unseen: Vec<Box<[u8]>> = vec![b"a".as_slice().into(), b"c/d".as_slice().into()];
        for (path, expected) in [
            ("a", true),
            ("a/1", true),
            ("ab", false),
            ("ab/3", false),
            ("c", false),
            ("c/d/e/f", true),
        ] {
            assert_eq!(lies_in(&unseen, path.as_bytes()), expected, "{path}");
        }
    }
}
