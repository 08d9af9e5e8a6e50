//! The owner's names for tools, templates and slots.
//!
//! Never: a name that could be taken for a path, an option or a `tool:template` pair.

use std::fmt;
use std::str::FromStr;

use crate::excerpt::excerpt;
use serde::{Deserialize, Serialize};

/// Longest name in bytes; names are words for people, not data.
const MAX_NAME: usize = 64;

/// The text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a {what}; write 1 to {MAX_NAME} characters of a-z 0-9 - _, a letter first"
)]
pub struct NameError {
    what: &'static str,
    text: String,
}

fn check(what: &'static str, text: &str) -> Result<String, NameError> {
    let rest_fits = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
    };
    let fits = text.len() <= MAX_NAME
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(rest_fits);
    if fits {
        Ok(text.to_owned())
    } else {
        let text = excerpt(text);
        Err(NameError { what, text })
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                check($what, text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

name!(
    /// The owner's name for a tool, for example `git`: `[a-z][a-z0-9_-]{0,63}`.
    ToolId,
    "tool name"
);
name!(
    /// The owner's name for a shape of arguments, for example `status`: `[a-z][a-z0-9_-]{0,63}`.
    TemplateId,
    "template name"
);
name!(
    /// The name of a slot in a template, for example `count`: `[a-z][a-z0-9_-]{0,63}`.
    SlotName,
    "slot name"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_words() {
        for text in ["git", "python3", "fmt-check", "rev_parse", "a"] {
            assert!(text.parse::<ToolId>().is_ok(), "{text}");
        }
        let long = "a".repeat(65);
        for text in [
            "",
            "Git",
            "3",
            "-x",
            "a:b",
            "a/b",
            "a.b",
            "*",
            "a b",
            "gít",
            long.as_str(),
        ] {
            assert!(text.parse::<TemplateId>().is_err(), "{text}");
        }
    }
}
