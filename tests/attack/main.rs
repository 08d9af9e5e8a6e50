//! The confinement of tools, proved by attacks through the real program.
//!
//! - `stage`: a home, victims, and the attacker declared as a tool
//! - `matrix`: every row of the attacker at every level, as this user and as nobody
//! - `hostile`, `packages`: workspaces that are traps for real tools
//! - `closed`: the host process during a run, for others of the same user
//! - `terminal`: a host with a controlling terminal
//! - `without`: the program on a machine that lacks what confines
//! - `proofs`: the table that names, for every attack and guarantee, the tests that prove it
//!
//! Never: an attack without a victim that is there and could be reached.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test may panic, starts the program, and lays out what is attacked"
)]

mod closed;
#[path = "../journey/home.rs"]
#[expect(dead_code, reason = "the journeys need more of it")]
mod home;
mod hostile;
#[path = "../journey/machine.rs"]
#[expect(dead_code, reason = "the journeys need more of it")]
mod machine;
mod matrix;
mod packages;
mod proofs;
mod stage;
mod terminal;
mod trap;
#[path = "../journey/tree.rs"]
#[expect(dead_code, reason = "the journeys need more of it")]
mod tree;
mod without;
