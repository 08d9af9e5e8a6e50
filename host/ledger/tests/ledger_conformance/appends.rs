//! What may be appended and what may not; a commit is made whole or not at all.
//!
//! Never: a refusal that leaves a trace.

use std::sync::Arc;

use remit_core::durable::{GateWord, LedgerEvent, Phase, RunPhase};
use remit_core::retry::FailureClass;
use remit_engine::durable::ledger::{Expect, Lane, Refusal};

use crate::build::*;
use crate::on_each;

#[tokio::test]
async fn a_task_goes_through_its_life_and_ends() {
    on_each(async |ledger| {
        submit(&*ledger, "R", &["a"]).await;
        add(&*ledger, run("R"), Expect::Seq(1), vec![started(1)])
            .await
            .unwrap();
        let a = || task("R", "a");
        let events = vec![began(1, 1)];
        assert_eq!(add(&*ledger, a(), Expect::Seq(1), events).await, Ok(2));
        let events = vec![output(1, 1, "x"), ended(1, None)];
        assert_eq!(add(&*ledger, a(), Expect::Fence(1), events).await, Ok(4));
        let events = vec![LedgerEvent::TaskValidating { fence: 1, gates: 1 }];
        assert_eq!(add(&*ledger, a(), Expect::Fence(1), events).await, Ok(5));
        let events = vec![verdict(1, 0, GateWord::Passed), LedgerEvent::TaskCompleted];
        assert_eq!(add(&*ledger, a(), Expect::Fence(1), events).await, Ok(7));
        let view = ledger.task(&run_id("R"), &task_id("a")).await.unwrap();
        assert_eq!(view.unwrap().state.phase, Phase::Completed);
        add(&*ledger, run("R"), Expect::Seq(2), vec![finished()])
            .await
            .unwrap();
        let view = ledger.run(&run_id("R")).await.unwrap().unwrap();
        assert_eq!(view.state.phase, RunPhase::Finished);
        assert_eq!(
            (view.counts.of(Phase::Completed), view.counts.total()),
            (1, 1)
        );
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_does_not_fit_leaves_nothing() {
    on_each(async |ledger| {
        submit(&*ledger, "R", &["a", "b"]).await;
        let before = ledger.entries(everything()).await.unwrap();
        let wrong = commit(vec![
            append(task("R", "a"), Expect::Seq(1), vec![began(1, 1)]),
            append(task("R", "b"), Expect::Seq(9), vec![began(1, 1)]),
        ]);
        let refusal = refused(ledger.commit(wrong).await);
        assert_eq!(
            refusal,
            Refusal::Conflict {
                stream: task("R", "b"),
                expected: 9,
                found: 1
            }
        );
        assert_eq!(ledger.entries(everything()).await.unwrap(), before);
        let view = ledger.task(&run_id("R"), &task_id("a")).await.unwrap();
        assert_eq!(view.unwrap().state.phase, Phase::Ready);
    })
    .await;
}

#[tokio::test]
async fn what_was_expected_has_to_be_there() {
    on_each(async |ledger| {
        submit(&*ledger, "R", &["a"]).await;
        let a = || task("R", "a");
        let again = add(&*ledger, run("R"), Expect::New, vec![submitted(0)]).await;
        assert_eq!(refused(again), Refusal::Exists(run("R")));
        let nobody = add(&*ledger, run("S"), Expect::Exists, vec![started(1)]).await;
        assert_eq!(refused(nobody), Refusal::Missing(run("S")));
        let unheld = add(&*ledger, a(), Expect::Fence(1), vec![ended(1, None)]).await;
        assert_eq!(
            refused(unheld),
            Refusal::Fenced {
                stream: a(),
                fence: 1,
                newest: 0
            }
        );
        let illegal = add(
            &*ledger,
            a(),
            Expect::Exists,
            vec![LedgerEvent::TaskCompleted],
        )
        .await;
        assert!(matches!(refused(illegal), Refusal::Illegal { .. }));
    })
    .await;
}

#[tokio::test]
async fn an_attempt_that_is_not_the_newest_writes_nothing() {
    on_each(async |ledger| {
        submit(&*ledger, "R", &["a"]).await;
        let a = || task("R", "a");
        let events = vec![
            began(1, 1),
            LedgerEvent::AttemptLost {
                fence: 1,
                reason: "host 1 is gone".into(),
                orderly: false,
            },
            began(2, 2),
        ];
        add(&*ledger, a(), Expect::Seq(1), events).await.unwrap();
        for event in [output(1, 1, "late"), ended(1, None), effect(1, 1)] {
            let late = add(&*ledger, a(), Expect::Fence(1), vec![event]).await;
            assert!(matches!(refused(late), Refusal::Fenced { newest: 2, .. }));
        }
        add(&*ledger, a(), Expect::Fence(2), vec![output(2, 2, "now")])
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_end_is_final() {
    on_each(async |ledger| {
        submit(&*ledger, "R", &["a"]).await;
        let a = || task("R", "a");
        let events = vec![
            began(1, 1),
            ended(1, Some(FailureClass::Work)),
            LedgerEvent::TaskFailed {
                code: "work-failed".into(),
                reasons: vec!["no".into()],
            },
        ];
        add(&*ledger, a(), Expect::Seq(1), events).await.unwrap();
        for event in [cancel(), began(2, 2), LedgerEvent::TaskCompleted] {
            let late = add(&*ledger, a(), Expect::Exists, vec![event]).await;
            assert!(matches!(refused(late), Refusal::Illegal { .. }));
        }
    })
    .await;
}

#[tokio::test]
async fn a_task_needs_a_run_that_goes_on_and_a_place_of_its_own() {
    on_each(async |ledger| {
        let lonely = add(&*ledger, task("R", "a"), Expect::New, vec![queued("a", 0)]).await;
        assert_eq!(refused(lonely), Refusal::Missing(run("R")));
        submit(&*ledger, "R", &["a"]).await;
        let same = add(&*ledger, task("R", "b"), Expect::New, vec![queued("b", 0)]).await;
        assert!(matches!(refused(same), Refusal::Illegal { .. }));
        let twice = commit(vec![
            append(task("R", "b"), Expect::New, vec![queued("b", 5)]),
            append(task("R", "c"), Expect::New, vec![queued("c", 5)]),
        ]);
        assert!(matches!(
            refused(ledger.commit(twice).await),
            Refusal::Illegal { .. }
        ));
        submit(&*ledger, "S", &[]).await;
        add(
            &*ledger,
            run("S"),
            Expect::Exists,
            vec![started(1), finished()],
        )
        .await
        .unwrap();
        let late = add(&*ledger, task("S", "a"), Expect::New, vec![queued("a", 0)]).await;
        assert!(matches!(refused(late), Refusal::Illegal { .. }));
    })
    .await;
}

#[tokio::test]
async fn a_run_finishes_after_its_last_task_and_once() {
    on_each(async |ledger| {
        submit(&*ledger, "R", &["a"]).await;
        add(&*ledger, run("R"), Expect::Exists, vec![started(1)])
            .await
            .unwrap();
        let early = add(&*ledger, run("R"), Expect::Exists, vec![finished()]).await;
        assert!(matches!(refused(early), Refusal::Illegal { .. }));
        let skipped = LedgerEvent::TaskSkipped {
            reason: "not today".into(),
        };
        // The last task and the run end in one commit.
        let both = commit(vec![
            append(task("R", "a"), Expect::Exists, vec![skipped]),
            append(run("R"), Expect::Exists, vec![finished()]),
        ]);
        ledger.commit(both).await.unwrap();
        let again = add(&*ledger, run("R"), Expect::Exists, vec![finished()]).await;
        assert!(matches!(refused(again), Refusal::Illegal { .. }));
    })
    .await;
}

#[tokio::test]
async fn time_never_goes_back() {
    on_each(async |ledger| {
        submit(&*ledger, "R", &["a"]).await;
        let mut past = commit(vec![append(task("R", "a"), Expect::Exists, vec![cancel()])]);
        past.now_ms = 1;
        assert_eq!(ledger.commit(past.clone()).await.unwrap().at_ms, 1_000);
        past.now_ms = u64::MAX;
        let broken = ledger.commit(past).await.unwrap().at_ms;
        assert_eq!(broken, i64::MAX.unsigned_abs());
    })
    .await;
}

#[tokio::test]
async fn all_of_many_writers_at_once_are_answered_and_numbered_without_gaps() {
    on_each(async |ledger| {
        let names: Vec<String> = (0..64).map(|number| format!("t{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        submit(&*ledger, "R", &names).await;
        let mut writers = Vec::new();
        for name in names {
            let (ledger, stream) = (Arc::clone(&ledger), task("R", name));
            writers.push(tokio::spawn(async move {
                add(&*ledger, stream.clone(), Expect::Seq(1), vec![began(1, 1)]).await?;
                for line in 0..20 {
                    let mut lines = commit(vec![append(
                        stream.clone(),
                        Expect::Fence(1),
                        vec![output(1, 1, &line.to_string())],
                    )]);
                    lines.lane = Lane::Activity;
                    ledger.commit(lines).await?;
                }
                let end = vec![ended(1, None), LedgerEvent::TaskCompleted];
                add(&*ledger, stream, Expect::Fence(1), end).await
            }));
        }
        for writer in writers {
            assert_eq!(writer.await.unwrap(), Ok(24));
        }
        let entries = ledger.entries(everything()).await.unwrap();
        let places: Vec<u64> = entries.iter().map(|entry| entry.seq).collect();
        assert_eq!(places, (1..=65 + 64 * 23).collect::<Vec<u64>>());
        let view = ledger.run(&run_id("R")).await.unwrap().unwrap();
        assert_eq!(view.counts.of(Phase::Completed), 64);
    })
    .await;
}
