//! Merge patches (RFC 7386).
//!
//! Never: a result larger than a value may be; the caller checks that.

use remit_engine::seam::StateError;
use serde_json::{Map, Value};

use super::rules;

/// Applies a merge patch to a stored text and returns the new text.
///
/// Numbers go through 64-bit integers and doubles; members come out sorted by name.
///
/// # Errors
/// One of the texts is not JSON, or the patch or the result is larger than a value may be.
pub(crate) fn merged(stored: Option<&str>, patch: &str) -> Result<String, StateError> {
    rules::check_size("a patch", patch)?;
    let patch = rules::parse("the patch", patch)?;
    let mut target = match stored {
        Some(text) => rules::parse("the stored value", text)?,
        None => Value::Null,
    };
    apply(&mut target, patch);
    let text = target.to_string();
    rules::check_size("the merged value", &text)?;
    Ok(text)
}

/// The algorithm of RFC 7386, section 2. As deep as the patch, which the parser keeps within 128.
fn apply(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else {
        return;
    };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(&name);
        } else {
            apply(members.entry(name).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stored: &str, patch: &str, expected: &str) {
        assert_eq!(merged(Some(stored), patch), Ok(expected.to_owned()));
    }

    /// The whole table of RFC 7386, appendix A.
    #[test]
    fn the_examples_of_the_standard() {
        check(r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
        check(r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#);
        check(r#"{"a":"b"}"#, r#"{"a":null}"#, "{}");
        check(r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#);
        check(r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
        check(r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#);
        check(
            r#"{"a":{"b":"c"}}"#,
            r#"{"a":{"b":"d","c":null}}"#,
            r#"{"a":{"b":"d"}}"#,
        );
        check(r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#);
        check(r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#);
        check(r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#);
        check(r#"{"a":"foo"}"#, "null", "null");
        check(r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#);
        check(r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#);
        check("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#);
        check("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#);
    }

    #[test]
    fn nothing_stored_is_nothing_known() {
        assert_eq!(
            merged(None, r#"{"a":{"b":null}}"#),
            Ok(r#"{"a":{}}"#.into())
        );
    }

    #[test]
    fn nesting_without_end_is_not_json() {
        let deep = "[".repeat(100_000);
        assert!(matches!(
            merged(None, &deep),
            Err(StateError::InvalidJson(_))
        ));
    }
}
