//! Tasks that wait for a person: answered from another process while a host executes, and between
//! two hosts.
//!
//! Never: an answer that is given twice.

use serde_json::{Value, json};

use super::{Scene, logs, with};
use crate::home::wait;
use crate::machine::send;

fn asks() -> Value {
    json!({"run": "r", "tasks": [
        {"id": "ship", "approval": "Ship it?"},
        {"id": "key", "manual": "Turn the key."},
        {"id": "stop", "approval": "Stop here?"},
        {"id": "lamp", "manual": "Change the lamp."},
        with(logs("go", "0"), json!({"needs": ["ship", "key"]})),
        with(logs("not", "0"), json!({"needs": ["stop"]})),
    ]})
}

/// Answers all that is asked; what each answer says.
fn answer_all(scene: &Scene) {
    for task in ["ship", "key", "stop", "lamp"] {
        scene.until_task("r", task, "WAITING");
    }
    scene
        .say(&["approve", "r/ship", "--note", "looks good"])
        .ends_with(0);
    scene.say(&["task", "done", "r/key"]).ends_with(0);
    scene
        .say(&["reject", "r/stop", "--note", "too early"])
        .ends_with(0);
    scene
        .say(&["task", "fail", "lamp", "--note", "no ladder"])
        .ends_with(0);
}

fn are_answered(scene: &Scene) {
    for (task, phase) in [
        ("ship", "COMPLETED"),
        ("key", "COMPLETED"),
        ("stop", "FAILED"),
        ("lamp", "FAILED"),
        ("go", "COMPLETED"),
        ("not", "BLOCKED"),
    ] {
        scene.is_phase(&format!("r/{task}"), phase);
    }
    assert_eq!(scene.log(), ["+go", "-go"]);
}

#[test]
fn people_answer_from_another_process_while_it_executes() {
    let scene = Scene::new();
    let path = scene.plan(asks());
    let host = scene.start(&["execute", &path]);
    answer_all(&scene);
    let said = super::Said::from(wait(host)).ends_with(1);
    are_answered(&scene);
    // What is asked, and what to type, stands where the person looks.
    said.told(&[
        "Turn the key.",
        "remit approve r/ship",
        "remit task done r/key",
        "too early",
        "no ladder",
        "needs stop, which is FAILED",
    ]);
}

#[test]
fn people_answer_between_two_executions() {
    let scene = Scene::new();
    let path = scene.plan(asks());
    let host = scene.start(&["execute", &path]);
    scene.until_task("r", "lamp", "WAITING");
    send(host.id(), rustix::process::Signal::TERM);
    let said = super::Said::from(wait(host)).ends_with(8);
    said.told(&["waits for a person", "remit execute --run r"]);
    answer_all(&scene);
    scene.say(&["execute", "--run", "r"]).ends_with(1);
    are_answered(&scene);
}

#[test]
fn nobody_answers_in_time() {
    let scene = Scene::new();
    let plan = json!({"run": "r", "tasks": [
        {"id": "late", "approval": "Now?", "expires": "50ms"},
        {"id": "later", "manual": "Now!", "expires": "50ms"},
    ]});
    let said = scene.execute(plan, &[]).ends_with(1);
    for task in ["r/late", "r/later"] {
        scene.is_phase(task, "FAILED");
        assert!(scene.words(task).contains(&"TASK_EXPIRED".to_owned()));
    }
    said.told(&["nobody answered in time"]);
}
