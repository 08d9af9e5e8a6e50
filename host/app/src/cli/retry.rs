//! `remit retry`: does not wait for the next attempt; or does again what a finished run left.
//!
//! Never: a change of a run that has finished; a task that completed done again.

use anstream::println;
use remit_core::durable::{LedgerEvent, Phase, RunId, RunPhase, Stream, TaskId, plan_again};
use remit_core::outcome::ExitCode;
use remit_core::plan::CheckedPlan;
use remit_engine::durable::ledger::{Ledger, MAX_ENTRIES, RunView, TaskQuery, TaskView};
use remit_engine::durable::{SubmitError, submit};
use serde_json::json;

use super::reference::{self, Meant};
use super::{append, cancel};
use crate::exit::Stop;
use crate::ledger_file::{Choice, stop};
use crate::timeline::now_ms;
use crate::{person, wiring};

/// Makes the next attempt now, or does again what a finished run left
///
/// In a run that goes on, tasks that wait for their next attempt do not wait any more. For a run
/// that has finished, a new run is made of the tasks that did not complete.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// RUN, RUN/TASK or TASK
    #[arg(value_name = "WHAT")]
    what: String,

    #[command(flatten)]
    ledger: Choice,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    wiring::runtime()?.block_on(async {
        let ledger = args.ledger.open()?;
        let ledger = ledger.as_ref();
        let meant = reference::find(ledger, &args.what).await?;
        if meant.run().state.phase == RunPhase::Finished {
            return again(args, ledger, meant.run(), meant.task()).await;
        }
        hurry(args, ledger, &meant).await
    })
}

async fn hurry(args: &Args, ledger: &dyn Ledger, meant: &Meant) -> Result<ExitCode, Stop> {
    let now = now_ms();
    let waits =
        |task: &TaskView| task.state.phase == Phase::Ready && task.state.not_before_ms > now;
    let run = &meant.run().run;
    let tasks = match meant {
        Meant::Task(_, task) => {
            if task.state.phase.end().is_some() {
                return Err(Stop::usage(
                    format!("{run}/{} has ended: {}", task.spec.id, task.state.phase),
                    format!(
                        "once the run has finished, `remit retry {run}/{}` makes a new one",
                        task.spec.id
                    ),
                ));
            }
            vec![task.as_ref().clone()]
        }
        Meant::Run(_) => all_tasks(ledger, run, vec![Phase::Ready]).await?,
    };
    let mut hurried: Vec<TaskId> = Vec::new();
    for task in tasks.into_iter().filter(waits) {
        let stream = Stream::Task(run.clone(), task.spec.id.clone());
        let by = person::name();
        let event = LedgerEvent::TaskHurried { by };
        append::one(ledger, stream, event).await.map_err(stop)?;
        hurried.push(task.spec.id);
    }
    let executed = cancel::is_executed(ledger).await?;
    if args.json {
        super::print_json(&json!({
            "run": run, "hurried": hurried, "executed": executed,
        }))?;
        return Ok(ExitCode::Ok);
    }
    if hurried.is_empty() {
        println!("nothing of {} waits for its next attempt", args.what);
    }
    for task in &hurried {
        println!("{run}/{task} does not wait any more");
    }
    if !executed && !hurried.is_empty() {
        println!(
            "nobody executes it now: remit execute --run {run}{}",
            args.ledger.flags()
        );
    }
    Ok(ExitCode::Ok)
}

async fn again(
    args: &Args,
    ledger: &dyn Ledger,
    run: &RunView,
    only: Option<&TaskId>,
) -> Result<ExitCode, Stop> {
    let tasks = all_tasks(ledger, &run.run, Vec::new()).await?;
    let tasks = tasks
        .into_iter()
        .map(|task| (task.spec, task.state.phase))
        .collect();
    // The names that begin like the run's: at most as many as there are runs.
    let known = ledger.runs(false, MAX_ENTRIES).await.map_err(stop)?;
    let taken = |name: &RunId| known.iter().any(|view| view.run == *name);
    let plan = plan_again(&run.run, run.settings.clone(), tasks, only, taken)
        .map_err(|why| Stop::usage(why.to_string(), "there is nothing to do again"))?;
    let source = format!("retry of {}", run.run);
    let count = plan.tasks.len();
    // What is left of a plan that was right is right: a mistake in it would be ours.
    let plan = CheckedPlan::new(plan)
        .map_err(|mistakes| Stop::Internal(anyhow::anyhow!("{mistakes:?}")))?;
    let name = match submit(ledger, plan, source, now_ms()).await {
        Ok(submitted) => submitted.run,
        Err(SubmitError::Ledger(error)) => return Err(stop(error)),
        Err(error @ SubmitError::Conflict { .. }) => {
            return Err(Stop::usage(error.to_string(), "try again"));
        }
        Err(error @ (SubmitError::Name(_) | SubmitError::Form(_))) => {
            return Err(Stop::Internal(error.into()));
        }
    };
    if args.json {
        super::print_json(&json!({"run": name, "of": run.run, "tasks": count}))?;
    } else {
        println!(
            "run {name} has the {count} tasks of {} that did not complete",
            run.run
        );
        println!(
            "execute it: remit execute --run {name}{}",
            args.ledger.flags()
        );
    }
    Ok(ExitCode::Ok)
}

/// All tasks of a run that are there, page by page; of any phase if none is named.
async fn all_tasks(
    ledger: &dyn Ledger,
    run: &RunId,
    phases: Vec<Phase>,
) -> Result<Vec<TaskView>, Stop> {
    let mut all: Vec<TaskView> = Vec::new();
    let mut from_index = 0;
    loop {
        let query = TaskQuery {
            run: run.clone(),
            phases: phases.clone(),
            from_index,
            limit: MAX_ENTRIES,
        };
        let page = ledger.tasks(query).await.map_err(stop)?;
        let Some(last) = page.last() else {
            return Ok(all);
        };
        from_index = last.state.index.saturating_add(1);
        all.extend(page);
    }
}
