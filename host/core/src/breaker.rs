//! The circuit breaker of one adapter: after several failures of the adapter itself, nothing is
//! sent to it for a while; then one attempt probes whether it works again.
//!
//! A pure function of events and the times they carry. Times are milliseconds since the epoch, from
//! the host's clock.
//!
//! ```text
//! CLOSED --threshold failures in a row--> OPEN --first probe at or after `until`--> HALF_OPEN
//! HALF_OPEN --a probe succeeds--> CLOSED          HALF_OPEN --a probe fails--> OPEN
//! ```
//!
//! Never: a clock; a failure of the work (a red test) held against the adapter; a state that an
//! event can make illegal.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::quantity::TimeSpan;
use crate::retry::FailureClass;

/// Most failures in a row that an owner may ask for, and most probes at once. Probes are kept by
/// name; more of them is not a probe any more.
pub const MAX_COUNT: u32 = 1_000;

/// When a circuit opens and how it closes. Each field may be left out of the JSON form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct BreakerSettings {
    /// Failures in a row that open it: 1 to [`MAX_COUNT`].
    #[serde(deserialize_with = "count")]
    pub threshold: u32,
    /// How long it stays open before it is probed.
    pub open_for: TimeSpan,
    /// Probes at the same time: 1 to [`MAX_COUNT`].
    #[serde(deserialize_with = "count")]
    pub probes: u32,
}

fn count<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let count = u32::deserialize(from)?;
    if (1..=MAX_COUNT).contains(&count) {
        return Ok(count);
    }
    Err(serde::de::Error::custom(format_args!(
        "{count} is out of range; write a number from 1 to {MAX_COUNT}"
    )))
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            threshold: 5,
            open_for: TimeSpan::seconds(60),
            probes: 1,
        }
    }
}

/// An attempt that asks for admission or reports its end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProbeKey {
    /// The task.
    pub task: String,
    /// Its attempt; the first is 1.
    pub attempt: u32,
}

/// Where a circuit stands. `{"state": "CLOSED", "failures": 0}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum BreakerState {
    /// Everything is sent to the adapter.
    #[serde(rename = "CLOSED")]
    Closed {
        /// Failures in a row so far.
        failures: u32,
    },
    /// Nothing is sent to the adapter.
    #[serde(rename = "OPEN")]
    Open {
        /// When it opened.
        since: u64,
        /// From when on a probe may start.
        until: u64,
    },
    /// Only probes are sent to the adapter.
    #[serde(rename = "HALF_OPEN")]
    HalfOpen {
        /// The probes that have not ended. Empty after a probe was lost: the next one may start.
        probes: BTreeSet<ProbeKey>,
    },
}

impl BreakerState {
    /// The word for it: `CLOSED`, `OPEN` or `HALF_OPEN`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Closed { .. } => "CLOSED",
            Self::Open { .. } => "OPEN",
            Self::HalfOpen { .. } => "HALF_OPEN",
        }
    }
}

/// What happened to an adapter, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "event",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum BreakerEvent {
    /// An attempt ended, and the adapter did its part: see [`counts`].
    Succeeded {
        /// Which.
        who: ProbeKey,
        /// When.
        at: u64,
    },
    /// An attempt ended by a failure of the adapter: see [`counts`].
    Failed {
        /// Which.
        who: ProbeKey,
        /// When.
        at: u64,
    },
    /// An attempt that was admitted as a probe started.
    ProbeStarted {
        /// Which.
        who: ProbeKey,
        /// When.
        at: u64,
    },
    /// A probe ended without a word about the adapter: its host died, it was cancelled or denied.
    ProbeLost {
        /// Which.
        who: ProbeKey,
        /// When.
        at: u64,
    },
    /// A person closed the circuit.
    Reset {
        /// When.
        at: u64,
    },
}

/// Whether an attempt may be sent to the adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Yes.
    Yes,
    /// Yes, as a probe: [`BreakerEvent::ProbeStarted`] has to be applied before it starts.
    Probe,
    /// No.
    No {
        /// When to ask again; `None` if that depends on the probes that are under way.
        until: Option<u64>,
    },
}

/// A circuit went from one state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "change",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum CircuitChange {
    /// It opened.
    Opened {
        /// From when on a probe may start.
        until: u64,
    },
    /// The first probe started.
    HalfOpened,
    /// It closed.
    Closed,
}

impl CircuitChange {
    /// The name of the event in the run's event list.
    #[must_use]
    pub fn event_name(self) -> &'static str {
        match self {
            Self::Opened { .. } => "CIRCUIT_OPENED",
            Self::HalfOpened => "CIRCUIT_HALF_OPEN",
            Self::Closed => "CIRCUIT_CLOSED",
        }
    }
}

/// Whether a failure is one of the adapter: `Some(true)` it is, `Some(false)` the adapter did its
/// part and only the work failed, `None` it says nothing about the adapter.
///
/// A failure that the work calls transient says nothing: the adapter answered, and something behind
/// it did not.
#[must_use]
pub fn counts(failure: FailureClass) -> Option<bool> {
    match failure {
        FailureClass::Crash
        | FailureClass::Timeout
        | FailureClass::Unavailable
        | FailureClass::Host => Some(true),
        FailureClass::Work | FailureClass::Rejected => Some(false),
        FailureClass::Transient
        | FailureClass::Denied
        | FailureClass::CircuitOpen
        | FailureClass::Input
        | FailureClass::Cancelled => None,
    }
}

