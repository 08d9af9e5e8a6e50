//! The files of one run: what is added to which, and whether each ends where it should.
//!
//! Never: a line after one that does not belong there; a torn line that stays.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use remit_core::durable::derived::{
    EXECUTION_RESULTS, EXECUTOR_LOG, PATCH_LEDGER, RESILIENCE_LOG, Results, TASK_LOGS, closing,
    is_of_executor, is_of_resilience, opening, task_log,
};
use remit_core::durable::{Entry, LedgerEvent, RunId, TaskId};
use serde::Deserialize;

use super::spool::Spool;
use super::tree::{Place, Replacement, io_failed};
use crate::exit::Stop;
use crate::timeline::json_line;

/// How much of a file's end is read to find its last line, at first and at most. A larger line is
/// taken for none, and the file is written anew.
const TAIL: u64 = 64 << 10;
const MAX_TAIL_READ: u64 = 16 << 20;

/// The results are written again when there are half as many rows more: in all, each row is written
/// three times at most.
const MORE: u64 = 2;

/// Most bytes that wait to be added to a log.
const MAX_TEXT: usize = 1 << 20;

/// All files of one run.
pub(super) struct Files {
    run: RunId,
    state: Place,
    tasks: Place,
    executor: Log,
    resilience: Log,
    results: Results,
    spool: Spool,
    /// How many rows the file of results has; none before it was written.
    written: Option<u64>,
}

impl Files {
    /// Opens the directories in a workspace.
    pub(super) fn open(workspace: &Path, run: RunId) -> Result<Self, Stop> {
        let workspace = Place::workspace(workspace)?;
        let logs = workspace.inside(directory(EXECUTOR_LOG))?;
        let state = workspace.inside(directory(EXECUTION_RESULTS))?;
        // Later versions add to it; what is there stays.
        drop(state.open(file_name(PATCH_LEDGER))?);
        Ok(Self {
            tasks: logs.inside(file_name(TASK_LOGS))?,
            executor: Log::fresh(&logs, file_name(EXECUTOR_LOG))?,
            resilience: Log::fresh(&logs, file_name(RESILIENCE_LOG))?,
            state,
            results: Results::new(run.clone()),
            run,
            spool: Spool::new()?,
            written: None,
        })
    }

    /// Takes entries in the ledger's order. The tasks whose log does not end where it should, and
    /// whether the run has finished.
    pub(super) fn take(&mut self, page: &[Entry]) -> Result<(Vec<TaskId>, bool), Stop> {
        let mut finished = false;
        let mut of_tasks: BTreeMap<&TaskId, Vec<&Entry>> = BTreeMap::new();
        for entry in page {
            if is_of_executor(entry) {
                self.executor.line(entry)?;
            }
            if is_of_resilience(entry) {
                self.resilience.line(entry)?;
            }
            if let Some((index, row)) = self.results.apply(entry) {
                self.spool.push(index, &row)?;
            }
            if let Some(task) = &entry.task {
                of_tasks.entry(task).or_default().push(entry);
            }
            finished |= matches!(entry.event, LedgerEvent::ExecutionFinished { .. });
        }
        let mut torn = Vec::new();
        for (task, entries) in of_tasks {
            if !self.add(task, &entries)? {
                torn.push(task.clone());
            }
        }
        let rows = self.spool.count();
        let many = self.written.is_some_and(|n| rows > n + n / MORE + 1);
        if finished || many {
            self.settle()?;
        }
        Ok((torn, finished))
    }

    /// Adds entries to a task's log; false if it does not end just before them.
    fn add(&self, task: &TaskId, entries: &[&Entry]) -> Result<bool, Stop> {
        let path = task_log(task);
        let file = self.tasks.open(file_name(&path))?;
        let failed = |error: std::io::Error| io_failed("write", &path, &error);
        let end = Last::of(&file).map_err(failed)?;
        let Some(has) = end.number_in(&self.run) else {
            return Ok(false);
        };
        let mut text = Vec::new();
        let mut next = has + 1;
        for entry in entries {
            if entry.task_seq < next {
                continue;
            }
            if entry.task_seq > next {
                return Ok(false);
            }
            next += 1;
            text.extend_from_slice(json_line(entry)?.as_bytes());
            text.push(b'\n');
        }
        (&file).write_all(&text).map_err(failed)?;
        Ok(true)
    }

    /// A task's log, to be written anew.
    pub(super) fn begin_task(&self, task: &TaskId) -> Result<Replacement, Stop> {
        self.tasks.replace(file_name(&task_log(task)))
    }

