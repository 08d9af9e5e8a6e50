//! Takes changes back, the last first.
//!
//! Two callers: the transaction itself, which knows that all of it is its own, and a later attempt,
//! which finds the journal of one that was ended. In between somebody may have worked in the
//! workspace: the later attempt takes back only what is still as it was left, and names the rest.
//!
//! Never: something overwritten or removed that is not the transaction's.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::journal::{Change, Journal, Print};
use super::recover::Undone;
use crate::files::{self, Kind};

/// Something that was not taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Relative to the workspace.
    pub path: String,
    /// Why, and where the original is, if there is one.
    pub why: String,
}

/// A change that was not taken back.
struct Failed {
    left: Left,
    /// Whether the undo directory holds the only copy of something.
    holds_original: bool,
}

/// How changes are taken back.
pub(super) struct Undo<'a> {
    pub(super) base: &'a Path,
    pub(super) directory: &'a Path,
    /// Whether somebody may have worked in the workspace since.
    pub(super) later: bool,
}

impl Undo<'_> {
    /// Takes all of it back. Goes on after what cannot be taken back.
    pub(super) fn all(&self, changes: &[Change], journal: &mut Journal) -> Undone {
        let done: BTreeSet<usize> = changes.iter().filter_map(taken_back).collect();
        let mut undone = Undone::default();
        for (line, change) in changes.iter().enumerate().rev() {
            if done.contains(&line) {
                continue;
            }
            match self.one(change) {
                Ok(true) => undone.changes += 1,
                Ok(false) => continue,
                Err(failed) => {
                    undone.holds_original |= failed.holds_original;
                    undone.left.push(failed.left);
                    continue;
                }
            }
            // Without this line a second crash could only repeat what is repeatable.
            drop(journal.note(&Change::TakenBack { line }));
        }
        undone
    }

    /// Takes one change back; false if it was never carried out.
    fn one(&self, change: &Change) -> Result<bool, Failed> {
        match change {
            Change::MadeDirectory { path } => self.remove_directory(path),
            Change::Created { path, print } => self.remove_file(path, *print),
            Change::Replaced { path, number } => self.write_back(path, *number),
            Change::Removed { path, number } => self.put_back(path, *number),
            Change::Moved { from, to } => self.move_back(from, to),
            Change::Committed | Change::TakenBack { .. } => Ok(false),
        }
    }

    fn remove_directory(&self, path: &str) -> Result<bool, Failed> {
        match fs::remove_dir(self.base.join(path)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Err(left(
                path,
                "the directory stays, because it holds what this work did not make",
            )),
            Err(error) => Err(left(path, format!("cannot be removed: {error}"))),
        }
    }

    fn remove_file(&self, path: &str, print: Print) -> Result<bool, Failed> {
        let place = self.base.join(path);
        match self.kind(path)? {
            None => return Ok(false),
            Some(Kind::File) => {}
            Some(Kind::Directory | Kind::Link | Kind::Other) => {
                return Err(left(path, "something else has its place now"));
            }
        }
        if self.later {
            let now = fs::read(&place).map_err(|error| left(path, error.to_string()))?;
            if Print::of(&now) != print {
                return Err(left(path, "it was edited since, and stays"));
            }
        }
        fs::remove_file(&place).map_err(|error| left(path, error.to_string()))?;
        Ok(true)
    }

    fn write_back(&self, path: &str, number: usize) -> Result<bool, Failed> {
        let place = self.base.join(path);
        let (old, new) = (self.kept(number, "old"), self.kept(number, "new"));
        let unreadable = |error: io::Error| left(path, format!("the original is lost: {error}"));
        let original = fs::read(&old).map_err(unreadable)?;
        let now = match self.kind(path)? {
            Some(Kind::File) => {
                Some(fs::read(&place).map_err(|error| left(path, error.to_string()))?)
            }
            None => None,
            Some(Kind::Directory | Kind::Link | Kind::Other) => {
                return self.beside(path, &old, "something else has its place now");
            }
        };
        if now.as_ref() == Some(&original) {
            return Ok(false);
        }
        if self.later {
            let written = fs::read(&new).unwrap_or_default();
            // What was ended while it wrote has left the beginning.
            if !now.as_ref().is_some_and(|now| written.starts_with(now)) {
                return self.beside(path, &old, "it was edited since, and stays");
            }
        }
        write_in_place(&place, &original)
            .map_err(|error| holding(path, format!("cannot be written back: {error}")))?;
        Ok(true)
    }

    fn put_back(&self, path: &str, number: usize) -> Result<bool, Failed> {
        let old = self.kept(number, "old");
        if matches!(files::kind(&old), Ok(None)) {
            return Ok(false);
        }
        if self.kind(path)?.is_some() {
            return self.beside(path, &old, "something else has its place now");
        }
        self.rename(&old, path)
    }

    fn move_back(&self, from: &str, to: &str) -> Result<bool, Failed> {
        if self.kind(to)?.is_none() {
            return Ok(false);
        }
        if self.kind(from)?.is_some() {
            let why = format!("it was `{from}`, which has come into being anew");
            return Err(left(to, why));
        }
        self.rename(&self.base.join(to), from)
    }

    /// Moves to a place below the workspace whose directory may be gone.
    fn rename(&self, from: &Path, path: &str) -> Result<bool, Failed> {
        let place = self.base.join(path);
        let failed = |error: io::Error| holding(path, format!("cannot be put back: {error}"));
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        fs::rename(from, &place).map_err(failed)?;
        Ok(true)
    }

    /// Leaves the original beside what has its place now.
    fn beside(&self, path: &str, old: &Path, why: &str) -> Result<bool, Failed> {
        /// Most names that are tried: more than anybody leaves lying around.
        const TRIES: usize = 100;
        for number in 0..TRIES {
            let name = match number {
                0 => format!("{path}.remit-original"),
                number => format!("{path}.remit-original-{number}"),
            };
            if self.kind(&name)?.is_none() {
                self.rename(old, &name)?;
                return Err(left(path, format!("{why}; the original is `{name}`")));
            }
        }
        let why = format!("{why}; the original is `{}`", old.display());
        Err(holding(path, why))
    }

    fn kind(&self, path: &str) -> Result<Option<Kind>, Failed> {
        files::kind(&self.base.join(path)).map_err(|error| left(path, error.to_string()))
    }

    fn kept(&self, number: usize, which: &str) -> std::path::PathBuf {
        self.directory.join(format!("{number}.{which}"))
    }
}

fn taken_back(change: &Change) -> Option<usize> {
    match change {
        Change::TakenBack { line } => Some(*line),
        Change::MadeDirectory { .. }
        | Change::Created { .. }
        | Change::Replaced { .. }
        | Change::Removed { .. }
        | Change::Moved { .. }
        | Change::Committed => None,
    }
}

fn left(path: &str, why: impl Into<String>) -> Failed {
    Failed {
        left: Left {
            path: path.to_owned(),
            why: why.into(),
        },
        holds_original: false,
    }
}

fn holding(path: &str, why: impl Into<String>) -> Failed {
    Failed {
        holds_original: true,
        ..left(path, why)
    }
}

/// Writes a file anew without making another one: mode, owner and hard links stay.
pub(super) fn write_in_place(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let mut file: File = options.open(path)?;
    file.write_all(content)
}
