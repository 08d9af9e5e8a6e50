//! Asking a run to end. Reasons are ordered and only escalate.
//!
//! Never: a way to take a cancellation back, or to wait for one without being able to stop waiting.

use remit_core::outcome::CancelReason;
use tokio::sync::watch;

/// The asking side. Cheap to clone; any clone may cancel.
#[derive(Debug, Clone)]
pub struct Cancel {
    sender: watch::Sender<Option<CancelReason>>,
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

impl Cancel {
    /// A run that nobody has cancelled yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sender: watch::Sender::new(None),
        }
    }

    /// Asks for an end. A weaker reason than the one that stands already changes nothing.
    pub fn cancel(&self, reason: CancelReason) {
        self.sender.send_if_modified(|current| {
            let stronger = current.is_none_or(|standing| standing < reason);
            if stronger {
                *current = Some(reason);
            }
            stronger
        });
    }

    /// The reason that stands, if any.
    #[must_use]
    pub fn reason(&self) -> Option<CancelReason> {
        *self.sender.borrow()
    }

    /// Waits until someone asks for an end.
    pub async fn cancelled(&self) -> CancelReason {
        let mut receiver = self.sender.subscribe();
        loop {
            if let Some(reason) = *receiver.borrow_and_update() {
                return reason;
            }
            // `self` holds a sender, so the channel cannot close while this waits.
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_only_escalate() {
        let cancel = Cancel::new();
        assert_eq!(cancel.reason(), None);
        cancel.cancel(CancelReason::Shutdown);
        cancel.cancel(CancelReason::Requested);
        assert_eq!(cancel.reason(), Some(CancelReason::Shutdown));
        cancel.cancel(CancelReason::Forced);
        assert_eq!(cancel.reason(), Some(CancelReason::Forced));
    }

    #[tokio::test]
    async fn a_waiter_wakes_even_if_it_came_late() {
        let cancel = Cancel::new();
        cancel.cancel(CancelReason::Requested);
        assert_eq!(cancel.cancelled().await, CancelReason::Requested);
    }
}
