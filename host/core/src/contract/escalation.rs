//! `ai_escalation_triggers` and `ai_safe_mode_conditions`: the lines that the host can notice.
//!
//! Never: a trigger that the contract does not name. What is not recognised is for people; `show`
//! prints it.

use super::condition::meaning;
use super::item::Item;
use crate::durable::{SafeModeCause, Trigger};

/// When no new task may start until a person says so. The kind of a [`SafeModeCause`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SafeModeCondition {
    /// "All adapters unhealthy".
    AllAdaptersUnhealthy,
    /// "Circuit breaker open for extended period".
    CircuitOpenTooLong,
    /// "Execution environment unavailable".
    EnvironmentUnavailable,
}

const TRIGGERS: [(&[&str], Trigger); 5] = [
    (&["stub"], Trigger::StubCalled),
    (&["breaker", "open"], Trigger::CircuitOpened),
    (
        &["acceptance", "fail", "repeated"],
        Trigger::AcceptanceFailedRepeatedly,
    ),
    (&["timeout"], Trigger::Timeout),
    (&["adapter", "crash"], Trigger::AdapterCrash),
];

const SAFE_MODE: [(&[&str], SafeModeCondition); 3] = [
    (
        &["all", "adapter", "unhealthy"],
        SafeModeCondition::AllAdaptersUnhealthy,
    ),
    (&["breaker", "open"], SafeModeCondition::CircuitOpenTooLong),
    (
        &["environment", "unavailable"],
        SafeModeCondition::EnvironmentUnavailable,
    ),
];

/// What a line means as a trigger, if the host can notice it.
pub(super) fn trigger(item: &Item) -> Option<Trigger> {
    meaning(&item.text, &TRIGGERS)
}

impl SafeModeCondition {
    /// What a line means, if the host can notice it.
    #[must_use]
    pub fn of(item: &Item) -> Option<Self> {
        meaning(&item.text, &SAFE_MODE)
    }

    /// The kind of a cause; none if a person asked for it, which no contract has to name.
    #[must_use]
    pub fn of_cause(cause: &SafeModeCause) -> Option<Self> {
        match cause {
            SafeModeCause::AllAdaptersUnhealthy => Some(Self::AllAdaptersUnhealthy),
            SafeModeCause::CircuitOpenTooLong { .. } => Some(Self::CircuitOpenTooLong),
            SafeModeCause::EnvironmentUnavailable { .. } => Some(Self::EnvironmentUnavailable),
            SafeModeCause::Requested => None,
        }
    }

    /// A stable kebab-case word for programs; the same as the cause's.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::AllAdaptersUnhealthy => "all-adapters-unhealthy",
            Self::CircuitOpenTooLong => "circuit-open-too-long",
            Self::EnvironmentUnavailable => "environment-unavailable",
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_has_the_word_of_its_cause() {
        for cause in [
            SafeModeCause::AllAdaptersUnhealthy,
            SafeModeCause::CircuitOpenTooLong {
                adapter: "a".parse().unwrap(),
            },
            SafeModeCause::EnvironmentUnavailable {
                message: String::new(),
            },
        ] {
            let condition = SafeModeCondition::of_cause(&cause).unwrap();
            let json = serde_json::to_value(&cause).unwrap();
            assert_eq!(json["cause"], condition.word());
        }
        assert_eq!(SafeModeCondition::of_cause(&SafeModeCause::Requested), None);
    }
}
