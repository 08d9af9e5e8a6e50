//! The live view at a terminal: what it shows while a run goes on, and what is left of it.
//!
//! Never: a terminal of whoever runs the tests.

use std::process::Command;

use serde_json::{Value, json};

use super::{Scene, deed, logs, quick, with};
use crate::home::{finish, repository};
use crate::machine::with_argument;

/// What was to be seen.
struct Seen {
    code: i64,
    raw: String,
    screen: Vec<String>,
}

/// Executes a plan at a terminal, typing keys when a text was seen.
fn at_terminal(scene: &Scene, plan: Value, columns: u32, keys: &[(&str, &str)]) -> Seen {
    let path = scene.plan(plan);
    let program = scene.command(&["execute", &path]);
    let mut command = Command::new("python3");
    scene.home.furnish(&mut command);
    command
        .env("TERM", "xterm")
        .arg("-I")
        .arg(repository().join("tests/journey/programs/screen.py"))
        .arg(columns.to_string());
    for (text, key) in keys {
        command.args([text, key]);
    }
    command
        .arg("--")
        .arg(program.get_program())
        .args(program.get_args());
    let output = finish(command, "");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(complaint, "", "the terminal itself");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        told["strange"],
        json!([]),
        "control sequences that nobody should send"
    );
    let lines = told["screen"].as_array().unwrap();
    Seen {
        code: told["code"].as_i64().unwrap(),
        raw: told["raw"].as_str().unwrap().to_owned(),
        screen: lines
            .iter()
            .map(|line| line.as_str().unwrap().to_owned())
            .collect(),
    }
}

/// The percents of the run's line, in the order in which they were drawn.
fn percents(raw: &str) -> Vec<u64> {
    let of_run = raw
        .split(['\r', '\n'])
        .filter(|line| line.contains(" tasks, "));
    of_run
        .filter_map(|line| {
            // Lines of tasks may stand before it.
            let (before, _) = line.split_once(" tasks, ")?;
            let (before, _) = before.rsplit_once(" % ")?;
            before.rsplit(' ').next()?.parse().ok()
        })
        .collect()
}

#[test]
fn percents_only_grow_and_in_the_end_only_what_happened_is_on_the_screen() {
    let scene = Scene::new();
    let tasks: Vec<Value> = (0..6).map(|n| logs(&format!("t{n}"), "0.3")).collect();
    let plan = json!({"run": "r", "concurrency": {"total": 2}, "tasks": tasks});
    let seen = at_terminal(&scene, plan, 100, &[]);
    assert_eq!(seen.code, 0, "{}", seen.raw);
    let percents = percents(&seen.raw);
    assert!(percents.len() > 2, "{percents:?}");
    assert!(percents.is_sorted(), "{percents:?}");
    assert_eq!(percents.last(), Some(&100), "{percents:?}");
    let left = seen.screen.join("\n");
    assert!(left.ends_with("every task completed\n"), "{left}");
    for line in &seen.screen {
        assert!(!line.contains('%') && !line.contains('█'), "{left}");
    }
    assert_eq!(left.matches("TASK_COMPLETED").count(), 6, "{left}");
}

#[test]
fn what_a_tool_prints_is_shown_beside_its_task_and_none_of_its_control_characters() {
    let scene = Scene::new();
    let plan = json!({"run": "r", "tasks": [
        deed("loud", "colours", json!({})),
        with(deed("wait", "wait", json!({"file": "go"})), json!({"needs": ["loud"]})),
        {"id": "ask", "approval": "Go \u{1b}[31mon?", "needs": ["loud"], "expires": "2s"},
    ]});
    // Ctrl-C twice: this plan has no other end.
    let keys = [("waiting", "\u{3}"), ("once more", "\u{3}")];
    for columns in [100, 30] {
        let mut plan = plan.clone();
        plan["run"] = json!(format!("r{columns}"));
        let seen = at_terminal(&scene, plan, columns, &keys);
        assert_eq!(seen.code, 8, "{}", seen.raw);
        for rude in [
            "\u{1b}[2J",
            "\u{1b}[10A",
            "\u{1b}]0;",
            "\u{9b}5n",
            "\u{7}",
            "\u{8}",
        ] {
            assert!(!seen.raw.contains(rude), "{rude:?}: {:?}", seen.raw);
        }
        assert!(!seen.raw.contains("\u{1b}[31mred"), "{:?}", seen.raw);
        let left = seen.screen.join("\n");
        assert!(left.contains("remit execute --run"), "{left}");
        assert!(!left.contains('%'), "columns {columns}: {left}");
    }
}

#[test]
fn the_second_ctrl_c_ends_at_once_and_nothing_is_left() {
    let scene = Scene::new();
    let tag = scene.tag();
    let plan = json!({"run": "r", "retry": quick(1), "tasks": [
        deed("a", "hang", json!({"tag": tag})),
    ]});
    let keys = [("hanging", "\u{3}"), ("once more", "\u{3}")];
    let seen = at_terminal(&scene, plan, 80, &keys);
    assert_eq!(seen.code, 8, "{}", seen.raw);
    assert!(with_argument(&tag).is_empty());
    assert_eq!(scene.phases("r")["a"], "READY");
}

#[test]
fn more_running_tasks_than_lines_are_counted() {
    let scene = Scene::new();
    let tasks: Vec<Value> = (0..20)
        .map(|n| deed(&format!("t{n}"), "wait", json!({"file": "go"})))
        .collect();
    let plan = json!({"run": "r", "concurrency": {"total": 20}, "tasks": tasks});
    let keys = [("8 more running", "\u{3}"), ("once more", "\u{3}")];
    let seen = at_terminal(&scene, plan, 100, &keys);
    assert_eq!(seen.code, 8, "{}", seen.raw);
    let left = seen.screen.join("\n");
    assert!(!left.contains('%'), "{left}");
}
