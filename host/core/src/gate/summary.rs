//! What well-known test tools say at the end: how many tests ran, how much of the code they
//! covered, and which single tests passed.
//!
//! Known are pytest, unittest, `cargo test`, `node --test` (TAP and spec), `go test` and jest;
//! coverage.py, `go test -cover`, istanbul, node, llvm-cov and tarpaulin. If an output has several
//! summaries, tests are added up and the lowest coverage counts. A test can print what it likes; a
//! forged summary adds tests, but takes no failure away, and the exit code counts beside it.
//!
//! Never: more than one pass over a bounded text; a guess where a form is not known.

mod coverage;
mod names;
mod runners;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::criteria::Percent;

pub(super) use names::results;

/// Bytes of output that are looked at: the last ones. A summary is at the end; what stands before
/// it is for people.
pub const MAX_OUTPUT: usize = 1 << 20;

/// Bytes of a line that are looked at. No summary and no test's name is longer.
const MAX_LINE: usize = 4_096;

/// How many tests ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    /// As they should. Of `go test` without `-v`: packages, it does not name tests that pass.
    pub passed: u64,
    /// Otherwise.
    pub failed: u64,
    /// Broken before or after the test itself, or cancelled.
    pub errors: u64,
    /// Left out, or expected to fail.
    pub skipped: u64,
}

impl Counts {
    /// How many really ran.
    #[must_use]
    pub fn ran(self) -> u64 {
        let sum = self.passed.saturating_add(self.failed);
        sum.saturating_add(self.errors)
    }

    fn add(&mut self, more: Self) {
        let add = |to: &mut u64, more| *to = to.saturating_add(more);
        add(&mut self.passed, more.passed);
        add(&mut self.failed, more.failed);
        add(&mut self.errors, more.errors);
        add(&mut self.skipped, more.skipped);
    }
}

/// What an output's summaries say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) counts: Option<Counts>,
    pub(super) coverage: Option<Percent>,
}

/// Reads all summaries in an output.
pub(super) fn read(output: &str) -> Summary {
    let mut reader = runners::Reader::default();
    let mut lowest: Option<Percent> = None;
    for line in lines(output) {
        reader.line(&line);
        if let Some(seen) = coverage::read(&line) {
            lowest = Some(lowest.map_or(seen, |lowest| lowest.min(seen)));
        }
    }
    Summary {
        counts: reader.counts(),
        coverage: lowest,
    }
}

/// Whether a tool says that it found no test at all, and ends as if one had failed: jest.
pub(super) fn found_nothing(output: &str) -> bool {
    lines(output).any(|line| line.starts_with("No tests found, exiting with code"))
}

/// The line with which a launcher says that it had nothing to launch.
pub(super) fn not_run(output: &str) -> Option<String> {
    /// npm 10 and before it, cargo.
    const STARTS: [&str; 7] = [
        "npm error Missing script:",
        "npm ERR! Missing script:",
        "npm ERR! missing script:",
        "error: no such command: `",
        "error: no such subcommand: `",
        "error: unexpected argument '",
        "error: could not find `Cargo.toml`",
    ];
    /// `/usr/bin/python3: No module named pytest`. An import that fails in the code has quotes
    /// around the name, and is no fault of the launcher.
    fn no_module(line: &str) -> bool {
        line.split_once(": No module named ")
            .is_some_and(|(program, module)| {
                let name = program.rsplit(['/', '\\']).next().unwrap_or_default();
                name.starts_with("python") && !name.contains(' ') && !module.starts_with('\'')
            })
    }
    lines(output)
        .find(|line| no_module(line) || STARTS.iter().any(|start| line.starts_with(start)))
        .map(Cow::into_owned)
}

/// The lines of an output as a terminal would show them, without colours, each cut.
fn lines(output: &str) -> impl Iterator<Item = Cow<'_, str>> {
    output.lines().map(|line| {
        let end = line.floor_char_boundary(MAX_LINE);
        let line = line.get(..end).unwrap_or_default().trim_end();
        // What stands before a carriage return was overwritten.
        let line = line.rsplit('\r').next().unwrap_or_default();
        plain(line)
    })
}

/// Without the control sequences of a terminal (ECMA-48): ESC `[`, parameters, a final byte.
fn plain(line: &str) -> Cow<'_, str> {
    const ESC: char = '\u{1b}';
    if !line.contains(ESC) {
        return Cow::Borrowed(line);
    }
    let mut shown = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        if char != ESC {
            shown.push(char);
        } else if chars.next() == Some('[') {
            // Consumes the final byte too.
            let _ = chars.find(|char| ('@'..='~').contains(char));
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests;
