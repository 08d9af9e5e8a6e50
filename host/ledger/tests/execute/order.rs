//! What begins when: needs, priority, limits, groups.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use remit_core::durable::Phase;
use remit_core::outcome::Outcome;
use remit_engine::fake::attempts::{FakeAttempts, succeeded};
use serde_json::{Value, json};

use crate::world::{World, plan, run_id, task};

fn failed() -> Outcome {
    Outcome::Failed {
        code: "no".into(),
        message: "it does not work".into(),
        hint: None,
        retryable: false,
        outputs: Value::Null,
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_of_plugin_tasks_is_carried_out_to_its_end() {
    let tasks = json!([task("a", &[]), task("b", &["a"]), task("c", &["a", "b"])]);
    let world = World::with(plan(json!({}), tasks)).await;
    let attempts = FakeAttempts::default();
    let summary = world.execute(&attempts).await;
    assert_eq!(summary.finished[0].counts.of(Phase::Completed), 3);
    assert_eq!(
        world.words(Some("b")).await,
        [
            "TASK_QUEUED",
            "TASK_READY",
            "TASK_STARTED",
            "ATTEMPT_ENDED",
            "TASK_COMPLETED"
        ]
    );
    assert_eq!(
        world.words(None).await,
        ["RUN_SUBMITTED", "RUN_STARTED", "EXECUTION_FINISHED"]
    );
    let entries = world.entries().await;
    assert_eq!(entries.last().unwrap().event.word(), "EXECUTION_FINISHED");
    let order: Vec<String> = attempts
        .begun()
        .iter()
        .map(|b| b.task.to_string())
        .collect();
    assert_eq!(order, ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn priority_decides_and_then_the_place_in_the_plan() {
    let mut tasks: Vec<Value> = ["a", "b", "c", "d"].iter().map(|t| task(t, &[])).collect();
    tasks[2]["priority"] = json!(5);
    tasks[0]["priority"] = json!(-1);
    let settings = json!({"concurrency": {"total": 1}});
    let world = World::with(plan(settings, json!(tasks))).await;
    let attempts = FakeAttempts::default();
    world.execute(&attempts).await;
    let order: Vec<String> = attempts
        .begun()
        .iter()
        .map(|b| b.task.to_string())
        .collect();
    assert_eq!(order, ["c", "b", "d", "a"]);
}

#[tokio::test(start_paused = true)]
async fn what_needs_a_failed_task_is_blocked_in_the_same_commit() {
    let tasks = json!([
        task("a", &[]),
        task("b", &["a"]),
        task("c", &["b"]),
        task("d", &[])
    ]);
    let world = World::with(plan(json!({}), tasks)).await;
    let attempts = FakeAttempts::doing(|assignment| {
        if assignment.task.id.as_str() == "a" {
            failed()
        } else {
            succeeded()
        }
    });
    world.execute(&attempts).await;
    assert_eq!(world.phase("a").await, Phase::Failed);
    assert_eq!(world.phase("b").await, Phase::Blocked);
    assert_eq!(world.phase("c").await, Phase::Blocked);
    assert_eq!(world.phase("d").await, Phase::Completed);
    let words: Vec<_> = world
        .entries()
        .await
        .iter()
        .map(|e| e.event.word())
        .collect();
    let at = words
        .iter()
        .position(|word| *word == "TASK_FAILED")
        .unwrap();
    assert_eq!(words[at + 1..at + 3], ["TASK_BLOCKED", "TASK_BLOCKED"]);
}

#[tokio::test(start_paused = true)]
async fn fail_fast_lets_nothing_more_begin() {
    let tasks = json!([
        task("a", &[]),
        task("b", &["a"]),
        task("c", &[]),
        task("d", &[])
    ]);
    let settings = json!({"on-failure": "fail-fast", "concurrency": {"total": 1}});
    let world = World::with(plan(settings, tasks)).await;
    let attempts = FakeAttempts::doing(|_| failed());
    world.execute(&attempts).await;
    assert_eq!(world.phase("a").await, Phase::Failed);
    assert_eq!(world.phase("b").await, Phase::Blocked);
    assert_eq!(world.phase("d").await, Phase::Skipped);
}

/// Attempts that take a second, and the most that were made at the same time.
fn slow() -> (FakeAttempts, Arc<AtomicUsize>) {
    let now = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&most);
    let attempts = FakeAttempts::playing(move |_, _, _| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        Box::pin(async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(1)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            succeeded()
        })
    });
    (attempts, seen)
}

#[tokio::test(start_paused = true)]
async fn limits_hold_for_the_run_for_each_adapter_and_for_each_group() {
    let names: Vec<String> = (0..12).map(|n| format!("t{n}")).collect();
    let tasks: Vec<Value> = names.iter().map(|name| task(name, &[])).collect();
    let grouped: Vec<Value> = tasks
        .iter()
        .cloned()
        .map(|mut task| {
            task["conflict-group"] = json!("g");
            task
        })
        .collect();
    let cases = [
        (json!({"concurrency": {"total": 3}}), &tasks, 3),
        (
            json!({"concurrency": {"total": 9, "per-adapter": {"work": 2}}}),
            &tasks,
            2,
        ),
        (json!({"concurrency": {"total": 9}}), &grouped, 1),
    ];
    for (settings, tasks, limit) in cases {
        let world = World::with(plan(settings, json!(tasks))).await;
        let (attempts, most) = slow();
        let summary = world.execute(&attempts).await;
        assert_eq!(summary.finished[0].counts.of(Phase::Completed), 12);
        assert_eq!(most.load(Ordering::SeqCst), limit);
    }
}

#[tokio::test(start_paused = true)]
async fn many_tasks_are_carried_out_each_once() {
    let tasks: Vec<Value> = (0..2_000).map(|n| task(&format!("t{n}"), &[])).collect();
    let settings = json!({"concurrency": {"total": 64}});
    let world = World::with(plan(settings, json!(tasks))).await;
    let attempts = FakeAttempts::default();
    let summary = world.execute(&attempts).await;
    assert_eq!(summary.finished[0].run, run_id());
    assert_eq!(summary.finished[0].counts.of(Phase::Completed), 2_000);
    assert_eq!(attempts.begun().len(), 2_000);
}
