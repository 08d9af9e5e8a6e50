//! Rows of the results from histories.

use super::*;
use crate::durable::{AttemptResult, LEDGER_FORMAT};
use crate::event::{Event, Payload, Stream as Output};
use crate::manifest::Confinement;
use crate::retry::FailureClass;
use crate::tool::{Exit, Usage};

fn spec(kind: &str) -> Box<crate::plan::TaskSpec> {
    Box::new(
        serde_json::from_value(serde_json::json!({
            "id": "T1", "kind": "plugin", "candidates": [{"plugin": "command"}],
            "metadata": {"task-kind": kind},
        }))
        .unwrap(),
    )
}

/// Entries of the task `T1`, ten milliseconds apart.
fn entries(events: Vec<LedgerEvent>) -> Vec<Entry> {
    let entry = |(index, event)| Entry {
        v: LEDGER_FORMAT,
        seq: index as u64 + 1,
        at_ms: 10 * index as u64,
        run: Some("r".parse().unwrap()),
        task: Some("T1".parse().unwrap()),
        task_seq: index as u64 + 1,
        event,
    };
    events.into_iter().enumerate().map(entry).collect()
}

fn queued() -> LedgerEvent {
    LedgerEvent::TaskQueued {
        index: 3,
        spec: spec("code_edit"),
        ready: true,
    }
}

fn started(attempt: u32) -> LedgerEvent {
    LedgerEvent::TaskStarted {
        attempt,
        fence: attempt.into(),
        epoch: 1,
        adapter: "echoer".parse().unwrap(),
        candidate: 0,
    }
}

fn did(activity: Event) -> LedgerEvent {
    LedgerEvent::Activity {
        attempt: 1,
        fence: 1,
        activity: Box::new(activity),
    }
}

fn tool(arguments: &[&str]) -> LedgerEvent {
    did(Event::ToolStarted {
        call: 1,
        tool: "python3".to_owned(),
        template: "t".to_owned(),
        arguments: arguments.iter().map(|&text| text.to_owned()).collect(),
        directory: ".".to_owned(),
        env: Vec::new(),
        confinement: Confinement::Full,
        origins: Vec::new(),
        program: None,
    })
}

fn wrote(stream: Output, payload: Payload) -> LedgerEvent {
    did(Event::ToolOutput {
        call: 1,
        stream,
        payload,
    })
}

fn exited(exit: Exit) -> LedgerEvent {
    did(Event::ToolFinished {
        call: 1,
        tool: "python3".to_owned(),
        exit,
        success: exit == Exit::Code(0),
        usage: Usage::default(),
    })
}

fn ended(exit_code: u8, class: Option<FailureClass>) -> LedgerEvent {
    LedgerEvent::AttemptEnded {
        fence: 1,
        result: Box::new(AttemptResult {
            status: "failed".to_owned(),
            exit_code,
            class,
            message: "no".to_owned(),
            outcome_digest: None,
            outcome: serde_json::Value::Null,
            wall_ms: 5,
        }),
    }
}

fn failed() -> LedgerEvent {
    LedgerEvent::TaskFailed {
        code: "work".to_owned(),
        reasons: vec!["one".to_owned(), "two".to_owned()],
    }
}

fn row(events: Vec<LedgerEvent>) -> TaskResult {
    let mut results = Results::new("r".parse().unwrap());
    let mut rows: Vec<(u32, TaskResult)> = entries(events)
        .iter()
        .filter_map(|entry| results.apply(entry))
        .collect();
    assert_eq!(rows.len(), 1, "{rows:?}");
    let (index, row) = rows.remove(0);
    assert_eq!(index, 3);
    row
}

#[test]
fn a_row_has_the_form_of_the_real_run_in_the_corpus() {
    let text = |text: &str| Payload::Text(text.to_owned());
    let row = row(vec![
        queued(),
        started(1),
        tool(&["-c", "print('ok')"]),
        wrote(Output::Stdout, text("ok\n")),
        exited(Exit::Code(0)),
        ended(0, None),
        LedgerEvent::TaskCompleted,
    ]);
    assert_eq!(
        serde_json::to_value(&row).unwrap(),
        serde_json::json!({
            "run_id": "r",
            "task_id": "T1",
            "task_kind": "code_edit",
            "status": "completed",
            "tool_id": "echoer",
            "exit_code": 0,
            "output_patch_id": null,
            "error": null,
            "metadata": {
                "stdout": "ok\n",
                "stderr": "",
                "command": "python3 -c 'print('\\''ok'\\'')'",
                "attempts": 1,
                "duration_ms": 50,
            },
        })
    );
}

