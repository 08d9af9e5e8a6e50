//! What has to hold before an execution begins: the production gate is open if that is asked for,
//! and for every task there is someone who could do it now (R2.02).
//!
//! Never: a start of anything.

use std::collections::HashMap;
use std::path::Path;

use remit_core::contract::{self, Contract, Side, Standing};
use remit_core::denial::Denial;
use remit_core::durable::RunId;
use remit_core::outcome::Outcome;
use remit_core::plan::{Candidate, TaskSpec, Work};
use remit_engine::durable::attempts::Attempts;
use remit_engine::durable::ledger::{Ledger, MAX_ENTRIES, TaskQuery};

use crate::contract_facts::{LedgerFacts, WorkspaceFacts};
use crate::exit::Stop;
use crate::ledger_file::stop;

/// Blockers that are listed. Who has more has one cause for most of them.
const LISTED: usize = 20;

/// Refuses while the contract of this phase does not allow production (R2.27).
pub(super) fn production(workspace: &Path) -> Result<(), Stop> {
    let contract = crate::cli::contract::of_execution(workspace)?;
    check_production(&contract)
}

fn check_production(contract: &Contract) -> Result<(), Stop> {
    contract.readiness.allows_production().map_err(|reason| {
        Stop::usage(
            format!("not for production: {reason}"),
            "see `remit contract show`; execute without --production, or open the gate in the \
             phase's README",
        )
    })
}

/// Holds the entry side of the contract of execution against the workspace before its routed tasks
/// are taken up: refuses while a hard blocker stands (R2.02), gives what is only missing (R2.03).
pub(super) async fn entry(workspace: &Path, ledger: &Path) -> Result<Vec<String>, Stop> {
    let contract = crate::cli::contract::of_execution(workspace)?;
    let facts = WorkspaceFacts::of(workspace, LedgerFacts::gather(ledger).await?)?;
    let report = contract::check(&contract, Side::Entry, &facts);
    let mut blockers = Vec::new();
    let mut warnings = Vec::new();
    for checked in &report.items {
        let is_hard = checked.key == "hard_blockers";
        let is_soft = checked.key == "soft_dependencies";
        match &checked.standing {
            Standing::Unmet { missing, fix } if is_hard => {
                blockers.push(format!("{}: {missing} ({fix})", checked.item));
            }
            Standing::Warning { missing, .. } if is_hard || is_soft => {
                warnings.push(format!("{}: {missing}", checked.item));
            }
            Standing::Met | Standing::Unmet { .. } | Standing::Warning { .. } => {}
        }
    }
    if blockers.is_empty() {
        return Ok(warnings);
    }
    Err(Stop::usage(
        format!(
            "the contract of this phase blocks it: {}",
            blockers.join("; ")
        ),
        "see all of it: remit contract check entry",
    ))
}

/// Refuses a run with a task that nobody could do now. Everything that stands in the way is said.
pub(super) async fn somebody(
    ledger: &dyn Ledger,
    run: &RunId,
    attempts: &dyn Attempts,
) -> Result<(), Stop> {
    let mut asked: HashMap<String, Option<Outcome>> = HashMap::new();
    let mut blockers = Vec::new();
    let mut denials: Vec<Denial> = Vec::new();
    let mut from_index = 0;
    loop {
        let query = TaskQuery {
            run: run.clone(),
            phases: Vec::new(),
            from_index,
            limit: MAX_ENTRIES,
        };
        let page = ledger.tasks(query).await.map_err(stop)?;
        let Some(last) = page.last() else {
            break;
        };
        from_index = last.state.index.saturating_add(1);
        for task in page.iter().filter(|task| task.state.phase.end().is_none()) {
            let Some(outcome) = nobody(&task.spec, attempts, &mut asked).await else {
                continue;
            };
            if let Outcome::Denied { denials: found, .. } = &outcome {
                denials.extend(
                    found
                        .iter()
                        .filter(|denial| !denials.contains(denial))
                        .cloned()
                        .collect::<Vec<_>>(),
                );
            }
            blockers.push((task.spec.id.clone(), outcome));
        }
    }
    if blockers.is_empty() {
        return Ok(());
    }
    if !denials.is_empty() {
        return Err(Stop::Denied(denials));
    }
    let mut lines: Vec<String> = blockers
        .iter()
        .take(LISTED)
        .map(|(task, outcome)| format!("task {task}: {}", why(outcome)))
        .collect();
    if blockers.len() > LISTED {
        lines.push(format!("and {} more", blockers.len() - LISTED));
    }
    let message = format!("nobody could do this now: {}", lines.join("; "));
    let fix = "mend that; or begin all the same with --no-preflight".to_owned();
    let missing = |outcome: &Outcome| matches!(outcome, Outcome::Unavailable { .. });
    Err(if blockers.iter().all(|(_, outcome)| missing(outcome)) {
        Stop::Unavailable { message, fix }
    } else {
        Stop::usage(message, fix)
    })
}

/// Why none of a task's candidates could do it; nothing if one can.
async fn nobody(
    task: &TaskSpec,
    attempts: &dyn Attempts,
    asked: &mut HashMap<String, Option<Outcome>>,
) -> Option<Outcome> {
    let Work::Plugin { candidates, inputs } = &task.work else {
        return None;
    };
    let mut first = None;
    for candidate in candidates {
        let key = key(candidate, inputs);
        let unfit = match asked.get(&key) {
            Some(known) => known.clone(),
            None => {
                let unfit = attempts.check(task, candidate).await.err();
                let unfit = unfit.map(|unfit| unfit.outcome);
                asked.insert(key, unfit.clone());
                unfit
            }
        };
        first.get_or_insert(unfit?);
    }
    first
}

/// What a candidate's answer depends on: the plugin, and the tool that it is to run.
fn key(candidate: &Candidate, inputs: &serde_json::Map<String, serde_json::Value>) -> String {
    let inputs = candidate.inputs.as_ref().unwrap_or(inputs);
    let word = |name| {
        inputs
            .get(name)
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    format!("{} {} {}", candidate.plugin, word("tool"), word("template"))
}

fn why(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failed { message, .. }
        | Outcome::PluginFault { message, .. }
        | Outcome::Internal { message } => message.clone(),
        Outcome::Rejected { reason } => reason.clone(),
        Outcome::Unavailable { what } => what.clone(),
        Outcome::InvalidInput { problems } => {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            lines.join("; ")
        }
        Outcome::Succeeded { .. }
        | Outcome::Denied { .. }
        | Outcome::TimedOut { .. }
        | Outcome::Cancelled { .. } => outcome.status().to_owned(),
    }
}
