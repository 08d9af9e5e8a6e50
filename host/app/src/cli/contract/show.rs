//! `remit contract show`: what was read out of a README.

use std::path::PathBuf;

use anstream::println;
use remit_core::contract::{Contract, Item, PathRule, SafeModeCondition};
use remit_core::outcome::ExitCode;
use serde_json::{Map, Value, json};

use super::choose;
use crate::exit::Stop;
use crate::files;
use crate::printable::printable;
use crate::render::{BOLD, DIM};

/// Shows what remit reads out of the README of a phase
///
/// Every list with its items, the paths that no plugin may write, and how ready the phase says it
/// is. Mistakes are shown with their lines. For example: remit contract show phase5
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A README, or a phase of this workspace such as phase5
    #[arg(value_name = "FILE|ID")]
    contract: String,

    /// The workspace: the directory that the work is about
    #[arg(
        short = 'C',
        long = "directory",
        value_name = "DIR",
        default_value = "."
    )]
    directory: PathBuf,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let workspace = files::real_dir(&args.directory)?;
    let contract = choose(Some(&args.contract), &workspace)?;
    if args.json {
        crate::cli::print_json(&whole(&contract))?;
    } else {
        print(&contract);
    }
    Ok(ExitCode::Ok)
}

/// The lists of a contract under their keys, in the order of the document.
fn lists(contract: &Contract) -> Vec<(&'static str, Vec<&Item>)> {
    fn paths(list: &[PathRule]) -> Vec<&Item> {
        list.iter().map(|rule| &rule.item).collect()
    }
    let (entry, exit) = (&contract.entry, &contract.exit);
    vec![
        ("upstream_phases", contract.upstream.iter().collect()),
        ("downstream_phases", contract.downstream.iter().collect()),
        ("hard_blockers", contract.hard_blockers.iter().collect()),
        (
            "soft_dependencies",
            contract.soft_dependencies.iter().collect(),
        ),
        (
            "required_files",
            entry.files.iter().map(|need| &need.item).collect(),
        ),
        (
            "required_db_tables",
            entry.tables.iter().map(|need| &need.item).collect(),
        ),
        ("required_state_flags", entry.flags.iter().collect()),
        (
            "produced_files",
            exit.files.iter().map(|need| &need.item).collect(),
        ),
        (
            "updated_db_tables",
            exit.tables.iter().map(|need| &need.item).collect(),
        ),
        ("emitted_events", exit.events.iter().collect()),
        ("do_not_edit_directly", paths(&contract.not_by_hand)),
        ("ai_may_modify", paths(&contract.may_modify)),
        ("ai_must_not_modify", paths(&contract.must_not_modify)),
        (
            "ai_escalation_triggers",
            contract.escalation_triggers.iter().collect(),
        ),
        (
            "ai_safe_mode_conditions",
            contract.safe_mode_conditions.iter().collect(),
        ),
    ]
}

fn protected(contract: &Contract) -> Vec<String> {
    let paths = contract.protected_paths();
    paths.iter().map(ToString::to_string).collect()
}

fn whole(contract: &Contract) -> Value {
    let item =
        |item: &&Item| json!({"text": item.text, "comment": item.comment, "line": item.line});
    let lists: Map<String, Value> = lists(contract)
        .into_iter()
        .map(|(key, items)| (key.to_owned(), items.iter().map(item).collect()))
        .collect();
    let readiness = &contract.readiness;
    let safe_mode: Vec<&str> = contract
        .safe_mode()
        .into_iter()
        .map(SafeModeCondition::word)
        .collect();
    json!({
        "phase": contract.phase.to_string(),
        "title": contract.title,
        "contract": contract.name,
        "lists": lists,
        "protected": protected(contract),
        "noticed-triggers": contract.triggers(),
        "noticed-safe-mode": safe_mode,
        "readiness": {
            "maturity-level": readiness.maturity,
            "risk-profile": readiness.risks,
            "production-gate": readiness.gate.as_ref().map(|gate| gate.word()),
            "production": readiness.allows_production().is_ok(),
        },
    })
}

fn print(contract: &Contract) {
    let name = printable(&contract.name);
    println!("{BOLD}{}{BOLD:#} {DIM}({name}){DIM:#}", contract.phase);
    println!("{}", printable(&contract.title));
    for (key, items) in lists(contract) {
        println!(
            "\n{BOLD}{key}{BOLD:#}{}",
            if items.is_empty() { ": none" } else { "" }
        );
        for item in items {
            println!(
                "  {} {DIM}(line {}){DIM:#}",
                printable(&item.to_string()),
                item.line
            );
        }
    }
    println!("\n{BOLD}no plugin may write{BOLD:#}");
    for path in protected(contract) {
        println!("  {}", printable(&path));
    }
    let readiness = &contract.readiness;
    println!("\n{BOLD}readiness{BOLD:#}");
    let maturity = readiness.maturity.as_deref().unwrap_or("not said");
    println!("  maturity_level: {}", printable(maturity));
    for (risk, level) in &readiness.risks {
        println!("  {}: {}", printable(risk), printable(level));
    }
    let gate = readiness
        .gate
        .as_ref()
        .map_or("not said", |gate| gate.word());
    println!("  production_gate: {}", printable(gate));
    if let Err(reason) = readiness.allows_production() {
        println!("  no production: {}", printable(&reason.to_string()));
    }
}
