//! JSON in and out, as typed values.
//!
//! The host has checked inputs against the plugin's schema before it calls; [`inputs`] turns them
//! into the plugin's own type and still refuses what does not fit.
//!
//! Never: a default in place of a value that could not be read.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Failure, Problem};

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
/// One problem with the code `type` that says what was found and where.
pub fn inputs<T: DeserializeOwned>(text: &str) -> Result<T, Vec<Problem>> {
    serde_json::from_str(text).map_err(|error| vec![Problem::new("", "type", error.to_string())])
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
    fn what_has_no_json_form_is_a_failure() {
        assert!(text(&BTreeMap::from([(vec![1], 2)])).is_err());
        assert_eq!(text(&[1, 2]), Ok("[1,2]".to_owned()));
    }
}
