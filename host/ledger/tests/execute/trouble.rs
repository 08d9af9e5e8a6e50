//! A ledger that is out of order for a while, or for good.

use std::sync::Arc;
use std::time::Duration;

use remit_core::durable::Phase;
use remit_engine::durable::attempts::Attempts;
use remit_engine::durable::ledger::LedgerError;
use remit_engine::durable::{Control, ExecuteError, Summary, run_executor_loop};
use remit_engine::fake::attempts::FakeAttempts;
use serde_json::{Value, json};

use crate::bent::Bent;
use crate::check::check;
use crate::effects::Outside;
use crate::world::{World, plan, task};

async fn execute(
    world: &World,
    ledger: Arc<Bent>,
    attempts: &FakeAttempts,
) -> Result<Summary, ExecuteError> {
    let attempts: Arc<dyn Attempts> = Arc::new(attempts.clone());
    run_executor_loop(world.config(), ledger, attempts, Control::new()).await
}

fn tasks(count: usize) -> Value {
    json!(
        (0..count)
            .map(|n| task(&format!("t{n}"), &[]))
            .collect::<Vec<_>>()
    )
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_with_a_commit_for_a_while_nothing_is_lost_or_done_twice() {
    let kinds: [fn(String) -> LedgerError; 3] = [
        LedgerError::Full,
        LedgerError::Unavailable,
        LedgerError::Unknown,
    ];
    for kind in kinds {
        // Each commit of the run in turn, and then three in a row.
        for (skip, count) in (0..12).map(|skip| (skip, 1)).chain([(1, 3), (4, 3)]) {
            let world = World::with(plan(json!({}), tasks(4))).await;
            let outside = Outside::default();
            let work = outside.work(2, Duration::from_millis(500));
            let ledger = Arc::new(Bent::new(&world.ledger));
            let running = {
                let (ledger, work) = (Arc::clone(&ledger), work.clone());
                let config = world.config();
                tokio::spawn(async move {
                    run_executor_loop(config, ledger, Arc::new(work), Control::new()).await
                })
            };
            tokio::time::sleep(Duration::from_millis(skip * 120)).await;
            for _ in 0..count {
                ledger
                    .trouble
                    .lock()
                    .unwrap()
                    .push_back(kind("test".into()));
            }
            running.await.unwrap().unwrap();
            let found = check(&world.entries().await, &outside.effects());
            assert_eq!(found, [""; 0], "{kind:?} after {skip}");
            assert_eq!(outside.effects().len(), 8);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_stays_full_is_a_clear_error_and_the_run_can_go_on_later() {
    let world = World::with(plan(json!({}), tasks(4))).await;
    let ledger = Arc::new(Bent::new(&world.ledger));
    *ledger.broken.lock().unwrap() = Some(LedgerError::Full("no space left".into()));
    let error = execute(&world, Arc::clone(&ledger), &FakeAttempts::default()).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "the ledger's disk is full: no space left"
    );
    *ledger.broken.lock().unwrap() = None;
    let attempts = FakeAttempts::default();
    execute(&world, ledger, &attempts).await.unwrap();
    assert_eq!(world.phase("t3").await, Phase::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_cannot_be_written_is_an_error_at_once() {
    let world = World::with(plan(json!({}), tasks(1))).await;
    let ledger = Arc::new(Bent::new(&world.ledger));
    *ledger.broken.lock().unwrap() = Some(LedgerError::ReadOnly("read-only".into()));
    let before = (world.clock)();
    let error = execute(&world, ledger, &FakeAttempts::default()).await;
    assert!(error.is_err());
    assert!((world.clock)() - before < 1_000);
}
