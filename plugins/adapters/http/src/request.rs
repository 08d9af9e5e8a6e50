//! From the inputs that somebody said to one request.
//!
//! Whether it may be sent is for the host to say. Never: a header that was not asked for, but the
//! type of a body that is JSON.

use std::collections::BTreeMap;

use remit_plugin_sdk::{Problem, json};
use serde::Deserialize;
use serde_json::Value;

use crate::status::Expected;

/// The schema of the inputs.
pub(crate) const INPUT_SCHEMA: &str = include_str!("../schema/inputs.json");

/// Bytes of an answer that are kept if nobody said otherwise.
const DEFAULT_BODY: u32 = 1 << 20;

/// Longest time if nobody said otherwise, in milliseconds.
const DEFAULT_TIMEOUT_MS: u32 = 30_000;

/// Redirects that are followed if nobody said otherwise.
const DEFAULT_REDIRECTS: u32 = 5;

/// A request.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) url: String,
    #[serde(default = "get")]
    pub(crate) method: String,
    #[serde(default)]
    headers: BTreeMap<String, Values>,
    #[serde(default)]
    body: Option<Value>,
    #[serde(default)]
    pub(crate) body_file: Option<String>,
    #[serde(default)]
    pub(crate) expect_status: Expected,
    #[serde(default = "default_redirects")]
    pub(crate) max_redirects: u32,
    #[serde(default = "default_timeout")]
    pub(crate) timeout_ms: u32,
    #[serde(default)]
    pub(crate) save_to: Option<String>,
    #[serde(default = "default_body")]
    pub(crate) max_body: u32,
    #[serde(default)]
    pub(crate) idempotent: bool,
}

fn get() -> String {
    "GET".to_owned()
}
fn default_redirects() -> u32 {
    DEFAULT_REDIRECTS
}
fn default_timeout() -> u32 {
    DEFAULT_TIMEOUT_MS
}
fn default_body() -> u32 {
    DEFAULT_BODY
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Many(Vec<String>),
}

impl Request {
    /// Checks inputs.
    ///
    /// # Errors
    /// Everything that is wrong with them, as far as the host does not find it.
    pub(crate) fn check(inputs: &str) -> Result<Self, Vec<Problem>> {
        let request: Self = json::inputs(inputs)?;
        let mut problems = Vec::new();
        if request.body.is_some() && request.body_file.is_some() {
            let message = "a request has one body: leave out `body` or `body_file`";
            problems.push(Problem::new("/body_file", "conflict", message));
        }
        if let Some(unknown) = request.expect_status.unknown() {
            let message = format!("`{unknown}` is neither a status nor a class such as `2xx`");
            problems.push(Problem::new("/expect_status", "bad-status", message));
        }
        if request.idempotent && request.header("idempotency-key") {
            let message = "`idempotent` sets the header `Idempotency-Key`; leave one of them out";
            problems.push(Problem::new("/idempotent", "conflict", message));
        }
        for (path, file) in [
            ("/body_file", &request.body_file),
            ("/save_to", &request.save_to),
        ] {
            if file.as_deref().is_some_and(|file| !is_below(file)) {
                let message = "must be a path below the workspace, with `/`, without `.` and `..`";
                problems.push(Problem::new(path, "relpath", message));
            }
        }
        if problems.is_empty() {
            Ok(request)
        } else {
            Err(problems)
        }
    }

    /// Whether a header is among those that somebody said.
    fn header(&self, wanted: &str) -> bool {
        let mut names = self.headers.keys();
        names.any(|name| name.eq_ignore_ascii_case(wanted))
    }

    /// Names and values of the headers.
    pub(crate) fn headers(&self) -> Vec<(&str, &str)> {
        let mut headers = Vec::new();
        for (name, values) in &self.headers {
            match values {
                Values::One(value) => headers.push((name.as_str(), value.as_str())),
                Values::Many(values) => {
                    headers.extend(values.iter().map(|value| (name.as_str(), value.as_str())));
                }
            }
        }
        if self.body.as_ref().is_some_and(|body| !body.is_string()) && !self.header("content-type")
        {
            headers.push(("content-type", "application/json"));
        }
        headers
    }

    /// The body that stands in the inputs.
    pub(crate) fn body(&self) -> Option<Vec<u8>> {
        self.body.as_ref().map(|body| match body {
            Value::String(text) => text.clone().into_bytes(),
            other => other.to_string().into_bytes(),
        })
    }
}

/// Whether a path has only names, so that it stays below the workspace. What it may reach there the
/// host decides.
fn is_below(path: &str) -> bool {
    path.split('/').all(|name| !matches!(name, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(inputs: &str) -> Vec<(String, String)> {
        let problems = Request::check(inputs).err().unwrap_or_default();
        problems
            .into_iter()
            .map(|problem| (problem.path, problem.code))
            .collect()
    }

    #[test]
    fn little_is_needed_and_the_rest_has_defaults() {
        let request = Request::check(r#"{"url": "https://x/"}"#).unwrap();
        assert_eq!(request.method, "GET");
        assert_eq!((request.max_redirects, request.timeout_ms), (5, 30_000));
        assert_eq!(request.max_body, 1 << 20);
        assert_eq!((request.body(), request.headers()), (None, Vec::new()));
        assert!(request.expect_status.holds(200));
    }

    #[test]
    fn a_body_that_is_no_text_is_json_and_says_so() {
        let request = Request::check(
            r#"{"url": "u", "body": {"a": [1]}, "headers": {"x": ["1", "2"], "Accept": "a"}}"#,
        )
        .unwrap();
        assert_eq!(request.body().unwrap(), br#"{"a":[1]}"#);
        assert_eq!(
            request.headers(),
            [
                ("Accept", "a"),
                ("x", "1"),
                ("x", "2"),
                ("content-type", "application/json"),
            ]
        );
        let own = r#"{"url": "u", "body": [], "headers": {"Content-Type": "application/x"}}"#;
        let own = Request::check(own).unwrap();
        assert_eq!(own.headers(), [("Content-Type", "application/x")]);
        let text = Request::check(r#"{"url": "u", "body": "a\n"}"#).unwrap();
        assert_eq!(text.body().unwrap(), b"a\n");
        assert_eq!(text.headers(), []);
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let found = codes(
            r#"{"url": "u", "body": "a", "body_file": "../x", "save_to": "/etc/passwd",
                "expect_status": [200, "ok"], "idempotent": true,
                "headers": {"IDEMPOTENCY-KEY": "1"}}"#,
        );
        let expected = [
            ("/body_file", "conflict"),
            ("/expect_status", "bad-status"),
            ("/idempotent", "conflict"),
            ("/body_file", "relpath"),
            ("/save_to", "relpath"),
        ]
        .map(|(path, code)| (path.to_owned(), code.to_owned()));
        assert_eq!(found, expected);
        assert_eq!(codes(r#"{"url": "u", "more": 1}"#)[0].1, "type");
    }
}
