//! What is refused before anything begins, how that is said, and what `--json` and `--quiet` leave.
//!
//! Never: a refusal that does not say what to do.

use serde_json::{Value, json};

use super::{Scene, deed, json_lines, logs, with};

#[test]
fn a_missing_tool_is_found_before_anything_begins() {
    let scene = Scene::new();
    let plan = json!({"run": "r", "tasks": [logs("a", "0"), {"id": "b", "tool": "gone:run"}]});
    let said = scene
        .execute(plan.clone(), &["--allow-run=gone"])
        .ends_with(6);
    said.told(&["task b", "/nonexistent/x", "--no-preflight"]);
    assert!(scene.log().is_empty());
    scene
        .say(&[
            "execute",
            "--run",
            "r",
            "--no-preflight",
            "--allow-run=gone",
        ])
        .ends_with(1);
    scene.is_phase("r/a", "COMPLETED");
    scene.is_phase("r/b", "FAILED");
}

#[test]
fn what_is_denied_is_said_with_the_line_that_would_change_it() {
    let scene = Scene::new();
    let plan = json!({"run": "r", "tasks": [
        logs("a", "0"), {"id": "b", "tool": "other:run"},
        with(logs("c", "0"), json!({"needs": ["b"]})),
    ]});
    let said = scene.execute(plan, &[]).ends_with(3);
    said.told(&[
        r#"plugins.command.run = ["other:run"]"#,
        "remit execute --run r",
    ]);
    assert!(scene.log().is_empty());
    scene
        .say(&["execute", "--run", "r", "--allow-run=other:run"])
        .ends_with(0);
}

#[test]
fn a_plugin_that_is_not_there_is_named_with_its_task() {
    let scene = Scene::new();
    let plan = json!({"run": "r", "tasks": [{"id": "b", "plugin": "./gone.wasm"}]});
    let said = scene.execute(plan, &[]);
    assert!([2, 6].contains(&said.code), "{said:?}");
    said.told(&["task b", "gone.wasm", "fix:"]);
}

#[test]
fn mistakes_are_said_with_their_place_and_nothing_is_submitted() {
    let scene = Scene::new();
    let plan = json!({"run": "r", "tasks": [{"id": "a", "need": ["b"], "tool": "do:fail"}]});
    scene
        .execute(plan, &[])
        .ends_with(2)
        .told(&["/tasks/0/need", "r.json:1"]);
    let plan = json!({"run": "r", "tasks": [
        with(logs("a", "0"), json!({"needs": ["b"]})), with(logs("b", "0"), json!({"needs": ["a"]})),
    ]});
    scene
        .execute(plan, &[])
        .ends_with(2)
        .told(&["a", "b", "need"]);
    let said = scene.say(&["execute"]).ends_with(2);
    said.told(&[".state/task_queue.json", "fix:"]);
    let said = scene.say(&["execute", "--run", "nonesuch"]).ends_with(2);
    said.told(&["there is no run nonesuch", "remit runs"]);
    let said = scene.say(&["execute", "gone.json"]).ends_with(2);
    said.told(&["gone.json"]);
    for wrong in [
        ["--resume", "--watch"],
        ["--resume", "plan.json"],
        ["--submit-only", "--watch"],
        ["--json", "--quiet"],
    ] {
        scene.say(&["execute", wrong[0], wrong[1]]).ends_with(2);
    }
    assert_eq!(scene.say(&["runs", "--all", "--json"]).out.trim(), "[]");
}

#[test]
fn with_json_every_line_is_an_entry_and_nothing_else_is_said_there() {
    let scene = Scene::new();
    let plan = json!({"run": "r", "tasks": [
        deed("a", "lines", json!({"count": "3"})), deed("b", "fail", json!({})),
        {"id": "c", "manual": "?", "expires": "1ms"},
    ]});
    let said = scene.execute(plan, &["--json"]).ends_with(1);
    let lines = json_lines(&said.out);
    assert_eq!(lines.last().unwrap()["event"], "EXECUTION_FINISHED");
    assert!(
        lines
            .windows(2)
            .all(|two| two[0]["seq"].as_u64() < two[1]["seq"].as_u64())
    );
    // What concerns the host concerns the run, too.
    assert!(lines.iter().any(|line| line["event"] == "HOST_STARTED"));
    let of_run: Vec<&Value> = lines.iter().filter(|line| line["run"] == "r").collect();
    assert_eq!(of_run.first().unwrap()["event"], "RUN_SUBMITTED");
    assert_eq!(of_run, scene.entries("r").iter().collect::<Vec<_>>());
    // Refusals too: what is on standard output is JSON or nothing.
    for arguments in [
        vec!["execute", "--json", "--run", "r"],
        vec!["execute", "--json", "--run", "nonesuch"],
        vec!["execute", "--json", "gone.json"],
        vec!["execute", "--json"],
    ] {
        let said = scene.say(&arguments).ends_with(2);
        json_lines(&said.out);
        assert!(said.err.contains("error:"), "{arguments:?}: {said:?}");
    }
    let denied = json!({"run": "s", "tasks": [{"id": "b", "tool": "other:run"}]});
    let said = scene.execute(denied, &["--json"]).ends_with(3);
    json_lines(&said.out);
}

#[test]
fn quiet_is_the_summary_alone() {
    let scene = Scene::new();
    let plan = json!({"run": "r", "tasks": [logs("a", "0")]});
    let said = scene.execute(plan, &["--quiet"]).ends_with(0);
    assert_eq!(said.err, "");
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 2, "{said:?}");
    assert!(
        lines[0].starts_with("r FINISHED 1 completed in "),
        "{said:?}"
    );
    assert_eq!(lines[1], "every task completed");
}

#[test]
fn production_is_refused_while_its_gate_is_closed() {
    let scene = Scene::new();
    let plan = json!({"run": "r", "tasks": [logs("a", "0")]});
    scene
        .execute(plan, &["--production"])
        .ends_with(2)
        .told(&["not for production", "fix:"]);
    assert!(scene.log().is_empty());
}
