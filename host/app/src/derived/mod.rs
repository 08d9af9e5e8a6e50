//! Files in the workspace of a run that other programs read, made from the ledger alone.
//!
//! [`Deriver`] follows a run and keeps them as the ledger is; [`rebuild`] makes all of them anew.
//! What is in them is decided by `remit_core::durable::derived`. Never: a file that is read back as
//! truth; a link that is followed; memory that grows with what tools print.

mod files;
mod spool;
mod tree;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use remit_core::durable::derived::{EXECUTOR_LOG, RESILIENCE_LOG};
use remit_core::durable::{Entry, RunId, TaskId};
use remit_engine::durable::ledger::{EntryQuery, Ledger, MAX_ENTRIES, TaskQuery};

use self::files::Files;
use crate::exit::Stop;
use crate::ledger_file::stop;

/// Entries that are taken at once: bounds memory together with the largest entry.
const PAGE: usize = 1_000;

/// How long new entries are collected before they are written: nobody waits for a log, and each
/// file is opened once for all of them.
const COLLECT: Duration = Duration::from_millis(100);

/// How often everything is written anew because someone else changed a log.
const TRIES: u32 = 3;

/// How long nothing new may come before the results are written as they are.
const SETTLE: Duration = Duration::from_secs(1);

/// Keeps the files of one run as the ledger is.
pub(crate) struct Deriver {
    ledger: Arc<dyn Ledger>,
    run: RunId,
    workspace: PathBuf,
    /// The newest entry that is in the files.
    after: u64,
    /// Absent only while a thread works with them.
    files: Option<Files>,
    finished: bool,
}

impl Deriver {
    /// Begins with what the ledger has of the run, in the workspace's directory. Writes nothing yet.
    ///
    /// # Errors
    /// The directory cannot be opened, or the ledger has no such run.
    pub(crate) async fn begin(
        ledger: Arc<dyn Ledger>,
        run: RunId,
        workspace: &Path,
    ) -> Result<Self, Stop> {
        let first = EntryQuery {
            run: Some(run.clone()),
            task: None,
            after: 0,
            activity: false,
            limit: 1,
        };
        let first = ledger.entries(first).await.map_err(stop)?;
        let Some(first) = first.first() else {
            return Err(Stop::usage(
                format!("the ledger has no run `{run}`"),
                "`remit runs --all` lists them",
            ));
        };
        Ok(Self {
            after: first.seq.saturating_sub(1),
            files: Some(Files::open(workspace, run.clone())?),
            ledger,
            run,
            workspace: workspace.to_owned(),
            finished: false,
        })
    }

    /// Writes everything that there is. Whether the run has finished.
    ///
    /// # Errors
    /// The ledger cannot be read or a file not be written.
    pub(crate) async fn catch_up(&mut self) -> Result<bool, Stop> {
        for _ in 0..TRIES {
            self.take_all().await?;
            if self.with_files(Files::publish).await? {
                return Ok(self.finished);
            }
            // The ledger is right, whatever someone wrote there.
            let ledger = Arc::clone(&self.ledger);
            let files = self.files.take().ok_or_else(lost)?;
            let (run, workspace) = (self.run.clone(), self.workspace.clone());
            drop(files);
            *self = Self::begin(ledger, run, &workspace).await?;
        }
        Err(Stop::usage(
            format!("someone else writes {EXECUTOR_LOG} or {RESILIENCE_LOG} all the time"),
            "let one executor at a time work in a workspace",
        ))
    }

    async fn take_all(&mut self) -> Result<(), Stop> {
        while !self.finished {
            let query = EntryQuery {
                // Also what concerns the host: circuits and safe mode.
                run: None,
                task: None,
                after: self.after,
                activity: true,
                limit: PAGE,
            };
            let page = self.ledger.entries(query).await.map_err(stop)?;
            let Some(last) = page.last() else { break };
            self.after = last.seq;
            self.take(page).await?;
        }
        Ok(())
    }

