//! What a plugin tells the people who watch it.
//!
//! Never: a result. What others should rely on belongs into the outcome.

use std::fmt::Display;

use serde::Serialize;

use crate::bindings::imports::remit::plugin::progress as host;
pub use crate::bindings::imports::remit::plugin::progress::{CheckpointError, Level};
use crate::{Artifact, Failure, json};

/// Says which step begins: one short phrase.
pub fn step(name: &str) {
    host::step(name);
}

/// Says how far the work is, in percent.
pub fn percent(value: u32) {
    host::percent(value);
}

/// For someone who looks for a fault in the plugin.
pub fn debug(message: impl Display) {
    host::log(Level::Debug, &message.to_string(), "");
}

/// Worth knowing.
pub fn info(message: impl Display) {
    host::log(Level::Info, &message.to_string(), "");
}

/// Something is not as it should be; the work goes on.
pub fn warn(message: impl Display) {
    host::log(Level::Warn, &message.to_string(), "");
}

/// Something failed.
pub fn error(message: impl Display) {
    host::log(Level::Error, &message.to_string(), "");
}

/// A line with structured fields, which must become a JSON object.
///
/// # Errors
/// The fields have no JSON form; nothing was written.
pub fn log<T: Serialize>(level: Level, message: &str, fields: &T) -> Result<(), Failure> {
    host::log(level, message, &json::text(fields)?);
    Ok(())
}

/// Announces a finished file.
pub fn produced(artifact: &Artifact) {
    host::produced(artifact);
}

/// Saves what the next attempt gets back as `context.checkpoint`; at most 1 MiB.
///
/// # Errors
/// Too large, or the store could not keep it.
pub fn checkpoint(bytes: &[u8]) -> Result<(), CheckpointError> {
    host::checkpoint(bytes)
}
