//! What is shown: runs, tasks, events, metrics and files.

use std::io::{BufRead as _, BufReader};
use std::sync::mpsc;

use remit_core::durable::LedgerEvent as E;
use remit_core::event::{Payload, Stream as Output};
use remit_core::retry::FailureClass;
use serde_json::{Value, json};

use super::{Scene, ended, failed, plugin, printed, started};
use crate::home::{PATIENCE, wait};

#[test]
fn an_empty_ledger_is_no_fault() {
    let scene = Scene::new();
    assert!(scene.told("runs").contains("remit execute"));
    assert_eq!(scene.told_json("runs"), json!([]));
    assert_eq!(scene.told("events"), "");
    assert!(scene.told("metrics").contains("task_success_rate NaN"));
    let (code, _, said) = scene.ask("show last");
    assert_eq!(code, 2, "{said}");
    let (code, out, _) = scene.ask("health");
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("bad  executor_heartbeat"), "{out}");
}

#[test]
fn a_run_is_shown_with_its_tasks_and_a_task_with_its_history() {
    let scene = Scene::new();
    scene.run_of(&[plugin("a", &[]), plugin("b", &[]), plugin("c", &["b"])]);
    scene.say("a", vec![started(), ended(None), E::TaskCompleted]);
    scene.say(
        "b",
        vec![started(), ended(Some(FailureClass::Work)), failed()],
    );
    assert!(scene.told("runs").contains("r  RUNNING     1/3 completed"));
    let shown = scene.told("show");
    assert!(
        shown.contains("1 pending, 1 completed, 1 failed"),
        "{shown}"
    );
    assert!(!shown.contains('\u{1b}'), "{shown}");
    let only = scene.told("show r --state failed");
    assert!(
        only.contains("  b  FAILED") && !only.contains("  a  "),
        "{only}"
    );
    let page = scene.told_json("show r --from 1 --limit 1");
    assert_eq!(page["tasks"][0]["task"], "b");
    assert_eq!(page["next"], 2);
    let task = scene.told("show r/b");
    for word in ["TASK_QUEUED", "attempt 1 with command", "TASK_FAILED"] {
        assert!(task.contains(word), "{word}\n{task}");
    }
    assert_eq!(scene.told_json("show b")["task"]["last"]["class"], "work");
    let (code, _, said) = scene.ask("show r/d");
    assert_eq!(code, 2);
    assert!(said.contains("run r has no task `d`"), "{said}");
}

#[test]
fn events_go_on_exactly_after_the_last_that_was_seen() {
    let scene = Scene::new();
    scene.run_of(&[plugin("a", &[])]);
    let bytes = || Payload::Base64("/wA=".to_owned());
    scene.say(
        "a",
        vec![
            started(),
            printed(Output::Stdout, bytes()),
            ended(None),
            E::TaskCompleted,
        ],
    );
    scene.finish(1, 0);
    let all = scene.told("events r --json");
    let lines: Vec<Value> = all
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 8);
    assert_eq!(lines[0]["time"], "2023-11-14T22:13:20.000Z");
    for (index, line) in lines.iter().enumerate() {
        let rest = scene.told(&format!("events r --json --since {}", line["seq"]));
        let want: Vec<&str> = all.lines().skip(index + 1).collect();
        assert_eq!(rest.lines().collect::<Vec<_>>(), want);
    }
    assert_eq!(scene.told("events r --json --follow"), all, "it has ended");
    assert!(!scene.told("events r --brief").contains("tool-output"));
    let output = wait(
        scene
            .home
            .remit(&["events", "r/a", "--raw"])
            .spawn()
            .unwrap(),
    );
    assert_eq!(output.stdout, [0xff, 0]);
}

#[test]
fn following_shows_what_comes_and_ends_with_the_run() {
    let scene = Scene::new();
    scene.run_of(&[plugin("a", &[])]);
    let mut child = scene
        .home
        .remit(&["events", "r", "--follow", "--json"])
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let (send, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in out.lines() {
            drop(send.send(line.unwrap()));
        }
    });
    let next = || lines.recv_timeout(PATIENCE).unwrap();
    for word in ["RUN_SUBMITTED", "RUN_STARTED", "TASK_QUEUED"] {
        let line = next();
        assert!(line.contains(word), "{word}: {line}");
    }
    scene.say(
        "a",
        vec![
            started(),
            printed(Output::Stdout, Payload::Text("hello".to_owned())),
        ],
    );
    assert!(next().contains("TASK_STARTED"));
    assert!(next().contains("hello"));
    scene.say("a", vec![ended(None), E::TaskCompleted]);
    scene.finish(1, 0);
    let rest: Vec<String> = lines.iter().collect();
    assert!(rest.last().unwrap().contains("EXECUTION_FINISHED"));
    assert_eq!(wait(child).status.code(), Some(0));
}

#[test]
fn derived_files_are_made_from_the_ledger_alone() {
    let scene = Scene::new();
    scene.run_of(&[plugin("a", &[])]);
    scene.say("a", vec![started(), ended(None), E::TaskCompleted]);
    scene.finish(1, 0);
    scene.told("ledger rebuild r");
    let path = scene.home.workspace().join(".state/execution_results.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let results: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(results["results"][0]["status"], "completed");
    std::fs::write(&path, "edited").unwrap();
    scene.told("ledger rebuild --follow");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn another_ledger_is_named_by_flag_or_environment() {
    let scene = Scene::new();
    scene.run_of(&[plugin("a", &[])]);
    let other = scene.home.path("out/other");
    let shown = other.to_str().unwrap();
    assert_eq!(
        scene.told_json(&format!("runs --ledger {shown}")),
        json!([])
    );
    let mut command = scene.home.remit(&["circuit"]);
    command.env("REMIT_LEDGER", &other);
    assert_eq!(wait(command.spawn().unwrap()).status.code(), Some(0));
    let damaged = scene.home.path("out/damaged");
    std::fs::create_dir(&damaged).unwrap();
    let noise = "no database, and longer than the head of one is. ".repeat(40);
    std::fs::write(damaged.join("ledger.db"), noise).unwrap();
    let shown = damaged.to_str().unwrap();
    let (code, _, said) = scene.ask(&format!("runs --ledger {shown}"));
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("ledger.db"), "{said}");
}

#[test]
fn a_ledger_is_checked_printed_and_cleared() {
    let scene = Scene::new();
    scene.run_of(&[plugin("a", &[])]);
    scene.say("a", vec![started(), ended(None), E::TaskCompleted]);
    let kept = scene.told_json("gc --older-than 1h");
    assert_eq!(kept["runs"], json!([]), "it goes on");
    scene.finish(1, 0);
    let report = scene.told_json("ledger verify");
    assert_eq!((&report["ok"], &report["tasks"]), (&json!(true), &json!(1)));
    let exported = scene.told("ledger export");
    assert_eq!(exported.lines().count(), 7);
    assert!(
        exported
            .lines()
            .last()
            .unwrap()
            .contains("EXECUTION_FINISHED")
    );
    let planned = scene.told_json("gc --older-than 1h --dry-run");
    assert_eq!(planned["runs"], json!(["r"]));
    assert_eq!(
        scene.told_json("gc --older-than 1h --keep 1")["runs"],
        json!([])
    );
    assert_eq!(scene.told_json("runs --all")[0]["run"], "r");
    assert_eq!(scene.told_json("gc --older-than 1h")["runs"], json!(["r"]));
    assert_eq!(scene.told_json("runs --all"), json!([]));
    let (code, _, said) = scene.ask("ledger verify --ledger nowhere");
    assert_eq!(code, 2, "{said}");
}
