//! The switches of a configuration, each with its value and the line where it stands.
//!
//! Never: a default in place of a switch that is not there.

use std::path::Path;

use remit_plugin_library::path::SafePath;
use remit_plugin_survey::{Kind, MOST_YAML_BYTES, kind, read, read_yaml};
use serde::Serialize;
use serde_json::Value;

/// Where a configuration usually is.
const USUAL: [&str; 4] = [
    "patterns/automation/config/detection_config.yaml",
    "automation/config/detection_config.yaml",
    "config/detection_config.yaml",
    "detection_config.yaml",
];
/// Switches that are reported whether they are there or not.
const EXPECTED: [&str; 9] = [
    "automation_enabled",
    "auto_approve_high_confidence",
    "detection.min_similar_executions",
    "detection.similarity_threshold",
    "detection.lookback_days",
    "detection.auto_approval_confidence",
    "database.path",
    "anti_patterns.enabled",
    "file_patterns.enabled",
];
/// Most switches that are reported: the known file has fourteen.
const MOST_SWITCHES: usize = 500;
/// The switch that turns everything on.
pub(crate) const MAIN: &str = "automation_enabled";

/// One switch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Switch {
    pub(crate) name: String,
    pub(crate) value: Value,
    /// Whether it has a value.
    pub(crate) known: bool,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<usize>,
    pub(crate) reason: Option<String>,
}

/// What is known of a configuration.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) path: SafePath,
    /// Why it was not read, if it was not.
    pub(crate) trouble: Option<String>,
    pub(crate) switches: Vec<Switch>,
}

impl Config {
    /// Reads the configuration of a project.
    pub(crate) fn look(root: &Path, named: Option<&SafePath>) -> Self {
        let path = match named {
            Some(path) => path.clone(),
            None => usual(root),
        };
        let text = match kind(&path.within(root)) {
            Ok(Kind::File) => {
                read(&path.within(root), MOST_YAML_BYTES).map_err(|error| error.to_string())
            }
            Ok(Kind::Missing) => Err(format!("there is no {path}")),
            Ok(Kind::Directory | Kind::Other) => Err(format!("{path} is not a file")),
            Err(error) => Err(error.to_string()),
        };
        match text.and_then(|text| switches(&text, &path)) {
            Ok(switches) => Self {
                path,
                trouble: None,
                switches,
            },
            Err(trouble) => Self {
                switches: EXPECTED
                    .iter()
                    .map(|name| unknown(name, None, trouble.clone()))
                    .collect(),
                path,
                trouble: Some(trouble),
            },
        }
    }

    /// A switch that is always reported, or any that is in the file.
    pub(crate) fn switch(&self, name: &str) -> Option<&Switch> {
        self.switches.iter().find(|switch| switch.name == name)
    }
}

/// The first usual place that has a file, or the first usual place.
fn usual(root: &Path) -> SafePath {
    let place = |text: &str| SafePath::here().child(text);
    USUAL
        .iter()
        .map(|text| place(text))
        .find(|path| matches!(kind(&path.within(root)), Ok(Kind::File)))
        .unwrap_or_else(|| place(USUAL[0]))
}

fn unknown(name: &str, file: Option<String>, reason: String) -> Switch {
    Switch {
        name: name.to_owned(),
        value: Value::Null,
        known: false,
        file,
        line: None,
        reason: Some(reason),
    }
}

/// The switches of a text: those that are expected, then the rest.
fn switches(text: &str, path: &SafePath) -> Result<Vec<Switch>, String> {
    let document = read_yaml(text).map_err(|error| format!("{path}: {error}"))?;
    if !document.is_object() {
        return Err(format!("{path} has no switches: it is not a mapping"));
    }
    let mut leaves = Vec::new();
    collect(&document, "", &mut leaves);
    let mut found: Vec<Switch> = EXPECTED
        .iter()
        .filter(|name| !leaves.iter().any(|(leaf, _)| leaf == **name))
        .map(|name| {
            unknown(
                name,
                Some(path.to_string()),
                format!("{path} does not have it"),
            )
        })
        .collect();
    found.extend(leaves.into_iter().map(|(name, value)| Switch {
        line: line_of(text, &name),
        reason: reason(&name, &value),
        known: true,
        file: Some(path.to_string()),
        name,
        value,
    }));
    let place = |switch: &Switch| EXPECTED.iter().position(|name| *name == switch.name);
    found.sort_by_key(|switch| place(switch).unwrap_or(EXPECTED.len()));
    Ok(found)
}

/// What a reader should know of a value.
fn reason(name: &str, value: &Value) -> Option<String> {
    let is_flag =
        name == MAIN || name == "auto_approve_high_confidence" || name.ends_with(".enabled");
    if !is_flag || value.is_boolean() {
        return None;
    }
    Some(format!(
        "{value} is neither true nor false; programs differ in what they take it for"
    ))
}

/// Every value that is no mapping, with its dotted name.
fn collect(value: &Value, name: &str, leaves: &mut Vec<(String, Value)>) {
    if let Value::Object(map) = value {
        for (key, value) in map {
            let name = if name.is_empty() {
                key.clone()
            } else {
                format!("{name}.{key}")
            };
            collect(value, &name, leaves);
        }
    } else if leaves.len() < MOST_SWITCHES {
        leaves.push((name.to_owned(), value.clone()));
    }
}

/// The line of a dotted name in block style; nothing where the file is written in another.
fn line_of(text: &str, name: &str) -> Option<usize> {
    let mut above: Vec<(usize, &str)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let inside = line.trim_start();
        let indent = line.len() - inside.len();
        let Some((key, _)) = inside.split_once(':') else {
            continue;
        };
        if inside.starts_with(['#', '-']) {
            continue;
        }
        above.retain(|(other, _)| *other < indent);
        above.push((indent, key.trim().trim_matches(['"', '\''])));
        let here = above.iter().map(|(_, key)| *key);
        if here.eq(name.split('.')) {
            return Some(index + 1);
        }
    }
    None
}
