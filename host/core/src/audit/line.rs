//! A line of the audit log: an entry, its number, and its place in the chain.
//!
//! The hash of a line is the SHA-256 of exactly the bytes that stand there, without
//! `,"hash":"…"`. So nothing depends on how someone else would write the same JSON, and no byte
//! of a line can change unseen. Never: a line that is read without a look at its hash.

use serde::{Deserialize, Serialize};

use super::{AUDIT_FORMAT, Entry};
use crate::digest::Digest;

/// What stands between the rest of a line and its hash.
const BEFORE_HASH: &str = ",\"hash\":\"";

/// What stands after the hash.
const AFTER_HASH: &str = "\"}";

/// Length of a digest as text.
const DIGEST_LENGTH: usize = "sha256:".len() + 64;

/// One end of the chain: the number and the hash of an entry. Whoever knows it can tell whether a
/// log still holds that entry and everything before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The entry's number; 0 for the beginning of a log.
    pub seq: u64,
    /// The entry's hash; all zero for the beginning of a log.
    pub hash: Digest,
}

impl Link {
    /// Before the first entry.
    #[must_use]
    pub fn beginning() -> Self {
        Self {
            seq: 0,
            hash: Digest::from_bytes([0; 32]),
        }
    }
}

/// A line that was read and is what it says: its hash fits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// [`AUDIT_FORMAT`].
    pub v: u32,
    /// From 1, without gaps over the whole log.
    pub seq: u64,
    /// When, by the host's clock: RFC 3339 in UTC with milliseconds.
    pub time: String,
    /// The run, a ULID; absent where the entry belongs to none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub entry: Entry,
    /// The hash of the entry before.
    pub prev: Digest,
    /// The hash of this one.
    pub hash: Digest,
}

/// What a line's hash is made of, in the order in which it is written.
#[derive(Serialize)]
struct Unsealed<'a> {
    v: u32,
    seq: u64,
    time: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a str>,
    #[serde(flatten)]
    entry: &'a Entry,
    prev: Digest,
}

/// A line, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The bytes, with the line end.
    pub text: String,
    /// What the next line has to follow.
    pub link: Link,
}

/// The entry has no JSON form.
#[derive(Debug, thiserror::Error)]
#[error("an audit entry cannot be written as JSON: {0}")]
pub struct SealError(#[from] serde_json::Error);

/// Why a line is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It does not look like a line of this log.
    #[error("it is no audit entry: {0}")]
    Form(String),
    /// It looks like one, and its hash is that of another content.
    #[error("its content is not the one that its hash was made of")]
    Edited,
    /// A newer version wrote it.
    #[error("it has format {0}, this version knows up to {AUDIT_FORMAT}")]
    Newer(u32),
}

impl Sealed {
    /// Writes an entry that follows another.
    ///
    /// # Errors
    /// The entry has no JSON form.
    pub fn after(
        last: Link,
        time: &str,
        run: Option<&str>,
        entry: &Entry,
    ) -> Result<Self, SealError> {
        let seq = last.seq.saturating_add(1);
        let mut text = serde_json::to_string(&Unsealed {
            v: AUDIT_FORMAT,
            seq,
            time,
            run,
            entry,
            prev: last.hash,
        })?;
        let hash = Digest::of(text.as_bytes());
        text.truncate(text.len().saturating_sub(1));
        text.push_str(BEFORE_HASH);
        text.push_str(&hash.to_string());
        text.push_str(AFTER_HASH);
        text.push('\n');
        Ok(Self {
            text,
            link: Link { seq, hash },
        })
    }
}

impl Line {
    /// Reads a line, without its end, and checks its hash.
    ///
    /// # Errors
    /// See [`LineError`].
    pub fn read(bytes: &[u8]) -> Result<Self, LineError> {
        #[derive(Deserialize)]
        struct Format {
            v: u32,
        }
        let form = |what: &str| LineError::Form(what.to_owned());
        let text = std::str::from_utf8(bytes).map_err(|_| form("it is not UTF-8"))?;
        let (rest, digest) = split(text).ok_or_else(|| form("it does not end with a hash"))?;
        let hash: Digest = digest
            .parse()
            .map_err(|_| form("its hash is not a SHA-256"))?;
        if Digest::of(format!("{rest}}}").as_bytes()) != hash {
            return Err(LineError::Edited);
        }
        let wrong = |error: serde_json::Error| LineError::Form(error.to_string());
        let Format { v } = serde_json::from_str(text).map_err(wrong)?;
        if v > AUDIT_FORMAT {
            return Err(LineError::Newer(v));
        }
        serde_json::from_str(text).map_err(wrong)
    }

    /// What the next line has to follow.
    #[must_use]
    pub fn link(&self) -> Link {
        Link {
            seq: self.seq,
            hash: self.hash,
        }
    }
}

/// The part of a line before its hash, and the hash.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_suffix(AFTER_HASH)?;
    let (rest, digest) = text.split_at_checked(text.len().checked_sub(DIGEST_LENGTH)?)?;
    Some((rest.strip_suffix(BEFORE_HASH)?, digest))
}