    /// Lets others see what was added. False if someone else changed a log meanwhile: then all has
    /// to be written anew.
    pub(super) fn publish(&mut self) -> Result<bool, Stop> {
        self.executor.publish()?;
        self.resilience.publish()?;
        if self.written.is_none() {
            self.settle()?;
        }
        Ok(!self.executor.changed && !self.resilience.changed)
    }

    /// Writes the results as they are, if they are not so already.
    pub(super) fn settle(&mut self) -> Result<(), Stop> {
        let count = self.spool.count();
        if self.written == Some(count) {
            return Ok(());
        }
        let mut out = self.state.replace(file_name(EXECUTION_RESULTS))?;
        let opening = opening(&self.run).map_err(|error| Stop::Internal(error.into()))?;
        out.write(opening.as_bytes())?;
        let mut is_first = true;
        self.spool.each(|row| {
            out.write(if is_first { b"\n" } else { b",\n" })?;
            is_first = false;
            out.write(row)
        })?;
        out.write(closing(count, self.spool.completed()).as_bytes())?;
        out.finish()?;
        self.written = Some(count);
        Ok(())
    }
}

/// A log of the whole run. Written anew by each deriver, which holds the whole history anyway; then
/// added to, as long as nobody else does.
struct Log {
    logs: Place,
    name: &'static str,
    /// Absent once it is in its place.
    new: Option<Replacement>,
    /// How long it should be.
    length: u64,
    /// What has to be added.
    text: Vec<u8>,
    /// Whether someone else changed it.
    changed: bool,
}

impl Log {
    fn fresh(logs: &Place, name: &'static str) -> Result<Self, Stop> {
        let new = logs.replace(name)?;
        Ok(Self {
            logs: logs.again()?,
            name,
            new: Some(new),
            length: 0,
            text: Vec::new(),
            changed: false,
        })
    }

    fn line(&mut self, entry: &Entry) -> Result<(), Stop> {
        if let Some(new) = &mut self.new {
            return new.line(entry);
        }
        self.text.extend_from_slice(json_line(entry)?.as_bytes());
        self.text.push(b'\n');
        if self.text.len() > MAX_TEXT {
            self.publish()?;
        }
        Ok(())
    }

    fn publish(&mut self) -> Result<(), Stop> {
        if let Some(new) = self.new.take() {
            self.length = new.put()?;
            return Ok(());
        }
        if self.text.is_empty() {
            return Ok(());
        }
        let file = self.logs.open(self.name)?;
        let failed = |error: std::io::Error| io_failed("write", self.name, &error);
        let found = file.metadata().map_err(failed)?.len();
        if found != self.length {
            self.changed = true;
            self.text.clear();
            return Ok(());
        }
        (&file).write_all(&self.text).map_err(failed)?;
        self.length += self.text.len() as u64;
        self.text.clear();
        Ok(())
    }
}

/// What the last line of a task's log says.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Line {
    run: Option<RunId>,
    task_seq: u64,
}

/// How a file ends.
enum Last {
    /// It is empty.
    Nothing,
    /// In a line that can be read.
    Line(Line),
    /// In something else.
    Torn,
}

impl Last {
    fn of(file: &File) -> std::io::Result<Self> {
        let length = file.metadata()?.len();
        if length == 0 {
            return Ok(Self::Nothing);
        }
        let mut size = TAIL.min(length);
        loop {
            let mut text = vec![0; usize::try_from(size).unwrap_or(0)];
            file.read_exact_at(&mut text, length - size)?;
            let Some(text) = text.strip_suffix(b"\n") else {
                return Ok(Self::Torn);
            };
            let start = text.iter().rposition(|byte| *byte == b'\n');
            if start.is_some() || size == length {
                let line = text.get(start.map_or(0, |at| at + 1)..).unwrap_or_default();
                let line = serde_json::from_slice::<Line>(line);
                return Ok(line.map_or(Self::Torn, Self::Line));
            }
            if size >= MAX_TAIL_READ {
                return Ok(Self::Torn);
            }
            size = (size * 4).min(length);
        }
    }

    /// The number of the last entry of this run; none if it is not this run's, or torn.
    fn number_in(&self, run: &RunId) -> Option<u64> {
        match self {
            Self::Nothing => Some(0),
            Self::Line(line) if line.run.as_ref() == Some(run) => Some(line.task_seq),
            Self::Line(_) | Self::Torn => None,
        }
    }
}

/// The directory of a derived file.
fn directory(path: &'static str) -> &'static str {
    path.split_once('/')
        .map_or(path, |(directory, _)| directory)
}

/// Its name in there.
fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}
