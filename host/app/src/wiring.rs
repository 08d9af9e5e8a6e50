//! Puts the parts together for one run: the sandbox, the tools, the store, the working tree.
//!
//! Never: a decision. Everything here was decided before.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use remit_core::change::Change;
use remit_core::denial::{Denial, Fix, MissingKey};
use remit_core::durable::derived::{TASK_LOGS, is_derived};
use remit_core::event::GrantSummary;
use remit_core::grant::Grants;
use remit_core::manifest::Confinement;
use remit_core::outcome::CancelReason;
use remit_core::path::RelPath;
use remit_core::scope::Capability;
use remit_core::tool::StartError;
use remit_engine::attempt::{Described, Request};
use remit_engine::cancel::Cancel;
use remit_engine::host::{Identity, PluginHost, World};
use remit_engine::inputs::RawInputs;
use remit_engine::journal::Journal;
use remit_engine::plugin::Role;
use remit_engine::seam::{
    Http, Observer, Person, Relay, Scratch, StateStore, Tools, WorkingTree, WorkspaceError,
};
use remit_ledger::{MemoryState, SqliteState};
use remit_network::{HttpClient, OriginRelay};
use remit_process::{
    AttemptDirectory, HostEnvironment, ProbeError, Settings, ToolBox, Without, probe,
};
use remit_sandbox::{LoadError, LoadedPlugin, Runtime};
use remit_workspace::{StillTree, Tree};

use crate::exit::Stop;
use crate::loading::Loaded;
use crate::owner::Owner;
use crate::places::Places;
use crate::recording::Recording;

/// Threads of the runtime: one for the guest, one for tools and timers.
const WORKERS: usize = 2;

/// The parts of one run.
pub(crate) struct Wired {
    pub(crate) plugin: LoadedPlugin,
    pub(crate) host: Arc<PluginHost>,
    pub(crate) scratch: Arc<AttemptDirectory>,
}

/// What a run gets from the command.
pub(crate) struct Surroundings {
    pub(crate) journal: Journal,
    pub(crate) cancel: Cancel,
    pub(crate) timeout: Option<Duration>,
    /// Who is asked what the plugin wants to know of a person.
    pub(crate) person: Option<Arc<dyn Person>>,
    pub(crate) rehearsal: Option<Rehearsal>,
    /// Writes the run down, if someone wants it.
    pub(crate) recording: Option<Arc<Recording>>,
}

/// What is different in a run that only shows what a plugin uses.
pub(crate) struct Rehearsal {
    /// Sees which files the plugin uses.
    pub(crate) observer: Arc<dyn Observer>,
    /// The loosest confinement of tools under which it takes place.
    pub(crate) confinement: Confinement,
}

/// The asynchronous runtime.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Stop> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(|error| Stop::Internal(error.into()))
}

/// A new run's name.
pub(crate) fn new_run_id() -> String {
    remit_engine::attempt::new_run_id()
}

/// Compiles and links a plugin.
pub(crate) async fn load_plugin(
    places: &Places,
    owner: &Owner,
    loaded: &Loaded,
    memory: u64,
) -> Result<LoadedPlugin, Stop> {
    let runtime = Runtime::for_one_run(Some(places.compiled()))
        .map_err(|error| Stop::Internal(error.into()))?;
    link_plugin(&runtime, owner, loaded, memory).await
}

/// Compiles and links a plugin with an engine that may serve others too.
pub(crate) async fn link_plugin(
    runtime: &Runtime,
    owner: &Owner,
    loaded: &Loaded,
    memory: u64,
) -> Result<LoadedPlugin, Stop> {
    let plugin = LoadedPlugin::load(runtime, Arc::clone(&loaded.bytes))
        .await
        .map_err(|error| unloadable(loaded, &error))?;
    let workspace = open_workspace(owner)?;
    plugin
        .with_surroundings(Some(Arc::new(workspace)), host_environment(owner), memory)
        .map_err(|error| unloadable(loaded, &error))
}

fn unloadable(loaded: &Loaded, error: &LoadError) -> Stop {
    Stop::Plugin(format!("{}: {error}", loaded.place))
}

pub(crate) fn open_workspace(owner: &Owner) -> Result<Dir, Stop> {
    Dir::open_ambient_dir(owner.workspace(), ambient_authority()).map_err(|error| {
        Stop::usage(
            format!("cannot open {}: {error}", owner.workspace().display()),
            "check its permissions",
        )
    })
}

/// The host's environment, as far as it is text. Names decide who sees what of it.
fn host_environment(owner: &Owner) -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| !owner.hides(name))
        .collect()
}

