//! Where it is known which transactions have not ended, outside of the workspace.
//!
//! A journal in a workspace could come with a repository of a stranger, and would then make a
//! plugin delete and move files. So only those count that the plugin itself has registered, in a
//! place that only it can write.
//!
//! Never: an entry taken from the workspace.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// Whose transaction it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Unique for the attempt; letters, digits and `-` only.
    pub id: String,
    /// The same for every attempt at a task.
    pub task: String,
    /// Unix time in milliseconds at which the host ends the attempt at the latest.
    pub ends_at_ms: u64,
}

/// A transaction that has begun and not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Names it among all of the plugin in this workspace: also the end of its undo directory's name.
    pub id: String,
    /// Whose it is. A later attempt at the same task undoes it at once.
    pub task: String,
    /// Unix time in milliseconds after which the attempt has certainly ended.
    pub ends_at_ms: u64,
    /// The directory that holds the undo directory, relative to the workspace.
    pub home: String,
    /// Directories that were made for the undo directory, outermost first.
    pub made: Vec<String>,
}

/// Keeps entries from one attempt to the next.
pub trait Register {
    /// Every entry.
    ///
    /// # Errors
    /// The store does not answer.
    fn entries(&self) -> Result<Vec<Entry>, String>;
    /// Adds an entry, or replaces the one with its id. Durable when it returns.
    ///
    /// # Errors
    /// The store does not take it.
    fn put(&self, entry: &Entry) -> Result<(), String>;
    /// Removes an entry; one that is not there is no error.
    ///
    /// # Errors
    /// The store does not answer.
    fn remove(&self, id: &str) -> Result<(), String>;
}

/// A register in memory, for tests.
#[derive(Debug, Default)]
pub struct MemoryRegister {
    entries: Mutex<BTreeMap<String, Entry>>,
}

impl MemoryRegister {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Register for MemoryRegister {
    fn entries(&self) -> Result<Vec<Entry>, String> {
        Ok(self.all().values().cloned().collect())
    }

    fn put(&self, entry: &Entry) -> Result<(), String> {
        self.all().insert(entry.id.clone(), entry.clone());
        Ok(())
    }

    fn remove(&self, id: &str) -> Result<(), String> {
        self.all().remove(id);
        Ok(())
    }
}
