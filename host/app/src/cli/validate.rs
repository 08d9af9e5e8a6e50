//! `remit validate`: all that is wrong with inputs, against the plugin's schema and its own rules.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use remit_core::decide::decide;
use remit_core::manifest::Manifest;
use remit_core::outcome::ExitCode;
use remit_core::policy::Policy;
use remit_engine::attempt::{Described, check_inputs};
use remit_engine::cancel::Cancel;
use remit_engine::host::{Identity, PluginHost, World};
use remit_engine::journal::{Journal, system_clock};
use remit_engine::plugin::{Instance, Plugin as _};
use remit_ledger::MemoryState;
use serde_json::json;

use super::target::{Inputs, Rules, Target};
use crate::exit::Stop;
use crate::loading::{self, Loaded};
use crate::owner::Owner;
use crate::places::Places;
use crate::wiring;

/// How long a plugin may take to describe itself and check inputs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Checks inputs against a plugin's schema and its own rules; no work is done
///
/// Prints every problem at once. The plugin is asked, and may do nothing while it answers.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    inputs: Inputs,

    /// A policy file, above the user's own and the workspace's; it may name the plugin's file
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Result<ExitCode, Stop> {
    let inputs = args.inputs.read()?;
    let json = args.json;
    with_instance(&args.target, args.policy, async move |instance| {
        let (value, problems) = check_inputs(instance, &inputs, &Described::default())
            .await
            .map_err(|fault| Stop::Plugin(fault.to_string()))?;
        if json {
            super::print_json(&json!({
                "valid": problems.is_empty(), "problems": problems, "inputs": value,
            }))?;
        } else if problems.is_empty() {
            anstream::println!("the inputs are valid");
        }
        match problems.is_empty() {
            true => Ok(ExitCode::Ok),
            false if json => Ok(ExitCode::Usage),
            false => Err(Stop::Inputs(problems)),
        }
    })
}

/// Makes an instance that may do nothing at all, and hands it to `work`.
pub(super) fn with_instance(
    target: &Target,
    policy: Option<PathBuf>,
    work: impl AsyncFnOnce(&mut dyn Instance) -> Result<ExitCode, Stop>,
) -> Result<ExitCode, Stop> {
    let rules = Rules {
        policy,
        ..Rules::default()
    };
    let runtime = wiring::runtime()?;
    runtime.block_on(async {
        let places = Places::find()?;
        let owner = Owner::read(&places, &target.directory, &rules)?;
        let loaded = loading::find(&target.plugin, &owner)?;
        let memory = loaded.manifest.needs().memory().get();
        let plugin = wiring::load_plugin(&places, &owner, &loaded, memory).await?;
        let host = powerless(&owner, &loaded)?;
        let talk = async {
            let mut instance = plugin
                .instantiate(host, None)
                .await
                .map_err(|fault| Stop::Plugin(fault.to_string()))?;
            work(instance.as_mut()).await
        };
        tokio::time::timeout(PATIENCE, talk).await.map_err(|_| {
            Stop::Plugin(format!(
                "the plugin did not answer within {} s",
                PATIENCE.as_secs()
            ))
        })?
    })
}

/// The host side of an attempt that is granted nothing.
fn powerless(owner: &Owner, loaded: &Loaded) -> Result<Arc<PluginHost>, Stop> {
    let manifest = Manifest::parse(
        "nothing",
        &format!(
            "format = 1\nid = \"{}\"\nversion = \"0.0.0\"\nwit = \"remit:plugin@0.1.0\"\ntitle = \"nothing\"\n",
            loaded.manifest.id()
        ),
    )?;
    let grants = decide(&manifest, &Policy::layered(Vec::new())?, &loaded.digest)
        .map_err(|denials| Stop::Denied(denials.into_iter().collect()))?;
    let journal = Journal::start(wiring::new_run_id(), system_clock(), Vec::new())
        .map_err(|error| Stop::Internal(error.into()))?;
    let world = World {
        tools: Arc::new(wiring::tool_box(owner)?),
        state: Arc::new(MemoryState::new()),
        tree: wiring::untouched_tree(),
        durable: None,
    };
    let identity = Identity {
        plugin: loaded.manifest.id().to_string(),
        task: loaded.manifest.id().to_string(),
        workspace: owner.workspace().to_owned(),
        time: PATIENCE,
    };
    Ok(PluginHost::new(
        grants,
        world,
        identity,
        journal,
        Cancel::new(),
        false,
    ))
}
