//! A run in a private copy of the workspace, to see what a plugin uses: the same sandbox, the same
//! tools, the same end; but without the network, without values that the owner did not allow,
//! without what plugins keep, and without a record.
//!
//! Never: a change of the workspace, of the policy or of the state; anything carried back from the
//! copy; something that the owner forbids.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use remit_core::denial::Denial;
use remit_core::event::{Event, Record};
use remit_core::grant::{Access, Grants};
use remit_core::manifest::Confinement;
use remit_core::outcome::Outcome;
use remit_core::path::RelPath;
use remit_core::policy::{Called, Observed};
use remit_core::scope::Scope;
use remit_core::tool::{Directory, Launch};
use remit_engine::attempt;
use remit_engine::cancel::Cancel;
use remit_engine::inputs::RawInputs;
use remit_engine::journal::{Journal, Watcher, system_clock};
use remit_engine::plugin::Role;
use remit_engine::seam::Observer;
use remit_process::{HostDirectory, SearchPath};
use remit_workspace::Copied;

use crate::exit::Stop;
use crate::loading::Loaded;
use crate::owner::{Decided, Owner, Supposed};
use crate::places::Places;
use crate::wiring;

/// The loosest confinement of tools under which a rehearsal takes place: only what is kept in the
/// copy by the kernel may run although the owner has not allowed it.
pub(crate) const MINIMUM_CONFINEMENT: Confinement = Confinement::Full;

/// Paths of one kind that are remembered. A plugin that uses more is not narrowed by name.
const MAX_USED: usize = 50_000;

/// Everything that rehearsals of one plugin share.
pub(crate) struct Stage<'a> {
    pub(crate) places: &'a Places,
    pub(crate) loaded: &'a Loaded,
    pub(crate) inputs: RawInputs,
    pub(crate) role: Option<Role>,
    pub(crate) timeout: Option<Duration>,
    /// The real workspace.
    workspace: PathBuf,
    search: Vec<PathBuf>,
    runtime: tokio::runtime::Runtime,
    cancel: Cancel,
    home: HostDirectory,
}

/// What came of one rehearsal.
pub(crate) struct Seen {
    pub(crate) outcome: Outcome,
    pub(crate) observed: Observed,
    pub(crate) denials: Vec<Denial>,
    pub(crate) copied: Copied,
    /// Tool and success of every call, sorted.
    ends: Vec<(String, bool)>,
}

impl Seen {
    /// Whether another rehearsal did the same, as far as a policy can matter.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let code = |outcome: &Outcome| match outcome {
            Outcome::Failed { code, .. } => Some(code.clone()),
            Outcome::Succeeded { .. }
            | Outcome::Rejected { .. }
            | Outcome::InvalidInput { .. }
            | Outcome::Denied { .. }
            | Outcome::Unavailable { .. }
            | Outcome::TimedOut { .. }
            | Outcome::Cancelled { .. }
            | Outcome::PluginFault { .. }
            | Outcome::Internal { .. } => None,
        };
        let refused = |seen: &Self| -> BTreeSet<(String, String)> {
            let denials = seen.denials.iter();
            denials
                .map(|denial| (denial.capability.to_string(), denial.scope.clone()))
                .collect()
        };
        std::mem::discriminant(&self.outcome) == std::mem::discriminant(&other.outcome)
            && code(&self.outcome) == code(&other.outcome)
            && self.observed.changed == other.observed.changed
            && self.ends == other.ends
            && refused(self) == refused(other)
    }
}

impl<'a> Stage<'a> {
    /// Prepares rehearsals. The first Ctrl-C ends the one that goes on.
    pub(crate) fn new(
        places: &'a Places,
        owner: &Owner,
        loaded: &'a Loaded,
        inputs: RawInputs,
    ) -> Result<Self, Stop> {
        let runtime = wiring::runtime()?;
        let cancel = Cancel::new();
        runtime.block_on(async { wiring::cancel_on_signals(&cancel) })?;
        // What was fit for the real workspace; the copy lies elsewhere.
        let search = match owner.search() {
            Some(listed) => SearchPath::listed(listed, owner.workspace()),
            None => SearchPath::new(std::env::var_os("PATH").as_deref(), owner.workspace()),
        };
        let temporary = std::env::temp_dir();
        let home = HostDirectory::new(&temporary).map_err(|error| {
            Stop::usage(
                format!("nothing can be copied to {}: {error}", temporary.display()),
                "check that it can be written, or set TMPDIR",
            )
        })?;
        Ok(Self {
            places,
            loaded,
            inputs,
            role: None,
            timeout: None,
            workspace: owner.workspace().to_owned(),
            search: search.directories().to_vec(),
            runtime,
            cancel,
            home,
        })
    }

