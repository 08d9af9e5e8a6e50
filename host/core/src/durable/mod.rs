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
mod asked;
pub mod derived;
mod entry;
mod event;
mod metrics;
mod name;
mod progress;
mod run;
mod task;
mod trace;
mod transition;
mod words;

pub use again::{NothingLeft, plan_again};
pub use asked::{Answered, Asked, AskedBy, OpenQuestion};
pub use entry::{Entry, LEDGER_FORMAT, Stream};
pub use event::{AttemptResult, LedgerEvent};
pub use metrics::{Circuit, DURATION_BOUNDS_MS, Durations, Metrics};
pub use name::{AdapterId, MAX_NAME, NameError, RunId, TaskId};
pub use progress::{Progress, Tracker};
pub use run::{Counts, RunPhase, RunState};
pub use task::{Effect, IllegalEvent, Last, MAX_EFFECTS, Phase, TaskState};
pub use trace::Spans;
pub use words::{Answer, End, GateWord, Question, SafeModeCause, Severity, Trigger};
