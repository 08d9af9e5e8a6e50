//! `remit policy`: the rules that count, what is wrong with them, why something is denied, and what
//! would be enough.

mod check;
mod explain;
mod learn;
mod show;

use clap::Subcommand;
use remit_core::outcome::ExitCode;
use remit_core::policy::RuleLine;
use serde_json::{Value, json};

use crate::exit::Stop;

/// Shows, checks and explains the rules that count; learns what a plugin needs
///
/// For example: remit policy show --policy policy.toml
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Show(show::Args),
    Check(check::Args),
    Explain(explain::Args),
    Learn(Box<learn::Args>),
}

pub(crate) fn run(args: Args) -> Result<ExitCode, Stop> {
    match args.command {
        Command::Show(args) => show::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Learn(args) => learn::run(&args),
    }
}

/// A rule for programs.
fn row(line: &RuleLine) -> Value {
    json!({
        "plugin": line.plugin.as_ref().map(ToString::to_string),
        "effect": if line.deny { "deny" } else { "allow" },
        "capability": line.capability,
        "rule": line.rule,
        "origin": line.origin,
        "line": line.line,
    })
}
