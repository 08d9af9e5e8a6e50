//! `remit show`: a run with its tasks, or a task with its history.
//!
//! Never: all of a large run at once; the state of a task from anywhere but the ledger.

use anstream::println;
use remit_core::durable::{Answer, Effect, Entry, Phase};
use remit_core::outcome::ExitCode;
use remit_core::plan::Work;
use remit_engine::durable::ledger::{EntryQuery, Ledger, RunView, TaskQuery, TaskView};
use serde_json::json;

use super::reference::{self, Meant};
use crate::exit::Stop;
use crate::ledger_file::{Choice, stop};
use crate::printable::printable;
use crate::render::{self, BOLD, DIM, WARN, entry, phase};
use crate::timeline::{now_ms, rfc3339};
use crate::wiring;

/// Shows a run with its tasks, or a task with its history
///
/// WHAT is a run's name, the beginning of one, `last`, RUN/TASK, or the name of a task that only
/// one open run has. For example: remit show last --state FAILED
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// RUN, RUN/TASK or TASK
    #[arg(value_name = "WHAT", default_value = "last")]
    what: String,

    /// Only tasks that are there, for example FAILED; may be repeated
    #[arg(long = "state", value_name = "STATE", ignore_case = true,
          value_parser = Phase::ALL.map(Phase::word))]
    states: Vec<String>,

    /// Only from this place in the plan on
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    from: u32,

    /// At most so many tasks, or entries of a task's history
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,

    #[command(flatten)]
    ledger: Choice,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    wiring::runtime()?.block_on(async {
        let ledger = args.ledger.open()?;
        match reference::find(ledger.as_ref(), &args.what).await? {
            Meant::Run(run) => show_run(args, ledger.as_ref(), &run).await,
            Meant::Task(_, task) => show_task(args, ledger.as_ref(), &task).await,
        }
    })
}

async fn show_run(args: &Args, ledger: &dyn Ledger, run: &RunView) -> Result<ExitCode, Stop> {
    let wanted = |phase: &Phase| {
        let mut states = args.states.iter();
        states.any(|state| state.eq_ignore_ascii_case(phase.word()))
    };
    let query = TaskQuery {
        run: run.run.clone(),
        phases: Phase::ALL.into_iter().filter(wanted).collect(),
        from_index: args.from,
        // One more tells whether there are more.
        limit: args.limit.saturating_add(1),
    };
    let mut tasks = ledger.tasks(query).await.map_err(stop)?;
    let next = tasks.get(args.limit).map(|task| task.state.index);
    tasks.truncate(args.limit);
    let now = now_ms();
    if args.json {
        let rows: Vec<_> = tasks
            .iter()
            .map(|task| render::json::task(task, now))
            .collect();
        super::print_json(&json!({
            "run": render::json::run(run), "tasks": rows, "next": next,
        }))?;
        return Ok(ExitCode::Ok);
    }
    print_run(run, now);
    let width = tasks.iter().map(|task| task.spec.id.as_str().len()).max();
    for task in &tasks {
        print_row(task, width.unwrap_or(0), now);
    }
    if tasks.is_empty() {
        println!("  no task is like that");
    }
    if let Some(next) = next {
        println!("  {DIM}there are more: --from {next}{DIM:#}");
    }
    Ok(ExitCode::Ok)
}

/// What is said of a task that waits for a person.
const WAITS: &str = "remit task list --waiting shows what is asked";

fn print_run(run: &RunView, now: u64) {
    let to = run.finished_ms.unwrap_or(now);
    println!(
        "{BOLD}run {}{BOLD:#}  {}  {}  {}",
        run.run,
        phase::run_word(run).trim_end(),
        phase::counts(&run.counts),
        phase::duration(to.saturating_sub(run.submitted_ms)),
    );
    if let Some(title) = &run.settings.title {
        println!("  {}", printable(title));
    }
    println!(
        "  {DIM}submitted {} from {}{DIM:#}",
        rfc3339(run.submitted_ms),
        printable(&run.source)
    );
    if let Some(reason) = run.state.cancel {
        println!("  {WARN}cancelled{WARN:#} {reason}");
    }
    if run.state.escalations > 0 {
        let escalations = run.state.escalations;
        println!(
            "  {WARN}{escalations} escalations{WARN:#}: remit events {} shows them",
            run.run
        );
    }
}

