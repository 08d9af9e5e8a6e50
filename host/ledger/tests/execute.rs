//! Runs of many tasks, carried out over the ledger in memory: what the executor promises.
//!
//! Never: a wait of real time; a look into the executor.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic, and looks for one kind of event among all"
)]

#[path = "execute/again.rs"]
mod again;
#[path = "execute/bent.rs"]
mod bent;
#[path = "execute/check.rs"]
mod check;
#[path = "execute/circuits.rs"]
mod circuits;
#[path = "execute/effects.rs"]
mod effects;
#[path = "execute/ends.rs"]
mod ends;
#[path = "execute/gates.rs"]
mod gates;
#[path = "execute/order.rs"]
mod order;
#[path = "execute/people.rs"]
mod people;
#[path = "execute/prefixes.rs"]
mod prefixes;
#[path = "execute/questions.rs"]
mod questions;
#[path = "execute/recover.rs"]
mod recover;
#[path = "execute/trouble.rs"]
mod trouble;
#[path = "execute/world.rs"]
mod world;
#[path = "execute/zombies.rs"]
mod zombies;
