//! What is done before what, what is never done at the same time, and how much at once.
//!
//! Never: a conclusion from how long something took; what tools wrote, in its order.

use serde_json::json;

use super::{Scene, deed, logs, with};

#[test]
fn needs_are_done_before_what_needs_them_and_a_failure_blocks_only_what_needs_it() {
    let scene = Scene::new();
    let plan = json!({"run": "r", "tasks": [
        with(logs("c", "0"), json!({"needs": ["a", "b"]})),
        logs("a", "0"), logs("b", "0"),
        deed("bad", "fail", json!({})),
        with(logs("d", "0"), json!({"needs": ["bad"]})),
        with(logs("e", "0"), json!({"needs": ["d"]})),
    ]});
    let said = scene.execute(plan, &[]).ends_with(1);
    let log = scene.log();
    assert_eq!(log.len(), 6, "{log:?}");
    assert_eq!(log[4..], ["+c", "-c"]);
    for (task, phase) in [
        ("a", "COMPLETED"),
        ("c", "COMPLETED"),
        ("bad", "FAILED"),
        ("d", "BLOCKED"),
        ("e", "BLOCKED"),
    ] {
        scene.is_phase(&format!("r/{task}"), phase);
    }
    // A line that only says BLOCKED helps nobody.
    let said = said.told(&["3 completed, 1 failed, 2 blocked", "it broke"]);
    let line = |task: &str| {
        let starts = format!("  BLOCKED     {task}  ");
        said.out.lines().find(|line| line.starts_with(&starts))
    };
    assert!(
        line("d").unwrap().contains("needs bad, which is FAILED"),
        "{said:#?}"
    );
    assert!(
        line("e").unwrap().contains("needs d, which is BLOCKED"),
        "{said:#?}"
    );
    said.told(&["remit show r/bad", "remit retry r"]);
}

#[test]
fn a_conflict_group_is_worked_on_one_at_a_time() {
    let scene = Scene::new();
    let tasks: Vec<_> = ["a", "b", "c", "d"]
        .map(|id| with(logs(id, "0.05"), json!({"conflict-group": "g"})))
        .into();
    scene
        .execute(json!({"run": "r", "tasks": tasks}), &["-j", "4"])
        .ends_with(0);
    let log = scene.log();
    assert_eq!(log.len(), 8);
    for pair in log.chunks(2) {
        assert_eq!(pair[0].replace('+', "-"), pair[1], "{log:?}");
    }
}

#[test]
fn without_a_second_place_the_higher_priority_goes_first() {
    let scene = Scene::new();
    let plan = json!({"run": "r", "tasks": [
        logs("low", "0"),
        with(logs("high", "0"), json!({"priority": 9})),
        with(logs("mid", "0"), json!({"priority": 5})),
        with(logs("last", "0"), json!({"priority": -1})),
    ]});
    scene.execute(plan, &["-j", "1"]).ends_with(0);
    let log = scene.log();
    assert_eq!(
        log,
        [
            "+high", "-high", "+mid", "-mid", "+low", "-low", "+last", "-last"
        ]
    );
}

#[test]
fn jobs_are_how_many_attempts_are_made_at_the_same_time() {
    let scene = Scene::new();
    // Each waits for the other's file: both have to be there at the same time.
    let meet = |id: &str| {
        json!({"id": id, "plugin": "steps", "inputs": {"calls": [
            {"tool": "do", "template": "once", "slots": {"file": format!("{id}-came")}},
        ]}})
    };
    let plan = json!({"run": "r", "tasks": [
        deed("first", "wait", json!({"file": "second-came"})), meet("second"),
    ]});
    // `once` fails the first time, when it makes the file.
    let plan = with(plan, json!({"concurrency": {"total": 1}}));
    let said = scene.execute(plan, &["-j", "2"]).ends_with(1);
    assert!(said.out.contains("1 completed, 1 failed"), "{said:#?}");
    for wrong in ["0", "1025", "many"] {
        scene.say(&["execute", "-j", wrong]).ends_with(2);
    }
}
