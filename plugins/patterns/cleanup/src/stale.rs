//! EXEC-015: files that nobody has touched, names or tests go into an archive.
//!
//! Points for age, last commit, mentions, place, size and missing tests. What is not known gives no
//! points: a file is not stale because nobody could look. Never: a file that is deleted.

use std::collections::BTreeSet;

use remit_plugin_library::path::SafePath;
use remit_plugin_library::report::timestamp;
use serde::Serialize;
use serde_json::json;

use crate::config::{Config, ConfigError, Stale, tier};
use crate::date::{DAY_MS, days_between};
use crate::glob;
use crate::plan::{Action, Plan};
use crate::scan::{File, Mentions, Tree};

/// Days after which a file counts as untouched, and as not committed: the origin's.
const OLD_DAYS: u64 = 180;
const OLD_COMMIT_DAYS: u64 = 365;
/// From this many mentions and bytes on, there are no points.
const MANY_MENTIONS: f64 = 10.0;
const LARGE: f64 = 1_048_576.0;

/// What git knows of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastCommit {
    /// Unix time in milliseconds.
    At(u64),
    /// It was never committed.
    Never,
    /// Nobody could ask.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Points {
    last_modified: f64,
    last_commit: f64,
    references: f64,
    location: f64,
    file_size: f64,
    test_coverage: f64,
}

impl Points {
    fn sum(self) -> f64 {
        self.last_modified
            + self.last_commit
            + self.references
            + self.location
            + self.file_size
            + self.test_coverage
    }
}

#[derive(Debug, Serialize)]
struct Candidate {
    path: String,
    score: f64,
    points: Points,
}

/// Plans the move of every stale file.
///
/// # Errors
/// The archive's path is none.
pub(crate) fn plan(
    tree: &Tree,
    mentions: &Mentions,
    settings: &Stale,
    now_ms: u64,
    last_commit: &dyn Fn(&SafePath) -> LastCommit,
) -> Result<Plan, ConfigError> {
    let archive = Config::directory("EXEC-015.archive_directory", &settings.archive_directory)?;
    let mut plan = Plan::default();
    let names: BTreeSet<&str> = tree.files.iter().map(|file| file.path.name()).collect();
    let mut candidates = Vec::new();
    let mut unknown = 0;
    for file in &tree.files {
        let whitelisted = settings
            .whitelist_files
            .iter()
            .any(|pattern| glob::matches(pattern, file.path.as_str()));
        if whitelisted || file.path.is_below(&archive) {
            continue;
        }
        let mut points = without_commit(file, mentions, settings, now_ms, &names);
        // Git is only asked where its answer can decide.
        if points.sum() + settings.scoring.last_commit_days < settings.staleness_threshold_score {
            continue;
        }
        let days = match last_commit(&file.path) {
            LastCommit::At(time) => Some(days_between(time, now_ms)),
            LastCommit::Never => Some(OLD_COMMIT_DAYS),
            LastCommit::Unknown => None,
        };
        unknown += usize::from(days.is_none());
        points.last_commit = days.map_or(0.0, |days| share(days, OLD_COMMIT_DAYS))
            * settings.scoring.last_commit_days;
        if points.sum() >= settings.staleness_threshold_score {
            candidates.push(Candidate {
                path: file.path.to_string(),
                score: points.sum(),
                points,
            });
            let to = SafePath::parse(&archive.join(file.path.as_str()))
                .map_err(|error| ConfigError(format!("{}: {error}", file.path)))?;
            let why = format!("{:.0} of 100 points for being stale", points.sum());
            plan.change(Action::Move(file.path.clone(), to), why);
        }
    }
    if unknown > 0 {
        plan.notes.push(format!(
            "git could not be asked for the last commit of {unknown} files; they got no points for it"
        ));
    }
    if !candidates.is_empty() {
        let until = now_ms.saturating_add(settings.grace_period_days.saturating_mul(DAY_MS));
        let index = json!({
            "archived_at": timestamp(now_ms),
            "keep_until": timestamp(until),
            "files": candidates,
        });
        let name = format!("INDEX-{now_ms}.json");
        let text = serde_json::to_vec_pretty(&index).unwrap_or_default();
        if let Ok(path) = SafePath::parse(&archive.join(&name)) {
            plan.with(Action::Write(path, text), "says what was archived, and why");
        }
    }
    plan.findings = json!({ "candidates": candidates });
    Ok(plan)
}

fn without_commit(
    file: &File,
    mentions: &Mentions,
    settings: &Stale,
    now_ms: u64,
    names: &BTreeSet<&str>,
) -> Points {
    let weights = &settings.scoring;
    let name = file.path.name();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let age = if file.modified_ms == 0 {
        0
    } else {
        days_between(file.modified_ms, now_ms)
    };
    // A name that is not one word of a text cannot be looked for, so it counts as mentioned.
    let references = if mentions.complete && is_word(stem) {
        (1.0 - count(mentions.of(stem)) / MANY_MENTIONS).max(0.0)
    } else {
        0.0
    };
    let tested = !name.ends_with(".py")
        || stem.starts_with("test_")
        || [format!("test_{stem}.py"), format!("{stem}_test.py")]
            .iter()
            .any(|test| names.contains(test.as_str()));
    Points {
        last_modified: share(age, OLD_DAYS) * weights.last_modified_days,
        last_commit: 0.0,
        references: references * weights.reference_count,
        location: tier(&settings.location_tiers, file.path.as_str()).unwrap_or_default() / 100.0
            * weights.location_tier,
        file_size: (1.0 - count(file.size) / LARGE).max(0.0) * weights.file_size,
        test_coverage: if tested { 0.0 } else { weights.test_coverage },
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|one| one.is_alphanumeric() || one == '_')
}

fn share(days: u64, of: u64) -> f64 {
    (count(days) / count(of)).min(1.0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "days, mentions and bytes, of which a share is taken"
)]
fn count(number: u64) -> f64 {
    number as f64
}
