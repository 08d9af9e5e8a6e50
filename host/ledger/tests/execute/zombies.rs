//! Two hosts on one ledger: alive both, or one that others think is gone.
//!
//! The mutants at the end show that the checker sees what the rules prevent.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use remit_core::durable::{LedgerEvent, Phase};
use remit_core::outcome::{CancelReason, Outcome};
use remit_engine::durable::attempts::Attempts;
use remit_engine::durable::{Control, ExecuteError, Summary, run_executor_loop};
use remit_engine::fake::attempts::FakeAttempts;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::bent::Bent;
use crate::check::check;
use crate::effects::Outside;
use crate::world::{World, plan, task};

type Running = JoinHandle<Result<Summary, ExecuteError>>;

fn begin(world: &World, ledger: &Arc<Bent>, attempts: &FakeAttempts, control: &Control) -> Running {
    let attempts: Arc<dyn Attempts> = Arc::new(attempts.clone());
    let ledger = Arc::clone(ledger);
    tokio::spawn(run_executor_loop(
        world.config(),
        ledger,
        attempts,
        control.clone(),
    ))
}

#[tokio::test(start_paused = true)]
async fn two_hosts_share_a_run_and_no_attempt_is_made_twice() {
    let tasks: Vec<Value> = (0..60)
        .map(|n| {
            let needs: Vec<String> = (n >= 20)
                .then(|| format!("t{}", n - 20))
                .into_iter()
                .collect();
            let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
            task(&format!("t{n}"), &needs)
        })
        .collect();
    let world = World::with(plan(json!({}), json!(tasks))).await;
    let outside = Outside::default();
    let work = outside.work(2, Duration::from_millis(333));
    let ledger = Arc::new(Bent::new(&world.ledger));
    let one = begin(&world, &ledger, &work, &Control::new());
    let other = begin(&world, &ledger, &work, &Control::new());
    one.await.unwrap().unwrap();
    other.await.unwrap().unwrap();
    assert_eq!(outside.effects().len(), 120);
    assert_eq!(check(&world.entries().await, &outside.effects()), [""; 0]);
}

/// A host that cannot say that it lives, with work that hears of nothing for a minute, and another
/// host that takes over. What the check finds.
async fn a_zombie(no_fence: bool) -> (World, Vec<String>) {
    let world = World::with(plan(json!({}), json!([task("a", &[])]))).await;
    let outside = Outside::default();
    let mut deaf = Bent::new(&world.ledger);
    deaf.no_fence = no_fence;
    deaf.blind = Some(tokio::sync::watch::Sender::new(0));
    let deaf = Arc::new(deaf);
    let long = |name: &'static str, long: Duration| {
        FakeAttempts::playing(move |_, _, _| {
            Box::pin(async move {
                tokio::time::sleep(long).await;
                Outcome::Succeeded {
                    summary: name.into(),
                    outputs: json!({}),
                    artifacts: Vec::new(),
                }
            })
        })
    };
    let control = Control::new();
    let zombie = begin(
        &world,
        &deaf,
        &long("zombie", Duration::from_secs(60)),
        &control,
    );
    world.until("a", Phase::InProgress).await;
    deaf.deaf.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(20)).await;
    let good = Arc::new(Bent::new(&world.ledger));
    let successor = long("successor", Duration::from_secs(90));
    let successor = begin(&world, &good, &successor, &Control::new());
    successor.await.unwrap().unwrap();
    // It hears of nothing, so that it does not know that nothing is left to do.
    control.shutdown_now();
    zombie.await.unwrap().unwrap();
    let mut found = check(&world.entries().await, &outside.effects());
    // Whose work was it that the ledger took?
    for event in world.events("a").await {
        if let LedgerEvent::AttemptEnded { result, .. } = event
            && result.message != "successor"
        {
            found.push(format!(
                "the ledger took the work of the {}",
                result.message
            ));
        }
    }
    (world, found)
}

#[tokio::test(start_paused = true)]
async fn what_a_host_writes_after_it_lost_a_task_does_not_count() {
    let (world, found) = a_zombie(false).await;
    assert_eq!(found, [""; 0]);
    assert_eq!(world.phase("a").await, Phase::Completed);
}

#[tokio::test(start_paused = true)]
async fn without_the_fence_the_check_fails() {
    let (_, found) = a_zombie(true).await;
    assert!(!found.is_empty());
}

/// A host that works well, and another one that begins beside it.
async fn a_neighbour(early_reaper: bool) -> Vec<String> {
    let world = World::with(plan(json!({}), json!([task("a", &[]), task("b", &["a"])]))).await;
    let outside = Outside::default();
    let work = outside.work(2, Duration::from_secs(30));
    let good = Arc::new(Bent::new(&world.ledger));
    let one = begin(&world, &good, &work, &Control::new());
    world.until("a", Phase::InProgress).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut bent = Bent::new(&world.ledger);
    bent.early_reaper = early_reaper;
    let other = begin(&world, &Arc::new(bent), &work, &Control::new());
    one.await.unwrap().unwrap();
    other.await.unwrap().unwrap();
    check(&world.entries().await, &outside.effects())
}

#[tokio::test(start_paused = true)]
async fn a_host_that_lives_keeps_what_it_took() {
    assert_eq!(a_neighbour(false).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn with_an_early_reaper_the_check_fails() {
    assert!(!a_neighbour(true).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn attempts_are_ended_before_their_lease_is() {
    let world = World::with(plan(json!({}), json!([task("a", &[])]))).await;
    let attempts = FakeAttempts::playing(|assignment, _, cancel| {
        Box::pin(async move {
            if assignment.attempt > 1 {
                return remit_engine::fake::attempts::succeeded();
            }
            let began = tokio::time::Instant::now();
            let reason = cancel.cancelled().await;
            assert_eq!(reason, CancelReason::Lost);
            assert!(began.elapsed() < Duration::from_secs(20));
            Outcome::Cancelled { reason }
        })
    });
    let ledger = Arc::new(Bent::new(&world.ledger));
    let running = begin(&world, &ledger, &attempts, &Control::new());
    world.until("a", Phase::InProgress).await;
    ledger.deaf.store(true, Ordering::SeqCst);
    let before = world.ledger.hosts_now().await;
    world.until("a", Phase::Ready).await;
    assert!((world.clock)() < before, "the lease was over");
    // Nothing starts until the ledger hears the host again.
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(attempts.begun().len(), 1);
    ledger.deaf.store(false, Ordering::SeqCst);
    running.await.unwrap().unwrap();
    assert_eq!(world.phase("a").await, Phase::Completed);
}

/// When the newest host's lease ends.
trait HostsNow {
    async fn hosts_now(&self) -> u64;
}

impl HostsNow for remit_ledger::MemoryLedger {
    async fn hosts_now(&self) -> u64 {
        let hosts = remit_engine::durable::ledger::Ledger::hosts(self)
            .await
            .unwrap();
        hosts.iter().map(|host| host.until_ms).max().unwrap()
    }
}
