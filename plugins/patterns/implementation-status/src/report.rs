//! Puts what a registry says beside what is there.
//!
//! Never: a count of something that could not be looked at; it is unknown.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::phases::Phase;
use crate::registry::{Entry, Part, Registry, fault_of};
use crate::stub::Stub;
use crate::tree::{Orphan, Programs, State, Tree};

/// The whole report; its form is `schema/outputs.json`.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) registry: Summary,
    pub(crate) tree: &'static str,
    pub(crate) parts: BTreeMap<&'static str, PartCount>,
    pub(crate) executors: Vec<Programs>,
    pub(crate) phases: Vec<PhaseReport>,
    pub(crate) percent: Option<u64>,
    pub(crate) bad_ids: Vec<BadId>,
    pub(crate) duplicates: Vec<Duplicate>,
    pub(crate) orphans: Vec<Orphan>,
    pub(crate) overstated: Vec<String>,
    pub(crate) unreadable: BTreeSet<String>,
    pub(crate) patterns: Vec<PatternReport>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) path: String,
    pub(crate) listed: usize,
    pub(crate) claimed: Option<u64>,
    pub(crate) categories_listed: usize,
    pub(crate) categories_claimed: Option<u64>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct PartCount {
    pub(crate) listed: usize,
    pub(crate) distinct: usize,
    pub(crate) present: Option<usize>,
    pub(crate) missing: Option<usize>,
    pub(crate) missing_backslash: Option<usize>,
}

#[derive(Debug, Serialize)]
pub(crate) struct PhaseReport {
    pub(crate) phase: String,
    pub(crate) status: Option<String>,
    pub(crate) claimed_percent: Option<u64>,
    pub(crate) hours_spent: Option<f64>,
    pub(crate) hours_planned: Option<f64>,
    pub(crate) hours_percent: Option<u64>,
    pub(crate) files_claimed: Option<u64>,
    pub(crate) files_listed: usize,
    pub(crate) files_missing: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct BadId {
    pub(crate) id: Option<String>,
    pub(crate) position: usize,
    pub(crate) reason: String,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Duplicate {
    pub(crate) what: &'static str,
    pub(crate) value: String,
    pub(crate) patterns: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct PatternReport {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) spec: State,
    pub(crate) schema: State,
    pub(crate) executor: State,
    pub(crate) test: State,
    pub(crate) stub: Option<Stub>,
    pub(crate) percent: Option<u64>,
}

impl PatternReport {
    fn state(&self, part: Part) -> State {
        match part {
            Part::Spec => self.spec,
            Part::Schema => self.schema,
            Part::Executor => self.executor,
            Part::Test => self.test,
        }
    }
}

/// Makes the report of a registry and a report of phases.
pub(crate) fn report(path: &str, registry: &Registry, phases: &[Phase], tree: &mut Tree) -> Report {
    let seen = tree.is_there_for(registry);
    let patterns: Vec<PatternReport> = registry
        .entries
        .iter()
        .map(|entry| pattern(entry, tree, seen))
        .collect();
    let parts = Part::ALL
        .iter()
        .map(|part| (part.name(), count(*part, registry, &patterns, seen)))
        .collect();
    let executors = tree.programs(registry);
    let orphans = tree.orphans(registry);
    let phases = phases.iter().map(|phase| of_phase(phase, tree)).collect();
    Report {
        registry: Summary {
            path: path.to_owned(),
            listed: registry.entries.len(),
            claimed: registry.claimed_patterns,
            categories_listed: registry.categories(),
            categories_claimed: registry.claimed_categories,
        },
        tree: if seen { "seen" } else { "absent" },
        parts,
        executors,
        phases,
        percent: mean(&patterns),
        bad_ids: bad_ids(registry),
        duplicates: duplicates(registry),
        orphans,
        overstated: overstated(registry, &patterns),
        unreadable: std::mem::take(&mut tree.unreadable),
        patterns,
    }
}

fn pattern(entry: &Entry, tree: &mut Tree, seen: bool) -> PatternReport {
    let mut look = |part: Part| match (entry.path(part), seen) {
        (None, _) => State::NotListed,
        (Some(_), false) => State::Unknown,
        (Some(path), true) => tree.look(Some(path)),
    };
    let [spec, schema, executor, test] = Part::ALL.map(&mut look);
    let stub = match entry.path(Part::Executor) {
        Some(path) if seen => tree.stub(path),
        Some(_) | None => None,
    };
    /// What one of the four parts is worth.
    const QUARTER: u64 = 25;
    let works = executor == State::Present && stub.is_none();
    let percent = QUARTER
        * [spec, schema, test]
            .iter()
            .map(|state| u64::from(*state == State::Present))
            .sum::<u64>()
        + QUARTER * u64::from(works);
    PatternReport {
        id: entry.id.clone(),
        name: entry.name.clone(),
        status: entry.status.clone(),
        category: entry.category.clone(),
        spec,
        schema,
        executor,
        test,
        stub,
        percent: seen.then_some(percent),
    }
}

fn count(part: Part, registry: &Registry, patterns: &[PatternReport], seen: bool) -> PartCount {
    let paths: Vec<&str> = registry
        .entries
        .iter()
        .filter_map(|entry| entry.path(part))
        .collect();
    let distinct: BTreeSet<&&str> = paths.iter().collect();
    let states = |wanted: fn(State) -> bool| {
        seen.then(|| {
            patterns
                .iter()
                .filter(|pattern| wanted(pattern.state(part)))
                .count()
        })
    };
    PartCount {
        listed: paths.len(),
        distinct: distinct.len(),
        present: states(|state| state == State::Present),
        missing: states(State::is_missing),
        missing_backslash: states(|state| state == State::MissingBackslash),
    }
}

fn of_phase(phase: &Phase, tree: &mut Tree) -> PhaseReport {
    let files_missing = phase
        .files
        .iter()
        .filter(|file| tree.look(Some(file)) != State::Present)
        .cloned()
        .collect();
    PhaseReport {
        phase: phase.name.clone(),
        status: phase.status.clone(),
        claimed_percent: phase.claimed_percent,
        hours_spent: phase.hours.map(|(spent, _)| spent),
        hours_planned: phase.hours.map(|(_, planned)| planned),
        hours_percent: phase
            .hours
            .and_then(|(spent, planned)| share(spent, planned)),
        files_claimed: phase.files_claimed,
        files_listed: phase.files.len(),
        files_missing,
    }
}

/// A whole number of percent, rounded; at most 100. Nothing of nothing is unknown.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 100 after the clamp"
)]
fn share(part: f64, whole: f64) -> Option<u64> {
    (whole > 0.0).then(|| (part / whole * 100.0).round().clamp(0.0, 100.0) as u64)
}

