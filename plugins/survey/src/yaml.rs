//! YAML of strangers as JSON values.
//!
//! Only `true` and `false` are booleans, so that `no` and `on` stay what somebody wrote; a key that
//! comes twice is an error. Never: a document that costs more than its size, by aliases or depth.

use serde_json::Value;

/// Largest text that is read: the largest registry known has 110 KiB.
pub const MOST_BYTES: usize = 4 << 20;
/// Deepest nesting: hand-written files have less than ten levels.
const MOST_DEPTH: usize = 64;
/// Most nodes: each is some ten bytes of text, and up to a hundred of memory.
const MOST_NODES: usize = 200_000;
/// Most aliases, and most events that they may repeat: files of the kinds read here have none.
const MOST_ALIASES: usize = 1_000;
const MOST_REPEATED: usize = 100_000;

/// Why a text was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum YamlError {
    /// More than [`MOST_BYTES`].
    #[error("a YAML file has at most {MOST_BYTES} bytes")]
    TooLarge,
    /// Not YAML, or a limit was passed; says where.
    #[error("{0}")]
    Unreadable(String),
}

/// Reads one document.
///
/// # Errors
/// It is not YAML, has a key twice, or passes a limit. One line, with line and column.
pub fn read(text: &str) -> Result<Value, YamlError> {
    if text.len() > MOST_BYTES {
        return Err(YamlError::TooLarge);
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MOST_DEPTH,
            max_nodes: MOST_NODES,
            max_events: MOST_NODES * 2,
            max_aliases: MOST_ALIASES,
            max_anchors: MOST_ALIASES,
            max_documents: 1,
            max_total_scalar_bytes: MOST_BYTES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MOST_REPEATED,
            max_replay_stack_depth: MOST_DEPTH,
        },
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let said = error.to_string();
        let first = said.lines().next().unwrap_or("not YAML");
        YamlError::Unreadable(first.trim_start_matches("error: ").to_owned())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_keep_their_kind() {
        let value = read("a: 1\nb: [true, yes, 1.5, '2', ~]\nc: {d: 2025-11-24}\n").unwrap();
        assert_eq!(
            value,
            json!({ "a": 1, "b": [true, "yes", 1.5, "2", null], "c": { "d": "2025-11-24" } })
        );
    }

    #[test]
    fn an_error_says_where() {
        let YamlError::Unreadable(message) = read("a: 1\nb: [1,\n").unwrap_err() else {
            panic!("not unreadable");
        };
        assert!(message.contains("line 2"), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }

    #[test]
    fn a_key_that_comes_twice_is_an_error() {
        assert!(read("a: 1\na: 2\n").is_err());
    }

    #[test]
    fn what_grows_by_aliases_or_depth_is_refused() {
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for level in 1..9 {
            let below = level - 1;
            let many = vec![format!("*a{below}"); 10].join(",");
            bomb.push_str(&format!("a{level}: &a{level} [{many}]\n"));
        }
        assert!(read(&bomb).is_err());
        assert!(read(&"[".repeat(100_000)).is_err());
        assert!(read(&"- ".repeat(100_000)).is_err());
        assert_eq!(read(&" ".repeat(MOST_BYTES + 1)), Err(YamlError::TooLarge));
    }

    #[test]
    fn two_documents_are_not_one() {
        assert!(read("a: 1\n---\nb: 2\n").is_err());
    }
}
