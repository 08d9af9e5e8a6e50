//! What is carved out of the grants for a tool: the owner's deny rules as paths that are there.
//!
//! The kernel covers paths, not patterns. So a pattern with wildcards is looked up when the tool
//! starts; what comes to match it later is not covered, and the list of changed files shows it.
//! Never: a rule that is left out because it is hard to carry out.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use remit_core::path::RelPath;
use remit_core::policy::PathPattern;
use remit_core::tool::Bounds;
use remit_supervisor::protocol::{Cover, CoverKind};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, openat2, statat};
use rustix::io::Errno;

use crate::settings::{self, Placeholder};

/// Entries that are looked at for a pattern. A start must not take seconds; a directory in the
/// rule makes the walk shorter.
const MAX_ENTRIES: usize = 200_000;

/// Paths that are covered for one tool. Each costs a mount.
const MAX_COVERS: usize = 512;

/// Directories in each other that are looked at; each holds a descriptor.
const MAX_DEPTH: usize = 128;

/// What deny rules mean on this disk.
#[derive(Default)]
pub(crate) struct Carved {
    pub(crate) covers: Vec<Cover>,
    pub(crate) placeholders: Vec<Placeholder>,
}

/// Looks up the deny rules of these bounds.
///
/// # Errors
/// The rule that cannot be carried out, and why.
pub(crate) fn of(workspace: BorrowedFd<'_>, bounds: &Bounds) -> Result<Carved, (String, String)> {
    let mut carved = Carved::default();
    for (patterns, kind) in [
        (bounds.deny_write(), CoverKind::Sealed),
        (bounds.deny_read(), CoverKind::Hidden),
    ] {
        for pattern in patterns {
            let paths = match pattern.literal() {
                Some(path) => literal(workspace, bounds, path, kind, &mut carved.placeholders),
                None => matching(workspace, pattern),
            };
            let failed = |reason: String| (pattern.as_str().to_owned(), reason);
            for path in paths.map_err(failed)? {
                if matters(bounds, &path, kind) {
                    add(&mut carved.covers, &path, kind, true);
                }
            }
            if carved.covers.len() > MAX_COVERS {
                let reason = format!("it matches more than {MAX_COVERS} paths; deny the directory");
                return Err(failed(reason));
            }
        }
    }
    for path in bounds.hides() {
        let failed = |errno: Errno| {
            let reason = std::io::Error::from(errno).to_string();
            (path.as_str().to_owned(), reason)
        };
        let Some(path) = there(workspace, path).map_err(failed)? else {
            continue;
        };
        if matters(bounds, &path, CoverKind::Emptied) {
            add(&mut carved.covers, &path, CoverKind::Emptied, true);
        }
    }
    Ok(carved)
}

/// The part of a path that is there and is no way to something else: the path itself, or what of
/// it is no directory. A `.git` that is a file leads to a directory that a rule about `.git/config`
/// does not name, so the file is meant then.
fn there(workspace: BorrowedFd<'_>, path: &RelPath) -> Result<Option<Vec<u8>>, Errno> {
    let whole = path.as_str();
    let ends = whole.match_indices('/').map(|(index, _)| index);
    for end in ends.chain([whole.len()]) {
        let so_far = &whole[..end];
        match statat(workspace, so_far, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(data) if FileType::from_raw_mode(data.st_mode) != FileType::Directory => {
                return Ok(Some(so_far.as_bytes().to_vec()));
            }
            Ok(_) => {}
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(errno),
        }
    }
    Ok(Some(whole.as_bytes().to_vec()))
}

/// Whether a cover of this path changes what the tool may do.
fn matters(bounds: &Bounds, path: &[u8], kind: CoverKind) -> bool {
    let Some(path) = std::str::from_utf8(path)
        .ok()
        .and_then(|path| RelPath::parse(path).ok())
    else {
        return true;
    };
    let near = |roots: &[RelPath]| {
        roots
            .iter()
            .any(|root| root.covers(&path) || path.covers(root))
    };
    match kind {
        CoverKind::Hidden | CoverKind::Emptied => near(bounds.read()) || near(bounds.write()),
        CoverKind::Sealed | CoverKind::Pinned => near(bounds.write()),
    }
}

