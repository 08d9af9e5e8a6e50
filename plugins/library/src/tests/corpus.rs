//! The schemas and instances of the origin, with the numbers that an independent validator found.
//!
//! They are read from `../shared/corpus` beside the repository; where that is not there, from the
//! copies in `library/corpus`, and the test says so.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::import::{hold, schema};

#[expect(
    clippy::print_stderr,
    reason = "nobody should overlook that copies were used"
)]
fn folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = here.join("../../../shared/corpus/pattern");
    if shared.is_dir() {
        return shared;
    }
    let copies = here.join("corpus");
    eprintln!(
        "{} IS NOT THERE: the copies in {} are used",
        shared.display(),
        copies.display()
    );
    copies
}

fn read(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder().join(name)).unwrap()).unwrap()
}

#[test]
fn of_six_schemas_two_are_invalid_and_all_are_mended() {
    for (name, valid, repairs) in [
        ("automation_enabled_status", true, 1),
        ("config_setup_001", false, 9),
        ("implementation_status", true, 1),
        ("module_creation", true, 2),
        ("module_creation_001", false, 6),
        ("module_creation_convergence", true, 2),
    ] {
        let imported = schema(&read(&format!("{name}.schema.json")));
        assert_eq!(imported.was_valid(), valid, "{name}");
        assert_eq!(
            imported.repairs.len(),
            repairs,
            "{name}: {:#?}",
            imported.repairs
        );
        // Once more there is nothing to mend.
        assert!(schema(&imported.schema).repairs.is_empty(), "{name}");
    }
    let first = &schema(&read("config_setup_001.schema.json")).repairs[0];
    assert!(first.path.starts_with("/"), "{first:?}");
}

#[test]
fn instances_have_the_problems_that_an_independent_validator_found() {
    for (instance, of, wrong) in [
        (
            "module_creation_001.instance_minimal",
            "module_creation_001",
            &["/language", "/module_type"][..],
        ),
        (
            "module_creation_001.instance_test",
            "module_creation_001",
            &["/language", "/license", "/module_type"],
        ),
        (
            "config_setup_001.instance_minimal",
            "config_setup_001",
            &["/config_format"],
        ),
        (
            "config_setup_001.instance_test",
            "config_setup_001",
            &["/config_format", "/loader_language"],
        ),
        // Only the schema's demand for its own `doc_id`, which no instance can meet.
        (
            "module_creation_convergence.instance_minimal",
            "module_creation_convergence",
            &[],
        ),
        (
            "module_creation_convergence.instance_test",
            "module_creation_convergence",
            &[],
        ),
    ] {
        let schema = schema(&read(&format!("{of}.schema.json"))).schema;
        let found = hold(&read(&format!("{instance}.json")), &schema);
        let mut places: Vec<&str> = found.iter().map(|one| one.path.as_str()).collect();
        places.sort_unstable();
        assert_eq!(places, wrong, "{instance}");
        assert!(found.iter().all(|one| one.code == "enum"), "{instance}");
    }
}

#[test]
fn the_demand_that_no_instance_can_meet_is_one_of_the_schema_as_it_is() {
    let schema = read("module_creation_convergence.schema.json");
    for name in ["minimal", "test"] {
        let found = hold(
            &read(&format!("module_creation_convergence.instance_{name}.json")),
            &schema,
        );
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].path.as_str(), found[0].code),
            ("/doc_id", "const")
        );
    }
}
