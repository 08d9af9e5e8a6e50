//! What only the store on disk can get right or wrong: its file, its format, other hosts on the
//! same machine, and its death at any moment.

#![expect(
    clippy::disallowed_methods,
    reason = "a test makes its own files and starts itself again"
)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use remit_engine::seam::{StateError, StateScope, StateStore};
use remit_ledger::{MAX_KEYS, STATE_FORMAT, SqliteState};
use rusqlite::Connection;

fn scope() -> StateScope {
    StateScope::Project {
        plugin: "p".into(),
        project: "/w".into(),
    }
}

#[track_caller]
fn assert_unavailable<T: std::fmt::Debug>(result: Result<T, StateError>, words: &[&str]) {
    match result {
        Err(StateError::Unavailable(text)) => {
            for word in words {
                assert!(text.contains(word), "`{word}` in `{text}`");
            }
        }
        other => panic!("expected `{words:?}`, found {other:?}"),
    }
}

#[tokio::test]
async fn the_file_is_made_when_it_is_needed_and_only_for_its_owner() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b/state.db");
    let store = SqliteState::at(path.clone());
    assert!(!directory.path().join("a").exists(), "nothing yet");
    store.set(&scope(), "k", "1").await.unwrap();
    for (path, mode) in [
        (directory.path().join("a"), 0o700),
        (directory.path().join("a/b"), 0o700),
        (path.clone(), 0o600),
        (path.with_extension("db-wal"), 0o600),
        (path.with_extension("db-shm"), 0o600),
    ] {
        let found = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{}", path.display());
    }
}

#[tokio::test]
async fn values_outlive_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let store = SqliteState::at(path.clone());
    store.set(&scope(), "k", "1").await.unwrap();
    drop(store);
    let again = SqliteState::at(path);
    assert_eq!(again.get(&scope(), "k").await, Ok(Some("1".into())));
}

#[tokio::test]
async fn a_newer_format_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let store = SqliteState::at(path.clone());
    store.set(&scope(), "k", "1").await.unwrap();
    drop(store);
    let sqlite = Connection::open(&path).unwrap();
    let newer = STATE_FORMAT + 1;
    sqlite
        .execute("UPDATE store SET format_version = ?1", [newer])
        .unwrap();
    sqlite
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))
        .unwrap();
    let before = fs::read(&path).unwrap();
    let store = SqliteState::at(path.clone());
    let words = ["state.db", "has format 2", "up to 1", "newer version"];
    assert_unavailable(store.get(&scope(), "k").await, &words);
    assert_unavailable(store.set(&scope(), "k", "2").await, &words);
    assert_eq!(fs::read(&path).unwrap(), before);
    // The refusal is about the file, not the store: once the file is right, it is used.
    sqlite
        .execute("UPDATE store SET format_version = ?1", [STATE_FORMAT])
        .unwrap();
    assert_eq!(store.get(&scope(), "k").await, Ok(Some("1".into())));
}

#[tokio::test]
async fn files_of_others_are_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("text.db");
    fs::write(
        &text,
        "not a data base, but long enough to be looked at\n".repeat(100),
    )
    .unwrap();
    let foreign = directory.path().join("foreign.db");
    Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE t (x)")
        .unwrap();
    for (path, word) in [
        (&text, "not a database"),
        (&foreign, "not a store of remit"),
    ] {
        let before = fs::read(path).unwrap();
        let store = SqliteState::at(path.clone());
        assert_unavailable(store.set(&scope(), "k", "1").await, &[word]);
        assert_eq!(fs::read(path).unwrap(), before);
    }
    let inside_a_file = text.join("state.db");
    let store = SqliteState::at(inside_a_file);
    assert_unavailable(
        store.set(&scope(), "k", "1").await,
        &["text.db", "cannot make"],
    );
}

#[tokio::test]
async fn hosts_that_start_at_once_share_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let tasks: Vec<_> = (0..8)
        .map(|host| {
            let store = SqliteState::at(path.clone());
            tokio::spawn(async move {
                for i in 0..5 {
                    let patch = format!("{{\"{host}-{i}\":1}}");
                    store.merge(&scope(), "k", &patch).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let text = SqliteState::at(path)
        .get(&scope(), "k")
        .await
        .unwrap()
        .unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value.as_object().unwrap().len(), 40);
}

#[tokio::test]
async fn the_number_of_keys_is_limited_and_counted_from_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let store = SqliteState::at(path.clone());
    store.set(&scope(), "first", "1").await.unwrap();
    let sqlite = Connection::open(&path).unwrap();
    sqlite
        .execute_batch(
            "BEGIN;
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
             INSERT INTO value (scope, key, size, json) SELECT 1, 'k' || i, 1, '1' FROM n;
             UPDATE scope SET keys = keys + 9999, bytes = bytes + 9999;
             COMMIT;",
        )
        .unwrap();
    assert_eq!(
        store.keys(&scope(), "").await.unwrap().len() as u64,
        MAX_KEYS
    );
    let refused = store.set(&scope(), "one-more", "1").await;
    assert!(matches!(refused, Err(StateError::Quota(_))), "{refused:?}");
    store.remove(&scope(), "k17").await.unwrap();
    store.set(&scope(), "one-more", "1").await.unwrap();
}

/// Set for the copy of this test that writes until it is killed: the store's path.
const WRITER: &str = "REMIT_LEDGER_TEST_WRITER";

/// The other half of `every_acknowledged_value_survives_a_kill`. Does nothing when it is not
/// started by it.
#[tokio::test]
async fn writer() {
    let Some(path) = std::env::var_os(WRITER) else {
        return;
    };
    let store = SqliteState::at(Path::new(&path).to_owned());
    for i in 0_u64.. {
        // The same few keys over and over, and a pair that is always changed together.
        let value = format!("{{\"a\":{i},\"b\":{i}}}");
        store.merge(&scope(), "pair", &value).await.unwrap();
        store
            .set(&scope(), &format!("k{}", i % 7), &i.to_string())
            .await
            .unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "ack {i}").unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test]
async fn every_acknowledged_value_survives_a_kill() {
    for round in 0..5_u64 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.db");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["writer", "--exact", "--nocapture", "--test-threads=1"])
            .env(WRITER, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut acknowledged = None;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while acknowledged.is_none_or(|last: u64| last < 15 + round * 7) {
            let line = lines.next().unwrap().unwrap();
            // The first one follows the test's own name on the same line.
            if let Some((_, number)) = line.split_once("ack ") {
                acknowledged = Some(number.parse().unwrap());
            }
        }
        child.kill().unwrap();
        for line in lines.map_while(Result::ok) {
            if let Some(number) = line.strip_prefix("ack ") {
                acknowledged = number.parse().ok().or(acknowledged);
            }
        }
        child.wait().unwrap();
        let last = acknowledged.unwrap();
        let store = SqliteState::at(path.clone());
        for i in last - 6..=last {
            let text = store
                .get(&scope(), &format!("k{}", i % 7))
                .await
                .unwrap()
                .unwrap();
            let found: u64 = text.parse().unwrap();
            assert!(
                found == i || (found == i + 7 && found == last + 1),
                "{i}: {found} of {last}"
            );
        }
        let text = store.get(&scope(), "pair").await.unwrap().unwrap();
        let pair: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(pair["a"], pair["b"], "a change is all there or not at all");
        assert!(pair["a"].as_u64().unwrap() >= last);
        let sound: String = Connection::open(&path)
            .unwrap()
            .query_row("PRAGMA integrity_check", (), |row| row.get(0))
            .unwrap();
        assert_eq!(sound, "ok");
    }
}
