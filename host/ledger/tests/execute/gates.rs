//! Acceptance gates.

use std::sync::Arc;

use remit_core::durable::{Phase, Trigger};
use remit_core::gate::Observed;
use remit_core::tool::Exit;
use remit_engine::fake::attempts::FakeAttempts;
use serde_json::{Value, json};

use crate::world::{World, plan, task};

fn gated(gates: Value) -> Value {
    let mut work = task("a", &[]);
    work["gates"] = gates;
    work
}

/// Work that succeeds, and gates whose tools end with these codes, by name.
fn codes(codes: &'static [(&'static str, u8)]) -> FakeAttempts {
    FakeAttempts::default().judging(Arc::new(move |_, gate| {
        let code = codes.iter().find(|(name, _)| gate.title() == *name);
        Observed::new(Exit::Code(code.map_or(0, |(_, code)| *code)), "", false)
    }))
}

fn gate(name: &str) -> Value {
    json!({"name": name, "kind": "lint", "tool": "ruff:check"})
}

#[tokio::test(start_paused = true)]
async fn a_task_completes_after_its_gates_have_passed_the_run_s_first() {
    let settings = json!({"gates": [gate("first")], "require-evidence": true});
    let tasks = json!([gated(json!([gate("second")]))]);
    let world = World::with(plan(settings, tasks)).await;
    let attempts = codes(&[]);
    world.execute(&attempts).await;
    assert_eq!(
        world.words(Some("a")).await,
        [
            "TASK_QUEUED",
            "TASK_STARTED",
            "ATTEMPT_ENDED",
            "TASK_VALIDATING",
            "GATE_FINISHED",
            "GATE_FINISHED",
            "TASK_COMPLETED"
        ]
    );
    let gates: Vec<_> = attempts
        .begun()
        .into_iter()
        .filter_map(|b| b.gate)
        .collect();
    assert_eq!(gates, ["first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn a_required_gate_that_fails_rejects_the_work_with_its_reasons() {
    let world = World::with(plan(
        json!({}),
        json!([gated(json!([gate("g"), gate("h")]))]),
    ))
    .await;
    let attempts = codes(&[("g", 1)]);
    world.execute(&attempts).await;
    let (code, reasons) = world.failure("a").await;
    assert_eq!(code, "acceptance-failed");
    assert!(reasons[0].starts_with("gate `g`: failed"), "{reasons:?}");
    assert_eq!(world.calls().await, [Trigger::AcceptanceFailedRepeatedly]);
    // Rejected work is not done again unless the policy says so; each gate was made once.
    assert_eq!(attempts.begun().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn rejected_work_is_done_again_where_the_policy_says_so() {
    let mut work = gated(json!([gate("g")]));
    work["retry"] = json!({"retry-rejected": true, "max-attempts": 2});
    let world = World::with(plan(json!({}), json!([work]))).await;
    let attempts = FakeAttempts::default().judging(Arc::new(|assignment, _| {
        Observed::new(
            Exit::Code(if assignment.attempt == 1 { 1 } else { 0 }),
            "",
            false,
        )
    }));
    world.execute(&attempts).await;
    assert_eq!(world.phase("a").await, Phase::Completed);
    assert!(world.calls().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_optional_gate_that_fails_is_only_reported() {
    let mut optional = gate("g");
    optional["required"] = json!(false);
    let world = World::with(plan(json!({}), json!([gated(json!([optional]))]))).await;
    world.execute(&codes(&[("g", 1)])).await;
    assert_eq!(world.phase("a").await, Phase::Completed);
}

#[tokio::test(start_paused = true)]
async fn without_any_gate_there_is_no_evidence() {
    let settings = json!({"require-evidence": true});
    let world = World::with(plan(settings, json!([task("a", &[])]))).await;
    world.execute(&FakeAttempts::default()).await;
    assert_eq!(world.failure("a").await.0, "no-evidence");
}