#[test]
fn exit_codes_are_the_source_documents() {
    let tool_ended = |exit| vec![queued(), started(1), tool(&[]), exited(exit)];
    let refused = |code: &str| {
        did(Event::ToolRefused {
            tool: "x".to_owned(),
            template: "t".to_owned(),
            code: code.to_owned(),
            message: String::new(),
        })
    };
    for (mut events, end, want) in [
        (tool_ended(Exit::Code(3)), failed(), Some(3)),
        (tool_ended(Exit::Signal(11)), failed(), Some(139)),
        // Its tools were content, and still it failed: never 0.
        (tool_ended(Exit::Code(0)), failed(), Some(1)),
        (
            tool_ended(Exit::Code(0)),
            LedgerEvent::TaskTimeout { limit_ms: 1_500 },
            Some(-1),
        ),
        (
            vec![queued(), started(1), refused("tool-missing")],
            failed(),
            Some(-2),
        ),
        (
            vec![queued(), started(1), refused("spawn-failed")],
            failed(),
            Some(-3),
        ),
        (
            vec![
                queued(),
                started(1),
                ended(6, Some(FailureClass::Unavailable)),
            ],
            failed(),
            Some(-2),
        ),
        (
            vec![queued()],
            LedgerEvent::TaskBlocked {
                by: "T0".parse().unwrap(),
            },
            None,
        ),
    ] {
        events.push(end);
        let shown = format!("{events:?}");
        assert_eq!(row(events).exit_code, want, "{shown}");
    }
}

#[test]
fn errors_say_why() {
    for (end, want) in [
        (failed(), "one; two"),
        (
            LedgerEvent::TaskTimeout { limit_ms: 1_500 },
            "Command timed out after 2s",
        ),
        (
            LedgerEvent::TaskBlocked {
                by: "T0".parse().unwrap(),
            },
            "`T0` did not complete",
        ),
        (
            LedgerEvent::TaskCanceled {
                reason: crate::outcome::CancelReason::Requested,
            },
            "canceled: requested",
        ),
    ] {
        assert_eq!(row(vec![queued(), end]).error.as_deref(), Some(want));
    }
}

#[test]
fn only_the_newest_attempts_output_and_not_its_gates_are_shown() {
    let text = |text: &str| Payload::Text(text.to_owned());
    let row = row(vec![
        queued(),
        started(1),
        wrote(Output::Stdout, text("first\n")),
        ended(1, Some(FailureClass::Transient)),
        started(2),
        wrote(Output::Stdout, text("second\n")),
        wrote(Output::Stderr, Payload::Base64("/w==".to_owned())),
        ended(0, None),
        LedgerEvent::TaskValidating { fence: 2, gates: 1 },
        wrote(Output::Stdout, text("gate\n")),
        LedgerEvent::TaskCompleted,
    ]);
    assert_eq!(row.metadata.stdout, "second\n");
    assert_eq!(row.metadata.stderr, "\u{fffd}");
    assert_eq!(row.metadata.attempts, 2);
}

#[test]
fn output_is_cut_from_the_front_at_a_character() {
    let mut events = vec![queued(), started(1)];
    for _ in 0..5_000 {
        events.push(wrote(Output::Stdout, Payload::Text("xäöü\n".to_owned())));
    }
    events.push(wrote(Output::Stdout, Payload::Text("end".to_owned())));
    events.push(failed());
    let stdout = row(events).metadata.stdout;
    assert!(stdout.len() <= MAX_TAIL && stdout.len() > MAX_TAIL - 4);
    assert!(stdout.ends_with("ü\nend"));
}

#[test]
fn the_whole_file_is_json_with_both_dialects() {
    let run = "r".parse().unwrap();
    let text = format!("{}{}", opening(&run).unwrap(), closing(3, 2));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        value,
        serde_json::json!({"run_id": "r", "results": [], "total": 3, "succeeded": 2, "failed": 1})
    );
}

#[test]
fn logs_divide_the_entries() {
    let all = entries(vec![queued(), started(1), exited(Exit::Code(0)), failed()]);
    let executor: Vec<&str> = all
        .iter()
        .filter(|entry| is_of_executor(entry))
        .map(|entry| entry.event.word())
        .collect();
    assert_eq!(executor, ["TASK_QUEUED", "TASK_STARTED", "TASK_FAILED"]);
    let crash = entries(vec![
        ended(10, Some(FailureClass::Crash)),
        ended(1, Some(FailureClass::Work)),
    ]);
    let resilience: Vec<bool> = crash.iter().map(is_of_resilience).collect();
    assert_eq!(resilience, [true, false]);
}

#[test]
fn derived_files_are_known_by_their_paths() {
    for (path, want) in [
        (".state", true),
        (".state/execution_results.json", true),
        (".state/.execution_results.json.new", true),
        (".state/task_queue.json", false),
        ("logs", true),
        ("logs/executor.jsonl", true),
        ("logs/execution", true),
        ("logs/execution/T1.jsonl", true),
        ("logs/executions", false),
        ("logs/mine.log", false),
        ("src/logs/executor.jsonl", false),
    ] {
        assert_eq!(is_derived(path), want, "{path}");
    }
}
