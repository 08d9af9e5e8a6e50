//! Reads the log: all of it, its end, what is added while someone looks; and verifies it.
//!
//! The lock is held only to see where the log ends. What stands before that does not change, so
//! that whoever reads a long log keeps nobody from adding to it. Never: a write.

use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;

use remit_core::audit::{HeadFound, Line, LineError, Place, Verdict, Verifier};
use remit_core::digest::Digest;

use super::segment::{self, Piece, Segment, Start};
use super::{AuditError, LOCK, head};
use crate::files;
use crate::record::MAX_LINE;

/// The beginning of a file.
const BEGINNING: Start = Start { bytes: 0, lines: 0 };

/// The audit log of this user, for reading.
#[derive(Debug, Clone)]
pub struct AuditLog {
    directory: PathBuf,
}

/// The log as it was at one moment.
struct Snapshot {
    head: HeadFound,
    segments: Vec<Segment>,
}

/// One line for whoever reads: its place, its text without the end, and what it says.
pub type EachLine<'a> = dyn FnMut(Place, &str, Result<Line, LineError>) -> ControlFlow<()> + 'a;

impl AuditLog {
    /// The log in this directory, which need not be there yet.
    #[must_use]
    pub fn in_directory(directory: PathBuf) -> Self {
        Self { directory }
    }

    fn snapshot(&self) -> Result<Snapshot, AuditError> {
        let path = self.directory.join(LOCK);
        // Held until the end of this function. Who deleted it hides nothing: the chain tells.
        let _lock = match files::open(&path) {
            Ok(file) => {
                file.lock_shared().map_err(AuditError::at(&path))?;
                Some(file)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(AuditError::at(&path)(error)),
        };
        Ok(Snapshot {
            head: head::read(&self.directory)?,
            segments: segment::list(&self.directory)?,
        })
    }

    /// Reads every line and holds it against the one before it, and the end against the head. With
    /// `wanted`, an entry with this hash must be there.
    ///
    /// # Errors
    /// The log cannot be read. That it was changed is no error but the verdict.
    pub fn verify(&self, wanted: Option<Digest>) -> Result<Verdict, AuditError> {
        let snapshot = self.snapshot()?;
        let mut verifier = Verifier::new(snapshot.head, wanted);
        let last = snapshot.segments.last().map(|segment| segment.number);
        for segment in &snapshot.segments {
            let is_last = Some(segment.number) == last;
            let mut each = |piece: Piece<'_>| {
                // A torn piece can only be where the last writer was.
                let is_torn = is_last && !piece.whole && piece.bytes.len() <= MAX_LINE;
                if !is_torn || Line::read(piece.bytes).is_ok() {
                    verifier.line(piece.place, piece.bytes);
                } else {
                    verifier.torn(piece.bytes.len() as u64);
                }
                ControlFlow::Continue(())
            };
            let read = segment::lines(&self.directory, *segment, BEGINNING, &mut each)?;
            if read.is_break() {
                break;
            }
        }
        Ok(verifier.finish())
    }

    /// Reads every line, oldest first. A torn piece at the end is passed over.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn read(&self, each: &mut EachLine<'_>) -> Result<(), AuditError> {
        for segment in self.snapshot()?.segments {
            let read = segment::lines(&self.directory, segment, BEGINNING, &mut |piece| {
                hand_out(piece, each)
            })?;
            if read.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Reads the last `count` lines, oldest first, and then follows what is added.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn tail(&self, count: usize, each: &mut EachLine<'_>) -> Result<Follower, AuditError> {
        let segments = self.snapshot()?.segments;
        let mut kept: VecDeque<(Place, Vec<u8>)> = VecDeque::new();
        let mut follower = Follower {
            directory: self.directory.clone(),
            segment: 1,
            read: BEGINNING,
        };
        for segment in segments.iter().rev() {
            let mut found: VecDeque<(Place, Vec<u8>)> = VecDeque::new();
            let mut read = BEGINNING;
            // A line that is whole later is read again then.
            let _whole_file = segment::lines(&self.directory, *segment, read, &mut |piece| {
                if piece.whole {
                    read.bytes += piece.bytes.len() as u64 + 1;
                    read.lines += 1;
                    found.push_back((piece.place, piece.bytes.to_vec()));
                    if found.len() > count {
                        found.pop_front();
                    }
                }
                ControlFlow::Continue(())
            })?;
            if Some(segment) == segments.last() {
                follower.segment = segment.number;
                follower.read = read;
            }
            while kept.len() < count
                && let Some(line) = found.pop_back()
            {
                kept.push_front(line);
            }
            if kept.len() >= count {
                break;
            }
        }
        for (place, bytes) in kept {
            let whole = true;
            let piece = Piece {
                place,
                bytes: &bytes,
                whole,
            };
            if hand_out(piece, each).is_break() {
                break;
            }
        }
        Ok(follower)
    }
}

/// Gives a whole line to whoever reads.
fn hand_out(piece: Piece<'_>, each: &mut EachLine<'_>) -> ControlFlow<()> {
    if !piece.whole {
        return ControlFlow::Continue(());
    }
    let text = String::from_utf8_lossy(piece.bytes);
    each(piece.place, &text, Line::read(piece.bytes))
}

/// Reads what is added to a log.
#[derive(Debug)]
pub struct Follower {
    directory: PathBuf,
    segment: u32,
    read: Start,
}

impl Follower {
    /// Reads the lines that were added since the last call.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn follow(&mut self, each: &mut EachLine<'_>) -> Result<(), AuditError> {
        for segment in segment::list(&self.directory)? {
            if segment.number < self.segment {
                continue;
            }
            if segment.number > self.segment {
                self.segment = segment.number;
                self.read = BEGINNING;
            }
            let mut read = self.read;
            let result = segment::lines(&self.directory, segment, read, &mut |piece| {
                if piece.whole {
                    read.bytes += piece.bytes.len() as u64 + 1;
                    read.lines += 1;
                }
                hand_out(piece, each)
            })?;
            self.read = read;
            if result.is_break() {
                break;
            }
        }
        Ok(())
    }
}
