//! Hooks: what they are told, and that nothing depends on them.

use serde_json::{Value, json};

use super::Stage;

fn two_tasks(stage: &Stage) {
    stage.plan(&json!([
        {"id": "a", "tool": "say:hello"},
        {"id": "b", "tool": "no:go", "needs": ["a"]},
    ]));
}

/// What the hook appended, one event after the other.
fn told(stage: &Stage) -> Vec<Value> {
    let text = std::fs::read_to_string(stage.home.workspace().join("told.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_hook_gets_each_event_that_it_names_in_order_and_none_of_its_own() {
    let stage = Stage::set(
        "[[hooks]]\non = [\"RUN_*\", \"TASK_FAILED\", \"tool-finished\", \"EXECUTION_FINISHED\"]\n\
         tool = \"append:file\"\n",
    );
    two_tasks(&stage);
    let (code, _, said) = stage.ask("execute plan.json");
    assert_eq!(code, 1, "{said}");
    let told = told(&stage);
    let words: Vec<&str> = told
        .iter()
        .map(|event| event["type"].as_str().or(event["event"].as_str()).unwrap())
        .collect();
    assert_eq!(
        words,
        [
            "RUN_SUBMITTED",
            "RUN_STARTED",
            "tool-finished",
            "tool-finished",
            "TASK_FAILED",
            "EXECUTION_FINISHED"
        ],
        "{said}"
    );
    assert_eq!(told[4]["task"], "b");
    let events = stage.ask("events r --json").1;
    let line = events
        .lines()
        .find(|line| line.contains("TASK_FAILED"))
        .unwrap();
    assert_eq!(told[4], serde_json::from_str::<Value>(line).unwrap());
    assert!(!events.contains("append"), "{events}");
    let audit = stage.ask("audit show --json").1;
    assert!(audit.contains("\"tool\":\"append:file\""), "{audit}");
}

#[test]
fn a_hook_that_may_not_run_shows_the_line_that_lets_it_and_the_run_is_as_it_is() {
    let stage = Stage::set("[[hooks]]\non = [\"TASK_*\"]\ntool = \"mail:send\"\n");
    stage.plan(&json!([{"id": "a", "tool": "say:hello"}]));
    let (code, _, said) = stage.ask("execute plan.json");
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        said.matches("hook mail:send was denied").count(),
        1,
        "{said}"
    );
    assert!(said.contains("run = [\"mail:send\"]"), "{said}");
}

#[test]
fn a_hook_that_fails_is_said_once_and_counted() {
    let stage = Stage::set("[[hooks]]\non = [\"TASK_*\"]\ntool = \"no:go\"\n");
    stage.plan(&json!([{"id": "a", "tool": "say:hello"}]));
    let (code, _, said) = stage.ask("execute plan.json");
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        said.matches("hook no:go: its tool ended with exit code 1")
            .count(),
        1,
        "{said}"
    );
    // TASK_QUEUED, TASK_STARTED and TASK_COMPLETED.
    assert!(said.contains("hook no:go: 3 failed, 0 events"), "{said}");
}

#[test]
fn a_hook_that_hangs_holds_up_neither_the_run_nor_the_end() {
    let stage = Stage::set("[[hooks]]\non = [\"TASK_*\"]\ntool = \"nap:long\"\n");
    stage.plan(&json!([{"id": "a", "tool": "say:hello"}]));
    let (code, _, said) = stage.ask("execute plan.json");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("3 events were not told"), "{said}");
}

#[test]
fn hooks_are_shown_and_a_slip_of_the_pen_is_a_mistake() {
    let stage = Stage::set("[[hooks]]\non = [\"TASK_FAILED\"]\ntool = \"append:file\"\n");
    let (code, shown, _) = stage.ask("policy show");
    assert_eq!(code, 0);
    assert!(shown.contains("append:file on TASK_FAILED"), "{shown}");
    let stage = Stage::set("[[hooks]]\non = [\"TASK_FAILD\"]\ntool = \"append:file\"\n");
    let (code, _, said) = stage.ask("policy show");
    assert_eq!(code, 2);
    assert!(said.contains("did you mean `TASK_FAILED`?"), "{said}");
}
