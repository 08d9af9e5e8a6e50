//! Acceptance gates: what they say of work that was done, and what becomes of the task.
//!
//! Never: a gate that is not a real tool.

use serde_json::{Value, json};

use super::{Scene, deed, with};

fn gated(id: &str, gates: Value) -> Value {
    with(
        deed(id, "say", json!({"words": [id]})),
        json!({"gates": gates}),
    )
}

fn gate(kind: &str, template: &str) -> Value {
    json!({"kind": kind, "tool": format!("do:{template}"), "name": format!("{template}-gate")})
}

#[test]
fn gates_pass_fail_with_reasons_and_crash_as_an_error() {
    let scene = Scene::new();
    let good = json!({"kind": "lint", "tool": "do:say", "slots": {"words": ["fine"]}});
    let plan = json!({"run": "r", "retry": super::quick(1), "tasks": [
        gated("good", json!([good])),
        gated("bad", json!([gate("lint", "reject")])),
        gated("dead", json!([gate("custom", "die")])),
        gated("rules", json!([with(good.clone(), json!({"criteria": {"custom-rules": {"output-lacks": ["fine"]}}}))])),
        gated("optional", json!([with(gate("lint", "reject"), json!({"required": false}))])),
    ]});
    let said = scene.execute(plan, &[]).ends_with(1);
    for (task, phase, verdict) in [
        ("good", "COMPLETED", "passed"),
        ("bad", "FAILED", "failed"),
        ("dead", "FAILED", "error"),
        ("rules", "FAILED", "failed"),
        ("optional", "COMPLETED", "failed"),
    ] {
        let what = format!("r/{task}");
        scene.is_phase(&what, phase);
        let entries = scene.entries(&what);
        let gate = entries
            .iter()
            .find(|entry| entry["event"] == "GATE_FINISHED");
        assert_eq!(gate.unwrap()["verdict"], verdict, "{task}");
        let place = |word: &str| entries.iter().position(|entry| entry["event"] == word);
        assert!(place("TASK_VALIDATING") > place("TASK_STARTED"), "{task}");
        assert!(place("GATE_FINISHED") > place("TASK_VALIDATING"), "{task}");
        let failed = place("TASK_FAILED").map(|at| entries[at]["reasons"].to_string());
        assert_eq!(failed.is_some(), phase == "FAILED");
    }
    said.told(&["reject-gate", "die-gate", "signal 9", "fine"]);
}

#[test]
fn a_gate_that_found_no_tests_is_its_own_verdict_and_no_evidence() {
    let scene = Scene::new();
    std::fs::create_dir(scene.home.workspace().join("tests")).unwrap();
    std::fs::write(scene.home.workspace().join("tests/__init__.py"), "").unwrap();
    let tests = json!({"kind": "unit-tests", "tool": "python3:unittest"});
    let plan = |run: &str, gates: Value| json!({"run": run, "tasks": [gated("a", gates)]});
    // Not proof, and no failure either, unless proof is asked for.
    scene
        .execute(plan("r", json!([tests])), &[])
        .ends_with(0)
        .told(&["no test ran"]);
    let entries = scene.entries("r/a");
    let gate = entries
        .iter()
        .find(|entry| entry["event"] == "GATE_FINISHED");
    assert_eq!(gate.unwrap()["verdict"], "nothing-collected");
    scene
        .execute(plan("q", json!([tests])), &["--require-evidence"])
        .ends_with(1)
        .told(&["no test ran"]);
    let optional = json!([with(tests, json!({"required": false}))]);
    scene.execute(plan("s", optional.clone()), &[]).ends_with(0);
    let said = scene
        .execute(plan("t", optional), &["--require-evidence"])
        .ends_with(1);
    scene.is_phase("t/a", "FAILED");
    said.told(&["evidence"]);
}

#[test]
fn evidence_is_a_gate_that_passed() {
    let scene = Scene::new();
    let plan = json!({"run": "r", "tasks": [
        deed("bare", "say", json!({"words": ["x"]})),
        gated("shown", json!([{"kind": "lint", "tool": "do:say", "slots": {"words": ["x"]}}])),
    ]});
    scene.execute(plan, &["--require-evidence"]).ends_with(1);
    scene.is_phase("r/bare", "FAILED");
    scene.is_phase("r/shown", "COMPLETED");
}
