//! Reads runs and tasks from the ledger as the dispatcher wants them.
//!
//! Never: a state that is not the ledger's.

use std::collections::BTreeMap;

use remit_core::durable::{Effect, LedgerEvent, RunId, TaskId};

use super::dispatcher::ReadTask;
use super::ledger::{EntryQuery, Ledger, LedgerError, MAX_ENTRIES, RunView, TaskQuery, TaskView};

/// A run with all of its tasks, in the plan's order; absent if there is none.
pub(super) async fn run(
    ledger: &dyn Ledger,
    run: &RunId,
) -> Result<Option<(RunView, Vec<ReadTask>)>, LedgerError> {
    let Some(view) = ledger.run(run).await? else {
        return Ok(None);
    };
    let mut tasks = Vec::new();
    let mut from_index = 0;
    loop {
        let page = ledger
            .tasks(TaskQuery {
                run: run.clone(),
                phases: Vec::new(),
                from_index,
                limit: MAX_ENTRIES,
            })
            .await?;
        let Some(last) = page.last() else {
            return Ok(Some((view, tasks)));
        };
        from_index = last.state.index.saturating_add(1);
        for view in page {
            tasks.push(with_tools(ledger, view).await?);
        }
    }
}

/// A task; absent if there is none.
pub(super) async fn task(
    ledger: &dyn Ledger,
    run: &RunId,
    task: &TaskId,
) -> Result<Option<ReadTask>, LedgerError> {
    match ledger.task(run, task).await? {
        Some(view) => Ok(Some(with_tools(ledger, view).await?)),
        None => Ok(None),
    }
}

/// Finds the tools of effects without an end: a state does not name them.
async fn with_tools(ledger: &dyn Ledger, view: TaskView) -> Result<ReadTask, LedgerError> {
    let is_open = |effect: &Effect| matches!(effect, Effect::Started { .. });
    let mut tools = BTreeMap::new();
    if !view.state.effects.values().any(is_open) {
        return Ok(ReadTask { view, tools });
    }
    let mut query = EntryQuery {
        run: Some(view.run.clone()),
        task: Some(view.spec.id.clone()),
        after: 0,
        activity: false,
        limit: MAX_ENTRIES,
    };
    loop {
        let page = ledger.entries(query.clone()).await?;
        let Some(last) = page.last() else { break };
        query.after = last.seq;
        for entry in page {
            if let LedgerEvent::EffectStarted { effect, tool, .. } = entry.event {
                tools.insert(effect, tool);
            }
        }
    }
    Ok(ReadTask { view, tools })
}
