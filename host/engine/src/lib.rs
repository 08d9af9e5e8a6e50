//! Runs a plugin: over seams that `app` wires to the world and that a test can fake.
//!
//! - [`seam`]: what the engine needs from the world
//! - [`plugin`]: what the engine needs from a sandbox
//! - [`host`]: what a running plugin can ask for; every request is decided here, against grants
//! - [`journal`]: every event of a run, numbered, to everyone who watches
//! - [`inputs`]: inputs against the plugin's schema, all problems at once
//! - `replay`: a tool that ran in an earlier attempt, from the record
//! - [`attempt`]: one try, from instance to outcome
//!
//! Never: a type of wasmtime or SQLite, a file, a process.

pub mod attempt;
pub mod cancel;
pub mod durable;
#[cfg(any(test, feature = "fakes"))]
pub mod fake;
pub mod host;
pub mod inputs;
pub mod journal;
pub mod plugin;
mod replay;
pub mod seam;
pub mod tool_run;
