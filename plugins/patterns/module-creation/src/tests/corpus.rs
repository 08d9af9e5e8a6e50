//! The origin's instances, imported leniently and strictly.
//!
//! They are read from `../shared/corpus` beside the repository; where that is not there, from the
//! copies of the library, and the test says so.

use std::fs;
use std::path::{Path, PathBuf};

use remit_plugin_library::import::{Asked, Resolved};
use remit_plugin_library::path::SafePath;
use remit_plugin_library::validation::Wrong;
use serde_json::{Value, json};

use crate::license::License;
use crate::request::{KNOWN, Language, ModuleType, Request};

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

fn places(wrong: &[Wrong]) -> Vec<&str> {
    wrong
        .iter()
        .filter(|one| one.message.contains("not one of"))
        .map(|one| one.path.as_str())
        .collect()
}

#[test]
fn instances_are_understood_leniently_and_refused_strictly() {
    for (name, deviations) in [
        ("minimal", &["/language", "/module_type"][..]),
        ("test", &["/language", "/license", "/module_type"]),
    ] {
        let instance = format!("module_creation_001.instance_{name}.json");
        let lenient = resolve(&json!({"instance_path": instance})).unwrap();
        assert_eq!(places(&lenient.notes), deviations, "{name}");
        let request = Request::check(&lenient).unwrap();
        assert_eq!(request.language, Language::Python);
        assert_eq!(request.module_type, ModuleType::Library);
        assert_eq!(request.license, License::Mit);
        assert_eq!(request.name, "example_module_name");
        assert_eq!(request.root.as_str(), "example_project_root");
        let strict = resolve(&json!({"instance_path": instance, "import": "strict"}));
        assert_eq!(places(&strict.unwrap_err()), deviations, "{name}");
    }
}

#[test]
fn an_instance_is_completed_by_what_is_said_beside_it_even_strictly() {
    let inputs = json!({
        "instance_path": "module_creation_001.instance_test.json", "import": "strict",
        "language": "javascript", "module_type": "cli", "license": "GPL-3.0",
    });
    let resolved = resolve(&inputs).unwrap();
    let request = Request::check(&resolved).unwrap();
    assert_eq!(
        (request.language, request.license),
        (Language::JavaScript, License::Gpl3)
    );
}

#[test]
fn an_instance_of_another_pattern_is_refused_in_both_modes() {
    for mode in ["lenient", "strict"] {
        let instance = "module_creation_convergence.instance_test.json";
        let wrong = resolve(&json!({"instance_path": instance, "import": mode})).unwrap_err();
        assert!(
            wrong.iter().any(|one| one.code == "other-pattern"),
            "{wrong:?}"
        );
    }
}

#[test]
fn the_origins_invalid_schema_is_mended_and_finds_what_a_validator_finds() {
    let inputs = json!({
        "instance_path": "module_creation_001.instance_test.json",
        "schema_path": "module_creation_001.schema.json",
    });
    let resolved = resolve(&inputs).unwrap();
    let against = resolved
        .notes
        .iter()
        .filter(|note| note.message.starts_with("against"));
    assert_eq!(against.count(), 3);
    let repaired = resolved.notes.iter().filter(|note| note.code == "required");
    assert_eq!(repaired.count(), 5);
}
