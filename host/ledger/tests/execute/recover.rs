//! A host dies, and another one goes on.

use std::time::Duration;

use remit_core::durable::{LedgerEvent, Phase, Trigger};
use remit_core::gate::Observed;
use remit_core::tool::Exit;
use remit_engine::durable::Control;
use remit_engine::fake::attempts::{FakeAttempts, succeeded};
use serde_json::json;

use crate::check::check;
use crate::effects::Outside;
use crate::world::{World, plan, task};

/// Begins a run and ends its host without a word after so long.
async fn killed_after(world: &World, attempts: &FakeAttempts, after: Duration) {
    let running = world.begin(attempts, &Control::new());
    tokio::time::sleep(after).await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn finished_effects_are_given_back_and_the_open_one_is_called_unknown() {
    let world = World::with(plan(json!({}), json!([task("a", &[])]))).await;
    let outside = Outside::default();
    let work = outside.work(3, Duration::from_secs(10));
    killed_after(&world, &work, Duration::from_secs(15)).await;
    world.execute(&work).await;
    assert_eq!(world.phase("a").await, Phase::Completed);
    // The first was finished before, the second was under way, the third had not begun.
    let done: Vec<(u32, u64)> = outside
        .effects()
        .iter()
        .map(|e| (e.effect, e.fence))
        .collect();
    assert_eq!(done, [(1, 1), (2, 1), (2, 2), (3, 2)]);
    let read = outside.read.lock().unwrap()["a"].clone();
    assert_eq!(read, ["a/1 by 1", "a/2 by 2", "a/3 by 2"]);
    let words = world.words(Some("a")).await;
    for word in ["EFFECT_UNKNOWN", "ATTEMPT_LOST", "EFFECT_REPLAYED"] {
        assert!(words.contains(&word), "{word} in {words:?}");
    }
    let tool = world
        .events("a")
        .await
        .into_iter()
        .find_map(|event| match event {
            LedgerEvent::EffectUnknown { tool, .. } => Some(tool),
            _ => None,
        });
    assert_eq!(tool.as_deref(), Some("python3"));
    assert_eq!(world.calls().await, [Trigger::EffectUnknown]);
    assert_eq!(check(&world.entries().await, &outside.effects()), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_must_not_be_repeated_is_refused_after_a_crash() {
    let mut work = task("a", &[]);
    work["on-unknown"] = json!("fail");
    let world = World::with(plan(json!({}), json!([work]))).await;
    let outside = Outside::default();
    let work = outside.work(1, Duration::from_secs(10));
    killed_after(&world, &work, Duration::from_secs(5)).await;
    world.execute(&work).await;
    assert_eq!(outside.effects().len(), 1);
    assert_eq!(outside.read.lock().unwrap()["a"], ["refused"]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_costs_no_try_but_not_without_end() {
    let settings = json!({"retry": {"max-attempts": 1}});
    let world = World::with(plan(settings, json!([task("a", &[]), task("b", &["a"])]))).await;
    let outside = Outside::default();
    let poison = outside.work(1, Duration::from_secs(3_600));
    for _ in 0..10 {
        killed_after(&world, &poison, Duration::from_secs(30)).await;
    }
    let summary = world.execute(&poison).await;
    assert_eq!(world.failure("a").await.0, "host-crashes");
    assert_eq!(summary.finished[0].counts.of(Phase::Blocked), 1);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_there_keeps_its_tasks_until_its_lease_is_over() {
    let world = World::with(plan(json!({}), json!([task("a", &[])]))).await;
    let outside = Outside::default();
    let work = outside.work(1, Duration::from_secs(8));
    killed_after(&world, &work, Duration::from_secs(4)).await;
    // The lease of the first host was given at its start, for 15 seconds.
    world.execute(&work).await;
    let began = outside.effects()[1].began - outside.effects()[0].began;
    assert!(began >= Duration::from_secs(15), "{began:?}");
}

#[tokio::test(start_paused = true)]
async fn gates_that_have_a_verdict_are_not_made_again() {
    let mut work = task("a", &[]);
    let gate = |name: &str| json!({"name": name, "kind": "lint", "tool": "ruff:check"});
    work["gates"] = json!([gate("one"), gate("two"), gate("three")]);
    let world = World::with(plan(json!({}), json!([work]))).await;
    let mut hangs = FakeAttempts::doing(|_| succeeded());
    hangs.finding = std::sync::Arc::new(|_, gate| {
        assert_ne!(
            gate.title(),
            "two",
            "a panic that ends the gate, not the host"
        );
        Observed::new(Exit::Code(0), "", false)
    });
    // The host dies while the second gate hangs.
    let slow = HangingGate(hangs.clone());
    let ledger = std::sync::Arc::clone(&world.ledger) as std::sync::Arc<_>;
    let running = tokio::spawn(remit_engine::durable::run_executor_loop(
        world.config(),
        ledger,
        std::sync::Arc::new(slow),
        Control::new(),
    ));
    tokio::time::sleep(Duration::from_secs(5)).await;
    running.abort();
    assert!(running.await.is_err());
    assert_eq!(world.phase("a").await, Phase::Validating);
    let rest = FakeAttempts::default();
    world.execute(&rest).await;
    assert_eq!(world.phase("a").await, Phase::Completed);
    let gates: Vec<_> = rest.begun().into_iter().filter_map(|b| b.gate).collect();
    assert_eq!(gates, ["two", "three"]);
    assert!(world.words(Some("a")).await.contains(&"VALIDATION_RESUMED"));
}

/// Gates of which the second never ends.
#[derive(Debug)]
struct HangingGate(FakeAttempts);

#[async_trait::async_trait]
impl remit_engine::durable::attempts::Attempts for HangingGate {
    async fn check(
        &self,
        task: &remit_core::plan::TaskSpec,
        candidate: &remit_core::plan::Candidate,
    ) -> Result<
        remit_engine::durable::attempts::AdapterFacts,
        Box<remit_engine::durable::attempts::Unfit>,
    > {
        self.0.check(task, candidate).await
    }

    async fn attempt(
        &self,
        assignment: remit_engine::durable::attempts::Assignment,
        record: std::sync::Arc<dyn remit_engine::durable::attempts::AttemptRecord>,
        cancel: remit_engine::cancel::Cancel,
    ) -> remit_core::outcome::Outcome {
        self.0.attempt(assignment, record, cancel).await
    }

    async fn gate(
        &self,
        assignment: remit_engine::durable::attempts::Assignment,
        gate: remit_core::plan::GateSpec,
        record: std::sync::Arc<dyn remit_engine::durable::attempts::AttemptRecord>,
        cancel: remit_engine::cancel::Cancel,
    ) -> Result<Observed, Box<remit_core::outcome::Outcome>> {
        if gate.title() == "two" {
            std::future::pending::<()>().await;
        }
        self.0.gate(assignment, gate, record, cancel).await
    }
}

#[tokio::test(start_paused = true)]
async fn hosts_killed_again_and_again_lose_nothing_and_repeat_nothing_that_finished() {
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let needs: Vec<String> = (n >= 50)
                .then(|| format!("t{}", n - 50))
                .into_iter()
                .collect();
            let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
            task(&format!("t{n}"), &needs)
        })
        .collect();
    let settings = json!({"concurrency": {"total": 8}});
    let mut world = World::with(plan(settings, json!(tasks))).await;
    world.lease = Duration::from_millis(300);
    let outside = Outside::default();
    let work = outside.work(4, Duration::from_millis(700));
    // Moments that fall into every part of the work.
    for moment in 0..50_u64 {
        let after = Duration::from_millis(500 + (moment * 397) % 1_100);
        killed_after(&world, &work, after).await;
    }
    let summary = world.execute(&work).await;
    assert_eq!(summary.finished[0].counts.of(Phase::Completed), 200);
    assert_eq!(check(&world.entries().await, &outside.effects()), [""; 0]);
    for (task, read) in outside.read.lock().unwrap().iter() {
        assert_eq!(read.len(), 4, "{task}");
        for (line, effect) in read.iter().zip(1..) {
            assert!(line.starts_with(&format!("{task}/{effect} by ")), "{line}");
        }
    }
}
