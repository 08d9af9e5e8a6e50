//! Which inputs are refused, and how.

use serde_json::{Value, json};

use super::check;
use crate::request::{Format, INPUT_SCHEMA, OUTPUT_SCHEMA};

fn one(setting: Value) -> Value {
    json!({"config_name": "demo", "config_path": "demo.yaml", "settings": [setting]})
}

#[track_caller]
fn refused(inputs: &Value, expected: &[(&str, &str)]) {
    let wrong = check(inputs).unwrap_err();
    let found: Vec<(&str, &str)> = wrong
        .iter()
        .map(|one| (one.path.as_str(), one.code))
        .collect();
    assert_eq!(found, expected, "{inputs}: {wrong:?}");
}

#[test]
fn every_problem_is_found_at_once() {
    refused(
        &json!({"config_name": "1", "config_format": "ini", "config_path": "../x.yaml", "settings": [
            {"key": "a b", "type": "word", "default": 1},
            {"key": "a", "type": "integer", "default": "x"},
            5,
        ], "extra": 1, "create_loader": "maybe"}),
        &[
            ("/config_name", "pattern"),
            ("/config_format", "enum"),
            ("/config_path", "relative-path"),
            ("/settings/0/key", "pattern"),
            ("/settings/0/type", "enum"),
            ("/settings/1/default", "type"),
            ("/settings/2", "type"),
            ("/create_loader", "type"),
            ("", "unknown"),
        ],
    );
}

#[test]
fn what_is_needed_is_named() {
    refused(
        &json!({}),
        &[("", "required"), ("", "required"), ("", "required")],
    );
    refused(
        &one(json!({"type": "string"})),
        &[("/settings/0", "required"), ("/settings/0", "required")],
    );
}

#[test]
fn a_default_keeps_to_its_own_rules_and_zero_is_a_rule() {
    let bad = |kind: &str, default: Value, rules: Value| {
        one(json!({"key": "a", "type": kind, "default": default, "validation": rules}))
    };
    let default = [("/settings/0/default", "default")];
    refused(&bad("integer", json!(-1), json!({"min": 0})), &default);
    refused(&bad("float", json!(0.5), json!({"max": 0})), &default);
    refused(
        &bad("string", json!("b"), json!({"pattern": "^a"})),
        &default,
    );
    refused(&bad("string", json!("b"), json!({"enum": ["a"]})), &default);
    assert!(check(&bad("integer", json!(0), json!({"min": 0, "max": 0}))).is_ok());
}

#[test]
fn rules_fit_their_type() {
    let rules = |kind: &str, default: Value, rules: Value| {
        one(json!({"key": "a", "type": kind, "default": default, "validation": rules}))
    };
    let at = |name: &'static str, code: &'static str| [(name, code)];
    let min = "/settings/0/validation/min";
    refused(
        &rules("string", json!(""), json!({"min": 1})),
        &at(min, "not-for-type"),
    );
    refused(
        &rules("integer", json!(1), json!({"min": 2, "max": 0})),
        &[(min, "range"), ("/settings/0/default", "default")],
    );
    let pattern = "/settings/0/validation/pattern";
    refused(
        &rules("integer", json!(1), json!({"pattern": "a"})),
        &at(pattern, "not-for-type"),
    );
    let choice = "/settings/0/validation/enum/1";
    refused(
        &rules("integer", json!(1), json!({"enum": [1, "2"]})),
        &at(choice, "type"),
    );
    refused(
        &rules("integer", json!(1), json!({"enum": []})),
        &at("/settings/0/validation/enum", "empty"),
    );
    refused(
        &rules("integer", json!(1), json!({"least": 1})),
        &at("/settings/0/validation", "unknown"),
    );
}

#[test]
fn keys_that_cannot_live_beside_each_other_are_refused() {
    let two = |one: &str, other: &str| {
        let setting = |key: &str| json!({"key": key, "type": "integer", "default": 1});
        json!({"config_name": "demo", "config_path": "demo.yaml", "settings": [setting(one), setting(other)]})
    };
    for (first, second, code) in [
        ("a", "a", "same-name"),
        ("a.b", "a_b", "same-name"),
        ("A", "a", "same-name"),
        ("class", "class_", "same-name"),
        ("a", "a.b", "level"),
        ("a.b.c", "a.b", "level"),
    ] {
        refused(&two(first, second), &[("/settings/1/key", code)]);
    }
    assert!(check(&two("a.b", "a.bc")).is_ok());
}

#[test]
fn the_ending_of_the_file_and_the_format_agree() {
    let with = |format: Option<&str>, path: &str| {
        let mut inputs = json!({"config_name": "demo", "config_path": path, "settings": []});
        if let Some(format) = format {
            inputs["config_format"] = format.into();
        }
        inputs
    };
    for (path, format) in [
        ("a.yaml", Format::Yaml),
        ("b/a.yml", Format::Yaml),
        ("a.json", Format::Json),
        ("a.b.toml", Format::Toml),
    ] {
        assert_eq!(check(&with(None, path)).unwrap().format, format);
    }
    refused(&with(Some("json"), "a.yaml"), &[("/config_path", "ending")]);
    refused(&with(None, "a.conf"), &[("/config_path", "ending")]);
    refused(&with(None, "a/"), &[("/config_path", "relative-path")]);
}

#[test]
fn what_toml_cannot_say_is_refused_for_toml_only() {
    let with = |path: &str| {
        json!({"config_name": "demo", "config_path": path, "settings": [
            {"key": "a", "type": "array", "default": [null]},
            {"key": "b", "type": "object", "default": {"c": u64::MAX}},
        ]})
    };
    assert!(check(&with("a.json")).is_ok());
    let found = [
        ("/settings/0/default", "not-in-toml"),
        ("/settings/1/default", "not-in-toml"),
    ];
    refused(&with("a.toml"), &found);
}

#[test]
fn the_schemas_are_json_and_the_manifest_agrees_with_the_package() {
    for schema in [INPUT_SCHEMA, OUTPUT_SCHEMA] {
        let schema: Value = serde_json::from_str(schema).unwrap();
        assert_eq!(schema["type"], "object");
    }
    let manifest = include_str!("../../remit-plugin.toml");
    for line in [
        format!("id = \"{}\"", env!("CARGO_PKG_NAME")),
        format!("version = \"{}\"", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(manifest.lines().any(|one| one == line), "{line}");
    }
}
