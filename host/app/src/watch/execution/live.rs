//! The live view on a terminal: what ended scrolls by, below it one line for each running task with
//! its percent and the newest thing that it printed, and at the bottom the run as a whole.
//!
//! Never: a control character of a plugin or a tool; more lines than a terminal has.

use std::collections::HashMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use remit_core::durable::{Entry, LedgerEvent, Progress};
use remit_core::event::{Event, Payload};

use super::{View, plain};
use crate::printable::printable;
use crate::render::{entry, phase};

/// Running tasks that have a line of their own. A terminal has 24 lines, and what ended needs some.
const MOST_LINES: usize = 12;
/// How often lines that show a time are drawn anew.
const STEADY: Duration = Duration::from_millis(250);
/// Longest tail of output that is shown of one task; the terminal cuts what does not fit.
const MAX_TAIL: usize = 200;

/// The live view.
pub(super) struct Live {
    all: MultiProgress,
    run: ProgressBar,
    tasks: HashMap<String, ProgressBar>,
    more: usize,
    with_run: bool,
    flags: String,
}

impl Live {
    pub(super) fn new(all: MultiProgress, with_run: bool, flags: String) -> Self {
        let run = all.add(ProgressBar::new(100));
        run.set_style(style("{bar:30.green/dim} {percent:>3} % {msg}"));
        Self {
            all,
            run,
            tasks: HashMap::new(),
            more: 0,
            with_run,
            flags,
        }
    }

    /// What a task is called here: alone if there is one run.
    fn name(&self, entry: &Entry) -> Option<String> {
        let task = entry.task.as_ref()?;
        Some(match &entry.run {
            Some(run) if self.with_run => format!("{run}/{task}"),
            Some(_) | None => task.to_string(),
        })
    }

    fn begin(&mut self, task: &str, message: String) {
        if self.tasks.len() >= MOST_LINES {
            self.more += 1;
            return;
        }
        let bar = self.all.insert_before(&self.run, ProgressBar::new(100));
        bar.set_style(style(
            "{spinner:.cyan} {prefix:.bold} {elapsed:>4} {pos:>3} % {wide_msg:.dim}",
        ));
        bar.set_prefix(task.to_owned());
        bar.set_message(message);
        bar.enable_steady_tick(STEADY);
        if let Some(old) = self.tasks.insert(task.to_owned(), bar) {
            old.finish_and_clear();
        }
    }

    fn finish(&mut self, task: &str) {
        match self.tasks.remove(task) {
            Some(bar) => {
                bar.finish_and_clear();
                self.all.remove(&bar);
            }
            None => self.more = self.more.saturating_sub(1),
        }
    }

    fn activity(&mut self, task: &str, activity: &Event) {
        let Some(bar) = self.tasks.get(task) else {
            return;
        };
        if let Event::Percent { value } = activity {
            bar.set_position(u64::from(*value));
        } else if let Event::Step { name } = activity {
            bar.set_message(tail(name));
        } else if let Event::ToolOutput {
            payload: Payload::Text(text),
            ..
        } = activity
            && let Some(line) = text.lines().rev().find(|line| !line.trim().is_empty())
        {
            bar.set_message(tail(line));
        }
    }
}

/// The end of a line, fit for a terminal.
fn tail(line: &str) -> String {
    let from = line.ceil_char_boundary(line.len().saturating_sub(MAX_TAIL));
    printable(line.get(from..).unwrap_or_default().trim()).replace(['\n', '\t'], " ")
}

/// A style that is written here, and so is right; plain if a library says otherwise.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl View for Live {
    fn entry(&mut self, entry: &Entry) {
        if let Some(task) = &self.name(entry) {
            if let LedgerEvent::TaskStarted {
                attempt, adapter, ..
            } = &entry.event
            {
                self.begin(task, format!("attempt {attempt} with {adapter}"));
                return;
            } else if let LedgerEvent::Activity { activity, .. } = &entry.event {
                self.activity(task, activity);
                return;
            } else if ends_attempt(&entry.event) {
                self.finish(task);
            }
        }
        if plain::is_worth_a_line(&entry.event) {
            // The terminal may be gone; the run goes on.
            let line = entry::line_of_task(entry, self.with_run, &self.flags);
            drop(self.all.println(line));
        }
    }

    fn tick(&mut self, progress: &Progress) {
        self.run.set_position(u64::from(progress.percent));
        let left = match progress.eta_ms {
            Some(0) | None => String::new(),
            Some(ms) => format!(", {} left", phase::duration(ms)),
        };
        let more = match self.more {
            0 => String::new(),
            more => format!(", {more} more running"),
        };
        let waiting = match progress.waiting {
            0 => String::new(),
            waiting => format!(", {waiting} waiting for you"),
        };
        self.run.set_message(format!(
            "{} of {} tasks, {}{left}{waiting}{more}",
            progress.ended,
            progress.total,
            phase::duration(progress.elapsed_ms)
        ));
    }

    fn end(&mut self) {
        for (_, bar) in self.tasks.drain() {
            bar.finish_and_clear();
        }
        self.run.finish_and_clear();
    }
}

/// Whether the attempt that held the task is over.
fn ends_attempt(event: &LedgerEvent) -> bool {
    matches!(
        event,
        LedgerEvent::TaskCompleted
            | LedgerEvent::TaskFailed { .. }
            | LedgerEvent::TaskTimeout { .. }
            | LedgerEvent::TaskCanceled { .. }
            | LedgerEvent::TaskRetry { .. }
            | LedgerEvent::AttemptLost { .. }
    )
}
