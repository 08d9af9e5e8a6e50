//! What a request to the mock adapter wants.
//!
//! Never: a default that differs from the schema's.

use std::collections::BTreeMap;

use serde::Deserialize;

/// How it ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The tool did what was asked.
    #[default]
    Success,
    /// The tool failed.
    Failure,
    /// It failed, and another try could help.
    FailedForNow,
    /// Done, and not good enough.
    Rejected,
    /// The tool is not there.
    Unavailable,
    /// The host asked for an end.
    Cancelled,
    /// A time limit passed.
    TimedOut,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Request {
    /// What the tool says.
    pub output: String,
    /// How it ends.
    pub outcome: Ending,
    /// What went wrong.
    pub message: String,
    /// How long the tool says that it took, in milliseconds.
    pub duration_ms: u32,
    /// How long the adapter waits, in milliseconds.
    pub wait_ms: u64,
    /// Files that it writes.
    pub files: BTreeMap<String, String>,
    /// Files that it claims to have changed.
    pub claims: Option<Vec<String>>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            output: "Mock output".to_owned(),
            outcome: Ending::Success,
            message: "as the request wants".to_owned(),
            duration_ms: 100,
            wait_ms: 0,
            files: BTreeMap::new(),
            claims: None,
        }
    }
}

impl Request {
    /// What it claims to have changed.
    #[must_use]
    pub fn claimed(&self) -> Vec<String> {
        match &self.claims {
            Some(claims) => claims.clone(),
            None => self.files.keys().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn defaults_are_those_of_the_schema() {
        let schema: Value = serde_json::from_str(include_str!("../schema/inputs.json")).unwrap();
        let mut given = serde_json::Map::new();
        for (name, part) in schema["properties"].as_object().unwrap() {
            if let Some(default) = part.get("default") {
                given.insert(name.clone(), default.clone());
            }
        }
        let request: Request = serde_json::from_value(Value::Object(given)).unwrap();
        assert_eq!(request, Request::default());
        assert_eq!(request, serde_json::from_value(json!({})).unwrap());
    }

    #[test]
    fn what_is_written_is_claimed_unless_something_else_is() {
        let of = |value| serde_json::from_value::<Request>(value).unwrap().claimed();
        assert_eq!(of(json!({"files": {"a": ""}})), ["a"]);
        assert_eq!(of(json!({"files": {"a": ""}, "claims": []})), [""; 0]);
    }
}
