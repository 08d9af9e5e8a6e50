//! One file per WIT interface of the contract: words of the guest into words of the engine, and
//! the answers back.
//!
//! Never: a decision. Every request goes to the attempt's `PluginHost`, which decides.

mod clock;
mod http;
mod person;
pub(crate) mod process;
mod progress;
mod random;
mod state;
mod words;
mod workspace;
