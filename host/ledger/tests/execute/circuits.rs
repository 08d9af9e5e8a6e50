//! Circuits of adapters, and safe mode.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use remit_core::breaker::BreakerState;
use remit_core::durable::{AdapterId, LedgerEvent, Phase, SafeModeCause, Stream, Trigger};
use remit_core::outcome::Outcome;
use remit_engine::durable::Control;
use remit_engine::durable::attempts::Unfit;
use remit_engine::durable::ledger::Ledger;
use remit_engine::fake::attempts::{FakeAttempts, succeeded};
use serde_json::{Value, json};

use crate::world::{World, crashed, plan, task};

fn host_words(entries: &[remit_core::durable::Entry]) -> Vec<&'static str> {
    let host = entries.iter().filter(|entry| entry.run.is_none());
    host.map(|entry| entry.event.word()).collect()
}

/// Tasks of a broken adapter, then one of another.
fn broken_and_other(count: usize) -> Value {
    let mut tasks: Vec<Value> = (0..count).map(|n| task(&format!("t{n}"), &[])).collect();
    let mut other = task("other", &[]);
    other["candidates"] = json!([{"plugin": "other"}]);
    tasks.push(other);
    json!(tasks)
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_holds_tasks_back_without_costing_them_tries() {
    let settings = json!({"concurrency": {"total": 1}, "breaker": {"threshold": 2, "open-for": "60s"},
                          "retry": {"max-attempts": 1}});
    let mut tasks = broken_and_other(4);
    // The other adapter is needed to the end, so that not all are unhealthy.
    tasks[4]["needs"] = json!(["t3"]);
    let world = World::with(plan(settings, tasks)).await;
    let broken = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&broken);
    let attempts = FakeAttempts::doing(move |assignment| {
        let number = assignment.task.id.as_str();
        if switch.load(Ordering::SeqCst) && ["t0", "t1"].contains(&number) {
            crashed()
        } else {
            succeeded()
        }
    });
    world.execute(&attempts).await;
    assert_eq!(
        host_words(&world.entries().await),
        [
            "HOST_STARTED",
            "CIRCUIT_OPENED",
            "CIRCUIT_HALF_OPEN",
            "CIRCUIT_CLOSED"
        ]
    );
    assert_eq!(world.phase("t2").await, Phase::Completed);
    let retries = world.words(Some("t2")).await;
    assert!(!retries.contains(&"TASK_RETRY"), "{retries:?}");
    assert!((world.clock)() >= crate::world::START_MS + 60_000);
    assert!(world.calls().await.contains(&Trigger::CircuitOpened));
}

#[tokio::test(start_paused = true)]
async fn a_task_goes_to_the_next_candidate_while_a_circuit_is_open() {
    let settings = json!({"concurrency": {"total": 1}, "breaker": {"threshold": 1},
                          "retry": {"max-attempts": 1}});
    let mut tasks = broken_and_other(3);
    for n in [1, 2] {
        tasks[n]["candidates"] = json!([{"plugin": "work"}, {"plugin": "other"}]);
    }
    let world = World::with(plan(settings, tasks)).await;
    let attempts = FakeAttempts::doing(|assignment| match assignment.task.id.as_str() {
        "t0" => crashed(),
        _ => succeeded(),
    });
    world.execute(&attempts).await;
    let begun = attempts.begun();
    let of = |name: &str| {
        begun
            .iter()
            .find(|b| b.task.as_str() == name)
            .unwrap()
            .candidate
    };
    assert_eq!((of("t1"), of("t2")), (1, 1));
    assert!((world.clock)() < crate::world::START_MS + 1_000);
}

