//! Writes down a real run as a scenario: the workspace before it, what each tool was asked and did,
//! and what came of it.
//!
//! Never: a value of the environment; a file that the plugin may not read; anything before the run
//! has ended, so that the record itself changes nothing in the workspace.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use remit_core::event::Event;
use remit_core::grant::Grants;
use remit_core::outcome::Outcome;
use remit_core::path::RelPath;
use remit_engine::cancel::Cancel;
use remit_engine::seam::{Tools, WorkingTree};
use remit_scripted::{Collector, Looks, Recorder, SIDE_DIRECTORY, Taken, written};
use remit_workspace::Tree;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::exit::Stop;
use crate::files;
use crate::printable::printable;

/// The directory with the first content of the workspace, beside the other files.
const WORKSPACE: &str = "workspace";

/// A run that is written down.
pub(crate) struct Recording {
    file: PathBuf,
    collector: Collector,
    /// The workspace as it was before the run, if the plugin may read any of it.
    before: OnceLock<TempDir>,
    recorder: OnceLock<Arc<Recorder>>,
}

impl Recording {
    /// Will write to this file, which must not be there yet.
    ///
    /// # Errors
    /// It is there, or cannot be a scenario's name.
    pub(crate) fn new(file: &Path) -> Result<Arc<Self>, Stop> {
        if file.extension().is_none_or(|ending| ending != "toml") {
            return Err(Stop::usage(
                format!("{} is no name for a scenario", file.display()),
                "give it the ending .toml",
            ));
        }
        if files::is_file(file) {
            return Err(Stop::usage(
                format!("{} is there already", file.display()),
                "remove it first, or choose another name",
            ));
        }
        Ok(Arc::new(Self {
            file: file.to_owned(),
            collector: Collector::new(Cancel::new(), None),
            before: OnceLock::new(),
            recorder: OnceLock::new(),
        }))
    }

    /// Sees every event of the run.
    pub(crate) fn watcher(&self) -> Collector {
        self.collector.clone()
    }

    /// Stands before these tools, and keeps the workspace as it is now.
    ///
    /// # Errors
    /// The workspace cannot be copied.
    pub(crate) fn stand_before(
        &self,
        tools: Arc<dyn Tools>,
        workspace: &Path,
        grants: &Grants,
    ) -> Result<Arc<dyn Tools>, Stop> {
        if !grants.read_roots().is_empty() {
            let copy = tempfile::tempdir().map_err(|error| Stop::Internal(error.into()))?;
            let hidden = |path: &RelPath| {
                let roots = grants.read_roots();
                let on_the_way = roots.iter().any(|root| path.covers(root));
                !on_the_way && !grants.may_read(path)
            };
            remit_workspace::copy(&open(workspace)?, &open(copy.path())?, &hidden)
                .map_err(|error| Stop::usage(error.to_string(), "nothing was run"))?;
            // Called once for a run.
            drop(self.before.set(copy));
        }
        let looks = Arc::new(Looker(workspace.to_owned()));
        let recorder = Arc::new(Recorder::new(tools, looks, open(workspace)?));
        drop(self.recorder.set(Arc::clone(&recorder)));
        Ok(recorder)
    }

    /// Writes the scenario.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(crate) fn finish(&self, grants: &Grants, outcome: &Outcome) -> Result<(), Stop> {
        let calls = self
            .recorder
            .get()
            .map(|one| one.taken())
            .unwrap_or_default();
        let stem = self.file.file_stem().unwrap_or_default().to_string_lossy();
        let side = format!("{stem}{SIDE_DIRECTORY}");
        let beside = self.file.parent().unwrap_or_else(|| Path::new("."));
        let workspace = self.before.get().map(|_| format!("{side}/{WORKSPACE}"));
        let mut inputs = json!({});
        let mut changes = Vec::new();
        for event in self.collector.events() {
            if let Event::InputsAccepted { inputs: accepted } = event {
                inputs = accepted;
            } else if let Event::FilesChanged { changes: seen, .. } = event {
                changes = seen;
            }
        }
        let whole: Value = inputs;
        let scenario = written(
            &Taken {
                name: &stem,
                inputs: &whole,
                grants,
                calls: &calls,
                outcome,
                changes: &changes,
                workspace: workspace.as_deref(),
            },
            &side,
        );
        if let (Some(before), Some(name)) = (self.before.get(), &workspace) {
            let to = beside.join(name);
            files::make_empty(&to)?;
            remit_workspace::copy(&open(before.path())?, &open(&to)?, &|_| false)
                .map_err(|error| Stop::usage(error.to_string(), "the scenario is not written"))?;
        }
        for (name, bytes) in &scenario.files {
            files::write_new(&beside.join(name), bytes, false)?;
        }
        files::write_new(&self.file, scenario.text.as_bytes(), false)?;
        anstream::eprintln!(
            "recorded in {}; tools run: {}",
            printable(&self.file.display().to_string()),
            calls.len()
        );
        Ok(())
    }
}

fn open(path: &Path) -> Result<Dir, Stop> {
    Dir::open_ambient_dir(path, ambient_authority()).map_err(|error| {
        Stop::usage(
            format!("cannot open {}: {error}", path.display()),
            "check its permissions",
        )
    })
}

/// Looks at the workspace anew for each tool.
struct Looker(PathBuf);

#[async_trait]
impl Looks for Looker {
    async fn begin(&self) -> Option<Arc<dyn WorkingTree>> {
        let tree = Tree::begin(open(&self.0).ok()?).await.ok()?;
        Some(Arc::new(tree))
    }
}
