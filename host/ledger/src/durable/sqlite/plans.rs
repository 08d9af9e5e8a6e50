//! How SQLite goes about the questions of `read`: what a test, or someone who wonders about a slow
//! ledger, wants to know.
//!
//! Never: another text than the one that is asked.

use std::path::Path;

use remit_engine::durable::ledger::LedgerError;

use super::fault::plain;
use super::{read, schema};

/// Each question with the steps of its plan, from `EXPLAIN QUERY PLAN`.
///
/// # Errors
/// The ledger cannot be opened or read.
pub fn query_plans(path: &Path) -> Result<Vec<(&'static str, Vec<String>)>, LedgerError> {
    let db = schema::open_to_read(path)?;
    let questions = [
        ("all entries", read::all_entries(true)),
        ("all entries without activity", read::all_entries(false)),
        ("entries of a run", read::run_entries(true)),
        (
            "entries of a run without activity",
            read::run_entries(false),
        ),
        ("entries of a task", read::task_entries()),
        ("a run", read::one_run()),
        ("newest runs", read::newest_runs(false)),
        ("newest open runs", read::newest_runs(true)),
        ("a task", read::one_task()),
        ("tasks of a run", read::tasks_of_run(false)),
        ("tasks of a run in some phases", read::tasks_of_run(true)),
    ];
    let mut plans = Vec::with_capacity(questions.len());
    for (name, text) in questions {
        let mut statement = db
            .prepare(&format!("EXPLAIN QUERY PLAN {text}"))
            .map_err(|e| plain(&e))?;
        // Unbound parameters are NULL, which is enough for a plan.
        let mut rows = statement.raw_query();
        let mut steps = Vec::new();
        while let Some(row) = rows.next().map_err(|e| plain(&e))? {
            steps.push(row.get(3).map_err(|e| plain(&e))?);
        }
        plans.push((name, steps));
    }
    Ok(plans)
}
