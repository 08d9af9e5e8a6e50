//! Files that are not what was written: refused or told, never believed.

use remit_core::digest::Digest;
use remit_engine::durable::ledger::{HostIdentity, LedgerError};
use remit_ledger::{FindingSeverity, LedgerOpenError, MemoryLedger, export_ledger, verify_ledger};
use rusqlite::Connection;

use crate::*;

/// Changes the file behind the ledger's back, with its last defence taken away.
fn tamper(path: &Path, text: &str) {
    let db = Connection::open(path).unwrap();
    db.execute_batch("DROP TRIGGER tasks_end_once; DROP TRIGGER runs_end_once;")
        .unwrap();
    assert!(db.execute(text, ()).unwrap() > 0, "{text}");
}

#[tokio::test]
async fn a_ledger_that_is_whole_has_no_findings_and_its_export_replays() {
    let (_directory, path) = place();
    let ledger = open(&path);
    finished_run(&ledger, "R", 20).await;
    submit(&ledger, "S", &["a", "b"]).await;
    ledger.put(vec![7; 100_000]).await.unwrap();
    ledger.put(vec![7; 10]).await.unwrap();
    let report = verify_ledger(&path).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!((report.runs, report.tasks, report.artifacts), (2, 3, 2));
    assert_eq!(report.events, 30);
    let mut lines = Vec::new();
    assert_eq!(export_ledger(&path, &mut lines), Ok(30));
    let lines = String::from_utf8(lines).unwrap();
    let entries: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(entries, ledger.entries(everything()).await.unwrap());
    let again = MemoryLedger::replay(&entries).unwrap();
    assert_eq!(again.runs(false, 9).await, ledger.runs(false, 9).await);
}

#[tokio::test]
async fn whatever_is_changed_behind_its_back_is_found() {
    let cases = [
        (
            "UPDATE events SET event = replace(event, 'line 3', 'line 4') WHERE pos = 7",
            true,
        ),
        ("UPDATE events SET at_ms = 999 WHERE pos = 5", true),
        ("DELETE FROM events WHERE pos = 6", true),
        (
            "DELETE FROM events WHERE run = 1 AND task = 1 AND number > 20",
            true,
        ),
        ("UPDATE events SET activity = 0 WHERE pos = 7", true),
        ("UPDATE tasks SET status = 'FAILED'", false),
        (
            "UPDATE tasks SET state = replace(state, 'COMPLETED', 'READY')",
            false,
        ),
        ("UPDATE tasks SET ended_ms = 7", false),
        ("UPDATE runs SET counts = '[0,0,0,0,0,0,0,0,0,0,0]'", false),
        ("UPDATE execution_log SET exit_code = 1", false),
        ("DELETE FROM execution_log", false),
        ("DELETE FROM runs", true),
        ("UPDATE meta SET newest = 3", true),
        (
            "INSERT INTO state_flags VALUES ('SAFE_MODE', '{}', 1)",
            false,
        ),
        ("UPDATE artifacts SET bytes = x'00'", true),
    ];
    for (text, damage) in cases {
        let (_directory, path) = place();
        let ledger = open(&path);
        finished_run(&ledger, "R", 20).await;
        ledger.put(vec![7; 10]).await.unwrap();
        drop(ledger);
        tamper(&path, text);
        let report = verify_ledger(&path).unwrap();
        let expected = if damage {
            FindingSeverity::Damage
        } else {
            FindingSeverity::Derived
        };
        assert_eq!(report.worst(), Some(expected), "{text}: {report:?}");
    }
}

#[tokio::test]
async fn an_artifact_that_was_changed_is_not_handed_out() {
    let (directory, path) = place();
    let ledger = open(&path);
    let digest = ledger.put(vec![7; 100_000]).await.unwrap();
    let hex = digest.to_hex();
    let (first, rest) = hex.split_at(2);
    let file = directory.path().join("artifacts").join(first).join(rest);
    std::fs::write(&file, vec![8; 100_000]).unwrap();
    assert!(matches!(
        ledger.get(digest).await,
        Err(LedgerError::Damaged(_))
    ));
    let report = verify_ledger(&path).unwrap();
    assert_eq!(report.worst(), Some(FindingSeverity::Damage));
    // Kept again, it is whole again.
    ledger.put(vec![7; 100_000]).await.unwrap();
    assert_eq!(ledger.get(digest).await, Ok(Some(vec![7; 100_000])));
}

