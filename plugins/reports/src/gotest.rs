//! What `go test -json` prints: one event per line (`go doc test2json`).
//!
//! Never: a line that is no event taken for one, or a failure of it; such lines are counted.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::tests::{Case, Location, MOST_MESSAGE, Status, Tests, cut};

/// Most tests whose output is remembered at once.
const MOST_OPEN: usize = 10_000;

/// What `go test -json` printed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GoTest {
    /// The tests of all packages.
    pub tests: Tests,
    /// Packages that did not compile, or could not be set up.
    pub broken: Vec<String>,
    /// Packages that came to an end in any way.
    pub packages: u64,
    /// Lines that are no events.
    pub other_lines: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    action: String,
    #[serde(default)]
    package: Option<String>,
    #[serde(default)]
    import_path: Option<String>,
    #[serde(default)]
    test: Option<String>,
    #[serde(default)]
    elapsed: Option<f64>,
    #[serde(default)]
    output: Option<String>,
    #[serde(default)]
    failed_build: Option<String>,
}

/// Reads standard output of `go test -json`.
#[must_use]
pub fn read(text: &str) -> GoTest {
    let mut all = GoTest::default();
    let mut said: BTreeMap<(String, String), String> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let Ok(line) = serde_json::from_str::<Line>(line) else {
            match broken(line) {
                Some(package) => all.broken.push(package.to_owned()),
                None => all.other_lines += 1,
            }
            continue;
        };
        take(&mut all, &mut said, line);
    }
    all.broken.sort();
    all.broken.dedup();
    all
}

/// What Go before 1.24 says of a package outside of events: `FAIL<tab>package [build failed]`.
fn broken(line: &str) -> Option<&str> {
    let (package, why) = line.strip_prefix("FAIL\t")?.split_once(' ')?;
    matches!(why, "[build failed]" | "[setup failed]").then_some(package)
}

fn take(all: &mut GoTest, said: &mut BTreeMap<(String, String), String>, line: Line) {
    let package = line.package.or(line.import_path).unwrap_or_default();
    let status = match line.action.as_str() {
        "pass" => Status::Passed,
        "fail" => Status::Failed,
        "skip" => Status::Skipped,
        "output" => {
            let text = line.output.unwrap_or_default();
            if let Some(package) = broken(text.trim_end()).filter(|_| line.test.is_none()) {
                all.broken.push(package.to_owned());
            }
            remember(said, (package, line.test.unwrap_or_default()), &text);
            return;
        }
        "build-fail" => return all.broken.push(package),
        // `start`, `run`, `pause`, `cont`, `bench`, `build-output`, and what later versions add.
        _ => return,
    };
    let Some(test) = line.test else {
        all.packages += 1;
        if line.failed_build.is_some() {
            all.broken.push(package);
        }
        return;
    };
    let text = said
        .remove(&(package.clone(), test.clone()))
        .unwrap_or_default();
    let failed = status == Status::Failed;
    all.tests.add(Case {
        name: format!("{package}.{test}"),
        status,
        location: failed.then(|| location(&text, &package)).flatten(),
        message: failed
            .then(|| message(&text))
            .filter(|text| !text.is_empty()),
        seconds: line.elapsed.filter(|time| time.is_finite()),
    });
}

fn remember(said: &mut BTreeMap<(String, String), String>, key: (String, String), text: &str) {
    if said.len() == MOST_OPEN && !said.contains_key(&key) {
        return;
    }
    let kept = said.entry(key).or_default();
    if kept.len() < MOST_MESSAGE {
        kept.push_str(text);
    }
}

/// What a test said, without what the runner says of it.
fn message(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("=== ") && !line.trim_start().starts_with("--- "));
    let mut message = lines.collect::<Vec<_>>().join("\n").trim().to_owned();
    cut(&mut message, MOST_MESSAGE);
    message
}

/// The first `file_test.go:12:`, below the directory that the package's name ends with.
fn location(text: &str, package: &str) -> Option<Location> {
    for line in text.lines() {
        let Some((file, rest)) = line.trim_start().split_once(".go:") else {
            continue;
        };
        let digits = rest
            .find(|one: char| !one.is_ascii_digit())
            .unwrap_or(rest.len());
        if file.is_empty() || file.contains([' ', '\t']) {
            continue;
        }
        let Ok(line) = rest[..digits].parse() else {
            continue;
        };
        return Some(Location {
            file: format!("{package}/{file}.go"),
            line: Some(line),
        });
    }
    None
}