fn print_row(task: &TaskView, width: usize, now: u64) {
    let state = &task.state;
    let adapter = task
        .adapter
        .as_ref()
        .map_or("-", |adapter| adapter.as_str());
    let taken = phase::taken(task, now).map(phase::duration);
    let why = match (&state.last, state.phase) {
        _ if state.asked.is_some() => WAITS,
        (_, Phase::Completed | Phase::InProgress) => "",
        (Some(last), _) if last.class.is_some() => last.message.as_str(),
        (_, Phase::Waiting) => WAITS,
        (Some(_) | None, _) => task.spec.title.as_deref().unwrap_or(""),
    };
    println!(
        "  {:<width$}  {}  {} attempts  {adapter}  {}  {DIM}{}{DIM:#}",
        task.spec.id.as_str(),
        phase::phase(state.phase),
        state.attempt,
        taken.unwrap_or_else(|| "-".to_owned()),
        printable(why.lines().next().unwrap_or("")),
    );
}

async fn show_task(args: &Args, ledger: &dyn Ledger, task: &TaskView) -> Result<ExitCode, Stop> {
    let query = EntryQuery {
        run: Some(task.run.clone()),
        task: Some(task.spec.id.clone()),
        after: 0,
        activity: false,
        limit: args.limit,
    };
    let history = ledger.entries(query).await.map_err(stop)?;
    let now = now_ms();
    if args.json {
        super::print_json(&json!({
            "task": render::json::task(task, now),
            "spec": task.spec,
            "history": history,
        }))?;
        return Ok(ExitCode::Ok);
    }
    print_task(task, now);
    print_history(args, task, &history);
    Ok(ExitCode::Ok)
}

fn print_task(task: &TaskView, now: u64) {
    let (state, spec) = (&task.state, &task.spec);
    let taken = phase::taken(task, now).map(phase::duration);
    println!(
        "{BOLD}task {}/{}{BOLD:#}  {}  {} attempts, {} lost with their host  {}",
        task.run,
        spec.id,
        phase::phase(state.phase).trim_end(),
        state.attempt,
        state.crashes,
        taken.unwrap_or_default(),
    );
    if let Some(title) = &spec.title {
        println!("  {}", printable(title));
    }
    match &spec.work {
        Work::Plugin { candidates, .. } => {
            let named: Vec<&str> = candidates.iter().map(|one| one.plugin.as_str()).collect();
            println!("  {DIM}plugin{DIM:#} {}", printable(&named.join(", then ")));
        }
        Work::Manual { instructions, .. } => {
            println!(
                "  {DIM}a person does it:{DIM:#} {}",
                printable(instructions)
            );
        }
        Work::Approval { question, .. } => {
            println!("  {DIM}a person decides:{DIM:#} {}", printable(question));
        }
    }
    if !spec.needs.is_empty() {
        let needs: Vec<&str> = spec.needs.iter().map(|need| need.as_str()).collect();
        println!("  {DIM}needs{DIM:#} {}", needs.join(", "));
    }
    if state.phase == Phase::Ready && state.not_before_ms > now {
        println!(
            "  {WARN}next attempt{WARN:#} not before {}; `remit retry {}/{}` does not wait",
            rfc3339(state.not_before_ms),
            task.run,
            spec.id
        );
    }
    if let Some(answer) = state.answer {
        let word = match answer {
            Answer::Yes => "yes",
            Answer::No => "no",
        };
        println!("  {DIM}answered{DIM:#} {word}");
    }
    print_question(task);
    if let Some(last) = &state.last {
        println!(
            "  {DIM}newest attempt{DIM:#} {}: {}",
            printable(&last.status),
            printable(&last.message)
        );
    }
    for (number, effect) in &state.effects {
        let word = match effect {
            Effect::Started { .. } => "started".to_owned(),
            Effect::Finished { attempt, .. } => format!("finished in attempt {attempt}"),
            Effect::Unknown { repeat: true, .. } => "unknown; may run again".to_owned(),
            Effect::Unknown { repeat: false, .. } => "unknown; does not run again".to_owned(),
        };
        println!("  {DIM}effect {number}{DIM:#} {word}");
    }
}

/// What its attempt asks a person, with the commands that answer.
fn print_question(task: &TaskView) {
    let Some(asked) = &task.state.asked else {
        return;
    };
    println!("  {WARN}asks a person:{WARN:#}");
    for line in asked.text.lines() {
        println!("    {}", printable(line));
    }
    let name = format!("{}/{}", task.run, task.spec.id);
    for answer in [Answer::Yes, Answer::No] {
        let command = super::answer::command(asked.question, answer);
        println!("    {DIM}{command} {name}{DIM:#}");
    }
}

fn print_history(args: &Args, task: &TaskView, history: &[Entry]) {
    for entry in history {
        println!("{}", entry::line(entry, false));
    }
    if history.len() == args.limit {
        println!(
            "  {DIM}there may be more: remit events {}/{}{DIM:#}",
            task.run, task.spec.id
        );
    }
}
