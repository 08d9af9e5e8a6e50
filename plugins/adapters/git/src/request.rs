//! The inputs, checked.
//!
//! Never: an input that a verb would not heed.

use serde::Deserialize;

/// The schema of the inputs, for hosts and people.
pub(crate) const INPUT_SCHEMA: &str = include_str!("../schema/inputs.json");

/// One thing that is wrong with the inputs: JSON pointer, stable word, sentence.
pub(crate) type Wrong = (String, &'static str, String);

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verb {
    Status,
    Diff,
    Log,
    Show,
    LsFiles,
    BranchList,
    Commit,
    BranchCreate,
    Apply,
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
            Self::Commit => "commit",
            Self::BranchCreate => "branch-create",
            Self::Apply => "apply",
        }
    }

    /// Whether it changes something.
    pub(crate) fn writes(self) -> bool {
        matches!(self, Self::Commit | Self::BranchCreate | Self::Apply)
    }
}

/// Who a commit is by.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Author {
    pub(crate) name: String,
    pub(crate) email: String,
}

impl Default for Author {
    /// Nobody's name: the one of the user is in a configuration that is not read.
    fn default() -> Self {
        Self {
            name: "remit".to_owned(),
            email: "remit@localhost".to_owned(),
        }
    }
}

/// What somebody wants done.
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
    #[serde(default)]
    pub(crate) all: bool,
    #[serde(default)]
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) author: Option<Author>,
    #[serde(default)]
    pub(crate) allow_empty: bool,
    #[serde(default)]
    pub(crate) unfiltered: bool,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) at: Option<String>,
    #[serde(default)]
    pub(crate) patch: Option<String>,
    #[serde(default)]
    pub(crate) patch_file: Option<String>,
    #[serde(default)]
    pub(crate) index: bool,
}

impl Request {
    /// Checks inputs.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn check(inputs: &str) -> Result<Self, Vec<Wrong>> {
        let request: Self = serde_json::from_str(inputs)
            .map_err(|error| vec![(String::new(), "type", error.to_string())])?;
        let mut wrong = request.unheeded();
        match request.verb {
            Verb::Commit => request.check_commit(&mut wrong),
            Verb::BranchCreate => request.check_branch(&mut wrong),
            Verb::Apply if request.patch.is_some() == request.patch_file.is_some() => {
                say(
                    &mut wrong,
                    "/patch",
                    "required",
                    "give `patch` or `patch_file`",
                );
            }
            Verb::Apply
            | Verb::Status
            | Verb::Diff
            | Verb::Log
            | Verb::Show
            | Verb::LsFiles
            | Verb::BranchList => {}
        }
        if wrong.is_empty() {
            Ok(request)
        } else {
            Err(wrong)
        }
    }

    /// What is given and would not be heeded.
    fn unheeded(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let name = self.verb.name();
        let mut unheeded = |field: &str, given: bool, heeded: bool| {
            if given && !heeded {
                let message = format!("`{name}` has no use for it");
                wrong.push((format!("/{field}"), "unheeded", message));
            }
        };
        let verb = self.verb;
        let of_commit = matches!(verb, Verb::Log | Verb::Show | Verb::Diff);
        unheeded("rev", self.rev.is_some(), of_commit);
        let compares = verb == Verb::Diff && self.rev.is_some();
        unheeded("to", self.to.is_some(), compares);
        let staged = verb == Verb::Diff && self.rev.is_none();
        unheeded("staged", self.staged, staged);
        // The default of the schema is there for every verb.
        let counted = verb == Verb::Log || self.count == Some(DEFAULT_COUNT);
        unheeded("count", self.count.is_some(), counted);
        let whole = matches!(
            verb,
            Verb::Status | Verb::BranchList | Verb::BranchCreate | Verb::Apply
        );
        unheeded("paths", !self.paths.is_empty(), !whole);
        let commits = verb == Verb::Commit;
        unheeded("all", self.all, commits);
        unheeded("message", self.message.is_some(), commits);
        unheeded("author", self.author.is_some(), commits);
        unheeded("allow_empty", self.allow_empty, commits);
        unheeded("unfiltered", self.unfiltered, commits);
        let branches = verb == Verb::BranchCreate;
        unheeded("name", self.name.is_some(), branches);
        unheeded("at", self.at.is_some(), branches);
        let applies = verb == Verb::Apply;
        unheeded("patch", self.patch.is_some(), applies);
        unheeded("patch_file", self.patch_file.is_some(), applies);
        unheeded("index", self.index, applies);
        wrong
    }

    fn check_commit(&self, wrong: &mut Vec<Wrong>) {
        if self.all != self.paths.is_empty() {
            let message = "give either `paths` or `all`";
            say(wrong, "/paths", "required", message);
        }
        match &self.message {
            Some(text) if !text.trim().is_empty() && !text.contains('\0') => {}
            Some(_) => say(wrong, "/message", "empty", "say what the commit does"),
            None => say(wrong, "/message", "required", "say what the commit does"),
        }
        let Some(author) = &self.author else {
            return;
        };
        for (field, text) in [("name", &author.name), ("email", &author.email)] {
            let odd = |one: char| one.is_control() || matches!(one, '<' | '>');
            // Git leaves out punctuation at the ends; nothing else would be no name.
            if text.chars().any(odd) || !text.chars().any(char::is_alphanumeric) {
                let message = "write letters or digits on one line, without `<` and `>`";
                say(wrong, &format!("/author/{field}"), "format", message);
            }
        }
    }

    fn check_branch(&self, wrong: &mut Vec<Wrong>) {
        match &self.name {
            None => say(wrong, "/name", "required", "name the branch"),
            Some(name) if is_branch_name(name) => {}
            Some(_) => {
                let message = "write letters, digits and `_ . / -`; no part begins with `.` or `-` or \
                               ends with `.` or `.lock`; not `HEAD`";
                say(wrong, "/name", "format", message);
            }
        }
    }

    /// The template that carries out a verb which only looks.
    pub(crate) fn template(&self) -> &'static str {
        match (self.verb, &self.rev) {
            (Verb::Diff, Some(_)) => "diff-revs",
            (Verb::Diff, None) if self.staged => "diff-staged",
            (verb, _) => verb.name(),
        }
    }
}

