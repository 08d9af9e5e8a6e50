//! JSON in and out, as typed values.
//!
//! The host has checked inputs against the plugin's schema before it calls; [`inputs`] turns them
//! into the plugin's own type and still refuses what does not fit.
//!
//! Never: a default in place of a value that could not be read.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use crate::{Failure, Problem};

/// How serde's message about a field begins that a type does not have. It is a problem of the object
/// around it, as JSON Schema has it: the host then names it once.
const UNKNOWN_FIELD: &str = "unknown field";

/// Reads inputs (or any other JSON text of the contract) as a typed value.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Inputs {
///     name: String,
/// }
/// let inputs: Inputs = remit_plugin_sdk::json::inputs(r#"{"name": "demo"}"#)?;
/// assert_eq!(inputs.name, "demo");
/// # Ok::<(), Vec<remit_plugin_sdk::Problem>>(())
/// ```
///
/// # Errors
/// One problem with the code `type` that says what was found, with a JSON pointer to where.
pub fn inputs<T: DeserializeOwned>(text: &str) -> Result<T, Vec<Problem>> {
    let deserializer = &mut serde_json::Deserializer::from_str(text);
    let found = serde_path_to_error::deserialize(&mut *deserializer).map_err(|error| {
        let message = error.inner().to_string();
        let mut path = pointer(error.path());
        if message.starts_with(UNKNOWN_FIELD) {
            path.truncate(path.rfind('/').unwrap_or_default());
        }
        Problem::new(path, "type", message)
    });
    let value = found.map_err(|problem| vec![problem])?;
    deserializer
        .end()
        .map_err(|error| vec![Problem::new("", "type", error.to_string())])?;
    Ok(value)
}

/// A path as a JSON pointer (RFC 6901).
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            // What is below has no place that could be named.
            Segment::Unknown => break,
        }
    }
    pointer
}

/// Writes a value as JSON text, for `outputs`, `details` or `state`.
///
/// # Errors
/// The value has no JSON form, for example a map whose keys are no strings.
pub fn text<T: Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value)
        .map_err(|error| Failure::failed("invalid-json", format!("no JSON form: {error}")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_wrong_type_is_a_problem_and_not_a_default() {
        let read: Result<BTreeMap<String, u8>, _> = inputs(r#"{"a": 300}"#);
        let problems = read.err().unwrap_or_default();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].code, "type");
        assert!(
            problems[0].message.contains("300"),
            "{}",
            problems[0].message
        );
    }

    #[test]
    fn a_problem_names_the_place_as_a_json_pointer() {
        let read: Result<BTreeMap<String, Vec<u8>>, _> = inputs(r#"{"a/b": [1, "x"]}"#);
        assert_eq!(read.err().unwrap_or_default()[0].path, "/a~1b/1");
        let read: Result<u8, _> = inputs("1 2");
        assert_eq!(read.err().unwrap_or_default()[0].path, "");
    }

    #[test]
    fn an_unknown_field_is_a_problem_of_the_object_that_has_it() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Known {
            #[expect(dead_code, reason = "only read")]
            a: Option<Box<Known>>,
        }
        let path = |text| {
            inputs::<Known>(text).err().unwrap_or_default()[0]
                .path
                .clone()
        };
        assert_eq!(path(r#"{"b": 1}"#), "");
        assert_eq!(path(r#"{"a": {"b": 1}}"#), "/a");
    }

    #[test]
    fn what_has_no_json_form_is_a_failure() {
        assert!(text(&BTreeMap::from([(vec![1], 2)])).is_err());
        assert_eq!(text(&[1, 2]), Ok("[1,2]".to_owned()));
    }
}
