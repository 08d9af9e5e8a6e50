//! Findings.

use super::*;

#[test]
fn ruff_says_the_same_in_both_of_its_forms() {
    let one = sarif::read(include_bytes!("../../samples/ruff.sarif")).unwrap();
    let other = ruff::read(include_bytes!("../../samples/ruff.json")).unwrap();
    assert_eq!(one.tool.as_deref(), Some("ruff"));
    assert!(one.version.is_some());
    assert_eq!(one.findings, other.findings);
    assert_eq!(one.total, 3);
    let found = &one.findings[1];
    assert_eq!(found.rule.as_deref(), Some("F401"));
    assert_eq!(found.file.as_deref(), Some("/tmp/tp/bad.py"));
    assert_eq!(
        (found.line, found.column, found.level),
        (Some(1), Some(8), Level::Error)
    );
}

#[test]
fn clippy_is_counted_once_though_it_compiles_twice() {
    let run = clippy::read(include_str!("../../samples/clippy.jsonl"));
    assert_eq!((run.built, run.other_lines), (Some(true), 0));
    let rules: Vec<_> = run
        .findings
        .rules
        .iter()
        .map(|(rule, count)| (rule.as_str(), *count))
        .collect();
    assert_eq!(
        rules,
        [("clippy::needless_return", 1), ("unused_variables", 1)]
    );
    assert_eq!(run.findings.of(Level::Warning), 2);
    let found = &run.findings.findings[0];
    assert_eq!(
        (found.file.as_deref(), found.line),
        (Some("src/lib.rs"), Some(2))
    );
}

#[test]
fn what_was_written_is_read_back_the_same() {
    let mut findings = Findings {
        tool: Some("a \"tool\"".into()),
        version: Some("1.2".into()),
        ..Findings::default()
    };
    findings.add(Finding {
        rule: Some("X1".into()),
        level: Level::Note,
        message: "ü < & \n".into(),
        file: Some("a b/c%d#e?.py".into()),
        line: Some(3),
        column: None,
        end_line: None,
        end_column: Some(9),
    });
    let text = sarif::write(&findings).to_string();
    assert_eq!(sarif::read(text.as_bytes()).unwrap(), findings);
}

#[test]
fn a_level_that_a_result_lacks_is_that_of_its_rule() {
    let text = r#"{"version": "2.1.0", "runs": [
        {"tool": {"driver": {"name": "t", "rules": [{"id": "A", "defaultConfiguration": {"level": "note"}}]}},
         "results": [{"ruleId": "A", "message": {"text": "m"}}, {"ruleId": "B", "message": {"text": "m"}}]},
        {"tool": {"driver": {"name": "u"}}}]}"#;
    let found = sarif::read(text.as_bytes()).unwrap();
    assert_eq!((found.of(Level::Note), found.of(Level::Warning)), (1, 1));
    assert_eq!(found.tool.as_deref(), Some("t"));
}

#[test]
fn what_is_no_sarif_is_an_error() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"version": "2.0.0", "runs": []}"#,
        r#"{"version": "2.1.0"}"#,
    ] {
        assert!(sarif::read(text.as_bytes()).is_err(), "{text}");
    }
    assert!(ruff::read(b"{}").is_err());
    assert_eq!(
        sarif::read(&vec![b' '; sarif::MOST_BYTES + 1]),
        Err(sarif::SarifError::TooLarge)
    );
}
