//! `remit ledger rebuild`: the files that other programs read, made anew.
//!
//! Never: a file that is not derived.

use std::path::PathBuf;
use std::sync::Arc;

use anstream::println;
use remit_core::outcome::ExitCode;
use serde_json::json;

use super::super::reference;
use crate::derived::{self, Deriver};
use crate::exit::Stop;
use crate::ledger_file::Choice;
use crate::wiring;

/// Makes the files that other programs read anew, from the ledger alone
///
/// .state/execution_results.json, logs/executor.jsonl, logs/resilience.jsonl and
/// logs/execution/TASK.jsonl in the workspace.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run
    #[arg(value_name = "RUN", default_value = "last")]
    run: String,

    /// The workspace: the directory that the work is about
    #[arg(
        short = 'C',
        long = "directory",
        value_name = "DIR",
        default_value = "."
    )]
    directory: PathBuf,

    /// Then keeps them as the ledger is until the run has finished; Ctrl-C ends it earlier
    #[arg(short, long)]
    follow: bool,

    #[command(flatten)]
    ledger: Choice,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Stop> {
    wiring::runtime()?.block_on(async {
        let ledger = args.ledger.open()?;
        let run = reference::find_run(ledger.as_ref(), &args.run).await?.run;
        let tasks = derived::rebuild(Arc::clone(&ledger), run.clone(), &args.directory).await?;
        if args.follow {
            let mut deriver = Deriver::begin(ledger, run.clone(), &args.directory).await?;
            deriver.follow(std::future::pending()).await?;
        }
        if args.json {
            super::super::print_json(&json!({"run": run, "tasks": tasks}))?;
        } else {
            println!("the files of run {run} with {tasks} tasks were made anew");
        }
        Ok(ExitCode::Ok)
    })
}
