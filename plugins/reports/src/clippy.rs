//! What cargo prints with `--message-format=json`: one message per line
//! (<https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages>).
//!
//! Never: a message of a kind that is not known taken for a finding.

use serde_json::Value;

use crate::findings::{Finding, Findings, Level};

/// What cargo printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clippy {
    /// What the compiler and clippy found.
    pub findings: Findings,
    /// Whether the build came to an end, and how.
    pub built: Option<bool>,
    /// Lines that are no messages.
    pub other_lines: u64,
}

/// Reads standard output of `cargo clippy --message-format=json`.
#[must_use]
pub fn read(text: &str) -> Clippy {
    let mut all = Clippy::default();
    let mut seen = std::collections::BTreeSet::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let Ok(message) = serde_json::from_str::<Value>(line) else {
            all.other_lines += 1;
            continue;
        };
        match message.get("reason").and_then(Value::as_str) {
            Some("compiler-message") => {
                if let Some(finding) = message.get("message").and_then(finding) {
                    // A library is compiled twice, for itself and for its tests.
                    let key = format!("{finding:?}");
                    if seen.insert(key) {
                        all.findings.add(finding);
                    }
                }
            }
            Some("build-finished") => {
                all.built = message.get("success").and_then(Value::as_bool);
            }
            Some(_) => {}
            None => all.other_lines += 1,
        }
    }
    all.findings.tool = Some("clippy".to_owned());
    all
}

fn finding(message: &Value) -> Option<Finding> {
    let text = |name: &str| Some(message.get(name)?.as_str()?.to_owned());
    let spans = message.get("spans").and_then(Value::as_array);
    let primary = spans.and_then(|spans| {
        let is_primary =
            |span: &&Value| span.get("is_primary").and_then(Value::as_bool) == Some(true);
        spans.iter().find(is_primary).or(spans.first())
    });
    let rule = message.pointer("/code/code").and_then(Value::as_str);
    // `3 warnings emitted`, `aborting due to 1 previous error`: sums, not findings.
    if primary.is_none() && rule.is_none() {
        return None;
    }
    let number = |name: &str| primary?.get(name)?.as_u64();
    Some(Finding {
        rule: rule.map(str::to_owned),
        level: match text("level")?.as_str() {
            "error" | "error: internal compiler error" => Level::Error,
            "warning" => Level::Warning,
            _ => Level::Note,
        },
        message: text("message")?,
        file: primary
            .and_then(|span| span.get("file_name")?.as_str())
            .map(str::to_owned),
        line: number("line_start"),
        column: number("column_start"),
        end_line: number("line_end"),
        end_column: number("column_end"),
    })
}
