//! What a plugin is called.
//!
//! Never: an identifier that needs quoting in a path, a TOML key or a command line.

use std::fmt;
use std::str::FromStr;

use crate::excerpt::excerpt;
use serde::{Deserialize, Serialize};

/// Longest identifier in bytes; it becomes part of file names.
pub const MAX_PLUGIN_ID: usize = 64;

/// The identifier of a plugin: `[a-z][a-z0-9-]{1,63}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PluginId(String);

/// The text is not a plugin identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a plugin id; write 2 to {MAX_PLUGIN_ID} characters of a-z 0-9 -, a letter first"
)]
pub struct PluginIdError(String);

impl PluginId {
    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PluginId {
    type Err = PluginIdError;

    fn from_str(text: &str) -> Result<Self, PluginIdError> {
        let rest_fits =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (2..=MAX_PLUGIN_ID).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(rest_fits);
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(PluginIdError(excerpt(text)))
        }
    }
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PluginId {
    type Error = PluginIdError;
    fn try_from(text: String) -> Result<Self, PluginIdError> {
        text.parse()
    }
}

impl From<PluginId> for String {
    fn from(id: PluginId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain_words() {
        let longest = "a".repeat(64);
        for text in ["ab", "module-creation", "a1", "a-", longest.as_str()] {
            assert!(text.parse::<PluginId>().is_ok(), "{text}");
        }
        let too_long = "a".repeat(65);
        for text in [
            "",
            "a",
            "1a",
            "-a",
            "Ab",
            "a_b",
            "a/b",
            "a.b",
            "a b",
            "ä1",
            too_long.as_str(),
        ] {
            assert!(text.parse::<PluginId>().is_err(), "{text}");
        }
    }
}
