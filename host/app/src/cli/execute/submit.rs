//! From the command line to runs in the ledger.
//!
//! Never: a plan that another run's name is given to; a finished run that is done again unasked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anstream::eprintln;
use remit_core::durable::RunId;
use remit_core::plan::import::Mode;
use remit_core::plan::{CheckedPlan, PlanError};
use remit_engine::durable::ledger::Ledger;
use remit_engine::durable::{SubmitError, Which, submit};

use super::{Args, ready};
use crate::exit::Stop;
use crate::files;
use crate::ledger_file::stop;
use crate::owner::Owner;
use crate::plan_files::{self, Loaded};
use crate::printable::printable;
use crate::render::{DIM, WARN};
use crate::timeline::now_ms;

/// Most runs of one name that `--again` counts: `NAME-2` to `NAME-1000`.
const MOST_AGAIN: u32 = 1_000;

/// Which runs are to be executed; a plan is submitted.
pub(super) async fn which(
    args: &Args,
    owner: &Owner,
    ledger: &Arc<dyn Ledger>,
) -> Result<Which, Stop> {
    if args.resume {
        return Ok(Which::Open);
    }
    if args.plans.is_empty() {
        if let Some(run) = &args.run
            && let Some(view) = ledger.run(run).await.map_err(stop)?
        {
            let workspace = view.settings.workspace.as_deref();
            same_workspace(run, workspace, owner.workspace())?;
            if view.finished_ms.is_none() {
                return Ok(Which::One(run.clone()));
            }
            if !args.again {
                return Err(finished(run));
            }
            let plan = again(&**ledger, run).await?;
            return submitted(&**ledger, plan, view.source)
                .await
                .map(Which::One);
        }
        if args.watch && args.run.is_none() {
            return Ok(Which::Watch);
        }
        if let Some(run) = &args.run
            && !plan_files::has_queue(owner.workspace())
        {
            return Err(Stop::usage(
                format!("there is no run {run}, and no plan that could become it"),
                "`remit runs --all` lists the runs; name a plan file to make a new one",
            ));
        }
    }
    let run = from_files(args, owner, &**ledger).await?;
    Ok(if args.watch {
        Which::Watch
    } else {
        Which::One(run)
    })
}

/// Reads the plan and submits it.
async fn from_files(args: &Args, owner: &Owner, ledger: &dyn Ledger) -> Result<RunId, Stop> {
    let workspace = [owner.workspace().to_owned()];
    let named: &[PathBuf] = if args.plans.is_empty() {
        &workspace
    } else {
        &args.plans
    };
    let mode = if args.strict {
        Mode::Strict
    } else {
        Mode::Lenient
    };
    if named.iter().any(|path| is_routed(path, owner.workspace())) {
        let warnings = ready::entry(owner.workspace(), &args.ledger.path()?).await?;
        if !args.json && !args.quiet {
            for warning in warnings {
                eprintln!("{WARN}warning:{WARN:#} {}", printable(&warning));
            }
        }
    }
    let loaded = plan_files::load(named, owner, mode)?;
    tell(&loaded, args);
    let source = source(&loaded);
    let mut plan = loaded.plan.into_plan();
    if let Some(run) = &args.run {
        match &plan.run {
            Some(own) if args.plans.is_empty() && own != run => {
                return Err(Stop::usage(
                    format!("the workspace's .state is about run {own}, not {run}"),
                    format!("name that one: --run {own}; `remit runs --all` lists those there are"),
                ));
            }
            Some(_) | None => plan.run = Some(run.clone()),
        }
    }
    plan.settings.require_evidence |= args.require_evidence;
    plan.settings.workspace = Some(owner.workspace().display().to_string());
    if args.again
        && let Some(run) = &plan.run
    {
        plan.run = Some(next_name(ledger, run).await?);
    }
    let name = plan.run.clone();
    let plan = CheckedPlan::new(plan).map_err(|errors| mistakes(&errors))?;
    if let Some(run) = name
        && let Some(view) = ledger.run(&run).await.map_err(stop)?
        && view.finished_ms.is_some()
    {
        return Err(finished(&run));
    }
    submitted(ledger, plan, source).await
}

