//! Guest programs: each one that is here is run by a test of the host.
//!
//! Never: a program that is built and forgotten.

use crate::repository::{Findings, files};

/// Folders whose direct subfolders are guest programs or examples.
const HOMES: &[&str] = &[
    "plugins/testing/",
    "plugins/patterns/",
    "plugins/adapters/",
    "examples/",
];

/// Where tests are that can run a guest program. Elsewhere the same word means something else.
const RUNNERS: &[&str] = &[
    "tests/",
    "host/app/tests/",
    "host/builtin/tests/",
    "host/sandbox/tests/",
];

#[test]
fn every_guest_program_is_used_by_a_test() {
    let files = files();
    let tests: Vec<_> = files
        .iter()
        .filter(|file| file.ends_with(".rs") && !file.path.contains("/tidy/"))
        .filter(|file| RUNNERS.iter().any(|home| file.path.starts_with(home)))
        .collect();
    let mut findings = Findings::default();
    for home in HOMES {
        let mut programs: Vec<&str> = files
            .iter()
            .filter_map(|file| file.path.strip_prefix(home)?.split_once('/'))
            .map(|(program, _)| program)
            .collect();
        programs.dedup();
        for program in programs {
            let names = [program.to_owned(), program.replace('-', "_")];
            let used = tests
                .iter()
                .any(|test| names.iter().any(|name| holds_text(&test.text, name)));
            if !used {
                findings.add(
                    &format!("{home}{program}"),
                    1,
                    "no test of the host runs this program",
                    "run it in a test of one of the folders in RUNNERS, or remove it",
                );
            }
        }
    }
    findings.assert_none();
}

/// Whether a string in a source names a program: as the whole string, or as a part of a path.
fn holds_text(source: &str, name: &str) -> bool {
    source.match_indices(name).any(|(at, _)| {
        let before = source.get(..at).and_then(|rest| rest.chars().next_back());
        let after = source
            .get(at + name.len()..)
            .and_then(|rest| rest.chars().next());
        matches!(before, Some('"' | '/')) && matches!(after, Some('"' | '/' | '.'))
    })
}
