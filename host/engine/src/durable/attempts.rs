//! The seam to the work: one attempt at a task, one acceptance gate, and where they write what
//! happens.
//!
//! The app implements [`Attempts`] with the sandbox, the tools and the policy; tests script it.
//! The engine implements [`AttemptRecord`] over the ledger. Never: an outcome that the ledger
//! learns from anyone but the dispatcher.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use remit_core::digest::Digest;
use remit_core::durable::{AdapterId, Effect, RunId};
use remit_core::event::Event;
use remit_core::gate::Observed;
use remit_core::outcome::Outcome;
use remit_core::person::PersonQuestion;
use remit_core::plan::{Candidate, GateSpec, RunSettings, TaskSpec};
use remit_core::tool::Launch;

use crate::cancel::Cancel;
use crate::seam::Reply;

/// One attempt that is to be made.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The run.
    pub run: RunId,
    /// What applies to the whole run.
    pub settings: Arc<RunSettings>,
    /// The task.
    pub task: Arc<TaskSpec>,
    /// Which of its candidates does the work, from 0.
    pub candidate: u32,
    /// From 1.
    pub attempt: u32,
    /// Larger than any before.
    pub fence: u64,
    /// How long it may take at most; the plugin's own limit if absent.
    pub time: Option<Duration>,
    /// What an earlier attempt saved.
    pub checkpoint: Option<Vec<u8>>,
    /// How many effects had been asked for by then; the attempt's own are counted on from there.
    pub effects_before: u32,
}

/// What is known of an adapter before it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterFacts {
    /// Its name for breaker and limits.
    pub adapter: AdapterId,
    /// How many attempts it bears at the same time; as many as there are if absent.
    pub max_parallel: Option<u32>,
}

/// Why a candidate cannot be used at all: no plugin of that name, its manifest has mistakes, it is
/// denied, its tool is not there.
#[derive(Debug, Clone, PartialEq)]
pub struct Unfit {
    /// Its name for breaker and limits, as far as it can be told.
    pub adapter: AdapterId,
    /// What an attempt with it would come to.
    pub outcome: Outcome,
}

/// The attempt is not the newest any more, or its record cannot be written: it must end, and
/// nothing it does counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the attempt does not hold its task any more: {0}")]
pub struct Lost(pub String);

/// What is to be done about an effect that a plugin asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum EffectDecision {
    /// Start it. It is in the ledger that it will be.
    Start,
    /// It was finished before the host died: here is what was recorded, the events of that tool
    /// run from `tool-started` to `tool-finished`.
    Replay(Vec<Event>),
    /// Whether it happened is not known, and the task says that it must not be repeated.
    Refuse(String),
}

/// Where an attempt writes what happens. Each write is durable when it returns, except
/// [`AttemptRecord::activity`], which is in order with the others and durable soon.
#[async_trait]
pub trait AttemptRecord: Send + Sync {
    /// Something that the attempt did. Waits while too much waits to be written. The
    /// event is taken when the future is first polled: whoever drops it then only stops waiting.
    ///
    /// # Errors
    /// The attempt is over.
    async fn activity(&self, event: Event) -> Result<(), Lost>;

    /// Before a tool is started. `effect` counts what the plugin asks for, from 1; an attempt that
    /// goes on from a checkpoint counts on from [`Assignment::effects_before`].
    ///
    /// # Errors
    /// The attempt is over.
    async fn effect(
        &self,
        effect: u32,
        call: Digest,
        launch: &Launch,
    ) -> Result<EffectDecision, Lost>;

    /// After the tool has ended and the last of its output was given to `activity`.
    ///
    /// # Errors
    /// The attempt is over.
    async fn effect_finished(&self, effect: u32, tool_call: u32, success: bool)
    -> Result<(), Lost>;

    /// The tool was not started after all.
    ///
    /// # Errors
    /// The attempt is over.
    async fn effect_refused(&self, effect: u32, message: String) -> Result<(), Lost>;

    /// The plugin asks a person, and waits. `number` counts with the effects; the question is in the
    /// ledger before anyone can answer it, and an answer that is there already is given at once.
    ///
    /// # Errors
    /// The attempt is over.
    async fn ask(&self, number: u32, question: &PersonQuestion) -> Result<Reply, Lost>;

    /// The plugin saves a checkpoint, after so many effects were asked for.
    ///
    /// # Errors
    /// The attempt is over.
    async fn checkpoint(&self, bytes: Vec<u8>, effects: u32) -> Result<(), Lost>;
}

/// Carries out the work of tasks.
#[async_trait]
pub trait Attempts: Send + Sync {
    /// Looks whether a candidate could be used now, without starting anything of it. Quick when
    /// asked again.
    ///
    /// # Errors
    /// It cannot.
    async fn check(
        &self,
        task: &TaskSpec,
        candidate: &Candidate,
    ) -> Result<AdapterFacts, Box<Unfit>>;

    /// Makes one attempt. Ends soon after `cancel`; nothing that it started is left when it
    /// returns.
    async fn attempt(
        &self,
        assignment: Assignment,
        record: Arc<dyn AttemptRecord>,
        cancel: Cancel,
    ) -> Outcome;

    /// Makes one acceptance check. As `attempt` otherwise.
    ///
    /// # Errors
    /// The check's tool could not be run to its end, or not at all, with what the attempt at it came
    /// to: a denial, a missing tool, a cancellation. That says nothing about the work.
    async fn gate(
        &self,
        assignment: Assignment,
        gate: GateSpec,
        record: Arc<dyn AttemptRecord>,
        cancel: Cancel,
    ) -> Result<Observed, Box<Outcome>>;
}

/// What the ledger knows of a task's effects when an attempt begins.
pub type KnownEffects = BTreeMap<u32, Effect>;
