//! Histories that end anywhere: each is refused, or goes on to the same outcomes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use remit_core::durable::{Entry, LedgerEvent, Phase, Stream};
use remit_engine::durable::ledger::{Ledger, TaskQuery};
use remit_ledger::MemoryLedger;
use serde_json::json;

use crate::check::check;
use crate::effects::Outside;
use crate::world::{World, plan, run_id, task};

async fn phases(ledger: &MemoryLedger) -> Vec<Phase> {
    let query = TaskQuery {
        run: run_id(),
        phases: Vec::new(),
        from_index: 0,
        limit: 100,
    };
    let tasks = ledger.tasks(query).await.unwrap();
    tasks.iter().map(|task| task.state.phase).collect()
}

/// A run with needs, tools, gates and a task that is tried again, from its first event to its last.
async fn history() -> (World, Outside) {
    let mut gated = task("b", &["a"]);
    gated["gates"] = json!([
        {"name": "one", "kind": "lint", "tool": "ruff:check"},
        {"name": "two", "kind": "lint", "tool": "ruff:check"},
    ]);
    let tasks = json!([
        task("a", &[]),
        gated,
        task("c", &["a", "b"]),
        task("d", &[])
    ]);
    let world = World::with(plan(json!({}), tasks)).await;
    let outside = Outside::default();
    world
        .execute(&outside.work(2, Duration::from_millis(300)))
        .await;
    (world, outside)
}

/// The effects that have ended in this part of a history, by task.
fn finished(entries: &[Entry]) -> BTreeSet<(String, u32)> {
    let ended = entries
        .iter()
        .filter_map(|entry| match (&entry.event, entry.stream()) {
            (LedgerEvent::EffectFinished { effect, .. }, Stream::Task(_, task)) => {
                Some((task.to_string(), *effect))
            }
            _ => None,
        });
    ended.collect()
}

#[tokio::test(start_paused = true)]
async fn whatever_was_written_last_the_run_goes_on_to_the_same_outcomes() {
    let (whole, _) = history().await;
    let entries = whole.entries().await;
    let outcomes = phases(&whole.ledger).await;
    let submitted = 5;
    // The last entry is the run's end: after it nothing is left to do.
    for length in submitted..entries.len() - 1 {
        let part = &entries[..length];
        let world = World {
            ledger: Arc::new(MemoryLedger::replay(part).unwrap()),
            clock: Arc::clone(&whole.clock),
            lease: whole.lease,
        };
        let outside = Outside::default();
        world
            .execute(&outside.work(2, Duration::from_millis(300)))
            .await;
        assert_eq!(phases(&world.ledger).await, outcomes, "after {length}");
        let found = check(&world.entries().await, &outside.effects());
        assert_eq!(found, [""; 0], "after {length}");
        let again: BTreeSet<(String, u32)> = outside
            .effects()
            .into_iter()
            .map(|effect| (effect.task, effect.effect))
            .collect();
        assert_eq!(
            again.intersection(&finished(part)).count(),
            0,
            "after {length}: a finished effect ran again"
        );
    }
}

/// Entries of a real history, in an order and number that chance gives.
fn shuffled(entries: &[Entry]) -> impl Strategy<Value = Vec<Entry>> + use<> {
    let entries = entries.to_vec();
    let places = prop::collection::vec(0..entries.len(), 0..entries.len());
    (0..entries.len(), places).prop_map(move |(kept, places)| {
        let mut list = entries[..kept].to_vec();
        list.extend(places.iter().map(|place| entries[*place].clone()));
        numbered(list)
    })
}

/// With numbers that fit, so that only the events decide.
fn numbered(mut list: Vec<Entry>) -> Vec<Entry> {
    let mut counts: BTreeMap<Stream, u64> = BTreeMap::new();
    for (entry, seq) in list.iter_mut().zip(1..) {
        let count = counts.entry(entry.stream()).or_default();
        *count += 1;
        entry.seq = seq;
        entry.task_seq = *count;
    }
    list
}

#[test]
fn any_list_of_events_replays_or_is_refused_and_what_replays_can_go_on() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let entries = runtime.block_on(async {
        let (world, _) = history().await;
        world.entries().await
    });
    let replays = std::cell::Cell::new(0);
    let config = ProptestConfig::with_cases(100);
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let property = |list: Vec<Entry>| {
        let first_refused = (0..=list.len()).find(|n| MemoryLedger::replay(&list[..*n]).is_err());
        // Once refused, always refused; and what was before it is a history.
        let legal = first_refused.map_or(list.len(), |n| n - 1);
        for longer in legal + 1..=list.len() {
            prop_assert!(MemoryLedger::replay(&list[..longer]).is_err());
        }
        let ledger = MemoryLedger::replay(&list[..legal]).unwrap();
        runtime.block_on(async {
            let run = ledger.run(&run_id()).await.unwrap();
            let tasks = phases(&ledger).await.len() as u64;
            let is_whole =
                run.is_some_and(|view| view.finished_ms.is_none() && view.state.tasks == tasks);
            if is_whole {
                let world = World {
                    ledger: Arc::new(ledger),
                    clock: crate::world::clock(),
                    lease: Duration::from_secs(15),
                };
                let outside = Outside::default();
                world
                    .execute(&outside.work(2, Duration::from_millis(300)))
                    .await;
                replays.set(replays.get() + 1);
                let ended = phases(&world.ledger).await;
                assert!(ended.iter().all(|phase| phase.end().is_some()), "{ended:?}");
            }
        });
        Ok(())
    };
    runner.run(&shuffled(&entries), property).unwrap();
    assert!(replays.get() > 20, "{} went on", replays.get());
}
