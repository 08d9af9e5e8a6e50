//! From the inputs that somebody said to a call of a tool.
//!
//! Whether the tool exists and takes these values is for the host to say. Never: a value changed
//! on the way, or a limit raised.

use std::collections::BTreeMap;

use remit_plugin_sdk::{Problem, SlotValue, Stdin, json};
use serde::Deserialize;

/// The schema of the inputs.
pub(crate) const INPUT_SCHEMA: &str = include_str!("../schema/inputs.json");

/// Most bytes of one stream that can be kept: the host's own limit for one run.
const MAX_OUTPUT: u32 = 16 << 20;

/// Bytes of one stream that are kept if nobody said otherwise: long logs fit, reports stay small.
const DEFAULT_OUTPUT: u32 = 1 << 20;

/// A request to run one tool.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) tool: String,
    pub(crate) template: String,
    #[serde(default)]
    slots: BTreeMap<String, Slot>,
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) cwd: Option<String>,
    #[serde(default)]
    stdin: Option<Input>,
    #[serde(default)]
    pub(crate) timeout_ms: Option<u32>,
    #[serde(default)]
    pub(crate) idle_ms: Option<u32>,
    #[serde(default = "default_output")]
    pub(crate) max_output: u32,
}

fn default_output() -> u32 {
    DEFAULT_OUTPUT
}

/// One value of a slot. Numbers are allowed because that is what people write for a count.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Number(i64),
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Slot {
    One(Scalar),
    Many(Vec<Scalar>),
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    File(File),
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    file: String,
}

impl Scalar {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
        }
    }
}

impl Request {
    /// Checks inputs.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn check(inputs: &str) -> Result<Self, Vec<Problem>> {
        let request: Self = json::inputs(inputs)?;
        let mut problems = Vec::new();
        for (path, text) in [("/tool", &request.tool), ("/template", &request.template)] {
            if text.is_empty() {
                problems.push(Problem::new(
                    path,
                    "missing",
                    "must be one of the owner's names",
                ));
            }
        }
        if !(1..=MAX_OUTPUT).contains(&request.max_output) {
            let message = format!("must be 1 to {MAX_OUTPUT} bytes");
            problems.push(Problem::new("/max_output", "range", message));
        }
        for (path, limit) in [
            ("/timeout_ms", request.timeout_ms),
            ("/idle_ms", request.idle_ms),
        ] {
            if limit == Some(0) {
                let message = "must be at least 1; leave it out for the tool's own limit";
                problems.push(Problem::new(path, "range", message));
            }
        }
        if problems.is_empty() {
            Ok(request)
        } else {
            Err(problems)
        }
    }

    /// What fills the slots, in the order of their names.
    pub(crate) fn slots(&self) -> Vec<(&str, SlotValue)> {
        let value = |slot: &Slot| match slot {
            Slot::One(scalar) => SlotValue::One(scalar.text()),
            Slot::Many(scalars) => SlotValue::Many(scalars.iter().map(Scalar::text).collect()),
        };
        self.slots
            .iter()
            .map(|(name, slot)| (name.as_str(), value(slot)))
            .collect()
    }

    /// What the tool reads.
    pub(crate) fn stdin(&self) -> Stdin {
        match &self.stdin {
            None => Stdin::Empty,
            Some(Input::Text(text)) => Stdin::Bytes(text.clone().into_bytes()),
            Some(Input::File(File { file })) => Stdin::File(file.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(inputs: &str, expected: &[(&str, &str)]) {
        let problems = Request::check(inputs).unwrap_err();
        let found: Vec<_> = problems
            .iter()
            .map(|one| (one.path.as_str(), one.code.as_str()))
            .collect();
        assert_eq!(found, expected, "{inputs}: {problems:?}");
    }

    #[test]
    fn a_whole_request() {
        let request = Request::check(
            r#"{"tool": "git", "template": "log", "slots": {"count": 5, "paths": ["a b", "-c"]},
                "env": {"LANG": "C"}, "cwd": "sub", "stdin": {"file": "in.txt"},
                "timeout_ms": 10, "idle_ms": 5, "max_output": 7}"#,
        )
        .unwrap();
        assert_eq!(
            request.slots(),
            [
                ("count", SlotValue::One("5".into())),
                ("paths", SlotValue::Many(vec!["a b".into(), "-c".into()])),
            ]
        );
        assert_eq!(request.stdin(), Stdin::File("in.txt".into()));
        assert_eq!((request.timeout_ms, request.idle_ms), (Some(10), Some(5)));
        assert_eq!(request.max_output, 7);
    }

    #[test]
    fn what_nobody_said_has_a_default() {
        let request = Request::check(r#"{"tool": "git", "template": "status"}"#).unwrap();
        assert!(request.slots().is_empty());
        assert_eq!(request.stdin(), Stdin::Empty);
        assert_eq!(request.cwd, None);
        let schema: serde_json::Value = serde_json::from_str(INPUT_SCHEMA).unwrap();
        let output = &schema["properties"]["max_output"];
        assert_eq!(output["default"], request.max_output);
        assert_eq!(output["maximum"], MAX_OUTPUT);
    }

    #[test]
    fn every_problem_is_found_at_once() {
        refused(
            r#"{"tool": "", "template": "", "max_output": 0, "timeout_ms": 0, "idle_ms": 0}"#,
            &[
                ("/tool", "missing"),
                ("/template", "missing"),
                ("/max_output", "range"),
                ("/timeout_ms", "range"),
                ("/idle_ms", "range"),
            ],
        );
        refused(
            r#"{"tool": "a", "template": "b", "max_output": 16777217}"#,
            &[("/max_output", "range")],
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        refused("{}", &[("", "type")]);
        refused(
            r#"{"tool": "a", "template": "b", "args": ["-rf"]}"#,
            &[("", "type")],
        );
        refused(
            r#"{"tool": "a", "template": "b", "slots": {"x": true}}"#,
            &[("/slots/x", "type")],
        );
        refused(
            r#"{"tool": "a", "template": "b", "slots": {"x": [["y"]]}}"#,
            &[("/slots/x", "type")],
        );
        refused(
            r#"{"tool": "a", "template": "b", "stdin": {"path": "x"}}"#,
            &[("/stdin", "type")],
        );
        refused(
            r#"{"tool": "a", "template": "b", "timeout_ms": -1}"#,
            &[("/timeout_ms", "type")],
        );
    }

    #[test]
    fn the_manifest_and_the_package_agree() {
        let manifest = include_str!("../remit-plugin.toml");
        for line in [
            format!("id = \"{}\"", env!("CARGO_PKG_NAME")),
            format!("version = \"{}\"", env!("CARGO_PKG_VERSION")),
        ] {
            assert!(manifest.lines().any(|one| one == line), "{line}");
        }
    }
}
