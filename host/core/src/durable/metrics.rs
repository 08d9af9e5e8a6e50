//! The six metrics of durable execution (R2.20) as a fold over the entries of a ledger.
//!
//! Whoever folds the same entries gets the same numbers, so that a metric can always be checked
//! by a recount. Never: a number that is not from an entry; a clock.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use serde::Serialize;

use super::derived::status_word;
use super::entry::Entry;
use super::event::LedgerEvent;
use super::name::{AdapterId, RunId, TaskId};
use super::words::{End, GateWord};

/// Upper bounds of the histogram of durations, in milliseconds: from a no-op plugin to a day.
pub const DURATION_BOUNDS_MS: [u64; 14] = [
    5, 10, 50, 100, 500, 1_000, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 3_600_000,
    86_400_000,
];

/// Where a circuit is, as the number that `circuit_breaker_state` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Circuit {
    /// Calls go through: 0.
    Closed = 0,
    /// One probe goes through: 1.
    HalfOpen = 1,
    /// Calls are refused: 2.
    Open = 2,
}

/// How long tasks took, from the first attempt or question to the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Durations {
    /// How many were at most so long; not cumulative.
    within: [u64; DURATION_BOUNDS_MS.len()],
    count: u64,
    sum_ms: u64,
}

impl Durations {
    fn take(&mut self, ms: u64) {
        let place = DURATION_BOUNDS_MS.iter().position(|bound| ms <= *bound);
        if let Some(within) = place.and_then(|place| self.within.get_mut(place)) {
            *within += 1;
        }
        self.count += 1;
        self.sum_ms = self.sum_ms.saturating_add(ms);
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// All of them together, in milliseconds.
    #[must_use]
    pub fn sum_ms(&self) -> u64 {
        self.sum_ms
    }

    /// How many took at most so many milliseconds, for each bound.
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut sum = 0;
        DURATION_BOUNDS_MS
            .iter()
            .zip(self.within)
            .map(move |(bound, within)| {
                sum += within;
                (*bound, sum)
            })
    }
}

/// What the entries so far come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metrics {
    executed: BTreeMap<End, u64>,
    durations: Durations,
    circuits: BTreeMap<AdapterId, Circuit>,
    retries: u64,
    gates: BTreeMap<GateWord, u64>,
    /// When each task that has begun and not ended began, in milliseconds since 1970.
    begun: HashMap<(RunId, TaskId), u64>,
}

impl Metrics {
    /// One more entry. They come in the ledger's order.
    pub fn apply(&mut self, entry: &Entry) {
        use LedgerEvent as E;
        match &entry.event {
            E::TaskStarted { .. } | E::TaskWaiting { .. } => {
                if let (Some(run), Some(task)) = (&entry.run, &entry.task) {
                    self.begun
                        .entry((run.clone(), task.clone()))
                        .or_insert(entry.at_ms);
                }
            }
            E::TaskRetry { .. } => self.retries += 1,
            E::GateFinished { verdict, .. } => *self.gates.entry(*verdict).or_default() += 1,
            E::CircuitOpened { adapter, .. } => self.circuit(adapter, Circuit::Open),
            E::CircuitHalfOpen { adapter } => self.circuit(adapter, Circuit::HalfOpen),
            E::CircuitClosed { adapter, .. } => self.circuit(adapter, Circuit::Closed),
            E::TaskCompleted => self.ended(entry, End::Completed),
            E::TaskFailed { .. } => self.ended(entry, End::Failed),
            E::TaskTimeout { .. } => self.ended(entry, End::Timeout),
            E::TaskCanceled { .. } => self.ended(entry, End::Canceled),
            E::TaskSkipped { .. } => self.ended(entry, End::Skipped),
            E::TaskBlocked { .. } => self.ended(entry, End::Blocked),
            E::HostStarted { .. }
            | E::SafeModeEntered { .. }
            | E::SafeModeLeft { .. }
            | E::RunSubmitted { .. }
            | E::RunStarted { .. }
            | E::RunCancelRequested { .. }
            | E::Escalation { .. }
            | E::ExecutionFinished { .. }
            | E::TaskQueued { .. }
            | E::TaskReady
            | E::TaskAnswered { .. }
            | E::TaskExpired
            | E::EffectStarted { .. }
            | E::EffectFinished { .. }
            | E::EffectRefused { .. }
            | E::EffectUnknown { .. }
            | E::EffectReplayed { .. }
            | E::CheckpointCreated { .. }
            | E::AttemptEnded { .. }
            | E::TaskValidating { .. }
            | E::ValidationResumed { .. }
            | E::AttemptLost { .. }
            | E::TaskCancelRequested { .. }
            | E::TaskHurried { .. }
            | E::Activity { .. } => {}
        }
    }

    fn circuit(&mut self, adapter: &AdapterId, state: Circuit) {
        self.circuits.insert(adapter.clone(), state);
    }

