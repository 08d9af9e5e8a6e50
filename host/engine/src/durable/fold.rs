//! Folds appends into states: what every ledger does, whatever it keeps them in.
//!
//! Never: a store; a rule about one stream that is not in `remit_core::durable` or in [`Expect`].

use remit_core::durable::{
    Counts, IllegalEvent, LedgerEvent, Phase, RunPhase, RunState, Stream, TaskState,
};

use super::ledger::{Append, Expect, Refusal};

/// What a stream's history comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Folded {
    /// The host's stream has no state: its events say everything.
    Host,
    /// A run's.
    Run(RunState),
    /// A task's.
    Task(Box<TaskState>),
}

/// A stream as it is: the number of its newest event, and its state. Absent if it has no event.
pub type Head = Option<(u64, Folded)>;

/// Whether an append may be made to a stream that looks like this.
///
/// # Errors
/// What does not fit.
pub fn expect(append: &Append, head: &Head) -> Result<(), Refusal> {
    let stream = || append.stream.clone();
    match (append.expect, head) {
        (Expect::New, None) => Ok(()),
        (Expect::New, Some(_)) => Err(Refusal::Exists(stream())),
        // The host's stream begins by itself.
        (Expect::Exists, None) if append.stream == Stream::Host => Ok(()),
        (Expect::Seq(_) | Expect::Fence(_) | Expect::Exists, None) => {
            Err(Refusal::Missing(stream()))
        }
        (Expect::Seq(expected), Some((found, _))) => {
            if expected == *found {
                return Ok(());
            }
            Err(Refusal::Conflict {
                stream: stream(),
                expected,
                found: *found,
            })
        }
        (Expect::Fence(fence), Some((_, folded))) => {
            let (newest, held) = match folded {
                Folded::Task(state) => (state.fence, state.phase.is_held()),
                Folded::Host | Folded::Run(_) => (0, false),
            };
            if newest == fence && held {
                return Ok(());
            }
            Err(Refusal::Fenced {
                stream: stream(),
                fence,
                newest,
            })
        }
        (Expect::Exists, Some(_)) => Ok(()),
    }
}

/// The stream after one more event.
///
/// # Errors
/// The event cannot have happened; the head is then of no further use.
pub fn fold(stream: &Stream, head: Head, event: &LedgerEvent) -> Result<(u64, Folded), Refusal> {
    let illegal = |why: IllegalEvent| Refusal::Illegal {
        stream: stream.clone(),
        why,
    };
    match (stream, head) {
        (Stream::Host, head) => {
            if !is_host_event(event) {
                return Err(illegal(IllegalEvent::Stream {
                    event: event.word(),
                    stream: "host",
                }));
            }
            Ok((head.map_or(0, |(seq, _)| seq) + 1, Folded::Host))
        }
        (Stream::Run(_), None) => {
            let state = RunState::begin(event).map_err(illegal)?;
            Ok((1, Folded::Run(state)))
        }
        (Stream::Task(..), None) => {
            let state = TaskState::begin(event).map_err(illegal)?;
            Ok((1, Folded::Task(Box::new(state))))
        }
        (_, Some((seq, Folded::Run(mut state)))) => {
            state.apply(event).map_err(illegal)?;
            Ok((seq + 1, Folded::Run(state)))
        }
        (_, Some((seq, Folded::Task(mut state)))) => {
            state.apply(event).map_err(illegal)?;
            Ok((seq + 1, Folded::Task(state)))
        }
        (Stream::Run(_) | Stream::Task(..), Some((_, Folded::Host))) => {
            Err(Refusal::Missing(stream.clone()))
        }
    }
}

/// What a run looks like to an event that concerns it as a whole.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The run, if it exists.
    pub run: Option<(&'a RunState, &'a Counts)>,
    /// Whether another task of it has the place that the event claims.
    pub place_taken: bool,
}

/// Whether an event is one that [`fits_run`] has to be asked about.
#[must_use]
pub fn concerns_run(event: &LedgerEvent) -> bool {
    matches!(
        event,
        LedgerEvent::TaskQueued { .. } | LedgerEvent::ExecutionFinished { .. }
    )
}

/// What holds between a run and its tasks: a task is queued in a run that is there and has not
/// finished, at a place of its own; and a run finishes after its last task.
///
/// # Errors
/// It does not hold.
pub fn fits_run(stream: &Stream, event: &LedgerEvent, around: Around<'_>) -> Result<(), Refusal> {
    let order = |why| {
        Err(Refusal::Illegal {
            stream: stream.clone(),
            why: IllegalEvent::Order {
                event: event.word(),
                why,
            },
        })
    };
    match (stream, event, around.run) {
        (Stream::Task(run, _), LedgerEvent::TaskQueued { .. }, None) => {
            Err(Refusal::Missing(Stream::Run(run.clone())))
        }
        (Stream::Task(..), LedgerEvent::TaskQueued { .. }, Some((run, _))) => {
            if run.phase == RunPhase::Finished {
                return order("its run has finished");
            }
            if around.place_taken {
                return order("another task of the run has its place");
            }
            Ok(())
        }
        (Stream::Run(_), LedgerEvent::ExecutionFinished { .. }, Some((_, counts))) => {
            if counts.ended() != counts.total() {
                return order("a task of the run has not ended");
            }
            Ok(())
        }
        (Stream::Host | Stream::Run(_) | Stream::Task(..), _, _) => Ok(()),
    }
}

fn is_host_event(event: &LedgerEvent) -> bool {
    matches!(
        event,
        LedgerEvent::HostStarted { .. }
            | LedgerEvent::CircuitOpened { .. }
            | LedgerEvent::CircuitHalfOpen { .. }
            | LedgerEvent::CircuitClosed { .. }
            | LedgerEvent::SafeModeEntered { .. }
            | LedgerEvent::SafeModeLeft { .. }
    )
}

/// Where a task is, if the stream is one.
#[must_use]
pub fn phase(folded: &Folded) -> Option<Phase> {
    match folded {
        Folded::Task(state) => Some(state.phase),
        Folded::Host | Folded::Run(_) => None,
    }
}
