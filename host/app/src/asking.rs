//! Asks a plugin what needs no grant: what it is, and whether inputs are right.
//!
//! Never: a grant, or a trace of what it does while it answers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use remit_core::decide::decide;
use remit_core::event::Event;
use remit_core::manifest::Manifest;
use remit_core::policy::Policy;
use remit_engine::cancel::Cancel;
use remit_engine::host::{Identity, PluginHost, World};
use remit_engine::journal::{Journal, Sink};
use remit_engine::seam::Tools;
use remit_ledger::MemoryState;

use crate::exit::Stop;
use crate::loading::Loaded;
use crate::wiring;

/// How long a plugin may take to describe itself and check inputs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The host side of an attempt that is granted nothing.
pub(crate) fn powerless(
    workspace: &Path,
    loaded: &Loaded,
    tools: Arc<dyn Tools>,
) -> Result<Arc<PluginHost>, Stop> {
    let manifest = Manifest::parse(
        "nothing",
        &format!(
            "format = 1\nid = \"{}\"\nversion = \"0.0.0\"\nwit = \"remit:plugin@0.1.0\"\ntitle = \"nothing\"\n",
            loaded.manifest.id()
        ),
    )?;
    let grants = decide(&manifest, &Policy::layered(Vec::new())?, &loaded.digest)
        .map_err(|denials| Stop::Denied(denials.into_iter().collect()))?;
    let world = World {
        tools,
        state: Arc::new(MemoryState::new()),
        tree: wiring::untouched_tree(),
        http: None,
        scratch: None,
        person: None,
        durable: None,
    };
    let identity = Identity {
        plugin: loaded.manifest.id().to_string(),
        task: loaded.manifest.id().to_string(),
        workspace: workspace.to_owned(),
        time: PATIENCE,
    };
    Ok(PluginHost::new(
        grants,
        world,
        identity,
        Journal::direct(Arc::new(Unwatched)),
        Cancel::new(),
        false,
    ))
}

/// Nobody watches.
pub(crate) struct Unwatched;

#[async_trait]
impl Sink for Unwatched {
    async fn take(&self, _event: Event) {}
    async fn settle(&self) {}
}
