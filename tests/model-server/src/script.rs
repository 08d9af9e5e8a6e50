//! What the model says, as people write it: JSON with steps.
//!
//! ```json
//! { "steps": [ { "text": "I look.", "tool": "Read", "args": { "file_path": "${workspace}/a.py" } },
//!              { "text": "Done." } ],
//!   "plain": "A title",
//!   "match": [ { "contains": "commit message", "text": "fix: a" } ] }
//! ```
//!
//! Never: a script that is half understood. An unknown key is a mistake.

use serde::Deserialize;
use serde_json::Value;

use crate::asked::Asked;

/// Why a script cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// It is no JSON of this form.
    #[error("the script is not one: {0}; see the head of tests/model-server/src/script.rs")]
    Form(#[from] serde_json::Error),
    /// `steps` and `plain` are both missing, so nothing could be said.
    #[error("the script has neither `steps` nor `plain`; add one of them")]
    Silent,
    /// `contains` is missing where it chooses, or is where it chooses nothing.
    #[error("{0} of the script: {1}")]
    Choice(String, &'static str),
}

/// A whole script.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Said to requests with tools: the first one to a request without tool results, the second one
    /// to a request with one, and so on; the last one to all that have more.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// Said to requests that offer no tools: titles, commit messages, agents that edit by text.
    /// Without it they get steps, too.
    #[serde(default)]
    pub plain: Option<String>,
    /// Said before anything else to requests in whose JSON a text occurs.
    #[serde(default, rename = "match")]
    pub matching: Vec<Step>,
}

/// One answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// In `match` only: the text by which the request is known.
    #[serde(default)]
    pub contains: Option<String>,
    /// What is said.
    #[serde(default)]
    pub text: Option<String>,
    /// A tool that is called.
    #[serde(default)]
    pub tool: Option<String>,
    /// The arguments of `tool`.
    #[serde(default)]
    pub args: Value,
    /// Whether `tool` takes a text instead of JSON (custom tools of the responses API).
    #[serde(default)]
    pub custom: bool,
    /// The namespace of `tool` (responses API).
    #[serde(default)]
    pub namespace: Option<String>,
    /// More tools that are called at once.
    #[serde(default)]
    pub tools: Vec<Call>,
    /// An HTTP status instead of an answer.
    #[serde(default)]
    pub status: Option<u16>,
    /// The body that goes with `status`.
    #[serde(default)]
    pub error: Option<Value>,
    /// Seconds until the answer begins.
    #[serde(default)]
    pub sleep: f64,
    /// Seconds between two events of a stream.
    #[serde(default)]
    pub pace: f64,
    /// The request is taken and no answer comes, not even a header.
    #[serde(default)]
    pub hang: bool,
    /// The connection is cut after so many events of a stream; an answer that is no stream is cut in
    /// its middle.
    #[serde(default)]
    pub cut: Option<usize>,
    /// The tokens that are counted for it.
    #[serde(default)]
    pub usage: Usage,
}

/// A call of a tool.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The tool's name.
    pub name: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Value,
    /// See [`Step::custom`].
    #[serde(default)]
    pub custom: bool,
    /// See [`Step::namespace`].
    #[serde(default)]
    pub namespace: Option<String>,
}

/// Tokens of one answer. What they are for the agent follows from the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Of the request.
    #[serde(default = "input")]
    pub input: u64,
    /// Of the answer.
    #[serde(default = "output")]
    pub output: u64,
}

/// What a request costs if the script does not say.
fn input() -> u64 {
    1_000
}

/// What an answer costs if the script does not say.
fn output() -> u64 {
    50
}

impl Default for Usage {
    fn default() -> Self {
        Self {
            input: input(),
            output: output(),
        }
    }
}

