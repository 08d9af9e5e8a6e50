//! What a router leaves in `.state` becomes a run: when it is asked for, and as soon as it comes
//! (R2.17).
//!
//! Never: a task that the router did not decide about.

use serde_json::{Value, json};

use super::{Said, Scene};
use crate::home::{PATIENCE, repository, wait};
use crate::machine::{send, until};

/// What the router decided, as one did.
fn decisions() -> Value {
    let path = repository().join("tests/journey/corpus/state/routing_decisions.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A scene whose owner has the tool that the router names.
fn routed() -> Scene {
    let scene = Scene::new();
    let tool = "[tools.echoer]\nprogram = \"echo\"\n[tools.echoer.templates]\nrun = [\"routed\"]\n";
    let policy = scene.home.path("out/policy.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    let text = text.replace("\"python3:unittest\"]", "\"python3:unittest\", \"echoer\"]");
    std::fs::write(&policy, format!("{text}{tool}")).unwrap();
    std::fs::create_dir(scene.home.workspace().join(".state")).unwrap();
    scene
}

fn drop_files(scene: &Scene, queue: &Value, decisions: &Value) {
    let state = scene.home.workspace().join(".state");
    std::fs::write(state.join("task_queue.json"), queue.to_string()).unwrap();
    // Written last and whole, as routers do.
    let part = state.join("routing_decisions.json.part");
    std::fs::write(&part, decisions.to_string()).unwrap();
    std::fs::rename(part, state.join("routing_decisions.json")).unwrap();
}

fn queue() -> Value {
    json!([{"task_id": "T1", "task_kind": "code_edit", "action": "run", "description": "Say it."}])
}

#[test]
fn the_workspaces_routing_is_the_plan_if_none_is_named() {
    let run = "782F7C6284D54D4299305CD76E";
    for queue in [queue(), json!({"tasks": queue()})] {
        let scene = routed();
        drop_files(&scene, &queue, &decisions());
        let said = scene.say(&["execute"]).ends_with(0);
        said.told(&[run, "every task completed"]);
        assert_eq!(scene.phases(run)["T1"], "COMPLETED");
        let state = scene.home.workspace().join(".state");
        let text = std::fs::read_to_string(state.join("execution_results.json")).unwrap();
        let results: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(results["results"][0]["tool_id"], "echoer");
        scene
            .say(&["execute"])
            .ends_with(2)
            .told(&["has finished", "--again"]);
        let said = scene.say(&["execute", "--run", "another"]).ends_with(2);
        said.told(&[&format!("is about run {run}"), "fix:"]);
    }
}

#[test]
fn strict_refuses_what_would_be_adapted() {
    let scene = routed();
    drop_files(&scene, &queue(), &decisions());
    let said = scene.say(&["execute", "--strict"]).ends_with(2);
    said.told(&["routing_decisions.json", "leave --strict out"]);
    assert_eq!(scene.say(&["runs", "--all", "--json"]).out.trim(), "[]");
}

#[test]
fn a_task_without_a_decision_is_refused() {
    let scene = routed();
    let two = json!([queue()[0], {"task_id": "T2", "task_kind": "code_edit"}]);
    drop_files(&scene, &two, &decisions());
    scene.say(&["execute"]).ends_with(2).told(&["T2"]);
}

#[test]
fn a_fresh_routing_file_starts_a_run_where_someone_watches() {
    let scene = routed();
    let host = scene.start(&["execute", "--watch"]);
    drop_files(&scene, &queue(), &decisions());
    let first = "782F7C6284D54D4299305CD76E";
    scene.until_task(first, "T1", "COMPLETED");
    // A mistake ends nothing, and the next file is taken.
    let mut fresh = decisions();
    fresh["run_id"] = json!("second");
    fresh["decisions"][0]["run_id"] = json!("second");
    drop_files(
        &scene,
        &json!([{"task_id": "T9"}]),
        &json!({"decisions": 3}),
    );
    drop_files(&scene, &queue(), &fresh);
    scene.until_task("second", "T1", "COMPLETED");
    let done = || scene.say(&["runs", "--json"]).out.trim() == "[]";
    assert!(until(PATIENCE, done));
    send(host.id(), rustix::process::Signal::TERM);
    let said = Said::from(wait(host)).ends_with(0);
    said.told(&["second FINISHED", ".state/task_queue.json"]);
}
