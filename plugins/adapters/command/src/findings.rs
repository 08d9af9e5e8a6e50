//! Finds the places that a tool complains about in what it wrote.
//!
//! Three shapes cover most tools: `file:line: message` and `file:line:column: message` (C
//! compilers, ruff, mypy, go vet), rustc's message with ` --> file:line:column` below it, and the
//! frames of a Python traceback. Never: a judgement; whether the tool succeeded is its exit's
//! matter.

use serde::Serialize;

/// Most places that one report names: nobody reads more, and the output holds the rest.
const MOST: usize = 100;
/// Longest message in characters; a longer one is cut.
const LONGEST_MESSAGE: usize = 500;

/// A place that a tool complains about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// The file, as the tool wrote it.
    pub(crate) file: String,
    /// From 1.
    pub(crate) line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<u32>,
    /// What the tool said; may be empty.
    pub(crate) message: String,
}

/// The findings in a text, in order, each once.
pub(crate) fn find(text: &str) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let mut headline = "";
    // Frames of a traceback wait here for the line that says what was raised.
    let mut frames: Vec<Finding> = Vec::new();
    for line in text.lines() {
        if found.len() + frames.len() >= MOST {
            break;
        }
        if line.starts_with("error") || line.starts_with("warning") {
            headline = line;
        }
        if let Some(frame) = python_frame(line) {
            frames.push(frame);
        } else if let Some(finding) = rust_arrow(line, headline) {
            add(&mut found, finding);
        } else if !frames.is_empty() && !line.starts_with(' ') && !line.is_empty() {
            for frame in frames.drain(..) {
                add(
                    &mut found,
                    Finding {
                        message: cut(line),
                        ..frame
                    },
                );
            }
        } else if let Some(finding) = colons(line) {
            add(&mut found, finding);
        }
    }
    for frame in frames {
        add(&mut found, frame);
    }
    found
}

fn add(found: &mut Vec<Finding>, finding: Finding) {
    if !found.contains(&finding) {
        found.push(finding);
    }
}

/// `file:line: message` or `file:line:column: message`.
fn colons(line: &str) -> Option<Finding> {
    let (file, rest) = line.trim_start().split_once(':')?;
    let (number, rest) = rest.split_once(':')?;
    let line_number = positive(number)?;
    let (column, message) = match rest
        .split_once(':')
        .and_then(|(c, m)| Some((positive(c)?, m)))
    {
        Some((column, message)) => (Some(column), message),
        None => (None, rest),
    };
    is_path(file).then(|| Finding {
        file: file.to_owned(),
        line: line_number,
        column,
        message: cut(message),
    })
}

/// `  --> file:line:column`, with the message some lines above.
fn rust_arrow(line: &str, headline: &str) -> Option<Finding> {
    let place = line.trim_start().strip_prefix("--> ")?;
    let (place, column) = place.rsplit_once(':')?;
    let (file, number) = place.rsplit_once(':')?;
    Some(Finding {
        file: file.to_owned(),
        line: positive(number)?,
        column: Some(positive(column)?),
        message: cut(headline),
    })
}

/// `  File "name", line 3, in function`.
fn python_frame(line: &str) -> Option<Finding> {
    let (file, rest) = line
        .trim_start()
        .strip_prefix("File \"")?
        .split_once("\", line ")?;
    let number = rest.split_once(',').map_or(rest, |(number, _)| number);
    Some(Finding {
        file: file.to_owned(),
        line: positive(number)?,
        column: None,
        message: String::new(),
    })
}

/// Whether a word looks like a file: times (`12:30:45`), addresses and prose do not.
fn is_path(word: &str) -> bool {
    let odd = |character: char| character.is_whitespace() || character.is_control();
    word.contains(['.', '/'])
        && !word.contains(odd)
        && word.chars().any(char::is_alphabetic)
        && !word.ends_with('/')
}

fn positive(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|number| *number > 0)
}

fn cut(message: &str) -> String {
    message.trim().chars().take(LONGEST_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, u32, Option<u32>, &str)]) {
        let found = find(text);
        let found: Vec<_> = found
            .iter()
            .map(|one| {
                (
                    one.file.as_str(),
                    one.line,
                    one.column,
                    one.message.as_str(),
                )
            })
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn colon_lines() {
        check("src/a.c:3: oops", &[("src/a.c", 3, None, "oops")]);
        check(
            "a.py:3:14: E501 too long",
            &[("a.py", 3, Some(14), "E501 too long")],
        );
        check("  ./b.go:1:2: x: y", &[("./b.go", 1, Some(2), "x: y")]);
        check("Makefile:3: no", &[]);
        check("dir/Makefile:3: no", &[("dir/Makefile", 3, None, "no")]);
    }

    #[test]
    fn what_only_looks_like_it() {
        for text in [
            "12:30:45: started",
            "2026-01-01T12:30:45: x",
            "http://localhost:8000: refused",
            "see a.py:0: nothing",
            "a.py:0: no such line",
            "a.py:x: no number",
            "a.py",
            "a b.py:3: a space",
            "\u{1b}[1ma.py:3: colours",
            "::",
            "1.5:2:3",
            "",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn rustc() {
        check(
            "error[E0308]: mismatched types\n --> src/main.rs:2:5\n  |\n2 |     1\n",
            &[("src/main.rs", 2, Some(5), "error[E0308]: mismatched types")],
        );
        check(" --> src/main.rs:2", &[]);
    }

    #[test]
    fn python_tracebacks() {
        check(
            "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\n    g()\n  \
             File \"b c.py\", line 7\n    x\nValueError: bad\n",
            &[
                ("a.py", 3, None, "ValueError: bad"),
                ("b c.py", 7, None, "ValueError: bad"),
            ],
        );
        check("  File \"a.py\", line 3", &[("a.py", 3, None, "")]);
    }

    #[test]
    fn each_once_and_not_too_many() {
        check("a.c:1: x\na.c:1: x\n", &[("a.c", 1, None, "x")]);
        let many: String = (1..=1000).map(|line| format!("a.c:{line}: x\n")).collect();
        assert_eq!(find(&many).len(), MOST);
        let long = format!("a.c:1: {}", "é".repeat(10_000));
        assert_eq!(find(&long)[0].message.chars().count(), LONGEST_MESSAGE);
    }
}
