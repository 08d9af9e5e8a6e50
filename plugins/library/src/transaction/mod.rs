//! All changes of a pattern, kept whole or undone whole.
//!
//! A [`Transaction`] writes down each change before it makes it, and keeps what the change would
//! destroy:
//!
//! - what is deleted or moved is renamed, never copied: mode, times, links and whole trees stay
//!   what they were;
//! - what is written anew is copied first and then written in place, because WASI can neither read
//!   nor set a mode: a script that can be run can still be run afterwards;
//! - what is new appears whole, by a rename.
//!
//! Originals and journal lie in one directory `.remit-undo-…` of the workspace (scratch is on
//! another file system, where a rename cannot go), which git does not see. [`Transaction::commit`]
//! removes it. [`Transaction::rollback`], or the end of the value without a commit, takes
//! everything back. If the plugin is ended in between, [`recover`] does so in the next attempt: at
//! once if it is the same task, and otherwise when the time of the ended attempt has passed. Which
//! transactions there are is known to the [`Register`], which nobody but the plugin writes.
//!
//! Never: a change that is not written down; a journal believed that is not registered.

mod error;
mod fate;
mod journal;
mod lease;
mod recover;
mod register;
mod undo;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

pub use error::TransactionError;
pub use fate::{Existing, Fate};
pub use recover::{Undone, recover};
pub use register::{Entry, MemoryRegister, Owner, Register};
pub use undo::Left;

use crate::files::{self, Kind};
use crate::path::SafePath;
use crate::report::timestamp;
use error::{failed, limit, read};
use journal::{Change, Journal, Print};
use lease::Lease;
use recover::{finish, place, remove};
use undo::{Undo, write_in_place};

/// How the undo directory's name begins.
pub const UNDO_PREFIX: &str = ".remit-undo-";
/// Most changes: as many as an outcome may name artifacts.
pub const MAX_CHANGES: usize = 10_000;
/// Most bytes of one file that is written, or kept to be written back: they are held in memory.
pub const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;
/// Most bytes of all copies that a transaction keeps on the disk.
const MAX_KEPT_BYTES: u64 = 256 * 1024 * 1024;

/// Changes that can still be undone.
pub struct Transaction<'a> {
    base: PathBuf,
    home: SafePath,
    owner: Owner,
    register: &'a dyn Register,
    busy: BTreeMap<SafePath, (String, u64)>,
    changes: Vec<Change>,
    undo: Option<(PathBuf, Journal)>,
    made: Vec<String>,
    lease: Option<Lease<'a>>,
    numbers: usize,
    kept_bytes: u64,
}

impl<'a> Transaction<'a> {
    /// Begins a transaction. Nothing is written before the first change.
    ///
    /// `base` is the workspace, `home` a directory in it that may be written, in which the undo
    /// directory will be; it is made if it is not there. Call [`recover`] before.
    ///
    /// # Errors
    /// The register does not answer.
    pub fn begin(
        base: &Path,
        home: &SafePath,
        owner: Owner,
        register: &'a dyn Register,
    ) -> Result<Self, TransactionError> {
        let mut busy = BTreeMap::new();
        for entry in register.entries().map_err(TransactionError::Register)? {
            let changes = journal::read(&place(base, &entry)).unwrap_or_default();
            let paths = changes.iter().flatten().flat_map(Change::paths);
            busy.extend(
                paths
                    .filter_map(|path| SafePath::parse(path).ok())
                    .map(|path| (path, (entry.task.clone(), entry.ends_at_ms))),
            );
        }
        Ok(Self {
            base: base.to_owned(),
            home: home.clone(),
            owner,
            register,
            busy,
            changes: Vec::new(),
            undo: None,
            made: Vec::new(),
            lease: None,
            numbers: 0,
            kept_bytes: 0,
        })
    }

