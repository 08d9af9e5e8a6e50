//! The counts of each known runner, line by line.
//!
//! Never: a line counted by two runners.

use super::Counts;

/// The counts of every runner whose summary was seen.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// Those whose summary stands on its own.
    sum: Option<Counts>,
    /// unittest says `Ran 4 tests`, and below how many of those were not as they should be.
    unittest_ran: Option<u64>,
    /// node's summary is one number in each line, from `tests` to `duration_ms`.
    in_node: bool,
    /// Files that node counts as tests that passed.
    node_files: u64,
    go: Go,
}

impl Reader {
    /// Takes the next line.
    pub(super) fn line(&mut self, line: &str) {
        if self.go.line(line) || self.node(line) || self.unittest(line) {
            return;
        }
        if let Some(counts) = cargo(line).or_else(|| jest(line)).or_else(|| pytest(line)) {
            self.add(counts);
        }
    }

    /// What all of them say together; `None` if there was no summary.
    pub(super) fn counts(mut self) -> Option<Counts> {
        if let Some(counts) = self.go.counts() {
            self.add(counts);
        }
        if let Some(sum) = &mut self.sum {
            sum.passed = sum.passed.saturating_sub(self.node_files);
        }
        self.sum
    }

    fn add(&mut self, counts: Counts) {
        self.sum.get_or_insert_default().add(counts);
    }

    /// `# pass 4` in TAP, `ℹ pass 4` in the spec form (nodejs.org, "Test runner").
    fn node(&mut self, line: &str) -> bool {
        if is_node_file(line) {
            self.node_files = self.node_files.saturating_add(1);
            return true;
        }
        let Some((word, number)) = line
            .strip_prefix("# ")
            .or_else(|| line.strip_prefix("ℹ "))
            .and_then(|rest| rest.split_once(' '))
        else {
            return false;
        };
        if word == "duration_ms" {
            return std::mem::take(&mut self.in_node);
        }
        let Ok(number) = number.parse::<u64>() else {
            return false;
        };
        if word == "tests" {
            self.in_node = true;
            self.add(Counts::default());
            return true;
        }
        let mut counts = Counts::default();
        match word {
            _ if !self.in_node => return false,
            "pass" => counts.passed = number,
            "fail" => counts.failed = number,
            "cancelled" => counts.errors = number,
            "skipped" | "todo" => counts.skipped = number,
            _ => {}
        }
        self.add(counts);
        true
    }

    /// `Ran 4 tests in 0.001s`, then `FAILED (failures=1, errors=1, skipped=1)` or `OK`
    /// (docs.python.org, "unittest").
    fn unittest(&mut self, line: &str) -> bool {
        if let Some(ran) = line.strip_prefix("Ran ").and_then(|rest| {
            let (number, rest) = rest.split_once(' ')?;
            (rest.starts_with("test in ") || rest.starts_with("tests in ")).then_some(number)
        }) {
            self.unittest_ran = ran.parse().ok();
            return true;
        }
        let words = ["OK", "FAILED", "NO TESTS RAN"];
        let Some(rest) = words.iter().find_map(|word| line.strip_prefix(word)) else {
            return false;
        };
        let list = rest
            .strip_prefix(" (")
            .and_then(|rest| rest.strip_suffix(')'));
        if !rest.is_empty() && list.is_none() {
            return false;
        }
        let Some(ran) = self.unittest_ran.take() else {
            return false;
        };
        let mut counts = Counts::default();
        for item in list.unwrap_or_default().split(", ") {
            let Some((word, number)) = item.split_once('=') else {
                continue;
            };
            let number = number.parse().unwrap_or(0);
            match word {
                "failures" | "unexpected successes" => add(&mut counts.failed, number),
                "errors" => add(&mut counts.errors, number),
                "skipped" | "expected failures" => add(&mut counts.skipped, number),
                _ => {}
            }
        }
        let others = counts.ran().saturating_add(counts.skipped);
        counts.passed = ran.saturating_sub(others);
        self.add(counts);
        true
    }
}

fn add(to: &mut u64, number: u64) {
    *to = to.saturating_add(number);
}

/// node runs each file as a test, and names it by its absolute path only if there was no test in
/// it: `ok 1 - /srv/project/empty.test.js`. Seen with node 20.20.
fn is_node_file(line: &str) -> bool {
    const ENDINGS: [&str; 4] = [".js", ".mjs", ".cjs", ".ts"];
    let tap = || {
        let (number, name) = line.strip_prefix("ok ")?.split_once(" - ")?;
        number.parse::<u64>().is_ok().then_some(name)
    };
    let spec = || Some(line.strip_prefix("✔ ")?.rsplit_once(" (")?.0);
    tap().or_else(spec).is_some_and(|name| {
        let absolute = name.starts_with('/') || name.get(1..3) == Some(":\\");
        absolute && ENDINGS.iter().any(|ending| name.ends_with(ending))
    })
}

