//! An outcome as it stands in the ledger.
//!
//! Never: another class than `FailureClass::of` gives.

use remit_core::durable::AttemptResult;
use remit_core::outcome::Outcome;
use remit_core::retry::FailureClass;

/// The outcome as an event has it; whole, whatever its size.
#[must_use]
pub(super) fn result_of(outcome: &Outcome, wall_ms: u64) -> AttemptResult {
    AttemptResult {
        status: outcome.status().to_owned(),
        exit_code: outcome.exit_code().number(),
        class: FailureClass::of(outcome),
        message: message_of(outcome),
        outcome_digest: None,
        // Every outcome has a JSON form; without one the line for people is there still.
        outcome: serde_json::to_value(outcome).unwrap_or_default(),
        wall_ms,
    }
}

/// What happened, in one line for people.
pub(super) fn message_of(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Succeeded { summary, .. } => summary.clone(),
        Outcome::Failed { code, message, .. } => format!("{message} ({code})"),
        Outcome::Rejected { reason } => reason.clone(),
        Outcome::InvalidInput { problems } => joined(problems),
        Outcome::Denied { denials, message } => match message {
            Some(message) => message.clone(),
            None => joined(denials),
        },
        Outcome::Unavailable { what } => what.clone(),
        Outcome::TimedOut { limit_ms } => format!("it took longer than {limit_ms} ms"),
        Outcome::Cancelled { reason } => format!("cancelled: {reason}"),
        Outcome::PluginFault { message, .. } | Outcome::Internal { message } => message.clone(),
    }
}

fn joined<T: ToString>(list: &[T]) -> String {
    let lines: Vec<String> = list.iter().map(ToString::to_string).collect();
    lines.join("; ")
}
