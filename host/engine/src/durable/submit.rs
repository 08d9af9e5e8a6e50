//! Accepting a plan: all of it in one commit, once.
//!
//! Never: half a plan; a second plan under the name of another.

use remit_core::digest::Digest;
use remit_core::durable::{LedgerEvent, RunId, Stream};
use remit_core::plan::{CheckedPlan, Plan};

use super::ledger::{Append, Commit, EntryQuery, Expect, Lane, Ledger, LedgerError, Refusal};

/// What became of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The run.
    pub run: RunId,
    /// Whether it is new; else the same plan was submitted before.
    pub new: bool,
}

/// Why a plan was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Another plan has the run's name.
    #[error(
        "run {run} exists already, with another plan; give the plan another `run`, or leave it out \
         for a new one"
    )]
    Conflict {
        /// The name.
        run: RunId,
    },
    /// A new name is not one. A fault of the host.
    #[error(transparent)]
    Name(#[from] remit_core::durable::NameError),
    /// The plan cannot be written as JSON. A fault of the host.
    #[error("the plan has no JSON form: {0}")]
    Form(#[from] serde_json::Error),
    /// The ledger did not take it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Submits a plan. The same plan under the same name again is the run that exists.
///
/// # Errors
/// Another plan has the name, or the ledger cannot be written. Nothing was submitted then.
pub async fn submit(
    ledger: &dyn Ledger,
    plan: CheckedPlan,
    source: String,
    now_ms: u64,
) -> Result<Submitted, SubmitError> {
    let plan = plan.into_plan();
    let digest = Digest::of(&serde_json::to_vec(&plan)?);
    let run = match &plan.run {
        Some(run) => run.clone(),
        None => crate::attempt::new_run_id().parse()?,
    };
    let appends = appends(&run, plan, source, digest);
    let commit = Commit {
        now_ms,
        lane: Lane::State,
        appends,
        breakers: Vec::new(),
    };
    match ledger.commit(commit).await {
        Ok(_) => Ok(Submitted { run, new: true }),
        Err(LedgerError::Refused(Refusal::Exists(_))) => existing(ledger, run, digest).await,
        Err(error @ LedgerError::Unknown(_)) => match existing(ledger, run, digest).await {
            Ok(known) => Ok(Submitted { new: true, ..known }),
            Err(_) => Err(error.into()),
        },
        Err(error) => Err(error.into()),
    }
}

fn appends(run: &RunId, plan: Plan, source: String, digest: Digest) -> Vec<Append> {
    let mut appends = Vec::with_capacity(plan.tasks.len() + 1);
    appends.push(Append {
        stream: Stream::Run(run.clone()),
        expect: Expect::New,
        events: vec![LedgerEvent::RunSubmitted {
            settings: Box::new(plan.settings),
            tasks: plan.tasks.len() as u64,
            source,
            plan: Some(digest),
        }],
    });
    appends.extend((0..).zip(plan.tasks).map(|(index, spec)| Append {
        stream: Stream::Task(run.clone(), spec.id.clone()),
        expect: Expect::New,
        events: vec![LedgerEvent::TaskQueued {
            index,
            ready: spec.needs.is_empty(),
            spec: Box::new(spec),
        }],
    }));
    appends
}

/// The run that has the name, if it has the same plan.
async fn existing(
    ledger: &dyn Ledger,
    run: RunId,
    digest: Digest,
) -> Result<Submitted, SubmitError> {
    let first = ledger
        .entries(EntryQuery {
            run: Some(run.clone()),
            task: None,
            after: 0,
            activity: false,
            limit: 1,
        })
        .await?;
    let same = first.iter().any(|entry| {
        matches!(&entry.event, LedgerEvent::RunSubmitted { plan, .. } if *plan == Some(digest))
    });
    if same {
        Ok(Submitted { run, new: false })
    } else {
        Err(SubmitError::Conflict { run })
    }
}
