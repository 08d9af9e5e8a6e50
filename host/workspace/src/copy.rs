//! A private copy of a tree: files, directories, and those links that stay inside of it.
//!
//! Every directory and file is opened beneath its parent's descriptor without following a link,
//! so a tree that changes under the copying can hide things from it but cannot lead it out.
//! Never: a link that could lead from the copy back to the original or anywhere else; a file that
//! is neither regular, directory nor link.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, OwnedFd};

use cap_std::fs::Dir;
use remit_core::path::RelPath;
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, Stat, Timespec, Timestamps, fchmod, fstat, futimens, mkdirat,
    openat, readlinkat, statat, symlinkat,
};

use crate::snapshot::MAX_DEPTH;

/// Most entries that are copied. A run in a copy is a rehearsal; a checkout of the Linux kernel
/// still fits.
pub const MAX_COPIED_ENTRIES: usize = 100_000;

/// Most bytes that are copied: a few seconds on any disk, and room that a temporary directory has.
pub const MAX_COPIED_BYTES: u64 = 512 << 20;

/// How many things that were left out are remembered by name. The rest are counted.
pub const MAX_LEFT_OUT: usize = 64;

/// What a copy holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// How many files, directories and links.
    pub entries: usize,
    /// How many bytes of files.
    pub bytes: u64,
    /// The directories that a rule could name.
    pub directories: Vec<RelPath>,
    /// The first [`MAX_LEFT_OUT`] things that are not in it.
    pub left_out: Vec<LeftOut>,
    /// How many things are not in it.
    pub left_out_count: usize,
}

/// Something that is not in a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Where, relative to the root; invalid UTF-8 is replaced.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// More than [`MAX_COPIED_ENTRIES`].
    #[error(
        "the workspace has more than {0} files and directories, too many to copy; \
         name a smaller one (`-C DIR`)"
    )]
    TooManyEntries(usize),
    /// More than [`MAX_COPIED_BYTES`].
    #[error(
        "the workspace has more than {0} bytes, too many to copy; name a smaller one (`-C DIR`)"
    )]
    TooManyBytes(u64),
    /// Deeper than [`MAX_DEPTH`].
    #[error("`{0}` is nested more than {MAX_DEPTH} directories deep; name another one (`-C DIR`)")]
    TooDeep(String),
    /// The copy cannot be written, or the root cannot be read.
    #[error("the workspace cannot be copied: {0}")]
    Io(#[from] io::Error),
}

/// Copies everything below `from` into the empty directory `to`, but what `skip` names. Modes and
/// times of files are kept. Blocks for as long as that takes.
///
/// # Errors
/// A limit is passed, or the copy cannot be written. What cannot be read is left out, and said.
pub fn copy(from: &Dir, to: &Dir, skip: &dyn Fn(&RelPath) -> bool) -> Result<Copied, CopyError> {
    copy_within(from, to, skip, MAX_COPIED_ENTRIES, MAX_COPIED_BYTES)
}

/// As [`copy`], with other limits.
fn copy_within(
    from: &Dir,
    to: &Dir,
    skip: &dyn Fn(&RelPath) -> bool,
    max_entries: usize,
    max_bytes: u64,
) -> Result<Copied, CopyError> {
    let first = Level {
        rest: names(&open_directory(from.as_fd(), c".")?)?,
        from: open_directory(from.as_fd(), c".")?,
        to: open_directory(to.as_fd(), c".")?,
        path: Vec::new(),
    };
    let mut work = Work {
        skip,
        max_entries,
        max_bytes,
        done: Copied::default(),
    };
    let mut way = vec![first];
    while let Some(level) = way.last_mut() {
        let Some(name) = level.rest.pop() else {
            way.pop();
            continue;
        };
        let depth = way.len();
        let Some(level) = way.last() else { break };
        if let Some(deeper) = work.entry(level, &name, depth)? {
            way.push(deeper);
        }
    }
    Ok(work.done)
}

/// One directory of the way down: what is left to copy of it.
struct Level {
    from: OwnedFd,
    to: OwnedFd,
    path: Vec<u8>,
    rest: Vec<CString>,
}

struct Work<'a> {
    skip: &'a dyn Fn(&RelPath) -> bool,
    max_entries: usize,
    max_bytes: u64,
    done: Copied,
}

