//! What happens in a run, on its way into the audit log.
//!
//! Never: a failure that nobody hears of. A run goes on without its audit, because its end must be
//! orderly, and everyone is told: in the program's log at once, by [`Trouble`] at the end, and by
//! an entry as soon as there is room for one again.

use std::sync::{Arc, Mutex, PoisonError};

use remit_core::audit::Entry;
use remit_core::event::Record;
use remit_engine::journal::Watcher;

use super::{AuditError, AuditWriter};

/// Whether everything of a run was written. Asked at its end.
#[derive(Debug, Clone, Default)]
pub struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    /// What the first failure said, if there was one.
    #[must_use]
    pub fn said(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn keep(&self, error: &AuditError) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_none() {
            tracing::error!(%error, "the audit is not complete");
            *said = Some(error.to_string());
        }
    }
}

/// Writes what happens in a run.
#[derive(Debug)]
pub struct AuditWatcher {
    writer: AuditWriter,
    trouble: Trouble,
    lost: u64,
}

impl AuditWatcher {
    /// Writes with this writer.
    #[must_use]
    pub fn new(writer: AuditWriter) -> Self {
        Self {
            writer,
            trouble: Trouble::default(),
            lost: 0,
        }
    }

    /// What to ask at the end.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        self.trouble.clone()
    }

    fn write(&mut self, record: &Record, entry: &Entry) -> Result<(), AuditError> {
        let run = Some(record.run.as_str());
        if self.lost > 0 {
            let entry = Entry::Lost {
                entries: self.lost,
                reason: self.trouble.said().unwrap_or_default(),
            };
            self.writer.append(&record.time, run, &entry)?;
            self.lost = 0;
        }
        self.writer.append(&record.time, run, entry).map(drop)
    }
}

impl Watcher for AuditWatcher {
    fn record(&mut self, record: &Record) {
        let Some(entry) = Entry::of(&record.event) else {
            return;
        };
        if let Err(error) = self.write(record, &entry) {
            self.lost += 1;
            self.trouble.keep(&error);
        }
    }
}
