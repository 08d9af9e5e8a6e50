//! The head: which entry the log must hold at least, so that a log that lost its end is found.
//!
//! It always has the same length and is written in place with one call: whoever reads it under
//! the lock sees the old one or the new one, also after the writer was killed in between. A
//! machine that loses power keeps the old one or the new one, and both are right, because the
//! entry is on the disk before the head names it. Never: a head of another length.

use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use remit_core::audit::{AUDIT_FORMAT, HeadFound, Link};
use serde::{Deserialize, Serialize};

use super::AuditError;
use crate::files;

/// The file's name.
const NAME: &str = "head.json";

/// Its length: more than the longest head, less than what a disk writes at once.
const LENGTH: usize = 160;

#[derive(Serialize, Deserialize)]
struct Head {
    v: u32,
    #[serde(flatten)]
    link: Link,
}

/// What the head of the log in this directory says.
pub(super) fn read(directory: &Path) -> Result<HeadFound, AuditError> {
    let path = directory.join(NAME);
    let mut bytes = Vec::new();
    let read =
        files::open(&path).and_then(|file| file.take(LENGTH as u64 + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HeadFound::Missing),
        Err(error) => return Err(AuditError::at(&path)(error)),
    }
    Ok(match serde_json::from_slice::<Head>(&bytes) {
        Ok(head) if head.v != AUDIT_FORMAT => HeadFound::Unreadable(format!(
            "it has format {}, this version knows {AUDIT_FORMAT}",
            head.v
        )),
        Ok(head) => HeadFound::Link(head.link),
        Err(error) => HeadFound::Unreadable(error.to_string()),
    })
}

/// Makes the head name this entry, which is on the disk.
pub(super) fn write(directory: &Path, link: Link) -> Result<(), AuditError> {
    let path = directory.join(NAME);
    let head = Head {
        v: AUDIT_FORMAT,
        link,
    };
    let text = serde_json::to_string(&head).map_err(|error| AuditError::Seal(error.into()))?;
    let line = format!("{text:<width$}\n", width = LENGTH - 1);
    files::private_file(&path)
        .and_then(|file| file.write_all_at(line.as_bytes(), 0))
        .map_err(AuditError::at(&path))
}
