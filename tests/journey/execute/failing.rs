//! Attempts that fail: what is tried again, what never, who does it instead, when an adapter is left
//! alone, and how each failure is called (R2.22 to R2.25).
//!
//! Never: a wait for a real delay.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{Scene, crashes, deed, logs, quick, with};
use crate::home::wait;
use crate::machine::send;

fn starts(scene: &Scene, what: &str) -> Vec<Value> {
    let entries = scene.entries(what);
    let is_start = |entry: &Value| entry["event"] == "TASK_STARTED";
    entries.into_iter().filter(is_start).collect()
}

fn triggers(scene: &Scene, run: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let entries = scene.entries(run);
    let called = entries
        .iter()
        .filter(|entry| entry["event"] == "ESCALATION");
    called
        .map(|entry| (text(&entry["trigger"]), text(&entry["severity"])))
        .collect()
}

#[test]
fn what_fails_for_now_is_tried_again_until_it_works() {
    let scene = Scene::new();
    let steps = json!({"id": "a", "plugin": "steps", "inputs": {"retryable": true, "calls": [
        {"tool": "do", "template": "once", "slots": {"file": "came"}},
    ]}});
    let plan = json!({"run": "r", "retry": quick(3), "tasks": [steps]});
    scene.execute(plan, &[]).ends_with(0).told(&["TASK_RETRY"]);
    assert_eq!(starts(&scene, "r/a").len(), 2);
    // A failure that the work itself says is final is not tried again.
    let plan = json!({"run": "s", "retry": quick(3), "tasks": [deed("a", "fail", json!({}))]});
    scene.execute(plan, &[]).ends_with(1);
    assert_eq!(starts(&scene, "s/a").len(), 1);
}

#[test]
fn a_retry_that_waits_is_hurried_from_another_process() {
    let scene = Scene::new();
    let steps = json!({"id": "a", "plugin": "steps", "inputs": {"retryable": true, "calls": [
        {"tool": "do", "template": "once", "slots": {"file": "came"}},
    ]}});
    let hours = json!({"max-attempts": 2, "first-delay": "2h", "cap": "2h"});
    let path = scene.plan(json!({"run": "r", "retry": hours, "tasks": [steps]}));
    let host = scene.start(&["execute", &path]);
    let retried = || scene.words("r/a").contains(&"TASK_RETRY".to_owned());
    assert!(crate::machine::until(crate::home::PATIENCE, || scene
        .say(&["show", "r/a"])
        .code
        == 0
        && retried()));
    scene.say(&["retry", "r"]).ends_with(0);
    super::Said::from(wait(host)).ends_with(0);
    assert_eq!(starts(&scene, "r/a").len(), 2);
}

#[test]
fn a_crash_falls_back_to_the_next_adapter() {
    let scene = Scene::new();
    let task = with(
        crashes("a", "frail"),
        json!({"fallback": [
            {"tool": "do:log", "slots": {"name": "a", "seconds": "0"}},
        ]}),
    );
    let plan = json!({"run": "r", "retry": quick(3), "tasks": [task]});
    scene.execute(plan, &[]).ends_with(0);
    let tried: Vec<Value> = starts(&scene, "r/a");
    assert_eq!(tried.first().unwrap()["adapter"], "frail");
    assert_eq!(tried.last().unwrap()["adapter"], "do");
    assert_eq!(scene.log(), ["+a", "-a"]);
}

#[test]
fn a_denial_is_never_tried_again() {
    let scene = Scene::new();
    let denied = json!({"id": "a", "tool": "other:run"});
    let plan = json!({"run": "r", "retry": quick(9), "tasks": [denied, logs("b", "0")]});
    let said = scene.execute(plan, &["--no-preflight"]).ends_with(1);
    scene.is_phase("r/a", "FAILED");
    scene.is_phase("r/b", "COMPLETED");
    assert!(!scene.words("r/a").contains(&"TASK_RETRY".to_owned()));
    assert!(starts(&scene, "r/a").len() <= 1);
    said.told(&["other:run"]);
}

/// Asks the person this, does that after a yes: the host had time for more than it did.
fn sign(ask: &str) -> [Value; 2] {
    let done = with(
        logs(&format!("{ask}-done"), "0"),
        json!({"needs": [ask], "priority": -9}),
    );
    [json!({"id": ask, "approval": "Go on?"}), done]
}

