//! The end of a run in a few lines on standard output: how many tasks ended how, which did not
//! complete and why, and how to go on.
//!
//! Never: the whole list of a large run; `remit show` has it.

use anstream::println;
use remit_core::durable::{Answer, Phase, RunPhase};
use remit_engine::durable::ledger::{Ledger, LedgerError, RunView, TaskQuery, TaskView};

use crate::printable::printable;
use crate::render::{BOLD, DIM, GOOD, phase};

/// Tasks that did not complete and are listed.
const LISTED: usize = 20;

/// Prints the summary.
///
/// # Errors
/// The ledger cannot be read.
pub(crate) async fn summary(ledger: &dyn Ledger, run: &RunView) -> Result<(), LedgerError> {
    let counts = phase::counts(&run.counts);
    let until = run.finished_ms.or(run.started_ms);
    let took = until.map_or(0, |until| until.saturating_sub(run.submitted_ms));
    let word = phase::run_word(run);
    println!(
        "{BOLD}{}{BOLD:#} {} {counts} {DIM}in {}{DIM:#}",
        run.run,
        word.trim_end(),
        phase::duration(took)
    );
    let others: Vec<Phase> = Phase::ALL
        .into_iter()
        .filter(|phase| !matches!(phase, Phase::Completed))
        .collect();
    let query = TaskQuery {
        run: run.run.clone(),
        phases: others,
        from_index: 0,
        limit: LISTED + 1,
    };
    let tasks = ledger.tasks(query).await?;
    for task in tasks.iter().take(LISTED) {
        println!(
            "  {} {}  {}",
            phase::phase(task.state.phase),
            task.spec.id,
            why(task)
        );
    }
    if tasks.len() > LISTED {
        println!("  {DIM}… remit show {} has them all{DIM:#}", run.run);
    }
    if run.state.phase == RunPhase::Finished && tasks.is_empty() {
        println!("{GOOD}every task completed{GOOD:#}");
    }
    Ok(())
}

/// Why it is where it is, as far as its state says.
fn why(task: &TaskView) -> String {
    let state = &task.state;
    match (&state.last, &state.question) {
        (Some(last), _) => printable(&last.message).replace('\n', " "),
        (None, Some(_)) if state.phase == Phase::Waiting => {
            "waits for a person: remit task list --waiting".to_owned()
        }
        (None, Some(_)) => match state.answer {
            Some(Answer::No) => "a person said no".to_owned(),
            Some(Answer::Yes) | None => "nobody answered in time".to_owned(),
        },
        (None, None) => String::new(),
    }
}
