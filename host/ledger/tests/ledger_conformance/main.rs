//! One suite for every implementation of the seam `Ledger`: what holds for the store on disk holds
//! for its twin in memory, and will have to hold for one on many machines.
//!
//! Never: a test that only one of them runs; those stand elsewhere.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod appends;
mod build;
mod hosts;
mod reads;

use std::sync::Arc;

use remit_engine::durable::ledger::Ledger;
use remit_ledger::{MemoryLedger, SqliteLedger};

/// Runs a case on a fresh ledger of each kind.
async fn on_each<F: Future<Output = ()>>(case: impl Fn(Arc<dyn Ledger>) -> F) {
    case(Arc::new(MemoryLedger::new())).await;
    let directory = tempfile::tempdir().unwrap();
    let ledger = SqliteLedger::open(&directory.path().join("ledger.db")).unwrap();
    case(Arc::new(ledger)).await;
}
