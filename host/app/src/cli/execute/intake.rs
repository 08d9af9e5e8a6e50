//! While an executor watches: each fresh routing file that a router leaves in the workspace becomes
//! a run (R2.17, automatic on the success of the phase before).
//!
//! Never: a file that is read while nothing about it changed; a mistake in one that ends the
//! executor.

use std::sync::Arc;
use std::time::Duration;

use anstream::eprintln;
use remit_core::durable::RunId;
use remit_core::plan::CheckedPlan;
use remit_core::plan::import::Mode;
use remit_engine::durable::ledger::Ledger;

use super::submit;
use crate::exit::Stop;
use crate::files::{self, Stamp};
use crate::ledger_file::stop;
use crate::owner::Owner;
use crate::plan_files;
use crate::render::NOTE;
use crate::watch::execution::Screen;

/// How often is looked: a person who drops a file sees it taken up at once.
const LOOK: Duration = Duration::from_millis(500);

/// What a router leaves, below the workspace. The second is written last.
const WATCHED: [&str; 2] = [".state/task_queue.json", ".state/routing_decisions.json"];

/// Submits what is there, and whatever comes. Ends when it is aborted.
pub(super) async fn follow(ledger: Arc<dyn Ledger>, owner: Owner, strict: bool, screen: Screen) {
    let mut seen: Option<[Option<Stamp>; 2]> = None;
    loop {
        let now = WATCHED.map(|name| files::stamp(&owner.workspace().join(name)));
        let there = now.iter().all(Option::is_some);
        if there && seen != Some(now) {
            match take(&*ledger, &owner, strict).await {
                Ok(Some(run)) => screen.beside(|| {
                    eprintln!("{NOTE}>{NOTE:#} run {run} from {}", WATCHED.join(", "));
                }),
                Ok(None) => {}
                Err(error) => screen.beside(|| error.print()),
            }
            seen = Some(now);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Submits what is there, unless it was before.
async fn take(ledger: &dyn Ledger, owner: &Owner, strict: bool) -> Result<Option<RunId>, Stop> {
    let mode = if strict { Mode::Strict } else { Mode::Lenient };
    let loaded = plan_files::load(&[owner.workspace().to_owned()], owner, mode)?;
    let mut plan = loaded.plan.into_plan();
    let Some(run) = plan.run.clone() else {
        return Err(Stop::usage(
            "the routing decisions name no run",
            "give them a `run_id`, so that it is known whether they are new",
        ));
    };
    if ledger.run(&run).await.map_err(stop)?.is_some() {
        return Ok(None);
    }
    plan.settings.workspace = Some(owner.workspace().display().to_string());
    let plan = CheckedPlan::new(plan).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Stop::usage(lines.join("; "), "mend the task queue")
    })?;
    submit::submitted(ledger, plan, WATCHED.join(", "))
        .await
        .map(Some)
}
