//! A trial: the real component in the real sandbox, on a host that plays a scenario.
//!
//! The working tree and the store are the real kinds, in a directory that is gone afterwards. Never:
//! a real tool, a variable of this machine, anything of the user's that is changed.

pub(crate) mod stranger;
pub(crate) mod subject;
pub(crate) mod uses;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use remit_core::decide::decide;
use remit_core::denial::Denial;
use remit_core::diagnostic::Diagnostics;
use remit_core::event::Event;
use remit_core::grant::Grants;
use remit_core::outcome::Outcome;
use remit_core::scenario::{ExpectedCall, Interface, Scenario};
use remit_engine::attempt;
use remit_engine::cancel::Cancel;
use remit_engine::host::{Identity, PluginHost, World};
use remit_engine::inputs::RawInputs;
use remit_engine::journal::{Journal, system_clock};
use remit_engine::plugin::Role;
use remit_engine::seam::{Observer, Scratch, ScratchError, StateScope, StateStore, Tools};
use remit_ledger::MemoryState;
use remit_sandbox::{LoadedPlugin, Runtime};
use remit_scripted::{
    Collector, Difference, Happened, Material, Report, ScriptedTools, Stage, check,
};
use remit_workspace::Tree;
use serde_json::Value;
use tempfile::TempDir;

use crate::exit::Stop;
use crate::files;
use crate::loading::Loaded;
use crate::places::Places;
use crate::wiring;
use uses::{Used, Uses};

/// A scenario with the place that it comes from.
pub(crate) struct Placed {
    /// The scenario.
    pub(crate) scenario: Scenario,
    /// What messages call it.
    pub(crate) name: String,
    /// Its own file or whatever stands for it, for messages.
    pub(crate) file: String,
    /// The directory below which the files lie that it names.
    pub(crate) directory: PathBuf,
    /// What tools do of which it says nothing; nothing of the kind may happen if absent.
    pub(crate) otherwise: Option<ExpectedCall>,
}

impl Placed {
    /// Reads one.
    ///
    /// # Errors
    /// Every mistake in the file.
    pub(crate) fn read(path: &Path) -> Result<Self, Stop> {
        let text = files::read_text(path)?;
        let file = path.display().to_string();
        let scenario = Scenario::parse(&file, &text)?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        Ok(Self {
            name: scenario.name.clone().unwrap_or_else(|| stem.into_owned()),
            scenario,
            file,
            directory: parent.unwrap_or_else(|| Path::new(".")).to_owned(),
            otherwise: None,
        })
    }

    /// One that no file has, in which tools do this.
    pub(crate) fn made(name: &str, scenario: Scenario, otherwise: ExpectedCall) -> Self {
        Self {
            scenario,
            name: name.to_owned(),
            file: name.to_owned(),
            directory: std::env::temp_dir(),
            otherwise: Some(otherwise),
        }
    }
}

