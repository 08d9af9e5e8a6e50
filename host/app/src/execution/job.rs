//! One attempt at a task's work, from its kit to its outcome.
//!
//! Never: an attempt whose decision was taken back before it began.

use std::sync::Arc;

use remit_core::audit::{AttemptOf, HookOf};
use remit_core::outcome::{CancelReason, Outcome};
use remit_core::plan::Work;
use remit_core::tool::TaskMark;
use remit_engine::attempt::{self, Request, new_run_id};
use remit_engine::cancel::Cancel;
use remit_engine::durable::attempts::{Assignment, AttemptRecord};
use remit_engine::durable::journal::{AttemptJournal, EventAudit};
use remit_engine::host::{Durable, Identity, PluginHost, World};
use remit_engine::inputs::RawInputs;
use remit_engine::seam::Tools;
use serde_json::{Map, Value};

use super::Workshop;
use super::kit::{self, Current, Ready};
use super::recall::Rest;
use super::trail::{Begun, Trail};
use crate::wiring;

/// How often a decision is made again because the owner said something else meanwhile.
const TRIES: usize = 3;

/// What an attempt does besides its kit.
pub(super) struct Job {
    pub(super) assignment: Assignment,
    /// The plugin, as in a plan.
    pub(super) plugin: String,
    pub(super) inputs: Map<String, Value>,
    pub(super) record: Arc<dyn AttemptRecord>,
    pub(super) cancel: Cancel,
    /// Whether its tools are effects of the task. A check's are not: it may be made again.
    pub(super) effects: bool,
    /// The gate, for the audit.
    pub(super) gate: Option<String>,
    /// The hook, for the audit.
    pub(super) hook: Option<HookOf>,
}

impl Job {
    /// What the audit says it is.
    fn begun(&self) -> Begun {
        match &self.hook {
            Some(hook) => Begun::Hook(hook.clone()),
            None => Begun::Attempt(AttemptOf {
                plan_run: self.assignment.run.to_string(),
                task: self.assignment.task.id.to_string(),
                number: self.assignment.attempt,
                gate: self.gate.clone(),
            }),
        }
    }
}

impl Workshop {
    /// Makes an attempt with the candidate that was assigned.
    pub(super) async fn make_attempt(
        &self,
        assignment: Assignment,
        record: Arc<dyn AttemptRecord>,
        cancel: Cancel,
    ) -> Outcome {
        let task = Arc::clone(&assignment.task);
        let number = usize::try_from(assignment.candidate).unwrap_or(usize::MAX);
        let candidate = match &task.work {
            Work::Plugin { candidates, .. } => candidates.get(number),
            Work::Manual { .. } | Work::Approval { .. } => None,
        };
        let Some(candidate) = candidate else {
            return Outcome::Internal {
                message: format!("task `{}` has no candidate {number}", task.id),
            };
        };
        let job = Job {
            plugin: candidate.plugin.clone(),
            inputs: kit::inputs(&task, candidate).cloned().unwrap_or_default(),
            assignment,
            record,
            cancel,
            effects: true,
            gate: None,
            hook: None,
        };
        self.carry_out(job, |trail| Arc::new(trail)).await
    }

    /// Carries a job out. `watch` says who sees its events beside the ledger.
    pub(super) async fn carry_out(
        &self,
        job: Job,
        watch: impl FnOnce(Trail) -> Arc<dyn EventAudit> + Send,
    ) -> Outcome {
        let room = tokio::select! {
            biased;
            reason = job.cancel.cancelled() => return Outcome::Cancelled { reason },
            room = self.room.acquire() => room,
        };
        // The semaphore is never closed.
        let Ok(_room) = room else {
            let reason = CancelReason::Shutdown;
            return Outcome::Cancelled { reason };
        };
        let (current, _rest) = match self.decided(&job).await {
            Ok(decided) => decided,
            Err(outcome) => return outcome,
        };
        let ready = match current.kit.ready() {
            Ok(ready) => ready,
            Err(outcome) => return outcome,
        };
        let trail = Trail::new(&self.audit, new_run_id());
        let what = job.begun();
        if let Err(error) = trail.begin(&current.kit.about, what).await {
            return Outcome::Internal {
                message: format!("nothing runs without its audit: {error}"),
            };
        }
        let audit = watch(trail.clone());
        let host = match self.host(&current, ready, &job, audit).await {
            Ok(host) => host,
            Err(outcome) => {
                trail.end(&outcome).await;
                return outcome;
            }
        };
        let request = request(&current, ready, job);
        attempt::run(&ready.plugin, &host, request).await
    }

    /// The kit as the owner's word makes it now, and the attempt's place among those that rest on
    /// an approval.
    async fn decided(&self, job: &Job) -> Result<(Current, Option<Rest>), Outcome> {
        for _ in 0..TRIES {
            let current = self.kit(&job.plugin).await?;
            let approval = current.kit.ready()?.rests_on.clone();
            let Some(approval) = approval else {
                return Ok((current, None));
            };
            let rest = self.recall.rest(approval, job.cancel.clone());
            // What is taken back from here on is seen by the watch.
            if self.book.holds(&current.page) {
                return Ok((current, Some(rest)));
            }
        }
        Err(Outcome::Unavailable {
            what: "the owner's approvals change faster than an attempt can begin".to_owned(),
        })
    }

    async fn host(
        &self,
        current: &Current,
        ready: &Ready,
        job: &Job,
        audit: Arc<dyn EventAudit>,
    ) -> Result<Arc<PluginHost>, Outcome> {
        let owner = &current.page.owner;
        let tree = match &ready.still {
            Some(tree) => Arc::clone(tree),
            None => wiring::begin_tree_apart(owner)
                .await
                .map_err(|stop| stop.outcome())?,
        };
        let assignment = &job.assignment;
        let mark = TaskMark {
            run: assignment.run.to_string(),
            task: assignment.task.id.to_string(),
            attempt: assignment.attempt,
            fence: assignment.fence,
        };
        let world = World {
            tools: Arc::clone(&ready.tools) as Arc<dyn Tools>,
            state: Arc::clone(&self.state),
            tree,
            http: Some(Arc::new(self.http.clone())),
            scratch: Some(Arc::new(ready.tools.scratch())),
            // A durable task asks in the ledger; checks and hooks ask nobody.
            person: None,
            durable: job.effects.then(|| Durable {
                record: Arc::clone(&job.record),
                mark,
                effects_before: assignment.effects_before,
            }),
        };
        let limits = ready.grants.limits();
        let identity = Identity {
            plugin: current.kit.about.plugin.clone(),
            task: assignment.task.id.to_string(),
            workspace: owner.workspace().to_owned(),
            time: assignment.time.unwrap_or_else(|| limits.time().get()),
        };
        let journal = AttemptJournal::start(
            Arc::clone(&job.record),
            audit,
            job.cancel.clone(),
            job.inputs.clone(),
        );
        Ok(PluginHost::new(
            ready.grants.clone(),
            world,
            identity,
            journal,
            job.cancel.clone(),
            true,
        ))
    }
}

fn request(current: &Current, ready: &Ready, job: Job) -> Request {
    let about = &current.kit.about;
    Request {
        run_id: job.assignment.run.to_string(),
        attempt: job.assignment.attempt,
        fence: job.assignment.fence,
        inputs: RawInputs {
            document: Some(job.inputs),
            pairs: Vec::new(),
        },
        role: None,
        version: about.version.clone(),
        component_digest: about.component.clone(),
        manifest_digest: about.manifest.clone(),
        grants: ready.summary.clone(),
        checkpoint: job.assignment.checkpoint,
        described: ready.described.clone(),
    }
}
