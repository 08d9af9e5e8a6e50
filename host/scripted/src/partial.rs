//! A JSON value held against a part of what it must be.
//!
//! An object may have more members than the part, everything else is equal. Never: a difference
//! without its place.

use serde_json::Value;

use crate::script::excerpt;

/// Deepest place that is looked at; a value from a scenario is less deep.
const MAX_DEPTH: usize = 128;

/// Where two values differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// JSON pointer (RFC 6901).
    pub(crate) pointer: String,
    pub(crate) wanted: String,
    pub(crate) got: String,
}

/// Everything in which `got` is not as `wanted` says.
pub(crate) fn mismatches(wanted: &Value, got: &Value) -> Vec<Mismatch> {
    let mut found = Vec::new();
    compare(wanted, got, String::new(), 0, &mut found);
    found
}

fn compare(wanted: &Value, got: &Value, pointer: String, depth: usize, found: &mut Vec<Mismatch>) {
    match (wanted, got) {
        (Value::Object(wanted), Value::Object(got)) if depth < MAX_DEPTH => {
            for (name, wanted) in wanted {
                let name_part = name.replace('~', "~0").replace('/', "~1");
                let pointer = format!("{pointer}/{name_part}");
                match got.get(name) {
                    Some(got) => compare(wanted, got, pointer, depth + 1, found),
                    None => found.push(Mismatch {
                        pointer,
                        wanted: shown(wanted),
                        got: "nothing".to_owned(),
                    }),
                }
            }
        }
        (Value::Array(wanted), Value::Array(got))
            if wanted.len() == got.len() && depth < MAX_DEPTH =>
        {
            for (index, (wanted, got)) in wanted.iter().zip(got).enumerate() {
                compare(wanted, got, format!("{pointer}/{index}"), depth + 1, found);
            }
        }
        (wanted, got) if is_equal(wanted, got) => {}
        (wanted, got) => found.push(Mismatch {
            pointer,
            wanted: shown(wanted),
            got: shown(got),
        }),
    }
}

/// `1` and `1.0` are the same number.
fn is_equal(wanted: &Value, got: &Value) -> bool {
    match (wanted, got) {
        (Value::Number(wanted), Value::Number(got)) => {
            wanted == got || wanted.as_f64() == got.as_f64()
        }
        (wanted, got) => wanted == got,
    }
}

/// A value on one line, cut where it is long.
pub(crate) fn shown(value: &Value) -> String {
    excerpt(&value.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(wanted: &Value, got: &Value) -> Vec<String> {
        let found = mismatches(wanted, got);
        found.into_iter().map(|one| one.pointer).collect()
    }

    #[test]
    fn an_object_may_have_more_and_everything_else_is_equal() {
        let got = json!({"a": 1, "b": {"c": [1, {"d": "x", "e": null}], "f": 2}});
        for fits in [
            json!({}),
            json!({"a": 1.0}),
            json!({"b": {"c": [1, {"d": "x"}]}}),
        ] {
            assert_eq!(places(&fits, &got), [""; 0], "{fits}");
        }
        for (differs, at) in [
            (json!({"a": 2}), "/a"),
            (json!({"g": 1}), "/g"),
            (json!({"b": {"c": [1]}}), "/b/c"),
            (json!({"b": {"c": [1, {"d": "y"}]}}), "/b/c/1/d"),
            (json!({"b": {"c": [1, {"e": false}]}}), "/b/c/1/e"),
            (json!([]), ""),
        ] {
            assert_eq!(places(&differs, &got), [at], "{differs}");
        }
    }

    #[test]
    fn names_are_escaped_in_pointers() {
        assert_eq!(places(&json!({"a/b~": 1}), &json!({})), ["/a~1b~0"]);
    }
}