/// A rule without wildcards. What is not there and must not be made is held by a placeholder.
fn literal(
    workspace: BorrowedFd<'_>,
    bounds: &Bounds,
    path: &RelPath,
    kind: CoverKind,
    placeholders: &mut Vec<Placeholder>,
) -> Result<Vec<Vec<u8>>, String> {
    let whole = path.as_str().as_bytes().to_vec();
    let writable = bounds.write().iter().any(|root| root.covers(path));
    if path.is_root() || kind != CoverKind::Sealed || !writable {
        return Ok(vec![whole]);
    }
    match settings::hold_path(workspace, path.as_str()) {
        Ok(Some(held)) => {
            placeholders.extend(held.placeholder);
            Ok(vec![held.path.into_bytes()])
        }
        Ok(None) => Ok(vec![whole]),
        Err(errno) => Err(std::io::Error::from(errno).to_string()),
    }
}

/// Everything below the workspace that a pattern matches, without what lies below a match.
fn matching(workspace: BorrowedFd<'_>, pattern: &PathPattern) -> Result<Vec<Vec<u8>>, String> {
    let io = |errno: Errno| std::io::Error::from(errno).to_string();
    let start = pattern.fixed().as_str();
    let top = match open(workspace, start) {
        Ok(top) => top,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Vec::new()),
        Err(errno) => return Err(io(errno)),
    };
    let prefix = if pattern.fixed().is_root() {
        Vec::new()
    } else {
        start.as_bytes().to_vec()
    };
    let mut found = Vec::new();
    let mut seen = 0_usize;
    let names = names(&top).map_err(io)?;
    let mut way = vec![(top, prefix, names)];
    while let Some((directory, path, rest)) = way.last_mut() {
        let Some(name) = rest.pop() else {
            way.pop();
            continue;
        };
        seen += 1;
        if seen > MAX_ENTRIES {
            return Err(format!(
                "more than {MAX_ENTRIES} entries would have to be looked at; name a directory in \
                 the rule"
            ));
        }
        let here = join(path, name.as_bytes());
        let text = String::from_utf8_lossy(&here);
        if RelPath::parse(&text).is_ok_and(|path| pattern.denies(&path)) {
            found.push(here);
            continue;
        }
        let next = statat(&*directory, &name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|data| FileType::from_raw_mode(data.st_mode) == FileType::Directory);
        if !next {
            continue;
        }
        if way.len() >= MAX_DEPTH {
            return Err(format!("directories are nested more than {MAX_DEPTH} deep"));
        }
        let Some((directory, ..)) = way.last() else {
            break;
        };
        // What cannot be opened here cannot be opened by a tool of this user either.
        if let Ok(inner) = open(
            directory.as_fd(),
            std::ffi::OsStr::from_bytes(name.as_bytes()),
        ) {
            let names = self::names(&inner).map_err(io)?;
            way.push((inner, here, names));
        }
    }
    Ok(found)
}

fn open(base: BorrowedFd<'_>, name: impl rustix::path::Arg + Copy) -> Result<OwnedFd, Errno> {
    let rules = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::io::retry_on_intr(|| openat2(base, name, flags, Mode::empty(), rules))
}

fn names(directory: &OwnedFd) -> Result<Vec<CString>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let name = entry?.file_name().to_owned();
        if name.as_c_str() != c"." && name.as_c_str() != c".." {
            names.push(name);
        }
    }
    Ok(names)
}

fn join(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() {
        name.to_vec()
    } else {
        [path, name].join(&b'/')
    }
}

/// How deep a path lies; the workspace itself is 0.
pub(crate) fn depth(path: &[u8]) -> usize {
    if path == b"." {
        0
    } else {
        1 + path.iter().filter(|byte| **byte == b'/').count()
    }
}

