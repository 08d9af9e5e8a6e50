//! What is read is what was written, in its order, and every question has its own answer.
//!
//! Never: an entry before it is durable; one that is left out.

use remit_core::breaker::BreakerState;
use remit_core::durable::{LEDGER_FORMAT, LedgerEvent, Phase, Stream};
use remit_engine::durable::ledger::{EntryQuery, Expect, LedgerError, TaskQuery};

use crate::build::*;
use crate::on_each;

/// Two runs, of which one task has written ten lines.
async fn filled(ledger: &dyn remit_engine::durable::ledger::Ledger) {
    submit(ledger, "R", &["a", "b"]).await;
    submit(ledger, "S", &["a"]).await;
    add(ledger, task("R", "a"), Expect::Seq(1), vec![began(1, 1)])
        .await
        .unwrap();
    for line in 0..10 {
        let line = vec![output(1, 1, &line.to_string())];
        add(ledger, task("R", "a"), Expect::Fence(1), line)
            .await
            .unwrap();
    }
    add(ledger, task("R", "b"), Expect::Exists, vec![cancel()])
        .await
        .unwrap();
}

#[tokio::test]
async fn entries_come_in_their_order_and_can_be_resumed_anywhere() {
    on_each(async |ledger| {
        filled(&*ledger).await;
        let all = ledger.entries(everything()).await.unwrap();
        assert_eq!(all.len(), 17);
        assert!(all.iter().all(|entry| entry.v == LEDGER_FORMAT));
        for run in [
            None,
            Some(run_id("R")),
            Some(run_id("S")),
            Some(run_id("X")),
        ] {
            for task in [None, Some(task_id("a")), Some(task_id("b"))] {
                for activity in [true, false] {
                    for after in 0..=18 {
                        let query = EntryQuery {
                            run: run.clone(),
                            task: task.clone(),
                            after,
                            activity,
                            limit: 3,
                        };
                        let wanted: Vec<_> = all
                            .iter()
                            .filter(|e| run.is_none() || e.run == run)
                            .filter(|e| task.is_none() || e.task == task)
                            .filter(|e| {
                                activity || !matches!(e.event, LedgerEvent::Activity { .. })
                            })
                            .filter(|e| e.seq > after)
                            .take(3)
                            .cloned()
                            .collect();
                        let found = ledger.entries(query.clone()).await.unwrap();
                        assert_eq!(found, wanted, "{query:?}");
                    }
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn runs_come_newest_first_and_open_ones_alone_if_asked() {
    on_each(async |ledger| {
        for name in ["A", "B", "C"] {
            submit(&*ledger, name, &[]).await;
        }
        let end = vec![started(1), finished()];
        add(&*ledger, run("B"), Expect::Exists, end).await.unwrap();
        let names = async |open, limit| {
            let runs = ledger.runs(open, limit).await.unwrap();
            runs.iter().map(|v| v.run.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(false, 9).await, ["C", "B", "A"]);
        assert_eq!(names(true, 9).await, ["C", "A"]);
        assert_eq!(names(false, 1).await, ["C"]);
        assert_eq!(ledger.run(&run_id("X")).await, Ok(None));
        let view = ledger.run(&run_id("B")).await.unwrap().unwrap();
        assert_eq!(view.settings.title.as_deref(), Some("a run"));
        assert_eq!(view.source, "plan.json");
        assert_eq!(view.seq, 3);
        assert_eq!(
            (view.submitted_ms, view.started_ms, view.finished_ms),
            (1_000, Some(1_000), Some(1_000))
        );
    })
    .await;
}

#[tokio::test]
async fn tasks_come_in_the_order_of_the_plan_and_by_phase() {
    on_each(async |ledger| {
        submit(&*ledger, "R", &["c", "b", "a"]).await;
        add(&*ledger, task("R", "b"), Expect::Exists, vec![began(1, 7)])
            .await
            .unwrap();
        let names = async |phases: Vec<Phase>, from_index, limit| {
            let run = run_id("R");
            let query = TaskQuery {
                run,
                phases,
                from_index,
                limit,
            };
            let tasks = ledger.tasks(query).await.unwrap();
            tasks
                .iter()
                .map(|view| view.spec.id.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(vec![], 0, 9).await, ["c", "b", "a"]);
        assert_eq!(names(vec![], 1, 1).await, ["b"]);
        assert_eq!(names(vec![Phase::Ready], 0, 9).await, ["c", "a"]);
        let two = vec![Phase::InProgress, Phase::Blocked];
        assert_eq!(names(two, 0, 9).await, ["b"]);
        let view = ledger.task(&run_id("R"), &task_id("b")).await.unwrap();
        let view = view.unwrap();
        assert_eq!(view.adapter, Some("command".parse().unwrap()));
        assert_eq!((view.seq, view.state.fence), (2, 7));
        assert_eq!(view.spec, spec("b"));
        assert_eq!(ledger.task(&run_id("R"), &task_id("x")).await, Ok(None));
        assert_eq!(ledger.task(&run_id("X"), &task_id("b")).await, Ok(None));
    })
    .await;
}

#[tokio::test]
async fn output_counts_in_a_tasks_numbers_and_changes_nothing_else() {
    on_each(async |ledger| {
        filled(&*ledger).await;
        let view = ledger.task(&run_id("R"), &task_id("a")).await.unwrap();
        let view = view.unwrap();
        assert_eq!((view.seq, view.state.phase), (12, Phase::InProgress));
        let next = add(&*ledger, task("R", "a"), Expect::Seq(12), vec![cancel()]).await;
        assert_eq!(next, Ok(13));
    })
    .await;
}

#[tokio::test]
async fn breakers_are_kept_and_those_at_rest_are_not_told() {
    on_each(async |ledger| {
        let open = BreakerState::Open {
            since: 1,
            until: 60_001,
        };
        let rest = BreakerState::Closed { failures: 0 };
        let mut first = commit(vec![append(
            Stream::Host,
            Expect::Exists,
            vec![LedgerEvent::CircuitOpened {
                adapter: "b".parse().unwrap(),
                until_ms: 60_001,
            }],
        )]);
        first.breakers = vec![
            ("b".parse().unwrap(), open.clone()),
            ("a".parse().unwrap(), BreakerState::Closed { failures: 2 }),
            ("c".parse().unwrap(), rest.clone()),
        ];
        ledger.commit(first).await.unwrap();
        let told = ledger.breakers().await.unwrap();
        assert_eq!(
            told,
            [
                ("a".parse().unwrap(), BreakerState::Closed { failures: 2 }),
                ("b".parse().unwrap(), open),
            ]
        );
        let mut second = commit(vec![]);
        second.breakers = vec![("b".parse().unwrap(), rest)];
        ledger.commit(second).await.unwrap();
        assert_eq!(ledger.breakers().await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn artifacts_are_found_under_their_digest() {
    on_each(async |ledger| {
        for size in [0, 1, 65_536, 65_537, 300_000] {
            let bytes: Vec<u8> = (0..size).map(|n: u32| n.to_le_bytes()[0]).collect();
            let digest = ledger.put(bytes.clone()).await.unwrap();
            assert_eq!(digest, remit_core::digest::Digest::of(&bytes));
            assert_eq!(ledger.put(bytes.clone()).await, Ok(digest));
            assert_eq!(ledger.get(digest).await, Ok(Some(bytes)));
        }
        let other = remit_core::digest::Digest::of(b"never put");
        assert_eq!(ledger.get(other).await, Ok::<_, LedgerError>(None));
    })
    .await;
}

#[tokio::test]
async fn whoever_watches_learns_of_each_commit() {
    on_each(async |ledger| {
        let mut newest = ledger.newest();
        assert_eq!(*newest.borrow_and_update(), 0);
        submit(&*ledger, "R", &["a"]).await;
        newest.changed().await.unwrap();
        assert_eq!(*newest.borrow_and_update(), 2);
        let refusal = add(&*ledger, run("R"), Expect::New, vec![submitted(0)]).await;
        refused(refusal);
        assert!(!newest.has_changed().unwrap());
    })
    .await;
}
