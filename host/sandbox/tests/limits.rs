//! A plugin that will not end, grows, recurses, floods or dies: each its own typed fault, and the
//! host goes on.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use remit_core::event::{Event, LogSource};
use remit_core::outcome::{ExitCode, FaultKind, Outcome};
use serde_json::{Value, json};
use support::{probe, probe_with_memory};

async fn fault(inputs: Value) -> (FaultKind, String) {
    let dir = tempfile::tempdir().unwrap();
    let done = probe(dir.path(), "", "", inputs.clone()).await;
    let Outcome::PluginFault { kind, message } = done.outcome else {
        panic!("{inputs}: {:?}", done.outcome)
    };
    (kind, message)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_die_has_its_name() {
    for (inputs, want) in [
        (
            json!({"action": "panic", "message": "boom"}),
            FaultKind::Trap,
        ),
        (json!({"action": "trap"}), FaultKind::Trap),
        (json!({"action": "exit", "code": 7}), FaultKind::Exit),
        (json!({"action": "alloc"}), FaultKind::Memory),
        (
            json!({"action": "flood-steps", "count": 200_000}),
            FaultKind::Limit,
        ),
        (
            json!({"action": "flood-log", "count": 100_000, "bytes": 1000}),
            FaultKind::Limit,
        ),
        (
            json!({"action": "flood-stdout", "bytes": 100_000_000}),
            FaultKind::Limit,
        ),
    ] {
        let (kind, message) = fault(inputs.clone()).await;
        assert_eq!(kind, want, "{inputs}: {message}");
    }
    // A guest's own stack may end in its memory before wasmtime's limit: both are its fault.
    let (kind, message) = fault(json!({"action": "recurse"})).await;
    assert!(
        matches!(kind, FaultKind::Stack | FaultKind::Trap),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_what_was_granted() {
    let dir = tempfile::tempdir().unwrap();
    let inputs = json!({"action": "alloc", "mib": 24});
    let done = probe_with_memory(dir.path(), "", "", inputs.clone(), 64 << 20).await;
    assert_eq!(done.outcome.exit_code(), ExitCode::Ok, "{:?}", done.outcome);
    let done = probe_with_memory(dir.path(), "", "", inputs, 16 << 20).await;
    assert!(
        matches!(
            done.outcome,
            Outcome::PluginFault {
                kind: FaultKind::Memory,
                ..
            }
        ),
        "{:?}",
        done.outcome
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_machine_is_not_there_unless_granted() {
    let dir = tempfile::tempdir().unwrap();
    for inputs in [
        json!({"action": "connect", "address": "127.0.0.1:80"}),
        json!({"action": "listen", "address": "127.0.0.1:0"}),
        json!({"action": "resolve", "host": "localhost"}),
        json!({"action": "std-command", "program": "/bin/true"}),
        json!({"action": "std-thread"}),
    ] {
        let done = probe(dir.path(), "", "", inputs.clone()).await;
        let refused = if let Outcome::Succeeded { outputs, .. } = &done.outcome {
            outputs.get("error").is_some()
        } else {
            let died = |wanted| matches!(&done.outcome, Outcome::PluginFault { kind, .. } if *kind == wanted);
            died(FaultKind::NotGranted) || died(FaultKind::Trap)
        };
        assert!(refused, "{inputs}: {:?}", done.outcome);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_granted_variables_are_seen_and_no_arguments() {
    let dir = tempfile::tempdir().unwrap();
    let done = probe(dir.path(), "", "", json!({"action": "env"})).await;
    assert_eq!(done.outputs()["ok"]["variables"], json!({}));
    assert_eq!(done.outputs()["ok"]["arguments"], json!([]));
    let ask = "[[env]]\nname = \"PROBE_GRANTED\"\nreason = \"r\"\n";
    let policy = "[plugins.fake]\nenv = [\"PROBE_GRANTED\"]\n";
    let done = probe(dir.path(), ask, policy, json!({"action": "env"})).await;
    assert_eq!(
        done.outputs()["ok"]["variables"],
        json!({"PROBE_GRANTED": "yes"})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_prints_becomes_lines_of_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let inputs = json!({"action": "print", "out": "one\ntwo", "err": "three"});
    let done = probe(dir.path(), "", "", inputs).await;
    let mut lines = Vec::new();
    for event in &done.events {
        if let Event::Log {
            source, message, ..
        } = event
        {
            lines.push((*source, message.as_str()));
        }
    }
    lines.sort_by_key(|(source, _)| *source == LogSource::Stderr);
    assert_eq!(
        lines,
        [
            (LogSource::Stdout, "one"),
            (LogSource::Stdout, "two"),
            (LogSource::Stderr, "three")
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_all_that_the_host_still_works() {
    let dir = tempfile::tempdir().unwrap();
    for inputs in [
        json!({"action": "panic", "message": "x"}),
        json!({"action": "alloc"}),
    ] {
        fault(inputs).await;
        let done = probe(dir.path(), "", "", json!({"action": "random", "count": 8})).await;
        assert_eq!(done.outcome.exit_code(), ExitCode::Ok, "{:?}", done.outcome);
    }
}
