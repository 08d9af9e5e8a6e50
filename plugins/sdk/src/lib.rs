//! Write plugins for remit in Rust.
//!
//! A plugin is a WebAssembly component and a manifest. The component exports one of two
//! interfaces: a [`Pattern`] carries out one named, parameterized piece of work; an [`Adapter`]
//! wraps one outside tool. The manifest says what the plugin asks for; the owner's policy decides
//! what it gets. Everything else is closed, and says so with a typed [`Denial`].
//!
//! A whole plugin:
//!
//! ```
//! # #[cfg(any())] // the package of this example has no manifest
//! # mod plugin {
//! use remit::{Call, Done, Failure, progress};
//!
//! #[remit::inputs]
//! struct Inputs {
//!     /// Only names that end so.
//!     suffix: String,
//! }
//!
//! #[remit::outputs]
//! struct Outputs {
//!     files: usize,
//! }
//!
//! #[remit::pattern]
//! fn count_files(inputs: Inputs) -> Result<Done<Outputs>, Failure> {
//!     progress::step("ask git");
//!     let listed = Call::new("git", "ls-files").run()?.into_success("git ls-files")?;
//!     let names = listed.stdout_text();
//!     let files = names.split('\0').filter(|name| name.ends_with(&inputs.suffix)).count();
//!     Ok(Done::new(format!("{files} files"), Outputs { files }))
//! }
//! # }
//! ```
//!
//! with the SDK in its `Cargo.toml` as `remit = { package = "remit-plugin-sdk", … }`, and
//! `remit-plugin.toml` beside it:
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
//! Build it as a `cdylib` for `wasm32-wasip2`; `remit inspect` then shows what it asks for. Whoever
//! wants to see every function of the contract implements [`Pattern`] or [`Adapter`] and calls
//! [`export_pattern!`] or [`export_adapter!`] instead.
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
pub mod typed;
pub mod workspace;

#[doc(hidden)]
pub use {schemars, serde};

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
pub use remit_plugin_sdk_macros::{adapter, inputs, outputs, pattern};
pub use typed::{About, Done};