impl Work<'_> {
    /// Copies one entry; a directory comes back as what is to be copied next.
    fn entry(
        &mut self,
        level: &Level,
        name: &CStr,
        depth: usize,
    ) -> Result<Option<Level>, CopyError> {
        let mut path = level.path.clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name.to_bytes());
        let known = std::str::from_utf8(&path)
            .ok()
            .and_then(|text| RelPath::parse(text).ok());
        if known.as_ref().is_some_and(|path| (self.skip)(path)) {
            self.leave_out(&path, "a rule forbids to read it");
            return Ok(None);
        }
        let stat = match statat(&level.from, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(error) => {
                self.leave_out(&path, &io::Error::from(error).to_string());
                return Ok(None);
            }
        };
        if self.done.entries >= self.max_entries {
            return Err(CopyError::TooManyEntries(self.max_entries));
        }
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => self.file(level, name, &path)?,
            FileType::Symlink => self.link(level, name, &path, depth)?,
            FileType::Directory => {
                if depth > MAX_DEPTH {
                    let path = String::from_utf8_lossy(&path).into_owned();
                    return Err(CopyError::TooDeep(path));
                }
                return self.directory(level, name, path, known);
            }
            FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => self.leave_out(&path, "it is no file, directory or link"),
        }
        Ok(None)
    }

    fn directory(
        &mut self,
        level: &Level,
        name: &CStr,
        path: Vec<u8>,
        known: Option<RelPath>,
    ) -> Result<Option<Level>, CopyError> {
        let opened = open_directory(level.from.as_fd(), name)
            .and_then(|from| names(&from).map(|rest| (from, rest)));
        let (from, rest) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.leave_out(&path, &error.to_string());
                return Ok(None);
            }
        };
        mkdirat(&level.to, name, Mode::RWXU).map_err(io::Error::from)?;
        let to = open_directory(level.to.as_fd(), name)?;
        self.done.entries += 1;
        self.done.directories.extend(known);
        Ok(Some(Level {
            from,
            to,
            path,
            rest,
        }))
    }

    fn file(&mut self, level: &Level, name: &CStr, path: &[u8]) -> Result<(), CopyError> {
        // Not blocking: the name may have become a pipe meanwhile.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = openat(&level.from, name, flags, Mode::empty());
        let (from, stat) = match opened.and_then(|file| fstat(&file).map(|stat| (file, stat))) {
            Ok(opened) => opened,
            Err(error) => {
                self.leave_out(path, &io::Error::from(error).to_string());
                return Ok(());
            }
        };
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            self.leave_out(path, "it is no file any more");
            return Ok(());
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let to = openat(&level.to, name, flags, Mode::RUSR | Mode::WUSR);
        let mut to = File::from(to.map_err(io::Error::from)?);
        let left = self.max_bytes - self.done.bytes;
        let copied = io::copy(&mut File::from(from).take(left.saturating_add(1)), &mut to)?;
        if copied > left {
            return Err(CopyError::TooManyBytes(self.max_bytes));
        }
        keep(&to, &stat)?;
        self.done.bytes += copied;
        self.done.entries += 1;
        Ok(())
    }

    fn link(
        &mut self,
        level: &Level,
        name: &CStr,
        path: &[u8],
        depth: usize,
    ) -> Result<(), CopyError> {
        let target = match readlinkat(&level.from, name, Vec::new()) {
            Ok(target) => target,
            Err(error) => {
                self.leave_out(path, &io::Error::from(error).to_string());
                return Ok(());
            }
        };
        if !stays_inside(target.to_bytes(), depth - 1) {
            self.leave_out(path, "it is a link that could lead out of the copy");
            return Ok(());
        }
        symlinkat(target.as_c_str(), &level.to, name).map_err(io::Error::from)?;
        self.done.entries += 1;
        Ok(())
    }

    fn leave_out(&mut self, path: &[u8], reason: &str) {
        self.done.left_out_count += 1;
        if self.done.left_out.len() < MAX_LEFT_OUT {
            self.done.left_out.push(LeftOut {
                path: String::from_utf8_lossy(path).into_owned(),
                reason: reason.to_owned(),
            });
        }
    }
}

/// Gives a copied file the mode and the times of its original: build tools look at both.
fn keep(file: &File, stat: &Stat) -> io::Result<()> {
    let mode = Mode::from_raw_mode(stat.st_mode) & (Mode::RWXU | Mode::RWXG | Mode::RWXO);
    fchmod(file, mode | Mode::RUSR | Mode::WUSR)?;
    let time = |seconds, nanoseconds| Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds,
    };
    #[expect(
        clippy::unnecessary_cast,
        reason = "the fields have different widths on different machines"
    )]
    let times = Timestamps {
        last_access: time(stat.st_atime as i64, stat.st_atime_nsec as _),
        last_modification: time(stat.st_mtime as i64, stat.st_mtime_nsec as _),
    };
    futimens(file, &times)?;
    Ok(())
}