    /// Keeps the files as the ledger is until the run has finished or `end` comes; then writes what
    /// there is.
    ///
    /// # Errors
    /// As [`Self::catch_up`].
    pub(crate) async fn follow(&mut self, end: impl Future<Output = ()>) -> Result<(), Stop> {
        let mut newest = self.ledger.newest();
        tokio::pin!(end);
        loop {
            newest.mark_unchanged();
            if self.catch_up().await? {
                return Ok(());
            }
            tokio::select! {
                () = &mut end => break,
                changed = newest.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    tokio::time::sleep(COLLECT).await;
                }
                () = tokio::time::sleep(SETTLE) => self.with_files(Files::settle).await?,
            }
        }
        self.catch_up().await?;
        self.with_files(Files::settle).await
    }

    async fn take(&mut self, page: Vec<Entry>) -> Result<(), Stop> {
        let run = self.run.clone();
        let page: Vec<Entry> = page
            .into_iter()
            .filter(|entry| entry.run.as_ref().is_none_or(|of| *of == run))
            .collect();
        let (torn, finished) = self.with_files(move |files| files.take(&page)).await?;
        self.finished |= finished;
        for task in torn {
            self.rewrite(&task).await?;
        }
        Ok(())
    }

    /// Writes the log of one task anew, up to the entries that were taken.
    async fn rewrite(&mut self, task: &TaskId) -> Result<(), Stop> {
        let up_to = self.after;
        let mut log = self.files()?.begin_task(task)?;
        let mut after = 0;
        loop {
            let query = EntryQuery {
                run: Some(self.run.clone()),
                task: Some(task.clone()),
                after,
                activity: true,
                limit: PAGE,
            };
            let page = self.ledger.entries(query).await.map_err(stop)?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            for entry in page.iter().take_while(|entry| entry.seq <= up_to) {
                log.line(entry)?;
            }
            if after > up_to {
                break;
            }
        }
        log.put().map(drop)
    }

    /// All tasks' logs anew.
    async fn rewrite_all(&mut self) -> Result<u64, Stop> {
        let mut count = 0;
        let mut from_index = 0;
        loop {
            let query = TaskQuery {
                run: self.run.clone(),
                phases: Vec::new(),
                from_index,
                limit: MAX_ENTRIES,
            };
            let page = self.ledger.tasks(query).await.map_err(stop)?;
            let Some(last) = page.last() else {
                return Ok(count);
            };
            from_index = last.state.index.saturating_add(1);
            for task in page {
                self.rewrite(&task.spec.id).await?;
                count += 1;
            }
        }
    }

    fn files(&mut self) -> Result<&mut Files, Stop> {
        self.files.as_mut().ok_or_else(lost)
    }

    /// Works with the files where waiting for the disk stops nobody.
    async fn with_files<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Files) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Stop> {
        let mut files = self.files.take().ok_or_else(lost)?;
        let (files, result) = tokio::task::spawn_blocking(move || {
            let result = work(&mut files);
            (files, result)
        })
        .await
        .map_err(|error| Stop::Internal(error.into()))?;
        self.files = Some(files);
        result
    }
}

fn lost() -> Stop {
    Stop::Internal(anyhow::anyhow!(
        "the writer of derived files was interrupted"
    ))
}

/// Makes every file of a run anew, whatever is there. How many tasks have a log.
///
/// # Errors
/// As [`Deriver::begin`] and [`Deriver::catch_up`].
pub(crate) async fn rebuild(
    ledger: Arc<dyn Ledger>,
    run: RunId,
    workspace: &Path,
) -> Result<u64, Stop> {
    let mut deriver = Deriver::begin(ledger, run, workspace).await?;
    deriver.catch_up().await?;
    deriver.with_files(Files::settle).await?;
    deriver.rewrite_all().await
}

#[cfg(test)]
mod tests;
