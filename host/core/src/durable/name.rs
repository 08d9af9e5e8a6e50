//! What runs, tasks and adapters are called: names that are safe as file names, in URLs, in
//! command lines and in log lines.
//!
//! Never: a name with a separator, a control character or a leading dot.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::excerpt::excerpt;

/// Longest name in bytes. Names become file names with a suffix; file systems take 255.
pub const MAX_NAME: usize = 128;

/// The text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a {what}'s name; write 1 to {MAX_NAME} characters of A-Z a-z 0-9 . _ -, \
     the first a letter or a digit"
)]
pub struct NameError {
    what: &'static str,
    text: String,
}

fn check(what: &'static str, text: &str) -> Result<Arc<str>, NameError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let first = text
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric());
    if first && text.len() <= MAX_NAME && text.bytes().all(fits) {
        Ok(Arc::from(text))
    } else {
        Err(NameError {
            what,
            text: excerpt(text),
        })
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

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

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// What a run is called: a ULID if nobody said otherwise. Cheap to clone.
    RunId,
    "run"
);
name!(
    /// What a task is called, once in its run. Cheap to clone.
    TaskId,
    "task"
);
name!(
    /// What an adapter is called: the id under which its circuit breaker and its limits are kept.
    /// Cheap to clone.
    AdapterId,
    "adapter"
);

impl AdapterId {
    /// The name for a plugin that has no other: its id, or its file's name without `.wasm`, without
    /// what a name may not have.
    #[must_use]
    pub fn of_plugin(plugin: &str) -> Self {
        let file = plugin.rsplit(['/', '\\']).next().unwrap_or(plugin);
        let stem = file.strip_suffix(".wasm").unwrap_or(file);
        let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let name: String = stem.chars().filter(fits).collect();
        let name = name.trim_start_matches(['.', '_', '-']);
        let name = name.get(..MAX_NAME).unwrap_or(name);
        Self(Arc::from(if name.is_empty() { "plugin" } else { name }))
    }
}

impl TaskId {
    /// `task-<number>`: a name for a task that has none.
    #[must_use]
    pub fn numbered(number: usize) -> Self {
        Self(Arc::from(format!("task-{number}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_as_file_names() {
        let longest = "a".repeat(MAX_NAME);
        for text in [
            "T1",
            "task-001",
            "782F7C6284D54D4299305CD76E",
            "a.b_c",
            longest.as_str(),
        ] {
            assert!(text.parse::<TaskId>().is_ok(), "{text}");
        }
        let too_long = "a".repeat(MAX_NAME + 1);
        for text in [
            "",
            ".",
            "..",
            ".a",
            "-a",
            "a/b",
            "a b",
            "a\n",
            "ä",
            "a:b",
            too_long.as_str(),
        ] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_bad_name_says_what_is_allowed() {
        let error = "a/b".parse::<TaskId>().unwrap_err().to_string();
        assert!(
            error.starts_with("`a/b` is not a task's name; write 1 to 128"),
            "{error}"
        );
    }

    #[test]
    fn every_plugin_gives_an_adapter_a_name() {
        let long = "a".repeat(MAX_NAME + 1);
        let cases = [
            ("summary", "summary"),
            ("./target/my plugin.wasm", "myplugin"),
            ("C:\\x\\y.wasm", "y"),
            ("..", "plugin"),
            ("ä", "plugin"),
            (long.as_str(), &long[..MAX_NAME]),
        ];
        for (plugin, name) in cases {
            let id = AdapterId::of_plugin(plugin);
            assert_eq!(id.as_str(), name);
            assert_eq!(id.as_str().parse(), Ok(id));
        }
    }
}
