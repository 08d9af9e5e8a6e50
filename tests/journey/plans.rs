//! Plans from the command line: checked, shown, converted; and the documented format is the one that
//! is read.
//!
//! Never: an example in the document that the reader or the schema refuses.

use std::path::Path;

use remit_core::diagnostic::Source;
use remit_core::plan::read_plan;
use serde_json::{Value, json};

use crate::home::{Home, repository, wait};

/// What the program prints and how it ends.
fn remit(home: &Home, arguments: &[&str]) -> (i32, String, String) {
    let mut command = home.remit(arguments);
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let output = wait(command.spawn().unwrap());
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn document(name: &str) -> String {
    std::fs::read_to_string(repository().join("docs").join(name)).unwrap()
}

/// The blocks of a document that are fenced as JSON.
fn examples() -> Vec<String> {
    let text = document("plan.md");
    let blocks = text.split("```json\n").skip(1);
    let blocks: Vec<String> = blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect();
    assert!(blocks.len() >= 3);
    blocks
}

fn schema() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(&document("plan.schema.json")).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

fn reads(value: &Value) -> bool {
    read_plan(&Source::new("p.json", value.to_string())).is_ok()
}

#[test]
fn every_example_of_the_document_is_a_plan_for_reader_and_schema() {
    let schema = schema();
    for example in examples() {
        let plan = match read_plan(&Source::new("plan.md", example.as_str())) {
            Ok(plan) => plan.into_plan(),
            Err(found) => panic!("{found}"),
        };
        let written: Value = serde_json::from_str(&example).unwrap();
        let shown = serde_json::to_value(&plan).unwrap();
        for value in [written, shown] {
            let wrong: Vec<String> = schema.iter_errors(&value).map(|e| e.to_string()).collect();
            assert!(wrong.is_empty(), "{wrong:?}\n{value:#}");
        }
    }
}

/// A plan with everything in it.
fn full() -> Value {
    json!({
        "format": 1, "run": "r", "title": "t", "on-failure": "escalate", "timeout": "1m",
        "concurrency": {"total": 2, "per-adapter": {"a": 1}}, "require-evidence": true,
        "retry": {"max-attempts": 2, "first-delay": "1s", "factor": 1.5, "cap": "9s", "jitter": {"min": 0, "max": 2}},
        "breaker": {"threshold": 1, "open-for": "1s", "probes": 1},
        "gates": [{"kind": "lint", "tool": "a:b", "slots": {}, "directory": "d", "required": false, "criteria": {"timeout": "1s"}}],
        "tasks": [
            {"id": "a", "plugin": "p", "inputs": {}, "fallback": ["q", {"plugin": "r"}, {"tool": "a:b"}], "adapter": "x"},
            {"id": "b", "tool": "a:b", "slots": {"x": 1}, "directory": "d", "needs": ["a"], "priority": -1},
            {"id": "c", "manual": "m", "expires": "1h", "conflict-group": "g", "on-unknown": "fail", "metadata": {}},
            {"id": "d", "approval": "q", "timeout": "1s", "retry": {}, "gates": []},
            {"id": "e", "kind": "plugin", "candidates": [{"plugin": "p", "adapter": "x", "inputs": {}}], "inputs": {}},
            {"id": "f", "kind": "manual", "instructions": "m"},
            {"id": "g", "kind": "approval", "question": "q", "expires": "1s"},
        ],
    })
}

/// Pointers of all values inside of a value.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                pointers(value, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                pointers(value, &format!("{at}/{index}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn what_the_schema_refuses_the_reader_refuses_and_the_other_way_round() {
    let (schema, full) = (schema(), full());
    assert!(schema.is_valid(&full) && reads(&full));
    let mut places = Vec::new();
    pointers(&full, "", &mut places);
    let (mut refused, mut different) = (0, Vec::new());
    for place in &places {
        for other in [
            json!(7),
            json!("?!"),
            json!([]),
            json!({}),
            json!({"zz": 1}),
            json!(true),
        ] {
            let mut mutant = full.clone();
            *mutant.pointer_mut(place).unwrap() = other.clone();
            // What only the reader can see: that a task that is needed is there, and that one
            // number is not above another.
            if place.starts_with("/tasks/1/needs")
                || matches!(
                    place.as_str(),
                    "/tasks" | "/tasks/0" | "/tasks/0/id" | "/retry/jitter/min"
                )
            {
                continue;
            }
            let (by_schema, by_reader) = (schema.is_valid(&mutant), reads(&mutant));
            refused += usize::from(!by_reader);
            if by_schema != by_reader {
                different.push(format!(
                    "{place} = {other}: schema {by_schema}, reader {by_reader}"
                ));
            }
        }
    }
    assert!(different.is_empty(), "{different:#?}");
    assert!(refused > 200, "{refused}");
}

