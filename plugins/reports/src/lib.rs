//! What checks report, in one form: tests ([`tests::Tests`]) and findings ([`findings::Findings`]).
//!
//! - [`junit`], [`libtest`], [`gotest`] read reports of tests, [`sarif`], [`clippy`], [`ruff`] those of
//!   linters; [`junit`] and [`sarif`] are also written;
//! - [`verdict`] says what came of a run of tests: "no tests ran" is not success;
//! - [`place`] finds the workspace's name of a file that a tool named in its own way;
//! - [`check`] is the one module that talks to the host.
//!
//! Everything but [`check`] works without a host. What is read was written by a tool that ran code of
//! the workspace: it is held to limits, and what it says is a claim. Never: an entity that is expanded,
//! a report that is believed against the exit code.

pub mod check;
pub mod clippy;
pub mod findings;
pub mod gotest;
pub mod junit;
pub mod libtest;
pub mod place;
pub mod ruff;
pub mod sarif;
pub mod tests;
pub mod verdict;

#[cfg(test)]
mod own_tests;
