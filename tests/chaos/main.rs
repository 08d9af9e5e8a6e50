//! Durable execution under attack: hosts that die at any moment, disks that are full, files that
//! are damaged, two hosts at once; and a checker that holds what the ledger says against what
//! really happened.
//!
//! - `plan`, `programs/effect.c`: work whose effects stand in a log outside of the store
//! - `host`: the place where it is executed, and hosts that are started, killed and judged there
//! - `storm`: the loop
//! - `trouble`, `disk`: full, read-only and damaged ledgers, second hosts, ends in good order
//! - `history`, `checker`: the promises, and for each a history that breaks it
//!
//! `CHAOS_SEED`, `CHAOS_TASKS` and `CHAOS_KILLS` in the environment repeat or lengthen the loop; see
//! `docs/testing.md`. Never: a limit on how fast a machine has to be.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test may panic, starts the program, and writes what the program reads"
)]

mod chance;
mod checker;
mod disk;
mod history;
#[path = "../journey/home.rs"]
#[expect(dead_code, reason = "the journeys need more of it")]
mod home;
mod host;
#[path = "../journey/machine.rs"]
#[expect(dead_code, reason = "the journeys need more of it")]
mod machine;
mod plan;
mod storm;
mod trouble;
