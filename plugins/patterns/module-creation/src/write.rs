//! Adds the files of a plan that are missing.
//!
//! A file appears whole or not at all: it is written beside its place and moved there. Never: a
//! file replaced without `force`, or replaced by the same content.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::plan::PlannedFile;

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was not there.
    Created,
    /// It was there and different, and `force` was given.
    Replaced,
    /// It was there.
    Kept,
}

/// A file that could not be written, or looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("cannot {action} {path}: {source}", path = .path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{path} is in the way: it is not a file", path = .path.display())]
    NotAFile { path: PathBuf },
}

/// Brings one file below `root` into being.
///
/// # Errors
/// Something that is no file has its place, or the file system refused a step.
pub(crate) fn write(root: &Path, file: &PlannedFile, force: bool) -> Result<Fate, WriteError> {
    let path = root.join(&file.path);
    let fate = match fs::symlink_metadata(&path) {
        Ok(found) if found.is_dir() => return Err(WriteError::NotAFile { path }),
        Ok(_) if !force => return Ok(Fate::Kept),
        Ok(found) => {
            // A link is never read through; with `force` it makes room for the file.
            if found.is_file() && fs::read(&path).is_ok_and(|old| old == file.content.as_bytes()) {
                return Ok(Fate::Kept);
            }
            Fate::Replaced
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Fate::Created,
        Err(source) => {
            return Err(WriteError::Io {
                action: "look at",
                path,
                source,
            });
        }
    };
    place(&path, file.content.as_bytes())?;
    Ok(fate)
}

/// Writes beside the place and moves.
fn place(path: &Path, content: &[u8]) -> Result<(), WriteError> {
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| WriteError::Io {
            action,
            path,
            source,
        }
    };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed("create", parent))?;
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".remit-part");
    let part = path.with_file_name(name);
    create_new(&part, content).map_err(failed("write", &part))?;
    fs::rename(&part, path).map_err(|source| {
        // The reason why it could not be moved matters more than whether this works.
        drop(fs::remove_file(&part));
        failed("move into place", path)(source)
    })
}

/// Writes a file that nobody else has: what an interrupted run left, or a link that someone put
/// there, goes first and is never written through.
fn create_new(path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) | Ok(()) => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    options.open(path)?.write_all(content)
}
