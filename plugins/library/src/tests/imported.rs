//! What lenient and strict imports make of instances.

use serde_json::{Value, json};

use crate::import::{Asked, Field, Known, Resolved};
use crate::path::SafePath;
use crate::validation::Wrong;

const LANGUAGES: &[&str] = &["python", "rust"];
const FIELDS: &[Field] = &[
    Field::needed("name"),
    Field::needed_word("language", LANGUAGES, "python"),
    Field::word("license", &["MIT", "GPL-3.0"]),
    Field::flag("examples"),
];
const KNOWN: Known = Known {
    patterns: &["PAT-DEMO-001"],
    fields: FIELDS,
};

/// Resolves inputs with one file `i.json`.
fn resolve(inputs: &Value, file: &Value) -> Result<Resolved, Vec<Wrong>> {
    Asked::of(&inputs.to_string())?.resolve(&KNOWN, |path: &SafePath| match path.as_str() {
        "i.json" => Ok(file.to_string()),
        "loop.json" => Ok(json!({"instance_path": "loop.json"}).to_string()),
        "s.json" => {
            Ok(json!({"properties": {"name": {"type": "float", "required": true}}}).to_string())
        }
        _ => Err("not there".to_owned()),
    })
}

#[track_caller]
fn lenient(inputs: Value, file: Value, expected: Value, notes: &[(&str, &str)]) {
    let resolved = resolve(&inputs, &file).unwrap();
    assert_eq!(resolved.inputs, expected);
    let found: Vec<(&str, &str)> = resolved
        .notes
        .iter()
        .map(|note| (note.path.as_str(), note.code))
        .collect();
    assert_eq!(found, notes);
}

#[track_caller]
fn refused(inputs: Value, file: Value, expected: &[(&str, &str)]) {
    let wrong = resolve(&inputs, &file).unwrap_err();
    let found: Vec<(&str, &str)> = wrong
        .iter()
        .map(|one| (one.path.as_str(), one.code))
        .collect();
    assert_eq!(found, expected, "{wrong:?}");
}

#[test]
fn inputs_without_an_instance_are_left_as_they_are() {
    lenient(
        json!({"name": "x", "other": 1}),
        json!({}),
        json!({"name": "x", "other": 1}),
        &[],
    );
}

#[test]
fn what_can_be_understood_is_adapted_and_every_adaptation_is_explained() {
    let file = json!({
        "name": "example_name", "language": "example_language", "license": "mit",
        "examples": "yes", "extra": 1, "doc_id": "doc 5",
    });
    let inputs =
        json!({"name": "example_name", "language": "python", "license": "MIT", "examples": true});
    let deviations = [
        ("/doc_id", "pattern"),
        ("/examples", "type"),
        ("/extra", "unknown"),
        ("/language", "placeholder"),
        ("/license", "spelling"),
    ];
    let mut notes = deviations.to_vec();
    notes.push(("/name", "placeholder"));
    lenient(
        json!({"instance_path": "i.json"}),
        file.clone(),
        inputs,
        &notes,
    );
    refused(
        json!({"instance_path": "i.json", "import": "strict"}),
        file,
        &deviations,
    );
}

#[test]
fn a_value_that_somebody_meant_is_not_guessed_at() {
    let file = json!({"name": "x", "language": "pyhton"});
    lenient(json!({"instance_path": "i.json"}), file.clone(), file, &[]);
}

#[test]
fn what_is_said_in_the_inputs_wins_over_the_instance() {
    lenient(
        json!({"instance_path": "i.json", "language": "rust"}),
        json!({"name": "x", "language": "example_language"}),
        json!({"name": "x", "language": "rust"}),
        &[],
    );
}

#[test]
fn a_wrapped_instance_is_taken_out_of_its_wrapper() {
    let wrapped = json!({
        "doc_id": "DOC-1", "pattern_id": "PAT-DEMO-001", "inputs": {"name": "x", "language": "rust"},
        "outputs": {}, "metadata": {},
    });
    let inputs = json!({"name": "x", "language": "rust"});
    let notes = [("/metadata", "not-used"), ("/outputs", "not-used")];
    lenient(
        json!({"instance_path": "i.json"}),
        wrapped.clone(),
        inputs.clone(),
        &notes,
    );
    lenient(wrapped.clone(), json!({}), inputs, &notes);
    assert_eq!(
        resolve(&wrapped, &json!({})).unwrap().document.unwrap(),
        "DOC-1"
    );
    let mut strict = wrapped;
    strict["import"] = "strict".into();
    assert!(resolve(&strict, &json!({})).is_ok());
    strict["pattern_id"] = "PAT-OTHER-001".into();
    refused(strict, json!({}), &[("/pattern_id", "other-pattern")]);
}

#[test]
fn an_instance_may_name_another_one_but_not_itself() {
    let inputs = json!({"pattern_id": "PAT-DEMO-001", "inputs": {"instance_path": "i.json"}, "doc_id": "DOC-1"});
    let file = json!({"name": "x", "language": "rust"});
    lenient(inputs, file.clone(), file, &[]);
    refused(
        json!({"instance_path": "loop.json"}),
        json!({}),
        &[("/instance_path", "chain")],
    );
}

#[test]
fn a_file_that_is_not_there_matters_only_if_something_is_needed_of_it() {
    let path = json!("path/to/instance.json");
    refused(
        json!({"instance_path": path}),
        json!({}),
        &[("/instance_path", "not-there")],
    );
    lenient(
        json!({"instance_path": path, "name": "x", "language": "rust"}),
        json!({}),
        json!({"name": "x", "language": "rust"}),
        &[("/instance_path", "not-there")],
    );
    refused(
        json!({"instance_path": path, "name": "x", "language": "rust", "import": "strict"}),
        json!({}),
        &[("/instance_path", "not-there")],
    );
}

#[test]
fn a_schema_of_the_workspace_is_mended_and_then_held_against_the_instance() {
    let inputs = json!({"instance_path": "i.json", "schema_path": "s.json"});
    let file = json!({"name": "x", "language": "rust"});
    let deviations = [
        ("/properties/name/required", "required"),
        ("/properties/name/type", "type"),
        ("/name", "type"),
    ];
    lenient(inputs.clone(), file.clone(), file.clone(), &deviations);
    let mut strict = inputs;
    strict["import"] = "strict".into();
    refused(strict, file, &deviations);
}

#[test]
fn what_is_no_instance_is_a_problem() {
    refused(
        json!({"instance_path": "i.json"}),
        json!([]),
        &[("", "type")],
    );
    refused(
        json!({"instance_path": "i.json"}),
        json!({"inputs": 5}),
        &[("/inputs", "type")],
    );
    refused(
        json!({"instance_path": "../x"}),
        json!({}),
        &[("/instance_path", "relative-path")],
    );
    refused(
        json!({"inputs": [], "import": "other"}),
        json!({}),
        &[("/import", "enum"), ("/inputs", "type")],
    );
}