/// What came of a trial.
pub(crate) struct Tried {
    /// How the attempt ended.
    pub(crate) outcome: Outcome,
    /// Everything that was on record.
    pub(crate) events: Vec<Event>,
    /// What the tools say.
    pub(crate) report: Report,
    /// What differs from what was expected.
    pub(crate) differences: Vec<Difference>,
    /// What the plugin used of what it was granted.
    pub(crate) used: Used,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Tried {
    /// What ended it that is no end of the plugin's own: a fault of the plugin or of the host.
    pub(crate) fn fault(&self) -> Option<String> {
        match &self.outcome {
            Outcome::PluginFault { message, .. } => Some(message.clone()),
            Outcome::Internal { message } => Some(format!("the host failed: {message}")),
            Outcome::Succeeded { .. }
            | Outcome::Failed { .. }
            | Outcome::Rejected { .. }
            | Outcome::InvalidInput { .. }
            | Outcome::Denied { .. }
            | Outcome::Unavailable { .. }
            | Outcome::TimedOut { .. }
            | Outcome::Cancelled { .. } => None,
        }
    }

    /// As [`fault`](Self::fault), or that there was no end within its time.
    pub(crate) fn fault_or_no_end(&self) -> Option<String> {
        let no_end = || {
            let limit = self.limit_that_ran_out()?;
            Some(format!("no end within {limit} ms"))
        };
        self.fault().or_else(no_end)
    }

    /// Whether the host had to end it. A plugin may say itself that a limit passed.
    pub(crate) fn ran_out(&self) -> bool {
        self.limit_that_ran_out().is_some()
    }

    fn limit_that_ran_out(&self) -> Option<u64> {
        let Outcome::TimedOut { limit_ms } = self.outcome else {
            return None;
        };
        (self.took.as_millis() >= u128::from(limit_ms)).then_some(limit_ms)
    }
}

/// A compiled component, ready for any number of trials.
pub(crate) struct Bench {
    plugin: LoadedPlugin,
    loaded: Loaded,
}

impl Bench {
    /// Compiles and links a component.
    ///
    /// # Errors
    /// This host cannot run it.
    pub(crate) async fn new(places: &Places, loaded: &Loaded) -> Result<Self, Stop> {
        let runtime = Runtime::for_one_run(Some(places.compiled()))
            .map_err(|error| Stop::Internal(error.into()))?;
        let plugin = LoadedPlugin::load(&runtime, Arc::clone(&loaded.bytes))
            .await
            .map_err(|error| Stop::Plugin(format!("{}: {error}", loaded.place)))?;
        Ok(Self {
            plugin,
            loaded: loaded.clone(),
        })
    }

    /// The component.
    pub(crate) fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// The compiled component, with nothing around it.
    pub(crate) fn plugin(&self) -> &LoadedPlugin {
        &self.plugin
    }

    /// Carries out a trial and compares.
    ///
    /// # Errors
    /// The scenario names files that cannot be read, its policy has mistakes, or this machine
    /// gives no temporary directory.
    pub(crate) async fn run(&self, placed: &Placed) -> Result<Tried, Stop> {
        let room = Room::furnished(placed)?;
        match self.decide(placed)? {
            Ok(grants) => self.attempt(placed, room, grants).await,
            Err(denials) => Ok(refused(placed, &room, denials)),
        }
    }

    /// What the scenario's owner grants to the plugin.
    fn decide(&self, placed: &Placed) -> Result<Result<Grants, Vec<Denial>>, Stop> {
        let file = match &placed.scenario.policy {
            None => None,
            Some(name) => {
                let path = placed.directory.join(name);
                Some((path.display().to_string(), files::read_text(&path)?))
            }
        };
        let named = file
            .as_ref()
            .map(|(name, text)| (name.as_str(), text.as_str()));
        let manifest = &self.loaded.manifest;
        let rules = placed.scenario.rules(&placed.file, manifest, named)?;
        let decided = decide(manifest, &rules, &self.loaded.digest);
        Ok(decided.map_err(|denials| denials.into_iter().collect()))
    }

