//! `remit gc`: gives back the room of runs that finished long ago.
//!
//! Never: a run that goes on, or a part of one.

use anstream::println;
use remit_core::outcome::ExitCode;
use remit_core::quantity::TimeSpan;
use remit_ledger::{GcPlan, collect_garbage};
use serde_json::json;

use crate::exit::Stop;
use crate::ledger_file::{Choice, stop};
use crate::render::{BOLD, DIM};
use crate::timeline::now_ms;

/// Removes runs from the ledger that finished long ago, and artifacts that nobody names
///
/// What was removed is gone: remit ledger export keeps it. Files in the workspace stay. For
/// example: remit gc --older-than 720h --dry-run
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Runs that finished longer ago than this: 90m or 720h
    #[arg(long, value_name = "TIME")]
    older_than: TimeSpan,

    /// But never the newest so many of them
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    keep: usize,

    /// Only says what would be removed
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    ledger: Choice,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let age = u64::try_from(args.older_than.get().as_millis()).unwrap_or(u64::MAX);
    let plan = GcPlan {
        before_ms: now_ms().saturating_sub(age),
        keep: args.keep,
        dry_run: args.dry_run,
    };
    let report = collect_garbage(&args.ledger.path()?, &plan).map_err(stop)?;
    if args.json {
        super::print_json(&json!({
            "dry-run": args.dry_run,
            "runs": report.runs,
            "tasks": report.tasks,
            "events": report.events,
            "artifacts": report.artifacts,
            "artifact-bytes": report.artifact_bytes,
        }))?;
        return Ok(ExitCode::Ok);
    }
    for run in &report.runs {
        println!("{BOLD}{run}{BOLD:#}");
    }
    let word = if args.dry_run {
        "would be removed"
    } else {
        "removed"
    };
    println!(
        "{word}: {} runs with {} tasks {DIM}({} events, {} artifacts of {} bytes){DIM:#}",
        report.runs.len(),
        report.tasks,
        report.events,
        report.artifacts,
        report.artifact_bytes
    );
    Ok(ExitCode::Ok)
}
