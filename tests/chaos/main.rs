//! Durable execution under attack: hosts that die at any moment, disks that are full, files that
//! are damaged, two hosts at once; and a checker that holds what the ledger says against what
//! really happened.
//!
//! - `plan`, `programs/effect.c`: work whose effects stand in a log outside of the store
//! - `history`, `checker`: the promises, and for each a history that breaks it
//!
//! `CHAOS_SEED`, `CHAOS_TASKS` and `CHAOS_KILLS` in the environment repeat or lengthen the loop; see
//! `docs/performance.md`. Never: a limit on how fast a machine has to be.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, starts the program, and writes what the program reads"
)]

mod chance;
mod checker;
mod history;
mod plan;
