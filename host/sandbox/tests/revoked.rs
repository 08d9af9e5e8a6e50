//! A guest whose approval is taken back goes no further, whatever it is doing: real components,
//! without the attempt around them that would drop them anyway.
//!
//! Never: a guest that notices by itself.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use remit_core::outcome::{CancelReason, FaultKind};
use remit_engine::cancel::Cancel;
use remit_engine::fake::{FakeTools, FakeTree, Seen, grants};
use remit_engine::host::{Identity, PluginHost, World};
use remit_engine::journal::Journal;
use remit_engine::plugin::{Context, Finished, Plugin as _, PluginFault};
use remit_engine::seam::{StateError, StateScope, StateStore};
use serde_json::{Value, json};

/// A store at which the owner takes the approval back: while the guest waits for `set`, and some
/// time after `remove`.
struct RevokedAtStore(Cancel);

#[async_trait]
impl StateStore for RevokedAtStore {
    async fn get(&self, _: &StateScope, _: &str) -> Result<Option<String>, StateError> {
        Ok(None)
    }
    async fn set(&self, _: &StateScope, _: &str, _: &str) -> Result<(), StateError> {
        self.0.cancel(CancelReason::Revoked);
        Ok(())
    }
    async fn merge(&self, _: &StateScope, _: &str, _: &str) -> Result<String, StateError> {
        Ok("{}".to_owned())
    }
    async fn remove(&self, _: &StateScope, _: &str) -> Result<(), StateError> {
        let cancel = self.0.clone();
        tokio::spawn(async move { cancel.cancel(CancelReason::Revoked) });
        Ok(())
    }
    async fn keys(&self, _: &StateScope, _: &str) -> Result<Vec<String>, StateError> {
        Ok(Vec::new())
    }
}

/// Has the probe do something, with `cancel` in the hands of the test.
async fn execute(
    workspace: &Path,
    cancel: &Cancel,
    inputs: Value,
) -> Result<Finished, PluginFault> {
    let dir = Dir::open_ambient_dir(workspace, ambient_authority()).unwrap();
    let plugin = support::loaded()
        .await
        .with_surroundings(Some(Arc::new(dir)), Vec::new(), 64 << 20)
        .unwrap();
    let clock: remit_engine::journal::Clock = Arc::new(|| "2026-01-01T00:00:00.000Z".into());
    let watchers: Vec<Box<dyn remit_engine::journal::Watcher>> = vec![Box::new(Seen::default())];
    let host = PluginHost::new(
        grants(
            "[[write]]\npath = \".\"\nreason = \"r\"\n",
            "[plugins.fake]\nwrite = [\".\"]\n",
        ),
        World {
            tools: Arc::new(FakeTools::default()),
            state: Arc::new(RevokedAtStore(cancel.clone())),
            tree: Arc::new(FakeTree::default()),
            http: None,
            scratch: None,
            person: None,
            durable: None,
        },
        Identity {
            plugin: "fake".into(),
            task: "task".into(),
            workspace: PathBuf::from("/fake"),
            time: Duration::from_secs(60),
        },
        Journal::start("run".into(), clock, watchers).unwrap(),
        cancel.clone(),
        true,
    );
    let mut instance = plugin.instantiate(host, None).await.unwrap();
    instance
        .execute(Context {
            run_id: "run".into(),
            task_id: "task".into(),
            attempt: 1,
            fence: 1,
            effect_key: "run/task".into(),
            inputs: inputs.to_string(),
            time_left_ms: 60_000,
            checkpoint: None,
        })
        .await
}

fn write(path: &str) -> Value {
    json!({"action": "write", "path": path, "text": "here"})
}

#[tokio::test]
async fn no_import_is_there_any_more() {
    let workspace = tempfile::tempdir().unwrap();
    let set = json!({"action": "state-set", "scope": "task", "key": "k", "json": "1"});
    let inputs = json!({"action": "sequence", "actions": [write("before"), set, write("after")]});
    let fault = execute(workspace.path(), &Cancel::new(), inputs)
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotGranted);
    assert_eq!(fault.message, "the approval of this run was revoked");
    assert!(workspace.path().join("before").is_file());
    assert!(!workspace.path().join("after").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_only_computes_is_stopped_too() {
    for action in ["spin", "spin-calls"] {
        let workspace = tempfile::tempdir().unwrap();
        let remove = json!({"action": "state-remove", "scope": "task", "key": "k"});
        let inputs = json!({"action": "sequence", "actions": [remove, {"action": action}]});
        let result = execute(workspace.path(), &Cancel::new(), inputs).await;
        assert_eq!(result.unwrap_err().kind, FaultKind::NotGranted, "{action}");
    }
}

#[tokio::test]
async fn a_weaker_reason_lets_the_guest_end_in_peace() {
    let workspace = tempfile::tempdir().unwrap();
    let cancel = Cancel::new();
    cancel.cancel(CancelReason::Shutdown);
    execute(workspace.path(), &cancel, write("after"))
        .await
        .unwrap();
    assert!(workspace.path().join("after").is_file());
}
