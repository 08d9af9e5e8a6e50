//! What the reader of our own plans takes, and how it says what is wrong.
//!
//! Never: a file.

use super::*;
use crate::diagnostic::{Diagnostics, Source};

fn read(text: &str) -> Result<CheckedPlan, Diagnostics> {
    read_plan(&Source::new("p.json", text))
}

/// The mistakes as text.
fn wrong(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

fn tasks(text: &str) -> Vec<TaskSpec> {
    let whole = format!("{{\"format\": 1, \"tasks\": [{text}]}}");
    match read(&whole) {
        Ok(plan) => plan.into_plan().tasks,
        Err(found) => panic!("{found}"),
    }
}

#[test]
fn short_forms_say_the_same_as_the_long_one() {
    let short = tasks(
        r#"{"id": "a", "plugin": "x", "inputs": {"n": 1}, "fallback": ["y", {"plugin": "z", "inputs": {}}]},
           {"id": "b", "manual": "Do it.", "needs": ["a"]},
           {"id": "c", "approval": "Go on?", "expires": "1h", "needs": ["b"], "priority": -3},
           {"id": "d", "tool": "pytest:test", "slots": {"paths": ["tests"]}, "directory": "sub"}"#,
    );
    let long = tasks(
        r#"{"id": "a", "kind": "plugin", "candidates": [{"plugin": "x"}, {"plugin": "y"}, {"plugin": "z", "inputs": {}}], "inputs": {"n": 1}},
           {"id": "b", "kind": "manual", "instructions": "Do it.", "needs": ["a"]},
           {"id": "c", "kind": "approval", "question": "Go on?", "expires": "1h", "needs": ["b"], "priority": -3},
           {"id": "d", "kind": "plugin", "candidates": [{"plugin": "command", "adapter": "pytest",
            "inputs": {"tool": "pytest", "template": "test", "slots": {"paths": ["tests"]}, "cwd": "sub"}}]}"#,
    );
    assert_eq!(short, long);
}

#[test]
fn a_plan_that_remit_writes_is_read_again() {
    let plan = read(
        r#"{"format": 1, "run": "R1", "title": "t", "on-failure": "escalate", "require-evidence": true,
            "concurrency": {"total": 2, "per-adapter": {"pytest": 1}}, "timeout": "5m",
            "retry": {"max-attempts": 5, "jitter": {"min": 0.5, "max": 1.5}},
            "breaker": {"threshold": 2},
            "gates": [{"kind": "lint", "tool": "ruff:check", "required": false}],
            "tasks": [{"id": "a", "tool": "git:status", "gates": [{"kind": "custom", "tool": "git:status",
                       "criteria": {"timeout": "1m"}}], "on-unknown": "fail", "conflict-group": "g",
                       "metadata": {"task-kind": "x"}, "retry": {"retry-rejected": true}},
                      {"id": "b", "approval": "?", "needs": ["a"]}]}"#,
    );
    let plan = plan.unwrap().into_plan();
    let written = serde_json::to_string_pretty(&plan).unwrap();
    assert_eq!(read(&written).unwrap().into_plan(), plan);
}

#[test]
fn every_mistake_is_said_with_its_place_and_a_fix() {
    let text = r#"{
  "format": 2,
  "run": "a/b",
  "on-failure": "stop",
  "retries": 3,
  "retry": {"max-attempts": 0, "factr": 2, "cap": "1 minute"},
  "concurrency": {"total": "many"},
  "gates": [{"kind": "lint"}, {"kind": "lint", "tool": "ruff", "criteria": {"timeuot": "1s"}}],
  "tasks": [
    {"id": "a", "plugin": "x", "needs": "b", "timeout": "1"},
    {"id": "a", "plugin": "x", "expires": "1h", "fallback": [1, {"plugin": "y", "input": {}}]},
    {"id": "c", "manual": "m", "needs": ["x"], "priority": 1.5},
    {"plugin": "x", "manual": "m"},
    {"id": "e"},
    7
  ]
}"#;
    insta::assert_snapshot!(wrong(text));
}

#[test]
fn what_tasks_need_is_held_against_the_plan() {
    let text = r#"{"format": 1, "tasks": [
      {"id": "a", "manual": "m", "needs": ["b"]},
      {"id": "b", "manual": "m", "needs": ["a"]}]}"#;
    insta::assert_snapshot!(wrong(text), @r"
    p.json:2:44: tasks need each other in a circle: a → b → a, at /tasks/0/needs/0
      fix: remove one of these needs
    ");
    let text = r#"{"format": 1, "tasks": [
      {"id": "a", "manual": "m", "needs": ["z"]},
      {"id": "a", "kind": "plugin", "candidates": []}]}"#;
    insta::assert_snapshot!(wrong(text), @r"
    p.json:2:44: task `a` needs `z`, which is not in the plan, at /tasks/0/needs/0
      fix: correct the name, or add the task
    p.json:3:14: two tasks are called `a`, at /tasks/1/id
      fix: give each task its own name
    p.json:3:51: task `a` names no plugin, at /tasks/1/candidates
      fix: say what the task is by one of: plugin, tool, manual, approval, kind
    ");
}

#[test]
fn what_is_no_json_has_a_place_too() {
    for (text, place) in [
        ("", "p.json:1:1: the file is empty"),
        ("{\"format\": 1,\n \"tasks\": [}", "p.json:2:12: not JSON: "),
        (
            "{\"format\": 1, // no\n \"tasks\": []}",
            "p.json:1:15: not JSON: ",
        ),
        (
            "{\"format\": 1, \"format\": 1, \"tasks\": []}",
            "p.json:1:15: the key \"format\" is there twice",
        ),
        ("{\"format\": 1, \"tasks\": [],}", "p.json:1:26: not JSON: "),
        (
            "{\"format\": 1e999, \"tasks\": []}",
            "p.json:1:12: `1e999` is no number that fits",
        ),
        ("[]", "p.json:1:1: this must be an object, and is a list"),
    ] {
        let found = wrong(text);
        assert!(found.starts_with(place), "{text}\n{found}");
    }
}

#[test]
fn depth_and_number_of_mistakes_are_limited() {
    let deep = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!(
            "{{\"format\": 1, \"tasks\": [{{\"id\": \"a\", \"manual\": \"m\", \"metadata\": {{\"x\": {open}{close}}}}}]}}"
        )
    };
    assert!(read(&deep(MAX_DEPTH - 5)).is_ok());
    for depth in [MAX_DEPTH, 400, 100_000] {
        let found = wrong(&deep(depth));
        assert!(found.contains("nested deeper than 64 levels"), "{found}");
    }
    let many = format!("{{\"format\": 1, \"tasks\": [{}1]}}", "1,".repeat(1000));
    let found = read(&many).unwrap_err();
    assert_eq!(found.list().len(), shape::MAX_PROBLEMS + 1);
    let last = found.list().last().unwrap();
    assert_eq!(last.message, "801 more mistakes are not listed");
}

#[test]
fn the_pointer_of_a_part_is_escaped_as_the_standard_says() {
    let found = wrong(r#"{"format": 1, "tasks": [], "a/b~c": 1}"#);
    assert!(found.contains("at /a~1b~0c"), "{found}");
}

proptest::proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "(?s).{0,200}") {
        drop(read(&text));
    }

    #[test]
    fn arbitrary_json_never_panics(
        text in "(\\{\"format\": ?1,)?(\"(tasks|id|needs|plugin|manual|kind|retry|gates|fallback)\": ?|[\\[{'\"0-9a-z:,}\\]]|\\\\u[0-9d]{4}|é){0,60}\\}?"
    ) {
        drop(read(&text));
    }
}
