//! Files that the person at the command line named: read with a limit, written so that nobody
//! sees half of one.
//!
//! Never: a path that a plugin or a workspace wrote.

#![expect(
    clippy::disallowed_methods,
    reason = "the one place of the program where the owner's own paths are opened"
)]

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use crate::exit::Stop;

/// Largest policy, manifest or other text. A thousand times what anyone writes.
const MAX_TEXT: u64 = 4 << 20;

/// Reads a binary with a limit of `max` bytes.
pub(crate) fn read_bytes(path: &Path, max: u64) -> Result<Vec<u8>, Stop> {
    let shown = path.display();
    let file = fs::File::open(path).map_err(|error| unreadable(path, &error))?;
    let meta = file.metadata().map_err(|error| unreadable(path, &error))?;
    if meta.is_dir() {
        return Err(Stop::usage(
            format!("{shown} is a directory"),
            "name a file",
        ));
    }
    let mut bytes = Vec::new();
    file.take(max + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > max {
        return Err(Stop::usage(
            format!("{shown} has more than {max} bytes"),
            "name a smaller file",
        ));
    }
    Ok(bytes)
}

/// Reads a text.
pub(crate) fn read_text(path: &Path) -> Result<String, Stop> {
    let bytes = read_bytes(path, MAX_TEXT)?;
    String::from_utf8(bytes).map_err(|error| {
        Stop::usage(
            format!(
                "{} is not UTF-8 at byte {}",
                path.display(),
                error.utf8_error().valid_up_to()
            ),
            "save it as UTF-8",
        )
    })
}

/// Whether a path of the workspace is there only to hold its place while tools run.
pub(crate) fn is_placeholder(path: &Path, relative: &str) -> bool {
    let is_empty = || fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    fs::symlink_metadata(path).is_ok_and(|data| {
        data.is_dir()
            && remit_core::settings::is_placeholder(relative, data.mode(), true)
            && is_empty()
    })
}

/// Reads a text that need not be there.
pub(crate) fn read_text_if_there(path: &Path) -> Result<Option<String>, Stop> {
    match fs::symlink_metadata(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(unreadable(path, &error)),
        Ok(_) => read_text(path).map(Some),
    }
}

/// Reads standard input to its end.
pub(crate) fn read_stdin(max: u64) -> Result<String, Stop> {
    let mut text = String::new();
    std::io::stdin()
        .take(max + 1)
        .read_to_string(&mut text)
        .map_err(|error| {
            Stop::usage(
                format!("standard input cannot be read: {error}"),
                "give UTF-8 text",
            )
        })?;
    if text.len() as u64 > max {
        return Err(Stop::usage(
            format!("standard input has more than {max} bytes"),
            "give less",
        ));
    }
    Ok(text)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Stop {
    Stop::usage(
        format!("cannot read {}: {error}", path.display()),
        "check the name and its permissions",
    )
}

/// Writes a file that only this user may read, in one step: whoever reads it sees the old content
/// or the new.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Stop> {
    let parent = path.parent().unwrap_or_else(|| Path::new("."));
    make_private_dir(parent)?;
    let temporary = beside(path);
    let write = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        // Else a loss of power could bring the old content back.
        fs::File::open(parent)?.sync_all()
    };
    write()
        .with_context(|| format!("cannot write {}", path.display()))
        .map_err(Stop::Internal)
}

/// How often a lock is tried for, and how long between. Whoever holds one reads and writes one
/// small file; what takes longer than these five seconds together has stopped.
const LOCK_TRIES: u32 = 500;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Takes the lock that a private file is, making the file if need be. Held until it is dropped.
pub(crate) fn lock(path: &Path) -> Result<fs::File, Stop> {
    make_private_dir(path.parent().unwrap_or_else(|| Path::new(".")))?;
    let file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(fs::TryLockError::Error(error)) => {
                return Err(Stop::Internal(
                    anyhow::Error::new(error).context(format!("cannot lock {}", path.display())),
                ));
            }
        }
    }
    Err(Stop::usage(
        format!("another remit holds {} and does not let go", path.display()),
        "end it, or wait, and try again",
    ))
}

/// What a file is known by: a file that was replaced or written has another stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    inode: (u64, u64),
    size: u64,
    changed: (i64, i64),
}

/// The stamp of a file; none if it cannot be looked at.
pub(crate) fn stamp(path: &Path) -> Option<Stamp> {
    let data = fs::metadata(path).ok()?;
    Some(Stamp {
        inode: (data.dev(), data.ino()),
        size: data.size(),
        changed: (data.ctime(), data.ctime_nsec()),
    })
}

/// The permissions of a file.
#[cfg(test)]
pub(crate) fn mode(path: &Path) -> std::io::Result<fs::Permissions> {
    Ok(fs::metadata(path)?.permissions())
}

