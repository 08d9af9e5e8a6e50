//! Reads the lines of an audit log in order and finds the first that is not what it should be.
//!
//! Never: a second finding after the first. Behind a broken link nothing can be trusted to mean
//! anything; only the kind of the first is made more exact by what follows.

use std::fmt;

use serde::Serialize;

use super::{AUDIT_FORMAT, Line, LineError, Link};
use crate::digest::Digest;

/// Where a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The number of the log's file.
    pub segment: u32,
    /// The line in it, from 1.
    pub line: u64,
}

/// What was done to the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[serde(rename_all_fields = "kebab-case")]
pub enum Tampering {
    /// A line's content is not the one that its hash was made of.
    Edited,
    /// A line is no entry.
    Unreadable {
        /// Why.
        reason: String,
    },
    /// A newer version wrote it; this one cannot judge it.
    Newer {
        /// Its format.
        format: u32,
    },
    /// Entries are missing before this line.
    Deleted {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// This line stands before entries that it should follow.
    Reordered {
        /// The number that was to be expected here.
        expected: u64,
    },
    /// An entry with this number stood before already.
    Repeated,
    /// The line does not follow the one before it: one of the two is not the original.
    Unlinked,
    /// The log ends before the entry that its head names.
    Truncated {
        /// The last entry that is there.
        last: u64,
        /// The last entry that was.
        head: u64,
    },
    /// The entry that the head names is another one: the log was written anew.
    Rewritten,
    /// There are entries and no head.
    HeadMissing,
    /// The head is not one.
    HeadUnreadable {
        /// Why.
        reason: String,
    },
    /// The hash that was noted elsewhere is none of this log's.
    UnknownHash,
}

impl From<LineError> for Tampering {
    fn from(error: LineError) -> Self {
        match error {
            LineError::Form(reason) => Self::Unreadable { reason },
            LineError::Edited => Self::Edited,
            LineError::Newer(format) => Self::Newer { format },
        }
    }
}

impl fmt::Display for Tampering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited => f.write_str("edited: its content is not the one its hash was made of"),
            Self::Unreadable { reason } => write!(f, "unreadable: {reason}"),
            Self::Newer { format } => write!(
                f,
                "newer: it has format {format}, this version knows up to {AUDIT_FORMAT}; use the \
                 newer version to verify it"
            ),
            Self::Deleted { from, to } if from == to => {
                write!(f, "deleted: entry {from} is missing before it")
            }
            Self::Deleted { from, to } => {
                write!(f, "deleted: entries {from} to {to} are missing before it")
            }
            Self::Reordered { expected } => {
                write!(
                    f,
                    "reordered: entry {expected} belongs here and comes later"
                )
            }
            Self::Repeated => f.write_str("repeated: an entry with this number came before"),
            Self::Unlinked => f.write_str(
                "unlinked: it does not follow the entry before it; one of the two was replaced or \
                 put in",
            ),
            Self::Truncated { last, head } => write!(
                f,
                "truncated: the log ends with entry {last}, its head names entry {head}"
            ),
            Self::Rewritten => {
                f.write_str("rewritten: the head names another entry of this number")
            }
            Self::HeadMissing => f.write_str("head missing: there are entries and no head"),
            Self::HeadUnreadable { reason } => write!(f, "head unreadable: {reason}"),
            Self::UnknownHash => {
                f.write_str("unknown hash: no entry of this log has the hash that was given")
            }
        }
    }
}

/// The first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where; absent if it is not about a line that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The number that the line says it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// What.
    #[serde(flatten)]
    pub tampering: Tampering,
}

/// What was found of the head, which says what the last entry on the disk must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeadFound {
    /// It is there.
    Link(Link),
    /// It is not.
    Missing,
    /// It is not one, and why.
    Unreadable(String),
}

impl HeadFound {
    /// What must have been done to a log that ends with `last`, if anything.
    #[must_use]
    pub fn misses(&self, last: Link) -> Option<Tampering> {
        match self {
            Self::Link(head) => head.misses(last),
            Self::Missing => (last.seq > 0).then_some(Tampering::HeadMissing),
            Self::Unreadable(reason) => Some(Tampering::HeadUnreadable {
                reason: reason.clone(),
            }),
        }
    }
}

