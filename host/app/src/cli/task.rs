//! `remit task`: tasks that people do, and what waits for a person.
//!
//! Never: an answer that is not in the ledger.

use anstream::println;
use clap::Subcommand;
use remit_core::durable::{Answer, Phase, Question, RunId};
use remit_core::outcome::ExitCode;
use remit_core::plan::Work;
use remit_engine::durable::ledger::{Ledger, TaskQuery, TaskView};

use super::{answer, reference};
use crate::exit::Stop;
use crate::ledger_file::{Choice, stop};
use crate::printable::printable;
use crate::render::{self, BOLD, DIM, phase};
use crate::timeline::{now_ms, rfc3339};
use crate::wiring;

/// Most runs and tasks that are looked at. More is looked at run by run.
const MAX_SHOWN: usize = 1_000;

/// Says how a task went that a person does; lists tasks
///
/// For example: remit task list --waiting
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Says that a manual task is done
    ///
    /// For example: remit task done last/turn-the-key --note "by hand"
    Done(answer::Args),
    /// Says that a manual task failed
    ///
    /// What needs it is blocked. For example: remit task fail last/turn-the-key
    Fail(answer::Args),
    List(ListArgs),
}

/// Lists the tasks of open runs, or of one run
///
/// For example: remit task list --waiting
#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only of this run
    #[arg(value_name = "RUN")]
    run: Option<String>,

    /// Only those that wait for a person
    #[arg(long)]
    waiting: bool,

    #[command(flatten)]
    ledger: Choice,

    /// Prints one JSON array on standard output
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    match &args.command {
        Command::Done(args) => answer::run(args, Question::Manual, Answer::Yes),
        Command::Fail(args) => answer::run(args, Question::Manual, Answer::No),
        Command::List(args) => list(args),
    }
}

fn list(args: &ListArgs) -> Result<ExitCode, Stop> {
    wiring::runtime()?.block_on(async {
        let ledger = args.ledger.open()?;
        let tasks = found(args, ledger.as_ref()).await?;
        let now = now_ms();
        if args.json {
            let rows: Vec<_> = tasks
                .iter()
                .map(|task| render::json::task(task, now))
                .collect();
            super::print_json(&rows)?;
            return Ok(ExitCode::Ok);
        }
        for task in &tasks {
            println!(
                "{BOLD}{}/{}{BOLD:#}  {}  {}",
                task.run,
                task.spec.id,
                phase::phase(task.state.phase),
                printable(task.spec.title.as_deref().unwrap_or(""))
            );
            if task.state.open_question().is_some() {
                print_question(task);
            }
        }
        if tasks.is_empty() {
            println!("no task {}", if args.waiting { "waits" } else { "is open" });
        }
        Ok(ExitCode::Ok)
    })
}

async fn found(args: &ListArgs, ledger: &dyn Ledger) -> Result<Vec<TaskView>, Stop> {
    let runs = match &args.run {
        Some(run) => vec![reference::find_run(ledger, run).await?],
        None => ledger.runs(true, MAX_SHOWN).await.map_err(stop)?,
    };
    let mut tasks = Vec::new();
    for run in runs {
        found_in(args, ledger, run.run, &mut tasks).await?;
    }
    Ok(tasks)
}

/// Adds a run's tasks, page by page: of many that could wait few do.
async fn found_in(
    args: &ListArgs,
    ledger: &dyn Ledger,
    run: RunId,
    tasks: &mut Vec<TaskView>,
) -> Result<(), Stop> {
    let mut from_index = 0;
    while tasks.len() < MAX_SHOWN {
        let query = TaskQuery {
            run: run.clone(),
            phases: if args.waiting {
                // An attempt that asks is still one.
                vec![Phase::Waiting, Phase::InProgress, Phase::Ready]
            } else {
                Vec::new()
            },
            from_index,
            limit: MAX_SHOWN,
        };
        let mut found = ledger.tasks(query).await.map_err(stop)?;
        let Some(last) = found.last() else {
            break;
        };
        from_index = last.state.index.saturating_add(1);
        found.retain(|task| !args.waiting || task.state.open_question().is_some());
        found.truncate(MAX_SHOWN.saturating_sub(tasks.len()));
        tasks.extend(found);
    }
    Ok(())
}

fn print_question(task: &TaskView) {
    let Some(open) = task.state.open_question() else {
        return;
    };
    let of_plan = match &task.spec.work {
        Work::Manual { instructions, .. } => instructions.as_str(),
        Work::Approval { question, .. } => question.as_str(),
        Work::Plugin { .. } => "",
    };
    for line in open.text.unwrap_or(of_plan).lines() {
        println!("    {}", printable(line));
    }
    if let Some(expires_ms) = open.expires_ms {
        println!("    {DIM}until {}{DIM:#}", rfc3339(expires_ms));
    }
    let name = format!("{}/{}", task.run, task.spec.id);
    println!(
        "    {DIM}{} {name}{DIM:#}\n    {DIM}{} {name}{DIM:#}",
        answer::command(open.question, Answer::Yes),
        answer::command(open.question, Answer::No),
    );
}
