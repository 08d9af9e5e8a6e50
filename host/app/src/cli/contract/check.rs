//! `remit contract check`: every item of one side of a contract, with what is missing and the fix.

use anstream::println;
use clap::ValueEnum;
use remit_core::contract::{self, CheckedItem, Report, Standing};
use remit_core::outcome::ExitCode;
use serde_json::{Value, json};

use super::choose;
use crate::contract_facts::{LedgerFacts, WorkspaceFacts};
use crate::exit::Stop;
use crate::files;
use crate::ledger_file::Choice;
use crate::printable::printable;
use crate::render::{BAD, BOLD, DIM, GOOD, NOTE, WARN};
use crate::wiring;

/// Holds the contract of a phase against the workspace
///
/// Says for each item whether it is met, what is missing, and what would mend it. Ends with 0 if
/// nothing is unmet, with 1 if something is; a warning stops nothing. For example:
///
///   remit contract check entry --phase phase5
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// What has to be there before the phase begins, or when it is over
    side: Side,

    /// A phase of this workspace, such as phase5, or a README; without it: the execution
    #[arg(long, value_name = "ID|FILE")]
    phase: Option<String>,

    #[command(flatten)]
    ledger: Choice,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Side {
    Entry,
    Exit,
}

impl Side {
    fn word(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Exit => "exit",
        }
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let workspace = files::real_dir(args.ledger.workspace())?;
    let contract = choose(args.phase.as_deref(), &workspace)?;
    let side = match args.side {
        Side::Entry => contract::Side::Entry,
        Side::Exit => contract::Side::Exit,
    };
    let path = args.ledger.path()?;
    let runtime = wiring::runtime()?;
    let ledger = runtime.block_on(LedgerFacts::gather(&path))?;
    let facts = WorkspaceFacts::of(&workspace, ledger)?;
    let report = contract::check(&contract, side, &facts);
    let side = args.side.word();
    if args.json {
        crate::cli::print_json(&json!({
            "phase": report.phase.to_string(),
            "side": side,
            "contract": contract.name,
            "met": report.is_met(),
            "items": report.items.iter().map(row).collect::<Vec<_>>(),
        }))?;
    } else {
        let name = printable(&contract.name);
        println!("{BOLD}{} {side}{BOLD:#} {DIM}({name}){DIM:#}", report.phase);
        for checked in &report.items {
            print(checked);
        }
        println!("{}", summary(&report));
    }
    Ok(if report.is_met() {
        ExitCode::Ok
    } else {
        ExitCode::Failed
    })
}

fn print(checked: &CheckedItem) {
    let (style, word, more) = match &checked.standing {
        Standing::Met => (GOOD, "met", None),
        Standing::Unmet { missing, fix } => (BAD, "unmet", Some((missing, fix))),
        Standing::Warning { missing, fix } => (WARN, "warning", Some((missing, fix))),
    };
    let item = checked.item.to_string();
    println!(
        "  {style}{word:<7}{style:#} {}: {} {DIM}(line {}){DIM:#}",
        checked.key,
        printable(&item),
        checked.item.line
    );
    if let Some((missing, fix)) = more {
        println!("          {}", printable(missing));
        println!("          {NOTE}fix:{NOTE:#} {}", printable(fix));
    }
}

fn summary(report: &Report) -> String {
    let unmet = report.unmet().count();
    let warnings = report.warnings().count();
    let s = if warnings == 1 { "" } else { "s" };
    match (unmet, warnings) {
        (0, 0) => "all met".to_owned(),
        (0, _) => format!("nothing unmet, {warnings} warning{s}"),
        (_, 0) => format!("{unmet} of {} unmet", report.items.len()),
        (_, _) => format!(
            "{unmet} of {} unmet, {warnings} warning{s}",
            report.items.len()
        ),
    }
}

fn row(checked: &CheckedItem) -> Value {
    let item = json!({
        "key": checked.key,
        "item": checked.item.text,
        "comment": checked.item.comment,
        "line": checked.item.line,
    });
    let standing = match &checked.standing {
        Standing::Met => json!({"standing": "met"}),
        Standing::Unmet { missing, fix } => {
            json!({"standing": "unmet", "missing": missing, "fix": fix})
        }
        Standing::Warning { missing, fix } => {
            json!({"standing": "warning", "missing": missing, "fix": fix})
        }
    };
    let parts = [item, standing].into_iter();
    let parts = parts.filter_map(|part| part.as_object().cloned());
    Value::Object(parts.flatten().collect())
}
