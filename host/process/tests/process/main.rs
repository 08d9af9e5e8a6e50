//! What the broker guarantees, shown with real processes.
//!
//! Some tests need a host process of their own, because they kill it or count what it has open.
//! They start this test program again, with [`host::ROLE`] in the environment.
//!
//! Never: a test that passes because it waited long enough. Every wait is for an event, and its
//! bound only turns a hang into a failure.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests look at the machine from outside: files, processes and real time"
)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic, and a host in a test speaks on its standard output"
)]

mod confinement;
mod exits;
mod fixture;
mod hides;
mod host;
mod limits;
mod origins;
mod scratch;
mod soak;
mod spawning;
mod stdin;
mod streams;
mod surroundings;
mod trees;
