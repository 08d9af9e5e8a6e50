//! What a later attempt does about transactions that were ended, and what every end has to tidy.
//!
//! Never: an undo directory removed while it holds the only copy of something.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::UNDO_PREFIX;
use super::error::{TransactionError, failed};
use super::journal::{self, Change, Journal};
use super::register::{Entry, Register};
use super::undo::{Left, Undo};

/// What an undoing did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Undone {
    /// How many changes were taken back.
    pub changes: usize,
    /// What was not.
    pub left: Vec<Left>,
    /// Whether an undo directory stays, because it holds the only copy of something.
    pub holds_original: bool,
}

/// Takes back what attempts that were ended have left: those of the same task, and all whose time
/// has passed. Call it first in every attempt.
///
/// # Errors
/// The register does not answer, or a journal cannot be read.
pub fn recover(
    base: &Path,
    task: &str,
    now_ms: u64,
    register: &dyn Register,
) -> Result<Undone, TransactionError> {
    let mut all = Undone::default();
    for entry in register.entries().map_err(TransactionError::Register)? {
        if entry.task != task && entry.ends_at_ms > now_ms {
            continue;
        }
        let directory = place(base, &entry);
        let changes = journal::read(&directory).map_err(failed("read", &directory))?;
        let Some(changes) = changes.filter(|all| !all.contains(&Change::Committed)) else {
            // Nothing was begun, or its outcome was reported and only originals are in the way.
            let mut nothing = Undone::default();
            finish(base, &directory, &entry.made, &mut nothing);
            register
                .remove(&entry.id)
                .map_err(TransactionError::Register)?;
            continue;
        };
        let undo = Undo {
            base,
            directory: &directory,
            later: true,
        };
        let mut journal = Journal::go_on(&directory).map_err(failed("write in", &directory))?;
        let mut undone = undo.all(&changes, &mut journal);
        drop(journal);
        finish(base, &directory, &entry.made, &mut undone);
        all.changes += undone.changes;
        all.left.append(&mut undone.left);
        all.holds_original |= undone.holds_original;
        register
            .remove(&entry.id)
            .map_err(TransactionError::Register)?;
    }
    Ok(all)
}

/// Removes the undo directory, and the directories that were made for it.
pub(super) fn finish(base: &Path, directory: &Path, made: &[String], undone: &mut Undone) {
    let name = directory.strip_prefix(base).unwrap_or(directory);
    let mut leave = |why: String| {
        undone.left.push(Left {
            path: name.display().to_string(),
            why,
        });
    };
    if undone.holds_original {
        leave("the originals that could not be put back are here".to_owned());
        return;
    }
    if let Err(error) = remove(directory) {
        leave(format!("cannot be removed: {error}"));
        return;
    }
    for path in made.iter().rev() {
        // Not empty: it holds what others made.
        drop(fs::remove_dir(base.join(path)));
    }
}

/// Removes an undo directory, the journal last: as long as it is there it says what the rest is.
pub(super) fn remove(directory: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name() == journal::JOURNAL {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    match fs::remove_file(directory.join(journal::JOURNAL)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    fs::remove_dir(directory)
}

/// The undo directory of an entry.
pub(super) fn place(base: &Path, entry: &Entry) -> PathBuf {
    base.join(&entry.home)
        .join(format!("{UNDO_PREFIX}{}", entry.id))
}