/// The level at which this machine confines tools; none if the run may start no tool. A run whose
/// tools would be confined less than manifest and policy ask for does not begin.
pub(crate) async fn confinement(
    owner: &Owner,
    grants: &Grants,
    rehearsal: Option<&Rehearsal>,
) -> Result<Option<Confinement>, Stop> {
    if grants.tools().is_empty() {
        return Ok(None);
    }
    let as_root = owner.policy().as_root();
    let wanted = grants.limits().confinement();
    let wanted = rehearsal.map_or(wanted, |rehearsal| wanted.min(rehearsal.confinement));
    match probe(&scratch_base(), as_root, Without::default()).await {
        Ok(found) if found.confinement <= wanted => Ok(Some(found.confinement)),
        Ok(found) => {
            let note = format!(
                "level {wanted} is asked for at least, and this machine gives: {}",
                found.lacking
            );
            Err(too_loose(grants, found.confinement, note))
        }
        Err(ProbeError::Start(StartError::TooLoose {
            need, best, why, ..
        })) => Err(too_loose(
            grants,
            best,
            format!("{need}; this machine gives {why}"),
        )),
        Err(error) => Err(Stop::usage(
            format!("tools cannot be run here: {error}"),
            "see `remit doctor`",
        )),
    }
}

/// Why a run does not begin on a machine that confines tools less than is asked for.
fn too_loose(grants: &Grants, level: Confinement, note: String) -> Stop {
    // What a manifest asks for the owner cannot take back.
    let demanded = grants.manifest().needs().confinement();
    let line = if demanded.is_some_and(|demanded| demanded < level) {
        "none in a policy: the manifest asks for it; see `remit doctor`".to_owned()
    } else if level <= grants.limits().confinement() {
        "host.as-root = \"keep\"".to_owned()
    } else {
        format!("host.confinement = \"{level}\"")
    };
    Stop::Denied(vec![Denial {
        capability: Capability::Run,
        scope: format!("tools at level {level}"),
        missing: MissingKey::Allowed,
        note: Some(note),
        reason: None,
        fix: Fix { flag: None, line },
    }])
}

/// Puts the parts of a run together.
pub(crate) async fn wire(
    places: &Places,
    owner: &Owner,
    loaded: &Loaded,
    grants: Grants,
    tools: Arc<ToolBox>,
    surroundings: Surroundings,
) -> Result<Wired, Stop> {
    let limits = *grants.limits();
    let found = confinement(owner, &grants, surroundings.rehearsal.as_ref()).await?;
    if let Some(found) = found {
        tools.rely_on(found);
    }
    let plugin = load_plugin(places, owner, loaded, limits.memory().get()).await?;
    let tree = working_tree(owner, &grants, found).await?;
    // A rehearsal leaves nothing behind, and begins with nothing.
    let state: Arc<dyn StateStore> = match &surroundings.rehearsal {
        Some(_) => Arc::new(MemoryState::new()),
        None => Arc::new(SqliteState::at(places.plugin_state())),
    };
    let scratch = Arc::new(tools.scratch());
    let mut tools = tools as Arc<dyn Tools>;
    if let Some(recording) = &surroundings.recording {
        tools = recording.stand_before(tools, owner.workspace(), &grants)?;
    }
    let world = World {
        tools,
        state,
        tree,
        // A rehearsal has no network.
        http: match &surroundings.rehearsal {
            Some(_) => None,
            None => Some(Arc::new(HttpClient::new()) as Arc<dyn Http>),
        },
        scratch: Some(Arc::clone(&scratch) as Arc<dyn Scratch>),
        person: surroundings.person,
        durable: None,
    };
    let identity = Identity {
        plugin: loaded.manifest.id().to_string(),
        task: loaded.manifest.id().to_string(),
        workspace: owner.workspace().to_owned(),
        time: surroundings.timeout.unwrap_or_else(|| limits.time().get()),
    };
    let host = PluginHost::new(
        grants,
        world,
        identity,
        surroundings.journal,
        surroundings.cancel,
        true,
    );
    if let Some(rehearsal) = surroundings.rehearsal {
        host.observe(rehearsal.observer);
    }
    Ok(Wired {
        plugin,
        host,
        scratch,
    })
}

/// Where private directories of tools are made: what TMPDIR names, or a place that leaves `/tmp`
/// free, so that a tool that insists on `/tmp` gets a private one.
pub(crate) fn scratch_base() -> PathBuf {
    /// The other directory for temporary files that systems have.
    const OTHER: &str = "/var/tmp";
    let named = std::env::var_os("TMPDIR").is_some_and(|value| !value.is_empty());
    match Dir::open_ambient_dir(OTHER, ambient_authority()) {
        Ok(_) if !named => PathBuf::from(OTHER),
        Ok(_) | Err(_) => std::env::temp_dir(),
    }
}

/// The tools of this machine, as the owner declares them. To be called inside the runtime.
pub(crate) fn tool_box(owner: &Owner) -> Result<ToolBox, Stop> {
    make_tool_box(owner, Some(Arc::new(OriginRelay::new())))
}

/// Likewise, for a rehearsal, which has no network.
pub(crate) fn tool_box_without_origins(owner: &Owner) -> Result<ToolBox, Stop> {
    make_tool_box(owner, None)
}

fn make_tool_box(owner: &Owner, relay: Option<Arc<dyn Relay>>) -> Result<ToolBox, Stop> {
    ToolBox::new(Settings {
        workspace: owner.workspace().to_owned(),
        scratch: scratch_base(),
        environment: HostEnvironment::new(std::env::vars_os()),
        search: owner.search().map(<[_]>::to_vec),
        as_root: owner.policy().as_root(),
        without: Without::default(),
        relay,
    })
    .map_err(|error| {
        let scratch = scratch_base();
        Stop::usage(
            format!("tools cannot be run from here: {error}"),
            format!(
                "check that {} can be written, or set TMPDIR",
                scratch.display()
            ),
        )
    })
}

