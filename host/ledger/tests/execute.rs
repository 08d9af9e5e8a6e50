//! Runs of many tasks, carried out over the ledger in memory: what the executor promises.
//!
//! Never: a wait of real time; a look into the executor.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "execute/order.rs"]
mod order;
#[path = "execute/world.rs"]
mod world;
