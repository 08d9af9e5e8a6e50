//! `remit validate`: all that is wrong with inputs, against the plugin's schema and its own rules.

use std::path::PathBuf;
use std::sync::Arc;

use remit_core::outcome::ExitCode;
use remit_engine::attempt::{Described, check_inputs};
use remit_engine::plugin::{Instance, Plugin as _};
use serde_json::json;

use super::target::{Inputs, Rules, Target};
use crate::asking::{PATIENCE, powerless};
use crate::exit::Stop;
use crate::loading;
use crate::owner::Owner;
use crate::places::Places;
use crate::wiring;

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
        let host = powerless(
            owner.workspace(),
            &loaded,
            Arc::new(wiring::tool_box(&owner)?),
        )?;
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
