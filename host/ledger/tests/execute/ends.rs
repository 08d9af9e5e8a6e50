//! How an executor ends, and what the next one finds.

use std::sync::Arc;
use std::time::Duration;

use remit_core::durable::{LedgerEvent, Phase};
use remit_core::outcome::{CancelReason, Outcome};
use remit_engine::durable::{Control, ExecuteError, SubmitError, submit};
use remit_engine::fake::attempts::{FakeAttempts, succeeded};
use serde_json::json;

use crate::world::{World, plan, run_id, task};

#[tokio::test(start_paused = true)]
async fn the_same_plan_again_is_the_run_that_exists_and_another_one_is_refused() {
    let world = World::with(plan(json!({}), json!([task("a", &[])]))).await;
    let again = plan(json!({}), json!([task("a", &[])]));
    let submitted = submit(&*world.ledger, again, "again".into(), 0)
        .await
        .unwrap();
    assert_eq!((submitted.run, submitted.new), (run_id(), false));
    let other = plan(json!({}), json!([task("b", &[])]));
    let refused = submit(&*world.ledger, other, "other".into(), 0).await;
    assert!(
        matches!(refused, Err(SubmitError::Conflict { .. })),
        "{refused:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_finished_run_is_not_carried_out_again_and_a_missing_one_is_named() {
    let world = World::with(plan(json!({}), json!([task("a", &[])]))).await;
    world.execute(&FakeAttempts::default()).await;
    let again = world
        .execute_with(&FakeAttempts::default(), Control::new())
        .await;
    assert!(
        matches!(again, Err(ExecuteError::Finished { .. })),
        "{again:?}"
    );
    let mut config = world.config();
    config.which = remit_engine::durable::Which::One("other".parse().unwrap());
    let missing = remit_engine::durable::run_executor_loop(
        config,
        Arc::clone(&world.ledger) as Arc<_>,
        Arc::new(FakeAttempts::default()),
        Control::new(),
    );
    assert!(matches!(missing.await, Err(ExecuteError::NoRun { .. })));
}

#[tokio::test(start_paused = true)]
async fn an_empty_plan_finishes() {
    let world = World::with(plan(json!({}), json!([]))).await;
    let summary = world.execute(&FakeAttempts::default()).await;
    assert_eq!(summary.finished.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_attempts_end_within_a_while() {
    let tasks = json!([task("a", &[]), task("b", &["a"])]);
    let world = World::with(plan(json!({}), tasks)).await;
    let attempts = FakeAttempts::playing(|_, _, _| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            succeeded()
        })
    });
    let control = Control::new();
    let running = world.begin(&attempts, &control);
    world.until("a", Phase::InProgress).await;
    control.shutdown();
    let summary = running.await.unwrap().unwrap();
    assert_eq!(summary.open, [run_id()]);
    assert_eq!(world.phase("a").await, Phase::Completed);
    assert_eq!(world.phase("b").await, Phase::Ready);
    world.execute(&attempts).await;
    assert_eq!(world.phase("b").await, Phase::Completed);
    assert!(world.words(None).await.contains(&"RUN_STARTED"));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_in_time_goes_back_into_the_queue_and_costs_no_try() {
    let settings = json!({"retry": {"max-attempts": 1}});
    let world = World::with(plan(settings, json!([task("a", &[])]))).await;
    let attempts = FakeAttempts::playing(|assignment, _, cancel| {
        Box::pin(async move {
            if assignment.attempt > 15 {
                return succeeded();
            }
            let reason = cancel.cancelled().await;
            assert_eq!(reason, CancelReason::Shutdown);
            Outcome::Cancelled { reason }
        })
    });
    // More often than hosts may crash: this is no crash.
    for _ in 0..15 {
        let control = Control::new();
        let running = world.begin(&attempts, &control);
        world.until("a", Phase::InProgress).await;
        control.shutdown();
        running.await.unwrap().unwrap();
        assert_eq!(world.phase("a").await, Phase::Ready);
    }
    world.execute(&attempts).await;
    assert_eq!(world.phase("a").await, Phase::Completed);
    let lost = world
        .events("a")
        .await
        .into_iter()
        .filter(|event| matches!(event, LedgerEvent::AttemptLost { orderly: true, .. }));
    assert_eq!(lost.count(), 15);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_ignores_its_end_does_not_hold_the_host() {
    let world = World::with(plan(json!({}), json!([task("a", &[])]))).await;
    let deaf = FakeAttempts::playing(|_, _, _| Box::pin(std::future::pending()));
    let control = Control::new();
    let running = world.begin(&deaf, &control);
    world.until("a", Phase::InProgress).await;
    control.shutdown();
    running.await.unwrap().unwrap();
    // Nobody gave it back: the next host finds its host gone.
    world.execute(&FakeAttempts::default()).await;
    assert_eq!(world.phase("a").await, Phase::Completed);
    assert!(world.words(Some("a")).await.contains(&"ATTEMPT_LOST"));
}

#[tokio::test(start_paused = true)]
async fn a_watching_executor_takes_what_is_submitted_later() {
    let world = World::with(plan(json!({}), json!([task("a", &[])]))).await;
    let mut config = world.config();
    config.which = remit_engine::durable::Which::Watch;
    let control = Control::new();
    let running = tokio::spawn(remit_engine::durable::run_executor_loop(
        config,
        Arc::clone(&world.ledger) as Arc<_>,
        Arc::new(FakeAttempts::default()),
        control.clone(),
    ));
    world.until("a", Phase::Completed).await;
    let mut later = plan(json!({}), json!([task("z", &[])])).into_plan();
    later.run = Some("later".parse().unwrap());
    let later = remit_core::plan::CheckedPlan::new(later).unwrap();
    world.submit(later).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    control.shutdown();
    let summary = running.await.unwrap().unwrap();
    assert_eq!(summary.finished.len(), 2);
    assert!(summary.open.is_empty());
}
