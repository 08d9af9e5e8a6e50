//! What may be stored: the limits on keys, values and scopes.
//!
//! Pure. Never: a look into a store.

use remit_engine::seam::StateError;

/// Longest key, in bytes.
pub const MAX_KEY: usize = 255;

/// Largest value, in bytes of JSON text. What is larger belongs into a file of the workspace.
pub const MAX_VALUE: usize = 1 << 20;

/// All values of one plugin in one scope, in bytes of JSON text.
pub const MAX_SCOPE: u64 = 16 << 20;

/// Most keys of one plugin in one scope.
pub const MAX_KEYS: u64 = 10_000;

/// What one scope holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Holding {
    /// Bytes of all values.
    pub(crate) bytes: u64,
    /// Number of keys.
    pub(crate) keys: u64,
}

impl Holding {
    /// What the scope holds when a value of `new` bytes stands in place of one of `old` bytes, or
    /// of none.
    ///
    /// # Errors
    /// The scope would hold too much. A change that makes it smaller is never refused.
    pub(crate) fn with(self, old: Option<u64>, new: u64) -> Result<Self, StateError> {
        let next = Self {
            bytes: self
                .bytes
                .saturating_sub(old.unwrap_or(0))
                .saturating_add(new),
            keys: self.keys + u64::from(old.is_none()),
        };
        if next.keys > MAX_KEYS && next.keys > self.keys {
            return Err(StateError::Quota(format!(
                "the scope holds {} keys, the limit is {MAX_KEYS}; remove a key first",
                self.keys
            )));
        }
        if next.bytes > MAX_SCOPE && next.bytes > self.bytes {
            return Err(StateError::Quota(format!(
                "the scope would hold {} bytes, the limit is {MAX_SCOPE}; \
                 remove a key or store a smaller value",
                next.bytes
            )));
        }
        Ok(next)
    }

    /// What the scope holds without a value of `old` bytes.
    pub(crate) fn without(self, old: u64) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(old),
            keys: self.keys.saturating_sub(1),
        }
    }
}

/// Refuses a key that is empty or too long.
///
/// # Errors
/// As said.
pub(crate) fn check_key(key: &str) -> Result<(), StateError> {
    if (1..=MAX_KEY).contains(&key.len()) {
        return Ok(());
    }
    Err(StateError::Quota(format!(
        "a key has 1 to {MAX_KEY} bytes, this one has {}",
        key.len()
    )))
}

/// Refuses a value that is too large or not JSON. Returns its size in bytes.
///
/// # Errors
/// As said.
pub(crate) fn check_value(value: &str) -> Result<u64, StateError> {
    let size = check_size("a value", value)?;
    // Parsed as a whole, not skimmed: what is stored must be fit for a later merge.
    parse("the value", value)?;
    Ok(size)
}

/// Refuses a text that is too large for a value. Returns its size in bytes.
///
/// # Errors
/// As said.
pub(crate) fn check_size(what: &str, text: &str) -> Result<u64, StateError> {
    if text.len() > MAX_VALUE {
        return Err(StateError::Quota(format!(
            "{what} has at most {MAX_VALUE} bytes, this one has {}",
            text.len()
        )));
    }
    u64::try_from(text.len()).map_err(|e| StateError::Unavailable(e.to_string()))
}

/// Reads a JSON text. Nesting is limited to 128 levels.
///
/// # Errors
/// It is not JSON; says where.
pub(crate) fn parse(what: &str, text: &str) -> Result<serde_json::Value, StateError> {
    serde_json::from_str(text).map_err(|e| StateError::InvalidJson(format!("{what}: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_scope_still_takes_smaller_values() {
        let full = Holding {
            bytes: MAX_SCOPE,
            keys: MAX_KEYS,
        };
        assert!(full.with(None, 1).is_err());
        assert!(full.with(Some(10), 11).is_err());
        assert_eq!(full.with(Some(10), 10), Ok(full));
        assert!(full.with(Some(10), 9).is_ok());
        assert_eq!(full.without(10).bytes, MAX_SCOPE - 10);
        assert_eq!(full.without(10).keys, MAX_KEYS - 1);
    }

    #[test]
    fn a_scope_that_an_earlier_version_filled_further_can_shrink() {
        let over = Holding {
            bytes: MAX_SCOPE * 2,
            keys: MAX_KEYS + 5,
        };
        assert!(over.with(Some(100), 50).is_ok());
        assert!(over.with(Some(100), 101).is_err());
    }
}
