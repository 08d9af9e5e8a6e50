//! From a plan to a run, and from a run to the next one: names, the same plan twice, resuming.
//!
//! Never: a task that completed and runs again.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{Said, Scene, deed, logs, with};
use crate::home::{PATIENCE, wait};
use crate::machine::{send, until};

/// A task that ends at once, one that waits for a file, and one after that.
fn waits(run: &str) -> Value {
    json!({"run": run, "tasks": [
        logs("a", "0"),
        with(deed("b", "wait", json!({"file": "go"})), json!({"needs": ["a"]})),
        with(logs("c", "0"), json!({"needs": ["b"]})),
    ]})
}

#[test]
fn a_run_that_was_ended_goes_on_where_it_was() {
    let scene = Scene::new();
    let host = scene.executing(waits("r"), "b", "waiting");
    send(host.id(), Signal::TERM);
    send_again(&scene, host.id());
    let said = Said::from(wait(host)).ends_with(8);
    said.told(&["remit execute --run r"]);
    assert_eq!(scene.log(), ["+a", "-a"]);
    scene.touch("go");
    scene
        .say(&["execute", "--run", "r"])
        .ends_with(0)
        .told(&["every task completed"]);
    assert_eq!(scene.log(), ["+a", "-a", "+c", "-c"]);
    let finished: Vec<Value> = scene.entries("r");
    let count = |word: &str| {
        finished
            .iter()
            .filter(|entry| entry["event"] == word)
            .count()
    };
    assert_eq!(count("RUN_STARTED"), 2);
    assert_eq!(count("EXECUTION_FINISHED"), 1);
    assert_eq!(finished.last().unwrap()["event"], "EXECUTION_FINISHED");
}

/// The second signal: nobody waits for what runs. The first was taken by then.
fn send_again(scene: &Scene, host: u32) {
    let gone = until(std::time::Duration::from_millis(300), || {
        !scene.home.workspace().exists()
    });
    assert!(!gone);
    if rustix::process::test_kill_process(
        rustix::process::Pid::from_raw(i32::try_from(host).unwrap()).unwrap(),
    )
    .is_ok()
    {
        send(host, Signal::TERM);
    }
}

#[test]
fn a_finished_run_is_done_again_only_as_another() {
    let scene = Scene::new();
    let plan = json!({"run": "r", "tasks": [logs("a", "0")]});
    let path = scene.plan(plan.clone());
    scene.say(&["execute", &path]).ends_with(0);
    for arguments in [
        vec!["execute", "--run", "r"],
        vec!["execute", path.as_str()],
    ] {
        let said = scene.say(&arguments).ends_with(2);
        said.told(&["run r has finished", "remit show r", "--again"]);
    }
    scene
        .say(&["execute", &path, "--again"])
        .ends_with(0)
        .told(&["r-2"]);
    scene
        .say(&["execute", "--run", "r", "--again"])
        .ends_with(0)
        .told(&["r-3"]);
    assert_eq!(scene.log(), ["+a", "-a"].repeat(3));
    assert_eq!(scene.phases("r-3")["a"], "COMPLETED");
}

#[test]
fn the_same_plan_is_the_same_run_and_another_plan_is_refused() {
    let scene = Scene::new();
    let path = scene.plan(json!({"run": "r", "tasks": [logs("a", "0")]}));
    let said = scene.say(&["execute", &path, "--submit-only"]).ends_with(0);
    assert_eq!(said.out, "r\n");
    scene.say(&["execute", &path, "--submit-only"]).ends_with(0);
    let said = scene
        .say(&["execute", &path, "--submit-only", "--json"])
        .ends_with(0);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(told, json!({"run": "r"}));
    scene.say(&["execute", &path]).ends_with(0);
    assert_eq!(scene.log(), ["+a", "-a"]);
    let other = scene.plan(json!({"run": "s", "tasks": [logs("b", "0")]}));
    scene
        .say(&["execute", &other, "--submit-only"])
        .ends_with(0);
    let changed = scene.plan(json!({"run": "s", "tasks": [logs("c", "0")]}));
    let said = scene.say(&["execute", &changed]).ends_with(2);
    said.told(&["run s exists already, with another plan", "fix:"]);
    assert_eq!(scene.phases("s").len(), 1);
}

#[test]
fn what_was_submitted_is_taken_up_by_who_watches_and_by_who_resumes() {
    let scene = Scene::new();
    let first = scene.plan(json!({"run": "r", "tasks": [logs("a", "0")]}));
    scene
        .say(&["execute", &first, "--submit-only"])
        .ends_with(0);
    scene
        .say(&["execute", "--resume"])
        .ends_with(0)
        .told(&["every task completed"]);
    assert_eq!(scene.phases("r")["a"], "COMPLETED");
    scene
        .say(&["execute", "--resume"])
        .ends_with(0)
        .told(&["nothing is open"]);

    let host = scene.start(&["execute", "--watch"]);
    let second = scene.plan(json!({"run": "s", "tasks": [logs("b", "0")]}));
    scene
        .say(&["execute", &second, "--submit-only"])
        .ends_with(0);
    scene.until_task("s", "b", "COMPLETED");
    let third = scene.plan(json!({"run": "t", "tasks": [logs("c", "0")]}));
    scene
        .say(&["execute", &third, "--submit-only"])
        .ends_with(0);
    scene.until_task("t", "c", "COMPLETED");
    assert!(until(PATIENCE, || scene
        .home
        .workspace()
        .join("logs/execution/c.jsonl")
        .exists()));
    send(host.id(), Signal::INT);
    Said::from(wait(host))
        .ends_with(0)
        .told(&["s FINISHED", "t FINISHED"]);
}

#[test]
fn two_executors_do_not_share_a_workspace() {
    let scene = Scene::new();
    let host = scene.executing(waits("r"), "b", "waiting");
    let other = scene.plan(json!({"run": "s", "tasks": [logs("x", "0")]}));
    let pid = host.id().to_string();
    let said = scene.say(&["execute", &other]).ends_with(2);
    said.told(&[&format!("process {pid}"), "fix:", "--submit-only"]);
    scene.touch("go");
    Said::from(wait(host)).ends_with(0);
    scene.say(&["execute", "--run", "s"]).ends_with(0);
    assert_eq!(scene.log(), ["+a", "-a", "+c", "-c", "+x", "-x"]);
}
