//! Sentences of `hard_blockers` and `soft_dependencies` that a program can judge.
//!
//! They are written for people, so they are recognised by their words; what is not recognised is
//! left to people, and the report says so. Never: a sentence counted as fulfilled because nobody
//! understood it.

use super::item::Item;

/// What a sentence means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// "Tasks must be routed with adapter assignments".
    TasksRouted,
    /// "Adapters must be healthy and available".
    AdaptersHealthy,
    /// "Execution environment must be initialized".
    EnvironmentReady,
    /// "Error detection plugins (phase6)".
    ErrorDetection,
    /// "Monitoring hooks (phase7)".
    Monitoring,
}

/// Beginnings of words that must all be in a sentence, and what it means then.
const SENTENCES: [(&[&str], Condition); 5] = [
    (&["task", "routed"], Condition::TasksRouted),
    (&["adapter", "healthy"], Condition::AdaptersHealthy),
    (&["environment", "initiali"], Condition::EnvironmentReady),
    (&["error", "detection"], Condition::ErrorDetection),
    (&["monitoring", "hook"], Condition::Monitoring),
];

impl Condition {
    /// What a line means, if it is one of those that we know.
    #[must_use]
    pub fn of(item: &Item) -> Option<Self> {
        meaning(&item.text, &SENTENCES)
    }
}

/// The first meaning of which all beginnings of words are in a sentence.
pub(super) fn meaning<T: Copy>(text: &str, table: &[(&[&str], T)]) -> Option<T> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let has = |start: &str| words.iter().any(|word| word.starts_with(start));
    let found = table
        .iter()
        .find(|(starts, _)| starts.iter().all(|start| has(start)));
    found.map(|(_, meaning)| *meaning)
}
