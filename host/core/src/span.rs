//! Spans: what happened when, within what, for those who watch with OpenTelemetry.
//!
//! A run is a trace; within it spans nest as run → task → attempt → effect → tool. Their numbers
//! follow from what they are about ([`SpanPath`]), so a host that was started again goes on with
//! the trace of the one before. Where to look first: [`SpanPath::run`], then [`Span::new`].
//!
//! Never: a clock, a random number, an environment value or a secret in an attribute.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::excerpt::excerpt;

/// Most attributes of a span; further ones are counted, not kept. A span of ours has about ten.
pub const MAX_SPAN_ATTRIBUTES: usize = 32;
/// Most bytes of a span's name, of an attribute's name or text, and of a status message: with
/// the limit above, a batch of 512 spans stays below the 20 MiB that a collector takes by default.
pub const MAX_SPAN_TEXT: usize = 1024;
/// Most links of a span; further ones are counted, not kept. Ours have at most one.
pub const MAX_SPAN_LINKS: usize = 8;

/// Marks the hashes as ours, and their layout as the first one.
const DOMAIN: &[u8] = b"remit.span.1";

/// The number of a trace: 16 bytes, not all zero (W3C Trace Context, `trace-id`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId([u8; 16]);

/// The number of a span in its trace: 8 bytes, not all zero (W3C Trace Context, `parent-id`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId([u8; 8]);

macro_rules! number {
    ($name:ident, $size:literal) => {
        impl $name {
            /// The bytes as they are sent.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; $size] {
                &self.0
            }

            /// Takes bytes that came from elsewhere; nothing if they are all zero, which W3C
            /// Trace Context defines as "no number".
            #[must_use]
            pub fn from_bytes(bytes: [u8; $size]) -> Option<Self> {
                (bytes != [0; $size]).then_some(Self(bytes))
            }

            fn of(parts: &[&[u8]]) -> Self {
                let mut bytes = [0; $size];
                bytes.copy_from_slice(&hash(parts)[..$size]);
                // All zero means "no number"; the chance is nil, the rule is a rule.
                if bytes == [0; $size] {
                    bytes[$size - 1] = 1;
                }
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            /// Lower-case hexadecimal digits.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

number!(TraceId, 16);
number!(SpanId, 8);

/// SHA-256 over parts, each behind its length, so that no two lists of parts are alike.
fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new_with_prefix(DOMAIN);
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// What a span is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpanKind {
    /// A run: everything else is within it.
    Run,
    /// A task of a run.
    Task,
    /// An attempt at a task.
    Attempt,
    /// An effect of an attempt, as the ledger numbers it.
    Effect,
    /// A tool that ran.
    Tool,
}

impl SpanKind {
    /// Every kind, from the outside to the inside.
    pub const ALL: [Self; 5] = [
        Self::Run,
        Self::Task,
        Self::Attempt,
        Self::Effect,
        Self::Tool,
    ];

    /// The word that stands in the attribute `remit.kind`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Task => "task",
            Self::Attempt => "attempt",
            Self::Effect => "effect",
            Self::Tool => "tool",
        }
    }
}

/// Where a span has its place: its number, its parent's, and its trace's. The same names give the
/// same numbers on every machine and after every restart.
///
/// ```text
/// SpanPath::run("01J…").task("build").attempt(2).effect(7).tool(1)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanPath {
    trace: TraceId,
    id: SpanId,
    parent: Option<SpanId>,
    kind: SpanKind,
}

impl SpanPath {
    /// The place of a run; its trace follows from the run's id alone.
    #[must_use]
    pub fn run(run: &str) -> Self {
        let trace = TraceId::of(&[b"trace", run.as_bytes()]);
        Self {
            trace,
            id: SpanId::of(&[trace.as_bytes(), SpanKind::Run.word().as_bytes()]),
            parent: None,
            kind: SpanKind::Run,
        }
    }

