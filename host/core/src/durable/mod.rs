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

mod again;
pub mod derived;
mod event;
mod metrics;
mod name;
mod progress;
mod run;
mod task;

pub use again::{NothingLeft, plan_again};
pub use event::{
    Answer, AttemptResult, End, Entry, GateWord, LEDGER_FORMAT, LedgerEvent, Question,
    SafeModeCause, Severity, Stream, Trigger,
};
pub use metrics::{Circuit, DURATION_BOUNDS_MS, Durations, Metrics};
pub use name::{AdapterId, MAX_NAME, NameError, RunId, TaskId};
pub use progress::{Progress, Tracker};
pub use run::{Counts, RunPhase, RunState};
pub use task::{Effect, IllegalEvent, Last, MAX_EFFECTS, Phase, TaskState};