impl Link {
    /// What must have been done to a log that ends with `last`, if this was in it.
    #[must_use]
    pub fn misses(&self, last: Link) -> Option<Tampering> {
        if last.seq < self.seq {
            return Some(Tampering::Truncated {
                last: last.seq,
                head: self.seq,
            });
        }
        (last.seq == self.seq && last.hash != self.hash).then_some(Tampering::Rewritten)
    }
}

/// What came of reading a whole log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verdict {
    /// Entries that are as they were written.
    pub entries: u64,
    /// The last of them: the hash to note elsewhere.
    #[serde(flatten)]
    pub last: Link,
    /// Bytes of a line that a writer did not finish, at the end. No tampering: the next writer
    /// takes it away and says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub torn: Option<u64>,
    /// What is wrong, if anything is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
}

/// Reads lines and finds the first that is wrong.
#[derive(Debug)]
pub struct Verifier {
    head: HeadFound,
    wanted: Option<Digest>,
    last: Link,
    torn: Option<u64>,
    finding: Option<Finding>,
}

impl Verifier {
    /// For a log with this head, in which an entry with the hash `wanted` must be.
    #[must_use]
    pub fn new(head: HeadFound, wanted: Option<Digest>) -> Self {
        let last = Link::beginning();
        Self {
            head,
            // A log that begins has the hash that it began with.
            wanted: wanted.filter(|hash| *hash != last.hash),
            last,
            torn: None,
            finding: None,
        }
    }

    /// The next line, without its end.
    pub fn line(&mut self, place: Place, bytes: &[u8]) {
        let line = match (Line::read(bytes), self.finding.is_some()) {
            (Ok(line), true) => return self.explain(line.seq),
            (Err(_), true) => return,
            (Ok(line), false) => line,
            (Err(error), false) => return self.found(place, None, error.into()),
        };
        if let Some(tampering) = self.wrong_with(&line) {
            return self.found(place, Some(line.seq), tampering);
        }
        self.last = line.link();
        if self.wanted == Some(line.hash) {
            self.wanted = None;
        }
    }

    fn found(&mut self, place: Place, seq: Option<u64>, tampering: Tampering) {
        self.finding = Some(Finding {
            place: Some(place),
            seq,
            tampering,
        });
    }

    /// A piece of a line at the very end of the log.
    pub fn torn(&mut self, bytes: u64) {
        self.torn = Some(bytes);
    }

    fn wrong_with(&self, line: &Line) -> Option<Tampering> {
        let expected = self.last.seq.saturating_add(1);
        if line.seq < expected {
            return Some(Tampering::Repeated);
        }
        if line.seq > expected {
            return Some(Tampering::Deleted {
                from: expected,
                to: line.seq - 1,
            });
        }
        if line.prev != self.last.hash {
            return Some(Tampering::Unlinked);
        }
        match &self.head {
            HeadFound::Link(head) if head.seq == line.seq => head.misses(line.link()),
            HeadFound::Link(_) | HeadFound::Missing | HeadFound::Unreadable(_) => None,
        }
    }

    /// What looked deleted was moved, if it comes later.
    fn explain(&mut self, seq: u64) {
        if let Some(Finding {
            tampering: found @ Tampering::Deleted { .. },
            ..
        }) = &mut self.finding
            && seq == self.last.seq.saturating_add(1)
        {
            *found = Tampering::Reordered { expected: seq };
        }
    }

    /// The end of the log.
    #[must_use]
    pub fn finish(self) -> Verdict {
        let last = self.last;
        let about_the_end = self
            .head
            .misses(last)
            .or_else(|| self.wanted.map(|_| Tampering::UnknownHash));
        let at_the_end = about_the_end.map(|tampering| Finding {
            place: None,
            seq: None,
            tampering,
        });
        Verdict {
            entries: last.seq,
            last,
            torn: self.torn,
            finding: self.finding.or(at_the_end),
        }
    }
}
