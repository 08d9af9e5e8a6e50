//! The walk: every entry below a directory, found by descriptor and never by path.
//!
//! Each directory is opened beneath its parent's descriptor without following a link, so a tree
//! that changes under the walk can hide things from it but cannot lead it out.
//! Never: a path with more than one component in a system call.

use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;

use cap_std::fs::Dir;
use remit_core::settings::is_placeholder;
use rustix::fs::{AtFlags, Mode, OFlags, openat, statat};
use rustix::io::Errno;

use crate::snapshot::{Entry, Kind, SnapshotError, Stamp};

/// What a walk found, in no particular order.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) entries: Vec<Entry>,
    pub(crate) unseen: Vec<(Box<[u8]>, io::Error)>,
}

/// One directory of the way down: what is left to look at in it.
struct Level {
    directory: OwnedFd,
    path: Vec<u8>,
    rest: Vec<CString>,
}

/// What there is under one name.
enum Look {
    Gone,
    Entry(Stamp),
    Unseen(Errno),
}

/// Looks at everything below `root` but what is below the paths in `left_out`, and them.
///
/// # Errors
/// The root cannot be read, or one of the two limits is passed.
pub(crate) fn walk(
    root: &Dir,
    max_entries: usize,
    max_depth: usize,
    left_out: &[&str],
) -> Result<Found, SnapshotError> {
    let mut found = Found::default();
    let is_held = |path: &[u8], stamp: &Stamp, directory: &OwnedFd, name: &CString| {
        // Looking inside costs something, so the numbers are looked at first.
        let text = std::str::from_utf8(path).unwrap_or_default();
        let may_be = stamp.kind == Kind::Directory && is_placeholder(text, stamp.mode, true);
        may_be
            && open(directory, name)
                .and_then(|held| names(&held))
                .is_ok_and(|names| names.is_empty())
    };
    // A handle may have been opened only for looking things up (`O_PATH`), which cannot list.
    let first = open(root, c".").map_err(|e| SnapshotError::Root(e.into()))?;
    let rest = names(&first).map_err(|e| SnapshotError::Root(e.into()))?;
    let mut way = vec![Level {
        directory: first,
        path: Vec::new(),
        rest,
    }];
    while let Some(level) = way.last_mut() {
        let Some(name) = level.rest.pop() else {
            way.pop();
            continue;
        };
        let path = join(&level.path, name.as_bytes());
        if left_out.iter().any(|other| other.as_bytes() == path) {
            continue;
        }
        let stamp = match look(&level.directory, &name) {
            Look::Gone => continue,
            Look::Unseen(errno) => {
                found.unseen.push((path.into(), errno.into()));
                continue;
            }
            Look::Entry(stamp) => stamp,
        };
        // What holds a place while tools run, of this run or another one, is not part of the work.
        if is_held(&path, &stamp, &level.directory, &name) {
            continue;
        }
        if found.entries.len() >= max_entries {
            return Err(SnapshotError::TooManyEntries { limit: max_entries });
        }
        found.entries.push(Entry {
            path: path.as_slice().into(),
            stamp,
        });
        if stamp.kind != Kind::Directory {
            continue;
        }
        if way.len() > max_depth {
            return Err(SnapshotError::TooDeep {
                path: String::from_utf8_lossy(&path).into_owned(),
                limit: max_depth,
            });
        }
        descend(&mut way, &name, path, &mut found);
    }
    Ok(found)
}

/// Adds a directory to the way down, or to what could not be seen.
fn descend(way: &mut Vec<Level>, name: &CString, path: Vec<u8>, found: &mut Found) {
    let Some(parent) = way.last() else { return };
    let opened = open(&parent.directory, name)
        .and_then(|directory| names(&directory).map(|rest| (directory, rest)));
    match opened {
        Ok((directory, rest)) => way.push(Level {
            directory,
            path,
            rest,
        }),
        // Gone between the look and the opening: there is nothing in it any more.
        Err(Errno::NOENT) => {}
        Err(errno) => found.unseen.push((path.into(), errno.into())),
    }
}

/// Opens a directory beneath another one, never through a link.
fn open(parent: &impl std::os::fd::AsFd, name: &std::ffi::CStr) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(parent, name, flags, Mode::empty())
}

/// The names in a directory, without itself and its parent.
fn names(directory: &OwnedFd) -> rustix::io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// What there is under a name, without following a link.
fn look(directory: &OwnedFd, name: &CString) -> Look {
    match statat(directory, name.as_c_str(), AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Look::Entry(Stamp::of(&stat)),
        Err(Errno::NOENT) => Look::Gone,
        Err(errno) => Look::Unseen(errno),
    }
}

/// A path below the root, one name longer.
fn join(parent: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(parent.len() + 1 + name.len());
    path.extend_from_slice(parent);
    if !parent.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}