    /// Whether someone asked to end.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.reason().is_some()
    }

    /// Runs the plugin in a fresh copy, under what the owner says and what is supposed.
    ///
    /// # Errors
    /// It is denied, or cannot be copied or wired.
    pub(crate) fn run(&self, owner: &Owner, supposed: Supposed) -> Result<Seen, Stop> {
        let room = self
            .home
            .run()
            .map_err(|error| Stop::Internal(error.into()))?;
        let copy = room.temporary().to_owned();
        let owner = owner.supposing(Supposed {
            workspace: copy.clone(),
            search: self.search.clone(),
            ..supposed
        })?;
        let grants = match owner.decide_as_written(self.loaded)? {
            Decided::Granted(grants) => *grants,
            Decided::Denied(denials) => return Err(Stop::Denied(denials)),
        };
        let copied = self.copy(&grants, &copy)?;
        let (outcome, events, used) = self.runtime.block_on(self.attempt(&owner, grants))?;
        let mut seen = Seen {
            outcome,
            observed: used.into_observed(&copied),
            denials: Vec::new(),
            copied,
            ends: Vec::new(),
        };
        for event in &events {
            seen.take(event);
        }
        seen.ends.sort_unstable();
        Ok(seen)
    }

    /// Copies the workspace, but not what the plugin must not read.
    fn copy(&self, grants: &Grants, to: &Path) -> Result<Copied, Stop> {
        let open = |path: &Path| {
            Dir::open_ambient_dir(path, ambient_authority()).map_err(|error| {
                Stop::usage(
                    format!("cannot open {}: {error}", path.display()),
                    "check its permissions",
                )
            })
        };
        let hidden = |path: &RelPath| {
            let mut patterns = grants.patterns(Access::Read);
            patterns.any(|pattern| pattern.denies(path))
        };
        remit_workspace::copy(&open(&self.workspace)?, &open(to)?, &hidden)
            .map_err(|error| Stop::usage(error.to_string(), "nothing was run"))
    }

    async fn attempt(
        &self,
        owner: &Owner,
        grants: Grants,
    ) -> Result<(Outcome, Vec<Event>, Used), Stop> {
        let run_id = wiring::new_run_id();
        let kept = Kept::default();
        let used = Arc::new(Uses::default());
        let watchers: Vec<Box<dyn Watcher>> = vec![Box::new(kept.clone())];
        let journal = Journal::start(run_id.clone(), system_clock(), watchers)
            .map_err(|error| Stop::Internal(error.into()))?;
        let summary = wiring::summary(&grants);
        let request = wiring::request(self.loaded, summary, self.inputs.clone(), run_id, self.role);
        let surroundings = wiring::Surroundings {
            journal,
            cancel: self.cancel.clone(),
            timeout: self.timeout,
            // A rehearsal is made more than once, and nobody wants to be asked by a copy.
            person: None,
            rehearsal: Some(wiring::Rehearsal {
                observer: Arc::clone(&used) as Arc<dyn Observer>,
                confinement: MINIMUM_CONFINEMENT,
            }),
            recording: None,
        };
        let tools = Arc::new(wiring::tool_box_without_origins(owner)?);
        let box_of_run = Arc::clone(&tools);
        let wired = wiring::wire(
            self.places,
            owner,
            self.loaded,
            grants,
            box_of_run,
            surroundings,
        )
        .await?;
        let outcome = attempt::run(&wired.plugin, &wired.host, request).await;
        tools.close().await;
        let used = std::mem::take(&mut *lock(&used.0));
        let events = std::mem::take(&mut *lock(&kept.0));
        Ok((outcome, events, used))
    }
}

