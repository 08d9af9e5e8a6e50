//! The chain of a stream: each event's digest covers the one before it, so that a changed, removed
//! or moved line is found.
//!
//! Never: proof against someone who writes the whole file anew; that needs a key that the file's
//! owner does not have.

use remit_core::digest::Digest;
use remit_core::durable::Stream;

/// One link.
pub(super) type Link = [u8; 32];

/// What the first event of a stream hangs on: the stream's name. Names have no NUL.
pub(super) fn root(stream: &Stream) -> Link {
    let run = stream.run().map_or("", |run| run.as_str());
    let task = stream.task().map_or("", |task| task.as_str());
    *Digest::of(format!("remit-ledger-1\0{run}\0{task}").as_bytes()).as_bytes()
}

/// The link after one more event: over the link before it, its place, its time and its text.
pub(super) fn next(before: &Link, pos: u64, at_ms: u64, event: &str) -> Link {
    let mut bytes = Vec::with_capacity(before.len() + 16 + event.len());
    bytes.extend_from_slice(before);
    bytes.extend_from_slice(&pos.to_le_bytes());
    bytes.extend_from_slice(&at_ms.to_le_bytes());
    bytes.extend_from_slice(event.as_bytes());
    *Digest::of(&bytes).as_bytes()
}
