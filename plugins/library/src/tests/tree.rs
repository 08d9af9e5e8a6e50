//! Trees of files as values.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use crate::files::{Kind, Limits, walk};
use crate::path::SafePath;
use crate::transaction::{MemoryRegister, Owner, Register, Transaction};

/// Something of a tree: kind, mode, content or target, and inode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    kind: String,
    mode: u32,
    pub(super) content: Vec<u8>,
    inode: u64,
}

/// All of a tree, bytes, modes and inodes.
pub(super) fn read(root: &Path) -> BTreeMap<String, Node> {
    let entries = walk(root, Limits::default(), |_| true).unwrap();
    let node = |path: &SafePath, kind: Kind| {
        let place = root.join(path.as_str());
        let found = fs::symlink_metadata(&place).unwrap();
        let content = match kind {
            Kind::File => fs::read(&place).unwrap(),
            Kind::Link => fs::read_link(&place).unwrap().to_str().unwrap().into(),
            Kind::Directory | Kind::Other => Vec::new(),
        };
        Node {
            kind: format!("{kind:?}"),
            mode: found.mode(),
            content,
            // A directory's number may be given to another one.
            inode: if kind == Kind::Directory {
                0
            } else {
                found.ino()
            },
        }
    };
    entries
        .iter()
        .map(|entry| (entry.path.to_string(), node(&entry.path, entry.kind)))
        .collect()
}

/// A tree with files of several modes, a link, an empty directory.
pub(super) fn plant() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    for path in ["a", "d/a", "d/b", "d/e/a", "run"] {
        let place = root.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, format!("original {path}")).unwrap();
    }
    fs::create_dir(root.join("empty")).unwrap();
    fs::set_permissions(root.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(root.join("d/b"), fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink("a", root.join("link")).unwrap();
    directory
}

pub(super) fn owner(task: &str) -> Owner {
    Owner {
        id: format!("{task}-1"),
        task: task.to_owned(),
        ends_at_ms: 1000,
    }
}

pub(super) fn begin<'a>(root: &Path, register: &'a MemoryRegister) -> Transaction<'a> {
    Transaction::begin(root, &SafePath::here(), owner("task"), register).unwrap()
}

/// Ends a transaction as a crash does: neither committed nor taken back.
pub(super) fn crash(transaction: Transaction<'_>) {
    std::mem::forget(transaction);
}

pub(super) fn nothing_is_unfinished(register: &MemoryRegister) {
    assert_eq!(register.entries().unwrap(), []);
}