impl Seen {
    fn take(&mut self, event: &Event) {
        match event {
            Event::ToolStarted {
                tool,
                template,
                directory,
                ..
            } => {
                // Both names were parsed before the tool was started.
                if let (Ok(tool), Ok(template)) = (tool.parse(), template.parse()) {
                    let directory = RelPath::parse(directory).ok();
                    self.observed.calls.insert(Called {
                        tool,
                        template,
                        directory,
                    });
                }
            }
            Event::ToolFinished { tool, success, .. } => self.ends.push((tool.clone(), *success)),
            Event::Denied { denial } => self.denials.push(denial.clone()),
            Event::FilesChanged { changes, more } => {
                let paths = changes.iter().map(|change| change.path.clone());
                self.observed.changed.extend(paths);
                if *more {
                    self.observed.directories.clear();
                }
            }
            Event::RunFinished { outcome, .. } => {
                if let Outcome::Denied { denials, .. } = outcome {
                    let known = |denial: &Denial| self.denials.contains(denial);
                    let new: Vec<Denial> =
                        denials.iter().filter(|one| !known(one)).cloned().collect();
                    self.denials.extend(new);
                }
            }
            Event::RunStarted { .. }
            | Event::InputsAccepted { .. }
            | Event::Step { .. }
            | Event::Percent { .. }
            | Event::Log { .. }
            | Event::Produced { .. }
            | Event::CheckpointSaved { .. }
            | Event::ApprovalRevoked { .. }
            | Event::ClaimsDiffer { .. }
            | Event::ToolOutput { .. }
            | Event::HttpRequested { .. }
            | Event::HttpFinished { .. }
            | Event::ToolRefused { .. } => {}
        }
    }
}

/// Names of variables among scopes.
pub(crate) fn variables(scopes: &[Scope]) -> Vec<String> {
    let names = scopes.iter().filter_map(|scope| match scope {
        Scope::Env(name) => Some(name.to_string()),
        Scope::Read(_)
        | Scope::Write(_)
        | Scope::Run(_)
        | Scope::RunAny
        | Scope::Net(_)
        | Scope::NetAny => None,
    });
    names.collect()
}

/// Keeps the events of a rehearsal, but what tools print.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Event>>>);

impl Watcher for Kept {
    fn record(&mut self, record: &Record) {
        if !matches!(record.event, Event::ToolOutput { .. } | Event::Log { .. }) {
            lock(&self.0).push(record.event.clone());
        }
    }
}

/// What a plugin used so far.
#[derive(Debug, Default)]
struct Used {
    read: BTreeSet<RelPath>,
    written: BTreeSet<RelPath>,
    asked: BTreeSet<Called>,
    more: bool,
}

impl Used {
    fn into_observed(self, copied: &Copied) -> Observed {
        Observed {
            read: self.read,
            written: self.written,
            calls: self.asked,
            // With more paths than are remembered nobody can say what was not used.
            directories: if self.more {
                BTreeSet::new()
            } else {
                copied.directories.iter().cloned().collect()
            },
            ..Observed::default()
        }
    }
}

/// Sees what a plugin uses.
#[derive(Debug, Default)]
struct Uses(Mutex<Used>);

impl Observer for Uses {
    fn used(&self, access: Access, path: &RelPath) {
        let mut used = lock(&self.0);
        let paths = match access {
            Access::Read => &mut used.read,
            Access::Write => &mut used.written,
        };
        if paths.contains(path) {
            return;
        }
        if paths.len() < MAX_USED {
            paths.insert(path.clone());
        } else {
            used.more = true;
        }
    }

    fn asked(&self, launch: &Launch) {
        // At most as many as there are templates and directories that may be used.
        let mut used = lock(&self.0);
        if used.asked.len() < MAX_USED {
            used.asked.insert(Called {
                tool: launch.tool().clone(),
                template: launch.template().clone(),
                directory: match launch.directory() {
                    Directory::Workspace(path) => Some(path.clone()),
                    Directory::Fixed(_) => None,
                },
            });
        }
    }
}

/// A poisoned lock only means that another thread panicked while it held plain data.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