#[test]
fn a_queue_of_a_workspace_is_checked_shown_and_converted() {
    let home = Home::new();
    let state = home.workspace().join(".state");
    std::fs::create_dir(&state).unwrap();
    std::fs::write(
        state.join("task_queue.json"),
        r#"[{"id": "T1", "action": "version", "priority": "high"}]"#,
    )
    .unwrap();
    let (code, _, error) = remit(&home, &["plan", "check", "."]);
    assert_eq!(code, 2);
    assert!(
        error.contains("nobody has decided which tool does the task `T1`"),
        "{error}"
    );
    std::fs::write(
        state.join("routing_decisions.json"),
        r#"{"run_id": "R1", "decisions": [{"task_id": "T1", "selected_tool": "git"}]}"#,
    )
    .unwrap();
    let (code, text, error) = remit(&home, &["plan", "check", "."]);
    assert_eq!(code, 0, "{error}");
    assert!(
        text.contains("the plan is valid: 1 task in 1 wave, 2 adaptations"),
        "{text}"
    );
    let (code, shown, said) = remit(&home, &["plan", "show", "."]);
    assert_eq!(code, 0);
    assert!(said.contains("the priority `high` becomes 50"), "{said}");
    std::fs::write(home.workspace().join("plan.json"), &shown).unwrap();
    let (code, text, error) = remit(&home, &["plan", "check", "--strict", "plan.json", "--json"]);
    assert_eq!(code, 0, "{text}{error}");
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["formats"], json!(["remit plan"]));
    assert_eq!(
        answer["plan"]["tasks"][0]["candidates"][0]["adapter"],
        "git"
    );
    let (code, text, _) = remit(&home, &["plan", "check", "--strict", ".", "--json"]);
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &answer["valid"]), (2, &json!(false)));
    assert_eq!(answer["mistakes"][0]["pointer"], "/0/priority");
}

#[test]
fn the_schema_that_is_printed_is_the_documented_one() {
    let (code, text, _) = remit(&Home::new(), &["plan", "schema"]);
    assert_eq!((code, text), (0, document("plan.schema.json")));
}

#[test]
fn a_plan_that_cannot_be_read_is_said_and_nothing_else() {
    let home = Home::new();
    let big = home.workspace().join("binary");
    std::fs::write(&big, b"\xff\xfe\x00").unwrap();
    for (arguments, message) in [
        (
            &["plan", "check", "nonesuch.json"][..],
            "cannot read nonesuch.json",
        ),
        (&["plan", "check", "."], "task_queue.json is not there"),
        (&["plan", "show", "binary"], "binary is not UTF-8 at byte 0"),
        (&["plan", "check", "/dev/null"], "the file is empty"),
    ] {
        let (code, text, error) = remit(&home, arguments);
        assert_eq!((code, text.as_str()), (2, ""), "{error}");
        assert!(error.contains(message), "{arguments:?}: {error}");
    }
    assert!(Path::new(&big).is_file());
}