fn say(wrong: &mut Vec<Wrong>, path: &str, code: &'static str, message: &str) {
    wrong.push((path.to_owned(), code, message.to_owned()));
}

/// Longest name of a branch: below it fit a directory of refs, and `.lock`, on every file system.
const LONGEST_BRANCH: usize = 200;

/// Whether git would take it as the name of a branch; stricter than `git check-ref-format`.
pub(crate) fn is_branch_name(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '-'])
            && !part.ends_with('.')
            && !part.contains("..")
            && !part.to_ascii_lowercase().ends_with(".lock")
            && part
                .chars()
                .all(|one| one.is_ascii_alphanumeric() || "_.-".contains(one))
    };
    name.len() <= LONGEST_BRANCH && name != "HEAD" && name.split('/').all(part)
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
            (r#"{"verb": "status", "message": "x"}"#, "/message"),
            (r#"{"verb": "commit", "message": "x"}"#, "/paths"),
            (
                r#"{"verb": "commit", "message": "x", "all": true, "paths": ["a"]}"#,
                "/paths",
            ),
            (r#"{"verb": "commit", "all": true}"#, "/message"),
            (
                r#"{"verb": "commit", "all": true, "message": " \n"}"#,
                "/message",
            ),
            (
                r#"{"verb": "commit", "all": true, "message": "x", "author": {"name": "a\nb", "email": "a"}}"#,
                "/author/name",
            ),
            (
                r#"{"verb": "commit", "all": true, "message": "x", "author": {"name": "a", "email": "<>"}}"#,
                "/author/email",
            ),
            (r#"{"verb": "branch-create"}"#, "/name"),
            (r#"{"verb": "branch-create", "name": "a.lock"}"#, "/name"),
            (r#"{"verb": "apply"}"#, "/patch"),
            (
                r#"{"verb": "apply", "patch": "x", "patch_file": "x"}"#,
                "/patch",
            ),
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

    #[test]
    fn a_name_that_git_refuses_is_no_name_of_a_branch() {
        for name in ["a", "feature/x-1", "v1.2", "A_b"] {
            assert!(is_branch_name(name), "{name}");
        }
        for name in [
            "", "/a", "a/", "a//b", ".a", "a/.b", "-a", "a.", "a..b", "a.lock", "a.LOCK/b", "HEAD",
            "a b", "a~1", "a:b", "a@{1}", "ü", "a\\b",
        ] {
            assert!(!is_branch_name(name), "{name}");
        }
    }
}
