//! Reading a tool's pipes into the shared buffer.
//!
//! Never: a wait while the state is locked, a byte kept beyond the soft limit, a block on a pipe
//! that somebody outside the tree holds open.

use std::io;
use std::os::fd::OwnedFd;

use remit_core::tool::ToolLimits;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::buffer::Progress;
use crate::shared::{Shared, Stream, Wanted};

/// Readings of one stream in a row, so that a flood on one does not starve the rest.
const READS_IN_A_ROW: usize = 4;

/// One of the tool's output pipes; none once it has ended.
pub(crate) type Pipe = Option<AsyncFd<OwnedFd>>;

/// What a few readings brought.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drained {
    /// How many bytes of both streams there were so far, if there were new ones.
    pub(crate) total: Option<u64>,
    /// Whether the pipe has ended.
    pub(crate) ended: bool,
}

/// Waits until a pipe has something, or for ever without a pipe.
pub(crate) async fn readable(pipe: &Pipe) {
    match pipe {
        // The readiness stays until a reading finds nothing. An error is found by reading.
        Some(pipe) => drop(pipe.readable().await.map(|mut guard| guard.retain_ready())),
        None => std::future::pending().await,
    }
}

/// Reads a few times from a pipe that may have something.
pub(crate) fn some(
    shared: &Shared,
    limits: &ToolLimits,
    stream: Stream,
    pipe: &AsyncFd<OwnedFd>,
) -> Drained {
    let mut drained = Drained::default();
    let result = pipe.try_io(Interest::READABLE, |pipe| {
        for _ in 0..READS_IN_A_ROW {
            match once(shared, limits, stream, pipe) {
                Once::Read(total) => drained.total = Some(total),
                Once::Full => break,
                // This is what makes the runtime wait for the kernel again.
                Once::Empty => return Err(io::ErrorKind::WouldBlock.into()),
                Once::End => {
                    drained.ended = true;
                    break;
                }
            }
        }
        Ok(())
    });
    // The only error is that nothing is there, which is no error here.
    drop(result);
    drained
}

/// Reads what a dead tree left in a pipe. Stops when nothing is there, even without the end:
/// somebody outside the tree may have been handed the other end.
pub(crate) async fn rest(
    shared: &Shared,
    limits: &ToolLimits,
    stream: Stream,
    pipe: &AsyncFd<OwnedFd>,
) {
    loop {
        match once(shared, limits, stream, pipe.get_ref()) {
            Once::Read(_) => shared.event.notify_one(),
            Once::Empty | Once::End => return,
            Once::Full => {
                shared.lock().waiting(stream).block();
                shared.wake.notified().await;
            }
        }
    }
}

/// What one reading into the shared buffer brought.
enum Once {
    /// Bytes; how many of both streams there were so far.
    Read(u64),
    /// Nothing was read, because the buffer is full.
    Full,
    /// Nothing is there.
    Empty,
    /// The end.
    End,
}

/// Reads once into the shared buffer, keeping what the limits let through.
fn once(shared: &Shared, limits: &ToolLimits, stream: Stream, pipe: &OwnedFd) -> Once {
    let mut state = shared.lock();
    let keep = match state.wanted {
        Wanted::Gone => 0,
        Wanted::Run | Wanted::Stop(_) => limits.soft_output.saturating_sub(state.total()),
    };
    let waiting = state.waiting(stream);
    if keep > 0 && !waiting.has_room() {
        return Once::Full;
    }
    match waiting.read(pipe, keep) {
        Progress::Read(read) => {
            let total = state.count(stream, read);
            state.usage.truncated |= total > limits.soft_output;
            Once::Read(total)
        }
        Progress::Empty => Once::Empty,
        Progress::End => Once::End,
    }
}
