//! Plugin state: the seam `StateStore` of the engine, kept in a file or in memory.
//!
//! Both keep the same rules, which stand in `rules` and nowhere else; one suite of tests runs on
//! both. Never: a rule that only one of them knows.

pub(crate) mod memory;
pub(crate) mod patch;
pub(crate) mod rules;
pub(crate) mod schema;
pub(crate) mod sqlite;
pub(crate) mod table;
