//! Values that outlive an attempt, typed.
//!
//! Never: a value of another plugin. The host keeps them apart.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::imports::remit::plugin::state as host;
pub use crate::bindings::imports::remit::plugin::state::{Scope, StateError};

/// The value of a key, if it has one.
///
/// # Errors
/// The key is not valid, the store did not answer, or the stored value is not a `T`.
pub fn get<T: DeserializeOwned>(scope: Scope, key: &str) -> Result<Option<T>, StateError> {
    match host::get(scope, key)? {
        Some(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| StateError::InvalidJson(format!("`{key}`: {error}"))),
        None => Ok(None),
    }
}

/// Stores a value in place of what was there. Durable when the call returns.
///
/// # Errors
/// The value has no JSON form, a limit would be passed, or the store did not answer.
pub fn set<T: Serialize>(scope: Scope, key: &str, value: &T) -> Result<(), StateError> {
    host::set(scope, key, &write(key, value)?)
}

/// Merges an object into the stored one (RFC 7386) and returns the result.
///
/// # Errors
/// As [`get`] and [`set`].
pub fn merge<P: Serialize, T: DeserializeOwned>(
    scope: Scope,
    key: &str,
    patch: &P,
) -> Result<T, StateError> {
    let merged = host::merge(scope, key, &write(key, patch)?)?;
    serde_json::from_str(&merged)
        .map_err(|error| StateError::InvalidJson(format!("`{key}`: {error}")))
}

/// Removes a key. Removing what is not there is no error.
///
/// # Errors
/// The key is not valid, or the store did not answer.
pub fn remove(scope: Scope, key: &str) -> Result<(), StateError> {
    host::remove(scope, key)
}

/// The keys that begin with a prefix, sorted.
///
/// # Errors
/// The store did not answer.
pub fn keys(scope: Scope, prefix: &str) -> Result<Vec<String>, StateError> {
    host::keys(scope, prefix)
}

fn write<T: Serialize>(key: &str, value: &T) -> Result<String, StateError> {
    serde_json::to_string(value)
        .map_err(|error| StateError::InvalidJson(format!("`{key}`: {error}")))
}
