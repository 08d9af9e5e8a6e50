//! Keeps what happened in a run, and asks it to end where the scenario says so.
//!
//! Never: the output of tools without limit; what is left out is counted in the tool's usage.

use std::sync::{Arc, Mutex, PoisonError};

use remit_core::event::{Event, Payload, Record};
use remit_core::outcome::CancelReason;
use remit_core::scenario::CancelAt;
use remit_engine::cancel::Cancel;
use remit_engine::journal::Watcher;

/// Bytes of output that are kept as events: more than any expectation looks at.
const MAX_KEPT: usize = 16 << 20;

/// Watches one run.
#[derive(Clone)]
pub struct Collector {
    kept: Arc<Mutex<Kept>>,
    cancel: Cancel,
    at: Option<CancelAt>,
}

#[derive(Default)]
struct Kept {
    events: Vec<Event>,
    bytes: usize,
    counted: u64,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

impl Collector {
    /// Watches a run, and asks it to end after these events.
    #[must_use]
    pub fn new(cancel: Cancel, at: Option<CancelAt>) -> Self {
        Self {
            kept: Arc::default(),
            cancel,
            at,
        }
    }

    /// What happened so far.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.events.clone()
    }
}

impl Watcher for Collector {
    fn record(&mut self, record: &Record) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = &self.at {
            let counts = at
                .event
                .as_deref()
                .is_none_or(|word| word == record.event.word());
            kept.counted += u64::from(counts);
            if counts && kept.counted == at.after {
                self.cancel.cancel(CancelReason::Requested);
            }
        }
        if let Event::ToolOutput { payload, .. } = &record.event {
            kept.bytes += match payload {
                Payload::Text(text) | Payload::Base64(text) => text.len(),
            };
            if kept.bytes > MAX_KEPT {
                return;
            }
        }
        kept.events.push(record.event.clone());
    }
}
