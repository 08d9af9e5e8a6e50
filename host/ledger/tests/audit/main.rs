//! The audit log on a real disk: written by several at once, cut off anywhere, changed by others,
//! read while it grows.
//!
//! Never: a log that was not written by the writer itself.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, makes its own files and starts itself again"
)]

mod crash;
mod group;
mod place;
mod reading;
mod schema;
mod tampering;
mod trouble;
