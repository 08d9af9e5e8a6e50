//! The pure heart of durable execution: what can happen to a run and its tasks, and what follows.
//!
//! ```text
//! Stream::Task(run, task):  TASK_QUEUED … TASK_STARTED … ATTEMPT_ENDED … TASK_COMPLETED
//!                                │ TaskState::apply, live and after a crash
//!                                ▼
//!                            TaskState
//! ```
//!
//! Never: a clock, a store, a state that is not the fold of a history.

mod event;
mod name;
mod run;
mod task;

pub use event::{
    Answer, AttemptResult, End, Entry, GateWord, LEDGER_FORMAT, LedgerEvent, Question,
    SafeModeCause, Severity, Stream, Trigger,
};
pub use name::{AdapterId, MAX_NAME, NameError, RunId, TaskId};
pub use run::{Counts, RunPhase, RunState};
pub use task::{Effect, IllegalEvent, Last, MAX_EFFECTS, Phase, TaskState};
