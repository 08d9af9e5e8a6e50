//! One suite for every implementation of the seam `StateStore`: what holds for the store on disk
//! holds for its twin in memory. Never: a test that only one of them runs; those stand elsewhere.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use remit_engine::seam::{StateError, StateScope, StateStore};
use remit_ledger::{MAX_KEY, MAX_KEYS, MAX_SCOPE, MAX_VALUE, MemoryState, SqliteState};

/// Runs a case on a fresh store of each kind.
async fn on_both<F: Future<Output = ()>>(case: impl Fn(Arc<dyn StateStore>) -> F) {
    case(Arc::new(MemoryState::new())).await;
    let directory = tempfile::tempdir().unwrap();
    case(Arc::new(SqliteState::at(directory.path().join("state.db")))).await;
}

fn task(plugin: &str, task: &str) -> StateScope {
    StateScope::Task {
        plugin: plugin.into(),
        task: task.into(),
    }
}

fn project(plugin: &str, project: &str) -> StateScope {
    StateScope::Project {
        plugin: plugin.into(),
        project: project.into(),
    }
}

/// A JSON string of exactly this many bytes.
fn value_of(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes - 2))
}

#[track_caller]
fn assert_quota<T: std::fmt::Debug>(result: Result<T, StateError>, words: &str) {
    match result {
        Err(StateError::Quota(text)) => assert!(text.contains(words), "{text}"),
        other => panic!("expected a quota error with `{words}`, found {other:?}"),
    }
}

#[tokio::test]
async fn a_value_is_read_as_it_was_written() {
    on_both(async |store| {
        let scope = task("p", "t");
        assert_eq!(store.get(&scope, "k").await, Ok(None));
        for text in [
            "1",
            " {\"b\": 1.50, \"a\" : [null] }\n",
            "\"\u{1f980} \\ud83e\\udd80\"",
            "123456789012345678901234567890",
            "null",
        ] {
            store.set(&scope, "k", text).await.unwrap();
            assert_eq!(store.get(&scope, "k").await, Ok(Some(text.to_owned())));
        }
    })
    .await;
}