/// Whether a link at this depth of the tree stays inside, whatever other links it passes: it goes
/// up first, not above the root, and only down after that. Whoever allowed `a/..` would have to
/// know where `a` leads.
fn stays_inside(target: &[u8], depth: usize) -> bool {
    if target.is_empty() || target.starts_with(b"/") {
        return false;
    }
    let mut up = 0;
    let mut down = false;
    for name in target.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." if down => return false,
            b".." => up += 1,
            _ => down = true,
        }
    }
    up <= depth
}

/// Opens a directory beneath another one, never through a link.
fn open_directory(parent: std::os::fd::BorrowedFd<'_>, name: &CStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(parent, name, flags, Mode::empty())?)
}

/// The names in a directory, without itself and its parent.
fn names(directory: &OwnedFd) -> io::Result<Vec<CString>> {
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

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "a test makes its own files")]

    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    use std::path::Path;

    use cap_std::ambient_authority;

    use super::*;

    fn open(path: &Path) -> Dir {
        Dir::open_ambient_dir(path, ambient_authority()).unwrap()
    }

    /// A tree with everything that a tree can hold.
    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for path in ["a/b/file", "a/run.sh", ".git/config", "secret/key"] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "content").unwrap();
        }
        let script = dir.path().join("a/run.sh");
        fs::set_permissions(script, fs::Permissions::from_mode(0o755)).unwrap();
        for (target, link) in [
            ("b/file", "a/good"),
            ("../.git", "a/up"),
            ("../../x", "a/out"),
            ("b/../../..", "a/twisted"),
            ("/etc/passwd", "absolute"),
        ] {
            symlink(target, dir.path().join(link)).unwrap();
        }
        dir
    }

    #[test]
    fn a_copy_holds_what_can_be_held_and_says_what_not() {
        let (from, to) = (tree(), tempfile::tempdir().unwrap());
        let secret: RelPath = "secret".parse().unwrap();
        let copied = copy(&open(from.path()), &open(to.path()), &|path| {
            *path == secret
        });
        let copied = copied.unwrap();
        let there = |path: &str| to.path().join(path);
        for path in ["a/b/file", "a/run.sh", ".git/config", "a/good"] {
            assert_eq!(fs::read(there(path)).unwrap(), b"content", "{path}");
        }
        for path in ["secret", "a/out", "a/twisted", "absolute"] {
            assert!(there(path).symlink_metadata().is_err(), "{path}");
        }
        let mut out: Vec<&str> = copied
            .left_out
            .iter()
            .map(|one| one.path.as_str())
            .collect();
        out.sort_unstable();
        assert_eq!(out, ["a/out", "a/twisted", "absolute", "secret"]);
        assert_eq!((copied.entries, copied.left_out_count), (8, 4));
        assert_eq!(copied.bytes, 3 * 7);
        let [was, is] = [&from, &to].map(|dir| dir.path().join("a/run.sh").metadata().unwrap());
        assert_eq!(is.mode() & 0o777, 0o755);
        assert_eq!(
            (is.mtime(), is.mtime_nsec()),
            (was.mtime(), was.mtime_nsec())
        );
        // The copy is a copy.
        fs::write(there("a/b/file"), "changed").unwrap();
        fs::write(there("a/good"), "changed").unwrap();
        assert_eq!(fs::read(from.path().join("a/b/file")).unwrap(), b"content");
    }

    #[test]
    fn limits_are_exact() {
        let from = tree();
        let copy = |entries, bytes| {
            let to = tempfile::tempdir().unwrap();
            copy_within(
                &open(from.path()),
                &open(to.path()),
                &|_| false,
                entries,
                bytes,
            )
        };
        assert!(copy(10, 28).is_ok());
        assert!(matches!(copy(9, 28), Err(CopyError::TooManyEntries(9))));
        assert!(matches!(copy(10, 27), Err(CopyError::TooManyBytes(27))));
    }

    #[test]
    fn links_that_could_lead_out_are_known_by_their_text() {
        for (target, depth, inside) in [
            ("a", 0, true),
            ("./a/b", 0, true),
            ("..", 0, false),
            ("..", 1, true),
            ("../../a", 1, false),
            ("../../a", 2, true),
            ("a/..", 3, false),
            ("/a", 9, false),
            ("", 0, false),
        ] {
            assert_eq!(
                stays_inside(target.as_bytes(), depth),
                inside,
                "{target} {depth}"
            );
        }
    }
}
