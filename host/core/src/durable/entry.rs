//! An event with its place in the ledger: whose history it belongs to, and its numbers.
//!
//! Never: a number that changes once it is given.

use serde::{Deserialize, Serialize};

use super::event::LedgerEvent;
use super::name::{RunId, TaskId};

/// Version of the format of entries. A reader refuses a newer one.
pub const LEDGER_FORMAT: u32 = 1;

/// Whose history an event belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// What concerns every run of this ledger: hosts, circuits, safe mode.
    Host,
    /// A run as a whole.
    Run(RunId),
    /// One task of a run.
    Task(RunId, TaskId),
}

impl Stream {
    /// The run, if the stream belongs to one.
    #[must_use]
    pub fn run(&self) -> Option<&RunId> {
        match self {
            Self::Host => None,
            Self::Run(run) | Self::Task(run, _) => Some(run),
        }
    }

    /// The task, if it is one's.
    #[must_use]
    pub fn task(&self) -> Option<&TaskId> {
        match self {
            Self::Host | Self::Run(_) => None,
            Self::Task(_, task) => Some(task),
        }
    }
}

impl std::fmt::Display for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host => f.write_str("the host"),
            Self::Run(run) => write!(f, "run {run}"),
            Self::Task(run, task) => write!(f, "task {task} of run {run}"),
        }
    }
}

/// An event with its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Entry {
    /// [`LEDGER_FORMAT`].
    pub v: u32,
    /// Place among all events of the ledger: grows, may have gaps. What `--since` takes.
    pub seq: u64,
    /// When, in milliseconds since 1970-01-01 UTC by the host's clock; never less than before.
    pub at_ms: u64,
    /// The run; absent for what concerns the host.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<RunId>,
    /// The task; absent for what concerns the run as a whole.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub task: Option<TaskId>,
    /// Place in its stream: from 1, without gaps.
    pub task_seq: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: LedgerEvent,
}

impl Entry {
    /// Whose history this belongs to.
    #[must_use]
    pub fn stream(&self) -> Stream {
        match (&self.run, &self.task) {
            (Some(run), Some(task)) => Stream::Task(run.clone(), task.clone()),
            (Some(run), None) => Stream::Run(run.clone()),
            (None, _) => Stream::Host,
        }
    }
}
