//! `ai_escalation_triggers` and `ai_safe_mode_conditions`: the lines that the host can notice.
//!
//! Never: a trigger that the contract does not name. What is not recognised is for people; `show`
//! prints it.

use super::condition::meaning;
use super::item::Item;

/// When a person has to hear of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trigger {
    /// "Executor STUB called": work was asked of something that is not there.
    StubCalled,
    /// "Circuit breaker opens".
    BreakerOpens,
    /// "Acceptance tests fail repeatedly".
    AcceptanceFailsRepeatedly,
    /// "Task timeout exceeded".
    Timeout,
    /// "Adapter crash".
    AdapterCrash,
}

/// When no new task may start until a person says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SafeModeCondition {
    /// "All adapters unhealthy".
    AllAdaptersUnhealthy,
    /// "Circuit breaker open for extended period".
    BreakerOpenLong,
    /// "Execution environment unavailable".
    EnvironmentUnavailable,
}

const TRIGGERS: [(&[&str], Trigger); 5] = [
    (&["stub"], Trigger::StubCalled),
    (&["breaker", "open"], Trigger::BreakerOpens),
    (
        &["acceptance", "fail", "repeated"],
        Trigger::AcceptanceFailsRepeatedly,
    ),
    (&["timeout"], Trigger::Timeout),
    (&["adapter", "crash"], Trigger::AdapterCrash),
];

const SAFE_MODE: [(&[&str], SafeModeCondition); 3] = [
    (
        &["all", "adapter", "unhealthy"],
        SafeModeCondition::AllAdaptersUnhealthy,
    ),
    (&["breaker", "open"], SafeModeCondition::BreakerOpenLong),
    (
        &["environment", "unavailable"],
        SafeModeCondition::EnvironmentUnavailable,
    ),
];

impl Trigger {
    /// A stable kebab-case word for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::StubCalled => "stub-called",
            Self::BreakerOpens => "breaker-opens",
            Self::AcceptanceFailsRepeatedly => "acceptance-fails-repeatedly",
            Self::Timeout => "timeout",
            Self::AdapterCrash => "adapter-crash",
        }
    }

    /// What a line means, if the host can notice it.
    #[must_use]
    pub fn of(item: &Item) -> Option<Self> {
        meaning(&item.text, &TRIGGERS)
    }
}

impl SafeModeCondition {
    /// A stable kebab-case word for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::AllAdaptersUnhealthy => "all-adapters-unhealthy",
            Self::BreakerOpenLong => "breaker-open-long",
            Self::EnvironmentUnavailable => "environment-unavailable",
        }
    }

    /// What a line means, if the host can notice it.
    #[must_use]
    pub fn of(item: &Item) -> Option<Self> {
        meaning(&item.text, &SAFE_MODE)
    }
}

/// What the lines mean, in their order, each once.
pub(super) fn each_once<T: PartialEq>(items: &[Item], of: fn(&Item) -> Option<T>) -> Vec<T> {
    let mut found = Vec::new();
    for meaning in items.iter().filter_map(of) {
        if !found.contains(&meaning) {
            found.push(meaning);
        }
    }
    found
}
