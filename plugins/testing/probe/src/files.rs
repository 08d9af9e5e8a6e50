//! Files, through `std::fs`.
//!
//! Relative paths are taken from the workspace, absolute ones are handed to the system as they
//! are. Neither is cleaned up, so `../..` arrives at the host. Never: a default path.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use remit_plugin_sdk::workspace;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::trouble::Trouble;

/// A deed with files.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub(crate) enum FileDeed {
    /// The text of a file.
    Read { path: String },
    /// Creates or replaces a file.
    Write { path: String, text: String },
    /// Adds to the end of a file, which is created if it is not there.
    Append { path: String, text: String },
    /// Writes over the beginning of a file that must be there.
    Update { path: String, text: String },
    /// The names in a directory, sorted.
    Ls { path: String },
    /// Type and size, without following a link.
    Stat { path: String },
    /// Creates a directory and its parents.
    Mkdir { path: String },
    /// Removes a file.
    Remove { path: String },
    /// Removes an empty directory.
    Rmdir { path: String },
    /// Creates a symbolic link at `path` that points to `target`, which is taken as it is.
    Symlink { target: String, path: String },
    /// Where a symbolic link points.
    Readlink { path: String },
    /// Creates a second name `path` for the file `from`.
    Hardlink { from: String, path: String },
    /// Moves.
    Rename { from: String, path: String },
    /// Sets the length of a file.
    Truncate { path: String, size: u64 },
    /// Opens the same file again and again and keeps all handles; how many were opened.
    OpenMany { path: String, count: usize },
    /// Creates `count` files `path/0`, `path/1`, ….
    WriteMany { path: String, count: usize },
}

fn resolve(path: &str) -> Result<PathBuf, Trouble> {
    if path.starts_with('/') {
        return Ok(PathBuf::from(path));
    }
    // Without a workspace the system itself shall say that there is nothing.
    let root = workspace::root().unwrap_or_else(|_| PathBuf::from("/workspace"));
    Ok(root.join(path))
}

impl FileDeed {
    /// Does it.
    pub(crate) fn perform(self) -> Result<Value, Trouble> {
        match self {
            Self::Read { path } => {
                let bytes = fs::read(resolve(&path)?)?;
                Ok(json!(String::from_utf8_lossy(&bytes)))
            }
            Self::Write { path, text } => done(fs::write(resolve(&path)?, text)),
            Self::Append { path, text } => {
                let mut file = OpenOptions::new()
                    .append(true)
                    .create(true)
                    .open(resolve(&path)?)?;
                done(file.write_all(text.as_bytes()))
            }
            Self::Update { path, text } => {
                let mut file = OpenOptions::new()
                    .read(true)
                    .write(true)
                    .open(resolve(&path)?)?;
                done(file.write_all(text.as_bytes()))
            }
            Self::Ls { path } => list(&path),
            Self::Stat { path } => {
                let found = fs::symlink_metadata(resolve(&path)?)?;
                let kind = if found.is_symlink() {
                    "link"
                } else if found.is_dir() {
                    "directory"
                } else {
                    "file"
                };
                Ok(json!({ "type": kind, "size": found.len() }))
            }
            Self::Mkdir { path } => done(fs::create_dir_all(resolve(&path)?)),
            Self::Remove { path } => done(fs::remove_file(resolve(&path)?)),
            Self::Rmdir { path } => done(fs::remove_dir(resolve(&path)?)),
            #[expect(
                deprecated,
                reason = "the only way to a symbolic link that std has on WASI"
            )]
            Self::Symlink { target, path } => done(fs::soft_link(target, resolve(&path)?)),
            Self::Readlink { path } => Ok(json!(fs::read_link(resolve(&path)?)?)),
            Self::Hardlink { from, path } => done(fs::hard_link(resolve(&from)?, resolve(&path)?)),
            Self::Rename { from, path } => done(fs::rename(resolve(&from)?, resolve(&path)?)),
            Self::Truncate { path, size } => {
                let file = OpenOptions::new().write(true).open(resolve(&path)?)?;
                done(file.set_len(size))
            }
            Self::OpenMany { path, count } => {
                let path = resolve(&path)?;
                let mut open = Vec::new();
                for _ in 0..count {
                    open.push(File::open(&path)?);
                }
                Ok(json!(open.len()))
            }
            Self::WriteMany { path, count } => {
                let path = resolve(&path)?;
                fs::create_dir_all(&path)?;
                for number in 0..count {
                    fs::write(path.join(number.to_string()), "x")?;
                }
                Ok(json!(count))
            }
        }
    }
}

fn done(result: std::io::Result<()>) -> Result<Value, Trouble> {
    Ok(json!(result?))
}

fn list(path: &str) -> Result<Value, Trouble> {
    let mut names = Vec::new();
    for entry in fs::read_dir(resolve(path)?)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(json!(names))
}
