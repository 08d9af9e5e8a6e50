//! Tasks that wait for a person, and what a person can ask for.

use std::time::Duration;

use remit_core::durable::{Answer, LedgerEvent, Phase, Stream};
use remit_core::outcome::{CancelReason, Outcome};
use remit_engine::durable::Control;
use remit_engine::fake::attempts::{FakeAttempts, succeeded};
use serde_json::{Value, json};

use crate::world::{World, failed, plan, run_id, task};

fn approval(name: &str) -> Value {
    json!({"id": name, "kind": "approval", "question": "ship it?", "expires": "1h"})
}

fn manual(name: &str) -> Value {
    json!({"id": name, "kind": "manual", "instructions": "turn the key"})
}

pub(crate) fn answer(answer: Answer) -> LedgerEvent {
    LedgerEvent::TaskAnswered {
        answer,
        by: "me".into(),
        note: None,
    }
}

/// Work that ends only when it is cancelled.
fn endless() -> FakeAttempts {
    FakeAttempts::playing(|_, _, cancel| {
        Box::pin(async move {
            let reason = cancel.cancelled().await;
            Outcome::Cancelled { reason }
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_person_s_answer_ends_the_task_and_what_needs_it_goes_on_or_not() {
    let cases = [
        (approval("q"), Answer::Yes, Phase::Completed, None),
        (approval("q"), Answer::No, Phase::Blocked, Some("rejected")),
        (manual("q"), Answer::Yes, Phase::Completed, None),
        (
            manual("q"),
            Answer::No,
            Phase::Blocked,
            Some("manual-failed"),
        ),
    ];
    for (question, said, next, code) in cases {
        let world = World::with(plan(json!({}), json!([question, task("a", &["q"])]))).await;
        let running = world.begin(&FakeAttempts::default(), &Control::new());
        world.until("q", Phase::Waiting).await;
        world.say_of("q", answer(said)).await;
        running.await.unwrap().unwrap();
        assert_eq!(world.phase("a").await, next);
        if let Some(code) = code {
            assert_eq!(world.failure("q").await.0, code);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_nobody_answers_expires_also_after_a_restart() {
    let world = World::with(plan(json!({}), json!([approval("q"), task("a", &["q"])]))).await;
    let control = Control::new();
    let running = world.begin(&FakeAttempts::default(), &control);
    world.until("q", Phase::Waiting).await;
    control.shutdown();
    assert_eq!(running.await.unwrap().unwrap().open, [run_id()]);
    tokio::time::sleep(Duration::from_secs(1_800)).await;
    world.execute(&FakeAttempts::default()).await;
    assert_eq!(world.failure("q").await.0, "expired");
    assert!(world.words(Some("q")).await.contains(&"TASK_EXPIRED"));
    assert_eq!(world.phase("a").await, Phase::Blocked);
    let waited = (world.clock)() - crate::world::START_MS;
    assert!((3_600_000..3_700_000).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_while_no_host_is_there_counts() {
    let world = World::with(plan(json!({}), json!([manual("q")]))).await;
    let control = Control::new();
    let running = world.begin(&FakeAttempts::default(), &control);
    world.until("q", Phase::Waiting).await;
    control.shutdown_now();
    running.await.unwrap().unwrap();
    world.say_of("q", answer(Answer::Yes)).await;
    world.execute(&FakeAttempts::default()).await;
    assert_eq!(world.phase("q").await, Phase::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_waits_takes_no_slot() {
    let settings = json!({"concurrency": {"total": 1}});
    let world = World::with(plan(settings, json!([manual("q"), task("a", &[])]))).await;
    let running = world.begin(&FakeAttempts::default(), &Control::new());
    world.until("a", Phase::Completed).await;
    assert_eq!(world.phase("q").await, Phase::Waiting);
    world.say_of("q", answer(Answer::Yes)).await;
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_ends_what_runs_and_what_waits_each_once() {
    let tasks = json!([task("a", &[]), task("b", &["a"]), manual("q")]);
    let world = World::with(plan(json!({}), tasks)).await;
    let running = world.begin(&endless(), &Control::new());
    world.until("a", Phase::InProgress).await;
    world.until("q", Phase::Waiting).await;
    for reason in [
        CancelReason::Requested,
        CancelReason::Requested,
        CancelReason::Forced,
    ] {
        let by = "me".to_owned();
        let event = LedgerEvent::RunCancelRequested { reason, by };
        world.say(Stream::Run(run_id()), event).await;
    }
    running.await.unwrap().unwrap();
    for name in ["a", "b", "q"] {
        assert_eq!(world.phase(name).await, Phase::Canceled, "{name}");
        let words = world.words(Some(name)).await;
        let ends = words.iter().filter(|word| **word == "TASK_CANCELED");
        assert_eq!(ends.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn one_task_can_be_cancelled_and_the_others_go_on() {
    let tasks = json!([task("a", &[]), task("b", &["a"]), task("c", &[])]);
    let world = World::with(plan(json!({}), tasks)).await;
    let attempts = FakeAttempts::playing(|assignment, _, cancel| {
        Box::pin(async move {
            if assignment.task.id.as_str() == "c" {
                return succeeded();
            }
            let reason = cancel.cancelled().await;
            Outcome::Cancelled { reason }
        })
    });
    let running = world.begin(&attempts, &Control::new());
    world.until("a", Phase::InProgress).await;
    let (reason, by) = (CancelReason::Requested, "me".to_owned());
    world
        .say_of("a", LedgerEvent::TaskCancelRequested { reason, by })
        .await;
    running.await.unwrap().unwrap();
    assert_eq!(world.phase("a").await, Phase::Canceled);
    assert_eq!(world.phase("b").await, Phase::Blocked);
    assert_eq!(world.phase("c").await, Phase::Completed);
}

#[tokio::test(start_paused = true)]
async fn the_control_cancels_like_the_ledger_does() {
    let world = World::with(plan(json!({}), json!([task("a", &[])]))).await;
    let control = Control::new();
    let running = world.begin(&endless(), &control);
    world.until("a", Phase::InProgress).await;
    control.cancel(None, CancelReason::Requested, "ctrl-c");
    running.await.unwrap().unwrap();
    assert_eq!(world.phase("a").await, Phase::Canceled);
    assert!(world.words(None).await.contains(&"RUN_CANCEL_REQUESTED"));
}

#[tokio::test(start_paused = true)]
async fn a_person_can_hurry_a_retry() {
    let settings = json!({"retry": {"first-delay": "1h", "cap": "1h"}});
    let world = World::with(plan(settings, json!([task("a", &[])]))).await;
    let attempts = FakeAttempts::doing(|assignment| match assignment.attempt {
        1 => failed(true),
        _ => succeeded(),
    });
    let running = world.begin(&attempts, &Control::new());
    tokio::time::sleep(Duration::from_secs(1)).await;
    world
        .say_of("a", LedgerEvent::TaskHurried { by: "me".into() })
        .await;
    running.await.unwrap().unwrap();
    assert!((world.clock)() < crate::world::START_MS + 60_000);
}
