//! Adds entries to the log, one process at a time.
//!
//! An entry is one line, written with one call, so a writer that is killed leaves at most one torn
//! piece at the very end; the next writer takes it away and says so. An entry that must last is on
//! the disk, with everything before it, before the head names it. Never: an entry after one that
//! is not what it should be.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use remit_core::audit::{Entry, HeadFound, Line, LineError, Link, Sealed, Tampering};

use super::segment::{self, Ending, Segment};
use super::{AuditError, LOCK, SEGMENT_BYTES, head};
use crate::files;
use crate::record::MAX_LINE;

/// Adds entries to the audit log of this user.
#[derive(Debug)]
pub struct AuditWriter {
    directory: PathBuf,
    segment_bytes: u64,
    /// What this writer itself has seen as the end: a log that went back behind it was changed,
    /// whatever its head says now.
    known: Link,
    /// Where the entries end that this writer added together.
    reached: Option<Reached>,
}

/// An entry that waits for its place in the log.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) time: String,
    pub(super) run: Option<String>,
    pub(super) entry: Entry,
}

/// Where entries that were written end. They are on the disk once that file is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reached {
    segment: u32,
    last: Link,
}

/// What came of entries that were added together.
#[derive(Debug)]
pub(super) struct Added {
    /// How many of them it was; the others are for another time.
    pub(super) taken: usize,
    /// Where they end.
    pub(super) reached: Reached,
    /// Which of them have no place in a line, and why.
    pub(super) left_out: Vec<(usize, AuditError)>,
}

/// Bytes after which no further entry is added to what is written with one call. Ordinary entries
/// have less than 1 KiB; one that lists thousands of changed files can have some MiB.
const ENOUGH: usize = 4 << 20;

/// The end of the log.
struct Tail {
    segment: u32,
    /// Length of the whole lines of that file.
    whole: u64,
    torn: Vec<u8>,
    last: Link,
}

impl AuditWriter {
    /// The writer of the log in this directory, which is made when the first entry is added.
    #[must_use]
    pub fn in_directory(directory: PathBuf) -> Self {
        Self {
            directory,
            segment_bytes: SEGMENT_BYTES,
            known: Link::beginning(),
            reached: None,
        }
    }

    /// With files that are full at this size.
    #[must_use]
    pub fn with_segments_of(mut self, bytes: u64) -> Self {
        self.segment_bytes = bytes;
        self
    }

    /// Where the log is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Adds an entry. When this returns, it survives the end of this process by any signal; if it
    /// [must last](Entry::must_last), also the end of the machine. Blocks for that long, and while
    /// another process adds one.
    ///
    /// # Errors
    /// The log was changed, or the disk refuses. The log is then as it was before.
    pub fn append(
        &mut self,
        time: &str,
        run: Option<&str>,
        entry: &Entry,
    ) -> Result<Link, AuditError> {
        let lock = self.lock()?;
        let mut tail = self.tail()?;
        if !tail.torn.is_empty() {
            self.mend(&mut tail, time)?;
        }
        self.add(&mut tail, time, run, entry)?;
        self.known = tail.last;
        drop(lock);
        Ok(tail.last)
    }

    /// Adds as many entries as are enough for one call, in order, and leaves the disk to
    /// [`Self::sync`]: when this returns, they survive the end of this process by any signal.
    ///
    /// # Errors
    /// The log was changed, or the disk refuses. The log is then as it was before.
    pub(super) fn append_all(
        &mut self,
        entries: &[Waiting],
        now: &str,
    ) -> Result<Added, AuditError> {
        let lock = self.lock()?;
        let mut tail = self.tail()?;
        if !tail.torn.is_empty() {
            self.mend(&mut tail, now)?;
        }
        if tail.whole >= self.segment_bytes {
            self.begin_segment(&mut tail)?;
        }
        let mut text = String::new();
        let mut left_out = Vec::new();
        let mut last = tail.last;
        let mut taken = 0;
        for (index, waiting) in entries.iter().enumerate() {
            match Sealed::after(last, &waiting.time, waiting.run.as_deref(), &waiting.entry) {
                Ok(sealed) if sealed.text.len() > MAX_LINE => {
                    left_out.push((index, AuditError::TooLong(sealed.text.len())));
                }
                Ok(sealed) => {
                    text.push_str(&sealed.text);
                    last = sealed.link;
                }
                Err(error) => left_out.push((index, error.into())),
            }
            taken = index + 1;
            if text.len() > ENOUGH {
                break;
            }
        }
        self.write(&mut tail, &text, last)?;
        self.known = last;
        drop(lock);
        let segment = tail.segment;
        let reached = Reached { segment, last };
        self.reached = Some(reached);
        Ok(Added {
            taken,
            reached,
            left_out,
        })
    }

    /// Where the entries end that [`Self::append_all`] added last.
    pub(super) fn reached(&self) -> Option<Reached> {
        self.reached
    }

    /// Brings everything up to there to the disk, and then has the head name it, unless it names
    /// more already. Blocks only for the head while another process adds entries.
    ///
    /// # Errors
    /// The head was changed, or the disk refuses.
    pub(super) fn sync(&self, reached: Reached) -> Result<(), AuditError> {
        let path = segment::path(&self.directory, reached.segment);
        files::open(&path)
            .and_then(|file| file.sync_data())
            .map_err(AuditError::at(&path))?;
        let lock = self.lock()?;
        match head::read(&self.directory)? {
            HeadFound::Link(found) if found.seq >= reached.last.seq => {}
            HeadFound::Link(_) | HeadFound::Missing => {
                head::write(&self.directory, reached.last)?;
            }
            found @ HeadFound::Unreadable(_) => {
                if let Some(tampering) = found.misses(reached.last) {
                    return Err(self.changed(tampering));
                }
            }
        }
        drop(lock);
        Ok(())
    }

