//! What a request asks of a person: read from JSON, every mistake at once.
//!
//! Never: a path that leaves the workspace.

use std::collections::BTreeSet;

use remit_plugin_sdk::Problem;
use serde::Deserialize;

/// Longest instructions in bytes; with the list of files they are one question, which has 16 KiB.
const MAX_INSTRUCTIONS: usize = 12 << 10;
/// Most files that can be expected. More is a directory.
const MAX_EXPECTED: usize = 64;
/// Longest path in bytes, so that the list of files fits the question.
const MAX_PATH: usize = 50;

/// What the host checks before this code does.
pub(crate) const INPUT_SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["instructions"],
  "additionalProperties": false,
  "properties": {
    "instructions": {
      "type": "string", "minLength": 1,
      "description": "What the person is to do: plain text, at most 12 KiB."
    },
    "expect": {
      "type": "array", "maxItems": 64, "items": {"type": "string", "minLength": 1},
      "description": "Files of the workspace that must be there afterwards, relative to it."
    },
    "deadline_ms": {
      "type": "integer", "minimum": 1, "maximum": 31622400000,
      "description": "How long the person may take, in milliseconds. Without end if absent."
    }
  }
}"#;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// What the person is to do.
    pub(crate) instructions: String,
    /// Files that must be there afterwards.
    #[serde(default)]
    pub(crate) expect: Vec<String>,
    /// How long it may take.
    pub(crate) deadline_ms: Option<u64>,
}

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn check(inputs: &str) -> Result<Self, Vec<Problem>> {
        let request: Self = serde_json::from_str(inputs)
            .map_err(|error| vec![Problem::new("", "invalid", error.to_string())])?;
        let mut problems = Vec::new();
        let size = request.instructions.len();
        if request.instructions.trim().is_empty() {
            let message = "say what the person is to do";
            problems.push(Problem::new("/instructions", "empty", message));
        } else if size > MAX_INSTRUCTIONS {
            let message = format!(
                "{size} bytes, the limit is {MAX_INSTRUCTIONS}; write them into a file and name it"
            );
            problems.push(Problem::new("/instructions", "too-long", message));
        }
        if request.expect.len() > MAX_EXPECTED {
            let message = format!("name at most {MAX_EXPECTED} files");
            problems.push(Problem::new("/expect", "too-many", message));
        }
        let mut seen = BTreeSet::new();
        for (index, path) in request.expect.iter().enumerate() {
            let pointer = format!("/expect/{index}");
            if !is_path(path) {
                let message = format!(
                    "write a path below the workspace, of at most {MAX_PATH} bytes, without `.` and `..`"
                );
                problems.push(Problem::new(pointer, "not-a-path", message));
            } else if !seen.insert(path) {
                problems.push(Problem::new(pointer, "duplicate", "it is there twice"));
            }
        }
        if problems.is_empty() {
            Ok(request)
        } else {
            Err(problems)
        }
    }

    /// What the person reads.
    pub(crate) fn question(&self) -> String {
        let mut text = self.instructions.trim_end().to_owned();
        if !self.expect.is_empty() {
            text.push_str("\n\nAfterwards these files must be there:");
            for path in &self.expect {
                text.push_str("\n  ");
                text.push_str(path);
            }
        }
        text
    }
}

fn is_path(path: &str) -> bool {
    (1..=MAX_PATH).contains(&path.len())
        && !path.contains(['\0', '\n', '\\'])
        && path.split('/').all(|name| !matches!(name, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn codes(inputs: &str) -> Vec<(String, String)> {
        let problems = Request::check(inputs).unwrap_err();
        problems
            .into_iter()
            .map(|problem| (problem.path, problem.code))
            .collect()
    }

    #[test]
    fn every_mistake_is_said_at_once() {
        let long = "x".repeat(MAX_INSTRUCTIONS + 1);
        let pair = |path: &str, code: &str| (path.to_owned(), code.to_owned());
        assert_eq!(
            codes(r#"{"instructions": " ", "expect": ["../x", "a", "a", "/b", "c//d"]}"#),
            [
                pair("/instructions", "empty"),
                pair("/expect/0", "not-a-path"),
                pair("/expect/2", "duplicate"),
                pair("/expect/3", "not-a-path"),
                pair("/expect/4", "not-a-path"),
            ]
        );
        let long = format!(r#"{{"instructions": "{long}"}}"#);
        assert_eq!(codes(&long), [pair("/instructions", "too-long")]);
        assert_eq!(codes("{}"), [pair("", "invalid")]);
    }

    #[test]
    fn the_largest_request_fits_one_question() {
        let path = |index: usize| format!("{index:0>width$}", width = MAX_PATH);
        let request = Request {
            instructions: "x".repeat(MAX_INSTRUCTIONS),
            expect: (0..MAX_EXPECTED).map(path).collect(),
            deadline_ms: None,
        };
        assert!(request.expect.iter().all(|path| is_path(path)));
        assert!(request.question().len() <= 16 << 10);
    }

    #[test]
    fn the_person_reads_what_to_do_and_what_must_be_there() {
        let request = r#"{"instructions": "Turn the key.\n", "expect": ["out/log"]}"#;
        let question = Request::check(request).unwrap().question();
        assert_eq!(
            question,
            "Turn the key.\n\nAfterwards these files must be there:\n  out/log"
        );
    }
}
