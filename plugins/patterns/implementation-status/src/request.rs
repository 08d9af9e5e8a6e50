//! The inputs, checked.
//!
//! Never: a path that leaves the workspace.

use remit_plugin_library::path::SafePath;
use serde::Deserialize;

/// The schema of the inputs, for hosts and people.
pub(crate) const INPUT_SCHEMA: &str = include_str!("../schema/inputs.json");
/// The schema of the outputs.
pub(crate) const OUTPUT_SCHEMA: &str = include_str!("../schema/outputs.json");

/// Where the report of phases usually is.
const USUAL_STATUS_FILE: &str = "patterns/IMPLEMENTATION_STATUS.md";

/// One thing that is wrong with the inputs: JSON pointer, stable word, sentence.
pub(crate) type Wrong = (String, &'static str, String);

/// What to look at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) registry: SafePath,
    pub(crate) status_file: SafePath,
    /// Whether it is a mistake if `status_file` is not there.
    pub(crate) status_named: bool,
    pub(crate) root: SafePath,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    #[serde(default = "registry")]
    registry: String,
    status_file: Option<String>,
    #[serde(default = "root")]
    root: String,
}

fn registry() -> String {
    "patterns/registry/PATTERN_INDEX.yaml".to_owned()
}
fn root() -> String {
    ".".to_owned()
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
        let mut path = |name: &str, text: &str| {
            SafePath::parse(text)
                .map_err(|problem| {
                    wrong.push((format!("/{name}"), problem.code(), problem.to_string()));
                })
                .ok()
        };
        let registry = path("registry", &said.registry);
        let status_file = path(
            "status_file",
            said.status_file.as_deref().unwrap_or(USUAL_STATUS_FILE),
        );
        let root = path("root", &said.root);
        match (registry, status_file, root) {
            (Some(registry), Some(status_file), Some(root)) => Ok(Self {
                registry,
                status_file,
                status_named: said.status_file.is_some(),
                root,
            }),
            _ => Err(wrong),
        }
    }
}
