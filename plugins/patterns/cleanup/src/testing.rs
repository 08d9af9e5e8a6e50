//! How a project's tests are run, and what they said.
//!
//! Never: a command line for a shell. A test command of a configuration is recognized, or refused.

use regex_lite::Regex;
use remit_plugin_library::path::SafePath;

/// What runs tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runner {
    Pytest,
    Unittest,
    Node,
    Cargo,
    Go,
}

impl Runner {
    /// The words of the input `tests`; nothing is no tests at all.
    pub(crate) const WORDS: [(&'static str, Option<Self>); 6] = [
        ("pytest", Some(Self::Pytest)),
        ("unittest", Some(Self::Unittest)),
        ("node", Some(Self::Node)),
        ("cargo", Some(Self::Cargo)),
        ("go", Some(Self::Go)),
        ("none", None),
    ];

    /// Tool and template by the owner's names.
    pub(crate) fn tool(self) -> (&'static str, &'static str) {
        match self {
            Self::Pytest => ("pytest", "test"),
            Self::Unittest => ("python3", "unittest"),
            Self::Node => ("node", "test"),
            Self::Cargo => ("cargo", "test"),
            Self::Go => ("go", "test"),
        }
    }

    /// How many tests passed, by what the tool said.
    pub(crate) fn passed(self, output: &str) -> Option<u64> {
        let pattern = match self {
            Self::Pytest => r"(?m)(?:^|[ =])(\d+) passed\b",
            Self::Unittest => r"(?m)^Ran (\d+) tests? in ",
            Self::Node => r"(?m)^(?:#|ℹ) pass (\d+)\s*$",
            Self::Cargo => r"(?m)^test result: \w+\. (\d+) passed;",
            Self::Go => return None,
        };
        let pattern = Regex::new(pattern).ok()?;
        let mut found = None;
        for one in pattern.captures_iter(output) {
            let number: u64 = one.get(1)?.as_str().parse().ok()?;
            found = Some(found.unwrap_or(0_u64).saturating_add(number));
        }
        found
    }
}

/// The tests of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tests {
    pub(crate) runner: Runner,
    pub(crate) paths: Vec<String>,
}

/// One run of them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct TestRun {
    pub(crate) command: String,
    pub(crate) passed: bool,
    /// How many passed, if the tool said so.
    pub(crate) count: Option<u64>,
    /// The end of what it said.
    #[serde(skip)]
    pub(crate) tail: String,
}

impl Tests {
    /// Reads a test command of a configuration, such as `pytest -q tests/`.
    ///
    /// # Errors
    /// It is not one of the commands that are known; says what to do instead.
    pub(crate) fn of_command(command: &str) -> Result<Self, String> {
        let mut words = command.split_whitespace().peekable();
        let refused = || {
            format!(
                "`{command}` is not a test command that is known here (no shell is used); name the input `tests`"
            )
        };
        let runner = match words.next().ok_or_else(refused)? {
            "pytest" => Runner::Pytest,
            "cargo" if words.next() == Some("test") => Runner::Cargo,
            "go" if words.next() == Some("test") => Runner::Go,
            "node" if words.next() == Some("--test") => Runner::Node,
            "python" | "python3" if words.next() == Some("-m") => match words.next() {
                Some("pytest") => Runner::Pytest,
                Some("unittest") => Runner::Unittest,
                Some(_) | None => return Err(refused()),
            },
            _ => return Err(refused()),
        };
        let mut paths = Vec::new();
        while let Some(word) = words.next() {
            match (runner, word) {
                (Runner::Unittest, "discover") => {}
                (Runner::Unittest, "-s") => {
                    let directory = words.next().ok_or_else(refused)?;
                    paths.push(directory.to_owned());
                }
                // How much is said is up to the template.
                (_, "-q" | "-v" | "-vv" | "--quiet" | "--verbose" | "./...") => {}
                (_, flag) if flag.starts_with('-') => return Err(refused()),
                (Runner::Pytest | Runner::Unittest | Runner::Node, path) => {
                    paths.push(path.to_owned());
                }
                (Runner::Cargo | Runner::Go, _) => return Err(refused()),
            }
        }
        for path in &mut paths {
            *path = SafePath::parse(path)
                .map_err(|error| format!("`{command}`: `{path}` {error}"))?
                .to_string();
        }
        if runner == Runner::Unittest && paths.is_empty() {
            paths.push("tests".to_owned());
        }
        if runner == Runner::Node && paths.len() > 1 {
            return Err(refused());
        }
        Ok(Self { runner, paths })
    }
}
