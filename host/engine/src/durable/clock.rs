//! The clock that durable execution goes by: milliseconds since 1970, given from outside.
//!
//! Never: a decision by another clock.

use std::sync::Arc;

/// Gives the time in milliseconds since 1970-01-01 UTC.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The clock of the machine.
#[must_use]
pub fn machine_clock() -> Clock {
    Arc::new(|| u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0))
}