/// The number and word of each item of a list such as `1 failed, 2 passed`; `None` if it is no
/// such list.
fn items<'a>(list: &'a str, separator: &'a str) -> Option<Vec<(u64, &'a str)>> {
    /// No runner has more words.
    const MAX_ITEMS: usize = 16;
    let item = |item: &'a str| {
        let (number, word) = item.trim().split_once(' ')?;
        Some((number.parse().ok()?, word))
    };
    list.split(separator)
        .take(MAX_ITEMS)
        .map(item)
        .collect::<Option<Vec<_>>>()
}

/// `test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in
/// 0.08s` (libtest). There is one for each program that cargo runs.
fn cargo(line: &str) -> Option<Counts> {
    let (_, list) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let list = list
        .rsplit_once("; finished in ")
        .map_or(list, |(list, _)| list);
    let mut counts = Counts::default();
    for (number, word) in items(list, "; ")? {
        match word {
            "passed" | "measured" => add(&mut counts.passed, number),
            "failed" => add(&mut counts.failed, number),
            "ignored" => add(&mut counts.skipped, number),
            _ => {}
        }
    }
    Some(counts)
}

/// `Tests:       1 failed, 1 skipped, 2 passed, 4 total` (jestjs.io).
fn jest(line: &str) -> Option<Counts> {
    if line.starts_with("No tests found, exiting with code") {
        return Some(Counts::default());
    }
    let list = items(line.strip_prefix("Tests: ")?, ", ")?;
    // The last word tells it from lists of others.
    list.iter().find(|(_, word)| *word == "total")?;
    let mut counts = Counts::default();
    for (number, word) in list {
        match word {
            "passed" => add(&mut counts.passed, number),
            "failed" => add(&mut counts.failed, number),
            "skipped" | "todo" => add(&mut counts.skipped, number),
            _ => {}
        }
    }
    Some(counts)
}

/// `=== 1 failed, 1 passed, 1 error in 0.06s ===`, with `-q` without the bars, and `no tests ran in
/// 0.01s` (docs.pytest.org).
fn pytest(line: &str) -> Option<Counts> {
    let (list, time) = line.trim_matches(['=', ' ']).rsplit_once(" in ")?;
    let (seconds, _) = time.split_once('s')?;
    seconds.parse::<f64>().ok()?;
    let mut counts = Counts::default();
    if list == "no tests ran" {
        return Some(counts);
    }
    let mut is_known = false;
    for (number, word) in items(list, ", ")? {
        is_known |= match word {
            "passed" | "xpassed" => {
                add(&mut counts.passed, number);
                true
            }
            "failed" => {
                add(&mut counts.failed, number);
                true
            }
            "error" | "errors" => {
                add(&mut counts.errors, number);
                true
            }
            "skipped" | "xfailed" => {
                add(&mut counts.skipped, number);
                true
            }
            "deselected" => true,
            _ => false,
        };
    }
    is_known.then_some(counts)
}

/// What `go test` says, in single lines all over the output.
#[derive(Debug, Default)]
struct Go {
    seen: bool,
    is_verbose: bool,
    tests: Counts,
    packages: Counts,
}

impl Go {
    fn line(&mut self, line: &str) -> bool {
        let tests = &mut self.tests;
        let packages = &mut self.packages;
        if line.starts_with("=== RUN ") {
            self.is_verbose = true;
        } else if line.starts_with("--- PASS: ") {
            add(&mut tests.passed, 1);
        } else if line.starts_with("--- FAIL: ") {
            add(&mut tests.failed, 1);
        } else if line.starts_with("--- SKIP: ") {
            add(&mut tests.skipped, 1);
        } else if let Some(rest) = line.strip_prefix("ok  \t") {
            if !rest.ends_with("[no tests to run]") {
                add(&mut packages.passed, 1);
            }
        } else if let Some(rest) = line.strip_prefix("FAIL\t") {
            if rest.ends_with("[build failed]") || rest.ends_with("[setup failed]") {
                add(&mut packages.errors, 1);
            } else {
                add(&mut packages.failed, 1);
            }
        } else if !(line.starts_with("?   \t") && line.ends_with("[no test files]")) {
            return false;
        }
        self.seen = true;
        true
    }

    /// Tests where they are named; else packages.
    fn counts(&self) -> Option<Counts> {
        let (tests, packages) = (self.tests, self.packages);
        self.seen.then_some(Counts {
            passed: if self.is_verbose {
                tests.passed
            } else {
                packages.passed
            },
            // A package can fail without a test that does: by a panic, or in `TestMain`.
            failed: tests.failed.max(packages.failed),
            errors: packages.errors,
            skipped: tests.skipped,
        })
    }
}
