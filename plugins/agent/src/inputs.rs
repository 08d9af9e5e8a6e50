//! What is asked of an agent: the same for all of them, so that a plan can name one in place of
//! another.
//!
//! Never: a value changed on the way, or a prompt that becomes an argument.

use remit_plugin_sdk::{Problem, json};
use serde::Deserialize;

/// The schema of the inputs.
pub const INPUT_SCHEMA: &str = include_str!("../schema/inputs.json");

/// Longest prompt in bytes: far above what models read, below what standard input takes.
pub const MAX_PROMPT: usize = 4 << 20;

/// How often an agent may ask its provider again if nobody said otherwise. Agents' own limits are
/// 5 to 10, and some have none.
const RETRY_BUDGET: u32 = 5;

/// A request to an agent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What the agent is asked to do.
    pub prompt: String,
    /// Files that the work is about, relative to the workspace.
    #[serde(default)]
    pub files: Vec<String>,
    /// The model by the provider's name.
    #[serde(default)]
    pub model: Option<String>,
    /// Whether an answer without a changed file is no success.
    #[serde(default = "yes")]
    pub expect_changes: bool,
    /// Most steps of the agent.
    #[serde(default)]
    pub max_turns: Option<u32>,
    /// Commands that the agent may run, where it can be told.
    #[serde(default)]
    pub allow_commands: Vec<String>,
    /// How often the agent may ask its provider again before it is ended.
    #[serde(default = "retry_budget")]
    pub retry_budget: u32,
    /// Wall-clock limit in milliseconds.
    #[serde(default)]
    pub timeout_ms: Option<u32>,
    /// Limit on silence in milliseconds.
    #[serde(default)]
    pub idle_ms: Option<u32>,
    /// The owner's name for the tool, where an adapter is for more than one (`acp`).
    #[serde(default)]
    pub agent: Option<String>,
}

fn yes() -> bool {
    true
}

fn retry_budget() -> u32 {
    RETRY_BUDGET
}

impl Request {
    /// Reads inputs and checks what a schema cannot say. `names_agent` says whether the adapter is
    /// told which tool to use.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn check(inputs: &str, names_agent: bool) -> Result<Self, Vec<Problem>> {
        let request: Self = json::inputs(inputs)?;
        let mut problems = Vec::new();
        let mut wrong = |path: String, code: &str, message: &str| {
            problems.push(Problem::new(path, code, message));
        };
        if request.prompt.trim().is_empty() {
            wrong("/prompt".into(), "missing", "say what the agent should do");
        }
        if request.prompt.len() > MAX_PROMPT {
            wrong("/prompt".into(), "too-long", "a prompt has at most 4 MiB");
        }
        if request.agent.is_some() != names_agent {
            let message = if names_agent {
                "name the tool that speaks the protocol, for example `opencode`"
            } else {
                "this adapter is for one tool; leave it out"
            };
            wrong("/agent".into(), "agent", message);
        }
        for (index, file) in request.files.iter().enumerate() {
            if !is_relative(file) {
                let message = "write a path below the workspace, with `/` and without `..`";
                wrong(format!("/files/{index}"), "relpath", message);
            }
        }
        for (index, command) in request.allow_commands.iter().enumerate() {
            if command.trim().is_empty() || command.chars().any(char::is_control) {
                let message = "write one command on one line, for example `python3 *`";
                wrong(format!("/allow_commands/{index}"), "command", message);
            }
        }
        for (path, zero) in [
            ("/max_turns", request.max_turns == Some(0)),
            ("/timeout_ms", request.timeout_ms == Some(0)),
            ("/idle_ms", request.idle_ms == Some(0)),
        ] {
            if zero {
                wrong(path.into(), "range", "must be at least 1, or left out");
            }
        }
        if problems.is_empty() {
            Ok(request)
        } else {
            Err(problems)
        }
    }
}

/// Whether this is a path below the workspace that no program takes for an option.
fn is_relative(path: &str) -> bool {
    !path.is_empty()
        && !path.starts_with(['/', '-'])
        && !path.chars().any(char::is_control)
        && path.split('/').all(|part| !matches!(part, "" | ".." | "."))
}

/// The prompt with the files that it is about, for agents that have no other way to be told.
#[must_use]
pub fn with_files(request: &Request) -> String {
    if request.files.is_empty() {
        return request.prompt.clone();
    }
    let files: String = request
        .files
        .iter()
        .map(|file| format!("- {file}\n"))
        .collect();
    format!(
        "{}\n\nThe work is about these files:\n{files}",
        request.prompt
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(inputs: &str, names_agent: bool, expected: &[(&str, &str)]) {
        let problems = Request::check(inputs, names_agent).unwrap_err();
        let found: Vec<_> = problems
            .iter()
            .map(|one| (one.path.as_str(), one.code.as_str()))
            .collect();
        assert_eq!(found, expected, "{inputs}");
    }

    #[test]
    fn what_nobody_said_has_the_defaults_of_the_schema() {
        let request = Request::check(r#"{"prompt": "x"}"#, false).unwrap();
        let schema: serde_json::Value = serde_json::from_str(INPUT_SCHEMA).unwrap();
        let properties = &schema["properties"];
        assert_eq!(properties["retry_budget"]["default"], request.retry_budget);
        assert_eq!(
            properties["expect_changes"]["default"],
            request.expect_changes
        );
        assert!(request.files.is_empty() && request.allow_commands.is_empty());
    }

    #[test]
    fn every_problem_is_found_at_once() {
        refused(
            r#"{"prompt": " ", "files": ["ok", "../x", "/y", "-z"], "allow_commands": ["a\nb"],
                "max_turns": 0, "timeout_ms": 0, "idle_ms": 0}"#,
            false,
            &[
                ("/prompt", "missing"),
                ("/files/1", "relpath"),
                ("/files/2", "relpath"),
                ("/files/3", "relpath"),
                ("/allow_commands/0", "command"),
                ("/max_turns", "range"),
                ("/timeout_ms", "range"),
                ("/idle_ms", "range"),
            ],
        );
        refused(r#"{"prompt": "x", "argv": []}"#, false, &[("", "type")]);
        refused(r#"{"prompt": "x"}"#, true, &[("/agent", "agent")]);
        refused(
            r#"{"prompt": "x", "agent": "y"}"#,
            false,
            &[("/agent", "agent")],
        );
    }

    #[test]
    fn files_are_told_in_the_prompt() {
        let request = Request::check(r#"{"prompt": "Fix", "files": ["a.py"]}"#, false).unwrap();
        let told = with_files(&request);
        assert!(
            told.starts_with("Fix\n") && told.contains("- a.py\n"),
            "{told}"
        );
    }
}
