//! What a plan has to hold: unique names, needs that exist, no circle.
//!
//! Never: a file.

use super::*;

fn plan(tasks: &[(&str, &[&str])]) -> Plan {
    let tasks = tasks.iter().map(|(id, needs)| {
        serde_json::json!({"id": id, "kind": "manual", "instructions": "x", "needs": needs})
    });
    serde_json::from_value(serde_json::json!({
        "format": 1, "tasks": tasks.collect::<Vec<_>>(),
    }))
    .unwrap()
}

fn errors(tasks: &[(&str, &[&str])]) -> Vec<String> {
    let errors = CheckedPlan::new(plan(tasks)).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn a_plan_keeps_its_order_and_knows_who_waits_for_whom() {
    let checked = CheckedPlan::new(plan(&[("b", &["a"]), ("a", &[])])).unwrap();
    assert_eq!(checked.graph().needs(0), [1]);
    assert_eq!(checked.graph().needed_by(1), [0]);
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    assert_eq!(
        errors(&[("a", &["x"]), ("a", &["y"])]),
        [
            "two tasks are called `a`",
            "task `a` needs `x`, which is not in the plan",
            "task `a` needs `y`, which is not in the plan",
        ]
    );
}

#[test]
fn a_circle_is_named() {
    let found = errors(&[("a", &["c"]), ("b", &["a"]), ("c", &["b"])]);
    assert_eq!(found.len(), 1);
    let found = found.first().unwrap();
    assert!(
        found.starts_with("tasks need each other in a circle: "),
        "{found}"
    );
    for name in ["a", "b", "c"] {
        assert!(found.contains(name), "{found}");
    }
}

#[test]
fn a_plan_survives_its_own_form() {
    let text = serde_json::json!({
        "format": 1, "run": "R1", "on-failure": "fail-fast", "concurrency": {"total": 8},
        "tasks": [
            {"id": "a", "kind": "plugin", "candidates": [{"plugin": "command"}],
             "inputs": {"tool": "git"}, "timeout": "5m"},
            {"id": "b", "kind": "approval", "question": "Go on?", "expires": "1h", "needs": ["a"]},
        ],
    });
    let plan: Plan = serde_json::from_value(text).unwrap();
    let again: Plan = serde_json::from_value(serde_json::to_value(&plan).unwrap()).unwrap();
    assert_eq!(plan, again);
    assert_eq!(plan.settings.concurrency.total, 8);
}
