//! The judgement of one gate.
//!
//! Never: a look at anything but its arguments.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::criteria::{Criteria, ExitMeaning, Meaning, Percent};
use super::summary::{self, Counts};
use super::{GateKind, GateState};
use crate::durable::GateWord;
use crate::excerpt::excerpt;
use crate::tool::{Exit, KillCause};

/// Names that one reason shows; more is in the tool's own output.
const MAX_NAMED: usize = 20;

/// What a shell gives for a program that is not there (POSIX, "Exit Status for Commands").
const NOT_FOUND: u8 = 127;

/// What was seen of a gate's tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// How it ended. If it did not start, 127, as a shell has it.
    pub exit: Exit,
    /// Why it did not start.
    pub not_started: Option<String>,
    /// The end of what it wrote, [`summary::MAX_OUTPUT`] bytes at most.
    pub output: String,
    /// Whether it wrote more than that.
    pub truncated: bool,
    /// How many tests ran, if it is known.
    pub counts: Option<Counts>,
    /// How much of the code they covered, if it is known.
    pub coverage: Option<Percent>,
}

impl Observed {
    /// From how a tool ended and what it wrote to both streams. `truncated` says that the output
    /// was cut before. Counts and coverage are read from the summaries of well-known tools.
    #[must_use]
    pub fn new(exit: Exit, output: &str, truncated: bool) -> Self {
        // The end: that is where summaries stand.
        let start = output.len().saturating_sub(summary::MAX_OUTPUT);
        let start = output.ceil_char_boundary(start);
        let output = output.get(start..).unwrap_or_default();
        let found = summary::read(output);
        Self {
            exit,
            not_started: None,
            output: output.to_owned(),
            truncated: truncated || start > 0,
            counts: found.counts,
            coverage: found.coverage,
        }
    }

    /// Of a tool that could not be started: it is missing, not what was pinned, or denied.
    #[must_use]
    pub fn not_started(reason: String) -> Self {
        Self {
            not_started: Some(reason),
            ..Self::new(Exit::Code(NOT_FOUND), "", false)
        }
    }
}

/// Which criterion was not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// The tool's own judgement.
    ExitCode,
    /// [`Criteria::max_failures`].
    MaxFailures,
    /// [`Criteria::min_coverage`].
    MinCoverage,
    /// [`Criteria::required_tests`].
    RequiredTests,
    /// [`super::CustomRules::output_matches`].
    OutputMatches,
    /// [`super::CustomRules::output_lacks`].
    OutputLacks,
}

/// A criterion that was not met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Unmet {
    /// Which.
    pub criterion: Criterion,
    /// What was asked for, and what was seen.
    pub message: String,
}

/// What a gate says of the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// It is as it should be.
    Passed,
    /// It is not.
    Failed {
        /// Every criterion that was not met.
        reasons: Vec<Unmet>,
    },
    /// The tool could not do its work.
    Error {
        /// What happened.
        reason: String,
    },
    /// No test ran: there is none, or every one was left out.
    NothingCollected,
    /// The gate was left out. Only the engine says this.
    Skipped {
        /// Why.
        reason: String,
    },
}

impl Verdict {
    /// The state that a gate with this verdict is in.
    #[must_use]
    pub fn state(&self) -> GateState {
        match self {
            Self::Passed => GateState::Passed,
            Self::Failed { .. } => GateState::Failed,
            Self::Error { .. } => GateState::Error,
            Self::NothingCollected => GateState::NothingCollected,
            Self::Skipped { .. } => GateState::Skipped,
        }
    }

    /// The word for it in the ledger.
    #[must_use]
    pub fn word(&self) -> GateWord {
        match self {
            Self::Passed => GateWord::Passed,
            Self::Failed { .. } => GateWord::Failed,
            Self::Error { .. } => GateWord::Error,
            Self::NothingCollected => GateWord::NothingCollected,
            Self::Skipped { .. } => GateWord::Skipped,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            Self::Failed { reasons } => {
                f.write_str("failed")?;
                for (place, unmet) in reasons.iter().enumerate() {
                    let mark = if place == 0 { ": " } else { "; " };
                    write!(f, "{mark}{}", unmet.message)?;
                }
                Ok(())
            }
            Self::Error { reason } => write!(f, "error: {reason}"),
            Self::NothingCollected => f.write_str("no test ran"),
            Self::Skipped { reason } => write!(f, "skipped: {reason}"),
        }
    }
}

/// Judges what was seen of a gate's tool.
#[must_use]
pub fn verdict(
    kind: GateKind,
    criteria: &Criteria,
    observed: &Observed,
    meaning: &ExitMeaning,
) -> Verdict {
    if let Some(reason) = &observed.not_started {
        return error(format!("the tool did not start: {reason}"));
    }
    let code = match observed.exit {
        Exit::Code(code) => code,
        Exit::Signal(number) => {
            return error(format!("the tool was ended by signal {number}"));
        }
        Exit::Killed(cause) => return error(killed(cause).to_owned()),
    };
    let (meaning, counts) = (meaning.of(code), observed.counts);
    let nothing = kind.runs_tests() && counts.is_some_and(|counts| counts.ran() == 0);
    match meaning {
        Meaning::Error => return error(format!("the tool ended with exit code {code}")),
        Meaning::Nothing => return Verdict::NothingCollected,
        Meaning::Passed if nothing => return Verdict::NothingCollected,
        Meaning::Failed => {
            if kind.runs_tests() && summary::found_nothing(&observed.output) {
                return Verdict::NothingCollected;
            }
            // A launcher that has nothing to launch uses the code of failed work.
            if counts.is_none()
                && let Some(line) = summary::not_run(&observed.output)
            {
                return error(format!("the tool did not run: {}", excerpt(&line)));
            }
        }
        Meaning::Passed => {}
    }
    let mut reasons = Vec::new();
    failures(&mut reasons, criteria.max_failures, counts, code, meaning);
    coverage(&mut reasons, criteria.min_coverage, observed.coverage);
    required(&mut reasons, &criteria.required_tests, &observed.output);
    rules(&mut reasons, criteria, observed);
    if reasons.is_empty() {
        Verdict::Passed
    } else {
        Verdict::Failed { reasons }
    }
}

