//! `remit contract list`: the contracts of a workspace.

use std::path::PathBuf;

use anstream::println;
use remit_core::contract::{Contract, PhaseId};
use remit_core::outcome::ExitCode;
use serde_json::json;

use super::readmes;
use crate::contract_facts::open;
use crate::exit::Stop;
use crate::files;
use crate::printable::printable;
use crate::render::{BAD, BOLD, DIM};

/// Lists the contracts of the phases in a workspace
///
/// A README with mistakes is listed too; `remit contract show FILE` says which. The contract of
/// the execution that remit brings itself is listed where the workspace has none.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
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

/// One contract, or one that would be one.
struct Row {
    phase: PhaseId,
    name: String,
    title: String,
    gate: Option<String>,
    mistakes: usize,
}

impl Row {
    fn of(contract: &Contract) -> Self {
        let gate = contract.readiness.gate.as_ref();
        Self {
            phase: contract.phase,
            name: contract.name.clone(),
            title: contract.title.clone(),
            gate: gate.map(|gate| gate.word().to_owned()),
            mistakes: 0,
        }
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let rows = rows(args)?;
    if args.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({
                    "phase": row.phase.to_string(),
                    "contract": row.name,
                    "title": row.title,
                    "production-gate": row.gate,
                    "mistakes": row.mistakes,
                })
            })
            .collect();
        crate::cli::print_json(&rows)?;
        return Ok(ExitCode::Ok);
    }
    for row in rows {
        let name = printable(&row.name);
        let title = printable(&row.title);
        if row.mistakes > 0 {
            let count = row.mistakes;
            let s = if count == 1 { "" } else { "s" };
            println!(
                "{BOLD}{}{BOLD:#}  {name}  {BAD}{count} mistake{s}{BAD:#}",
                row.phase
            );
        } else {
            println!("{BOLD}{}{BOLD:#}  {name}  {DIM}{title}{DIM:#}", row.phase);
        }
    }
    Ok(ExitCode::Ok)
}

fn rows(args: &Args) -> Result<Vec<Row>, Stop> {
    let root = open(&files::real_dir(&args.directory)?)?;
    let mut rows = Vec::new();
    for readme in readmes(&root)? {
        match readme.contract() {
            Ok(Some(contract)) => rows.push(Row::of(&contract)),
            Ok(None) => {}
            Err(found) => rows.push(Row {
                phase: readme.phase,
                name: readme.path,
                title: String::new(),
                gate: None,
                mistakes: found.list().len(),
            }),
        }
    }
    if !rows.iter().any(|row| row.phase == PhaseId::EXECUTION) {
        rows.push(Row::of(&Contract::built_in()?));
        rows.sort_by_key(|row| row.phase);
    }
    Ok(rows)
}
