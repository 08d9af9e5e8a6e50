//! Tests and how they ended, whoever ran them.
//!
//! Never: more than the limits, whatever a report holds; what is left out is counted.

use serde::Serialize;

/// Most tests that did not pass of which a report keeps the details.
pub const MOST_KEPT: usize = 1_000;
/// Most bytes of a message that are kept: an assertion with both its values.
pub const MOST_MESSAGE: usize = 4_096;
/// Most bytes of a name that are kept.
pub const MOST_NAME: usize = 1_024;

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It did what it should.
    Passed,
    /// It did not.
    Failed,
    /// It could not be tried: what it needs failed, or its file could not be loaded.
    Error,
    /// It was not meant to run, or was expected to fail.
    Skipped,
}

/// Where something is in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Location {
    /// The file, in the tool's words; below the workspace once [`crate::place`] has found it.
    pub file: String,
    /// The line, from 1, if it is known.
    pub line: Option<u64>,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Case {
    /// Its name, with what it is part of: `tests.test_a.TestK::test_m`, `suite > test`.
    pub name: String,
    /// How it ended.
    pub status: Status,
    /// Where it failed, or where it is.
    pub location: Option<Location>,
    /// What it said, if it did not pass.
    pub message: Option<String>,
    /// How long it took, if the report says so.
    pub seconds: Option<f64>,
}

/// How many tests ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All of them.
    pub total: u64,
    /// Those that passed.
    pub passed: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that could not be tried.
    pub errors: u64,
    /// Those that were not meant to run.
    pub skipped: u64,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, status: Status) {
        self.total = self.total.saturating_add(1);
        let of = match status {
            Status::Passed => &mut self.passed,
            Status::Failed => &mut self.failed,
            Status::Error => &mut self.errors,
            Status::Skipped => &mut self.skipped,
        };
        *of = of.saturating_add(1);
    }

    /// How many were tried.
    #[must_use]
    pub fn ran(&self) -> u64 {
        self.total.saturating_sub(self.skipped)
    }
}

/// All tests of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Tests {
    /// How many ended how.
    pub counts: Counts,
    /// Those that failed or could not be tried, at most [`MOST_KEPT`], in the report's order.
    pub failed: Vec<Case>,
    /// How many more of them there are.
    pub left_out: u64,
    /// All tests, for reports that are written again; at most [`MOST_KEPT`] of those that passed.
    #[serde(skip)]
    pub others: Vec<Case>,
}

impl Tests {
    /// Takes in a test; too long texts are cut.
    pub fn add(&mut self, mut case: Case) {
        self.counts.add(case.status);
        cut(&mut case.name, MOST_NAME);
        if let Some(message) = &mut case.message {
            cut(message, MOST_MESSAGE);
        }
        let list = match case.status {
            Status::Failed | Status::Error => &mut self.failed,
            Status::Passed | Status::Skipped => &mut self.others,
        };
        if list.len() < MOST_KEPT {
            list.push(case);
        } else if matches!(case.status, Status::Failed | Status::Error) {
            self.left_out = self.left_out.saturating_add(1);
        }
    }
}

/// Cuts a text to at most so many bytes, at a character's end, and says so.
pub fn cut(text: &mut String, most: usize) {
    if text.len() <= most {
        return;
    }
    let end = (0..=most).rev().find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or_default());
    text.push('…');
}

/// The last place of the form `file:line` at the beginning of a line, or in round brackets at the
/// end of one, that is not inside of an interpreter: where an assertion failed.
#[must_use]
pub fn location_in(text: &str) -> Option<Location> {
    let mut found = None;
    for line in text.lines() {
        let line = line.trim_end();
        // pytest: `tests/test_a.py:5: AssertionError`, at the very beginning of a line.
        if let Some(location) = leading(line) {
            found = Some(location);
        }
        // node: `    at TestContext.<anonymous> (/w/js/a.test.js:2:49)`, the first that is a file.
        if found.is_none() && line.trim_start().starts_with("at ") {
            found = frame(line);
        }
    }
    found
}

/// `file:line: text`.
fn leading(line: &str) -> Option<Location> {
    let (file, rest) = line.split_once(':')?;
    let (number, _) = rest.split_once(':')?;
    let plausible = !file.is_empty() && !file.contains([' ', '\t', '(']) && file.contains('.');
    let line = number.parse().ok().filter(|_| plausible)?;
    Some(Location {
        file: file.to_owned(),
        line: Some(line),
    })
}

/// `at what (file:line:column)` or `at file:line:column`.
fn frame(line: &str) -> Option<Location> {
    let place = match line.rsplit_once('(') {
        Some((_, place)) => place.trim_end_matches([')', ' ', '{']),
        None => line
            .trim_start()
            .strip_prefix("at ")?
            .trim_end_matches(" {"),
    };
    let place = place.strip_prefix("file://").unwrap_or(place);
    let (rest, _column) = place.rsplit_once(':')?;
    let (file, number) = rest.rsplit_once(':')?;
    let line = number.parse().ok()?;
    (file.starts_with('/') && !file.contains("/node_modules/")).then(|| Location {
        file: file.to_owned(),
        line: Some(line),
    })
}
