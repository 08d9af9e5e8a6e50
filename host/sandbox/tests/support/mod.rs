//! A workspace, a host with chosen grants, and the `probe` guest to try its doors.
//!
//! Never: a mock of the sandbox; only the world around it is fake.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test file uses its own part of this"
)]

use std::path::Path;
use std::sync::{Arc, LazyLock};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use remit_core::event::{Event, GrantSummary};
use remit_core::outcome::Outcome;
use remit_engine::attempt::{self, Described, Request};
use remit_engine::fake::{FakeTools, FakeTree, Seen, grants, host, host_with_scratch};
use remit_engine::host::PluginHost;
use remit_engine::inputs::RawInputs;
use remit_sandbox::{LoadedPlugin, Runtime};
use serde_json::Value;
use tokio::sync::OnceCell;

/// One engine for all tests of a file: it reserves its memory once.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new(None).unwrap());

/// The probe, compiled once.
pub(crate) async fn loaded() -> LoadedPlugin {
    static LOADED: OnceCell<LoadedPlugin> = OnceCell::const_new();
    LOADED
        .get_or_init(async || {
            let bytes = remit_builtin::find_testing("probe").unwrap().bytes;
            LoadedPlugin::load(&RUNTIME, bytes.into()).await.unwrap()
        })
        .await
        .clone()
}

/// What came of one deed of the probe.
pub(crate) struct Done {
    pub(crate) outcome: Outcome,
    pub(crate) events: Vec<Event>,
}

impl Done {
    /// The probe's answer: `{"ok": …}` or `{"error": …}`.
    pub(crate) fn outputs(&self) -> &Value {
        let Outcome::Succeeded { outputs, .. } = &self.outcome else {
            panic!("no outputs: {:?}", self.outcome)
        };
        outputs
    }

    /// The scopes that were denied, in order.
    pub(crate) fn denied(&self) -> Vec<String> {
        let mut scopes = Vec::new();
        for event in &self.events {
            if let Event::Denied { denial } = event {
                scopes.push(denial.scope.clone());
            }
        }
        scopes
    }
}

/// Has the probe do something in a workspace, under these rules.
pub(crate) async fn probe(workspace: &Path, manifest: &str, policy: &str, inputs: Value) -> Done {
    probe_with_memory(workspace, manifest, policy, inputs, 64 << 20).await
}

pub(crate) async fn probe_with_memory(
    workspace: &Path,
    manifest: &str,
    policy: &str,
    inputs: Value,
    memory: u64,
) -> Done {
    let dir = Dir::open_ambient_dir(workspace, ambient_authority()).unwrap();
    let environment = vec![
        ("PROBE_GRANTED".to_owned(), "yes".to_owned()),
        ("PROBE_SECRET".to_owned(), "canary".to_owned()),
    ];
    let plugin = loaded()
        .await
        .with_surroundings(Some(Arc::new(dir)), environment, memory)
        .unwrap();
    let seen = Seen::default();
    let host = host(
        grants(manifest, policy),
        Arc::new(FakeTools::default()),
        FakeTree::default(),
        &seen,
    );
    attempt(&plugin, &host, &seen, inputs).await
}

/// Has the probe do something with this scratch directory, under these rules.
pub(crate) async fn probe_with_scratch(
    workspace: &Path,
    scratch: &Path,
    manifest: &str,
    policy: &str,
    inputs: Value,
) -> Done {
    let dir = Dir::open_ambient_dir(workspace, ambient_authority()).unwrap();
    let plugin = loaded()
        .await
        .with_surroundings(Some(Arc::new(dir)), Vec::new(), 64 << 20)
        .unwrap();
    let seen = Seen::default();
    let scratch = scratch.to_str().unwrap();
    let host = host_with_scratch(grants(manifest, policy), &seen, scratch);
    attempt(&plugin, &host, &seen, inputs).await
}

async fn attempt(
    plugin: &LoadedPlugin,
    host: &Arc<PluginHost>,
    seen: &Seen,
    inputs: Value,
) -> Done {
    let request = Request {
        run_id: "run".into(),
        attempt: 1,
        fence: 1,
        inputs: RawInputs {
            document: inputs.as_object().cloned(),
            pairs: Vec::new(),
        },
        role: None,
        version: "0.1.0".into(),
        component_digest: "c".into(),
        manifest_digest: "m".into(),
        grants: GrantSummary::default(),
        checkpoint: None,
        described: Described::default(),
    };
    let outcome = attempt::run(plugin, host, request).await;
    Done {
        outcome,
        events: seen.events(),
    }
}
