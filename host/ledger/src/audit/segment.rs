//! The numbered files of the log: their names, their lines, and where the last line ends.
//!
//! Never: a file whose name is not one of the log's taken for one.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use remit_core::audit::Place;

use super::AuditError;
use crate::files;
use crate::record::MAX_LINE;

/// What the files are called after their number.
const SUFFIX: &str = ".jsonl";

/// Digits of the number, so that names sort.
const DIGITS: usize = 8;

/// Bytes that are read at first to find the last line; most lines are shorter.
const FIRST_LOOK: u64 = 4 << 10;

/// A file of the log, as long as it was when someone looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    /// Its number, from 1.
    pub(super) number: u32,
    /// Its length.
    pub(super) bytes: u64,
}

/// The path of a file of the log.
pub(super) fn path(directory: &Path, number: u32) -> PathBuf {
    directory.join(format!("{number:0DIGITS$}{SUFFIX}"))
}

/// The files of the log, oldest first.
pub(super) fn list(directory: &Path) -> Result<Vec<Segment>, AuditError> {
    let found = files::names(directory).map_err(AuditError::at(directory))?;
    let mut segments: Vec<Segment> = found
        .into_iter()
        .filter_map(|(name, bytes)| {
            let digits = name.strip_suffix(SUFFIX)?;
            let is_ours = digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
            let number = is_ours.then(|| digits.parse().ok())??;
            Some(Segment { number, bytes })
        })
        .collect();
    segments.sort_unstable_by_key(|segment| segment.number);
    Ok(segments)
}

/// Where the whole lines of a file end, and what stands there.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ending {
    /// Length of all whole lines.
    pub(super) whole: u64,
    /// The last whole line, without its end.
    pub(super) last: Option<Vec<u8>>,
    /// What follows: a piece of a line.
    pub(super) torn: Vec<u8>,
}

impl Ending {
    /// Looks at the end of a file, backwards, until a whole line is found.
    pub(super) fn of(directory: &Path, segment: Segment) -> Result<Self, AuditError> {
        let path = path(directory, segment.number);
        let mut look = FIRST_LOOK.min(segment.bytes);
        loop {
            let bytes = last_bytes(&path, segment.bytes, look).map_err(AuditError::at(&path))?;
            let all = look == segment.bytes;
            if let Some(ending) = Self::in_bytes(&bytes, all, segment.bytes) {
                return Ok(ending);
            }
            // A line of this log and a torn piece of one more: longer than this is no log.
            if look > 2 * MAX_LINE as u64 {
                return Err(AuditError::TooLong(
                    usize::try_from(look).unwrap_or(MAX_LINE),
                ));
            }
            look = look.saturating_mul(8).min(segment.bytes);
        }
    }

    /// The ending, if these last bytes show it.
    fn in_bytes(bytes: &[u8], all: bool, length: u64) -> Option<Self> {
        let newline = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte == b'\n');
        let Some(end) = newline(bytes) else {
            return all.then(|| Self {
                torn: bytes.to_vec(),
                ..Self::default()
            });
        };
        let (lines, torn) = bytes.split_at(end + 1);
        let lines = &lines[..end];
        let last = match newline(lines) {
            Some(before) => &lines[before + 1..],
            None if all => lines,
            None => return None,
        };
        Some(Self {
            whole: length - torn.len() as u64,
            last: Some(last.to_vec()),
            torn: torn.to_vec(),
        })
    }
}

fn last_bytes(path: &Path, length: u64, count: u64) -> io::Result<Vec<u8>> {
    let mut file = files::open(path)?;
    file.seek(SeekFrom::Start(length - count))?;
    let mut bytes = Vec::new();
    file.take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A line, or at the end of a file a piece of one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    /// Where it is.
    pub(super) place: Place,
    /// Its bytes without the line end.
    pub(super) bytes: &'a [u8],
    /// Whether it has its end.
    pub(super) whole: bool,
}

/// Where reading begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// Bytes of the file that were read already.
    pub(super) bytes: u64,
    /// Lines of it that were read already.
    pub(super) lines: u64,
}

/// Reads the lines of a file from `start` to the length that it had when someone looked. A line
/// that is longer than any that is written ends the file: it is given as a piece.
pub(super) fn lines(
    directory: &Path,
    segment: Segment,
    start: Start,
    each: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, AuditError> {
    let path = path(directory, segment.number);
    let fail = |source| AuditError::Io {
        path: path.clone(),
        source,
    };
    let mut file: File = files::open(&path).map_err(fail)?;
    file.seek(SeekFrom::Start(start.bytes)).map_err(fail)?;
    let length = segment.bytes.saturating_sub(start.bytes);
    let mut reader = BufReader::new(file.take(length));
    let mut line = Vec::new();
    for number in start.lines + 1.. {
        line.clear();
        let read = reader
            .by_ref()
            .take(MAX_LINE as u64 + 1)
            .read_until(b'\n', &mut line)
            .map_err(fail)?;
        if read == 0 {
            break;
        }
        let whole = line.pop_if(|byte| *byte == b'\n').is_some();
        let place = Place {
            segment: segment.number,
            line: number,
        };
        let piece = Piece {
            place,
            bytes: &line,
            whole,
        };
        if each(piece).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        if !whole {
            break;
        }
    }
    Ok(ControlFlow::Continue(()))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test makes its own files")]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_found_from_the_end() {
        let check = |bytes: &str, all, whole, last: Option<&str>, torn: &str| {
            let ending = Ending::in_bytes(bytes.as_bytes(), all, bytes.len() as u64);
            let expected = Ending {
                whole,
                last: last.map(|last| last.as_bytes().to_vec()),
                torn: torn.as_bytes().to_vec(),
            };
            assert_eq!(ending, Some(expected), "{bytes:?}");
        };
        check("", true, 0, None, "");
        check("pie", true, 0, None, "pie");
        check("one\n", true, 4, Some("one"), "");
        check("one\ntwo\n", false, 8, Some("two"), "");
        check("one\ntwo\nthr", false, 8, Some("two"), "thr");
        for not_yet in ["one\n", "one", "ne\npiece"] {
            assert_eq!(Ending::in_bytes(not_yet.as_bytes(), false, 99), None);
        }
    }

    #[test]
    fn a_line_that_is_longer_than_one_look_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let long = "x".repeat(100_000);
        let text = format!("first\n{long}\ntorn");
        std::fs::write(path(directory.path(), 3), &text).unwrap();
        let segment = Segment {
            number: 3,
            bytes: text.len() as u64,
        };
        assert_eq!(list(directory.path()).unwrap(), [segment]);
        let ending = Ending::of(directory.path(), segment).unwrap();
        assert_eq!(ending.last.unwrap(), long.as_bytes());
        assert_eq!(ending.torn, b"torn");
        assert_eq!(ending.whole, text.len() as u64 - 4);
    }
}
