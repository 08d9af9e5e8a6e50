//! What an owner asks of a gate beyond its exit code, and what that exit code means.
//!
//! Never: a pattern language. Rules are plain texts, so that a rule cannot run for ever.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::quantity::TimeSpan;

/// Most texts in one list of criteria. Each is looked for in the whole output.
pub const MAX_TEXTS: usize = 1_000;

/// Longest text in a list of criteria, in bytes: a test's full name with its path.
pub const MAX_TEXT: usize = 1_024;

/// A part of a hundred with two decimals, 0 to 100; a JSON number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u32);

/// Parts of one per cent that a [`Percent`] counts in.
const PARTS: u32 = 100;

impl Percent {
    /// From hundredths of one per cent; `None` above 10,000.
    #[must_use]
    pub fn hundredths(count: u32) -> Option<Self> {
        (count <= 100 * PARTS).then_some(Self(count))
    }

    /// Reads `85`, `85.7` or `85.714`. More than two decimals are cut, never rounded up: 79.999 is
    /// not 80.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(whole) || !plain(decimals) || whole.len() > 3 {
            return None;
        }
        let two: String = decimals.chars().chain("0".chars()).take(2).collect();
        let sum = whole.parse::<u32>().ok()? * PARTS + two.parse::<u32>().ok()?;
        let above = whole == "100" && decimals.bytes().any(|byte| byte != b'0');
        Self::hundredths(sum).filter(|_| !above)
    }

    fn number(self) -> f64 {
        f64::from(self.0) / f64::from(PARTS)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.number())
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(PARTS) {
            to.serialize_u32(self.0 / PARTS)
        } else {
            to.serialize_f64(self.number())
        }
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(from)?;
        // The shortest text of a number is what was written, so that `85.7` is exactly that.
        let text = number.to_string();
        let fits = text.split_once('.').is_none_or(|(_, end)| end.len() <= 2);
        Self::read(&text).filter(|_| fits).ok_or_else(|| {
            serde::de::Error::custom(format_args!(
                "{number} is not a percentage; write a number from 0 to 100 with at most two decimals"
            ))
        })
    }
}

/// What a gate asks for. Nothing of it: the exit code decides. Each field may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Criteria {
    /// The least coverage of lines (of statements where the tool counts those).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_coverage: Option<Percent>,
    /// The most tests that may fail. Above 0, an exit code that only says that tests failed is no
    /// reason to fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_failures: Option<u32>,
    /// Tests that have to be seen to pass, by the names that the tool prints. It has to print them:
    /// `pytest -v`, `python3 -m unittest -v`, `go test -v`, `jest --verbose`.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "texts")]
    pub required_tests: Vec<String>,
    /// How long the tool may run. The engine ends it then; the verdict is an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<TimeSpan>,
    /// Rules on the output.
    #[serde(skip_serializing_if = "CustomRules::is_empty")]
    pub custom_rules: CustomRules,
}

/// Rules on a tool's output: plain texts that have to be in it, or must not be. Upper and lower
/// case are different; a text does not go over the end of a line unless it has one itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct CustomRules {
    /// Every one of these is in the output.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "texts")]
    pub output_matches: Vec<String>,
    /// None of these is in the output. Of an output that was cut, nobody can say that.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "texts")]
    pub output_lacks: Vec<String>,
}

impl CustomRules {
    /// Whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.output_matches.is_empty() && self.output_lacks.is_empty()
    }
}

fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    let fits = |text: &String| (1..=MAX_TEXT).contains(&text.len());
    if texts.len() > MAX_TEXTS || !texts.iter().all(fits) {
        return Err(serde::de::Error::custom(format_args!(
            "write at most {MAX_TEXTS} texts, each of 1 to {MAX_TEXT} bytes"
        )));
    }
    Ok(texts)
}

/// What an exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// All is well.
    Passed,
    /// The tool did its work, and something is wrong with what it looked at.
    Failed,
    /// The tool found nothing to look at.
    Nothing,
    /// The tool could not do its work.
    Error,
}

/// What the exit codes of a gate's tool mean. A code in no list is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ExitMeaning {
    /// All is well.
    #[serde(deserialize_with = "codes")]
    pub passed: Vec<u8>,
    /// Something is wrong with what it looked at.
    #[serde(deserialize_with = "codes")]
    pub failed: Vec<u8>,
    /// It found nothing to look at.
    #[serde(deserialize_with = "codes")]
    pub nothing: Vec<u8>,
}

fn codes<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    /// There are no more codes.
    const MAX_CODES: usize = 256;
    let codes = Vec::<u8>::deserialize(from)?;
    if codes.len() > MAX_CODES {
        return Err(serde::de::Error::custom(
            "an exit code stands in the list twice",
        ));
    }
    Ok(codes)
}

impl Default for ExitMeaning {
    /// 0 and 1: node, npm, jest, go, ruff, mypy, eslint. They use 2 and above for their own faults.
    fn default() -> Self {
        Self {
            passed: vec![0],
            failed: vec![1],
            nothing: vec![],
        }
    }
}

impl ExitMeaning {
    /// Codes from here on are of the shell and of launchers: 126 not executable, 127 not found,
    /// above that 128 and the number of a signal (POSIX, "Exit Status for Commands").
    const LAUNCHER: u8 = 126;

    /// The meaning for a program of this name (`pytest`, `cargo`, `node`), as its documentation
    /// says:
    ///
    /// - pytest: 1 tests failed, 5 none was collected, 2 to 4 interrupted, internal, usage
    ///   (docs.pytest.org, "Exit codes"). Python's unittest, and both run by `python3 -m`, likewise
    ///   since Python 3.12.
    /// - cargo: 101 from a failed test or a compiler error; 1 from `fmt --check` and subcommands.
    #[must_use]
    pub fn of_program(name: &str) -> Self {
        let name = name.strip_suffix(".exe").unwrap_or(name);
        let is_python = name
            .strip_prefix("python")
            .is_some_and(|version| version.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
        let mut meaning = Self::default();
        if is_python || name == "pytest" || name == "py.test" {
            meaning.nothing.push(5);
        }
        if name == "cargo" {
            meaning.failed.push(101);
        }
        meaning
    }

    /// The same, with the codes that the tool's declaration counts as success.
    #[must_use]
    pub fn with_success(mut self, codes: &[u8]) -> Self {
        self.failed.retain(|code| !codes.contains(code));
        self.nothing.retain(|code| !codes.contains(code));
        self.passed = codes.to_vec();
        self
    }

    /// What a code means. The worse of two, if it is in two lists.
    #[must_use]
    pub fn of(&self, code: u8) -> Meaning {
        if code >= Self::LAUNCHER {
            Meaning::Error
        } else if self.failed.contains(&code) {
            Meaning::Failed
        } else if self.nothing.contains(&code) {
            Meaning::Nothing
        } else if self.passed.contains(&code) {
            Meaning::Passed
        } else {
            Meaning::Error
        }
    }
}