/// Whether a path means what the phases before left in this workspace.
fn is_routed(path: &Path, workspace: &Path) -> bool {
    let path = files::real_or_planned(path);
    path == workspace || path.starts_with(workspace.join(plan_files::STATE))
}

/// Submits a plan that was checked.
pub(super) async fn submitted(
    ledger: &dyn Ledger,
    plan: CheckedPlan,
    source: String,
) -> Result<RunId, Stop> {
    match submit(ledger, plan, source, now_ms()).await {
        Ok(submitted) => Ok(submitted.run),
        Err(SubmitError::Ledger(error)) => Err(stop(error)),
        Err(error @ SubmitError::Conflict { .. }) => {
            let fix = "leave the name out for a new run, or choose another with --run";
            Err(Stop::usage(error.to_string(), fix))
        }
        Err(error @ (SubmitError::Name(_) | SubmitError::Form(_))) => {
            Err(Stop::Internal(error.into()))
        }
    }
}

/// The same tasks as a new run.
async fn again(ledger: &dyn Ledger, run: &RunId) -> Result<CheckedPlan, Stop> {
    let mut plan = crate::run_plan::of(ledger, run).await?;
    plan.run = Some(next_name(ledger, run).await?);
    CheckedPlan::new(plan).map_err(|errors| mistakes(&errors))
}

/// The first name after this one that no run has: `NAME-2`, `NAME-3`.
async fn next_name(ledger: &dyn Ledger, run: &RunId) -> Result<RunId, Stop> {
    for number in 2..=MOST_AGAIN {
        let name: RunId = format!("{run}-{number}").parse().map_err(|error| {
            Stop::usage(
                format!("there is no name for another run: {error}"),
                "name it: --run",
            )
        })?;
        if ledger.run(&name).await.map_err(stop)?.is_none() {
            return Ok(name);
        }
    }
    Err(Stop::usage(
        format!("{run} was executed {MOST_AGAIN} times"),
        "name the new run: --run",
    ))
}

fn finished(run: &RunId) -> Stop {
    Stop::usage(
        format!("run {run} has finished"),
        format!(
            "look at it: remit show {run}; do all of it again as a new run: --again; only what did \
             not complete: remit retry {run}"
        ),
    )
}

fn same_workspace(run: &RunId, of_run: Option<&str>, here: &Path) -> Result<(), Stop> {
    match of_run {
        Some(other) if Path::new(other) != here => Err(Stop::usage(
            format!("run {run} is about {other}, not about {}", here.display()),
            format!("remit execute --run {run} -C {other}"),
        )),
        Some(_) | None => Ok(()),
    }
}

fn mistakes(errors: &[PlanError]) -> Stop {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Stop::usage(
        lines.join("; "),
        "mend the plan; `remit plan check` shows the places",
    )
}

/// Where a plan came from, for people.
fn source(loaded: &Loaded) -> String {
    let names: Vec<&str> = loaded.sources.iter().map(|source| source.name()).collect();
    names.join(", ")
}

/// Says what was adapted, shortly.
fn tell(loaded: &Loaded, args: &Args) {
    if args.json || args.quiet {
        return;
    }
    /// Adaptations that are said here; `remit plan check` says all.
    const SAID: usize = 5;
    for adaptation in loaded.adaptations.iter().take(SAID) {
        eprintln!(
            "{WARN}adapted{WARN:#} {}",
            printable(&format!("{}: {}", adaptation.pointer, adaptation.what))
        );
    }
    let more = loaded.adaptations.len().saturating_sub(SAID);
    if more > 0 {
        eprintln!("{DIM}{more} more: remit plan check{DIM:#}");
    }
}