impl Script {
    /// Reads a script. `${NAME}` in it stands for the value of that name, as part of a JSON text.
    ///
    /// # Errors
    /// It is not of the form above, or could never say anything.
    pub fn parse(text: &str, values: &[(&str, &str)]) -> Result<Self, ScriptError> {
        let mut filled = text.to_owned();
        for (name, value) in values {
            let quoted = Value::from(*value).to_string();
            let inner = quoted.get(1..quoted.len() - 1).unwrap_or_default();
            filled = filled.replace(&format!("${{{name}}}"), inner);
        }
        let script: Self = serde_json::from_str(&filled)?;
        if script.steps.is_empty() && script.plain.is_none() {
            return Err(ScriptError::Silent);
        }
        for (index, step) in script.matching.iter().enumerate() {
            if step.contains.as_deref().unwrap_or_default().is_empty() {
                let place = format!("match[{index}]");
                return Err(ScriptError::Choice(
                    place,
                    "add the text that it `contains`",
                ));
            }
        }
        if let Some(index) = script.steps.iter().position(|step| step.contains.is_some()) {
            let place = format!("steps[{index}]");
            let problem = "`contains` chooses nothing here; move the step to `match`";
            return Err(ScriptError::Choice(place, problem));
        }
        Ok(script)
    }

    /// The step for a request.
    pub(crate) fn step(&self, asked: &Asked) -> Step {
        let known = |step: &&Step| {
            let text = step.contains.as_deref();
            text.is_some_and(|text| asked.mentions(text))
        };
        if let Some(step) = self.matching.iter().find(known) {
            return step.clone();
        }
        let plain = self.plain.as_ref().map(|text| Step {
            text: Some(text.clone()),
            ..Step::default()
        });
        let step = self.steps.get(asked.results).or(self.steps.last());
        let chosen = if asked.tools {
            step.cloned().or(plain)
        } else {
            plain.or_else(|| step.cloned())
        };
        chosen.unwrap_or_default()
    }
}

impl Step {
    /// All tools that are called.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let one = self.tool.as_ref().map(|name| Call {
            name: name.clone(),
            args: self.args.clone(),
            custom: self.custom,
            namespace: self.namespace.clone(),
        });
        self.tools.iter().cloned().chain(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SCRIPT: &str = r#"{
        "steps": [{"text": "first", "tool": "Read", "args": {"path": "${workspace}/a"}},
                  {"text": "second"}],
        "plain": "a title",
        "match": [{"contains": "commit message", "text": "fix: it"}]
    }"#;

    fn said(request: Value) -> String {
        let script = Script::parse(SCRIPT, &[("workspace", "/w")]).unwrap();
        let asked = Asked::new("/v1/messages", &request).unwrap();
        script.step(&asked).text.unwrap()
    }

    #[test]
    fn the_step_is_told_by_the_tool_results_in_the_request() {
        let with = |messages: Value| json!({"tools": [{}], "messages": messages});
        assert_eq!(said(with(json!([]))), "first");
        assert_eq!(said(with(json!([{"role": "tool"}]))), "second");
        let twice = json!([{"role": "tool"}, {"role": "tool"}, {"role": "tool"}]);
        assert_eq!(
            said(with(twice)),
            "second",
            "the last one is for all that have more"
        );
    }

    #[test]
    fn what_offers_no_tools_is_plain_and_what_matches_comes_first() {
        assert_eq!(said(json!({"messages": []})), "a title");
        let message = json!([{"role": "user", "content": "write a commit message"}]);
        assert_eq!(said(json!({"tools": [{}], "messages": message})), "fix: it");
    }

    #[test]
    fn values_are_filled_in_as_json_texts() {
        let script = Script::parse(SCRIPT, &[("workspace", "/a \"b\"")]).unwrap();
        assert_eq!(script.steps[0].args, json!({"path": "/a \"b\"/a"}));
    }

    #[test]
    fn a_script_that_cannot_be_meant_is_a_mistake() {
        for (text, says) in [
            ("{}", "neither"),
            (r#"{"steps": [{"txt": "a"}]}"#, "txt"),
            (r#"{"steps": [{"contains": "a"}]}"#, "steps[0]"),
            (r#"{"plain": "a", "match": [{"text": "a"}]}"#, "match[0]"),
            ("[", "EOF"),
        ] {
            let error = Script::parse(text, &[]).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