    /// Brings a file into being, with its directories.
    ///
    /// # Errors
    /// Something that is no file has its place, another run works on it, a limit would be passed,
    /// or the file system refused a step.
    pub fn write(
        &mut self,
        path: &str,
        content: &[u8],
        existing: Existing,
    ) -> Result<Fate, TransactionError> {
        let path = self.file(path)?;
        if u64::try_from(content.len()).unwrap_or(u64::MAX) > MAX_FILE_BYTES {
            return Err(limit(MAX_FILE_BYTES, "bytes in one file"));
        }
        let place = self.base.join(path.as_str());
        match (self.kind(&path)?, existing) {
            (None, _) => {
                self.create(&path, content)?;
                Ok(Fate::Created)
            }
            (Some(Kind::Directory | Kind::Other), _) => Err(TransactionError::InTheWay {
                path: path.to_string(),
                wanted: "file",
            }),
            (Some(Kind::File | Kind::Link), Existing::Keep) => Ok(Fate::Kept),
            // A link is never written through; it makes room for the file.
            (Some(Kind::Link), Existing::Replace) => {
                self.set_aside(&path)?;
                self.create(&path, content)?;
                Ok(Fate::Replaced)
            }
            (Some(Kind::File), Existing::Replace) => {
                let old = read(&place)?;
                if old == content {
                    return Ok(Fate::Kept);
                }
                self.replace(&path, &old, content)?;
                Ok(Fate::Replaced)
            }
        }
    }

    /// Deletes a file, a link or a directory with all that is in it.
    ///
    /// # Errors
    /// It is not there, another run works on it, or the file system refused a step.
    pub fn delete(&mut self, path: &str) -> Result<(), TransactionError> {
        let path = self.file(path)?;
        self.movable(&path)?;
        self.set_aside(&path)
    }

