//! `remit policy`: every rule that counts, and where it comes from.

use anstream::println;
use clap::Subcommand;
use remit_core::outcome::ExitCode;
use remit_core::policy::Origin;
use serde_json::json;

use super::target::Rules;
use crate::exit::Stop;
use crate::owner::Owner;
use crate::places::Places;
use crate::printable::printable;
use crate::render::{BAD, BOLD, DIM, GOOD};

/// Shows the rules that count
///
/// For example: remit policy show --policy policy.toml
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Show(ShowArgs),
}

/// Shows every rule, in rising precedence, with the file and line where it was written
///
/// Your own policy file comes first, then the workspace's remit.toml if you trust it, the file
/// given with --policy, and the flags. A deny beats every allow, wherever it is written.
#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The workspace whose policy counts
    #[arg(
        short = 'C',
        long = "directory",
        value_name = "DIR",
        default_value = "."
    )]
    directory: std::path::PathBuf,

    #[command(flatten)]
    rules: Rules,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let Command::Show(args) = &args.command;
    let owner = Owner::read(&Places::find()?, &args.directory, &args.rules)?;
    let lines = owner.policy().rule_lines();
    if args.json {
        let rows: Vec<_> = lines
            .iter()
            .map(|line| {
                json!({
                    "plugin": line.plugin.as_ref().map(ToString::to_string),
                    "effect": if line.deny { "deny" } else { "allow" },
                    "capability": line.capability,
                    "rule": line.rule,
                    "origin": line.origin,
                    "line": line.line,
                })
            })
            .collect();
        super::print_json(&rows)?;
        return Ok(ExitCode::Ok);
    }
    if lines.is_empty() {
        println!("no rule allows anything: every request of every plugin is denied");
    }
    for line in &lines {
        let plugin = match &line.plugin {
            Some(plugin) => plugin.to_string(),
            None => "the plugin that runs".to_owned(),
        };
        let effect = if line.deny {
            format!("{BAD}deny{BAD:#} ")
        } else {
            format!("{GOOD}allow{GOOD:#}")
        };
        // A flag is its own place.
        let place = match &line.origin {
            Origin::Flag(_) => "command line".to_owned(),
            file @ (Origin::BuiltIn
            | Origin::User(_)
            | Origin::Workspace(_)
            | Origin::File(_)
            | Origin::Approval(_)) => {
                format!("{file}:{}", line.line)
            }
        };
        println!(
            "{effect} {BOLD}{plugin}{BOLD:#} {}  {DIM}{}{DIM:#}",
            printable(&line.rule),
            printable(&place)
        );
    }
    Ok(ExitCode::Ok)
}
