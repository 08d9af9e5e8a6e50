//! Work that does what a test says: a double of [`Attempts`].
//!
//! Never: used by the product.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use remit_core::durable::{AdapterId, TaskId};
use remit_core::gate::Observed;
use remit_core::outcome::Outcome;
use remit_core::plan::{Candidate, GateSpec, TaskSpec};
use remit_core::tool::Exit;

use crate::cancel::Cancel;
use crate::durable::attempts::{AdapterFacts, Assignment, AttemptRecord, Attempts, Unfit};

/// What one attempt does.
pub type Doing = Pin<Box<dyn Future<Output = Outcome> + Send>>;
/// What attempts do.
pub type Script = Arc<dyn Fn(Assignment, Arc<dyn AttemptRecord>, Cancel) -> Doing + Send + Sync>;
/// What a look at a candidate finds.
pub type Look =
    Arc<dyn Fn(&TaskSpec, &Candidate) -> Result<AdapterFacts, Box<Unfit>> + Send + Sync>;
/// What a gate finds.
pub type Finding = Arc<dyn Fn(&Assignment, &GateSpec) -> Observed + Send + Sync>;

/// An attempt that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Of which task.
    pub task: TaskId,
    /// Its number.
    pub attempt: u32,
    /// Its fence.
    pub fence: u64,
    /// Its candidate.
    pub candidate: u32,
    /// The gate's name, if it is one.
    pub gate: Option<String>,
}

/// Attempts that play a script.
#[derive(Clone)]
pub struct FakeAttempts {
    /// What attempts do.
    pub script: Script,
    /// What a look at a candidate finds.
    pub look: Look,
    /// What gates find.
    pub finding: Finding,
    /// What was begun, in order.
    pub begun: Arc<Mutex<Vec<Begun>>>,
}

impl std::fmt::Debug for FakeAttempts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeAttempts").finish_non_exhaustive()
    }
}

/// A success without outputs.
#[must_use]
pub fn succeeded() -> Outcome {
    Outcome::Succeeded {
        summary: "done".into(),
        outputs: serde_json::json!({}),
        artifacts: Vec::new(),
    }
}

impl Default for FakeAttempts {
    fn default() -> Self {
        Self::doing(|_| succeeded())
    }
}

impl FakeAttempts {
    /// Attempts that end at once, like this.
    pub fn doing(outcome: impl Fn(&Assignment) -> Outcome + Send + Sync + 'static) -> Self {
        Self::playing(move |assignment, _, _| {
            let outcome = outcome(&assignment);
            Box::pin(async move { outcome })
        })
    }

    /// Attempts that do this.
    pub fn playing(
        script: impl Fn(Assignment, Arc<dyn AttemptRecord>, Cancel) -> Doing + Send + Sync + 'static,
    ) -> Self {
        Self {
            script: Arc::new(script),
            look: Arc::new(|_, candidate| {
                let own = candidate.adapter.clone();
                Ok(AdapterFacts {
                    adapter: own.unwrap_or_else(|| AdapterId::of_plugin(&candidate.plugin)),
                    max_parallel: None,
                })
            }),
            finding: Arc::new(|_, _| Observed::new(Exit::Code(0), "", false)),
            begun: Arc::default(),
        }
    }

    /// Whose candidates look like this.
    #[must_use]
    pub fn looking(self, look: Look) -> Self {
        Self { look, ..self }
    }

    /// Whose gates find this.
    #[must_use]
    pub fn judging(self, finding: Finding) -> Self {
        Self { finding, ..self }
    }

    /// What was begun so far.
    #[must_use]
    pub fn begun(&self) -> Vec<Begun> {
        self.begun.lock().unwrap().clone()
    }

    fn begin(&self, assignment: &Assignment, gate: Option<String>) {
        self.begun.lock().unwrap().push(Begun {
            task: assignment.task.id.clone(),
            attempt: assignment.attempt,
            fence: assignment.fence,
            candidate: assignment.candidate,
            gate,
        });
    }
}

#[async_trait]
impl Attempts for FakeAttempts {
    async fn check(
        &self,
        task: &TaskSpec,
        candidate: &Candidate,
    ) -> Result<AdapterFacts, Box<Unfit>> {
        (self.look)(task, candidate)
    }

    async fn attempt(
        &self,
        assignment: Assignment,
        record: Arc<dyn AttemptRecord>,
        cancel: Cancel,
    ) -> Outcome {
        self.begin(&assignment, None);
        (self.script)(assignment, record, cancel).await
    }

    async fn gate(
        &self,
        assignment: Assignment,
        gate: GateSpec,
        _record: Arc<dyn AttemptRecord>,
        _cancel: Cancel,
    ) -> Result<Observed, Box<Outcome>> {
        self.begin(&assignment, Some(gate.title()));
        Ok((self.finding)(&assignment, &gate))
    }
}