fn wait_for(scene: &Scene, ask: &str) {
    scene.until_task("r", ask, "WAITING");
    scene.say(&["approve", &format!("r/{ask}")]).ends_with(0);
    scene.until_task("r", &format!("{ask}-done"), "COMPLETED");
}

#[test]
fn five_crashes_open_the_circuit_and_the_sixth_call_spawns_nothing() {
    let scene = Scene::new();
    let mut tasks: Vec<Value> = (1..=6)
        .map(|n| crashes(&format!("t{n}"), "frail"))
        .collect();
    tasks.extend(sign("one").into_iter().chain(sign("two")));
    let breaker = json!({"threshold": 5, "open-for": "2h", "probes": 1});
    let plan = json!({"run": "r", "retry": quick(1), "breaker": breaker, "tasks": tasks});
    let path = scene.plan(plan);
    let host = scene.start(&["execute", &path, "-j", "1"]);
    scene.until_task("r", "t5", "FAILED");
    wait_for(&scene, "one");
    let opened = scene.say(&["circuit"]).ends_with(0);
    assert!(opened.out.contains("frail  OPEN"), "{opened:?}");
    for task in 1..=5 {
        assert_eq!(starts(&scene, &format!("r/t{task}")).len(), 1);
    }
    assert_eq!(scene.words("r/t6"), ["TASK_QUEUED"]);
    send(host.id(), Signal::TERM);
    let said = super::Said::from(wait(host)).ends_with(8);
    said.told(&[
        "CIRCUIT_OPENED",
        "remit circuit reset frail",
        "adapter-crash",
    ]);
    // It is kept: another host finds it open, until a person closes it.
    let host = scene.start(&["execute", "--run", "r"]);
    wait_for(&scene, "two");
    assert_eq!(scene.words("r/t6"), ["TASK_QUEUED"]);
    scene.say(&["circuit", "reset", "frail"]).ends_with(0);
    super::Said::from(wait(host)).ends_with(1);
    assert_eq!(starts(&scene, "r/t6").len(), 1);
    scene.is_phase("r/t6", "FAILED");
}

#[test]
fn an_open_circuit_is_probed_after_its_time() {
    let scene = Scene::new();
    let breaker = json!({"threshold": 1, "open-for": "1ms", "probes": 1});
    let good = json!({"id": "good", "plugin": "boaster", "adapter": "frail", "needs": ["one"]});
    let mut tasks = vec![crashes("bad", "frail"), good];
    tasks.extend(sign("one"));
    let plan = json!({"run": "r", "retry": quick(1), "breaker": breaker, "tasks": tasks});
    let path = scene.plan(plan);
    let host = scene.start(&["execute", &path]);
    scene.until_task("r", "bad", "FAILED");
    wait_for(&scene, "one");
    super::Said::from(wait(host)).ends_with(1);
    scene.is_phase("r/good", "COMPLETED");
    let said = scene.say(&["events", "--json", "--brief"]).ends_with(0);
    let place = |word: &str| {
        said.out
            .find(word)
            .unwrap_or_else(|| panic!("{word}: {said:?}"))
    };
    assert!(place("CIRCUIT_OPENED") < place("CIRCUIT_HALF_OPEN"));
    assert!(place("CIRCUIT_HALF_OPEN") < place("CIRCUIT_CLOSED"));
}

