//! The fold over histories as hosts write them. Never: a history that no host could write.

use serde_json::{Value, json};

use super::*;
use crate::span::SpanStatus;

fn entry(seq: u64, task: Option<&str>, event: Value) -> Entry {
    let mut value = json!({"v": 1, "seq": seq, "at-ms": seq * 10, "run": "R", "task-seq": seq});
    let object = value.as_object_mut().unwrap();
    if let Some(task) = task {
        object.insert("task".into(), json!(task));
    }
    object.extend(event.as_object().unwrap().clone());
    serde_json::from_value(value).unwrap()
}

fn history() -> Vec<Entry> {
    let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let spec = json!({"id": "t", "kind": "manual", "instructions": "x"});
    let t = Some("t");
    let result = json!({"status": "succeeded", "exit-code": 0, "message": "", "wall-ms": 1});
    vec![
        entry(
            1,
            None,
            json!({"event": "RUN_SUBMITTED", "settings": {}, "tasks": 1, "source": "x"}),
        ),
        entry(
            2,
            t,
            json!({"event": "TASK_QUEUED", "index": 0, "spec": spec, "ready": true}),
        ),
        entry(
            3,
            t,
            json!({"event": "TASK_STARTED", "attempt": 1, "fence": 1, "epoch": 1, "adapter": "a", "candidate": 0}),
        ),
        entry(
            4,
            t,
            json!({"event": "EFFECT_STARTED", "fence": 1, "effect": 1, "call": digest, "tool": "git", "template": "status"}),
        ),
        entry(
            5,
            t,
            json!({"event": "ACTIVITY", "attempt": 1, "fence": 1, "type": "tool-started", "call": 1, "tool": "git", "template": "status", "arguments": [], "directory": ".", "env": [], "confinement": "A"}),
        ),
        entry(
            6,
            t,
            json!({"event": "ACTIVITY", "attempt": 1, "fence": 1, "type": "tool-finished", "call": 1, "tool": "git", "exit": {"code": 0}, "success": true, "usage": usage()}),
        ),
        entry(
            7,
            t,
            json!({"event": "EFFECT_FINISHED", "fence": 1, "effect": 1, "tool-call": 1, "success": true}),
        ),
        entry(
            8,
            t,
            json!({"event": "ATTEMPT_ENDED", "fence": 1, "result": result}),
        ),
        entry(9, t, json!({"event": "TASK_COMPLETED"})),
        entry(
            10,
            None,
            json!({"event": "EXECUTION_FINISHED", "completed": 1, "not-completed": 0, "wall-ms": 90}),
        ),
    ]
}

fn usage() -> Value {
    serde_json::to_value(crate::tool::Usage::default()).unwrap()
}

#[test]
fn what_ended_is_told_once_inside_what_is_around_it() {
    let mut spans = Spans::new();
    let told: Vec<Span> = history()
        .iter()
        .flat_map(|entry| spans.apply(entry))
        .collect();
    let names: Vec<&str> = told.iter().map(Span::name).collect();
    assert_eq!(names, ["git", "git:status", "attempt 1", "t", "run"]);
    for (inner, outer) in told.iter().zip(told.iter().skip(1)) {
        assert_eq!(
            inner.place().parent(),
            Some(outer.place().id()),
            "{}",
            inner.name()
        );
        assert_eq!(*inner.status(), SpanStatus::Ok);
        assert!(inner.start_ms() >= outer.start_ms() && inner.end_ms() <= outer.end_ms());
    }
    assert!(spans.runs.is_empty() && spans.tasks.is_empty());
}

#[test]
fn a_host_that_reads_it_all_again_tells_the_same_spans() {
    let tell = || {
        let mut spans = Spans::new();
        history()
            .iter()
            .flat_map(|entry| spans.apply(entry))
            .collect::<Vec<_>>()
    };
    assert_eq!(tell(), tell());
}

#[test]
fn a_second_attempt_leads_to_the_first_and_tools_of_gates_are_within_their_gate() {
    let t = Some("t");
    let started = |attempt: u32| json!({"event": "TASK_STARTED", "attempt": attempt, "fence": attempt, "epoch": 1, "adapter": "a", "candidate": 0});
    let mut history = history();
    history.truncate(2);
    history.push(entry(3, t, started(1)));
    history.push(entry(
        4,
        t,
        json!({"event": "TASK_RETRY", "attempt": 1, "not-before-ms": 0, "candidate": 0, "reason": "no"}),
    ));
    history.push(entry(5, t, started(2)));
    let result = json!({"status": "succeeded", "exit-code": 0, "message": "", "wall-ms": 1});
    history.push(entry(
        6,
        t,
        json!({"event": "ATTEMPT_ENDED", "fence": 2, "result": result}),
    ));
    for gate in [0, 1] {
        let seq = 7 + 3 * gate;
        history.push(entry(
            seq,
            t,
            json!({"event": "ACTIVITY", "attempt": 2, "fence": 2, "type": "tool-started", "call": 1, "tool": "lint", "template": "all", "arguments": [], "directory": ".", "env": [], "confinement": "A"}),
        ));
        history.push(entry(
            seq + 1,
            t,
            json!({"event": "ACTIVITY", "attempt": 2, "fence": 2, "type": "tool-finished", "call": 1, "tool": "lint", "exit": {"code": 0}, "success": true, "usage": usage()}),
        ));
        history.push(entry(
            seq + 2,
            t,
            json!({"event": "GATE_FINISHED", "fence": 2, "gate": gate, "name": "l", "kind": "lint", "verdict": "passed", "required": true, "wall-ms": 20}),
        ));
    }
    history.push(entry(13, t, json!({"event": "TASK_COMPLETED"})));
    let mut spans = Spans::new();
    let told: Vec<Span> = history
        .iter()
        .flat_map(|entry| spans.apply(entry))
        .collect();
    let names: Vec<&str> = told.iter().map(Span::name).collect();
    assert_eq!(
        names,
        [
            "attempt 1",
            "lint",
            "gate l",
            "lint",
            "gate l",
            "attempt 2",
            "t"
        ]
    );
    let second = &told[5];
    assert_eq!(second.links()[0].id, told[0].place().id());
    for (tool, gate) in [(1, 2), (3, 4)] {
        assert_eq!(told[tool].place().parent(), Some(told[gate].place().id()));
        assert_eq!(told[gate].place().parent(), Some(second.place().id()));
    }
    assert_ne!(told[1].place().id(), told[3].place().id());
}
