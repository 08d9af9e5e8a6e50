//! Write plugins for remit in Rust.
//!
//! A plugin is a WebAssembly component and a manifest. The component exports one of two
//! interfaces: a [`Pattern`] carries out one named, parameterized piece of work; an [`Adapter`]
//! wraps one outside tool. The manifest says what the plugin asks for; the owner's policy decides
//! what it gets. Everything else is closed, and says so with a typed [`Denial`].
//!
//! A whole plugin:
//!
//! ```no_run
//! use remit_plugin_sdk::{Call, Context, Descriptor, Failure, Outcome, Pattern, Problem, progress};
//!
//! struct CountFiles;
//!
//! impl Pattern for CountFiles {
//!     fn describe() -> Descriptor {
//!         Descriptor {
//!             id: "count-files".into(),
//!             version: "0.1.0".into(),
//!             title: "Count the files that git knows".into(),
//!             input_schema: r#"{"type": "object", "additionalProperties": false}"#.into(),
//!             output_schema: "{}".into(),
//!         }
//!     }
//!
//!     fn validate_inputs(_inputs: String) -> Vec<Problem> {
//!         Vec::new()
//!     }
//!
//!     fn execute(_context: Context) -> Result<Outcome, Failure> {
//!         progress::step("ask git");
//!         let listed = Call::new("git", "ls-files").run()?.into_success("git ls-files")?;
//!         let files = listed.stdout_text().lines().count();
//!         Ok(Outcome {
//!             summary: format!("{files} files"),
//!             outputs: format!(r#"{{"files": {files}}}"#),
//!             artifacts: Vec::new(),
//!         })
//!     }
//! }
//!
//! # #[cfg(any())] // the package of this example has no manifest
//! remit_plugin_sdk::export_pattern!(CountFiles, "remit-plugin.toml");
//! # fn main() {}
//! ```
//!
//! with `remit-plugin.toml` beside its `Cargo.toml`:
//!
//! ```toml
//! format = 1
//! id = "count-files"
//! version = "0.1.0"
//! wit = "remit:plugin@0.1.0"
//! title = "Count the files that git knows"
//!
//! [[run]]
//! tool = "git"
//! templates = ["ls-files"]
//! reason = "asks git for the files"
//! ```
//!
//! Build it as a `cdylib` for `wasm32-wasip2`; `remit inspect` then shows what it asks for.
//!
//! Files are read and written with `std::fs` below [`workspace::root`]. Processes, state, progress,
//! time and randomness come from the modules of this crate. `println!` becomes a log line.
//!
//! Never: a grant made, widened or remembered here. The host decides each call anew.

#[doc(hidden)]
pub mod bindings;
mod call;
mod child;
mod export;
mod failure;
pub mod http;
pub mod json;
pub mod person;
pub mod progress;
pub mod state;
pub mod workspace;

pub use bindings::adapter::exports::remit::plugin::adapter::{
    Capabilities, Cost, Guest as Adapter, Report as AdapterReport, SafetyTier,
};
pub use bindings::imports::remit::plugin::process::{
    Child, Event, Exit, KillCause, LineEvent, Output, ProcessError, SlotValue, Stdin, Usage,
    wait_any,
};
pub use bindings::imports::remit::plugin::types::{
    Artifact, Capability, Context, Denial, Failure, MissingKey, Outcome, Problem, Report,
};
pub use bindings::imports::remit::plugin::{clock, random};
pub use bindings::pattern::exports::remit::plugin::pattern::{Descriptor, Guest as Pattern};
pub use call::{Call, DEFAULT_OUTPUT_LIMIT};
pub use child::Line;
