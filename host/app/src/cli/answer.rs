//! `remit approve`, `remit reject`, `remit task done` and `remit task fail`: what a person answers.
//!
//! Never: an answer to another question than the one that was asked; a second answer.

use anstream::println;
use remit_core::durable::{Answer, LedgerEvent, Question, Stream};
use remit_core::outcome::ExitCode;
use remit_core::person::MAX_NOTE;
use remit_engine::durable::ledger::{Ledger, TaskView};
use serde_json::json;

use super::{append, reference};
use crate::exit::Stop;
use crate::ledger_file::{Choice, stop};
use crate::timeline::{now_ms, rfc3339};
use crate::{person, wiring};

/// Which task, and what is added to the answer.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// RUN/TASK, or TASK if only one open run has it
    #[arg(value_name = "TASK")]
    what: String,

    /// What is kept with the answer
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,

    #[command(flatten)]
    ledger: Choice,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

/// The command that answers.
pub(super) fn command(question: Question, answer: Answer) -> &'static str {
    match (question, answer) {
        (Question::Manual, Answer::Yes) => "remit task done",
        (Question::Manual, Answer::No) => "remit task fail",
        (Question::Approval, Answer::Yes) => "remit approve",
        (Question::Approval, Answer::No) => "remit reject",
    }
}

pub(crate) fn run(args: &Args, question: Question, answer: Answer) -> Result<ExitCode, Stop> {
    if let Some(note) = &args.note
        && note.len() > MAX_NOTE
    {
        return Err(Stop::usage(
            format!("the note has {} bytes", note.len()),
            format!("write at most {MAX_NOTE}"),
        ));
    }
    wiring::runtime()?.block_on(async {
        let ledger = args.ledger.open()?;
        let (_, task) = reference::task(ledger.as_ref(), &args.what).await?;
        let is_new = say(args, ledger.as_ref(), &task, question, answer).await?;
        let (run, task) = (&task.run, &task.spec.id);
        if args.json {
            super::print_json(&json!({
                "run": run, "task": task, "answer": answer, "new": is_new,
            }))?;
        } else if is_new {
            println!("answered: {run}/{task}");
        } else {
            println!("{run}/{task} has this answer already");
        }
        Ok(ExitCode::Ok)
    })
}

/// Says it; whether it was not said before.
async fn say(
    args: &Args,
    ledger: &dyn Ledger,
    task: &TaskView,
    question: Question,
    answer: Answer,
) -> Result<bool, Stop> {
    if !check(task, question, answer)? {
        return Ok(false);
    }
    let event = LedgerEvent::TaskAnswered {
        answer,
        by: person::name(),
        note: args.note.clone(),
    };
    let stream = Stream::Task(task.run.clone(), task.spec.id.clone());
    append::one(ledger, stream, event).await.map_err(stop)?;
    Ok(true)
}

/// Whether the answer has to be said; false if it stands already.
fn check(task: &TaskView, question: Question, answer: Answer) -> Result<bool, Stop> {
    let name = format!("{}/{}", task.run, task.spec.id);
    let state = &task.state;
    let open = state.open_question();
    let asked = open.map(|open| open.question);
    let asked = asked.or(state.question.map(|(question, _)| question));
    if let Some(asked) = asked
        && asked != question
    {
        return Err(Stop::usage(
            format!("{name} asks for something else"),
            format!("write: {} {name}", command(asked, answer)),
        ));
    }
    let Some(open) = open else {
        // Of an attempt that has its answer the newest one counts.
        let before = state
            .answer
            .or(state.newest_answer().and_then(|it| it.answer));
        return match before {
            Some(before) if before == answer => Ok(false),
            Some(_) => Err(Stop::usage(
                format!("{name} was answered otherwise before"),
                format!("an answer stands; `remit show {name}` says whose it is"),
            )),
            None => Err(Stop::usage(
                format!("{name} asks nobody: it is {}", state.phase),
                "`remit task list --waiting` shows what waits for a person",
            )),
        };
    };
    if let Some(expires_ms) = open.expires_ms
        && expires_ms <= now_ms()
    {
        return Err(Stop::usage(
            format!(
                "the time for an answer to {name} ended {}",
                rfc3339(expires_ms)
            ),
            "`remit retry` does the task again once its run has finished",
        ));
    }
    Ok(true)
}