    async fn attempt(&self, placed: &Placed, room: Room, grants: Grants) -> Result<Tried, Stop> {
        let scenario = &placed.scenario;
        let cancel = Cancel::new();
        let collector = Collector::new(cancel.clone(), scenario.cancel.clone());
        let run_id = wiring::new_run_id();
        let journal = Journal::start(
            run_id.clone(),
            system_clock(),
            vec![Box::new(collector.clone())],
        )
        .map_err(|error| Stop::Internal(error.into()))?;
        let scratch = Arc::new(PrivateRoom::new()?);
        let private = Some(open(scratch.directory.path())?);
        let stage = Stage::new(room.open()?, private, room.material.clone(), cancel.clone());
        let tools = Arc::new(match &placed.otherwise {
            None => ScriptedTools::new(scenario, grants.clone(), stage),
            Some(play) => ScriptedTools::agreeable(scenario, grants.clone(), stage, play),
        });
        let memory = grants.limits().memory().get();
        let plugin = self
            .plugin
            .clone()
            .with_surroundings(Some(Arc::new(room.open()?)), scenario.env.clone(), memory)
            .map_err(|error| Stop::Plugin(format!("{}: {error}", self.loaded.place)))?;
        let request = wiring::request(
            &self.loaded,
            wiring::summary(&grants),
            RawInputs {
                document: Some(scenario.inputs.clone()),
                pairs: Vec::new(),
            },
            run_id,
            scenario.role.map(role),
        );
        let kept = Kept::of(scenario, &self.loaded, room.path()).await?;
        let uses = Arc::new(Uses::default());
        let tree = Tree::begin(room.open()?)
            .await
            .map_err(|error| wrong(placed, &error))?;
        let world = World {
            tools: Arc::clone(&tools) as Arc<dyn Tools>,
            state: Arc::clone(&kept.store) as Arc<dyn StateStore>,
            tree: Arc::new(tree),
            scratch: Some(scratch),
            http: None,
            person: None,
            durable: None,
        };
        let identity = Identity {
            plugin: self.loaded.manifest.id().to_string(),
            task: self.loaded.manifest.id().to_string(),
            workspace: room.path().to_owned(),
            time: scenario.time(&self.loaded.manifest).get(),
        };
        let host = PluginHost::new(grants, world, identity, journal, cancel, true);
        host.observe(Arc::clone(&uses) as Arc<dyn Observer>);
        let outcome = attempt::run(&plugin, &host, request).await;
        let ended = Ended {
            outcome,
            took: host.elapsed(),
            events: collector.events(),
            report: tools.report(),
            used: uses.taken(),
        };
        ended.compared(scenario, &room, &kept).await
    }
}

/// A trial that is over, not yet compared with what was expected.
struct Ended {
    outcome: Outcome,
    took: Duration,
    events: Vec<Event>,
    report: Report,
    used: Used,
}

impl Ended {
    async fn compared(self, scenario: &Scenario, room: &Room, kept: &Kept) -> Result<Tried, Stop> {
        let happened = Happened {
            outcome: &self.outcome,
            events: &self.events,
            report: &self.report,
            workspace: &room.open()?,
            state: &kept.values().await,
            material: &room.material,
        };
        let differences = check(scenario, &happened);
        Ok(Tried {
            differences,
            outcome: self.outcome,
            events: self.events,
            report: self.report,
            used: self.used,
            took: self.took,
        })
    }
}

fn role(interface: Interface) -> Role {
    match interface {
        Interface::Pattern => Role::Pattern,
        Interface::Adapter => Role::Adapter,
    }
}

/// The end of a trial in which nothing of the plugin ran.
fn refused(placed: &Placed, room: &Room, denials: Vec<Denial>) -> Tried {
    let outcome = Outcome::Denied {
        denials,
        message: None,
    };
    let report = Report::default();
    let differences = match room.open() {
        Ok(workspace) => check(
            &placed.scenario,
            &Happened {
                outcome: &outcome,
                events: &[],
                report: &report,
                workspace: &workspace,
                state: &BTreeMap::new(),
                material: &room.material,
            },
        ),
        Err(_) => Vec::new(),
    };
    Tried {
        outcome,
        events: Vec::new(),
        report,
        differences,
        used: Used::default(),
        took: Duration::ZERO,
    }
}

/// What a scenario asks for cannot be had.
fn wrong(placed: &Placed, error: &dyn std::fmt::Display) -> Stop {
    Stop::usage(
        format!("{}: {error}", placed.file),
        "correct the scenario, or add the file",
    )
}

/// The workspace of one trial. Gone when it is dropped.
struct Room {
    directory: TempDir,
    material: Material,
}

impl Room {
    /// A workspace with everything that the scenario puts there.
    fn furnished(placed: &Placed) -> Result<Self, Stop> {
        let own = open(&placed.directory)?;
        let wrong = |error: &dyn std::fmt::Display| wrong(placed, error);
        let material = Material::read(&placed.scenario, &own).map_err(|error| wrong(&error))?;
        let directory = tempfile::Builder::new()
            .prefix("remit-trial-")
            .tempdir()
            .map_err(|error| Stop::Internal(error.into()))?;
        let room = Self {
            directory,
            material,
        };
        let to = room.open()?;
        if let Some(from) = &placed.scenario.workspace {
            let from = own.open_dir(from).map_err(|error| {
                wrong(&format!("the workspace `{from}` cannot be opened: {error}"))
            })?;
            remit_workspace::copy(&from, &to, &|_| false).map_err(|error| wrong(&error))?;
        }
        for (path, content) in &placed.scenario.files {
            room.material
                .write(&to, path, content)
                .map_err(|error| wrong(&error))?;
        }
        Ok(room)
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn open(&self) -> Result<Dir, Stop> {
        open(self.path())
    }
}

/// The scratch directory of one trial. Gone when it is dropped.
struct PrivateRoom {
    directory: TempDir,
    path: String,
}

impl PrivateRoom {
    fn new() -> Result<Self, Stop> {
        let directory = tempfile::Builder::new()
            .prefix("remit-scratch-")
            .tempdir()
            .map_err(|error| Stop::Internal(error.into()))?;
        let real = files::real_or_planned(directory.path());
        let Some(path) = real.to_str() else {
            return Err(Stop::usage(
                format!("{} is not UTF-8", real.display()),
                "set TMPDIR to a directory whose path is",
            ));
        };
        Ok(Self {
            path: path.to_owned(),
            directory,
        })
    }
}

impl Scratch for PrivateRoom {
    fn path(&self) -> Result<&str, ScratchError> {
        Ok(&self.path)
    }
}

fn open(path: &Path) -> Result<Dir, Stop> {
    Dir::open_ambient_dir(path, ambient_authority()).map_err(|error| {
        Stop::usage(
            format!("cannot open {}: {error}", path.display()),
            "check the directory and its permissions",
        )
    })
}

/// What the plugin keeps for the project.
struct Kept {
    store: Arc<MemoryState>,
    scope: StateScope,
}

impl Kept {
    async fn of(scenario: &Scenario, loaded: &Loaded, workspace: &Path) -> Result<Self, Stop> {
        let kept = Self {
            store: Arc::new(MemoryState::new()),
            scope: StateScope::Project {
                plugin: loaded.manifest.id().to_string(),
                project: workspace.to_string_lossy().into_owned(),
            },
        };
        for (key, value) in &scenario.state {
            let stored = kept.store.set(&kept.scope, key, &value.to_string()).await;
            stored.map_err(|error| {
                Stop::usage(
                    format!("the scenario's state `{key}` cannot be stored: {error}"),
                    "write less",
                )
            })?;
        }
        Ok(kept)
    }

    async fn values(&self) -> BTreeMap<String, Value> {
        let keys = self.store.keys(&self.scope, "").await.unwrap_or_default();
        let mut values = BTreeMap::new();
        for key in keys {
            let text = self.store.get(&self.scope, &key).await.ok().flatten();
            let value = text.and_then(|text| serde_json::from_str(&text).ok());
            values.extend(value.map(|value| (key, value)));
        }
        values
    }
}

/// All the mistakes of several files, at once.
pub(crate) fn read_all(paths: &[PathBuf]) -> Result<Vec<Placed>, Stop> {
    let mut placed = Vec::new();
    let mut mistakes = Vec::new();
    for path in paths {
        match Placed::read(path) {
            Ok(one) => placed.push(one),
            Err(Stop::Files(found)) => mistakes.extend(found),
            Err(stop) => return Err(stop),
        }
    }
    match Diagnostics::of(mistakes) {
        Some(mistakes) => Err(Stop::Files(mistakes)),
        None => Ok(placed),
    }
}
