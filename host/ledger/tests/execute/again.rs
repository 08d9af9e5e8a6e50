//! When work is tried again, by whom, and when it is given up.

use remit_core::durable::{AdapterId, LedgerEvent, Phase, Trigger};
use remit_core::outcome::Outcome;
use remit_engine::durable::attempts::Unfit;
use remit_engine::fake::attempts::{FakeAttempts, succeeded};
use serde_json::json;

use crate::world::{START_MS, World, crashed, failed, plan, task};

/// Attempts that fail like this until one with this number.
fn until(attempt: u32, outcome: fn() -> Outcome) -> FakeAttempts {
    FakeAttempts::doing(move |assignment| {
        if assignment.attempt < attempt {
            outcome()
        } else {
            succeeded()
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_transient_failure_is_tried_again_after_the_policy_s_wait() {
    let settings = json!({"retry": {"first-delay": "2s", "jitter": {"min": 1, "max": 1}}});
    let world = World::with(plan(settings, json!([task("a", &[])]))).await;
    let attempts = until(3, || failed(true));
    world.execute(&attempts).await;
    assert_eq!(world.phase("a").await, Phase::Completed);
    let events = world.events("a").await;
    let waits = events.iter().filter_map(|event| match event {
        LedgerEvent::TaskRetry { not_before_ms, .. } => Some(not_before_ms - START_MS),
        _ => None,
    });
    let waits: Vec<u64> = waits.collect();
    assert!((2_000..2_100).contains(&waits[0]), "{waits:?}");
    assert!((6_000..6_200).contains(&waits[1]), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_stays_ends_the_task_when_the_policy_is_exhausted() {
    let world = World::with(plan(json!({}), json!([task("a", &[])]))).await;
    let attempts = until(99, || failed(true));
    world.execute(&attempts).await;
    let (code, reasons) = world.failure("a").await;
    assert_eq!(code, "transient");
    assert_eq!(reasons[1], "3 attempts were made");
    assert_eq!(attempts.begun().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_denial_is_never_tried_again_and_never_handed_to_another() {
    let mut work = task("a", &[]);
    work["candidates"] = json!([{"plugin": "work"}, {"plugin": "other"}]);
    let world = World::with(plan(json!({}), json!([work]))).await;
    let attempts = FakeAttempts::default().looking(std::sync::Arc::new(|_, candidate| {
        Err(Box::new(Unfit {
            adapter: AdapterId::of_plugin(&candidate.plugin),
            outcome: Outcome::Denied {
                denials: Vec::new(),
                message: Some("not allowed".into()),
            },
        }))
    }));
    world.execute(&attempts).await;
    assert_eq!(world.failure("a").await.0, "denied");
    assert_eq!(
        world.words(Some("a")).await,
        [
            "TASK_QUEUED",
            "TASK_STARTED",
            "ATTEMPT_ENDED",
            "TASK_FAILED"
        ]
    );
    assert!(attempts.begun().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_crash_is_handed_to_the_next_candidate_at_once() {
    let mut work = task("a", &[]);
    work["candidates"] = json!([{"plugin": "work"}, {"plugin": "other"}]);
    let world = World::with(plan(json!({}), json!([work]))).await;
    let attempts = FakeAttempts::doing(|assignment| match assignment.candidate {
        0 => crashed(),
        _ => succeeded(),
    });
    world.execute(&attempts).await;
    assert_eq!(world.phase("a").await, Phase::Completed);
    let candidates: Vec<u32> = attempts.begun().iter().map(|b| b.candidate).collect();
    assert_eq!(candidates, [0, 1]);
    assert_eq!(world.calls().await, [Trigger::AdapterCrash]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_used_is_handed_to_the_next_candidate_without_a_start() {
    let mut work = task("a", &[]);
    work["candidates"] = json!([{"plugin": "gone"}, {"plugin": "other"}]);
    let world = World::with(plan(json!({}), json!([work]))).await;
    let mut attempts = FakeAttempts::default();
    let fits = std::sync::Arc::clone(&attempts.look);
    attempts.look = std::sync::Arc::new(move |task, candidate| {
        if candidate.plugin == "gone" {
            return Err(Box::new(Unfit {
                adapter: AdapterId::of_plugin("gone"),
                outcome: Outcome::Unavailable {
                    what: "no such plugin".into(),
                },
            }));
        }
        fits(task, candidate)
    });
    world.execute(&attempts).await;
    assert_eq!(world.phase("a").await, Phase::Completed);
    assert_eq!(attempts.begun().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_takes_too_long_ends_as_timeout_and_calls_a_person() {
    let mut work = task("a", &[]);
    work["timeout"] = json!("5s");
    work["retry"] = json!({"max-attempts": 1});
    let world = World::with(plan(json!({}), json!([work]))).await;
    // Work that does not keep its own time, but hears a cancellation.
    let attempts = FakeAttempts::playing(|_, _, cancel| {
        Box::pin(async move {
            let reason = cancel.cancelled().await;
            Outcome::Cancelled { reason }
        })
    });
    world.execute(&attempts).await;
    assert_eq!(world.phase("a").await, Phase::Timeout);
    assert_eq!(
        world.events("a").await.last(),
        Some(&LedgerEvent::TaskTimeout { limit_ms: 5_000 })
    );
    assert_eq!(world.calls().await, [Trigger::Timeout]);
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_comes_back_with_the_next_attempt() {
    let world = World::with(plan(json!({}), json!([task("a", &[])]))).await;
    let attempts = FakeAttempts::playing(|assignment, record, _| {
        Box::pin(async move {
            match assignment.checkpoint {
                None => {
                    record.checkpoint(b"half".to_vec(), 0).await.unwrap();
                    failed(true)
                }
                Some(bytes) => {
                    assert_eq!(bytes, b"half");
                    succeeded()
                }
            }
        })
    });
    world.execute(&attempts).await;
    assert_eq!(world.phase("a").await, Phase::Completed);
    assert_eq!(attempts.begun().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_an_attempt_is_a_fault_of_the_host_and_nothing_else() {
    let tasks = json!([task("a", &[]), task("b", &[])]);
    let settings = json!({"retry": {"max-attempts": 1}});
    let world = World::with(plan(settings, tasks)).await;
    let attempts = FakeAttempts::playing(|assignment, _, _| {
        Box::pin(async move {
            assert_ne!(assignment.task.id.as_str(), "a", "a panic that is meant");
            succeeded()
        })
    });
    world.execute(&attempts).await;
    assert_eq!(world.failure("a").await.0, "host");
    assert_eq!(world.phase("b").await, Phase::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_failure_calls_a_person_where_the_plan_says_so() {
    let settings = json!({"on-failure": "escalate"});
    let world = World::with(plan(settings, json!([task("a", &[]), task("b", &[])]))).await;
    let attempts = FakeAttempts::doing(|assignment| match assignment.task.id.as_str() {
        "a" => failed(false),
        _ => succeeded(),
    });
    world.execute(&attempts).await;
    assert_eq!(world.calls().await, [Trigger::TaskFailed]);
    assert_eq!(world.phase("b").await, Phase::Completed);
}
