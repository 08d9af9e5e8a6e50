//! The inputs, checked.
//!
//! Never: a path that leaves the workspace.

use remit_plugin_library::path::SafePath;
use serde::Deserialize;

/// The schema of the inputs, for hosts and people.
pub(crate) const INPUT_SCHEMA: &str = include_str!("../schema/inputs.json");
/// The schema of the outputs.
pub(crate) const OUTPUT_SCHEMA: &str = include_str!("../schema/outputs.json");

/// One thing that is wrong with the inputs: JSON pointer, stable word, sentence.
pub(crate) type Wrong = (String, &'static str, String);

/// What to look at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) root: SafePath,
    pub(crate) config: Option<SafePath>,
    pub(crate) database: Option<SafePath>,
    pub(crate) table: String,
    pub(crate) hooks_module: SafePath,
    pub(crate) git_hook: SafePath,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    root: Option<String>,
    config: Option<String>,
    database: Option<String>,
    table: Option<String>,
    hooks_module: Option<String>,
    git_hook: Option<String>,
}

impl Request {
    /// Checks inputs.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn check(inputs: &str) -> Result<Self, Vec<Wrong>> {
        let said: Said = serde_json::from_str(inputs)
            .map_err(|error| vec![(String::new(), "type", error.to_string())])?;
        let mut wrong = Vec::new();
        let mut path = |name: &str, text: Option<&str>| {
            SafePath::parse(text?)
                .map_err(|problem| {
                    wrong.push((format!("/{name}"), problem.code(), problem.to_string()));
                })
                .ok()
        };
        let root = path("root", Some(said.root.as_deref().unwrap_or(".")));
        let config = path("config", said.config.as_deref());
        let database = path("database", said.database.as_deref());
        let module = said
            .hooks_module
            .as_deref()
            .unwrap_or("patterns/automation/integration/orchestrator_hooks.py");
        let hooks_module = path("hooks_module", Some(module));
        let hook = said
            .git_hook
            .as_deref()
            .unwrap_or("patterns/automation/hooks/pre-commit");
        let git_hook = path("git_hook", Some(hook));
        match (root, hooks_module, git_hook, wrong.is_empty()) {
            (Some(root), Some(hooks_module), Some(git_hook), true) => Ok(Self {
                root,
                config,
                database,
                table: said.table.unwrap_or_else(|| "execution_logs".to_owned()),
                hooks_module,
                git_hook,
            }),
            _ => Err(wrong),
        }
    }
}
