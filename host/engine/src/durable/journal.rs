//! The way of an attempt's events: all of them to the audit, and to the ledger what it does not know
//! yet.
//!
//! Never: an event in the ledger that says again what another entry there says.

use std::sync::Arc;

use async_trait::async_trait;
use remit_core::event::Event;
use remit_core::outcome::CancelReason;
use serde_json::{Map, Value};

use super::attempts::AttemptRecord;
use crate::cancel::Cancel;
use crate::journal::{Journal, Sink};

/// Sees every event of an attempt, whoever else does.
#[async_trait]
pub trait EventAudit: Send + Sync {
    /// One more thing that happened. Waits while too much waits to be written.
    async fn event(&self, event: &Event);
}

/// Takes the events of one attempt at a durable task.
pub struct AttemptJournal {
    record: Arc<dyn AttemptRecord>,
    audit: Arc<dyn EventAudit>,
    cancel: Cancel,
    inputs: Map<String, Value>,
}

impl std::fmt::Debug for AttemptJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttemptJournal").finish_non_exhaustive()
    }
}

impl AttemptJournal {
    /// The journal of one attempt. `inputs` are those of the plan, which the ledger has; `cancel`
    /// ends the attempt when its record takes no more.
    #[must_use]
    pub fn start(
        record: Arc<dyn AttemptRecord>,
        audit: Arc<dyn EventAudit>,
        cancel: Cancel,
        inputs: Map<String, Value>,
    ) -> Journal {
        Journal::direct(Arc::new(Self {
            record,
            audit,
            cancel,
            inputs,
        }))
    }

    /// Whether the ledger says this by an entry of its own, or it says nothing.
    fn is_told(&self, event: &Event) -> bool {
        match event {
            // `TASK_STARTED`, `ATTEMPT_ENDED` and `CHECKPOINT_CREATED`.
            Event::RunStarted { .. }
            | Event::RunFinished { .. }
            | Event::CheckpointSaved { .. } => true,
            Event::InputsAccepted { inputs } => inputs.as_object() == Some(&self.inputs),
            Event::FilesChanged { changes, more } => changes.is_empty() && !more,
            Event::Denied { .. }
            | Event::Step { .. }
            | Event::Percent { .. }
            | Event::Log { .. }
            | Event::Produced { .. }
            | Event::ToolStarted { .. }
            | Event::ToolOutput { .. }
            | Event::ToolFinished { .. }
            | Event::ToolRefused { .. }
            | Event::HttpRequested { .. }
            | Event::HttpFinished { .. }
            | Event::ApprovalRevoked { .. }
            | Event::ClaimsDiffer { .. } => false,
        }
    }
}

#[async_trait]
impl Sink for AttemptJournal {
    async fn take(&self, event: Event) {
        self.audit.event(&event).await;
        if self.is_told(&event) {
            return;
        }
        if self.record.activity(event).await.is_err() {
            self.cancel.cancel(CancelReason::Lost);
        }
    }

    /// Everything was handed over when it was taken.
    async fn settle(&self) {}
}
