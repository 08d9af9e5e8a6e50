//! The product around a guest program, as far as a benchmark needs it: the real sandbox, real
//! tools, and a state store and a working tree that do nothing.
//!
//! Never: a shortcut past the grants.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use remit_builtin::BuiltIn;
use remit_core::event::Record;
use remit_core::grant::Grants;
use remit_core::manifest::Confinement;
use remit_core::policy::AsRoot;
use remit_engine::cancel::Cancel;
use remit_engine::fake::{FakeState, FakeTools, FakeTree, grants};
use remit_engine::host::{Identity, PluginHost, World};
use remit_engine::journal::{Journal, Watcher, system_clock};
use remit_engine::plugin::{Context, Finished, Instance, Plugin};
use remit_engine::seam::Tools;
use remit_process::{HostEnvironment, Settings, ToolBox, Without};
use remit_sandbox::{LoadedPlugin, Runtime};

/// What every guest gets at most; the default of a manifest.
const MEMORY: u64 = 64 << 20;

/// Long enough for any benchmark.
const TIME: Duration = Duration::from_secs(3600);

/// The runtime of the program: two threads.
pub(crate) fn tokio_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// A guest program of the tests, compiled and linked, that sees `workspace` as far as its grants
/// allow.
pub(crate) async fn load_testing(id: &str, workspace: Option<&Path>) -> LoadedPlugin {
    load(remit_builtin::find_testing(id).unwrap(), workspace).await
}

/// A plugin of the program, compiled and linked.
pub(crate) async fn load_built_in(id: &str) -> LoadedPlugin {
    load(remit_builtin::find(id).unwrap(), None).await
}

async fn load(guest: BuiltIn, workspace: Option<&Path>) -> LoadedPlugin {
    let plugin = compiled(guest.bytes).await;
    let dir = workspace.map(|path| Dir::open_ambient_dir(path, ambient_authority()).unwrap());
    plugin
        .with_surroundings(dir.map(Arc::new), Vec::new(), MEMORY)
        .unwrap()
}

async fn compiled(bytes: &[u8]) -> LoadedPlugin {
    let engine = Runtime::new(None).unwrap();
    LoadedPlugin::load(&engine, bytes.into()).await.unwrap()
}

/// A component from anywhere, compiled with an engine of its own and linked, with this much memory.
pub(crate) async fn load_bytes(bytes: &[u8], memory: u64) -> LoadedPlugin {
    compiled(bytes)
        .await
        .with_surroundings(None, Vec::new(), memory)
        .unwrap()
}

/// Reads every record and keeps none: what watching costs, without what a terminal costs.
struct Reader;

impl Watcher for Reader {
    fn record(&mut self, record: &Record) {
        std::hint::black_box(record);
    }
}

fn host(
    grants: Grants,
    tools: Arc<dyn Tools>,
    workspace: &Path,
    watched_output: bool,
) -> Arc<PluginHost> {
    let journal = Journal::start("run".into(), system_clock(), vec![Box::new(Reader)]).unwrap();
    PluginHost::new(
        grants,
        World {
            tools,
            state: Arc::new(FakeState::default()),
            tree: Arc::new(FakeTree::default()),
            http: None,
            scratch: None,
            person: None,
            durable: None,
        },
        Identity {
            plugin: "fake".into(),
            task: "task".into(),
            workspace: workspace.to_owned(),
            time: TIME,
        },
        journal,
        Cancel::new(),
        watched_output,
    )
}

/// A host that grants nothing.
pub(crate) fn bare_host() -> Arc<PluginHost> {
    let tools = Arc::new(FakeTools::default());
    host(grants("", ""), tools, Path::new("/"), true)
}

/// What the guest asks for where it runs tools.
const MANIFEST: &str = "[[read]]\npath = \".\"\nreason = \"r\"\n\
    [[run]]\ntool = \"true\"\nreason = \"r\"\n\
    [[run]]\ntool = \"cat\"\nreason = \"r\"\n";

/// What the owner allows: two tools, the second with more output than any file here has.
const POLICY: &str = "\
    [tools.true]\nprogram = \"/bin/true\"\ntemplates = { go = [] }\n\
    [tools.cat]\nprogram = \"/bin/cat\"\ntemplates = { go = [\"--\", \"{file:relpath}\"] }\n\
    run = { output = \"4GiB\" }\n\
    [plugins.fake]\nread = [\".\"]\nrun = [\"true\", \"cat\"]\n";

/// A host that runs `true` and `cat` for its guest, in this workspace. To be called inside the
/// runtime.
pub(crate) fn tool_host(workspace: &Path, watched_output: bool) -> Arc<PluginHost> {
    let tools = ToolBox::new(Settings {
        workspace: workspace.to_owned(),
        scratch: std::env::temp_dir(),
        environment: HostEnvironment::new(std::env::vars_os()),
        search: None,
        as_root: AsRoot::default(),
        without: Without::default(),
        relay: None,
    })
    .unwrap();
    // What the program finds out once per run, so that a start does not pay for it.
    tools.rely_on(Confinement::Full);
    host(
        grants(MANIFEST, POLICY),
        Arc::new(tools),
        workspace,
        watched_output,
    )
}

/// A fresh instance.
pub(crate) async fn instance(plugin: &LoadedPlugin, host: &Arc<PluginHost>) -> Box<dyn Instance> {
    plugin.instantiate(Arc::clone(host), None).await.unwrap()
}

/// Has the `probe` do something; its answer.
pub(crate) async fn probe(instance: &mut dyn Instance, inputs: &str) -> String {
    let context = Context {
        run_id: "run".into(),
        task_id: "task".into(),
        attempt: 1,
        fence: 1,
        effect_key: "run/task".into(),
        inputs: inputs.to_owned(),
        time_left_ms: u64::try_from(TIME.as_millis()).unwrap(),
        checkpoint: None,
    };
    match instance.execute(context).await.unwrap() {
        Finished::Pattern { outputs, .. } => outputs,
        other @ (Finished::Adapter { .. } | Finished::Failure(_)) => panic!("{other:?}"),
    }
}
