//! The generated files, used for real: python3 runs the loaders, and, where they are installed,
//! PyYAML reads YAML and `jsonschema` validates independently.
//!
//! Never: a test that is left out without saying so.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::{check, request};
use crate::formats::defaults;
use crate::plan::Plan;
use crate::request::Request;
use crate::verify::{Verdict, bad_values, judge, program};

fn python(root: &Path, arguments: &[&str]) -> Output {
    Command::new("python3")
        .args(["-E", "-s", "-B"])
        .args(arguments)
        .current_dir(root)
        .output()
        .unwrap_or_else(|error| panic!("python3 must be installed: {error}"))
}

fn has_module(name: &str) -> bool {
    python(Path::new("."), &["-c", &format!("import {name}")])
        .status
        .success()
}

/// The formats that can be read on this machine.
#[expect(
    clippy::print_stderr,
    reason = "nobody should overlook that YAML was not read"
)]
fn formats() -> Vec<&'static str> {
    if has_module("yaml") {
        return vec!["yaml", "json", "toml"];
    }
    eprintln!("PyYAML IS NOT INSTALLED: YAML IS NOT TRIED (python3 -m pip install pyyaml)");
    vec!["json", "toml"]
}

fn generate(request: &Request) -> (tempfile::TempDir, Plan) {
    let directory = tempfile::tempdir().unwrap();
    let plan = Plan::of(request).unwrap();
    for file in &plan.files {
        let place = directory.path().join(&file.path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, &file.content).unwrap();
    }
    (directory, plan)
}

/// Tries it as the component does.
fn verdict(request: &Request, root: &Path, plan: &Plan, kept: bool) -> Verdict {
    let program = program(request, plan).unwrap();
    fs::write(root.join("check.py"), program).unwrap();
    let output = python(root, &["check.py"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    judge(request, &String::from_utf8_lossy(&output.stdout), kept)
}

#[test]
fn loaders_print_ok_and_refuse_every_bad_value() {
    for format in formats() {
        let request = request(format);
        let (directory, plan) = generate(&request);
        let output = python(directory.path(), &[&plan.paths.python]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "OK\n",
            "{format}: {said}"
        );
        let bad = bad_values(&request).len();
        let expected = Verdict::Good { refused: Some(bad) };
        assert_eq!(
            verdict(&request, directory.path(), &plan, false),
            expected,
            "{format}"
        );
    }
}

#[test]
fn without_a_loader_in_python_the_file_is_still_read() {
    for format in formats() {
        for loader in [None, Some("powershell")] {
            let mut request = request(format);
            request.loaders = loader.map(|_| crate::request::Loaders::PowerShell);
            let (directory, plan) = generate(&request);
            let expected = Verdict::Good { refused: None };
            assert_eq!(verdict(&request, directory.path(), &plan, false), expected);
        }
    }
}

#[test]
fn what_is_read_is_exactly_what_was_said() {
    for format in formats() {
        let request = request(format);
        let (directory, plan) = generate(&request);
        let read = "import json, sys; sys.path.insert(0, 'conf/it'); import config_loader as c; \
            print(json.dumps([c.read(c.CONFIG_FILE), c.read(str(c.CONFIG_FILE) + '.example'), \
            c.get_config().to_dict()]))";
        let output = python(directory.path(), &["-c", read]);
        let said = String::from_utf8_lossy(&output.stderr);
        let all: Vec<Value> =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
        let expected = defaults(&request);
        assert_eq!(all[0], expected, "{format}");
        assert_eq!(all[1], expected, "{format}");
        let mut without_version = expected;
        without_version.as_object_mut().unwrap().remove("version");
        assert_eq!(all[2], without_version, "{format}");
        assert!(plan.paths.config.ends_with(format));
    }
}

#[test]
fn settings_are_properties_with_their_types() {
    let request = request("json");
    let (directory, _) = generate(&request);
    let read = "import sys; sys.path.insert(0, 'conf/it'); from config_loader import get_config; \
        c = get_config(); print(c.detection_min_similar, c.detection_threshold, c.class_, \
        c.tags_list, c.get('enabled'), type(c.whole).__name__, type(c.detection_threshold).__name__)";
    let output = python(directory.path(), &["-c", read]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "3 1.0 -9007199254740993 ['a', 1, 1.5, True, [], {'b': 'c d'}] True int float\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_loader_names_everything_that_is_wrong_with_a_file() {
    let request = check(&json!({"config_name": "demo", "config_path": "demo.json", "settings": [
        {"key": "a.b", "type": "integer", "default": 1, "required": true, "validation": {"min": 0}},
        {"key": "c", "type": "string", "default": "x", "validation": {"enum": ["x", "y"]}},
    ]}))
    .unwrap();
    let (directory, plan) = generate(&request);
    let root = directory.path();
    for (text, expected) in [
        (
            r#"{"a": {"b": -1, "typo": 1}, "c": "z"}"#,
            &[
                "a.b: must be >= 0, not -1",
                "a.typo: is no setting",
                "c: must be one of",
            ][..],
        ),
        (
            r#"{"a": 5}"#,
            &["a: must be made of names", "a.b: is required"],
        ),
        (r#"{"a": {"b": true}}"#, &["a.b: must be of type integer"]),
        ("{", &["is not JSON"]),
        ("[]", &["made of names and values"]),
        ("{}", &["a.b: is required"]),
    ] {
        fs::write(root.join("demo.json"), text).unwrap();
        let output = python(root, &[&plan.paths.python]);
        assert_eq!(output.status.code(), Some(1), "{text}");
        let said = String::from_utf8_lossy(&output.stderr);
        for one in expected {
            assert!(said.contains(one), "{text}: {said}");
        }
        assert!(
            matches!(verdict(&request, root, &plan, true), Verdict::Unfit(_)),
            "{text}"
        );
    }
    fs::write(root.join("demo.json"), r#"{"a": {"b": 0}}"#).unwrap();
    assert_eq!(python(root, &[&plan.paths.python]).stdout, b"OK\n");
}

#[test]
#[expect(
    clippy::print_stderr,
    reason = "nobody should overlook that nothing was tried"
)]
fn an_independent_validator_finds_the_schema_and_the_configuration_valid() {
    if !has_module("jsonschema") {
        eprintln!("THE PYTHON MODULE jsonschema IS NOT INSTALLED: NOTHING WAS VALIDATED");
        return;
    }
    for format in formats() {
        let request = request(format);
        let (directory, plan) = generate(&request);
        let validate = format!(
            "import json, sys; sys.path.insert(0, 'conf/it'); import config_loader as c; \
             from jsonschema import Draft7Validator as V; s = json.load(open('{}', encoding='utf-8')); \
             V.check_schema(s); v = V(s); d = c.read(c.CONFIG_FILE); \
             print(len(list(v.iter_errors(d)))); d['detection']['min_similar'] = -1; d['typo'] = 1; \
             print(len(list(v.iter_errors(d))))",
            plan.paths.schema
        );
        let output = python(directory.path(), &["-c", &validate]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "0\n2\n",
            "{format}: {said}"
        );
    }
}

#[test]
fn a_configuration_without_settings_works() {
    for format in formats() {
        let inputs = json!({"config_name": "demo", "config_path": format!("demo.{format}"), "settings": [], "loader_language": "both"});
        let request = check(&inputs).unwrap();
        let (directory, plan) = generate(&request);
        let expected = Verdict::Good { refused: Some(0) };
        assert_eq!(verdict(&request, directory.path(), &plan, false), expected);
    }
}
