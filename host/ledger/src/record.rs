//! The record of a run: a file of JSON lines, one for each event, in order.
//!
//! A line is written with one system call, so a host that is killed leaves whole lines and at most
//! one torn one at the end, which readers pass over. Never: a line changed or taken back once it
//! is whole, a name from outside as a file name.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use remit_core::event::{RECORD_FORMAT, Record};
use remit_engine::journal::Watcher;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::files;

/// Longest line, in bytes. Inputs and outputs of a plugin are at most 16 MiB each; escapes and
/// base64 can make a multiple of it.
pub const MAX_LINE: usize = 64 << 20;

/// Most runs that a list shows: the newest.
pub const MAX_LISTED: usize = 10_000;

/// What record files are called after the run's id.
const SUFFIX: &str = ".jsonl";

/// Length of a run's id, a ULID.
const ID_LENGTH: usize = 26;

/// Why a record could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The id is not a ULID, so it is not used in a file name.
    #[error("`{0}` is not a run: a run's id has 26 characters of 0-9 and A-Z")]
    BadRun(String),
    /// There is no record of this run.
    #[error("there is no record of run {run} in {directory}", directory = .directory.display())]
    Unknown {
        /// The run.
        run: String,
        /// Where was looked.
        directory: PathBuf,
    },
    /// The event has no JSON form.
    #[error("an event cannot be written as JSON: {0}")]
    Serialize(#[source] serde_json::Error),
    /// The line would be, or is, too long.
    #[error("{path}: line {line} is longer than {MAX_LINE} bytes", path = .path.display())]
    TooLong {
        /// The record.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
    },
    /// A line that is not the last cannot be read.
    #[error("{path}: line {line} is damaged: {source}", path = .path.display())]
    Damaged {
        /// The record.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The record was written by a newer version.
    #[error(
        "{path} has record format {found}, this version knows up to {RECORD_FORMAT}; \
         use the newer version to read it",
        path = .path.display()
    )]
    Newer {
        /// The record.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The operating system refused something.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// The record of a run that is going on. One writer for each run.
#[derive(Debug)]
pub struct RunRecord {
    file: File,
    path: PathBuf,
    whole: u64,
    lines: u64,
    complained: bool,
}

impl RunRecord {
    /// Begins the record of a run: `<directory>/<run>.jsonl`, readable for its owner only. The
    /// directory is made if it is missing.
    ///
    /// # Errors
    /// `run` is not a ULID, a record of this run exists, or the file cannot be made.
    pub fn create(directory: &Path, run: &str) -> Result<Self, RecordError> {
        let path = path_of(directory, run)?;
        let fail = |source| RecordError::Io {
            path: path.clone(),
            source,
        };
        files::private_directory(directory).map_err(fail)?;
        let file = files::new_private_file(&path).map_err(fail)?;
        Ok(Self {
            file,
            path,
            whole: 0,
            lines: 0,
            complained: false,
        })
    }

    /// Where the record is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds one event. When this returns, the line survives the end of the host by any signal;
    /// it survives the end of the machine after [`RunRecord::sync`]. Blocks for one write.
    ///
    /// # Errors
    /// The event has no JSON form or is too long, or the disk is full. The record is then as it
    /// was before.
    pub fn append(&mut self, event: &impl Serialize) -> Result<(), RecordError> {
        let mut line = serde_json::to_vec(event).map_err(RecordError::Serialize)?;
        line.push(b'\n');
        if line.len() > MAX_LINE {
            return Err(RecordError::TooLong {
                path: self.path.clone(),
                line: self.lines + 1,
            });
        }
        if let Err(source) = self.write_whole(&line) {
            // The rest of a torn line would spoil the next one.
            let undone = self.file.set_len(self.whole);
            return Err(RecordError::Io {
                path: self.path.clone(),
                source: undone.err().unwrap_or(source),
            });
        }
        self.whole += line.len() as u64;
        self.lines += 1;
        Ok(())
    }

    /// Waits until everything that was added is on the disk.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn sync(&self) -> Result<(), RecordError> {
        self.file.sync_data().map_err(|source| RecordError::Io {
            path: self.path.clone(),
            source,
        })
    }

    fn write_whole(&mut self, line: &[u8]) -> io::Result<()> {
        loop {
            match self.file.write(line) {
                Ok(written) if written == line.len() => return Ok(()),
                Ok(_) => return Err(io::ErrorKind::StorageFull.into()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}

/// A record watches its run. A disk that refuses does not stop the run; it is said once, in the
/// log of the host.
impl Watcher for RunRecord {
    fn record(&mut self, record: &Record) {
        let added = self.append(record);
        self.complain(added);
    }

    fn finish(&mut self) {
        let synced = self.sync();
        self.complain(synced);
    }
}

impl RunRecord {
    fn complain(&mut self, result: Result<(), RecordError>) {
        if let Err(error) = result
            && !std::mem::replace(&mut self.complained, true)
        {
            tracing::error!(%error, "the record of this run is not complete");
        }
    }
}

/// One run that has a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSummary {
    /// The run's id.
    pub run: String,
    /// Size of its record in bytes.
    pub bytes: u64,
}

/// What a record holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded<T> {
    /// The events, in the order in which they happened.
    pub events: Vec<T>,
    /// Whether the last line was torn, and left out: the host ended while it wrote it.
    pub torn: bool,
}

/// The records of a directory, for reading.
#[derive(Debug, Clone)]
pub struct Records {
    directory: PathBuf,
}

impl Records {
    /// The records in this directory, which need not be there yet.
    #[must_use]
    pub fn in_directory(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The runs that have a record, newest first, at most [`MAX_LISTED`]. Other files in the
    /// directory are passed over.
    ///
    /// # Errors
    /// The directory is there and cannot be read.
    pub fn list(&self) -> Result<Vec<RunSummary>, RecordError> {
        let found = files::names(&self.directory).map_err(|source| RecordError::Io {
            path: self.directory.clone(),
            source,
        })?;
        let mut runs: Vec<RunSummary> = found
            .into_iter()
            .filter_map(|(name, bytes)| {
                let run = name.strip_suffix(SUFFIX)?;
                is_id(run).then(|| RunSummary {
                    run: run.to_owned(),
                    bytes,
                })
            })
            .collect();
        // A ULID begins with its time, so the order of the names is the order of the runs.
        runs.sort_unstable_by(|a, b| b.run.cmp(&a.run));
        runs.truncate(MAX_LISTED);
        Ok(runs)
    }

    /// Reads the record of a run, which may still be going on.
    ///
    /// # Errors
    /// There is none, a newer version wrote it, or a line other than the last cannot be read.
    pub fn read<T: DeserializeOwned>(&self, run: &str) -> Result<Recorded<T>, RecordError> {
        let path = path_of(&self.directory, run)?;
        let file = files::open(&path).map_err(|source| {
            if source.kind() == io::ErrorKind::NotFound {
                return RecordError::Unknown {
                    run: run.to_owned(),
                    directory: self.directory.clone(),
                };
            }
            RecordError::Io {
                path: path.clone(),
                source,
            }
        })?;
        read_lines(BufReader::new(file), &path)
    }
}

/// Reads lines until the end. Only the last may be torn.
fn read_lines<T: DeserializeOwned>(
    mut reader: impl BufRead,
    path: &Path,
) -> Result<Recorded<T>, RecordError> {
    let mut events = Vec::new();
    let mut damaged = None;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = reader
            .by_ref()
            .take(MAX_LINE as u64 + 1)
            .read_until(b'\n', &mut line)
            .map_err(|source| RecordError::Io {
                path: path.to_owned(),
                source,
            })?;
        if read == 0 {
            break;
        }
        if read > MAX_LINE {
            return Err(RecordError::TooLong {
                path: path.to_owned(),
                line: number,
            });
        }
        if let Some((line, source)) = damaged.take() {
            return Err(RecordError::Damaged {
                path: path.to_owned(),
                line,
                source,
            });
        }
        if number == 1 {
            check_format(&line, path)?;
        }
        match serde_json::from_slice(&line) {
            // Without its end the line may be a part that happens to be valid.
            Ok(event) if line.ends_with(b"\n") => events.push(event),
            Ok(_) => {
                return Ok(Recorded { events, torn: true });
            }
            Err(source) => damaged = Some((number, source)),
        }
    }
    Ok(Recorded {
        events,
        torn: damaged.is_some(),
    })
}

/// Refuses what a newer version wrote. A line without a format is left to whoever reads it.
fn check_format(line: &[u8], path: &Path) -> Result<(), RecordError> {
    #[derive(Deserialize)]
    struct Format {
        v: u32,
    }
    match serde_json::from_slice::<Format>(line) {
        Ok(Format { v }) if v > RECORD_FORMAT => Err(RecordError::Newer {
            path: path.to_owned(),
            found: v,
        }),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The file of a run.
fn path_of(directory: &Path, run: &str) -> Result<PathBuf, RecordError> {
    if !is_id(run) {
        return Err(RecordError::BadRun(run.to_owned()));
    }
    Ok(directory.join(format!("{run}{SUFFIX}")))
}

fn is_id(run: &str) -> bool {
    run.len() == ID_LENGTH
        && run
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}
