//! What the adapters of coding agents share.
//!
//! Exit codes of agents lie, and so do their last words. An adapter therefore reads everything
//! that its agent says ([`Reader`]), keeps it as an [`Observation`], and lets the rule of that
//! agent ([`judge`]) compare it with the exit and with what the *host* saw change. The adapter then
//! reports both: what was claimed and what was observed.
//!
//! All of that is pure and is tested without a host; `guest` carries it out inside one.
//!
//! Never: an event that is fatal because nobody here knows it; a verdict that rests on a claim
//! alone; a prompt as an argument.

pub mod acp;
mod document;
mod evidence;
mod files;
#[cfg(target_arch = "wasm32")]
pub mod guest;
mod inputs;
mod lines;
mod observation;
mod prepared;
mod report;
mod tool;
mod verdict;

pub use files::{Changes, Mismatch, is_by_product};
pub use inputs::{INPUT_SCHEMA, MAX_PROMPT, Request, with_files};
pub use lines::{Lines, MAX_LINE};
pub use observation::{Denied, End, EndKind, Note, Observation, Tokens};
pub use prepared::{Agent, Prepared, Slot, shell_rules};
pub use report::details;
pub use serde_json::{Value, json};
pub use tool::{Reader, Stream, Tool};
pub use verdict::{Ended, Judgement, Killer, Verdict, judge};
