//! `remit grants`: what was approved, and whether it still is what is there.
//!
//! Never: a program that is started, a component that is run.

use std::path::{Path, PathBuf};

use anstream::println;
use remit_core::approval::{Approval, Difference, Standing};
use remit_core::outcome::ExitCode;
use serde_json::{Value, json};

use super::target::Rules;
use crate::approvals::Store;
use crate::exit::Stop;
use crate::loading;
use crate::owner::Owner;
use crate::pinning;
use crate::places::Places;
use crate::printable::printable;
use crate::render::{BAD, BOLD, DIM, GOOD};
use crate::wiring;

/// Lists what was approved, and whether it still is as it was
///
/// Looks at each component and at the programs of its tools; runs nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A policy file, above the user's own and the workspaces'; it may declare tools
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

/// What an approval is worth now.
enum Worth {
    Same,
    Changed(Box<Difference>),
    /// What it is about is not there to be looked at.
    Missing(String),
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let places = Places::find()?;
    let approvals = Store::at(places.approvals()).read()?;
    let runtime = wiring::runtime()?;
    let mut rows = Vec::with_capacity(approvals.len());
    for approval in &approvals {
        let worth = runtime.block_on(worth(&places, args, approval));
        if args.json {
            rows.push(row(approval, &worth));
        } else {
            print(approval, &worth);
        }
    }
    if args.json {
        super::print_json(&rows)?;
    } else if approvals.is_empty() {
        println!("nothing is approved");
    }
    Ok(ExitCode::Ok)
}

async fn worth(places: &Places, args: &Args, approval: &Approval) -> Worth {
    match look(places, args, approval).await {
        Ok(Standing::Same | Standing::Moved(_)) => Worth::Same,
        Ok(Standing::Changed(difference)) => Worth::Changed(difference),
        Err(stop) => Worth::Missing(super::plugin::brief(&stop)),
    }
}

async fn look(places: &Places, args: &Args, approval: &Approval) -> Result<Standing, Stop> {
    let loaded = loading::find_again(&approval.source)?;
    let rules = Rules {
        policy: args.policy.clone(),
        ..Rules::default()
    };
    let workspace = approval.workspace.as_deref().unwrap_or(".");
    let owner = Owner::read(places, Path::new(workspace), &rules)?;
    let tools = wiring::tool_box(&owner)?;
    pinning::standing(approval, &owner, &loaded, &tools).await
}

fn row(approval: &Approval, worth: &Worth) -> Value {
    let (standing, difference, missing) = match worth {
        Worth::Same => ("same", None, None),
        Worth::Changed(difference) => ("changed", Some(difference), None),
        Worth::Missing(what) => ("missing", None, Some(what)),
    };
    json!({
        "approval": approval,
        "standing": standing,
        "difference": difference,
        "missing": missing,
    })
}

fn print(approval: &Approval, worth: &Worth) {
    let standing = match worth {
        Worth::Same => format!("{GOOD}same{GOOD:#}"),
        Worth::Changed(_) => format!("{BAD}changed{BAD:#}"),
        Worth::Missing(_) => format!("{BAD}missing{BAD:#}"),
    };
    println!(
        "{BOLD}{}{BOLD:#}  {standing}  {BOLD}{} {}{BOLD:#}  {}",
        approval.id,
        approval.plugin,
        printable(&approval.version),
        printable(&approval.source.to_string())
    );
    let workspace = approval.workspace.as_deref().unwrap_or("any");
    println!(
        "  workspace {}  {DIM}{}{DIM:#}",
        printable(workspace),
        printable(&approval.time)
    );
    for scope in approval.allow.scopes() {
        println!("  {} {}", scope.capability(), printable(&scope.to_string()));
    }
    for tool in &approval.tools {
        let version = tool.version.as_deref().unwrap_or("");
        println!(
            "  {DIM}tool{DIM:#} {}  {DIM}{} {}{DIM:#}",
            tool.tool,
            printable(&tool.file.path),
            printable(version)
        );
    }
    match worth {
        Worth::Same => {}
        Worth::Changed(difference) => {
            for line in difference.to_string().lines() {
                println!("  {BAD}!{BAD:#} {}", printable(line));
            }
        }
        Worth::Missing(what) => println!("  {BAD}!{BAD:#} {}", printable(what)),
    }
}
