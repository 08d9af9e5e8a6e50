//! Durable execution: runs of many tasks that survive the end of the host at any moment.
//!
//! [`ledger`] is the seam to the store, [`attempts`] the seam to the work itself, and
//! [`journal`] the way of an attempt's events to both; everything in between decides with the pure heart of `remit_core::durable`.
//!
//! Never: a decision that is acted on before it is in the ledger; a state that is not the fold of
//! what is there.

pub mod attempts;
pub mod clock;
pub mod dispatcher;
pub mod executor;
pub mod fold;
pub mod journal;
mod lease;
pub mod ledger;
mod load;
mod outcome;
mod question;
mod record;
mod shell;
mod submit;
mod work;

pub use executor::{
    Control, ExecuteError, ExecutorConfig, RunEnd, Summary, Which, run_executor_loop,
};
pub use submit::{SubmitError, Submitted, submit};
