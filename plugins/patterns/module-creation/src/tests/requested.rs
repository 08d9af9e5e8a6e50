//! Which inputs are refused, and how.
//!
//! Never: a message compared as a whole; codes and places are the contract.

use serde_json::Value;

use super::{check, inputs};
use crate::license::License;
use crate::request::{INPUT_SCHEMA, KNOWN, Language, ModuleType, OUTPUT_SCHEMA};

/// Checks that inputs are refused with exactly these places and codes.
#[track_caller]
fn refused(inputs: &str, expected: &[(&str, &str)]) {
    let wrong = check(inputs).unwrap_err();
    let found: Vec<(&str, &str)> = wrong
        .iter()
        .map(|one| (one.path.as_str(), one.code))
        .collect();
    assert_eq!(found, expected, "{inputs}: {wrong:?}");
    assert!(wrong.iter().all(|one| !one.message.is_empty()));
}

fn named(name: &str, language: &str) -> String {
    format!(r#"{{"module_name": "{name}", "language": "{language}", "module_type": "library"}}"#)
}

#[test]
fn defaults_are_those_of_the_schema() {
    let request = check(&inputs("")).unwrap();
    let schema: Value = serde_json::from_str(INPUT_SCHEMA).unwrap();
    let default = |name: &str| schema["properties"][name]["default"].clone();
    assert_eq!(default("project_root"), request.root.as_str());
    assert_eq!(default("include_cli"), request.cli);
    assert_eq!(default("include_examples"), request.examples);
    assert_eq!(default("license"), request.license.spdx());
    assert_eq!(default("force"), request.force);
    assert_eq!(default("keep_on_failure"), request.keep_on_failure);
}

#[test]
fn imports_know_every_input_and_its_words() {
    let schema: Value = serde_json::from_str(INPUT_SCHEMA).unwrap();
    for field in KNOWN.fields {
        let property = &schema["properties"][field.name];
        assert!(property.is_object(), "{}", field.name);
        let words = property
            .get("enum")
            .map_or(0, |all| all.as_array().unwrap().len());
        assert_eq!(words, field.words.len(), "{}", field.name);
        assert_eq!(property["type"] == "boolean", field.flag, "{}", field.name);
    }
}

#[test]
fn a_wrapped_instance_is_taken() {
    let wrapped = format!(
        r#"{{"doc_id": "DOC-1", "pattern_id": "PAT-MODULE-CREATION-001", "inputs": {}, "outputs": {{}}}}"#,
        inputs("")
    );
    assert_eq!(check(&wrapped).unwrap(), check(&inputs("")).unwrap());
    let other = wrapped.replace("CREATION-001", "CREATION-002");
    refused(&other, &[("/pattern_id", "other-pattern")]);
}

#[test]
fn words_are_those_of_the_schema() {
    let schema: Value = serde_json::from_str(INPUT_SCHEMA).unwrap();
    let words = |name: &str| schema["properties"][name]["enum"].clone();
    assert_eq!(
        words("language"),
        Value::from(Language::ALL.map(|(word, _)| word).to_vec())
    );
    assert_eq!(
        words("module_type"),
        Value::from(ModuleType::ALL.map(|(word, _)| word).to_vec())
    );
    assert_eq!(
        words("license"),
        Value::from(License::ALL.map(|(word, _)| word).to_vec())
    );
}

#[test]
fn the_output_schema_is_json() {
    let schema: Value = serde_json::from_str(OUTPUT_SCHEMA).unwrap();
    assert_eq!(schema["type"], "object");
}

#[test]
fn every_problem_is_found_at_once() {
    refused(
        r#"{"project_root": "../out", "module_name": "Bad-Name", "language": "cobol",
            "module_type": "daemon", "license": "WTFPL"}"#,
        &[
            ("/project_root", "relative-path"),
            ("/language", "enum"),
            ("/module_type", "enum"),
            ("/license", "enum"),
            ("/module_name", "pattern"),
        ],
    );
}

#[test]
fn names_of_the_wrong_form_are_refused() {
    for name in [
        "",
        "Bad",
        "bad-name",
        "1a",
        "_a",
        "a.b",
        "a b",
        "a/b",
        "é",
        "demo\u{301}",
    ] {
        refused(&named(name, "python"), &[("/module_name", "pattern")]);
    }
    refused(
        &named(&"a".repeat(65), "python"),
        &[("/module_name", "length")],
    );
    for name in ["a", "a1", "a_b", "a__", &"a".repeat(64)] {
        assert!(check(&named(name, "python")).is_ok(), "{name}");
    }
}

#[test]
fn names_that_mean_something_else_are_refused() {
    let taken = [
        ("class", "python"),
        ("match", "python"),
        ("json", "python"),
        ("distutils", "python"),
        ("tests", "python"),
        ("setup", "python"),
        ("fs", "javascript"),
        ("index", "javascript"),
        ("cli", "typescript"),
        ("node_modules", "typescript"),
    ];
    for (name, language) in taken {
        refused(&named(name, language), &[("/module_name", "reserved")]);
    }
    // What is taken in one language is free in another.
    assert!(check(&named("json", "javascript")).is_ok());
    assert!(check(&named("fs", "python")).is_ok());
}

#[test]
fn a_project_root_stays_below_the_workspace() {
    let root = |root: &str| inputs(&format!(r#""project_root": {}"#, Value::from(root)));
    for (text, code) in [
        ("/etc", "relative-path"),
        ("..", "relative-path"),
        ("a/../../b", "relative-path"),
        ("a/..", "relative-path"),
        ("C:/x", "relative-path"),
        ("a\\b", "relative-path"),
        ("a\0b", "relative-path"),
        ("", "length"),
        (&"a/".repeat(2049), "length"),
    ] {
        refused(&root(text), &[("/project_root", code)]);
    }
    for (text, normal, below) in [
        (".", ".", "x"),
        ("./", ".", "x"),
        ("a//b/./c/", "a/b/c", "a/b/c/x"),
        ("..a/b..", "..a/b..", "..a/b../x"),
    ] {
        let request = check(&root(text)).unwrap();
        assert_eq!(request.root.as_str(), normal);
        assert_eq!(request.root.join("x"), below);
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    refused("[]", &[("", "type")]);
    refused("", &[("", "json")]);
    refused(
        "{}",
        &[("", "required"), ("", "required"), ("", "required")],
    );
    refused(
        &inputs(r#""include_cli": "yes""#),
        &[("/include_cli", "type")],
    );
    refused(&inputs(r#""licence": "MIT""#), &[("", "unknown")]);
}

#[test]
fn a_cli_module_has_a_command_line_in_any_case() {
    let inputs =
        r#"{"module_name": "a", "language": "python", "module_type": "cli", "include_cli": false}"#;
    assert!(check(inputs).unwrap().cli);
}

#[test]
fn published_names_are_normalized() {
    for (name, published) in [("a", "a"), ("a_b", "a-b"), ("a__b_", "a-b")] {
        let request = check(&named(name, "python")).unwrap();
        assert_eq!(request.distribution(), published);
    }
}