    /// The place of a task in this run.
    #[must_use]
    pub fn task(&self, task: &str) -> Self {
        self.within(SpanKind::Task, task.as_bytes())
    }

    /// The place of an attempt at this task; attempts are numbered from 1.
    #[must_use]
    pub fn attempt(&self, number: u32) -> Self {
        self.within(SpanKind::Attempt, &u64::from(number).to_le_bytes())
    }

    /// The place of an effect in this attempt, by the number that the ledger gives it.
    #[must_use]
    pub fn effect(&self, number: u32) -> Self {
        self.within(SpanKind::Effect, &u64::from(number).to_le_bytes())
    }

    /// The place of a tool run, by the number that the events give it.
    #[must_use]
    pub fn tool(&self, call: u32) -> Self {
        self.within(SpanKind::Tool, &u64::from(call).to_le_bytes())
    }

    fn within(&self, kind: SpanKind, key: &[u8]) -> Self {
        let word = kind.word().as_bytes();
        Self {
            trace: self.trace,
            id: SpanId::of(&[self.trace.as_bytes(), self.id.as_bytes(), word, key]),
            parent: Some(self.id),
            kind,
        }
    }

    /// The trace.
    #[must_use]
    pub fn trace(&self) -> TraceId {
        self.trace
    }

    /// The span.
    #[must_use]
    pub fn id(&self) -> SpanId {
        self.id
    }

    /// The span around it; none for a run.
    #[must_use]
    pub fn parent(&self) -> Option<SpanId> {
        self.parent
    }

    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> SpanKind {
        self.kind
    }

    /// What a tool is told so that its own spans hang below this one: the value of the
    /// environment variable `TRACEPARENT` (W3C Trace Context, version 00, sampled).
    #[must_use]
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-01", self.trace, self.id)
    }
}

/// Another span that this one has to do with, in whatever trace: whoever started the host, or the
/// attempt before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanLink {
    /// Its trace.
    pub trace: TraceId,
    /// Its number there.
    pub id: SpanId,
}

/// The text is not a W3C `traceparent`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a traceparent; write `00-`, 32 digits of 0-9 a-f, `-`, 16 digits, `-` and 2 \
     digits, neither number all zero"
)]
pub struct TraceparentError(String);

impl FromStr for SpanLink {
    type Err = TraceparentError;

    /// Reads a `traceparent` of version 00, or of a later one, whose beginning is the same.
    fn from_str(text: &str) -> Result<Self, TraceparentError> {
        let refuse = || TraceparentError(excerpt(text));
        let mut parts = text.split('-');
        let [version, trace, id, flags] = [(); 4].map(|()| parts.next().unwrap_or_default());
        let lower = text.bytes().all(|byte| !byte.is_ascii_uppercase());
        let ended = parts.next().is_none() || version != "00";
        let (mut v, mut f) = ([0_u8; 1], [0_u8; 1]);
        let (mut t, mut s) = ([0_u8; 16], [0_u8; 8]);
        let read = hex::decode_to_slice(version, &mut v)
            .and_then(|()| hex::decode_to_slice(trace, &mut t))
            .and_then(|()| hex::decode_to_slice(id, &mut s))
            .and_then(|()| hex::decode_to_slice(flags, &mut f));
        if read.is_err() || !lower || !ended || v == [0xff] {
            return Err(refuse());
        }
        let trace = TraceId::from_bytes(t).ok_or_else(refuse)?;
        let id = SpanId::from_bytes(s).ok_or_else(refuse)?;
        Ok(Self { trace, id })
    }
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpanValue {
    /// A text of at most [`MAX_SPAN_TEXT`] bytes.
    Text(String),
    /// A number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
}

impl From<&str> for SpanValue {
    fn from(text: &str) -> Self {
        Self::Text(cut(text))
    }
}

impl From<String> for SpanValue {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<i64> for SpanValue {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u64> for SpanValue {
    /// What does not fit is the largest number that does.
    fn from(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u32> for SpanValue {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<bool> for SpanValue {
    fn from(yes: bool) -> Self {
        Self::Bool(yes)
    }
}

/// How what a span is about ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SpanStatus {
    /// Nobody said.
    #[default]
    Unset,
    /// It did what it should.
    Ok,
    /// It did not, and why.
    Error(String),
}

/// Something that began and ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    place: SpanPath,
    name: String,
    start_ms: u64,
    end_ms: u64,
    status: SpanStatus,
    attributes: Vec<(String, SpanValue)>,
    dropped_attributes: u32,
    links: Vec<SpanLink>,
    dropped_links: u32,
}

impl Span {
    /// What happened at a place between two times, in milliseconds since 1970 in UTC. An end
    /// before the start, as after a clock was put back, counts as the start.
    #[must_use]
    pub fn new(place: SpanPath, name: &str, start_ms: u64, end_ms: u64) -> Self {
        Self {
            place,
            name: cut(name),
            start_ms,
            end_ms: end_ms.max(start_ms),
            status: SpanStatus::Unset,
            attributes: Vec::new(),
            dropped_attributes: 0,
            links: Vec::new(),
            dropped_links: 0,
        }
    }