#[tokio::test]
async fn an_artifact_that_an_event_names_has_to_be_there() {
    let (_directory, path) = place();
    let ledger = open(&path);
    submit(&ledger, "R", &["a"]).await;
    let saved = LedgerEvent::CheckpointCreated {
        fence: 1,
        digest: Digest::of(b"never put"),
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
    let report = verify_ledger(&path).unwrap();
    assert_eq!(report.worst(), Some(FindingSeverity::Damage));
}

#[test]
fn files_of_others_and_of_newer_versions_are_refused_and_stay_as_they_are() {
    let (_directory, path) = place();
    let db = Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(db);
    let before = std::fs::read(&path).unwrap();
    let error = SqliteLedger::open(&path).unwrap_err();
    assert!(matches!(error, LedgerOpenError::Foreign { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let (_directory, path) = place();
    drop(open(&path));
    let db = Connection::open(&path).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let error = SqliteLedger::open(&path).unwrap_err();
    assert!(
        matches!(
            error,
            LedgerOpenError::Newer {
                found: 99,
                known: 1,
                ..
            }
        ),
        "{error}"
    );
    let error = verify_ledger(&path).unwrap_err();
    assert!(matches!(error, LedgerOpenError::Newer { .. }), "{error}");

    let (_directory, path) = place();
    std::fs::write(&path, "this is a text, and a text it stays. ".repeat(200)).unwrap();
    let error = SqliteLedger::open(&path).unwrap_err();
    assert!(
        matches!(
            &error,
            LedgerOpenError::Refused {
                error: LedgerError::Damaged(_),
                ..
            }
        ),
        "{error}"
    );
}

/// Everything in the file itself, and nothing in the log.
fn settled(path: &Path) {
    let db = Connection::open(path).unwrap();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))
        .unwrap();
}

#[tokio::test]
async fn broken_pages_are_told_and_no_executor_begins_on_them() {
    let (_directory, path) = place();
    let ledger = open(&path);
    for name in ["R", "S", "T"] {
        finished_run(&ledger, name, 400).await;
    }
    drop(ledger);
    settled(&path);
    let mut bytes = std::fs::read(&path).unwrap();
    let pages = bytes.len() / 4_096;
    assert!(pages > 60, "{pages}");
    for page in pages / 2..pages {
        for byte in bytes.iter_mut().skip(page * 4_096).take(64) {
            *byte ^= 0x5a;
        }
    }
    std::fs::write(&path, &bytes).unwrap();
    let report = verify_ledger(&path).unwrap();
    assert_eq!(report.worst(), Some(FindingSeverity::Damage));
    let Ok(ledger) = SqliteLedger::open(&path) else {
        return;
    };
    let who = HostIdentity {
        boot_id: "b".into(),
        pid: 1,
        pid_start: 1,
        version: "0".into(),
    };
    let begun = ledger.begin_host(who, 1, 2).await;
    assert!(matches!(begun, Err(LedgerError::Damaged(_))), "{begun:?}");
    let read = ledger.entries(everything()).await;
    assert!(matches!(read, Err(LedgerError::Damaged(_))), "{read:?}");
}

#[tokio::test]
async fn a_log_with_a_torn_tail_leaves_a_whole_ledger_of_what_came_before() {
    let (directory, path) = place();
    let ledger = open(&path);
    for name in ["R", "S", "T"] {
        finished_run(&ledger, name, 10).await;
    }
    // As a crash leaves them: copied while the ledger is open.
    let log = std::fs::read(path.with_extension("db-wal")).unwrap();
    let file = std::fs::read(&path).unwrap();
    let all = ledger.entries(everything()).await.unwrap();
    let mut found = std::collections::BTreeSet::new();
    for cut in 0..24 {
        let torn = directory.path().join(format!("torn-{cut}.db"));
        let mut log = log.clone();
        log.truncate(log.len() * (24 - cut) / 24);
        if let (1, Some(last)) = (cut % 2, log.last_mut()) {
            *last ^= 0xff;
        }
        std::fs::write(&torn, &file).unwrap();
        std::fs::write(torn.with_extension("db-wal"), &log).unwrap();
        let again = open(&torn);
        let entries = again.entries(everything()).await.unwrap();
        assert_eq!(entries, all.get(..entries.len()).unwrap());
        found.insert(entries.len());
        submit(&again, "NEW", &["a"]).await;
        assert_eq!(verify_ledger(&torn).unwrap().findings, []);
    }
    assert!(found.contains(&all.len()) && found.len() > 3, "{found:?}");
}
