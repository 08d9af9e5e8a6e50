//! Commits, written shortly. Never: a rule.

use remit_core::digest::Digest;
use remit_core::durable::{AttemptResult, GateWord, LedgerEvent, RunId, Stream, TaskId};
use remit_core::event::{Event, Payload};
use remit_core::outcome::CancelReason;
use remit_core::plan::{RunSettings, TaskSpec};
use remit_core::retry::FailureClass;
use remit_engine::durable::ledger::{
    Append, Commit, EntryQuery, Expect, Lane, Ledger, LedgerError, Refusal,
};

pub(crate) fn run_id(name: &str) -> RunId {
    name.parse().unwrap()
}

pub(crate) fn task_id(name: &str) -> TaskId {
    name.parse().unwrap()
}

pub(crate) fn run(name: &str) -> Stream {
    Stream::Run(run_id(name))
}

pub(crate) fn task(run: &str, task: &str) -> Stream {
    Stream::Task(run_id(run), task_id(task))
}

pub(crate) fn append(stream: Stream, expect: Expect, events: Vec<LedgerEvent>) -> Append {
    Append {
        stream,
        expect,
        events,
    }
}

pub(crate) fn commit(appends: Vec<Append>) -> Commit {
    Commit {
        now_ms: 1_000,
        lane: Lane::State,
        appends,
        breakers: Vec::new(),
    }
}

pub(crate) fn submitted(tasks: u64) -> LedgerEvent {
    LedgerEvent::RunSubmitted {
        settings: Box::new(RunSettings {
            title: Some("a run".into()),
            ..RunSettings::default()
        }),
        tasks,
        source: "plan.json".into(),
        plan: None,
    }
}

pub(crate) fn started(epoch: u64) -> LedgerEvent {
    LedgerEvent::RunStarted {
        epoch,
        resumed: false,
    }
}

pub(crate) fn finished() -> LedgerEvent {
    LedgerEvent::ExecutionFinished {
        completed: 1,
        not_completed: 0,
        wall_ms: 5,
    }
}

pub(crate) fn spec(id: &str) -> TaskSpec {
    serde_json::from_value(serde_json::json!({
        "id": id, "kind": "plugin", "candidates": [{"plugin": "command"}], "inputs": {"a": 1},
    }))
    .unwrap()
}

pub(crate) fn queued(id: &str, index: u32) -> LedgerEvent {
    LedgerEvent::TaskQueued {
        index,
        spec: Box::new(spec(id)),
        ready: true,
    }
}

pub(crate) fn began(attempt: u32, fence: u64) -> LedgerEvent {
    LedgerEvent::TaskStarted {
        attempt,
        fence,
        epoch: 1,
        adapter: "command".parse().unwrap(),
        candidate: 0,
    }
}

pub(crate) fn ended(fence: u64, class: Option<FailureClass>) -> LedgerEvent {
    LedgerEvent::AttemptEnded {
        fence,
        result: Box::new(AttemptResult {
            status: if class.is_none() {
                "succeeded"
            } else {
                "failed"
            }
            .into(),
            exit_code: u8::from(class.is_some()),
            class,
            message: "it is over".into(),
            outcome_digest: None,
            outcome: serde_json::json!({"kept": [1, 2]}),
            wall_ms: 7,
        }),
    }
}

pub(crate) fn output(fence: u64, attempt: u32, text: &str) -> LedgerEvent {
    LedgerEvent::Activity {
        attempt,
        fence,
        activity: Box::new(Event::ToolOutput {
            call: 1,
            stream: remit_core::event::Stream::Stdout,
            payload: Payload::Text(text.into()),
        }),
    }
}

pub(crate) fn verdict(fence: u64, gate: u32, verdict: GateWord) -> LedgerEvent {
    LedgerEvent::GateFinished {
        fence,
        gate,
        name: "tests".into(),
        kind: "unit".into(),
        verdict,
        required: true,
        reasons: vec!["two failed".into()],
        wall_ms: 3,
    }
}

pub(crate) fn effect(fence: u64, effect: u32) -> LedgerEvent {
    LedgerEvent::EffectStarted {
        fence,
        effect,
        call: Digest::of(b"call"),
        tool: "git".into(),
        template: "status".into(),
    }
}

pub(crate) fn cancel() -> LedgerEvent {
    LedgerEvent::TaskCancelRequested {
        reason: CancelReason::Requested,
        by: "someone".into(),
    }
}

/// Submits a run with these tasks, all of them ready.
pub(crate) async fn submit(ledger: &dyn Ledger, name: &str, tasks: &[&str]) {
    let mut appends = vec![append(
        run(name),
        Expect::New,
        vec![submitted(tasks.len() as u64)],
    )];
    for (id, index) in tasks.iter().zip(0..) {
        appends.push(append(task(name, id), Expect::New, vec![queued(id, index)]));
    }
    ledger.commit(commit(appends)).await.unwrap();
}

/// Appends to one stream.
pub(crate) async fn add(
    ledger: &dyn Ledger,
    stream: Stream,
    expect: Expect,
    events: Vec<LedgerEvent>,
) -> Result<u64, LedgerError> {
    let appends = vec![append(stream, expect, events)];
    let done = ledger.commit(commit(appends)).await?;
    Ok(*done.streams.first().unwrap())
}

#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, LedgerError>) -> Refusal {
    match result {
        Err(LedgerError::Refused(refusal)) => refusal,
        other => panic!("expected a refusal, found {other:?}"),
    }
}

/// Every entry.
pub(crate) fn everything() -> EntryQuery {
    EntryQuery {
        run: None,
        task: None,
        after: 0,
        activity: true,
        limit: usize::MAX,
    }
}