/// Writes a file that the person asked for by name.
pub(crate) fn write_output(path: &Path, bytes: &[u8]) -> Result<(), Stop> {
    let temporary = beside(path);
    fs::write(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|error| {
            Stop::usage(
                format!("cannot write {}: {error}", path.display()),
                "check the directory and its permissions",
            )
        })
}

/// Replaces a text of the owner's in one step, if it is still what it was when it was read. A file
/// that is there keeps its mode, a new one is private; a link stays one.
pub(crate) fn replace_text(path: &Path, was: Option<&str>, text: &str) -> Result<(), Stop> {
    if read_text_if_there(path)?.as_deref() != was {
        return Err(Stop::usage(
            format!("{} changed meanwhile; nothing was written", path.display()),
            "start again",
        ));
    }
    let Ok(real) = fs::canonicalize(path) else {
        return write_private(path, text.as_bytes());
    };
    let temporary = beside(&real);
    fs::write(&temporary, text)
        .and_then(|()| fs::set_permissions(&temporary, fs::metadata(&real)?.permissions()))
        .and_then(|()| fs::rename(&temporary, &real))
        .map_err(|error| {
            Stop::usage(
                format!("cannot write {}: {error}", path.display()),
                "check the directory and its permissions",
            )
        })
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    PathBuf::from(name)
}

/// Makes a directory that only this user may enter, and those above it.
pub(crate) fn make_private_dir(path: &Path) -> Result<(), Stop> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot create {}", path.display()))
        .map_err(Stop::Internal)
}

/// The real path of something that need not be there yet: that of the nearest directory above it
/// that is, and the rest as it is written.
pub(crate) fn real_or_planned(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for above in absolute.ancestors() {
        if let (Ok(real), Ok(rest)) = (fs::canonicalize(above), absolute.strip_prefix(above)) {
            return if rest.as_os_str().is_empty() {
                real
            } else {
                real.join(rest)
            };
        }
    }
    absolute
}

/// The real path of a directory.
pub(crate) fn real_dir(path: &Path) -> Result<PathBuf, Stop> {
    let real = fs::canonicalize(path).map_err(|error| {
        Stop::usage(
            format!("cannot enter {}: {error}", path.display()),
            "name a directory that exists",
        )
    })?;
    if real.is_dir() {
        Ok(real)
    } else {
        Err(Stop::usage(
            format!("{} is not a directory", path.display()),
            "name a directory",
        ))
    }
}

/// Whether a path that a person named is a directory.
pub(crate) fn is_directory(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|data| data.is_dir())
}

/// Whether a path that a person named is a file.
pub(crate) fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|data| data.is_file())
}

/// When a file was last changed, in seconds and nanoseconds; nothing if it cannot be looked at.
pub(crate) fn changed(path: &Path) -> Option<(i64, i64)> {
    let data = fs::metadata(path).ok()?;
    Some((data.mtime(), data.mtime_nsec()))
}

/// The files with this ending directly in a directory, sorted; none if it is not there.
pub(crate) fn texts_in(directory: &Path, ending: &str) -> Result<Vec<PathBuf>, Stop> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(directory, &error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(directory, &error))?.path();
        if path.extension().is_some_and(|known| known == ending) && is_file(&path) {
            found.push(path);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// A new directory of this user below the one for temporary files.
pub(crate) fn new_temporary(prefix: &str) -> Result<PathBuf, Stop> {
    let made = tempfile::Builder::new().prefix(prefix).tempdir();
    Ok(made.map_err(|error| Stop::Internal(error.into()))?.keep())
}

/// Makes a directory, and those above it; one that is there has to be empty.
pub(crate) fn make_empty(path: &Path) -> Result<(), Stop> {
    let shown = path.display();
    let failed = |error: std::io::Error| {
        Stop::usage(
            format!("cannot make {shown}: {error}"),
            "check the directory and its permissions",
        )
    };
    fs::create_dir_all(path).map_err(failed)?;
    match fs::read_dir(path).map_err(failed)?.next() {
        None => Ok(()),
        Some(_) => Err(Stop::usage(
            format!("{shown} is not empty"),
            "name an empty directory, or one that is not there yet",
        )),
    }
}

/// Writes a file that must not be there yet, and makes the directories above it.
pub(crate) fn write_new(path: &Path, bytes: &[u8], is_program: bool) -> Result<(), Stop> {
    let mode = if is_program { 0o755 } else { 0o644 };
    let write = || -> std::io::Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)?;
        file.write_all(bytes)
    };
    write().map_err(|error| {
        let fix = if error.kind() == ErrorKind::AlreadyExists {
            "remove it first, or choose another place"
        } else {
            "check the directory and its permissions"
        };
        Stop::usage(format!("cannot write {}: {error}", path.display()), fix)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_held_for_a_policy_is_no_policy() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("remit.toml");
        fs::create_dir(&path).unwrap();
        assert!(
            !is_placeholder(&path, "remit.toml"),
            "somebody's own directory"
        );
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o1555);
        fs::set_permissions(&path, mode).unwrap();
        assert!(is_placeholder(&path, "remit.toml"));
    }
}
