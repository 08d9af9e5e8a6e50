//! What the task that drives a tool and the handle to the tool have in common.
//!
//! Never: a lock that is held while something is awaited.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use remit_core::tool::{Exit, Usage};
use remit_supervisor::protocol::Machine;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::buffer::Waiting;

/// Which of the tool's two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// What the holder of the handle wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// That it goes on.
    Run,
    /// That it ends by itself within this time, or is ended.
    Stop(Duration),
    /// That it ends now, and nobody will look at its output: the handle was dropped.
    Gone,
}

/// The state that both change.
pub(crate) struct State {
    /// Output that was read and not taken.
    pub(crate) out: Waiting,
    /// The same of standard error.
    pub(crate) err: Waiting,
    /// Which stream the next event comes from, if both have something: they take turns.
    pub(crate) turn: Stream,
    /// What the holder wants.
    pub(crate) wanted: Wanted,
    /// How it ended, once all output is read.
    pub(crate) exit: Option<Exit>,
    /// What it has cost; the wall time is only known at the end.
    pub(crate) usage: Usage,
    /// When it started.
    pub(crate) started: Instant,
    /// Whether `usage.wall` is final.
    pub(crate) ended: bool,
    /// What the machine gave to confine it.
    pub(crate) machine: Option<Machine>,
}

/// The state, and who is told when it changes.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// For the handle: an event is there.
    pub(crate) event: Notify,
    /// For the driver: there is room, or the holder wants something.
    pub(crate) wake: Notify,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                out: Waiting::default(),
                err: Waiting::default(),
                turn: Stream::Out,
                wanted: Wanted::Run,
                exit: None,
                usage: Usage::default(),
                started: Instant::now(),
                ended: false,
                machine: None,
            }),
            event: Notify::new(),
            wake: Notify::new(),
        }
    }

    /// The state. A panic of another holder leaves it usable: every change is complete before
    /// anything that could panic.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The buffer of a stream.
    pub(crate) fn waiting(&mut self, stream: Stream) -> &mut Waiting {
        match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        }
    }

    /// Counts bytes that were read. Says how many bytes of both streams there were so far.
    pub(crate) fn count(&mut self, stream: Stream, read: usize) -> u64 {
        let read = u64::try_from(read).unwrap_or(u64::MAX);
        let counter = match stream {
            Stream::Out => &mut self.usage.stdout_bytes,
            Stream::Err => &mut self.usage.stderr_bytes,
        };
        *counter = counter.saturating_add(read);
        self.total()
    }

    /// Bytes of both streams so far.
    pub(crate) fn total(&self) -> u64 {
        self.usage
            .stdout_bytes
            .saturating_add(self.usage.stderr_bytes)
    }
}