    /// The same, ended well.
    #[must_use]
    pub fn succeeded(mut self) -> Self {
        self.status = SpanStatus::Ok;
        self
    }

    /// The same, failed, and why.
    #[must_use]
    pub fn failed(mut self, why: &str) -> Self {
        self.status = SpanStatus::Error(cut(why));
        self
    }

    /// The same with one more attribute; one of the same name is replaced.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<SpanValue>) -> Self {
        let (name, value) = (cut(name), value.into());
        let value = match value {
            SpanValue::Text(text) => SpanValue::Text(cut(&text)),
            SpanValue::Int(_) | SpanValue::Bool(_) => value,
        };
        if let Some(known) = self.attributes.iter_mut().find(|(known, _)| *known == name) {
            known.1 = value;
        } else if self.attributes.len() < MAX_SPAN_ATTRIBUTES {
            self.attributes.push((name, value));
        } else {
            self.dropped_attributes = self.dropped_attributes.saturating_add(1);
        }
        self
    }

    /// The same with a link to another span.
    #[must_use]
    pub fn linked(mut self, link: SpanLink) -> Self {
        if self.links.len() < MAX_SPAN_LINKS {
            self.links.push(link);
        } else {
            self.dropped_links = self.dropped_links.saturating_add(1);
        }
        self
    }

    /// Its place: trace, number, parent and kind.
    #[must_use]
    pub fn place(&self) -> &SpanPath {
        &self.place
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it began: milliseconds since 1970 in UTC.
    #[must_use]
    pub fn start_ms(&self) -> u64 {
        self.start_ms
    }

    /// When it ended, never before it began: milliseconds since 1970 in UTC.
    #[must_use]
    pub fn end_ms(&self) -> u64 {
        self.end_ms
    }

    /// How it ended.
    #[must_use]
    pub fn status(&self) -> &SpanStatus {
        &self.status
    }

    /// Its attributes in the order in which they were added.
    #[must_use]
    pub fn attributes(&self) -> &[(String, SpanValue)] {
        &self.attributes
    }

    /// How many attributes found no room.
    #[must_use]
    pub fn dropped_attributes(&self) -> u32 {
        self.dropped_attributes
    }

    /// The spans that it has to do with.
    #[must_use]
    pub fn links(&self) -> &[SpanLink] {
        &self.links
    }

    /// How many links found no room.
    #[must_use]
    pub fn dropped_links(&self) -> u32 {
        self.dropped_links
    }
}

/// A text up to its limit, cut between characters.
fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_SPAN_TEXT)].to_owned()
}

#[cfg(test)]
mod tests;
