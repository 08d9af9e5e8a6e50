//! End to end: the program as people and scripts use it, real plugins, real tools, real files.
//!
//! A journey is a folder in `cases/`; what cannot be said in a table (signals, terminals, closed
//! pipes) is a test of its own. Never: a look at the program from inside, a network
//! beyond this machine.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test may panic, starts the program, and writes what the program reads"
)]

mod adapters;
mod agents;
mod approvals;
mod asking;
mod audit;
mod authoring;
mod case;
mod cases;
mod check;
mod checking;
mod cleaning;
mod contract;
mod corpus;
mod documented;
mod durable;
mod execute;
mod executing;
mod home;
mod http;
mod kill;
mod learning;
mod machine;
mod origins;
mod pipes;
mod plans;
mod repositories;
mod scratch;
mod secrets;
mod server;
mod surface;
mod terminal;
mod tree;
