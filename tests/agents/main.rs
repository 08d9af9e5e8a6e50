//! Real agents end to end: installed from the registries, run by the real program, confined, with a
//! scripted model as the only thing that they reach.
//!
//! - `installed`: which agents are on this machine
//! - `studio`: a repository, a model, an owner's policy, and one agent at work in them
//! - `edits`: what works; `failures`: what does not, and is told as what it is
//! - `traps`, `hostile`: repositories that would like to run something
//!
//! `install` and `scripts` are of use without these tests too: docs/testing.md. Never: an agent that
//! is missing without a word; a network beyond this machine.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, starts programs, and lays out what they work on"
)]

mod edits;
mod failures;
#[path = "../journey/home.rs"]
#[expect(dead_code, reason = "the journeys need more of it")]
mod home;
mod hostile;
mod installed;
#[path = "../journey/machine.rs"]
#[expect(dead_code, reason = "the journeys need more of it")]
mod machine;
mod studio;
mod traps;
