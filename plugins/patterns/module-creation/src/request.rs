//! From the inputs that somebody said to a request that can be carried out.
//!
//! Every problem is found at once. What comes out cannot leave the workspace and cannot hide a
//! module of the language. Never: a default for something that was said and is wrong.

use serde::Deserialize;

use crate::license::License;

/// The schema of the inputs, for hosts and people.
pub(crate) const INPUT_SCHEMA: &str = include_str!("../schema/inputs.json");
/// The schema of the outputs.
pub(crate) const OUTPUT_SCHEMA: &str = include_str!("../schema/outputs.json");

/// Longest module name: as long as file systems and registries of all three languages take, with
/// room for what is added to it.
const NAME_LIMIT: usize = 64;
/// Longest path that Linux takes in one piece.
const PATH_LIMIT: usize = 4096;

/// One thing that is wrong with the inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// JSON pointer to the input.
    pub(crate) path: String,
    /// Stable word for programs.
    pub(crate) code: &'static str,
    /// What is wrong and what would be right.
    pub(crate) message: String,
}

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

/// A directory of the workspace: relative, without `.` and `..`; empty for the workspace itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProjectRoot(String);

impl ProjectRoot {
    fn parse(text: &str) -> Result<Self, (&'static str, String)> {
        if text.is_empty() || text.len() > PATH_LIMIT {
            let message = format!("a path has 1 to {PATH_LIMIT} bytes; `.` is the workspace");
            return Err(("length", message));
        }
        if text.starts_with('/') || text.contains('\\') || text.contains('\0') || has_drive(text) {
            let message = "must be relative to the workspace and use `/`, for example `packages`";
            return Err(("relative-path", message.to_owned()));
        }
        let parts: Vec<&str> = text
            .split('/')
            .filter(|part| !matches!(*part, "" | "."))
            .collect();
        if parts.contains(&"..") {
            return Err(("relative-path", "must not contain `..`".to_owned()));
        }
        Ok(Self(parts.join("/")))
    }

    /// The directory, `.` for the workspace itself.
    pub(crate) fn as_str(&self) -> &str {
        if self.0.is_empty() { "." } else { &self.0 }
    }

    /// A path below this directory, relative to the workspace.
    pub(crate) fn join(&self, path: &str) -> String {
        if self.0.is_empty() {
            path.to_owned()
        } else {
            format!("{}/{path}", self.0)
        }
    }
}

/// Whether a path begins with a drive letter, which other systems would take as absolute.
fn has_drive(text: &str) -> bool {
    matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

/// A request that can be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) root: ProjectRoot,
    pub(crate) name: String,
    pub(crate) language: Language,
    pub(crate) module_type: ModuleType,
    pub(crate) cli: bool,
    pub(crate) examples: bool,
    pub(crate) license: License,
    pub(crate) force: bool,
}

/// The inputs as they were said. Words stay text here, so that all wrong ones are reported.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    /// Other systems number their instance files. Accepted, so that those can be used as they are.
    #[serde(default, rename = "doc_id")]
    _doc_id: Option<String>,
    #[serde(default = "workspace")]
    project_root: String,
    module_name: String,
    language: String,
    module_type: String,
    #[serde(default)]
    include_cli: bool,
    #[serde(default = "yes")]
    include_examples: bool,
    #[serde(default = "mit")]
    license: String,
    #[serde(default)]
    force: bool,
}

fn workspace() -> String {
    ".".to_owned()
}
fn yes() -> bool {
    true
}
fn mit() -> String {
    "MIT".to_owned()
}

impl Request {
    /// Checks inputs.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn check(inputs: &str) -> Result<Self, Vec<Wrong>> {
        let said: Said = serde_json::from_str(inputs).map_err(|error| {
            vec![Wrong {
                path: String::new(),
                code: "type",
                message: error.to_string(),
            }]
        })?;
        let mut wrong = Vec::new();
        let root = ProjectRoot::parse(&said.project_root)
            .map_err(|(code, message)| note(&mut wrong, "/project_root", code, message));
        let language = choose(&mut wrong, "/language", &said.language, &Language::ALL);
        let kind = choose(
            &mut wrong,
            "/module_type",
            &said.module_type,
            &ModuleType::ALL,
        );
        let license = choose(&mut wrong, "/license", &said.license, &License::ALL);
        check_name(&mut wrong, &said.module_name, language);
        let (Ok(root), Some(language), Some(module_type), Some(license), true) =
            (root, language, kind, license, wrong.is_empty())
        else {
            return Err(wrong);
        };
        Ok(Self {
            root,
            name: said.module_name,
            language,
            module_type,
            cli: said.include_cli || module_type == ModuleType::Cli,
            examples: said.include_examples,
            license,
            force: said.force,
        })
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

fn note(wrong: &mut Vec<Wrong>, path: &str, code: &'static str, message: String) {
    wrong.push(Wrong {
        path: path.to_owned(),
        code,
        message,
    });
}

/// The value of a word, or a problem that lists the words.
fn choose<T: Copy>(
    wrong: &mut Vec<Wrong>,
    path: &str,
    word: &str,
    all: &[(&'static str, T)],
) -> Option<T> {
    let found = all
        .iter()
        .find(|(known, _)| *known == word)
        .map(|(_, value)| *value);
    if found.is_none() {
        let known: Vec<&str> = all.iter().map(|(known, _)| *known).collect();
        note(
            wrong,
            path,
            "enum",
            format!("`{word}` is not one of {}", known.join(", ")),
        );
    }
    found
}

fn check_name(wrong: &mut Vec<Wrong>, name: &str, language: Option<Language>) {
    let path = "/module_name";
    if name.len() > NAME_LIMIT {
        note(
            wrong,
            path,
            "length",
            format!("a module name has at most {NAME_LIMIT} characters"),
        );
    }
    let mut bytes = name.bytes();
    let begins = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
    let goes_on =
        bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !(begins && goes_on) {
        let message =
            "a small letter, then small letters, digits and `_`, for example `demo_tools`";
        note(wrong, path, "pattern", message.to_owned());
    }
    if let Some(message) = language.and_then(|language| language.refuses(name)) {
        note(wrong, path, "reserved", message);
    }
}
