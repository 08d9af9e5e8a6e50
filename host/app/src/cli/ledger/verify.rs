//! `remit ledger verify`: whether the ledger is as it was written.
//!
//! Never: a repair.

use anstream::println;
use remit_core::outcome::ExitCode;
use remit_ledger::{FindingSeverity, LedgerReport, verify_ledger};
use serde_json::{Value, json};

use crate::exit::Stop;
use crate::ledger_file::{Choice, open_stop};
use crate::printable::printable;
use crate::render::{BAD, DIM, GOOD, WARN};

/// Checks that every history holds, and that nothing was edited, cut off or lost
///
/// Reads beside hosts that go on. Exit 0 if all is as it was written, or only something is left over
/// that means nothing; 1 if not.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    ledger: Choice,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let path = args.ledger.path()?;
    let report = verify_ledger(&path).map_err(open_stop)?;
    let ok = report
        .worst()
        .is_none_or(|worst| worst == FindingSeverity::Note);
    if args.json {
        super::super::print_json(&value(&report, ok))?;
    } else {
        print(&report, ok);
        println!("{DIM}{}{DIM:#}", printable(&path.display().to_string()));
    }
    Ok(if ok { ExitCode::Ok } else { ExitCode::Failed })
}

fn word(severity: FindingSeverity) -> &'static str {
    match severity {
        FindingSeverity::Note => "note",
        FindingSeverity::Derived => "derived",
        FindingSeverity::Damage => "damage",
    }
}

fn value(report: &LedgerReport, ok: bool) -> Value {
    let findings: Vec<Value> = report
        .findings
        .iter()
        .map(|one| {
            json!({
                "severity": word(one.severity), "place": one.place, "message": one.message,
            })
        })
        .collect();
    json!({
        "ok": ok,
        "format": report.format,
        "events": report.events,
        "runs": report.runs,
        "tasks": report.tasks,
        "artifacts": report.artifacts,
        "findings": findings,
        "more": report.more,
    })
}

fn print(report: &LedgerReport, ok: bool) {
    for one in &report.findings {
        let style = match one.severity {
            FindingSeverity::Note => DIM,
            FindingSeverity::Derived => WARN,
            FindingSeverity::Damage => BAD,
        };
        println!(
            "{style}{}{style:#} {}: {}",
            word(one.severity),
            printable(&one.place),
            printable(&one.message)
        );
    }
    if report.more > 0 {
        println!("{} more", report.more);
    }
    let (style, verdict) = if ok {
        (GOOD, "whole")
    } else {
        (BAD, "not whole")
    };
    println!(
        "{style}{verdict}{style:#}: {} events of {} runs with {} tasks, {} artifacts",
        report.events, report.runs, report.tasks, report.artifacts
    );
}
