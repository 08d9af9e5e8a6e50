//! What can happen to the dispatcher, and what it can want: one closed list each.
//!
//! Never: an input that is not a fact; an action whose result does not come back as an input.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use remit_core::breaker::BreakerState;
use remit_core::digest::Digest;
use remit_core::durable::{
    AdapterId, AttemptResult, Entry, LedgerEvent, RunId, SafeModeCause, TaskId,
};
use remit_core::gate::Observed;
use remit_core::outcome::CancelReason;
use remit_core::plan::{GateSpec, RunSettings, TaskSpec};

use crate::durable::attempts::{AdapterFacts, KnownEffects, Unfit};
use crate::durable::ledger::{Commit, Committed, LedgerError, Refusal, RunView, TaskView};

/// A task of a run that the dispatcher has. Cheap; means nothing outside of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskKey {
    /// The dispatcher's number for the run.
    pub run: u32,
    /// Place in the plan, from 0.
    pub index: u32,
}

/// Names a commit until its answer is there.
pub type CommitId = u64;

/// A task as the ledger has it, with what its state does not say.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadTask {
    /// The task.
    pub view: TaskView,
    /// The tools of its effects that have no end.
    pub tools: BTreeMap<u32, String>,
}

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq)]
pub struct EndedAttempt {
    /// How it ended.
    pub result: AttemptResult,
    /// What it did and is not in the ledger yet: written with its end.
    pub activity: Vec<LedgerEvent>,
    /// Its newest checkpoint, and how many effects were asked for by then.
    pub checkpoint: Option<(Digest, u32)>,
    /// Effects of which is not known whether they happened, because the attempt was cut short.
    pub open: BTreeMap<u32, String>,
}

/// What an acceptance check came to.
#[derive(Debug, Clone, PartialEq)]
pub struct EndedGate {
    /// Which, from 0.
    pub gate: u32,
    /// What was seen of it.
    pub observed: Observed,
    /// What it did and is not in the ledger yet.
    pub activity: Vec<LedgerEvent>,
    /// How long it took, in milliseconds.
    pub wall_ms: u64,
}

/// Everything that can happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// What concerns every run, as the ledger has it at the start.
    Opened {
        /// The circuits that are not closed and without failures.
        breakers: Vec<(AdapterId, BreakerState)>,
        /// Why nothing may start, if so.
        safe_mode: Option<SafeModeCause>,
    },
    /// A run is to be carried out. All of its tasks, in the plan's order.
    Run {
        /// The run.
        view: Box<RunView>,
        /// Its tasks.
        tasks: Vec<ReadTask>,
    },
    /// A commit is durable.
    Committed(CommitId, Committed),
    /// A commit does not fit what is there.
    Refused(CommitId, Refusal),
    /// A commit failed otherwise.
    Failed(CommitId, LedgerError),
    /// A task was read again; absent if it is not there.
    Read(TaskKey, Option<Box<ReadTask>>),
    /// Tasks could not be read.
    ReadFailed(Vec<TaskKey>, LedgerError),
    /// A candidate was looked at.
    Checked {
        /// For which task.
        key: TaskKey,
        /// Which candidate.
        candidate: u32,
        /// Whether it can be used.
        fit: Result<AdapterFacts, Box<Unfit>>,
    },
    /// An attempt's work has ended.
    AttemptEnded {
        /// Of which task.
        key: TaskKey,
        /// The attempt's fence.
        fence: u64,
        /// How.
        ended: Box<EndedAttempt>,
    },
    /// An acceptance check has ended.
    GateEnded {
        /// Of which task.
        key: TaskKey,
        /// The attempt's fence.
        fence: u64,
        /// How.
        ended: Box<EndedGate>,
    },
    /// The ledger has new entries, whoever wrote them; in order, none left out.
    Entries(Vec<Entry>),
    /// The hosts that may still work on what they took.
    Hosts(BTreeSet<u64>),
    /// The ledger could not be told in time that this host lives: another one may take its tasks.
    LeaseLost,
    /// The ledger knows again that this host lives.
    LeaseKept,
    /// Someone wants the end of one run, or of all.
    CancelAsked {
        /// Which; all if absent.
        run: Option<RunId>,
        /// Why.
        reason: CancelReason,
        /// Who.
        by: String,
    },
    /// The host shall end: nothing new begins.
    ShutdownAsked,
    /// The time for attempts to end by themselves is over.
    DrainOver,
    /// Time has passed.
    Timer,
    /// Nothing else waits: what was decided can go out together, and new attempts can begin.
    Quiet,
}

/// An attempt that is in the ledger and begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// Which task.
    pub key: TaskKey,
    /// Its run.
    pub run: RunId,
    /// What applies to the whole run.
    pub settings: Arc<RunSettings>,
    /// What is to be done.
    pub task: Arc<TaskSpec>,
    /// Who does it, from 0.
    pub candidate: u32,
    /// From 1.
    pub attempt: u32,
    /// Larger than any before.
    pub fence: u64,
    /// How long it may take.
    pub time: Option<Duration>,
    /// What an earlier attempt saved.
    pub checkpoint: Option<Digest>,
    /// How many effects had been asked for by then.
    pub effects_before: u32,
    /// What is known of its effects.
    pub effects: KnownEffects,
    /// The acceptance check that is to be made instead of the work.
    pub gate: Option<(u32, GateSpec)>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Append to the ledger, in the order of these actions: [`Input::Committed`],
    /// [`Input::Refused`] or [`Input::Failed`] follows.
    Append(CommitId, Box<Commit>),
    /// Read tasks again, not before a time: [`Input::Read`] for each, or [`Input::ReadFailed`].
    Read {
        /// Which.
        tasks: Vec<(TaskKey, RunId, TaskId)>,
        /// When, in milliseconds since 1970.
        not_before_ms: u64,
    },
    /// Look at a candidate: [`Input::Checked`] follows.
    Check {
        /// For which task.
        key: TaskKey,
        /// The task.
        task: Arc<TaskSpec>,
        /// Which candidate.
        candidate: u32,
    },
    /// Make an attempt or an acceptance check: [`Input::AttemptEnded`] or [`Input::GateEnded`].
    Start(Box<Start>),
    /// Ask an attempt, or its check, to end.
    Cancel(TaskKey, CancelReason),
    /// Every task of the run has ended, and that is in the ledger.
    Finished(RunId),
    /// The host can end: nothing is under way.
    Stop,
    /// The ledger stays out of order.
    Fail(LedgerError),
}