fn error(reason: String) -> Verdict {
    Verdict::Error { reason }
}

fn killed(cause: KillCause) -> &'static str {
    match cause {
        KillCause::Requested => "the tool was ended on request",
        KillCause::WallTimeout => "the tool did not end within its time limit",
        KillCause::IdleTimeout => "the tool was silent for longer than its limit",
        KillCause::OutputLimit => "the tool wrote more than its limit",
        KillCause::RunEnded => "the run ended before the tool",
        KillCause::SupervisorLost => "the tool's supervisor died",
    }
}

fn unmet(reasons: &mut Vec<Unmet>, criterion: Criterion, message: String) {
    reasons.push(Unmet { criterion, message });
}

/// The exit code, and the failures it stands for.
fn failures(
    reasons: &mut Vec<Unmet>,
    limit: Option<u32>,
    counts: Option<Counts>,
    code: u8,
    meaning: Meaning,
) {
    let failed = counts.map(|counts| counts.failed.saturating_add(counts.errors));
    let exit_failed = meaning == Meaning::Failed;
    match (limit, failed) {
        (Some(limit), Some(failed)) if failed > u64::from(limit) => {
            let message = format!("failed tests: {failed}, at most {limit} may fail");
            unmet(reasons, Criterion::MaxFailures, message);
        }
        (Some(_), Some(0)) if exit_failed => {
            let message = format!("exit code {code}, although no test failed");
            unmet(reasons, Criterion::ExitCode, message);
        }
        (Some(_), Some(_)) => {}
        (Some(limit), None) => {
            let message =
                format!("at most {limit} tests may fail, and it is not known how many did");
            unmet(reasons, Criterion::MaxFailures, message);
        }
        (None, Some(failed)) if exit_failed && failed > 0 => {
            let message = format!("exit code {code}, failed tests: {failed}");
            unmet(reasons, Criterion::ExitCode, message);
        }
        (None, _) if exit_failed => {
            unmet(reasons, Criterion::ExitCode, format!("exit code {code}"));
        }
        (None, _) => {}
    }
}

fn coverage(reasons: &mut Vec<Unmet>, least: Option<Percent>, seen: Option<Percent>) {
    let Some(least) = least else { return };
    let message = match seen {
        Some(seen) if seen >= least => return,
        Some(seen) => format!("coverage is {seen}, at least {least} is asked for"),
        None => format!("coverage is not known, at least {least} is asked for"),
    };
    unmet(reasons, Criterion::MinCoverage, message);
}

/// A required test has to be seen to pass, and never to do anything else.
fn required(reasons: &mut Vec<Unmet>, names: &[String], output: &str) {
    if names.is_empty() {
        return;
    }
    let mut seen: BTreeMap<&str, Option<bool>> =
        names.iter().map(|name| (name.as_str(), None)).collect();
    summary::results(output, &mut |name, passed| {
        if let Some(state) = seen.get_mut(name) {
            *state = Some(passed && state.unwrap_or(true));
        }
    });
    let missing: Vec<&str> = seen
        .into_iter()
        .filter(|(_, state)| *state != Some(true))
        .map(|(name, _)| name)
        .collect();
    if missing.is_empty() {
        return;
    }
    let shown: Vec<String> = missing
        .iter()
        .take(MAX_NAMED)
        .map(|name| format!("`{}`", excerpt(name)))
        .collect();
    let more = match missing.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!("not seen to pass: {}{more}", shown.join(", "));
    unmet(reasons, Criterion::RequiredTests, message);
}

fn rules(reasons: &mut Vec<Unmet>, criteria: &Criteria, observed: &Observed) {
    let has = |text: &str| observed.output.contains(text);
    let absent = criteria
        .custom_rules
        .output_matches
        .iter()
        .filter_map(|text| {
            let message = || format!("`{}` is not in the output", excerpt(text));
            (!has(text)).then(message)
        });
    listed(reasons, Criterion::OutputMatches, absent);
    let present = criteria
        .custom_rules
        .output_lacks
        .iter()
        .filter_map(|text| {
            let shown = excerpt(text);
            if has(text) {
                Some(format!("`{shown}` is in the output"))
            } else if observed.truncated {
                let why = "the output was cut, so that nobody can say that it lacks";
                Some(format!("{why} `{shown}`"))
            } else {
                None
            }
        });
    listed(reasons, Criterion::OutputLacks, present);
}

/// Adds the first of many reasons, and the number of the others.
fn listed(
    reasons: &mut Vec<Unmet>,
    criterion: Criterion,
    mut messages: impl Iterator<Item = String>,
) {
    for message in messages.by_ref().take(MAX_NAMED) {
        unmet(reasons, criterion, message);
    }
    let more = messages.count();
    if more > 0 {
        unmet(reasons, criterion, format!("and {more} more rules"));
    }
}

#[cfg(test)]
mod tests;
