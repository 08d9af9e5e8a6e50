//! A directory tree as data, to see what a run changed.
//!
//! Never: a link that is followed.

use std::collections::BTreeMap;
use std::path::Path;

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    File(Vec<u8>),
    Link(String),
    Directory,
}

/// Every path below a directory.
pub(crate) fn read(directory: &Path) -> BTreeMap<String, Node> {
    read_but(directory, &[])
}

/// Every path below a directory, but not what has one of these names.
pub(crate) fn read_but(directory: &Path, but: &[&str]) -> BTreeMap<String, Node> {
    let mut found = BTreeMap::new();
    walk(directory, "", but, &mut found);
    found
}

fn walk(directory: &Path, prefix: &str, but: &[&str], found: &mut BTreeMap<String, Node>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        if but.contains(&name.as_str()) {
            continue;
        }
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            let target = std::fs::read_link(entry.path()).unwrap();
            found.insert(path, Node::Link(target.to_string_lossy().into_owned()));
        } else if kind.is_dir() {
            walk(&entry.path(), &format!("{path}/"), but, found);
            found.insert(path, Node::Directory);
        } else {
            found.insert(path, Node::File(std::fs::read(entry.path()).unwrap()));
        }
    }
}

/// Files and links that differ, as `+ new`, `~ changed`, `- gone`; directories only show by what
/// is in them, or as `+ name/` if nothing is.
pub(crate) fn changes(
    before: &BTreeMap<String, Node>,
    after: &BTreeMap<String, Node>,
) -> Vec<String> {
    let mut changes = Vec::new();
    for (path, node) in after {
        match (before.get(path), node) {
            (Some(old), new) if old == new => {}
            (Some(_), _) => changes.push(format!("~ {path}")),
            (None, Node::Directory) => {
                let inside = format!("{path}/");
                if !after.keys().any(|other| other.starts_with(&inside)) {
                    changes.push(format!("+ {path}/"));
                }
            }
            (None, Node::File(_) | Node::Link(_)) => changes.push(format!("+ {path}")),
        }
    }
    for (path, node) in before {
        if !after.contains_key(path) && *node != Node::Directory {
            changes.push(format!("- {path}"));
        }
    }
    changes
}

/// Copies a directory; links stay links.
pub(crate) fn copy(from: &Path, to: &Path) {
    for (path, node) in read(from) {
        make(&to.join(path), node);
    }
}

/// Makes a node and the directories above it.
pub(crate) fn make(path: &Path, node: Node) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    match node {
        Node::Directory => std::fs::create_dir_all(path),
        Node::Link(target) => std::os::unix::fs::symlink(target, path),
        Node::File(bytes) => std::fs::write(path, bytes),
    }
    .unwrap();
}
