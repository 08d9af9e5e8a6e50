//! Files and directories that only their owner may read.
//!
//! The ledger's directory is the host's own and named by the host, never by a plugin, so plain
//! paths are right here. Never: a link followed at the last component, a mode left to the umask.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Only the owner reads, writes and enters.
const DIRECTORY_MODE: u32 = 0o700;

/// Only the owner reads and writes.
const FILE_MODE: u32 = 0o600;

/// Makes a directory and what is missing above it. One that is there keeps its mode.
pub(crate) fn private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(path)
}

/// Opens a file for appending that must not have been there.
pub(crate) fn new_private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)
}

/// Sees to it that a file is there before a library opens it with a mode of its own choice.
pub(crate) fn ensure_private_file(path: &Path) -> io::Result<()> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(FILE_MODE)
        .open(path)
        .map(drop)
}

/// Opens a file for reading and writing; makes it if it is missing.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)
}

/// Opens a file for reading.
#[expect(
    clippy::disallowed_methods,
    reason = "the ledger's own directory; the host chose the path"
)]
pub(crate) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// The names in a directory that are UTF-8. A directory that is not there has none.
#[expect(
    clippy::disallowed_methods,
    reason = "the ledger's own directory; the host chose the path"
)]
pub(crate) fn names(path: &Path) -> io::Result<Vec<(String, u64)>> {
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        // A file that goes away meanwhile is no error: it is simply not there any more.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        if let (true, Ok(name)) = (metadata.is_file(), entry.file_name().into_string()) {
            names.push((name, metadata.len()));
        }
    }
    Ok(names)
}

/// Removes a file.
#[expect(
    clippy::disallowed_methods,
    reason = "the ledger's own directory; the host chose the path"
)]
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

/// Gives a file another name in the same directory.
#[expect(
    clippy::disallowed_methods,
    reason = "the ledger's own directory; the host chose the path"
)]
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}
