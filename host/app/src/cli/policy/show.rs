//! `remit policy show`: every rule that counts, and where it comes from.

use anstream::println;
use remit_core::hook::{EventPattern, Hook};
use remit_core::outcome::ExitCode;
use remit_core::policy::DeclaredHook;
use serde_json::{Value, json};

use super::super::target::Rules;
use crate::exit::Stop;
use crate::owner::Owner;
use crate::places::Places;
use crate::printable::printable;
use crate::render::{BAD, BOLD, DIM, GOOD, NOTE};

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
        let mut rows: Vec<_> = lines.iter().map(super::row).collect();
        rows.extend(owner.policy().hooks().iter().map(hook_row));
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
    for declared in owner.policy().hooks() {
        println!(
            "{NOTE}hook{NOTE:#}  {BOLD}{}{BOLD:#} on {}  {DIM}{}:{}{DIM:#}",
            declared.hook().tool(),
            patterns(declared.hook()).join(", "),
            printable(&declared.origin().to_string()),
            declared.line()
        );
    }
    Ok(ExitCode::Ok)
}

fn patterns(hook: &Hook) -> Vec<&str> {
    hook.on().iter().map(EventPattern::as_str).collect()
}

fn hook_row(declared: &DeclaredHook) -> Value {
    json!({
        "effect": "hook",
        "on": patterns(declared.hook()),
        "tool": declared.hook().tool(),
        "origin": declared.origin(),
        "line": declared.line(),
    })
}
