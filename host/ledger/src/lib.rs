//! The embedded store: values that plugins keep, the record of every run, and the audit log.
//!
//! Three things with three shapes. [`SqliteState`] holds small values that change, in one SQLite
//! file; [`MemoryState`] is its twin for tests and for runs that shall leave nothing behind. A
//! [`RunRecord`] only ever grows, one JSON line for each event, in a file of its own, so that a
//! run can be read with nothing but a text editor. The audit log ([`AuditWriter`], [`AuditLog`])
//! is one for all runs, and its lines hang together, so that a change to them is found.
//!
//! Never: a lock or a transaction that is held across an `.await`, an answer before the data is
//! safe, a file that another user of the machine may read.

mod audit;
mod durable;
mod files;
mod record;
mod state;

pub use audit::{
    AuditError, AuditGroup, AuditLog, AuditWatcher, AuditWriter, EachLine, Follower, NotWritten,
    SEGMENT_BYTES, Trouble,
};
pub use durable::{
    Durability, FindingSeverity, GcPlan, GcReport, LedgerFinding, LedgerOpenError, LedgerReport,
    MemoryLedger, SqliteLedger, collect_garbage, export_ledger, planned_tables, query_plans,
    verify_ledger,
};
pub use record::{MAX_LINE, MAX_LISTED, RecordError, Recorded, Records, RunRecord, RunSummary};
pub use state::memory::MemoryState;
pub use state::rules::{MAX_KEY, MAX_KEYS, MAX_SCOPE, MAX_VALUE};
pub use state::schema::STATE_FORMAT;
pub use state::sqlite::SqliteState;
