//! How others know that a transaction is still at work.
//!
//! A plugin that was ended cannot say so. So it says, again and again, until when it is certainly
//! at work; once that time has passed, anybody may take back what it has left. Without a lease that
//! time is the end of the attempt, and after an interrupted run people would wait for minutes.
//!
//! Never: a lease renewed after somebody else has taken the transaction back.

use super::{Transaction, TransactionError};
use crate::report::Clock;

/// A lease.
pub(super) struct Lease<'a> {
    clock: &'a dyn Clock,
    length_ms: u64,
    renewed_ms: u64,
}

impl<'a> Transaction<'a> {
    /// Lets the transaction count as at work for this time after each change, and after each
    /// [`Transaction::renew`].
    #[must_use]
    pub fn leased(mut self, clock: &'a dyn Clock, length_ms: u64) -> Self {
        self.lease = Some(Lease {
            clock,
            length_ms,
            renewed_ms: 0,
        });
        self
    }

    /// Says that the work goes on. Call it while waiting; changes do so themselves.
    ///
    /// # Errors
    /// The register does not answer, or somebody has taken the transaction back.
    pub fn renew(&mut self) -> Result<(), TransactionError> {
        /// A third of a lease is left for whatever comes between two renewals.
        const PARTS: u64 = 3;
        let (Some(lease), true) = (&mut self.lease, self.undo.is_some()) else {
            return Ok(());
        };
        let now = lease.clock.now_ms();
        if now < lease.renewed_ms.saturating_add(lease.length_ms / PARTS) {
            return Ok(());
        }
        lease.renewed_ms = now;
        self.still_ours()?;
        let entry = self.entry();
        self.register
            .put(&entry)
            .map_err(TransactionError::Register)
    }

    /// Until when the transaction is certainly at work.
    pub(super) fn ends_at_ms(&self) -> u64 {
        match &self.lease {
            Some(lease) => lease.clock.now_ms().saturating_add(lease.length_ms),
            None => self.owner.ends_at_ms,
        }
    }

    /// Whether nobody has taken the transaction back.
    pub(super) fn still_ours(&self) -> Result<(), TransactionError> {
        let entries = self
            .register
            .entries()
            .map_err(TransactionError::Register)?;
        if entries.iter().any(|entry| entry.id == self.owner.id) {
            Ok(())
        } else {
            Err(TransactionError::TakenBack)
        }
    }
}