    /// Gives a file, a link or a directory another name, whose directories are made.
    ///
    /// # Errors
    /// It is not there, the new name is taken, another run works on either, or the file system
    /// refused a step.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), TransactionError> {
        let (from, to) = (self.file(from)?, self.file(to)?);
        self.movable(&from)?;
        if self.kind(&to)?.is_some() {
            return Err(TransactionError::Exists {
                path: to.to_string(),
            });
        }
        if to.is_below(&from) {
            return Err(TransactionError::InTheWay {
                path: from.to_string(),
                wanted: "directory outside of itself",
            });
        }
        self.make_parents(&to)?;
        self.note(Change::Moved {
            from: from.to_string(),
            to: to.to_string(),
        })?;
        fs::rename(self.base.join(from.as_str()), self.base.join(to.as_str()))
            .map_err(failed("move", &self.base.join(from.as_str())))
    }

    /// Makes a directory and those that it is in.
    ///
    /// # Errors
    /// Something else has its name, or the file system refused a step.
    pub fn make_directory(&mut self, path: &str) -> Result<(), TransactionError> {
        let path = self.file(path)?;
        for prefix in path.prefixes() {
            if self.kind(&prefix)?.is_none() {
                // The undo directory may need the same directory, and then it is the one's work.
                self.directory()?;
            }
            match self.kind(&prefix)? {
                Some(Kind::Directory) => {}
                // A link to a directory will do; what it leads to, the host decides.
                Some(Kind::Link) if self.base.join(prefix.as_str()).is_dir() => {}
                Some(Kind::File | Kind::Link | Kind::Other) => {
                    return Err(TransactionError::InTheWay {
                        path: prefix.to_string(),
                        wanted: "directory",
                    });
                }
                None => {
                    self.note(Change::MadeDirectory {
                        path: prefix.to_string(),
                    })?;
                    let place = self.base.join(prefix.as_str());
                    fs::create_dir(&place).map_err(failed("make", &place))?;
                }
            }
        }
        Ok(())
    }

    /// Writes a file for a tool of this attempt, which goes with the undo directory: at the end
    /// nothing is left of it, however the end is. Returns its path, relative to the workspace.
    ///
    /// # Errors
    /// The name is no plain name, or is taken, or the file system refused it.
    pub fn aside(&mut self, name: &str, content: &[u8]) -> Result<String, TransactionError> {
        let plain = SafePath::file(name).is_ok_and(|path| path.as_str() == path.name());
        if !plain || name == journal::JOURNAL {
            return Err(TransactionError::Path {
                path: name.to_owned(),
                rule: crate::path::PathError::NoFile,
            });
        }
        let path = self.directory()?.join(name);
        fs::write(&path, content).map_err(failed("write", &path))?;
        Ok(self
            .home
            .join(&format!("{UNDO_PREFIX}{}/{name}", self.owner.id)))
    }

    /// How many changes were made.
    pub fn changes(&self) -> usize {
        self.changes.len()
    }

    /// Keeps everything. What was set aside is gone afterwards.
    ///
    /// # Errors
    /// The end could not be written down; everything was taken back then.
    pub fn commit(mut self) -> Result<(), TransactionError> {
        if self.undo.is_none() {
            return Ok(());
        }
        self.still_ours()?;
        self.note(Change::Committed)?;
        self.changes.clear();
        if let Some((directory, journal)) = self.undo.take() {
            drop(journal);
            // What is left of it is removed in the next run: the journal says that it counts.
            if remove(&directory).is_ok() {
                drop(self.register.remove(&self.owner.id));
            }
        }
        Ok(())
    }

    /// Takes everything back.
    pub fn rollback(mut self) -> Undone {
        self.take_back()
    }

    fn take_back(&mut self) -> Undone {
        let Some((directory, mut journal)) = self.undo.take() else {
            return Undone::default();
        };
        if matches!(self.still_ours(), Err(TransactionError::TakenBack)) {
            // What is there now is somebody else's.
            return Undone::default();
        }
        let undo = Undo {
            base: &self.base,
            directory: &directory,
            later: false,
        };
        let mut undone = undo.all(&std::mem::take(&mut self.changes), &mut journal);
        drop(journal);
        finish(&self.base, &directory, &self.made, &mut undone);
        // An entry without a directory is dropped by the next attempt.
        drop(self.register.remove(&self.owner.id));
        undone
    }

    fn create(&mut self, path: &SafePath, content: &[u8]) -> Result<(), TransactionError> {
        self.make_parents(path)?;
        let number = self.number();
        let staged = self.keep(number, "new", content)?;
        self.note(Change::Created {
            path: path.to_string(),
            print: Print::of(content),
        })?;
        let place = self.base.join(path.as_str());
        fs::rename(&staged, &place).map_err(failed("move into place", &place))
    }

    fn replace(&mut self, path: &SafePath, old: &[u8], new: &[u8]) -> Result<(), TransactionError> {
        let number = self.number();
        self.keep(number, "old", old)?;
        self.keep(number, "new", new)?;
        self.note(Change::Replaced {
            path: path.to_string(),
            number,
        })?;
        let place = self.base.join(path.as_str());
        write_in_place(&place, new).map_err(failed("write", &place))
    }

    fn set_aside(&mut self, path: &SafePath) -> Result<(), TransactionError> {
        let number = self.number();
        let old = self.directory()?.join(format!("{number}.old"));
        self.note(Change::Removed {
            path: path.to_string(),
            number,
        })?;
        let place = self.base.join(path.as_str());
        fs::rename(&place, &old).map_err(failed("set aside", &place))
    }

    /// Whether something is there, and is not what holds the undo directory.
    fn movable(&self, path: &SafePath) -> Result<(), TransactionError> {
        if self.home.is_below(path) {
            return Err(TransactionError::InTheWay {
                path: path.to_string(),
                wanted: "directory that the plugin may move away: its own originals are in it",
            });
        }
        match self.kind(path)? {
            Some(_) => Ok(()),
            None => Err(TransactionError::Missing {
                path: path.to_string(),
            }),
        }
    }

    fn make_parents(&mut self, path: &SafePath) -> Result<(), TransactionError> {
        match path.parent() {
            Some(parent) if !parent.is_here() => self.make_directory(parent.as_str()),
            Some(_) | None => Ok(()),
        }
    }

    /// A path that may be changed.
    fn file(&self, path: &str) -> Result<SafePath, TransactionError> {
        let safe = SafePath::file(path).map_err(|rule| TransactionError::Path {
            path: path.to_owned(),
            rule,
        })?;
        if safe
            .as_str()
            .split('/')
            .any(|part| part.starts_with(UNDO_PREFIX))
        {
            return Err(TransactionError::InTheWay {
                path: safe.to_string(),
                wanted: "name that patterns may use",
            });
        }
        let busy = self
            .busy
            .iter()
            .find(|(path, _)| path.is_below(&safe) || safe.is_below(path));
        match busy {
            Some((_, (owner, ends_at_ms))) => Err(TransactionError::Busy {
                path: safe.to_string(),
                owner: owner.clone(),
                until: timestamp(*ends_at_ms),
            }),
            None => Ok(safe),
        }
    }

    fn kind(&self, path: &SafePath) -> Result<Option<Kind>, TransactionError> {
        let place = self.base.join(path.as_str());
        files::kind(&place)
            .map_err(|error| failed("look at", &place)(io::Error::other(error.to_string())))
    }

    fn number(&mut self) -> usize {
        self.numbers += 1;
        self.numbers
    }

    fn note(&mut self, change: Change) -> Result<(), TransactionError> {
        if self.changes.len() >= MAX_CHANGES && change != Change::Committed {
            return Err(limit(MAX_CHANGES as u64, "changes"));
        }
        self.directory()?;
        self.renew()?;
        if let Some((directory, journal)) = &mut self.undo {
            journal
                .note(&change)
                .map_err(failed("write the journal in", directory))?;
        }
        self.changes.push(change);
        Ok(())
    }

    /// Puts a content into the undo directory.
    fn keep(
        &mut self,
        number: usize,
        which: &str,
        content: &[u8],
    ) -> Result<PathBuf, TransactionError> {
        self.kept_bytes += u64::try_from(content.len()).unwrap_or(u64::MAX);
        if self.kept_bytes > MAX_KEPT_BYTES {
            return Err(limit(MAX_KEPT_BYTES, "bytes to write"));
        }
        let path = self.directory()?.join(format!("{number}.{which}"));
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        let write = || {
            let mut file = options.open(&path)?;
            file.write_all(content)?;
            // The only copy of what will be written over.
            if which == "old" {
                file.sync_data()
            } else {
                Ok(())
            }
        };
        write().map_err(failed("write", &path))?;
        Ok(path)
    }

    fn entry(&self) -> Entry {
        Entry {
            id: self.owner.id.clone(),
            task: self.owner.task.clone(),
            ends_at_ms: self.ends_at_ms(),
            home: self.home.to_string(),
            made: self.made.clone(),
        }
    }

    /// The undo directory, made and registered if it is not there yet.
    fn directory(&mut self) -> Result<PathBuf, TransactionError> {
        if let Some((directory, _)) = &self.undo {
            return Ok(directory.clone());
        }
        for prefix in self.home.prefixes() {
            if self.kind(&prefix)?.is_none() {
                self.made.push(prefix.to_string());
            }
        }
        let entry = self.entry();
        self.register
            .put(&entry)
            .map_err(TransactionError::Register)?;
        let directory = place(&self.base, &entry);
        match Journal::begin(&self.base.join(self.home.as_str()), &directory) {
            Ok(journal) => self.undo = Some((directory.clone(), journal)),
            Err(error) => {
                let mut nothing = Undone::default();
                finish(&self.base, &directory, &self.made, &mut nothing);
                drop(self.register.remove(&self.owner.id));
                self.made.clear();
                return Err(failed("make", &directory)(error));
            }
        }
        Ok(directory)
    }
}

impl Drop for Transaction<'_> {
    /// What was not committed is taken back. Call [`Transaction::rollback`] to learn what was left.
    fn drop(&mut self) {
        self.take_back();
    }
}
