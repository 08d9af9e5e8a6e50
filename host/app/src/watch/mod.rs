//! Those who watch a run: a person, a program and the audit. The record on disk is the ledger's.
//!
//! Never: an event that one of them changes, or that a slow one makes the others miss.

pub(crate) mod audit;
pub(crate) mod execution;
mod human;
mod json;

pub(crate) use human::Human;
pub(crate) use json::JsonLines;
