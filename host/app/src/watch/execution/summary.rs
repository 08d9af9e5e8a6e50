//! The end of a run in a few lines on standard output: how many tasks ended how, which did not
//! complete and why, and how to go on.
//!
//! Never: the whole list of a large run; `remit show` has it.

use anstream::println;
use remit_core::durable::{LedgerEvent, Phase, RunPhase};
use remit_engine::durable::ledger::{
    EntryQuery, Ledger, LedgerError, MAX_ENTRIES, RunView, TaskQuery, TaskView,
};

use crate::printable::printable;
use crate::render::{BOLD, DIM, GOOD, phase};
use crate::timeline::now_ms;

/// Tasks that did not complete and are listed.
const LISTED: usize = 20;

/// Prints the summary. `flags` are the options that make another command mean the same ledger.
///
/// # Errors
/// The ledger cannot be read.
pub(crate) async fn summary(
    ledger: &dyn Ledger,
    run: &RunView,
    flags: &str,
) -> Result<(), LedgerError> {
    let until = run.finished_ms.unwrap_or_else(now_ms);
    println!(
        "{BOLD}{}{BOLD:#} {} {} {DIM}in {}{DIM:#}",
        run.run,
        phase::run_word_alone(run),
        phase::counts(&run.counts),
        phase::duration(until.saturating_sub(run.submitted_ms))
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
        let why = why(ledger, task).await?;
        let line = format!(
            "  {} {}  {}",
            phase::phase(task.state.phase),
            task.spec.id,
            printable(&why).replace('\n', " ")
        );
        println!("{}", line.trim_end());
    }
    if tasks.len() > LISTED {
        println!("  {DIM}… remit show {}{flags} has them all{DIM:#}", run.run);
    }
    if run.state.phase != RunPhase::Finished {
        return Ok(());
    }
    match tasks.iter().find(|task| was_tried(task)).or(tasks.first()) {
        None => println!("{GOOD}every task completed{GOOD:#}"),
        Some(task) => println!(
            "{DIM}more about it: remit show {0}/{1}{flags}; to do again what did not complete: \
             remit retry {0}{flags}{DIM:#}",
            run.run, task.spec.id
        ),
    }
    Ok(())
}

/// Whether the task itself is where something went wrong.
fn was_tried(task: &TaskView) -> bool {
    matches!(task.state.phase, Phase::Failed | Phase::Timeout)
}

/// Why it is where it is: its newest words about that.
async fn why(ledger: &dyn Ledger, task: &TaskView) -> Result<String, LedgerError> {
    let query = EntryQuery {
        run: Some(task.run.clone()),
        task: Some(task.spec.id.clone()),
        after: 0,
        activity: false,
        limit: MAX_ENTRIES,
    };
    let (mut why, mut note) = (String::new(), None);
    for entry in ledger.entries(query).await? {
        if let LedgerEvent::TaskAnswered { note: said, .. } = entry.event {
            note = said;
        } else if let LedgerEvent::TaskFailed { reasons, .. } = entry.event {
            why = reasons.join("; ");
        } else if let LedgerEvent::TaskTimeout { limit_ms } = entry.event {
            why = format!("took longer than {}", phase::duration(limit_ms));
        } else if let LedgerEvent::TaskCanceled { reason } = entry.event {
            why = reason.to_string();
        } else if let LedgerEvent::TaskSkipped { reason }
        | LedgerEvent::AttemptLost { reason, .. }
        | LedgerEvent::TaskRetry { reason, .. } = entry.event
        {
            why = reason;
        } else if let LedgerEvent::TaskBlocked { by } = entry.event {
            let phase = ledger.task(&task.run, &by).await?;
            let phase = phase.map_or("not there", |task| task.state.phase.word());
            why = format!("needs {by}, which is {phase}");
        } else if let LedgerEvent::TaskWaiting { .. } = entry.event {
            why = "waits for a person: remit task list --waiting".to_owned();
        }
    }
    if let Some(note) = note {
        why = format!("{why}: {note}");
    }
    Ok(why)
}
