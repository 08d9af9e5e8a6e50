//! `remit cancel`: asks for the end of a run or a task.
//!
//! Only asks: whoever executes the run ends it. Never: a process that is ended from here.

use anstream::println;
use remit_core::durable::{LedgerEvent, RunPhase, Stream};
use remit_core::outcome::{CancelReason, ExitCode};
use remit_engine::durable::ledger::Ledger;
use serde_json::json;

use super::append;
use super::reference::{self, Meant};
use crate::exit::Stop;
use crate::ledger_file::{Choice, stop};
use crate::timeline::now_ms;
use crate::{person, wiring};

/// Asks for the end of a run or a task
///
/// May be said twice. What a host executes ends within seconds, with its tools; a run that nobody
/// executes is cancelled when someone does. For example: remit cancel last
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// RUN, RUN/TASK or TASK
    #[arg(value_name = "WHAT")]
    what: String,

    /// Ends it at once, without time to end in good order
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    ledger: Choice,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

/// What came of it.
enum Came {
    /// It is asked for now.
    Asked,
    /// It was asked for before.
    AskedBefore,
    /// There is nothing to cancel any more.
    Ended,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    wiring::runtime()?.block_on(async {
        let ledger = args.ledger.open()?;
        let meant = reference::find(ledger.as_ref(), &args.what).await?;
        let came = ask(ledger.as_ref(), &meant, args.force).await?;
        let executed = is_executed(ledger.as_ref()).await?;
        let (run, task) = (&meant.run().run, meant.task());
        let what = task.map_or_else(
            || format!("run {run}"),
            |task| format!("task {task} of run {run}"),
        );
        let (word, text) = match came {
            Came::Asked => ("asked", format!("asked for the end of {what}")),
            Came::AskedBefore => (
                "asked-before",
                format!("the end of {what} was asked for before"),
            ),
            Came::Ended => ("ended", format!("{what} has ended already")),
        };
        if args.json {
            super::print_json(&json!({
                "run": run, "task": task, "cancel": word, "executed": executed,
            }))?;
            return Ok(ExitCode::Ok);
        }
        println!("{text}");
        if !executed && !matches!(came, Came::Ended) {
            println!(
                "nobody executes it now: it is cancelled at the next `remit execute --run {run}{}`",
                args.ledger.flags()
            );
        }
        Ok(ExitCode::Ok)
    })
}

async fn ask(ledger: &dyn Ledger, meant: &Meant, force: bool) -> Result<Came, Stop> {
    let reason = if force {
        CancelReason::Forced
    } else {
        CancelReason::Requested
    };
    let (ended, before) = match meant {
        Meant::Run(run) => (run.state.phase == RunPhase::Finished, run.state.cancel),
        Meant::Task(_, task) => (task.state.phase.end().is_some(), task.state.cancel),
    };
    if ended {
        return Ok(Came::Ended);
    }
    if before >= Some(reason) {
        return Ok(Came::AskedBefore);
    }
    let by = person::name();
    let run = meant.run().run.clone();
    let (stream, event) = match meant.task() {
        None => (
            Stream::Run(run),
            LedgerEvent::RunCancelRequested { reason, by },
        ),
        Some(task) => (
            Stream::Task(run, task.clone()),
            LedgerEvent::TaskCancelRequested { reason, by },
        ),
    };
    match append::one(ledger, stream, event).await {
        Ok(()) => Ok(Came::Asked),
        // It ended while we asked: that is what was wanted.
        Err(_) if now_ended(ledger, meant).await? => Ok(Came::Ended),
        Err(error) => Err(stop(error)),
    }
}

async fn now_ended(ledger: &dyn Ledger, meant: &Meant) -> Result<bool, Stop> {
    let run = &meant.run().run;
    Ok(match meant.task() {
        None => {
            let view = ledger.run(run).await.map_err(stop)?;
            view.is_some_and(|view| view.state.phase == RunPhase::Finished)
        }
        Some(task) => {
            let view = ledger.task(run, task).await.map_err(stop)?;
            view.is_some_and(|view| view.state.phase.end().is_some())
        }
    })
}

/// Whether a host that lives uses the ledger.
pub(super) async fn is_executed(ledger: &dyn Ledger) -> Result<bool, Stop> {
    let now = now_ms();
    let hosts = ledger.hosts().await.map_err(stop)?;
    Ok(hosts.iter().any(|host| !host.ended && host.until_ms > now))
}
