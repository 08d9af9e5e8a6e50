//! `remit policy show`: every rule that counts, and where it comes from.

use anstream::println;
use remit_core::outcome::ExitCode;

use super::super::target::Rules;
use crate::exit::Stop;
use crate::owner::Owner;
use crate::places::Places;
use crate::printable::printable;
use crate::render::{BAD, BOLD, DIM, GOOD};

/// Shows every rule, in rising precedence, with the file and line where it was written
///
/// Your own policy file comes first, then the workspace's remit.toml if you trust it, the file
/// given with --policy, and the flags. A deny beats every allow, wherever it is written.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
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

pub(super) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let owner = Owner::read(&Places::find()?, &args.directory, &args.rules)?;
    let lines = owner.policy().rule_lines();
    if args.json {
        let rows: Vec<_> = lines.iter().map(super::row).collect();
        crate::cli::print_json(&rows)?;
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
        println!(
            "{effect} {BOLD}{plugin}{BOLD:#} {}  {DIM}{}{DIM:#}",
            printable(&line.rule),
            printable(&line.place())
        );
    }
    Ok(ExitCode::Ok)
}
