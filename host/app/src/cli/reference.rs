//! What a person means by `RUN`, `RUN/TASK` or `TASK`.
//!
//! A run is named whole, by the beginning of its name if that is clear, or `last`; a task alone if
//! only one open run has it. Never: a guess between two.

use remit_core::durable::{AdapterId, RunId, TaskId};
use remit_core::nearest::nearest;
use remit_engine::durable::ledger::{Ledger, MAX_ENTRIES, RunView, TaskQuery, TaskView};

use crate::exit::Stop;
use crate::ledger_file::stop;

/// Most runs among which a name is looked for that is not exact.
const KNOWN_RUNS: usize = 1_000;

/// Most names that a name which is not clear is answered with.
const NAMED: usize = 5;

/// What was meant.
#[derive(Debug)]
pub(crate) enum Meant {
    /// A run.
    Run(Box<RunView>),
    /// A task, with its run.
    Task(Box<RunView>, Box<TaskView>),
}

impl Meant {
    /// The run.
    pub(crate) fn run(&self) -> &RunView {
        match self {
            Self::Run(run) | Self::Task(run, _) => run,
        }
    }

    /// The task's name, if one was meant.
    pub(crate) fn task(&self) -> Option<&TaskId> {
        match self {
            Self::Run(_) => None,
            Self::Task(_, task) => Some(&task.spec.id),
        }
    }
}

/// Finds what was meant.
///
/// # Errors
/// Nothing is called so, or several things are.
pub(crate) async fn find(ledger: &dyn Ledger, text: &str) -> Result<Meant, Stop> {
    if let Some((run, task)) = text.split_once('/') {
        let run = find_run(ledger, run).await?;
        let task = find_task(ledger, &run, task).await?;
        return Ok(Meant::Task(Box::new(run), Box::new(task)));
    }
    if let Some(run) = exact(ledger, text).await? {
        return Ok(Meant::Run(Box::new(run)));
    }
    let mut found = open_with(ledger, text).await?;
    if found.len() > 1 {
        let some: Vec<String> = found
            .iter()
            .take(NAMED)
            .map(|(run, _)| format!("{}/{text}", run.run))
            .collect();
        return Err(Stop::usage(
            format!("{} open runs have a task `{text}`", found.len()),
            format!("name the run too: {}", some.join(", ")),
        ));
    }
    if let Some((run, task)) = found.pop() {
        return Ok(Meant::Task(Box::new(run), Box::new(task)));
    }
    let run = find_run(ledger, text).await?;
    Ok(Meant::Run(Box::new(run)))
}

/// Finds a task that was meant, by `RUN/TASK` or `TASK`.
///
/// # Errors
/// As [`find`], or a run was meant.
pub(crate) async fn task(ledger: &dyn Ledger, text: &str) -> Result<(RunView, TaskView), Stop> {
    match find(ledger, text).await? {
        Meant::Task(run, task) => Ok((*run, *task)),
        Meant::Run(run) => Err(Stop::usage(
            format!("`{text}` is a run, and a task is needed"),
            format!(
                "write {}/TASK; `remit show {}` lists them",
                run.run, run.run
            ),
        )),
    }
}

/// The open runs that have a task of this name.
async fn open_with(ledger: &dyn Ledger, text: &str) -> Result<Vec<(RunView, TaskView)>, Stop> {
    let mut found = Vec::new();
    let Ok(task) = text.parse::<TaskId>() else {
        return Ok(found);
    };
    for run in ledger.runs(true, KNOWN_RUNS).await.map_err(stop)? {
        if let Some(view) = ledger.task(&run.run, &task).await.map_err(stop)? {
            found.push((run, view));
        }
    }
    Ok(found)
}

async fn exact(ledger: &dyn Ledger, text: &str) -> Result<Option<RunView>, Stop> {
    match text.parse::<RunId>() {
        Ok(run) => ledger.run(&run).await.map_err(stop),
        Err(_) => Ok(None),
    }
}

/// Finds a run that was meant: its name, the beginning of one, or `last`.
///
/// # Errors
/// No run is called so, or several are.
pub(crate) async fn find_run(ledger: &dyn Ledger, text: &str) -> Result<RunView, Stop> {
    if let Some(run) = exact(ledger, text).await? {
        return Ok(run);
    }
    let mut runs = ledger.runs(false, KNOWN_RUNS).await.map_err(stop)?;
    if text == "last" && !runs.is_empty() {
        return Ok(runs.swap_remove(0));
    }
    let begins = |run: &RunView| {
        let start = run.run.as_str().get(..text.len());
        !text.is_empty() && start.is_some_and(|start| start.eq_ignore_ascii_case(text))
    };
    let (mut meant, others): (Vec<RunView>, Vec<RunView>) = runs.into_iter().partition(begins);
    if meant.len() > 1 {
        let some: Vec<&str> = meant
            .iter()
            .take(NAMED)
            .map(|run| run.run.as_str())
            .collect();
        return Err(Stop::usage(
            format!("{} runs begin with `{text}`", meant.len()),
            format!("write more of the name: {}", some.join(", ")),
        ));
    }
    if let Some(run) = meant.pop() {
        return Ok(run);
    }
    let fix = match nearest(text, others.iter().map(|run| run.run.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None if others.is_empty() => {
            "the ledger has no runs; `remit execute PLAN` begins one".to_owned()
        }
        None => "`remit runs --all` lists them".to_owned(),
    };
    Err(Stop::usage(
        format!("there is no run `{text}`, and no open run has a task of that name"),
        fix,
    ))
}

/// Finds a task of a run.
async fn find_task(ledger: &dyn Ledger, run: &RunView, text: &str) -> Result<TaskView, Stop> {
    if let Ok(task) = text.parse::<TaskId>()
        && let Some(view) = ledger.task(&run.run, &task).await.map_err(stop)?
    {
        return Ok(view);
    }
    let query = TaskQuery {
        run: run.run.clone(),
        phases: Vec::new(),
        from_index: 0,
        limit: MAX_ENTRIES,
    };
    let tasks = ledger.tasks(query).await.map_err(stop)?;
    let known = tasks.iter().map(|task| task.spec.id.as_str());
    let fix = match nearest(text, known) {
        Some(near) => format!("did you mean `{}/{near}`?", run.run),
        None => format!("`remit show {}` lists them", run.run),
    };
    Err(Stop::usage(
        format!("run {} has no task `{text}`", run.run),
        fix,
    ))
}

/// An adapter's name, of those that are known.
///
/// # Errors
/// None is called so.
pub(crate) fn adapter(text: &str, known: &[AdapterId]) -> Result<AdapterId, Stop> {
    if let Some(found) = known.iter().find(|adapter| adapter.as_str() == text) {
        return Ok(found.clone());
    }
    let fix = match nearest(text, known.iter().map(AdapterId::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`remit circuit` lists those whose circuit is not closed".to_owned(),
    };
    Err(Stop::usage(
        format!("no adapter `{text}` has a circuit that is open"),
        fix,
    ))
}

#[cfg(test)]
mod tests;
