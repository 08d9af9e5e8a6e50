//! `remit runs`: the runs in a ledger.
//!
//! Never: a run that is changed.

use anstream::println;
use remit_core::durable::Phase;
use remit_core::outcome::ExitCode;

use crate::exit::Stop;
use crate::ledger_file::{Choice, stop};
use crate::printable::printable;
use crate::render::{BOLD, DIM, json, phase};
use crate::timeline::{now_ms, rfc3339};
use crate::wiring;

/// Lists the runs that have not finished
///
/// The newest first. For example: remit runs --all
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Also those that have finished
    #[arg(short, long)]
    all: bool,

    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,

    #[command(flatten)]
    ledger: Choice,

    /// Prints one JSON array on standard output
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    wiring::runtime()?.block_on(async {
        let ledger = args.ledger.open()?;
        let runs = ledger.runs(!args.all, args.limit).await.map_err(stop)?;
        if args.json {
            let rows: Vec<_> = runs.iter().map(json::run).collect();
            super::print_json(&rows)?;
            return Ok(ExitCode::Ok);
        }
        for view in &runs {
            let counts = &view.counts;
            let to = view.finished_ms.unwrap_or_else(now_ms);
            let what = view.settings.title.as_ref().unwrap_or(&view.source);
            println!(
                "{BOLD}{}{BOLD:#}  {}  {}/{} completed  {}  {DIM}{}  {}{DIM:#}",
                view.run,
                phase::run_word(view),
                counts.of(Phase::Completed),
                counts.total(),
                phase::duration(to.saturating_sub(view.submitted_ms)),
                rfc3339(view.submitted_ms),
                printable(what)
            );
        }
        if runs.is_empty() {
            let finished = ledger.runs(false, 1).await.map_err(stop)?;
            if args.all || finished.is_empty() {
                println!("the ledger has no runs; `remit execute PLAN` begins one");
            } else {
                println!("no run is open; `remit runs --all` lists those that have finished");
            }
        }
        Ok(ExitCode::Ok)
    })
}
