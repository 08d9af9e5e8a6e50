//! Rows of the results in the order in which tasks end, on disk, and where each is: so that they can
//! be written in the order of the plan without being in memory.
//!
//! Never: a file with a name.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;

use anyhow::Context as _;
use remit_core::durable::derived::TaskResult;

use crate::exit::Stop;

/// Rows of one run.
pub(super) struct Spool {
    file: File,
    end: u64,
    /// Where each task's row is, by its place in the plan; a length of 0 is no row.
    rows: Vec<(u64, u32)>,
    count: u64,
    completed: u64,
}

impl Spool {
    pub(super) fn new() -> Result<Self, Stop> {
        let file = tempfile::tempfile().context("cannot make a temporary file");
        Ok(Self {
            file: file.map_err(Stop::Internal)?,
            end: 0,
            rows: Vec::new(),
            count: 0,
            completed: 0,
        })
    }

    /// One more row.
    pub(super) fn push(&mut self, index: u32, row: &TaskResult) -> Result<(), Stop> {
        let text = serde_json::to_vec(row).map_err(|error| Stop::Internal(error.into()))?;
        let length = u32::try_from(text.len()).context("a row of 4 GiB");
        let length = length.map_err(Stop::Internal)?;
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        if self.rows.len() <= place {
            self.rows.resize(place.saturating_add(1), (0, 0));
        }
        self.file
            .seek(SeekFrom::Start(self.end))
            .and_then(|_| self.file.write_all(&text))
            .context("cannot write a temporary file")
            .map_err(Stop::Internal)?;
        if let Some(row) = self.rows.get_mut(place) {
            *row = (self.end, length);
        }
        self.end += u64::from(length);
        self.count += 1;
        self.completed += u64::from(row.status == "completed");
        Ok(())
    }

    /// How many rows there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// How many of them completed.
    pub(super) fn completed(&self) -> u64 {
        self.completed
    }

    /// Each row as JSON, in the order of the plan.
    pub(super) fn each(&self, mut take: impl FnMut(&[u8]) -> Result<(), Stop>) -> Result<(), Stop> {
        let mut text = Vec::new();
        for (at, length) in self.rows.iter().filter(|(_, length)| *length > 0) {
            text.resize(usize::try_from(*length).unwrap_or(usize::MAX), 0);
            self.file
                .read_exact_at(&mut text, *at)
                .context("cannot read a temporary file")
                .map_err(Stop::Internal)?;
            take(&text)?;
        }
        Ok(())
    }
}
