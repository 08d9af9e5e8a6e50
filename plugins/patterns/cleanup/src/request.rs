//! The inputs, checked.
//!
//! Never: a path that leaves the workspace.

use remit_plugin_library::path::SafePath;
use remit_plugin_library::validation::{Fields, Problems, Wrong, parse, pointer};

use crate::config::KNOWN;
use crate::testing::{Runner, Tests};

/// The schema of the inputs, for hosts and people.
pub(crate) const INPUT_SCHEMA: &str = include_str!("../schema/inputs.json");
/// The schema of the outputs.
pub(crate) const OUTPUT_SCHEMA: &str = include_str!("../schema/outputs.json");

/// What somebody wants.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) config: Option<SafePath>,
    pub(crate) patterns: Option<Vec<String>>,
    pub(crate) dry_run: Option<bool>,
    pub(crate) auto_approve: bool,
    /// Nothing if the configuration decides; `Some(None)` if no tests are to be run.
    pub(crate) tests: Option<Option<Tests>>,
}

impl Request {
    /// Checks inputs.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn check(inputs: &str) -> Result<Self, Vec<Wrong>> {
        let value = parse(inputs)?;
        let mut problems = Problems::new();
        let Some(mut fields) = Fields::of(&value, "", &mut problems) else {
            return problems.check(None);
        };
        let config = fields
            .text("config", &mut problems)
            .and_then(|text| path(text, "/config", &mut problems));
        let patterns = fields.texts("patterns", &mut problems);
        for (index, name) in patterns.iter().flatten().enumerate() {
            if !KNOWN.iter().any(|(id, _)| id == name) {
                let known = KNOWN.map(|(id, _)| id).join(", ");
                problems.add(
                    pointer("/patterns", &index.to_string()),
                    "enum",
                    format!("`{name}` is not one of {known}"),
                );
            }
        }
        let dry_run = fields.flag("dry_run", &mut problems);
        let auto_approve = fields
            .flag("auto_approve", &mut problems)
            .unwrap_or_default();
        let runner = fields.word("tests", &Runner::WORDS, &mut problems);
        let mut paths = Vec::new();
        for text in fields
            .texts("test_paths", &mut problems)
            .unwrap_or_default()
        {
            paths.extend(path(text, "/test_paths", &mut problems).map(|path| path.to_string()));
        }
        let tests = match runner {
            Some(Some(runner)) => Some(Some(Tests { runner, paths })),
            Some(None) => Some(None),
            None => {
                if !paths.is_empty() {
                    problems.add("/test_paths", "without", "needs `tests`");
                }
                None
            }
        };
        fields.finish(&mut problems);
        problems.check(Some(Self {
            config,
            patterns: patterns.map(|all| all.into_iter().map(str::to_owned).collect()),
            dry_run,
            auto_approve,
            tests,
        }))
    }
}

fn path(text: &str, at: &str, problems: &mut Problems) -> Option<SafePath> {
    SafePath::parse(text)
        .map_err(|error| problems.add(at, error.code(), error.to_string()))
        .ok()
}