#[test]
fn where_every_adapter_fails_its_probe_the_host_enters_safe_mode_and_says_how_to_leave() {
    let scene = Scene::new();
    let breaker = json!({"threshold": 1, "open-for": "1ms", "probes": 1});
    let after = |id: &str, ask: &str| with(crashes(id, "frail"), json!({"needs": [ask]}));
    let plan = json!({"run": "r", "retry": quick(1), "breaker": breaker, "tasks": [
        crashes("bad", "frail"), after("probe", "m"), after("held", "n"),
        {"id": "m", "manual": "?"}, {"id": "n", "manual": "?"},
    ]});
    let path = scene.plan(plan);
    let host = scene.start(&["execute", &path]);
    scene.until_task("r", "bad", "FAILED");
    scene.until_task("r", "m", "WAITING");
    scene.say(&["task", "done", "r/m"]).ends_with(0);
    scene.until_task("r", "probe", "FAILED");
    scene.say(&["task", "done", "r/n"]).ends_with(0);
    scene.until_task("r", "held", "READY");
    let said = scene.say(&["safe-mode"]).ends_with(0);
    said.told(&["every adapter"]);
    assert_eq!(starts(&scene, "r/held").len(), 0);
    scene.say(&["safe-mode", "leave"]).ends_with(0);
    let said = super::Said::from(wait(host)).ends_with(1);
    said.told(&[
        "SAFE_MODE_ENTERED",
        "every adapter is unhealthy",
        "remit safe-mode leave",
    ]);
    assert_eq!(starts(&scene, "r/held").len(), 1);
}

#[test]
fn in_safe_mode_nothing_starts_until_it_is_left() {
    let scene = Scene::new();
    scene.say(&["safe-mode", "enter"]).ends_with(0);
    let path =
        scene.plan(json!({"run": "r", "tasks": [logs("a", "0"), {"id": "m", "manual": "?"}]}));
    let host = scene.start(&["execute", &path]);
    // The host has begun: it asks people, which needs no attempt.
    scene.until_task("r", "m", "WAITING");
    scene.say(&["task", "done", "r/m"]).ends_with(0);
    scene.until_task("r", "m", "COMPLETED");
    scene.is_phase("r/a", "READY");
    assert!(scene.log().is_empty());
    scene.say(&["safe-mode", "leave"]).ends_with(0);
    let said = super::Said::from(wait(host)).ends_with(0);
    said.told(&["safe mode", "remit safe-mode leave"]);
    assert_eq!(scene.log(), ["+a", "-a"]);
}

/// R2.25: a stub is critical, a crash high, a failed check and a time limit medium, an open circuit
/// high.
#[test]
fn each_way_to_fail_has_its_state_and_its_severity() {
    let scene = Scene::new();
    let gate = json!({"kind": "lint", "tool": "do:reject"});
    let checked = with(
        deed("check", "say", json!({"words": ["x"]})),
        json!({"gates": [gate], "retry": with(quick(2), json!({"retry-rejected": true}))}),
    );
    let stub = json!({"id": "stub", "plugin": "probe", "inputs": {
        "action": "return", "ending": "failed", "code": "stub", "text": "not built yet",
    }});
    let slow = with(
        deed("slow", "hang", json!({"tag": scene.tag()})),
        json!({"timeout": "200ms", "adapter": "slow"}),
    );
    let plan = json!({
        "run": "r", "retry": quick(1), "breaker": {"threshold": 1, "open-for": "1h", "probes": 1},
        "tasks": [
            checked, slow, stub, crashes("crash", "frail"),
            with(crashes("late", "frail"), json!({"needs": ["gap"]})),
            with(logs("gap", "0"), json!({"needs": ["wait"]})),
            deed("wait", "wait", json!({"file": "go"})),
        ],
    });
    let path = scene.plan(plan);
    let host = scene.start(&["execute", &path, "-j", "8"]);
    scene.until_task("r", "crash", "FAILED");
    scene.touch("go");
    // Held until the adapter is asked again.
    scene.until_task("r", "gap", "COMPLETED");
    scene.until_task("r", "late", "READY");
    scene.say(&["circuit", "reset", "frail"]).ends_with(0);
    super::Said::from(wait(host)).ends_with(1);
    for (task, phase) in [
        ("check", "FAILED"),
        ("slow", "TIMEOUT"),
        ("stub", "FAILED"),
        ("crash", "FAILED"),
        ("late", "FAILED"),
    ] {
        scene.is_phase(&format!("r/{task}"), phase);
    }
    let called = triggers(&scene, "r");
    for (trigger, severity) in [
        ("adapter-crash", "HIGH"),
        ("circuit-opened", "HIGH"),
        ("timeout", "MEDIUM"),
        ("stub-called", "CRITICAL"),
        ("acceptance-failed-repeatedly", "HIGH"),
    ] {
        let pair = (trigger.to_owned(), severity.to_owned());
        assert!(called.contains(&pair), "{trigger} {severity}: {called:?}");
    }
}
