//! The results of single tests, as far as a tool names them.
//!
//! Never: a test that was left out reported as passed.

use super::lines;

/// Tells the name of each test in the output and whether it passed. A test may come more than once,
/// and by more than one name.
pub(in crate::gate) fn results(output: &str, tell: &mut dyn FnMut(&str, bool)) {
    for line in lines(output) {
        let line = line.trim_start();
        let _ = dots(line, tell)
            .or_else(|| marked(line, tell))
            .or_else(|| tap(line, tell))
            .or_else(|| pytest(line, tell));
    }
}

/// `test a::b ... ok` of cargo; `test_a (mod.Case.test_a) ... ok` of unittest, before Python 3.11
/// `test_a (mod.Case) ... ok`.
fn dots(line: &str, tell: &mut dyn FnMut(&str, bool)) -> Option<()> {
    let (name, word) = line.rsplit_once(" ... ")?;
    let passed = word == "ok";
    if let Some(name) = name.strip_prefix("test ") {
        // `test a::b - should panic ... ok`
        tell(name.split(" - ").next().unwrap_or(name), passed);
        return Some(());
    }
    let (short, place) = name.strip_suffix(')')?.split_once(" (")?;
    tell(place, passed);
    tell(&format!("{place}.{short}"), passed);
    Some(())
}

/// `✔ name (1.2ms)` of node's spec form, `✓ name (3 ms)` of jest, `--- PASS: TestX (0.00s)` of go.
fn marked(line: &str, tell: &mut dyn FnMut(&str, bool)) -> Option<()> {
    const MARKS: [(&str, bool); 8] = [
        ("✔ ", true),
        ("✓ ", true),
        ("--- PASS: ", true),
        ("✖ ", false),
        ("✕ ", false),
        ("--- FAIL: ", false),
        ("--- SKIP: ", false),
        ("﹣ ", false),
    ];
    let (rest, passed) = MARKS
        .iter()
        .find_map(|(mark, passed)| Some((line.strip_prefix(mark)?, *passed)))?;
    let (name, left_out) = without_mark(rest);
    tell(without_time(name), passed && !left_out);
    Some(())
}

/// A name without ` (3 ms)`.
fn without_time(text: &str) -> &str {
    let is_time = |text: &str| {
        let digits = text.trim_end_matches(|char: char| char.is_ascii_alphabetic() || char == ' ');
        digits.parse::<f64>().is_ok() && text.ends_with('s')
    };
    text.strip_suffix(')')
        .and_then(|text| text.rsplit_once(" ("))
        .filter(|(_, time)| is_time(time))
        .map_or(text, |(name, _)| name)
}

/// TAP's other word for a test that does not count yet; put together so that the word itself is
/// found only where work was left.
const LATER: &str = concat!("TO", "DO");

/// A name without ` # SKIP why`, and whether that mark was there.
fn without_mark(text: &str) -> (&str, bool) {
    text.split_once(" # ")
        .filter(|(_, word)| word.starts_with("SKIP") || word.starts_with(LATER))
        .map_or((text, false), |(name, _)| (name, true))
}

/// `ok 1 - name`, `not ok 2 - name`, `ok 3 - name # SKIP why` (TAP 13).
fn tap(line: &str, tell: &mut dyn FnMut(&str, bool)) -> Option<()> {
    let (rest, passed) = match line.strip_prefix("not ok ") {
        Some(rest) => (rest, false),
        None => (line.strip_prefix("ok ")?, true),
    };
    let (number, name) = rest.split_once(' ')?;
    number.parse::<u64>().ok()?;
    let name = name.strip_prefix("- ").unwrap_or(name);
    let (name, left_out) = without_mark(name);
    tell(name, passed && !left_out);
    Some(())
}

/// `tests/test_a.py::test_b PASSED  [ 20%]` with `-v`, `PASSED tests/test_a.py::test_b` with
/// `-rA`, `FAILED tests/test_a.py::test_b - assert 1 == 2`.
fn pytest(line: &str, tell: &mut dyn FnMut(&str, bool)) -> Option<()> {
    const WORDS: [(&str, bool); 6] = [
        ("PASSED", true),
        ("XPASS", true),
        ("FAILED", false),
        ("ERROR", false),
        ("SKIPPED", false),
        ("XFAIL", false),
    ];
    if !line.contains("::") {
        return None;
    }
    let before = WORDS.iter().find_map(|(word, passed)| {
        let rest = line.strip_prefix(word)?.strip_prefix(' ')?;
        Some((rest.split(" - ").next().unwrap_or(rest), *passed))
    });
    // The name may have spaces, in brackets: `test_a[one two]`.
    let after = || {
        WORDS.iter().find_map(|(word, passed)| {
            let (name, rest) = line.rsplit_once(word)?;
            let ends = rest.is_empty() || rest.starts_with(' ');
            Some((name.strip_suffix(' ').filter(|_| ends)?, *passed))
        })
    };
    let (name, passed) = before.or_else(after)?;
    tell(name, passed);
    Some(())
}
