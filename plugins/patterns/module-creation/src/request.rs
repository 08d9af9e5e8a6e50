//! From the inputs that somebody said to a request that can be carried out.
//!
//! Every problem is found at once. What comes out cannot leave the workspace and cannot hide a
//! module of the language. Never: a default for something that was said and is wrong.

use remit_plugin_library::import::{Field, Known, Resolved};
use remit_plugin_library::path::SafePath;
use remit_plugin_library::validation::{Fields, Problems, Wrong};

use crate::license::License;

/// The schema of the inputs, for hosts and people.
pub(crate) const INPUT_SCHEMA: &str = include_str!("../schema/inputs.json");
/// The schema of the outputs.
pub(crate) const OUTPUT_SCHEMA: &str = include_str!("../schema/outputs.json");

/// Longest module name: as long as file systems and registries of all three languages take, with
/// room for what is added to it.
const NAME_LIMIT: usize = 64;
/// The name under which other systems know the pattern.
pub(crate) const PATTERN_ID: &str = "PAT-MODULE-CREATION-001";

/// What instances of other systems have.
pub(crate) const KNOWN: Known = Known {
    patterns: &[PATTERN_ID],
    fields: &[
        Field::optional("project_root"),
        Field::needed("module_name"),
        Field::needed_word(
            "language",
            &["python", "javascript", "typescript"],
            "python",
        ),
        Field::needed_word(
            "module_type",
            &["library", "cli", "api", "utility"],
            "library",
        ),
        Field::flag("include_cli"),
        Field::flag("include_examples"),
        Field::word("license", &["MIT", "Apache-2.0", "GPL-3.0", "BSD-3-Clause"]),
        Field::flag("force"),
        Field::flag("keep_on_failure"),
    ],
};

/// The language of the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Python,
    JavaScript,
    TypeScript,
}

impl Language {
    pub(crate) const ALL: [(&'static str, Self); 3] = [
        ("python", Self::Python),
        ("javascript", Self::JavaScript),
        ("typescript", Self::TypeScript),
    ];

    /// Why a module may not have this name, if it may not.
    fn refuses(self, name: &str) -> Option<String> {
        /// Directories and files of the generated tree beside the package.
        const PYTHON_LAYOUT: [&str; 3] = ["examples", "setup", "tests"];
        /// Files of the generated tree beside `<name>.js`.
        const SCRIPT_LAYOUT: [&str; 2] = ["cli", "index"];
        let (list, layout, taken) = match self {
            Self::Python => (
                include_str!("../names/python.txt"),
                &PYTHON_LAYOUT[..],
                "a keyword or a module of Python's standard library",
            ),
            Self::JavaScript | Self::TypeScript => (
                include_str!("../names/node.txt"),
                &SCRIPT_LAYOUT[..],
                "built into Node or refused by npm",
            ),
        };
        if list.lines().any(|line| line == name) {
            return Some(format!("`{name}` is {taken}; choose another name"));
        }
        layout
            .contains(&name)
            .then(|| format!("`{name}` is another part of the project; choose another name"))
    }
}

/// What kind of module it starts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModuleType {
    Library,
    Cli,
    Api,
    Utility,
}

impl ModuleType {
    pub(crate) const ALL: [(&'static str, Self); 4] = [
        ("library", Self::Library),
        ("cli", Self::Cli),
        ("api", Self::Api),
        ("utility", Self::Utility),
    ];
}

/// A request that can be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) root: SafePath,
    pub(crate) name: String,
    pub(crate) language: Language,
    pub(crate) module_type: ModuleType,
    pub(crate) cli: bool,
    pub(crate) examples: bool,
    pub(crate) license: License,
    pub(crate) force: bool,
    /// Whether files stay although the module's tests failed.
    pub(crate) keep_on_failure: bool,
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
        for name in ["module_name", "language", "module_type"] {
            fields.require(name, &mut problems);
        }
        // Other systems number their instance files. Taken, so that those can be used as they are.
        fields.text("doc_id", &mut problems);
        let root = fields.path("project_root", &mut problems);
        let language = fields.word("language", &Language::ALL, &mut problems);
        let module_type = fields.word("module_type", &ModuleType::ALL, &mut problems);
        let license = fields.word("license", &License::ALL, &mut problems);
        let name = fields.text("module_name", &mut problems);
        if let Some(name) = name {
            check_name(&mut problems, name, language);
        }
        let cli = fields
            .flag("include_cli", &mut problems)
            .unwrap_or_default();
        let examples = fields
            .flag("include_examples", &mut problems)
            .unwrap_or(true);
        let force = fields.flag("force", &mut problems).unwrap_or_default();
        let keep = fields.flag("keep_on_failure", &mut problems);
        fields.finish(&mut problems);
        let request = name.zip(language).zip(module_type);
        problems.check(request.map(|((name, language), module_type)| Self {
            root: root.unwrap_or_default(),
            name: name.to_owned(),
            language,
            module_type,
            cli: cli || module_type == ModuleType::Cli,
            examples,
            license: license.unwrap_or(License::Mit),
            force,
            keep_on_failure: keep.unwrap_or_default(),
        }))
    }

    /// The name under which the package would be published: words joined by single hyphens, as
    /// PyPI normalizes names and npm prefers them.
    pub(crate) fn distribution(&self) -> String {
        let words: Vec<&str> = self
            .name
            .split('_')
            .filter(|word| !word.is_empty())
            .collect();
        words.join("-")
    }
}

fn check_name(problems: &mut Problems, name: &str, language: Option<Language>) {
    let path = "/module_name";
    if name.len() > NAME_LIMIT {
        let message = format!("a module name has at most {NAME_LIMIT} characters");
        problems.add(path, "length", message);
    }
    let mut bytes = name.bytes();
    let begins = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
    let goes_on =
        bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !(begins && goes_on) {
        let message =
            "a small letter, then small letters, digits and `_`, for example `demo_tools`";
        problems.add(path, "pattern", message);
    }
    if let Some(message) = language.and_then(|language| language.refuses(name)) {
        problems.add(path, "reserved", message);
    }
}