/// A tree that nobody can change needs no snapshot.
async fn working_tree(
    owner: &Owner,
    grants: &Grants,
    found: Option<Confinement>,
) -> Result<Arc<dyn WorkingTree>, Stop> {
    if can_change(grants, found) {
        Ok(Arc::new(begin_tree(owner, &[]).await?))
    } else {
        still_tree(owner)
    }
}

/// Whether a run with these grants can change anything in the workspace. Where the kernel holds a
/// tool to what its plugin may write, a plugin that may write nothing has none that does.
pub(crate) fn can_change(grants: &Grants, found: Option<Confinement>) -> bool {
    let tools_are_held = match found {
        Some(Confinement::Full | Confinement::Landlock | Confinement::Namespaces) => true,
        Some(Confinement::None) | None => false,
    };
    !grants.write_roots().is_empty() || !(grants.tools().is_empty() || tools_are_held)
}

/// A tree that nobody changes.
pub(crate) fn still_tree(owner: &Owner) -> Result<Arc<dyn WorkingTree>, Stop> {
    Ok(Arc::new(StillTree::new(open_workspace(owner)?)))
}

/// The tree as it is now, to be compared with what it is later, without what is below the paths in
/// `left_out`.
async fn begin_tree(owner: &Owner, left_out: &'static [&'static str]) -> Result<Tree, Stop> {
    let root = open_workspace(owner)?;
    Tree::begin_but(root, left_out).await.map_err(|error| {
        Stop::usage(
            format!("cannot look at {}: {error}", owner.workspace().display()),
            "name a smaller workspace with -C",
        )
    })
}

/// The tree of a durable attempt: what the host derives from the ledger meanwhile is nobody's work.
struct Apart(Tree);

#[async_trait]
impl WorkingTree for Apart {
    async fn changes(&self) -> Result<Vec<Change>, WorkspaceError> {
        let mut changes = self.0.changes().await?;
        changes.retain(|change| !is_derived(change.path.as_str()));
        Ok(changes)
    }
    async fn file_size(&self, path: &RelPath) -> Option<u64> {
        self.0.file_size(path).await
    }
}

/// As [`begin_tree`], for an attempt at a durable task.
pub(crate) async fn begin_tree_apart(owner: &Owner) -> Result<Arc<dyn WorkingTree>, Stop> {
    // The one directory of them that grows with the number of tasks.
    Ok(Arc::new(Apart(begin_tree(owner, &[TASK_LOGS]).await?)))
}

/// No working tree: for what is asked of a plugin without a run.
struct Untouched;

#[async_trait]
impl WorkingTree for Untouched {
    async fn changes(&self) -> Result<Vec<Change>, WorkspaceError> {
        Ok(Vec::new())
    }
    async fn file_size(&self, _path: &RelPath) -> Option<u64> {
        None
    }
}

/// What the attempt is about.
pub(crate) fn request(
    loaded: &Loaded,
    grants: GrantSummary,
    inputs: RawInputs,
    run_id: String,
    role: Option<Role>,
) -> Request {
    Request {
        run_id,
        attempt: 1,
        fence: 1,
        inputs,
        role,
        version: loaded.manifest.version().to_string(),
        component_digest: loaded.digest.to_string(),
        manifest_digest: loaded.manifest.digest().to_string(),
        grants,
        checkpoint: None,
        described: Described::default(),
    }
}

/// What a plugin may do, for people and programs that watch.
pub(crate) fn summary(grants: &Grants) -> GrantSummary {
    let words = |items: &[RelPath]| items.iter().map(ToString::to_string).collect();
    GrantSummary {
        read: words(grants.read_roots()),
        write: words(grants.write_roots()),
        env: grants.env_names().iter().map(ToString::to_string).collect(),
        run: grants
            .tools()
            .iter()
            .flat_map(|(tool, granted)| {
                granted
                    .templates()
                    .iter()
                    .map(move |template| format!("{tool}:{template}"))
            })
            .collect(),
        net: grants.nets().iter().map(ToString::to_string).collect(),
        approvals: Vec::new(),
        withheld: grants.withheld().to_vec(),
    }
}

/// What the first signal means, and what the second.
const ESCALATION: [CancelReason; 2] = [CancelReason::Requested, CancelReason::Forced];

/// Ctrl-C and a polite kill ask the run to end; a second one insists.
pub(crate) fn cancel_on_signals(cancel: &Cancel) -> Result<(), Stop> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| Stop::Internal(error.into()));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let cancel = cancel.clone();
    tokio::spawn(async move {
        for reason in ESCALATION {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            cancel.cancel(reason);
        }
    });
    Ok(())
}

/// A tree in which nothing changes.
pub(crate) fn untouched_tree() -> Arc<dyn WorkingTree> {
    Arc::new(Untouched)
}
