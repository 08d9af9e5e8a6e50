//! A log in a directory of its own.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use remit_core::audit::{Entry, Line, Verdict};
use remit_ledger::{AuditError, AuditLog, AuditWriter};
use tempfile::TempDir;

pub(crate) const TIME: &str = "2026-11-20T18:08:49.703Z";
pub(crate) const RUN: &str = "01JCZ0000000000000000000AA";

/// Files that are full after a few entries, so that a small log has several.
pub(crate) const SMALL: u64 = 1500;

/// A log in a directory of its own. Gone when it is dropped.
pub(crate) struct Place {
    root: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.root.path().join("state/audit")
    }

    pub(crate) fn writer(&self) -> AuditWriter {
        writer(&self.directory())
    }

    pub(crate) fn log(&self) -> AuditLog {
        AuditLog::in_directory(self.directory())
    }

    pub(crate) fn verify(&self) -> Verdict {
        self.log().verify(None).unwrap()
    }

    /// The kind of tampering that is found.
    pub(crate) fn found(&self) -> Option<String> {
        let finding = self.verify().finding?;
        let value = serde_json::to_value(&finding).unwrap();
        Some(value["kind"].as_str().unwrap().to_owned())
    }

    /// Every line that can be read.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        self.log()
            .read(&mut |_, _, line| {
                lines.extend(line);
                ControlFlow::Continue(())
            })
            .unwrap();
        lines
    }

    /// The files that hold entries, and what is in them.
    pub(crate) fn segments(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        fs::read_dir(self.directory())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect()
    }
}

pub(crate) fn writer(directory: &Path) -> AuditWriter {
    AuditWriter::in_directory(directory.to_owned()).with_segments_of(SMALL)
}

/// An entry that need not last by itself.
pub(crate) fn small(number: usize) -> Entry {
    Entry::Refused {
        tool: "git".into(),
        template: "status".into(),
        code: "limit".into(),
        message: format!("number {number}"),
    }
}

/// An entry that must last.
pub(crate) fn lasting() -> Entry {
    let entry = Entry::RunFinished {
        status: "succeeded".into(),
        exit_code: 0,
        wall_ms: 1,
    };
    assert!(entry.must_last());
    entry
}

/// Adds so many entries, of which every third must last, and the last one too.
pub(crate) fn fill(writer: &mut AuditWriter, count: usize) {
    for number in 1..=count {
        let entry = if number % 3 == 0 || number == count {
            lasting()
        } else {
            small(number)
        };
        append(writer, &entry).unwrap();
    }
}

pub(crate) fn append(writer: &mut AuditWriter, entry: &Entry) -> Result<(), AuditError> {
    writer.append(TIME, Some(RUN), entry).map(drop)
}
