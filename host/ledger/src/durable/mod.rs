//! Stores of durable execution: histories of runs and tasks, and what is known from them.
//!
//! Never: another behaviour of one store than of the other, except that memory is not durable.

mod memory;
mod sqlite;

pub use memory::MemoryLedger;
pub use sqlite::{
    Durability, FindingSeverity, GcPlan, GcReport, LedgerFinding, LedgerOpenError, LedgerReport,
    SqliteLedger, collect_garbage, export_ledger, planned_tables, query_plans, verify_ledger,
};

/// Whether a circuit breaker is as one that was never heard of.
fn is_at_rest(state: &remit_core::breaker::BreakerState) -> bool {
    *state == remit_core::breaker::BreakerState::Closed { failures: 0 }
}
