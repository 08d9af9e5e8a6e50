//! What a person can do about an entry: the command, as it is typed.
//!
//! Never: a command that would mean another ledger.

use remit_core::durable::{Entry, LedgerEvent, Question};

/// What to type, if there is something. `flags` are the options that make a command mean the same
/// ledger, with a space before each.
pub(super) fn hint(entry: &Entry, flags: &str) -> Option<String> {
    if let LedgerEvent::TaskWaiting { question, .. } = &entry.event {
        let name = format!("{}/{}", entry.run.as_ref()?, entry.task.as_ref()?);
        Some(match question {
            Question::Manual => {
                format!("remit task done {name}{flags}, or: remit task fail {name}{flags}")
            }
            Question::Approval => {
                format!("remit approve {name}{flags}, or: remit reject {name}{flags}")
            }
        })
    } else if let LedgerEvent::CircuitOpened { adapter, .. } = &entry.event {
        Some(format!(
            "to ask it again at once: remit circuit reset {adapter}{flags}"
        ))
    } else if let LedgerEvent::SafeModeEntered { .. } = &entry.event {
        Some(format!(
            "nothing starts until: remit safe-mode leave{flags}"
        ))
    } else {
        None
    }
}