    fn lock(&self) -> Result<File, AuditError> {
        files::private_directory(&self.directory).map_err(AuditError::at(&self.directory))?;
        let path = self.directory.join(LOCK);
        let file = files::private_file(&path).map_err(AuditError::at(&path))?;
        loop {
            match file.lock() {
                Ok(()) => return Ok(file),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(AuditError::at(&path)(error)),
            }
        }
    }

    /// Finds the end, and holds it against the head and against what this writer knows.
    fn tail(&self) -> Result<Tail, AuditError> {
        let segments = segment::list(&self.directory)?;
        let mut tail = Tail {
            segment: 1,
            whole: 0,
            torn: Vec::new(),
            last: Link::beginning(),
        };
        for (back, segment) in segments.iter().rev().enumerate() {
            let ending = Ending::of(&self.directory, *segment)?;
            if back == 0 {
                tail.segment = segment.number;
                tail.whole = ending.whole;
                tail.torn = ending.torn;
            }
            // A file that was only begun has none.
            if let Some(line) = ending.last {
                let line = Line::read(&line).map_err(|error| self.unfit(error))?;
                tail.last = line.link();
                break;
            }
        }
        // A line that lacks nothing but its end is an entry.
        if let Ok(line) = Line::read(&tail.torn)
            && line.prev == tail.last.hash
        {
            tail.last = line.link();
        }
        let found = head::read(&self.directory)?;
        if let Some(tampering) = found
            .misses(tail.last)
            .or_else(|| self.known.misses(tail.last))
        {
            return Err(self.changed(tampering));
        }
        if found == HeadFound::Missing {
            head::write(&self.directory, Link::beginning())?;
        }
        Ok(tail)
    }

    fn changed(&self, tampering: Tampering) -> AuditError {
        AuditError::Changed {
            directory: self.directory.clone(),
            tampering,
        }
    }

    /// Why nothing can follow a line.
    fn unfit(&self, error: LineError) -> AuditError {
        match error {
            LineError::Newer(found) => AuditError::Newer {
                directory: self.directory.clone(),
                found,
            },
            LineError::Form(_) | LineError::Edited => self.changed(error.into()),
        }
    }

    /// Makes the end one at which a line can begin.
    fn mend(&self, tail: &mut Tail, time: &str) -> Result<(), AuditError> {
        let torn = std::mem::take(&mut tail.torn);
        let path = segment::path(&self.directory, tail.segment);
        let mut file = files::private_file(&path).map_err(AuditError::at(&path))?;
        if Line::read(&torn).is_ok_and(|line| line.link() == tail.last) {
            tail.whole += torn.len() as u64 + 1;
            return file
                .seek(SeekFrom::End(0))
                .and_then(|_| file.write_all(b"\n"))
                .map_err(AuditError::at(&path));
        }
        file.set_len(tail.whole).map_err(AuditError::at(&path))?;
        drop(file);
        let bytes = torn.len() as u64;
        self.add(tail, time, None, &Entry::Recovered { bytes })
    }

    /// Writes one entry behind the last.
    fn add(
        &self,
        tail: &mut Tail,
        time: &str,
        run: Option<&str>,
        entry: &Entry,
    ) -> Result<(), AuditError> {
        let sealed = Sealed::after(tail.last, time, run, entry)?;
        let length = sealed.text.len();
        if length > MAX_LINE {
            return Err(AuditError::TooLong(length));
        }
        if tail.whole >= self.segment_bytes {
            self.begin_segment(tail)?;
        }
        let file = self.write(tail, &sealed.text, sealed.link)?;
        if entry.must_last() {
            let path = segment::path(&self.directory, tail.segment);
            file.sync_data().map_err(AuditError::at(&path))?;
            head::write(&self.directory, tail.last)?;
        }
        Ok(())
    }

    /// Writes whole lines behind the last, with one call.
    fn write(&self, tail: &mut Tail, lines: &str, last: Link) -> Result<File, AuditError> {
        let path = segment::path(&self.directory, tail.segment);
        let mut file = files::private_file(&path).map_err(AuditError::at(&path))?;
        let written = file
            .seek(SeekFrom::Start(tail.whole))
            .and_then(|_| file.write_all(lines.as_bytes()));
        if let Err(source) = written {
            // The piece that was written is not an entry; the next writer would have to say so.
            let undone = file.set_len(tail.whole);
            return Err(AuditError::at(&path)(undone.err().unwrap_or(source)));
        }
        tail.whole += lines.len() as u64;
        tail.last = last;
        Ok(file)
    }

    /// Goes on in the next file. What is in the full one is on the disk before.
    fn begin_segment(&self, tail: &mut Tail) -> Result<(), AuditError> {
        let full = segment::path(&self.directory, tail.segment);
        files::open(&full)
            .and_then(|file| file.sync_data())
            .map_err(AuditError::at(&full))?;
        let next = Segment {
            number: tail.segment.saturating_add(1),
            bytes: 0,
        };
        let path = segment::path(&self.directory, next.number);
        files::new_private_file(&path).map_err(AuditError::at(&path))?;
        files::open(&self.directory)
            .and_then(|directory| directory.sync_all())
            .map_err(AuditError::at(&self.directory))?;
        tail.segment = next.number;
        tail.whole = next.bytes;
        Ok(())
    }
}
