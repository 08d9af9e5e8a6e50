//! The small readers: names, dates, what tools say, inputs.

use super::*;
use crate::request::{INPUT_SCHEMA, OUTPUT_SCHEMA};
use crate::testing::Runner;
use crate::{date, glob};

#[test]
fn names_match_as_people_expect() {
    for (pattern, path, hit) in [
        ("*.pyc", "a/b/c.pyc", true),
        ("*.pyc", "a/b.pyc/c", false),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("doc_id/**/*", "doc_id/a", true),
        ("doc_id/**/*", "doc_id/a/b/c", true),
        ("doc_id/**/*", "other/doc_id/a", false),
        ("src/*", "src/a/b", false),
        ("src/**", "src/a/b", true),
        ("**/x", "x", true),
        ("**/x", "a/b/x", true),
        ("**/x", "a/bx", false),
        ("", "", true),
        (".env", "a/.env", true),
    ] {
        assert_eq!(glob::matches(pattern, path), hit, "{pattern} {path}");
    }
    // Grows with the product of the lengths, not with their powers.
    assert!(!glob::matches(
        &format!("{}x", "**/*".repeat(60)),
        &"a/".repeat(2000)
    ));
}

#[test]
fn dates_of_git_are_times() {
    assert_eq!(date::parse("1970-01-01T00:00:00Z"), Some(0));
    assert_eq!(
        date::parse("2000-03-01T01:00:00+01:00"),
        Some(951_868_800_000)
    );
    assert_eq!(
        date::parse("2025-11-26T04:39:10-05:30"),
        Some(1_764_151_750_000)
    );
    for text in [
        "",
        "2025-11-26",
        "2025-13-01T00:00:00Z",
        "é025-11-26T04:39:10Z",
        "2025-11-26T04:39:10",
    ] {
        assert_eq!(date::parse(text), None, "{text}");
    }
}

#[test]
fn the_number_of_passed_tests_is_what_the_tool_says() {
    for (runner, said, count) in [
        (
            Runner::Pytest,
            "===== 3 passed, 1 skipped in 0.1s =====",
            Some(3),
        ),
        (Runner::Pytest, "12 passed in 0.10s", Some(12)),
        (Runner::Pytest, "1 failed, 2 passed in 0.10s", Some(2)),
        (Runner::Pytest, "no tests ran in 0.00s", None),
        (
            Runner::Unittest,
            "....\nRan 4 tests in 0.001s\n\nOK",
            Some(4),
        ),
        (Runner::Unittest, "Ran 0 tests in 0.000s", Some(0)),
        (Runner::Node, "# tests 3\n# pass 2\n# fail 1\n", Some(2)),
        (Runner::Node, "ℹ pass 5\n", Some(5)),
        (
            Runner::Cargo,
            "test result: ok. 2 passed; 0 failed\ntest result: ok. 5 passed; 0 failed\n",
            Some(7),
        ),
        (Runner::Go, "ok  \tx\t0.1s", None),
    ] {
        assert_eq!(runner.passed(said), count, "{said}");
    }
}

#[test]
fn status_of_git_is_read_with_spaces_and_renames() {
    let said = "# branch.oid 1\x001 .M N... 100644 100644 100644 a b dir/a b.txt\x00\
                2 R. N... 100644 100644 100644 a b R100 new.txt\x00old.txt\x00? un known\x00? .state/x\x00";
    assert_eq!(status::dirty(said), ["dir/a b.txt", "new.txt", "un known"]);
    assert!(status::dirty("# branch.oid 1\0").is_empty());
}

#[test]
fn every_wrong_input_is_named() {
    let wrong = Request::check(
        r#"{"config": "/x", "patterns": ["EXEC-018"], "dry_run": 1, "test_paths": ["a"], "more": 1}"#,
    );
    let paths: Vec<String> = wrong.unwrap_err().into_iter().map(|one| one.path).collect();
    for path in ["/config", "/patterns/0", "/dry_run", "/test_paths", ""] {
        assert!(paths.iter().any(|one| one == path), "{path}: {paths:?}");
    }
}

#[test]
fn the_schemas_are_json_and_a_report_has_what_its_schema_promises() {
    let _inputs: serde_json::Value = serde_json::from_str(INPUT_SCHEMA).unwrap();
    let schema: serde_json::Value = serde_json::from_str(OUTPUT_SCHEMA).unwrap();
    let place = Place::of(&[("a", "x")]);
    let report = place
        .clean("patterns: {EXEC-014: {}}", r#"{"dry_run": true}"#)
        .unwrap();
    let report = serde_json::to_value(report).unwrap();
    for (given, promised) in [
        (&report, &schema["required"]),
        (
            &report["results"][0],
            &schema["properties"]["results"]["items"]["required"],
        ),
    ] {
        let mut promised: Vec<&str> = promised
            .as_array()
            .unwrap()
            .iter()
            .filter_map(serde_json::Value::as_str)
            .collect();
        promised.sort_unstable();
        let given: Vec<&String> = given.as_object().unwrap().keys().collect();
        assert_eq!(promised, given);
    }
}

#[test]
fn without_a_configuration_everything_is_only_tried() {
    let place = Place::of(&[("a", "x"), ("b/c.py", &long("")), ("d/c.py", &long(""))]);
    let before = place.files();
    let report = clean(
        &place,
        place.base(),
        &Config::unwritten(),
        &Request::default(),
    )
    .unwrap();
    assert!(report.dry_run);
    assert_eq!(report.results.len(), 4);
    assert_eq!(report.results[0].changes_planned, 1);
    assert_eq!(place.files(), before);
    let named = Request::check(r#"{"config": "./a//b.yaml"}"#).unwrap();
    assert_eq!(named.config.unwrap().as_str(), "a/b.yaml");
}
