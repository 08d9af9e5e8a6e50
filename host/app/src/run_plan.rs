//! A run's plan as the ledger has it: what was submitted, not what a file says today.
//!
//! Never: what became of the tasks.

use remit_core::durable::RunId;
use remit_core::plan::{PLAN_FORMAT, Plan};
use remit_engine::durable::ledger::{Ledger, MAX_ENTRIES, TaskQuery};

use crate::exit::Stop;
use crate::ledger_file::stop;

/// The plan of a run.
///
/// # Errors
/// There is no such run, or the ledger cannot be read.
pub(crate) async fn of(ledger: &dyn Ledger, run: &RunId) -> Result<Plan, Stop> {
    let Some(view) = ledger.run(run).await.map_err(stop)? else {
        return Err(Stop::usage(
            format!("there is no run {run}"),
            "`remit runs --all` lists those that there are",
        ));
    };
    let mut plan = Plan {
        format: PLAN_FORMAT,
        run: Some(run.clone()),
        settings: view.settings,
        tasks: Vec::new(),
    };
    loop {
        let query = TaskQuery {
            run: run.clone(),
            phases: Vec::new(),
            from_index: u32::try_from(plan.tasks.len()).unwrap_or(u32::MAX),
            limit: MAX_ENTRIES,
        };
        let page = ledger.tasks(query).await.map_err(stop)?;
        if page.is_empty() {
            return Ok(plan);
        }
        plan.tasks.extend(page.into_iter().map(|task| task.spec));
    }
}
