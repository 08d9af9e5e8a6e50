//! The coverage that a line of a report states for the whole.
//!
//! Never: the coverage of a single file; a percentage that stands for branches or functions.

use super::Percent;

/// The coverage of lines (or statements) in this line, if it is a known report's total.
pub(super) fn read(line: &str) -> Option<Percent> {
    total(line)
        .or_else(|| table(line))
        .or_else(|| text_summary(line))
        .or_else(|| go(line))
        .or_else(|| tarpaulin(line))
}

fn percent(text: &str) -> Option<Percent> {
    Percent::read(text.strip_suffix('%')?.trim_end())
}

/// `TOTAL  17  7  59%` of coverage.py and pytest-cov; `TOTAL  10 2 80.00%  4 1 75.00%  20 3 85.00%
/// 0 0 -` of llvm-cov, which has regions, functions, lines and branches.
fn total(line: &str) -> Option<Percent> {
    const LINES_OF_LLVM: usize = 2;
    let mut fields = line.strip_prefix("TOTAL")?.split_ascii_whitespace();
    let found: Vec<&str> = fields.by_ref().filter(|text| text.ends_with('%')).collect();
    match found.as_slice() {
        [only] => percent(only),
        [_, _, _] | [_, _, _, _] => found.get(LINES_OF_LLVM).and_then(|text| percent(text)),
        _ => None,
    }
}

/// `All files |   85.71 |       50 |     100 |      90 |` of istanbul (statements, branches,
/// functions, lines); `# all files | 90.00 | 80.00 | 66.67 |` of node (lines, branches, functions).
fn table(line: &str) -> Option<Percent> {
    const LINES_OF_ISTANBUL: usize = 4;
    const LINES_OF_NODE: usize = 1;
    let cell = |place| line.split('|').nth(place).map(str::trim);
    let name = cell(0)?;
    let place = match name {
        "All files" => LINES_OF_ISTANBUL,
        "# all files" | "ℹ all files" => LINES_OF_NODE,
        _ => return None,
    };
    Percent::read(cell(place)?)
}

/// `Lines        : 90% ( 9/10 )` of istanbul's `text-summary`.
fn text_summary(line: &str) -> Option<Percent> {
    let rest = line.strip_prefix("Lines")?.trim_start().strip_prefix(':')?;
    let (value, rest) = rest.trim_start().split_once(' ')?;
    rest.starts_with('(').then(|| percent(value))?
}

/// `coverage: 85.7% of statements`, for each package; `total: (statements) 85.7%` of `go tool
/// cover`.
fn go(line: &str) -> Option<Percent> {
    if let Some(rest) = line.strip_prefix("total:") {
        let value = rest.trim_start().strip_prefix("(statements)")?;
        return percent(value.trim_start());
    }
    let (_, rest) = line.split_once("coverage: ")?;
    let (value, rest) = rest.split_once(' ')?;
    rest.starts_with("of statements").then(|| percent(value))?
}

/// `85.71% coverage, 6/7 lines covered`.
fn tarpaulin(line: &str) -> Option<Percent> {
    let (value, rest) = line.split_once(' ')?;
    let is_total = rest.starts_with("coverage, ") && rest.contains("lines covered");
    is_total.then(|| percent(value))?
}
