//! What is loaded, what is refused and why, and the cache of compiled code.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic and looks into its own cache"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use remit_engine::fake::{FakeTools, FakeTree, Seen, grants, host};
use remit_engine::plugin::{Plugin as _, Role};
use remit_sandbox::runtime::MANY_INSTANCES;
use remit_sandbox::{LoadError, LoadedPlugin, Runtime};

fn probe_bytes() -> &'static [u8] {
    remit_builtin::find_testing("probe").unwrap().bytes
}

async fn load(runtime: &Runtime, bytes: &[u8]) -> Result<LoadedPlugin, LoadError> {
    LoadedPlugin::load(runtime, bytes.into()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn plugins_have_their_roles() {
    let runtime = Runtime::new(None).unwrap();
    for (id, role) in [
        ("module-creation", Role::Pattern),
        ("command", Role::Adapter),
    ] {
        let plugin = load(&runtime, remit_builtin::find(id).unwrap().bytes)
            .await
            .unwrap();
        assert_eq!(plugin.roles(), [role], "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_plugin_is_refused_with_a_reason() {
    let runtime = Runtime::new(None).unwrap();
    let good = probe_bytes();
    let half = &good[..good.len() / 2];
    let module = b"\0asm\x01\0\0\0";
    let empty_component = b"\0asm\x0d\0\x01\0";
    for (bytes, want) in [
        (&b""[..], "not a component"),
        (b"garbage", "not a component"),
        (half, "not a component"),
        (module, "core module, not a component"),
        (empty_component, "no plugin"),
    ] {
        let error = load(&runtime, bytes).await.unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_instances_as_there_are_places_share_one_component_and_leave_room_for_the_next() {
    let runtime = Runtime::new(None).unwrap();
    let noop = remit_builtin::find_testing("noop").unwrap();
    let plugin = load(&runtime, noop.bytes).await.unwrap();
    let seen = Seen::default();
    let world = || {
        let tools = Arc::new(FakeTools::default());
        host(grants("", ""), tools, FakeTree::default(), &seen)
    };
    for round in 0..2 {
        let mut alive = Vec::new();
        for number in 0..MANY_INSTANCES {
            let instance = plugin.clone().instantiate(world(), None).await;
            let mut instance = instance.unwrap_or_else(|fault| {
                panic!("instance {number} of round {round}: {fault}");
            });
            assert_eq!(instance.describe().await.unwrap().id, "noop");
            alive.push(instance);
        }
        assert!(plugin.instantiate(world(), None).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_of_one_run_has_room_for_a_few_instances_and_says_when_it_is_full() {
    let runtime = Runtime::for_one_run(None).unwrap();
    let plugin = load(&runtime, probe_bytes()).await.unwrap();
    let seen = Seen::default();
    let tools = Arc::new(FakeTools::default());
    let host = host(grants("", ""), tools, FakeTree::default(), &seen);
    let mut instances = Vec::new();
    for _ in 0..4 {
        let mut instance = plugin.instantiate(Arc::clone(&host), None).await.unwrap();
        assert_eq!(instance.describe().await.unwrap().id, "probe");
        instances.push(instance);
    }
    assert!(plugin.instantiate(Arc::clone(&host), None).await.is_err());
    instances.pop();
    assert!(plugin.instantiate(host, None).await.is_ok());
}

fn entries(cache: &Path, suffix: &str) -> Vec<std::path::PathBuf> {
    fs::read_dir(cache)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(suffix))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn compiled_code_is_kept_private_and_checked() {
    let top = tempfile::tempdir().unwrap();
    let cache = top.path().join("deep/compiled");
    let runtime = Runtime::new(Some(cache.clone())).unwrap();
    load(&runtime, probe_bytes()).await.unwrap();
    assert_eq!(
        fs::metadata(&cache).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let code = entries(&cache, ".cwasm");
    assert_eq!(code.len(), 1);
    let written = fs::metadata(&code[0]).unwrap().modified().unwrap();
    load(&runtime, probe_bytes()).await.unwrap();
    assert_eq!(
        fs::metadata(&code[0]).unwrap().modified().unwrap(),
        written,
        "compiled twice"
    );

    // Damaged code is never run: it is found out and replaced.
    let mut bytes = fs::read(&code[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&code[0], &bytes).unwrap();
    load(&runtime, probe_bytes()).await.unwrap();
    assert_ne!(fs::read(&code[0]).unwrap(), bytes, "damaged code was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_others_can_write_is_not_used() {
    let top = tempfile::tempdir().unwrap();
    let cache = top.path().join("compiled");
    fs::create_dir(&cache).unwrap();
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).unwrap();
    let runtime = Runtime::new(Some(cache.clone())).unwrap();
    load(&runtime, probe_bytes()).await.unwrap();
    assert_eq!(entries(&cache, ".cwasm").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_memory_than_there_is_is_refused() {
    let runtime = Runtime::new(None).unwrap();
    let plugin = load(&runtime, probe_bytes()).await.unwrap();
    let error = plugin
        .with_surroundings(None, Vec::new(), 8 << 30)
        .unwrap_err();
    assert!(matches!(error, LoadError::Memory { .. }), "{error}");
}