#[tokio::test(start_paused = true)]
async fn the_only_adapter_of_a_run_is_probed_when_its_time_is_over() {
    let settings = json!({"concurrency": {"total": 1}, "breaker": {"threshold": 1, "open-for": "1s"},
                          "retry": {"max-attempts": 1}});
    let tasks = json!([task("a", &[]), task("b", &[])]);
    let world = World::with(plan(settings, tasks)).await;
    let attempts = FakeAttempts::doing(|assignment| match assignment.task.id.as_str() {
        "a" => crashed(),
        _ => succeeded(),
    });
    world.execute(&attempts).await;
    assert_eq!(world.phase("b").await, Phase::Completed);
    assert_eq!(world.ledger.safe_mode().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn nothing_starts_in_safe_mode_until_a_person_has_looked() {
    let settings = json!({"concurrency": {"total": 1}, "breaker": {"threshold": 1, "open-for": "1s"},
                          "retry": {"max-attempts": 1}});
    let tasks = json!([task("a", &[]), task("probe", &[]), task("b", &[])]);
    let world = World::with(plan(settings, tasks)).await;
    let attempts = FakeAttempts::doing(|assignment| match assignment.task.id.as_str() {
        "b" => succeeded(),
        _ => crashed(),
    });
    let running = world.begin(&attempts, &Control::new());
    world.until("probe", Phase::Failed).await;
    tokio::time::sleep(std::time::Duration::from_secs(3_600)).await;
    assert_eq!(world.phase("b").await, Phase::Ready);
    assert_eq!(
        world.ledger.safe_mode().await.unwrap(),
        Some(SafeModeCause::AllAdaptersUnhealthy)
    );
    let by = "me".to_owned();
    world
        .say(Stream::Host, LedgerEvent::SafeModeLeft { by })
        .await;
    running.await.unwrap().unwrap();
    assert_eq!(world.phase("b").await, Phase::Completed);
}

#[tokio::test(start_paused = true)]
async fn safe_mode_survives_the_host() {
    let world = World::with(plan(json!({}), json!([task("a", &[])]))).await;
    let cause = SafeModeCause::Requested;
    world
        .say(Stream::Host, LedgerEvent::SafeModeEntered { cause })
        .await;
    let control = Control::new();
    let attempts = FakeAttempts::default();
    let running = world.begin(&attempts, &control);
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert!(attempts.begun().is_empty());
    control.shutdown();
    let summary = running.await.unwrap().unwrap();
    assert_eq!(summary.open.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_stays_open_too_long_ends_in_safe_mode() {
    let settings = json!({"concurrency": {"total": 1}, "breaker": {"threshold": 1, "open-for": "1m"},
                          "retry": {"max-attempts": 1}});
    let mut tasks = broken_and_other(20);
    tasks[20]["needs"] = json!(["t19"]);
    let world = World::with(plan(settings, tasks)).await;
    let attempts = FakeAttempts::doing(|_| crashed());
    let control = Control::new();
    let running = world.begin(&attempts, &control);
    tokio::time::sleep(std::time::Duration::from_secs(900)).await;
    let adapter = AdapterId::of_plugin("work");
    assert_eq!(
        world.ledger.safe_mode().await.unwrap(),
        Some(SafeModeCause::CircuitOpenTooLong { adapter })
    );
    control.shutdown_now();
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_environment_that_cannot_run_plugins_ends_in_safe_mode_and_fails_no_task() {
    let world = World::with(plan(json!({}), json!([task("a", &[])]))).await;
    let attempts = FakeAttempts::default().looking(Arc::new(|_, candidate| {
        Err(Box::new(Unfit {
            adapter: AdapterId::of_plugin(&candidate.plugin),
            outcome: Outcome::Internal {
                message: "no sandbox".into(),
            },
        }))
    }));
    let control = Control::new();
    let running = world.begin(&attempts, &control);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert!(world.ledger.safe_mode().await.unwrap().is_some());
    assert_eq!(world.phase("a").await, Phase::Ready);
    control.shutdown_now();
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_is_remembered_by_the_next_host() {
    let settings = json!({"concurrency": {"total": 1}, "breaker": {"threshold": 1, "open-for": "60s"},
                          "retry": {"max-attempts": 1}});
    let mut tasks = broken_and_other(2);
    tasks[2]["needs"] = json!(["t1"]);
    let world = World::with(plan(settings, tasks)).await;
    let attempts = FakeAttempts::doing(|assignment| match assignment.task.id.as_str() {
        "t0" => crashed(),
        _ => succeeded(),
    });
    let control = Control::new();
    let running = world.begin(&attempts, &control);
    world.until("t0", Phase::Failed).await;
    control.shutdown_now();
    running.await.unwrap().unwrap();
    let kept = world.ledger.breakers().await.unwrap();
    assert!(matches!(kept[0].1, BreakerState::Open { .. }), "{kept:?}");
    let before = (world.clock)();
    world.execute(&attempts).await;
    assert!((world.clock)() > before + 50_000);
    assert_eq!(world.phase("t1").await, Phase::Completed);
}
