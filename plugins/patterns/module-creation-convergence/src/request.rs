//! From the inputs that somebody said to a request that can be carried out.
//!
//! Every problem is found at once. Never: a line of requirements that pip would take for an option.

use regex_lite::Regex;
use remit_plugin_library::import::{Field, Known, Resolved};
use remit_plugin_library::path::SafePath;
use remit_plugin_library::validation::{Fields, Problems, Wrong, pointer};

/// The schema of the inputs, for hosts and people.
pub(crate) const INPUT_SCHEMA: &str = include_str!("../schema/inputs.json");
/// The schema of the outputs.
pub(crate) const OUTPUT_SCHEMA: &str = include_str!("../schema/outputs.json");
/// The name under which other systems know the pattern.
pub(crate) const PATTERN_ID: &str = "PAT-MODULE-CREATION-CONVERGENCE-001";

const NAME_LIMIT: usize = 64;
/// Most dependencies; a module with more has them in another file.
const MAX_DEPENDENCIES: usize = 1000;

/// A requirement by name, as PEP 508 has it, without URLs: name, extras, versions, marker.
const REQUIREMENT: &str = r#"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\s*(\[[A-Za-z0-9._, -]*\])?\s*((===|~=|==|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+\s*(,\s*(===|~=|==|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+\s*)*)?(;[ A-Za-z0-9_.'"<>=!~()-]*)?$"#;

/// What instances of other systems have. Those of `module-creation` are read as well: this pattern
/// makes the same module complete, as far as it knows of it.
pub(crate) const KNOWN: Known = Known {
    patterns: &[PATTERN_ID, "PAT-MODULE-CREATION-001"],
    fields: &[
        Field::optional("project_root"),
        Field::needed("module_name"),
        Field::word("module_type", &["package", "library"]),
        Field::optional("dependencies"),
        // Said by instances of `module-creation`; this pattern knows one language.
        Field::word("language", &["python"]),
        Field::flag("verify"),
    ],
};

/// What kind of module it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModuleType {
    Package,
    Library,
}

impl ModuleType {
    pub(crate) const ALL: [(&'static str, Self); 2] =
        [("package", Self::Package), ("library", Self::Library)];
}

/// A request that can be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) root: SafePath,
    pub(crate) name: String,
    pub(crate) module_type: ModuleType,
    pub(crate) dependencies: Vec<String>,
    pub(crate) verify: bool,
}

impl Request {
    /// Checks inputs that were put together.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn check(resolved: &Resolved) -> Result<Self, Vec<Wrong>> {
        let mut problems = Problems::new();
        let Some(mut fields) = Fields::of(&resolved.inputs, "", &mut problems) else {
            return problems.check(None);
        };
        fields.require("module_name", &mut problems);
        fields.text("doc_id", &mut problems);
        let root = fields.path("project_root", &mut problems);
        let name = fields.text("module_name", &mut problems);
        if let Some(name) = name {
            check_name(name, &mut problems);
        }
        let module_type = fields.word("module_type", &ModuleType::ALL, &mut problems);
        fields.word("language", &[("python", ())], &mut problems);
        let dependencies = fields
            .texts("dependencies", &mut problems)
            .unwrap_or_default();
        check_dependencies(&dependencies, &mut problems);
        let verify = fields.flag("verify", &mut problems);
        fields.finish(&mut problems);
        problems.check(name.map(|name| {
            Self {
                root: root.unwrap_or_default(),
                name: name.to_owned(),
                module_type: module_type.unwrap_or(ModuleType::Library),
                dependencies: dependencies
                    .iter()
                    .map(|one| one.trim().to_owned())
                    .collect(),
                verify: verify.unwrap_or(true),
            }
        }))
    }
}

fn check_name(name: &str, problems: &mut Problems) {
    if name.len() > NAME_LIMIT {
        let message = format!("a module name has at most {NAME_LIMIT} characters");
        problems.add("/module_name", "length", message);
    }
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
    let rest = bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !(first && rest) {
        let message =
            "a small letter, then small letters, digits and `_`, for example `demo_tools`";
        problems.add("/module_name", "pattern", message);
    }
    let taken = include_str!("../../module-creation/names/python.txt");
    if taken.lines().any(|line| line == name) {
        let message = format!(
            "`{name}` is a keyword or a module of Python's standard library; choose another name"
        );
        problems.add("/module_name", "reserved", message);
    }
}

fn check_dependencies(dependencies: &[&str], problems: &mut Problems) {
    if dependencies.len() > MAX_DEPENDENCIES {
        let message = format!("at most {MAX_DEPENDENCIES} dependencies");
        problems.add("/dependencies", "length", message);
        return;
    }
    let form = Regex::new(REQUIREMENT).ok();
    for (index, one) in dependencies.iter().enumerate() {
        if !form.as_ref().is_some_and(|form| form.is_match(one.trim())) {
            let message =
                format!("`{one}` is no requirement by name, for example `requests>=2.31`");
            problems.add(
                pointer("/dependencies", &index.to_string()),
                "requirement",
                message,
            );
        }
    }
}

/// The name of a requirement in the form in which PyPI compares names.
pub(crate) fn requirement_name(line: &str) -> String {
    let line = line.trim();
    let end = line
        .find(|letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-')))
        .unwrap_or(line.len());
    let name = line.get(..end).unwrap_or_default();
    let words = name.split(['.', '_', '-']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}
