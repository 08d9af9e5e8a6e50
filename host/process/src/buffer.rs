//! The bounded buffer between the pipe of a tool and whoever reads its output.
//!
//! Bytes are read straight into the block that the reader gets: nothing is copied between kernel
//! and plugin but what is small. Never: more bytes than the limit, a byte changed, a line looked
//! for.

use std::collections::VecDeque;
use std::os::fd::AsFd;

use bytes::Bytes;
use rustix::buffer::spare_capacity;
use rustix::io::Errno;

/// Bytes that are read at once, and the size of a block.
pub(crate) const BLOCK_BYTES: usize = 64 * 1024;

/// Bytes that wait for a reader, per stream. With more, the tool blocks. Four blocks let reader
/// and writer work at the same time; more only costs memory.
pub(crate) const MAX_WAITING_BYTES: usize = 256 * 1024;

/// A piece at most this large is copied out of its block, so that a reader who keeps it does not
/// keep the whole block.
const SMALL_BYTES: usize = 4 * 1024;

/// Output of one stream that was read and not yet taken.
#[derive(Default)]
pub(crate) struct Waiting {
    /// Full blocks, oldest first.
    full: VecDeque<Bytes>,
    /// The block that is being filled.
    filling: Vec<u8>,
    /// Bytes in all of them.
    bytes: usize,
    /// Whether the reader of the pipe waits until something is taken.
    blocked: bool,
}

/// What one reading brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// This many bytes.
    Read(usize),
    /// The end: nobody can write any more.
    End,
    /// Nothing there now.
    Empty,
}

impl Waiting {
    /// Whether another reading fits.
    pub(crate) fn has_room(&self) -> bool {
        self.bytes + BLOCK_BYTES <= MAX_WAITING_BYTES
    }

    /// Notes that the reader of the pipe waits for room.
    pub(crate) fn block(&mut self) {
        self.blocked = true;
    }

    /// Whether the reader of the pipe waits for room.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Lets a reader who waits go on if enough was taken. Says whether one waited. Enough is half:
    /// so it goes on for more than one piece.
    pub(crate) fn unblock(&mut self) -> bool {
        let goes_on = self.blocked && self.bytes <= MAX_WAITING_BYTES / 2;
        self.blocked &= !goes_on;
        goes_on
    }

    /// Reads once. Keeps at most `keep` of the bytes; the rest is gone.
    pub(crate) fn read(&mut self, pipe: impl AsFd, keep: u64) -> Progress {
        if self.filling.capacity() == 0 {
            self.filling.reserve_exact(BLOCK_BYTES);
        }
        let before = self.filling.len();
        let read = match rustix::io::read(pipe, spare_capacity(&mut self.filling)) {
            Ok(0) => return Progress::End,
            Ok(read) => read,
            Err(Errno::AGAIN | Errno::INTR) => return Progress::Empty,
            // A pipe has no other error that more reading could mend.
            Err(_) => return Progress::End,
        };
        let kept = usize::try_from(keep).unwrap_or(usize::MAX).min(read);
        self.filling.truncate(before + kept);
        self.bytes += kept;
        if self.filling.len() == self.filling.capacity() {
            let block = std::mem::take(&mut self.filling);
            self.full.push_back(Bytes::from(block));
        }
        Progress::Read(read)
    }

    /// Takes the oldest bytes, at most `max`. None if nothing waits.
    pub(crate) fn take(&mut self, max: usize) -> Option<Bytes> {
        let max = max.max(1);
        let taken = if let Some(front) = self.full.front_mut() {
            if front.len() <= max {
                self.full.pop_front()?
            } else {
                front.split_to(max)
            }
        } else if self.filling.is_empty() {
            return None;
        } else if self.filling.len() <= SMALL_BYTES.min(max) {
            let copy = Bytes::copy_from_slice(&self.filling);
            self.filling.clear();
            copy
        } else {
            let mut block = Bytes::from(std::mem::take(&mut self.filling));
            if block.len() <= max {
                block
            } else {
                let head = block.split_to(max);
                self.full.push_back(block);
                head
            }
        };
        self.bytes -= taken.len();
        Some(taken)
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::{PipeFlags, pipe_with};

    /// Writes `written` to a pipe, reads it with room for `keep`, and takes pieces of `max`.
    fn check(written: &[u8], keep: u64, max: usize, pieces: &[&[u8]]) {
        let (pipe, writer) = pipe_with(PipeFlags::NONBLOCK).unwrap();
        rustix::io::write(&writer, written).unwrap();
        drop(writer);
        let mut waiting = Waiting::default();
        assert_eq!(waiting.read(&pipe, keep), Progress::Read(written.len()));
        assert_eq!(waiting.read(&pipe, keep), Progress::End);
        let taken: Vec<Bytes> = std::iter::from_fn(|| waiting.take(max)).collect();
        assert_eq!(taken, pieces);
        assert_eq!(waiting.bytes, 0);
    }

    #[test]
    fn bytes_come_out_as_they_went_in() {
        check(b"abc", 9, 9, &[b"abc"]);
        check(b"abc", 9, 2, &[b"ab", b"c"]);
        check(b"abc", 9, 0, &[b"a", b"b", b"c"]);
        check(b"abc", 2, 9, &[b"ab"]);
        check(b"abc", 0, 9, &[]);
        check(b"\xff\0\n\xfe", 9, 9, &[b"\xff\0\n\xfe"]);
    }

    #[test]
    fn an_open_pipe_without_bytes_is_empty_and_not_at_its_end() {
        let (pipe, _writer) = pipe_with(PipeFlags::NONBLOCK).unwrap();
        assert_eq!(Waiting::default().read(&pipe, 9), Progress::Empty);
    }

    #[test]
    fn what_waits_is_bounded_and_in_order() {
        let (pipe, writer) = pipe_with(PipeFlags::NONBLOCK).unwrap();
        let mut waiting = Waiting::default();
        let mut sent = Vec::new();
        while waiting.has_room() {
            let piece: Vec<u8> = (0..50_000).map(|i| (i + sent.len()) as u8).collect();
            let written = rustix::io::write(&writer, &piece).unwrap();
            sent.extend_from_slice(&piece[..written]);
            assert!(matches!(waiting.read(&pipe, u64::MAX), Progress::Read(_)));
            assert!(waiting.bytes <= MAX_WAITING_BYTES);
        }
        while matches!(waiting.read(&pipe, u64::MAX), Progress::Read(_)) {}
        let mut got = Vec::new();
        while let Some(piece) = waiting.take(10_000) {
            got.extend_from_slice(&piece);
        }
        assert_eq!(got, sent);
    }

    #[test]
    fn a_blocked_reader_goes_on_when_half_is_taken() {
        let (pipe, writer) = pipe_with(PipeFlags::NONBLOCK).unwrap();
        let mut waiting = Waiting::default();
        while waiting.has_room() {
            rustix::io::write(&writer, &[7; BLOCK_BYTES]).unwrap();
            waiting.read(&pipe, u64::MAX);
        }
        assert!(!waiting.unblock(), "nobody waits");
        waiting.block();
        let mut taken = 0;
        while !waiting.unblock() {
            assert!(waiting.is_blocked());
            taken += waiting.take(BLOCK_BYTES).unwrap().len();
        }
        assert!(!waiting.is_blocked());
        assert_eq!(taken, MAX_WAITING_BYTES / 2);
    }
}
