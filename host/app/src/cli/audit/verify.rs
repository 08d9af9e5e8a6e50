//! `remit audit verify`: whether the log is as it was written.

use anstream::{eprintln, println};
use remit_core::audit::{Finding, Tampering, Verdict};
use remit_core::digest::Digest;
use remit_core::outcome::ExitCode;
use remit_ledger::AuditLog;
use serde_json::json;

use super::row;
use crate::exit::Stop;
use crate::places::Places;
use crate::printable::printable;
use crate::render::{self, DIM, GOOD, NOTE};
use crate::watch::audit;

/// Checks that nothing in the log was edited, deleted, moved or cut off
///
/// Prints the head: the hash of the last entry. Note it where nobody who can write the log can
/// write, and give it with --head later: then even a log that was written anew as a whole is
/// found. Ends with 0 if the log is as it was written, 1 if not.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A hash that was noted elsewhere; it must be in the log
    #[arg(long, value_name = "HASH")]
    head: Option<Digest>,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let places = Places::find()?;
    let verdict = AuditLog::in_directory(places.audit())
        .verify(args.head)
        .map_err(|error| audit::stop(&places, &error))?;
    if args.json {
        print_json(&places, &verdict)?;
    } else {
        print(&places, &verdict);
    }
    Ok(match verdict.finding {
        None => ExitCode::Ok,
        Some(_) => ExitCode::Failed,
    })
}

fn print_json(places: &Places, verdict: &Verdict) -> Result<(), Stop> {
    let file = verdict
        .finding
        .as_ref()
        .and_then(|finding| finding.place)
        .map(|place| row::file(places, place));
    super::super::print_json(&json!({
        "ok": verdict.finding.is_none(),
        "entries": verdict.entries,
        "head": verdict.last.hash,
        "torn": verdict.torn,
        "finding": verdict.finding,
        "file": file,
    }))
}

fn print(places: &Places, verdict: &Verdict) {
    match &verdict.finding {
        None => println!(
            "{GOOD}ok{GOOD:#} {}, all as they were written",
            count(verdict)
        ),
        Some(finding) => print_finding(places, verdict, finding),
    }
    if let Some(bytes) = verdict.torn {
        println!(
            "{NOTE}note:{NOTE:#} the last line is torn ({bytes} bytes): remit was ended while it \
             wrote it; the next run says so in the log"
        );
    }
    if verdict.finding.is_none() && verdict.entries > 0 {
        println!(
            "head {}  {DIM}note it elsewhere; later: remit audit verify --head HASH{DIM:#}",
            verdict.last.hash
        );
    }
}

fn print_finding(places: &Places, verdict: &Verdict, finding: &Finding) {
    let what = if matches!(finding.tampering, Tampering::Newer { .. }) {
        "cannot be judged"
    } else {
        "was changed"
    };
    eprintln!("{} the audit log {what}", render::error_word());
    let place = finding.place.map(|place| {
        let file = row::file(places, place);
        format!("{}:{}: ", file.display(), place.line)
    });
    eprintln!(
        "  {}{}",
        printable(&place.unwrap_or_default()),
        printable(&finding.tampering.to_string())
    );
    eprintln!("  before it: {}, as they were written", count(verdict));
}

fn count(verdict: &Verdict) -> String {
    match verdict.entries {
        1 => "1 entry".to_owned(),
        count => format!("{count} entries"),
    }
}
