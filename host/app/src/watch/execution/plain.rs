//! Changes of state as plain lines on standard error: for logs and pipes.
//!
//! Never: what tools print; `remit events --follow` shows that.

use anstream::eprintln;
use remit_core::durable::{Entry, LedgerEvent};

use super::View;
use crate::render::entry;

/// Plain lines.
pub(super) struct Plain {
    /// Whether several runs are shown.
    pub(super) with_run: bool,
    /// The options that make another command mean the same ledger.
    pub(super) flags: String,
}

impl View for Plain {
    fn entry(&mut self, entry: &Entry) {
        if is_worth_a_line(&entry.event) {
            let line = entry::line_of_task(entry, self.with_run, &self.flags);
            eprintln!("{line}");
        }
    }

    fn wants_activity(&self) -> bool {
        false
    }
}

/// Whether people want to read this while a run goes on.
pub(super) fn is_worth_a_line(event: &LedgerEvent) -> bool {
    use LedgerEvent as E;
    match event {
        E::CircuitOpened { .. }
        | E::CircuitHalfOpen { .. }
        | E::CircuitClosed { .. }
        | E::SafeModeEntered { .. }
        | E::SafeModeLeft { .. }
        | E::RunSubmitted { .. }
        | E::RunStarted { .. }
        | E::RunCancelRequested { .. }
        | E::Escalation { .. }
        | E::ExecutionFinished { .. }
        | E::TaskStarted { .. }
        | E::TaskWaiting { .. }
        | E::TaskAnswered { .. }
        | E::TaskExpired
        | E::EffectUnknown { .. }
        | E::EffectReplayed { .. }
        | E::GateFinished { .. }
        | E::TaskRetry { .. }
        | E::ValidationResumed { .. }
        | E::AttemptLost { .. }
        | E::TaskCancelRequested { .. }
        | E::TaskCompleted
        | E::TaskFailed { .. }
        | E::TaskTimeout { .. }
        | E::TaskCanceled { .. }
        | E::TaskSkipped { .. }
        | E::TaskBlocked { .. } => true,
        E::HostStarted { .. }
        | E::TaskQueued { .. }
        | E::TaskReady
        | E::EffectStarted { .. }
        | E::EffectFinished { .. }
        | E::EffectRefused { .. }
        | E::CheckpointCreated { .. }
        | E::AttemptEnded { .. }
        | E::TaskValidating { .. }
        | E::TaskHurried { .. }
        | E::Activity { .. } => false,
    }
}
