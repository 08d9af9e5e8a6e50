//! The inputs, checked.
//!
//! Never: an input that a verb would not heed.

use serde::Deserialize;

/// The schema of the inputs, for hosts and people.
pub(crate) const INPUT_SCHEMA: &str = include_str!("../schema/inputs.json");

/// One thing that is wrong with the inputs: JSON pointer, stable word, sentence.
pub(crate) type Wrong = (String, &'static str, String);

/// What to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verb {
    Status,
    Diff,
    Log,
    Show,
    LsFiles,
    BranchList,
}

impl Verb {
    /// Its name, which is also that of its template.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Diff => "diff",
            Self::Log => "log",
            Self::Show => "show",
            Self::LsFiles => "ls-files",
            Self::BranchList => "branch-list",
        }
    }
}

/// What somebody wants to see.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) verb: Verb,
    #[serde(default)]
    pub(crate) rev: Option<String>,
    #[serde(default)]
    pub(crate) to: Option<String>,
    #[serde(default)]
    pub(crate) staged: bool,
    #[serde(default)]
    pub(crate) count: Option<u32>,
    #[serde(default)]
    pub(crate) paths: Vec<String>,
}

impl Request {
    /// Checks inputs.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn check(inputs: &str) -> Result<Self, Vec<Wrong>> {
        let request: Self = serde_json::from_str(inputs)
            .map_err(|error| vec![(String::new(), "type", error.to_string())])?;
        let mut wrong = Vec::new();
        let name = request.verb.name();
        let mut unheeded = |field: &str, given: bool, heeded: bool| {
            if given && !heeded {
                let message = format!("`{name}` has no use for it");
                wrong.push((format!("/{field}"), "unheeded", message));
            }
        };
        let verb = request.verb;
        let of_commit = matches!(verb, Verb::Log | Verb::Show | Verb::Diff);
        unheeded("rev", request.rev.is_some(), of_commit);
        let compares = verb == Verb::Diff && request.rev.is_some();
        unheeded("to", request.to.is_some(), compares);
        let staged = verb == Verb::Diff && request.rev.is_none();
        unheeded("staged", request.staged, staged);
        // The default of the schema is there for every verb.
        let counted = verb == Verb::Log || request.count == Some(DEFAULT_COUNT);
        unheeded("count", request.count.is_some(), counted);
        let whole = matches!(verb, Verb::Status | Verb::BranchList);
        unheeded("paths", !request.paths.is_empty(), !whole);
        if wrong.is_empty() {
            Ok(request)
        } else {
            Err(wrong)
        }
    }

    /// The template that carries it out.
    pub(crate) fn template(&self) -> &'static str {
        match (self.verb, &self.rev) {
            (Verb::Diff, Some(_)) => "diff-revs",
            (Verb::Diff, None) if self.staged => "diff-staged",
            (verb, _) => verb.name(),
        }
    }
}

/// How many commits `log` says without being told.
const DEFAULT_COUNT: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_verb_does_not_heed_is_wrong() {
        for (inputs, path) in [
            (r#"{"verb": "status", "paths": ["a"]}"#, "/paths"),
            (r#"{"verb": "status", "rev": "HEAD"}"#, "/rev"),
            (r#"{"verb": "diff", "to": "HEAD"}"#, "/to"),
            (r#"{"verb": "diff", "rev": "a", "staged": true}"#, "/staged"),
            (r#"{"verb": "show", "count": 3}"#, "/count"),
            (r#"{"verb": "push"}"#, ""),
        ] {
            let wrong = Request::check(inputs).unwrap_err();
            assert_eq!(wrong.len(), 1, "{inputs}");
            assert_eq!(wrong[0].0, path, "{inputs}");
        }
        let template = |inputs: &str| Request::check(inputs).unwrap().template();
        assert_eq!(template(r#"{"verb": "diff"}"#), "diff");
        assert_eq!(
            template(r#"{"verb": "diff", "staged": true}"#),
            "diff-staged"
        );
        assert_eq!(template(r#"{"verb": "diff", "rev": "a"}"#), "diff-revs");
        assert_eq!(template(r#"{"verb": "show", "count": 50}"#), "show");
        let schema: serde_json::Value = serde_json::from_str(INPUT_SCHEMA).unwrap();
        assert_eq!(schema["properties"]["count"]["default"], DEFAULT_COUNT);
    }
}
