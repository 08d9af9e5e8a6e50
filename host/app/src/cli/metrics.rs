//! `remit metrics`: the six numbers of durable execution, counted from the entries of the ledger.
//!
//! Never: a number that a recount would not give.

use remit_core::durable::Metrics;
use remit_core::outcome::ExitCode;

use super::host_history;
use crate::exit::Stop;
use crate::ledger_file::Choice;
use crate::{stdout, wiring};

/// Counts what happened, in Prometheus' text format
///
/// Over all runs of the ledger: tasks_executed_total, task_success_rate, task_duration_seconds,
/// circuit_breaker_state, retry_attempts_total, acceptance_test_pass_rate.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    ledger: Choice,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    wiring::runtime()?.block_on(async {
        let ledger = args.ledger.open()?;
        let mut metrics = Metrics::default();
        host_history::each(ledger.as_ref(), |entry| metrics.apply(entry)).await?;
        if args.json {
            super::print_json(&metrics.json())?;
        } else {
            // That nobody reads is no fault.
            let _closed = stdout::line(metrics.prometheus().trim_end());
        }
        Ok(ExitCode::Ok)
    })
}
