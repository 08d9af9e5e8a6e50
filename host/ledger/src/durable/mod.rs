//! Stores of durable execution: histories of runs and tasks, and what is known from them.
//!
//! Never: another behaviour of one store than of the other, except that memory is not durable.

mod memory;

pub use memory::MemoryLedger;
