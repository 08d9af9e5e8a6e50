//! The ledger's entries as they come, for those who do something about them while runs are executed.
//!
//! Never: an execution that waits for whoever follows.

use std::sync::Arc;
use std::time::Duration;

use remit_core::durable::{Entry, RunId};
use remit_engine::durable::ledger::{EntryQuery, Ledger, LedgerError};
use tokio::sync::watch;

/// Entries that are read at once: a follower holds no more than these.
const PAGE: usize = 1_000;

/// How often is looked although nobody said that there is more: the way for a change that was
/// missed.
const LOOK: Duration = Duration::from_millis(500);

/// Goes through the entries after one place.
pub(super) struct Follower {
    ledger: Arc<dyn Ledger>,
    query: EntryQuery,
    newest: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
}

impl Follower {
    /// Follows a run, or everything, after this place; until `stop` is true and nothing is left.
    pub(super) fn after(
        ledger: Arc<dyn Ledger>,
        run: Option<RunId>,
        after: u64,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let newest = ledger.newest();
        Self {
            ledger,
            query: EntryQuery {
                run,
                task: None,
                after,
                activity: true,
                limit: PAGE,
            },
            newest,
            stop,
        }
    }

    /// The same without what attempts do and tools print.
    pub(super) fn without_activity(mut self) -> Self {
        self.query.activity = false;
        self
    }

    /// The next entries, at least one; nothing at the end. Whoever drops the future loses none.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Entry>>, LedgerError> {
        loop {
            let last_round = *self.stop.borrow();
            self.newest.borrow_and_update();
            let entries = self.ledger.entries(self.query.clone()).await?;
            if let Some(last) = entries.last() {
                self.query.after = last.seq;
                return Ok(Some(entries));
            }
            if last_round {
                return Ok(None);
            }
            tokio::select! {
                _ = self.newest.changed() => {}
                _ = self.stop.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}
