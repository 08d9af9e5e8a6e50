//! `remit schema`: the JSON Schema of a plugin's inputs or outputs, from the plugin itself.

use remit_core::outcome::ExitCode;
use serde_json::Value;

use super::target::Target;
use super::validate::with_instance;
use crate::exit::Stop;

/// Prints the JSON Schema of a plugin's inputs
///
/// A plugin without one prints {} and accepts anything.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,

    /// A policy file, above the user's own and the workspace's; it may name the plugin's file
    #[arg(long, value_name = "FILE")]
    policy: Option<std::path::PathBuf>,

    /// The schema of the outputs instead
    #[arg(long)]
    output: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let output = args.output;
    with_instance(&args.target, args.policy.clone(), async move |instance| {
        let descriptor = instance
            .describe()
            .await
            .map_err(|fault| Stop::Plugin(fault.to_string()))?;
        let text = if output {
            descriptor.output_schema
        } else {
            descriptor.input_schema
        };
        let schema: Value = serde_json::from_str(&text)
            .map_err(|error| Stop::Plugin(format!("the plugin's schema is not JSON: {error}")))?;
        super::print_json(&schema)?;
        Ok(ExitCode::Ok)
    })
}