fn mean(patterns: &[PatternReport]) -> Option<u64> {
    let known: Vec<u64> = patterns.iter().filter_map(|one| one.percent).collect();
    let number = u64::try_from(known.len())
        .ok()
        .filter(|number| *number > 0)?;
    Some((known.iter().sum::<u64>() + number / 2) / number)
}

fn bad_ids(registry: &Registry) -> Vec<BadId> {
    let mut bad = Vec::new();
    for entry in &registry.entries {
        let reason = match &entry.id {
            None => Some("has no `pattern_id`".to_owned()),
            Some(id) => fault_of(id),
        };
        if let Some(reason) = reason {
            bad.push(BadId {
                id: entry.id.clone(),
                position: entry.position,
                reason,
            });
        }
    }
    bad
}

fn duplicates(registry: &Registry) -> Vec<Duplicate> {
    let mut by_value: BTreeMap<(&'static str, &str), Vec<String>> = BTreeMap::new();
    for entry in &registry.entries {
        let paths = Part::ALL.map(|part| (part.name(), entry.path(part)));
        let named = [("id", entry.id.as_deref()), ("name", entry.name.as_deref())];
        for (what, value) in named.into_iter().chain(paths) {
            if let Some(value) = value {
                by_value
                    .entry((what, value))
                    .or_default()
                    .push(entry.label());
            }
        }
    }
    by_value
        .into_iter()
        .filter(|(_, patterns)| patterns.len() > 1)
        .map(|((what, value), patterns)| Duplicate {
            what,
            value: value.to_owned(),
            patterns,
        })
        .collect()
}

/// Entries that claim to be in use and are not all there.
fn overstated(registry: &Registry, patterns: &[PatternReport]) -> Vec<String> {
    let lacking = |pattern: &PatternReport| {
        pattern.stub.is_some() || pattern.spec.is_missing() || pattern.executor.is_missing()
    };
    registry
        .entries
        .iter()
        .zip(patterns)
        .filter(|(entry, pattern)| entry.status.as_deref() == Some("active") && lacking(pattern))
        .map(|(entry, _)| entry.label())
        .collect()
}