    /// A task that ended without having begun was not executed.
    fn ended(&mut self, entry: &Entry, end: End) {
        let (Some(run), Some(task)) = (&entry.run, &entry.task) else {
            return;
        };
        if let Some(begun) = self.begun.remove(&(run.clone(), task.clone())) {
            *self.executed.entry(end).or_default() += 1;
            self.durations.take(entry.at_ms.saturating_sub(begun));
        }
    }

    /// Tasks that began and ended like this.
    #[must_use]
    pub fn executed(&self, end: End) -> u64 {
        self.executed.get(&end).copied().unwrap_or(0)
    }

    /// Tasks that began and ended.
    #[must_use]
    pub fn executed_total(&self) -> u64 {
        self.executed.values().sum()
    }

    /// The part of them that completed; none before the first has ended.
    #[must_use]
    pub fn success_rate(&self) -> Option<f64> {
        part(self.executed(End::Completed), self.executed_total())
    }

    /// How long they took.
    #[must_use]
    pub fn durations(&self) -> &Durations {
        &self.durations
    }

    /// Where each circuit that ever moved is.
    #[must_use]
    pub fn circuits(&self) -> &BTreeMap<AdapterId, Circuit> {
        &self.circuits
    }

    /// Attempts that were made again.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.retries
    }

    /// The part of acceptance gates that passed, of those that were checked; none before the first.
    #[must_use]
    pub fn pass_rate(&self) -> Option<f64> {
        let checked = self
            .gates
            .iter()
            .filter(|(word, _)| **word != GateWord::Skipped)
            .map(|(_, count)| count)
            .sum();
        let passed = self.gates.get(&GateWord::Passed).copied().unwrap_or(0);
        part(passed, checked)
    }

    /// Prometheus' text format, version 0.0.4.
    #[must_use]
    pub fn prometheus(&self) -> String {
        let mut text = String::new();
        head(
            &mut text,
            "tasks_executed_total",
            "counter",
            "Tasks that began and ended, by their end.",
        );
        for end in End::ALL {
            let count = self.executed(end);
            line(
                &mut text,
                format_args!(
                    "tasks_executed_total{{end=\"{}\"}} {count}",
                    status_word(end)
                ),
            );
        }
        head(
            &mut text,
            "task_success_rate",
            "gauge",
            "Part of them that completed.",
        );
        line(
            &mut text,
            format_args!("task_success_rate {}", rate(self.success_rate())),
        );
        self.prometheus_durations(&mut text);
        head(
            &mut text,
            "circuit_breaker_state",
            "gauge",
            "0 closed, 1 half open, 2 open.",
        );
        for (adapter, state) in &self.circuits {
            let number = *state as u8;
            line(
                &mut text,
                format_args!("circuit_breaker_state{{adapter=\"{adapter}\"}} {number}"),
            );
        }
        head(
            &mut text,
            "retry_attempts_total",
            "counter",
            "Attempts that were made again.",
        );
        line(
            &mut text,
            format_args!("retry_attempts_total {}", self.retries),
        );
        head(
            &mut text,
            "acceptance_test_pass_rate",
            "gauge",
            "Part of the checked acceptance gates that passed.",
        );
        line(
            &mut text,
            format_args!("acceptance_test_pass_rate {}", rate(self.pass_rate())),
        );
        text
    }

    fn prometheus_durations(&self, text: &mut String) {
        let name = "task_duration_seconds";
        head(
            text,
            name,
            "histogram",
            "From the first attempt or question to the end.",
        );
        for (bound, count) in self.durations.cumulative() {
            let bound = seconds(bound);
            line(
                text,
                format_args!("{name}_bucket{{le=\"{bound}\"}} {count}"),
            );
        }
        let count = self.durations.count;
        line(text, format_args!("{name}_bucket{{le=\"+Inf\"}} {count}"));
        line(
            text,
            format_args!("{name}_sum {}", seconds(self.durations.sum_ms)),
        );
        line(text, format_args!("{name}_count {count}"));
    }

    /// The same as JSON; a rate of nothing is `null`.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let executed: BTreeMap<String, u64> = End::ALL
            .iter()
            .map(|end| (status_word(*end).to_owned(), self.executed(*end)))
            .collect();
        let buckets: Vec<_> = self
            .durations
            .cumulative()
            .map(|(bound, count)| serde_json::json!({"le": seconds(bound), "count": count}))
            .collect();
        serde_json::json!({
            "tasks_executed_total": executed,
            "task_success_rate": self.success_rate(),
            "task_duration_seconds": {
                "buckets": buckets,
                "count": self.durations.count,
                "sum": seconds(self.durations.sum_ms),
            },
            "circuit_breaker_state": self.circuits,
            "retry_attempts_total": self.retries,
            "acceptance_test_pass_rate": self.pass_rate(),
        })
    }
}

fn part(of: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| of as f64 / all as f64)
}

fn rate(rate: Option<f64>) -> String {
    rate.map_or_else(|| "NaN".to_owned(), |rate| rate.to_string())
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    line(text, format_args!("# HELP {name} {help}"));
    line(text, format_args!("# TYPE {name} {kind}"));
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _nothing = writeln!(text, "{content}");
}

#[cfg(test)]
mod tests;
