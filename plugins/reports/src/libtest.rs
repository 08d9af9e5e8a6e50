//! What Rust's own test runner prints, by `cargo test`.
//!
//! The text is meant for people and its machine form is not stable yet, so the counts come from the
//! lines `test result:`, which it has printed in this form since 2015; names and places from the rest.
//! Never: a count that no such line says.

use crate::tests::{Case, Counts, Location, Status, Tests};

/// What `cargo test` printed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Libtest {
    /// The tests of all targets.
    pub tests: Tests,
    /// How many targets came to an end.
    pub targets: u64,
}

/// Reads standard output of `cargo test`.
#[must_use]
pub fn read(text: &str) -> Libtest {
    let mut all = Libtest::default();
    let mut counts = Counts::default();
    let mut said: Option<(String, String)> = None;
    let mut sections: Vec<(String, String)> = Vec::new();
    let mut tests = Tests::default();
    for line in text.lines() {
        if let Some(name) = heading(line) {
            sections.extend(said.take());
            said = Some((name.to_owned(), String::new()));
        } else if let Some(target) = result(line) {
            sections.extend(said.take());
            all.targets += 1;
            counts = sum(counts, target);
        } else if line == "failures:" {
            sections.extend(said.take());
        } else if let Some((_, text)) = &mut said {
            text.push_str(line);
            text.push('\n');
        } else if let Some((name, status)) = ended(line) {
            tests.add(Case {
                name: name.to_owned(),
                status,
                location: None,
                message: None,
                seconds: None,
            });
        }
    }
    sections.extend(said);
    for case in &mut tests.failed {
        if let Some((_, said)) = sections.iter().find(|(name, _)| *name == case.name) {
            case.location = panicked(said);
            let mut message = said.trim().to_owned();
            crate::tests::cut(&mut message, crate::tests::MOST_MESSAGE);
            case.message = Some(message);
        }
    }
    tests.counts = counts;
    all.tests = tests;
    all
}

/// `---- name stdout ----`.
fn heading(line: &str) -> Option<&str> {
    line.strip_prefix("---- ")?.strip_suffix(" stdout ----")
}

/// `test name ... ok`, with what follows the name of a test that should panic left out.
fn ended(line: &str) -> Option<(&str, Status)> {
    let (name, end) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let status = match end.split([' ', ',']).next()? {
        "ok" => Status::Passed,
        "FAILED" => Status::Failed,
        "ignored" => Status::Skipped,
        _ => return None,
    };
    Some((name.strip_suffix(" - should panic").unwrap_or(name), status))
}

/// `test result: ok. 1 passed; 2 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.29s`.
fn result(line: &str) -> Option<Counts> {
    let rest = line.strip_prefix("test result: ")?;
    let (_, rest) = rest.split_once(". ")?;
    let number = |word: &str| -> Option<u64> {
        let part = rest.split("; ").find(|part| part.ends_with(word))?;
        part.split(' ').next()?.parse().ok()
    };
    let (passed, failed, skipped) = (number(" passed")?, number(" failed")?, number(" ignored")?);
    Some(Counts {
        total: passed.saturating_add(failed).saturating_add(skipped),
        passed,
        failed,
        errors: 0,
        skipped,
    })
}

fn sum(one: Counts, other: Counts) -> Counts {
    Counts {
        total: one.total.saturating_add(other.total),
        passed: one.passed.saturating_add(other.passed),
        failed: one.failed.saturating_add(other.failed),
        errors: 0,
        skipped: one.skipped.saturating_add(other.skipped),
    }
}

/// `thread 'a' (1) panicked at src/lib.rs:7:19:`.
fn panicked(text: &str) -> Option<Location> {
    let line = text.lines().find(|line| line.contains(" panicked at "))?;
    let (_, place) = line.split_once(" panicked at ")?;
    let mut parts = place.trim_end_matches(':').rsplitn(3, ':');
    let (_column, line, file) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Location {
        file: file.to_owned(),
        line: Some(line.parse().ok()?),
    })
}
