//! The store on disk beside the one in memory: the same steps, by chance, and the same replies and
//! the same views after each; until every kind of event has been taken and has been refused.
//!
//! Never: a step that only one of them gets.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use remit_core::breaker::BreakerState;
use remit_core::durable::{AdapterId, Entry};
use remit_engine::durable::ledger::{
    Commit, HostIdentity, HostRecord, Ledger, RunView, TaskQuery, TaskView,
};
use remit_ledger::{Durability, MemoryLedger, SqliteLedger, export_ledger, verify_ledger};

use crate::build::*;
use crate::generate::{KINDS, Step, made, step};

/// Words of events that were taken, and that were in a commit that was refused for its only event.
#[derive(Default)]
struct Seen {
    taken: BTreeSet<&'static str>,
    refused: BTreeSet<&'static str>,
}

#[derive(Debug, PartialEq)]
struct Snapshot {
    entries: Vec<Entry>,
    runs: Vec<RunView>,
    open: Vec<RunView>,
    tasks: Vec<TaskView>,
    breakers: Vec<(AdapterId, BreakerState)>,
    hosts: Vec<HostRecord>,
}

async fn snapshot(ledger: &dyn Ledger) -> Snapshot {
    let runs = ledger.runs(false, 100).await.unwrap();
    let mut tasks = Vec::new();
    for view in &runs {
        let query = TaskQuery {
            run: view.run.clone(),
            phases: vec![],
            from_index: 0,
            limit: 100,
        };
        tasks.extend(ledger.tasks(query).await.unwrap());
    }
    Snapshot {
        entries: ledger.entries(everything()).await.unwrap(),
        open: ledger.runs(true, 100).await.unwrap(),
        runs,
        tasks,
        breakers: ledger.breakers().await.unwrap(),
        hosts: ledger.hosts().await.unwrap(),
    }
}

fn open(path: &Path) -> SqliteLedger {
    // Without syncs: nothing here loses power.
    SqliteLedger::open_with(path, Durability::Normal).unwrap()
}

fn note(seen: &RefCell<Seen>, commit: &Commit, taken: bool) {
    let mut words = commit.appends.iter().flat_map(|a| &a.events);
    if taken {
        let mut seen = seen.borrow_mut();
        seen.taken
            .extend(words.map(remit_core::durable::LedgerEvent::word));
    } else if let (Some(event), None) = (words.next(), words.next()) {
        seen.borrow_mut().refused.insert(event.word());
    }
}

/// Two handles on one file take turns, so that each has to notice what the other wrote.
async fn carry_out(steps: &[Step], seen: &RefCell<Seen>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    let memory = MemoryLedger::new();
    let mut handles = [open(&path), open(&path)];
    submit(&memory, "R", &["a", "b"]).await;
    submit(&handles[0], "R", &["a", "b"]).await;
    for (number, step) in steps.iter().enumerate() {
        let [one, two] = &handles;
        // Hosts are begun by one process.
        let sqlite = if number % 3 == 0 { two } else { one };
        match step {
            Step::Commit {
                picks,
                now_ms,
                activity,
                breaker,
            } => {
                let commit = made(&memory, picks, *now_ms, *activity, *breaker).await;
                let expected = memory.commit(commit.clone()).await;
                let found = sqlite.commit(commit.clone()).await;
                assert_eq!(found, expected, "{commit:?}");
                note(seen, &commit, expected.is_ok());
            }
            Step::Begin => {
                let who = HostIdentity {
                    boot_id: "b".into(),
                    pid: 5,
                    pid_start: 6,
                    version: "0".into(),
                };
                let expected = memory.begin_host(who.clone(), 1_500, 9).await.unwrap();
                let found = one.begin_host(who, 1_500, 9).await.unwrap();
                assert_eq!(found, expected);
            }
            Step::Beat { epoch, ended } => {
                memory.beat(*epoch, 77, *ended).await.unwrap();
                sqlite.beat(*epoch, 77, *ended).await.unwrap();
            }
            Step::Reopen => {
                let [_, two] = &mut handles;
                *two = open(&path);
                continue;
            }
        }
        let expected = snapshot(&memory).await;
        // The one that did not write.
        let [one, two] = &handles;
        let other = if number % 3 == 0 { one } else { two };
        assert_eq!(snapshot(other).await, expected);
    }
    let report = verify_ledger(&path).unwrap();
    let judged: Vec<_> = report
        .findings
        .iter()
        // What the generator says of breakers, checkpoints and flags does not hang together.
        .filter(|f| !f.place.starts_with("adapter ") && !f.message.starts_with("the artifact "))
        .collect();
    assert_eq!(judged, [] as [&remit_ledger::LedgerFinding; 0]);
    let mut lines = Vec::new();
    export_ledger(&path, &mut lines).unwrap();
    let entries: Vec<Entry> = serde_json::Deserializer::from_slice(&lines)
        .into_iter()
        .collect::<Result<_, _>>()
        .unwrap();
    let again = MemoryLedger::replay(&entries).unwrap();
    let (again, memory) = (snapshot(&again).await, snapshot(&memory).await);
    assert_eq!(again.entries, memory.entries);
    assert_eq!(again.tasks, memory.tasks);
    assert_eq!(again.runs, memory.runs);
}

#[test]
fn the_store_on_disk_does_what_the_one_in_memory_does() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let seen = RefCell::new(Seen::default());
    // As long as a kind of event is missing, but not for ever.
    for round in 0..8 {
        let config = Config {
            cases: 24,
            failure_persistence: None,
            ..Config::default()
        };
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[round; 32]);
        let mut runner = TestRunner::new_with_rng(config, rng);
        runner
            .run(&proptest::collection::vec(step(), 20..90), |steps| {
                runtime.block_on(carry_out(&steps, &seen));
                Ok(())
            })
            .unwrap();
        let seen = seen.borrow();
        if [&seen.taken, &seen.refused].map(BTreeSet::len) == [usize::from(KINDS); 2] {
            return;
        }
    }
    let seen = seen.into_inner();
    panic!("taken: {:?}, refused: {:?}", seen.taken, seen.refused);
}