/// Covers a path against changes.
pub(crate) fn add_sealed(covers: &mut Vec<Cover>, path: &[u8], required: bool) {
    add(covers, path, CoverKind::Sealed, required);
}

/// Covers a path, and pins the directories above it: with another directory in their place the
/// path would mean something else.
fn add(covers: &mut Vec<Cover>, path: &[u8], kind: CoverKind, required: bool) {
    for (index, byte) in path.iter().enumerate() {
        if *byte == b'/' {
            put(covers, &path[..index], CoverKind::Pinned, required);
        }
    }
    put(covers, path, kind, required);
}

/// Adds a cover, or makes the one that is there as strong as this one.
fn put(covers: &mut Vec<Cover>, path: &[u8], kind: CoverKind, required: bool) {
    if let Some(cover) = covers.iter_mut().find(|cover| cover.path == path) {
        cover.required |= required;
        if strength(kind) > strength(cover.kind) {
            cover.kind = kind;
        }
        return;
    }
    covers.push(Cover {
        path: path.to_vec(),
        kind,
        required,
    });
}

fn strength(kind: CoverKind) -> u8 {
    match kind {
        CoverKind::Pinned => 0,
        CoverKind::Sealed => 1,
        CoverKind::Emptied => 2,
        CoverKind::Hidden => 3,
    }
}

/// Puts the outermost first, and leaves out what lies below something hidden.
pub(crate) fn arrange(covers: &mut Vec<Cover>) {
    covers.sort_by_key(|cover| depth(&cover.path));
    let hidden: Vec<Vec<u8>> = covers
        .iter()
        .filter(|cover| matches!(cover.kind, CoverKind::Hidden | CoverKind::Emptied))
        .map(|cover| cover.path.clone())
        .collect();
    covers.retain(|cover| {
        !hidden.iter().any(|above| {
            cover
                .path
                .strip_prefix(above.as_slice())
                .is_some_and(|rest| rest.first() == Some(&b'/'))
        })
    });
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::disallowed_methods,
        reason = "the test lays out what it looks at"
    )]

    use super::*;
    use std::fs::{File, create_dir_all, write};

    #[test]
    fn a_pattern_finds_what_it_matches_and_does_not_look_below() {
        let place = tempfile::tempdir().unwrap();
        for path in ["a/.env", "a/b/.env", "c/secrets/x", "c/secrets/.env"] {
            let path = place.path().join(path);
            create_dir_all(path.parent().unwrap()).unwrap();
            write(path, "").unwrap();
        }
        let workspace = File::open(place.path()).unwrap();
        let check = |pattern: &str, expected: &[&str]| {
            let pattern: PathPattern = pattern.parse().unwrap();
            let mut found: Vec<String> = matching(workspace.as_fd(), &pattern)
                .unwrap()
                .into_iter()
                .map(|path| String::from_utf8(path).unwrap())
                .collect();
            found.sort();
            assert_eq!(found, expected, "{}", pattern.as_str());
        };
        check("**/.env", &["a/.env", "a/b/.env", "c/secrets/.env"]);
        check("*/secrets/**", &["c/secrets"]);
        check("absent/*", &[]);
        check("c/*", &["c/secrets"]);
    }

    #[test]
    fn covers_are_the_strongest_of_all_and_pin_what_is_above() {
        let mut covers = Vec::new();
        add_sealed(&mut covers, b"a/b/c", false);
        add(&mut covers, b"a/b", CoverKind::Hidden, true);
        add_sealed(&mut covers, b"d", true);
        arrange(&mut covers);
        let found: Vec<_> = covers
            .iter()
            .map(|cover| (cover.path.as_slice(), cover.kind, cover.required))
            .collect();
        assert_eq!(
            found,
            [
                (b"a".as_slice(), CoverKind::Pinned, true),
                (b"d", CoverKind::Sealed, true),
                (b"a/b", CoverKind::Hidden, true),
            ]
        );
    }
}
