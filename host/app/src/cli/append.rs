//! What a person says to the ledger beside a run: one event, legal or refused.
//!
//! Never: an event that a host alone may write.

use remit_core::breaker::BreakerState;
use remit_core::durable::{AdapterId, LedgerEvent, Stream};
use remit_engine::durable::ledger::{Append, Commit, Expect, Lane, Ledger, LedgerError};

use crate::timeline::now_ms;

/// Appends one event to a stream that exists.
pub(super) async fn one(
    ledger: &dyn Ledger,
    stream: Stream,
    event: LedgerEvent,
) -> Result<(), LedgerError> {
    with_breaker(ledger, stream, event, Vec::new()).await
}

/// Appends one event, and says how breakers are from now on.
pub(super) async fn with_breaker(
    ledger: &dyn Ledger,
    stream: Stream,
    event: LedgerEvent,
    breakers: Vec<(AdapterId, BreakerState)>,
) -> Result<(), LedgerError> {
    let append = Append {
        stream,
        expect: Expect::Exists,
        events: vec![event],
    };
    ledger
        .commit(Commit {
            now_ms: now_ms(),
            lane: Lane::State,
            appends: vec![append],
            breakers,
        })
        .await?;
    Ok(())
}
