//! What is removed, and that nothing else is.

use remit_ledger::{GcPlan, collect_garbage, verify_ledger};
use rusqlite::Connection;

use crate::*;

#[tokio::test]
async fn finished_runs_go_whole_and_nothing_else() {
    let (_directory, path) = place();
    let ledger = open(&path);
    for name in ["OLD", "OTHER", "NEW"] {
        finished_run(&ledger, name, 50).await;
    }
    submit(&ledger, "OPEN", &["a"]).await;
    let newest = ledger.entries(everything()).await.unwrap().len() as u64;
    let mut plan = GcPlan {
        before_ms: 5_000,
        keep: 1,
        dry_run: true,
    };
    let told = collect_garbage(&path, &plan).unwrap();
    let names: Vec<String> = told.runs.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["OLD", "OTHER"]);
    assert_eq!((told.tasks, told.events), (2, 2 * 57));
    assert_eq!(ledger.runs(false, 9).await.unwrap().len(), 4);
    plan.dry_run = false;
    assert_eq!(collect_garbage(&path, &plan), Ok(told));
    let left = ledger.runs(false, 9).await.unwrap();
    let names: Vec<String> = left.iter().map(|view| view.run.to_string()).collect();
    assert_eq!(names, ["OPEN", "NEW"]);
    assert_eq!(verify_ledger(&path).unwrap().findings, []);
    // A place is never used again, and a name can be.
    submit(&ledger, "OLD", &["a"]).await;
    assert_eq!(*ledger.newest().borrow(), newest + 2);
    assert_eq!(verify_ledger(&path).unwrap().findings, []);
    let db = Connection::open(&path).unwrap();
    let free: i64 = db
        .query_row("PRAGMA freelist_count", (), |row| row.get(0))
        .unwrap();
    assert!(free < 5, "{free} free pages were not given back");
}

#[tokio::test]
async fn runs_that_finished_later_stay() {
    let (_directory, path) = place();
    let ledger = open(&path);
    finished_run(&ledger, "R", 1).await;
    let plan = GcPlan {
        before_ms: 1_000,
        keep: 0,
        dry_run: false,
    };
    assert_eq!(collect_garbage(&path, &plan).unwrap().runs, []);
    assert_eq!(ledger.runs(false, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn artifacts_that_nobody_names_go_once_they_are_old() {
    let (directory, path) = place();
    let ledger = open(&path);
    submit(&ledger, "R", &["a"]).await;
    let named = ledger.put(vec![1; 100_000]).await.unwrap();
    let small = ledger.put(vec![2; 10]).await.unwrap();
    let large = ledger.put(vec![3; 100_000]).await.unwrap();
    let saved = LedgerEvent::CheckpointCreated {
        fence: 1,
        digest: named,
        bytes: 9,
        effects: 0,
    };
    add(
        &ledger,
        task("R", "a"),
        Expect::Seq(1),
        vec![began(1, 1), saved],
    )
    .await
    .unwrap();
    let plan = GcPlan {
        before_ms: u64::MAX,
        keep: 0,
        dry_run: false,
    };
    assert_eq!(collect_garbage(&path, &plan).unwrap().artifacts, 0);
    // As if two hours had passed.
    let db = Connection::open(&path).unwrap();
    db.execute("UPDATE artifacts SET put_s = put_s - 7200", ())
        .unwrap();
    for digest in [named, large] {
        let hex = digest.to_hex();
        let (first, rest) = hex.split_at(2);
        let file = directory.path().join("artifacts").join(first).join(rest);
        let file = std::fs::File::open(file).unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        file.set_modified(modified - std::time::Duration::from_secs(7_200))
            .unwrap();
    }
    let report = collect_garbage(&path, &plan).unwrap();
    assert_eq!((report.artifacts, report.artifact_bytes), (2, 100_010));
    assert_eq!(ledger.get(small).await, Ok(None));
    assert_eq!(ledger.get(large).await, Ok(None));
    assert_eq!(ledger.get(named).await, Ok(Some(vec![1; 100_000])));
}