/// The event that the end of an attempt is for its adapter's breaker. `failure` is `None` if it
/// succeeded. An end that says nothing about the adapter gives its probe back, if it was one.
#[must_use]
pub fn ended(who: ProbeKey, failure: Option<FailureClass>, at: u64) -> BreakerEvent {
    match failure.map_or(Some(false), counts) {
        Some(true) => BreakerEvent::Failed { who, at },
        Some(false) => BreakerEvent::Succeeded { who, at },
        None => BreakerEvent::ProbeLost { who, at },
    }
}

/// The circuit breaker of one adapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Breaker {
    settings: BreakerSettings,
    state: BreakerState,
}

impl Breaker {
    /// A closed circuit without failures.
    #[must_use]
    pub fn new(settings: BreakerSettings) -> Self {
        Self::restore(settings, BreakerState::Closed { failures: 0 })
    }

    /// A circuit as it was kept, under the settings of today.
    #[must_use]
    pub fn restore(settings: BreakerSettings, state: BreakerState) -> Self {
        Self { settings, state }
    }

    /// When it opens and how it closes.
    #[must_use]
    pub fn settings(&self) -> &BreakerSettings {
        &self.settings
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> &BreakerState {
        &self.state
    }

    /// How long until a probe may start; `None` if the circuit is not open.
    #[must_use]
    pub fn remaining(&self, now: u64) -> Option<Duration> {
        match self.state {
            BreakerState::Open { until, .. } => {
                Some(Duration::from_millis(until.saturating_sub(now)))
            }
            BreakerState::Closed { .. } | BreakerState::HalfOpen { .. } => None,
        }
    }

    /// Whether an attempt may be sent to the adapter now. A probe that was admitted before is
    /// admitted again, so that a host that asks twice gets one answer.
    #[must_use]
    pub fn admit(&self, now: u64, who: &ProbeKey) -> Admission {
        match &self.state {
            BreakerState::Closed { .. } => Admission::Yes,
            BreakerState::Open { until, .. } if now < *until => Admission::No {
                until: Some(*until),
            },
            BreakerState::Open { .. } => Admission::Probe,
            BreakerState::HalfOpen { probes } => {
                if probes.contains(who) || self.has_room(probes) {
                    Admission::Probe
                } else {
                    Admission::No { until: None }
                }
            }
        }
    }

    /// The circuit after an event, and how it changed. What does not fit the state changes nothing:
    /// the late end of an attempt from before the circuit opened, or a probe that nobody admitted.
    #[must_use]
    pub fn apply(self, event: &BreakerEvent) -> (Self, Option<CircuitChange>) {
        match event {
            BreakerEvent::Succeeded { who, .. } => self.succeeded(who),
            BreakerEvent::Failed { who, at } => self.failed(who, *at),
            BreakerEvent::ProbeStarted { who, at } => self.probe_started(who, *at),
            BreakerEvent::ProbeLost { who, .. } => self.probe_lost(who),
            BreakerEvent::Reset { .. } => self.close(),
        }
    }

    /// At least one probe, whatever the settings in memory say: a circuit has to close again.
    fn has_room(&self, probes: &BTreeSet<ProbeKey>) -> bool {
        let limit = usize::try_from(self.settings.probes.max(1)).unwrap_or(usize::MAX);
        probes.len() < limit
    }

    fn succeeded(self, who: &ProbeKey) -> (Self, Option<CircuitChange>) {
        match &self.state {
            BreakerState::Closed { .. } => self.close(),
            BreakerState::HalfOpen { probes } if probes.contains(who) => self.close(),
            BreakerState::Open { .. } | BreakerState::HalfOpen { .. } => (self, None),
        }
    }

    fn failed(self, who: &ProbeKey, at: u64) -> (Self, Option<CircuitChange>) {
        match &self.state {
            BreakerState::Closed { failures } => {
                let failures = failures.saturating_add(1);
                if failures >= self.settings.threshold {
                    return self.open(at);
                }
                let state = BreakerState::Closed { failures };
                (Self { state, ..self }, None)
            }
            BreakerState::HalfOpen { probes } if probes.contains(who) => self.open(at),
            BreakerState::Open { .. } | BreakerState::HalfOpen { .. } => (self, None),
        }
    }

    fn probe_started(mut self, who: &ProbeKey, at: u64) -> (Self, Option<CircuitChange>) {
        if self.admit(at, who) != Admission::Probe {
            return (self, None);
        }
        match &mut self.state {
            BreakerState::HalfOpen { probes } => {
                probes.insert(who.clone());
                (self, None)
            }
            BreakerState::Closed { .. } | BreakerState::Open { .. } => {
                let probes = BTreeSet::from([who.clone()]);
                let state = BreakerState::HalfOpen { probes };
                (Self { state, ..self }, Some(CircuitChange::HalfOpened))
            }
        }
    }

    fn probe_lost(mut self, who: &ProbeKey) -> (Self, Option<CircuitChange>) {
        if let BreakerState::HalfOpen { probes } = &mut self.state {
            probes.remove(who);
        }
        (self, None)
    }

    fn open(self, at: u64) -> (Self, Option<CircuitChange>) {
        let open_for = self.settings.open_for.get().as_millis();
        let until = at.saturating_add(u64::try_from(open_for).unwrap_or(u64::MAX));
        let state = BreakerState::Open { since: at, until };
        let change = CircuitChange::Opened { until };
        (Self { state, ..self }, Some(change))
    }

    fn close(self) -> (Self, Option<CircuitChange>) {
        let was_closed = matches!(self.state, BreakerState::Closed { .. });
        let change = (!was_closed).then_some(CircuitChange::Closed);
        (Self::new(self.settings), change)
    }
}

#[cfg(test)]
mod tests;
