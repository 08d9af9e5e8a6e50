//! Which inputs are refused, which instances are understood.

use std::fs;
use std::path::{Path, PathBuf};

use remit_plugin_library::import::{Asked, Resolved};
use remit_plugin_library::path::SafePath;
use remit_plugin_library::validation::Wrong;
use serde_json::{Value, json};

use super::check;
use crate::request::{INPUT_SCHEMA, KNOWN, ModuleType, OUTPUT_SCHEMA, Request, requirement_name};

#[track_caller]
fn refused(inputs: &Value, expected: &[(&str, &str)]) {
    let wrong = check(inputs).unwrap_err();
    let found: Vec<(&str, &str)> = wrong
        .iter()
        .map(|one| (one.path.as_str(), one.code))
        .collect();
    assert_eq!(found, expected, "{inputs}: {wrong:?}");
}

#[expect(
    clippy::print_stderr,
    reason = "nobody should overlook that copies were used"
)]
fn folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = here.join("../../../../shared/corpus/pattern");
    if shared.is_dir() {
        return shared;
    }
    let copies = here.join("../../library/corpus");
    eprintln!(
        "{} IS NOT THERE: the copies in {} are used",
        shared.display(),
        copies.display()
    );
    copies
}

fn resolve(inputs: &Value) -> Result<Resolved, Vec<Wrong>> {
    let read = |path: &SafePath| {
        fs::read_to_string(folder().join(path.as_str())).map_err(|error| error.to_string())
    };
    Asked::of(&inputs.to_string())
        .unwrap()
        .resolve(&KNOWN, read)
}

#[test]
fn every_problem_is_found_at_once() {
    refused(
        &json!({"module_name": "Bad-Name", "module_type": "cli", "language": "javascript",
            "dependencies": ["requests", "--index-url=https://example.org"], "project_root": "/x", "extra": 1}),
        &[
            ("/project_root", "relative-path"),
            ("/module_name", "pattern"),
            ("/module_type", "enum"),
            ("/language", "enum"),
            ("/dependencies/1", "requirement"),
            ("", "unknown"),
        ],
    );
    refused(&json!({}), &[("", "required")]);
    refused(
        &json!({"module_name": "json"}),
        &[("/module_name", "reserved")],
    );
}

#[test]
fn requirements_are_names_with_versions_and_never_options() {
    for good in [
        "requests",
        "requests>=2.31",
        "A.b-c_d[extra, other] >= 1.0, <2 ; python_version < '3.12'",
        "x===1.0+local.1",
    ] {
        assert!(
            check(&json!({"module_name": "a", "dependencies": [good]})).is_ok(),
            "{good}"
        );
    }
    for bad in [
        "",
        "-r other.txt",
        "x\n--index-url y",
        "x --hash=sha256:1",
        "x @ https://example.org/x",
        "x>=",
        "../x",
    ] {
        refused(
            &json!({"module_name": "a", "dependencies": [bad]}),
            &[("/dependencies/0", "requirement")],
        );
    }
    assert_eq!(requirement_name("  Foo.Bar__baz[x]>=1"), "foo-bar-baz");
}

#[test]
fn instances_of_the_origin_need_the_instance_that_they_name() {
    for name in ["minimal", "test"] {
        let instance = format!("module_creation_convergence.instance_{name}.json");
        let wrong = resolve(&json!({"instance_path": instance})).unwrap_err();
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert_eq!(
            (wrong[0].path.as_str(), wrong[0].code),
            ("/instance_path", "not-there")
        );
        assert!(wrong[0].message.contains("path/to/instance.json"));
        // Said beside it, what it would have said is not needed.
        let resolved = resolve(&json!({"instance_path": instance, "module_name": "demo"})).unwrap();
        assert!(
            resolved
                .document
                .as_ref()
                .unwrap()
                .starts_with("DOC-PAT-MODULE-CREATION-CONVERGENCE-")
        );
        assert!(resolved.notes.iter().any(|note| note.code == "not-there"));
        assert_eq!(Request::check(&resolved).unwrap().name, "demo");
    }
}

#[test]
fn an_instance_that_names_one_of_module_creation_is_followed() {
    let wrapped = json!({
        "doc_id": "DOC-1", "pattern_id": "PAT-MODULE-CREATION-CONVERGENCE-001",
        "inputs": {"instance_path": "module_creation_001.instance_test.json"},
    });
    let resolved = resolve(&wrapped).unwrap();
    let request = Request::check(&resolved).unwrap();
    assert_eq!(request.name, "example_module_name");
    assert_eq!(request.module_type, ModuleType::Library);
    // Language and type are placeholders, three inputs are none of this pattern's, and two look
    // like placeholders.
    let mut codes: Vec<&str> = resolved.notes.iter().map(|note| note.code).collect();
    codes.sort_unstable();
    let expected = [
        "placeholder",
        "placeholder",
        "placeholder",
        "placeholder",
        "unknown",
        "unknown",
        "unknown",
    ];
    assert_eq!(codes, expected, "{:#?}", resolved.notes);
    let mut strict = wrapped;
    strict["import"] = "strict".into();
    assert_eq!(resolve(&strict).unwrap_err().len(), 5);
}

#[test]
fn the_origins_schema_demands_what_no_instance_can_meet_and_that_is_explained() {
    let inputs = json!({
        "instance_path": "module_creation_convergence.instance_test.json",
        "schema_path": "module_creation_convergence.schema.json", "module_name": "demo",
    });
    let resolved = resolve(&inputs).unwrap();
    assert!(resolved.notes.iter().any(|note| note.code == "doc-id"));
    assert!(
        !resolved
            .notes
            .iter()
            .any(|note| note.message.starts_with("against"))
    );
}

#[test]
fn schemas_are_json_and_the_manifest_agrees_with_the_package() {
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
