//! The embedded store: values that plugins keep, and the record of every run.
//!
//! Two things with two shapes. [`SqliteState`] holds small values that change, in one SQLite
//! file; [`MemoryState`] is its twin for tests and for runs that shall leave nothing behind. A
//! [`RunRecord`] only ever grows, one JSON line for each event, in a file of its own, so that a
//! run can be read with nothing but a text editor.
//!
//! Never: a lock or a transaction that is held across an `.await`, an answer before the data is
//! safe, a file that another user of the machine may read.

mod files;
mod record;
mod state;

pub use record::{MAX_LINE, MAX_LISTED, RecordError, Recorded, Records, RunRecord, RunSummary};
pub use state::memory::MemoryState;
pub use state::rules::{MAX_KEY, MAX_KEYS, MAX_SCOPE, MAX_VALUE};
pub use state::schema::STATE_FORMAT;
pub use state::sqlite::SqliteState;
