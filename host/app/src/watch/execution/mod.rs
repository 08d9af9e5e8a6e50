//! What a person or a program sees of runs while they are executed: entries of the ledger, as they
//! come. On a terminal a live view, elsewhere plain lines, with `--json` the entries themselves.
//!
//! What is shown comes from the ledger alone, so it is what any other reader sees. Never: an
//! execution that waits for whoever watches.

mod live;
mod plain;
mod screen;
mod summary;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use remit_core::durable::{Entry, LedgerEvent, Progress, RunId, TaskId, Tracker};
use remit_core::event::Event;
use remit_engine::durable::ledger::{EntryQuery, Ledger, LedgerError, MAX_ENTRIES};
use tokio::sync::watch;

use crate::timeline::{json_line, now_ms};

pub(crate) use screen::Screen;
pub(crate) use summary::summary;

/// How often a view is brought up to date when nothing happens: often enough to see that it lives.
const TICK: Duration = Duration::from_millis(250);

/// How the person wants to see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// One JSON entry per line on standard output.
    Json,
    /// A live view if standard error is a terminal, plain lines if not.
    Human,
    /// Nothing but the summary.
    Quiet,
}

/// Shows entries.
trait View: Send {
    /// One more entry.
    fn entry(&mut self, entry: &Entry);
    /// Whether it shows what attempts do and print.
    fn wants_activity(&self) -> bool {
        true
    }
    /// Nothing more is there at the moment.
    fn tick(&mut self, _progress: &Progress) {}
    /// Nothing more will come.
    fn end(&mut self) {}
}

/// Shows a run from one entry on, until it has finished or `stop` says so.
pub(crate) struct Watch {
    /// The ledger.
    pub(crate) ledger: Arc<dyn Ledger>,
    /// The run; all of them if absent.
    pub(crate) run: Option<RunId>,
    /// The entry after which to begin.
    pub(crate) since: u64,
    /// How.
    pub(crate) look: Look,
    /// Where.
    pub(crate) screen: Screen,
    /// The options that make another command mean the same ledger.
    pub(crate) flags: String,
}

impl Watch {
    /// Shows it. Ends with the run, or soon after `stop` became true and what is there was shown.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub(crate) async fn show(self, mut stop: watch::Receiver<bool>) -> Result<(), LedgerError> {
        if self.look == Look::Quiet {
            // The sender is there as long as anyone waits.
            drop(stop.wait_for(|stop| *stop).await);
            return Ok(());
        }
        let mut view = self.view();
        let mut newest = self.ledger.newest();
        let mut since = self.since;
        let mut tracker = Tracker::new(now_ms());
        let mut percents = Percents::default();
        loop {
            let last_round = *stop.borrow();
            newest.borrow_and_update();
            let finished = self
                .show_new(view.as_mut(), &mut since, &mut percents)
                .await?;
            self.tick(view.as_mut(), &mut tracker, &percents).await?;
            if finished || last_round {
                break;
            }
            tokio::select! {
                _ = newest.changed() => {}
                _ = stop.changed() => {}
                () = tokio::time::sleep(TICK) => {}
            }
        }
        view.end();
        Ok(())
    }

    /// Shows what is there; whether the run's last entry was among it.
    async fn show_new(
        &self,
        view: &mut dyn View,
        since: &mut u64,
        percents: &mut Percents,
    ) -> Result<bool, LedgerError> {
        loop {
            // What happens to the host concerns every run, so all are read.
            let query = EntryQuery {
                run: None,
                task: None,
                after: *since,
                activity: view.wants_activity(),
                limit: MAX_ENTRIES,
            };
            let entries = self.ledger.entries(query).await?;
            let whole = entries.len() == MAX_ENTRIES;
            let mut finished = false;
            for entry in &entries {
                *since = entry.seq;
                if self.run.is_some() && entry.run.is_some() && entry.run != self.run {
                    continue;
                }
                percents.see(entry);
                finished |= self.run.is_some()
                    && matches!(entry.event, LedgerEvent::ExecutionFinished { .. });
                view.entry(entry);
            }
            if finished || !whole {
                return Ok(finished);
            }
        }
    }

    fn view(&self) -> Box<dyn View> {
        let (with_run, flags) = (self.run.is_none(), self.flags.clone());
        match (self.look, self.screen.live()) {
            (Look::Json, _) => Box::new(Lines),
            (Look::Human, Some(all)) => Box::new(live::Live::new(all.clone(), with_run, flags)),
            (Look::Human, None) | (Look::Quiet, _) => Box::new(plain::Plain { with_run, flags }),
        }
    }

    async fn tick(
        &self,
        view: &mut dyn View,
        tracker: &mut Tracker,
        percents: &Percents,
    ) -> Result<(), LedgerError> {
        if self.look != Look::Human {
            return Ok(());
        }
        let Some(run) = &self.run else {
            return Ok(());
        };
        if let Some(run) = self.ledger.run(run).await? {
            let progress = tracker.look(now_ms(), &run.counts, percents.0.values().copied());
            view.tick(&progress);
        }
        Ok(())
    }
}

/// How far attempts say they are.
#[derive(Debug, Default)]
struct Percents(HashMap<TaskId, u8>);

impl Percents {
    fn see(&mut self, entry: &Entry) {
        let Some(task) = &entry.task else {
            return;
        };
        if let LedgerEvent::TaskStarted { .. } = &entry.event {
            self.0.insert(task.clone(), 0);
        } else if let LedgerEvent::Activity { activity, .. } = &entry.event {
            if let Event::Percent { value } = activity.as_ref() {
                self.0.insert(task.clone(), *value);
            }
        } else if !is_of_a_running_attempt(&entry.event) {
            self.0.remove(task);
        }
    }
}

/// Whether the attempt goes on after this.
fn is_of_a_running_attempt(event: &LedgerEvent) -> bool {
    matches!(
        event,
        LedgerEvent::EffectStarted { .. }
            | LedgerEvent::EffectFinished { .. }
            | LedgerEvent::EffectRefused { .. }
            | LedgerEvent::EffectUnknown { .. }
            | LedgerEvent::EffectReplayed { .. }
            | LedgerEvent::CheckpointCreated { .. }
            | LedgerEvent::AttemptEnded { .. }
            | LedgerEvent::TaskValidating { .. }
            | LedgerEvent::GateFinished { .. }
            | LedgerEvent::TaskCancelRequested { .. }
    )
}

/// The entries themselves.
struct Lines;

impl View for Lines {
    fn entry(&mut self, entry: &Entry) {
        match json_line(entry) {
            Ok(line) => anstream::println!("{line}"),
            Err(error) => error.print(),
        }
    }
}
