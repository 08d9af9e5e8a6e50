//! The pure part of remit: what a plugin asks for, what its owner allows, and what follows.
//!
//! Two keys open every door. The plugin's **manifest** ([`manifest`]) requests a capability and
//! says why; the owner's **policy** ([`policy`]) allows it. [`decide::decide`] compares the two and
//! returns either [`grant::Grants`], the proof that code which takes an effect asks for, or
//! every [`denial::Denial`] at once, each with the line that would change it.
//!
//! ```text
//! manifest text --parse--> Manifest --+
//!                                     +--decide--> Grants --launch(call)--> Launch
//! policy layers --parse--> Policy ----+       \--> Denials
//! ```
//!
//! Where to look first: [`path`] for what a path is, [`tool`] for how a real program is declared
//! and called, [`diagnostic`] for how a mistake in a file is reported.
//!
//! Never: I/O, a clock, a process, `async`, wasm. Everything here gives the same answer twice.

pub mod approval;
pub mod audit;
pub mod breaker;
pub mod catalogue;
pub mod change;
pub mod claim;
pub mod contract;
pub mod decide;
pub mod denial;
pub mod diagnostic;
pub mod digest;
mod document;
pub mod durable;
pub mod event;
mod excerpt;
pub mod explain;
pub mod gate;
pub mod grant;
pub mod graph;
pub mod hook;
pub mod http;
pub mod id;
pub mod manifest;
pub mod nearest;
pub mod net;

pub mod outcome;
pub mod path;
pub mod person;
pub mod plan;
pub mod policy;
pub mod quantity;
pub mod retry;
pub mod scenario;
pub mod scope;
pub mod settings;
pub mod span;
pub mod tool;
