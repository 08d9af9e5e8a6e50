//! The handle to a tool that runs.
//!
//! Never: a way to leave a tool behind. Dropping the handle ends the tool's whole process tree.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use remit_core::tool::Usage;
use remit_engine::seam::{RunningTool, StdinClosed, ToolEvent};
use remit_supervisor::protocol::Machine;
use tokio::net::unix::pipe;

use crate::scrub::{Scrubber, Secrets};
use crate::shared::{Shared, State, Stream, Wanted};

/// A tool that runs, or has run.
pub struct Running {
    shared: Arc<Shared>,
    stdin: Option<pipe::Sender>,
    /// Masks secrets, if the tool was given any.
    mask: Option<Box<Mask>>,
}

/// The secrets and both streams.
struct Mask {
    secrets: Secrets,
    out: Scrubber,
    err: Scrubber,
    /// Whether both streams were finished.
    finished: bool,
}

impl Running {
    /// A handle. `stdin` is the end of the pipe to write into, if there is one.
    ///
    /// # Errors
    /// The runtime cannot watch the pipe.
    pub(crate) fn new(
        shared: Arc<Shared>,
        stdin: Option<OwnedFd>,
        secrets: Secrets,
    ) -> std::io::Result<Self> {
        let mask = (!secrets.is_empty()).then(|| {
            Box::new(Mask {
                secrets,
                out: Scrubber::default(),
                err: Scrubber::default(),
                finished: false,
            })
        });
        Ok(Self {
            shared,
            stdin: stdin.map(pipe::Sender::from_owned_fd).transpose()?,
            mask,
        })
    }

    /// What the machine gave to confine the tool.
    #[must_use]
    pub(crate) fn machine(&self) -> Option<Machine> {
        self.shared.lock().machine
    }

    /// The next event as the tool caused it.
    async fn next_raw(&mut self, max: usize) -> ToolEvent {
        loop {
            {
                let mut state = self.shared.lock();
                let event = next(&mut state, max);
                if state.out.unblock() | state.err.unblock() {
                    self.shared.wake.notify_one();
                }
                if let Some(event) = event {
                    return event;
                }
            }
            self.shared.event.notified().await;
        }
    }
}

#[async_trait]
impl RunningTool for Running {
    async fn next_event(&mut self, max: usize) -> ToolEvent {
        loop {
            if let Some(event) = self.mask.as_mut().and_then(|mask| mask.take(max)) {
                return event;
            }
            let event = self.next_raw(max).await;
            let Some(mask) = &mut self.mask else {
                return event;
            };
            // Nothing is awaited between taking the bytes and keeping them.
            if let Some(end) = mask.put(event) {
                return end;
            }
        }
    }

    async fn write_stdin(&mut self, bytes: &[u8]) -> Result<usize, StdinClosed> {
        let Some(sender) = &self.stdin else {
            return Err(StdinClosed);
        };
        if bytes.is_empty() {
            return Ok(0);
        }
        loop {
            if sender.writable().await.is_err() {
                break;
            }
            match sender.try_write(bytes) {
                Ok(written) => return Ok(written),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
        self.stdin = None;
        Err(StdinClosed)
    }

    fn close_stdin(&mut self) {
        self.stdin = None;
    }

    fn kill(&mut self, grace: Duration) {
        let mut state = self.shared.lock();
        // A shorter grace wins over a longer one; nothing wins over the end.
        let grace = match state.wanted {
            Wanted::Run => grace,
            Wanted::Stop(earlier) => grace.min(earlier),
            Wanted::Gone => return,
        };
        state.wanted = Wanted::Stop(grace);
        self.shared.wake.notify_one();
    }

    fn usage(&self) -> Usage {
        let state = self.shared.lock();
        let mut usage = state.usage.clone();
        if !state.ended {
            usage.wall = state.started.elapsed();
        }
        usage
    }
}

impl Mask {
    /// What may be handed out.
    fn take(&mut self, max: usize) -> Option<ToolEvent> {
        if let Some(bytes) = self.out.take(max) {
            return Some(ToolEvent::Stdout(bytes));
        }
        self.err.take(max).map(ToolEvent::Stderr)
    }

    /// Takes an event in. The end comes back when nothing is held any more.
    fn put(&mut self, event: ToolEvent) -> Option<ToolEvent> {
        match event {
            ToolEvent::Stdout(bytes) => self.out.push(&self.secrets, &bytes),
            ToolEvent::Stderr(bytes) => self.err.push(&self.secrets, &bytes),
            ToolEvent::Exited(_) if self.finished => return Some(event),
            ToolEvent::Exited(_) => {
                self.out.finish();
                self.err.finish();
                self.finished = true;
            }
        }
        None
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.wanted = Wanted::Gone;
        state.out.clear();
        state.err.clear();
        self.shared.wake.notify_one();
    }
}

/// The next event, if there is one.
fn next(state: &mut State, max: usize) -> Option<ToolEvent> {
    let (first, second) = match state.turn {
        Stream::Out => (Stream::Out, Stream::Err),
        Stream::Err => (Stream::Err, Stream::Out),
    };
    for (stream, other) in [(first, second), (second, first)] {
        if let Some(bytes) = state.waiting(stream).take(max) {
            state.turn = other;
            return Some(match stream {
                Stream::Out => ToolEvent::Stdout(bytes),
                Stream::Err => ToolEvent::Stderr(bytes),
            });
        }
    }
    state.exit.map(ToolEvent::Exited)
}