#[tokio::test]
async fn scopes_do_not_see_each_other() {
    on_both(async |store| {
        let scopes = [
            task("p", "x"),
            task("p", "y"),
            task("q", "x"),
            project("p", "x"),
            project("q", "x"),
            task("px", ""),
            task("", "px"),
        ];
        for (i, scope) in scopes.iter().enumerate() {
            store.set(scope, "k", &i.to_string()).await.unwrap();
        }
        for (i, scope) in scopes.iter().enumerate() {
            assert_eq!(store.get(scope, "k").await, Ok(Some(i.to_string())));
            store.remove(scope, "k").await.unwrap();
            assert_eq!(store.keys(scope, "").await, Ok(vec![]));
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_not_json_is_refused_and_changes_nothing() {
    on_both(async |store| {
        let scope = task("p", "t");
        store.set(&scope, "k", "{\"a\":1}").await.unwrap();
        for text in ["", "{", "{} {}", "nul", "{'a':1}", "1e999", "\u{feff}1"] {
            let refused = store.set(&scope, "k", text).await;
            assert!(
                matches!(refused, Err(StateError::InvalidJson(_))),
                "{text}: {refused:?}"
            );
            let refused = store.merge(&scope, "k", text).await;
            assert!(
                matches!(refused, Err(StateError::InvalidJson(_))),
                "{text}: {refused:?}"
            );
        }
        let deep = "[".repeat(200) + &"]".repeat(200);
        let refused = store.set(&scope, "k", &deep).await;
        assert!(
            matches!(refused, Err(StateError::InvalidJson(_))),
            "{refused:?}"
        );
        assert_eq!(store.get(&scope, "k").await, Ok(Some("{\"a\":1}".into())));
    })
    .await;
}

#[tokio::test]
async fn a_merge_is_stored_and_returned() {
    on_both(async |store| {
        let scope = project("p", "/w");
        let merged = store
            .merge(&scope, "k", "{\"a\":{\"b\":1,\"c\":null}}")
            .await;
        assert_eq!(merged, Ok("{\"a\":{\"b\":1}}".into()));
        let merged = store
            .merge(&scope, "k", "{\"a\":{\"b\":null},\"d\":[2]}")
            .await;
        assert_eq!(merged, Ok("{\"a\":{},\"d\":[2]}".into()));
        assert_eq!(store.get(&scope, "k").await, Ok(merged.ok()));
    })
    .await;
}

#[tokio::test]
async fn merges_at_the_same_time_all_count() {
    on_both(async |store| {
        let scope = project("p", "/w");
        let tasks: Vec<_> = (0..50)
            .map(|i| {
                let (store, scope) = (Arc::clone(&store), scope.clone());
                tokio::spawn(
                    async move { store.merge(&scope, "k", &format!("{{\"m{i}\":{i}}}")).await },
                )
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let text = store.get(&scope, "k").await.unwrap().unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value.as_object().unwrap().len(), 50);
    })
    .await;
}

#[tokio::test]
async fn removing_twice_is_no_error() {
    on_both(async |store| {
        let scope = task("p", "t");
        store.remove(&scope, "never").await.unwrap();
        store.set(&scope, "k", "1").await.unwrap();
        store.remove(&scope, "k").await.unwrap();
        store.remove(&scope, "k").await.unwrap();
        assert_eq!(store.get(&scope, "k").await, Ok(None));
    })
    .await;
}

#[tokio::test]
async fn keys_are_sorted_by_their_bytes_and_chosen_by_prefix() {
    on_both(async |store| {
        let scope = task("p", "t");
        for key in [
            "b",
            "a/2",
            "a/10",
            "a",
            "a/",
            "ä",
            "A",
            "%",
            "a\0b",
            "a/\u{10ffff}",
        ] {
            store.set(&scope, key, "1").await.unwrap();
        }
        for (prefix, expected) in [
            (
                "",
                vec![
                    "%",
                    "A",
                    "a",
                    "a\0b",
                    "a/",
                    "a/10",
                    "a/2",
                    "a/\u{10ffff}",
                    "b",
                    "ä",
                ],
            ),
            ("a/", vec!["a/", "a/10", "a/2", "a/\u{10ffff}"]),
            ("a/1", vec!["a/10"]),
            ("%", vec!["%"]),
            ("_", vec![]),
            ("zz", vec![]),
        ] {
            assert_eq!(
                store.keys(&scope, prefix).await.unwrap(),
                expected,
                "{prefix:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn keys_have_a_length() {
    on_both(async |store| {
        let scope = task("p", "t");
        let longest = "k".repeat(MAX_KEY);
        store.set(&scope, &longest, "1").await.unwrap();
        assert_eq!(store.get(&scope, &longest).await, Ok(Some("1".into())));
        for key in [String::new(), "k".repeat(MAX_KEY + 1), "ä".repeat(128)] {
            assert_quota(store.set(&scope, &key, "1").await, "1 to 255 bytes");
            assert_quota(store.get(&scope, &key).await, "1 to 255 bytes");
            assert_quota(store.merge(&scope, &key, "{}").await, "1 to 255 bytes");
            assert_quota(store.remove(&scope, &key).await, "1 to 255 bytes");
        }
    })
    .await;
}

#[tokio::test]
async fn values_have_a_size() {
    on_both(async |store| {
        let scope = task("p", "t");
        store.set(&scope, "k", &value_of(MAX_VALUE)).await.unwrap();
        let refused = store.set(&scope, "k", &value_of(MAX_VALUE + 1)).await;
        assert_quota(refused, "at most 1048576 bytes");
        assert_quota(
            store.merge(&scope, "k", &value_of(MAX_VALUE + 1)).await,
            "patch",
        );
        store.set(&scope, "k", "{\"a\":1}").await.unwrap();
        let patch = format!("{{\"b\":{}}}", value_of(MAX_VALUE - 6));
        assert_quota(store.merge(&scope, "k", &patch).await, "merged value");
        assert_eq!(store.get(&scope, "k").await, Ok(Some("{\"a\":1}".into())));
    })
    .await;
}

#[tokio::test]
async fn a_scope_has_a_size_and_a_removal_makes_room() {
    on_both(async |store| {
        let scope = task("p", "t");
        let full = usize::try_from(MAX_SCOPE).unwrap() / MAX_VALUE;
        for i in 0..full {
            store
                .set(&scope, &i.to_string(), &value_of(MAX_VALUE))
                .await
                .unwrap();
        }
        assert_quota(
            store.set(&scope, "one-more", "1").await,
            "limit is 16777216",
        );
        assert_quota(
            store.merge(&scope, "one-more", "1").await,
            "limit is 16777216",
        );
        store.set(&task("p", "other"), "k", "1").await.unwrap();
        store.set(&scope, "0", &value_of(MAX_VALUE)).await.unwrap();
        store
            .set(&scope, "0", &value_of(MAX_VALUE - 2))
            .await
            .unwrap();
        store.set(&scope, "one-more", "12").await.unwrap();
        assert_quota(store.set(&scope, "and-one", "1").await, "limit is 16777216");
        store.remove(&scope, "1").await.unwrap();
        store.set(&scope, "and-one", "1").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_scope_has_a_number_of_keys() {
    // In memory only the rule is cheap; on disk each key costs a sync, so the store is filled
    // where its file is known: see `state_store.rs`.
    let store = MemoryState::new();
    let scope = task("p", "t");
    for i in 0..MAX_KEYS {
        store.set(&scope, &i.to_string(), "1").await.unwrap();
    }
    assert_quota(store.set(&scope, "one-more", "1").await, "limit is 10000");
    store.set(&scope, "1", "2").await.unwrap();
    store.remove(&scope, "2").await.unwrap();
    store.set(&scope, "one-more", "1").await.unwrap();
    assert_eq!(store.keys(&scope, "").await.unwrap().len(), 10_000);
}
