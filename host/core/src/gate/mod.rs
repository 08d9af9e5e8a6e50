//! Acceptance gates: what a tool's end and output say about work that was done.
//!
//! A gate runs a declared tool; the engine does that. Here is only the judgement: [`verdict`] holds
//! what was [`Observed`] against [`Criteria`], and [`accept`] adds the verdicts of all gates up.
//! Tests that fail are *failed*; a tool that could not do its work is an *error*; a run in which no
//! test ran is neither, and never proof.
//!
//! Never: a verdict better than what was seen. What is not known does not meet a criterion.

mod criteria;
mod summary;
mod verdict;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::excerpt::excerpt;

pub use criteria::{Criteria, CustomRules, ExitMeaning, MAX_TEXT, MAX_TEXTS, Meaning, Percent};
pub use summary::{Counts, MAX_OUTPUT};
pub use verdict::{Criterion, Observed, Unmet, Verdict, verdict};

/// What a gate checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum GateKind {
    /// Style and static checks.
    Lint,
    /// Tests of single parts.
    UnitTests,
    /// Tests of parts together.
    IntegrationTests,
    /// Tests of the whole.
    E2eTests,
    /// A search for known weaknesses.
    SecurityScan,
    /// Whether modules can be imported.
    ImportCheck,
    /// Anything else.
    Custom,
}

/// The text is not a kind of gate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a kind of gate; write lint, unit-tests, integration-tests, e2e-tests, \
     security-scan, import-check or custom"
)]
pub struct GateKindError(String);

impl GateKind {
    /// All kinds, for tables and tests.
    pub const ALL: [Self; 7] = [
        Self::Lint,
        Self::UnitTests,
        Self::IntegrationTests,
        Self::E2eTests,
        Self::SecurityScan,
        Self::ImportCheck,
        Self::Custom,
    ];

    /// The word for it in our JSON form.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Lint => "lint",
            Self::UnitTests => "unit-tests",
            Self::IntegrationTests => "integration-tests",
            Self::E2eTests => "e2e-tests",
            Self::SecurityScan => "security-scan",
            Self::ImportCheck => "import-check",
            Self::Custom => "custom",
        }
    }

    /// Its word in the workstream bundles, which know only some of the kinds.
    fn bundle_word(self) -> Option<&'static str> {
        match self {
            Self::Lint => Some("GATE_LINT"),
            Self::UnitTests => Some("GATE_UNIT"),
            Self::IntegrationTests => Some("GATE_INTEGRATION"),
            Self::SecurityScan => Some("GATE_SECURITY"),
            Self::E2eTests | Self::ImportCheck | Self::Custom => None,
        }
    }

    /// Whether it runs tests, so that a run without any has shown nothing.
    #[must_use]
    pub fn runs_tests(self) -> bool {
        match self {
            Self::UnitTests | Self::IntegrationTests | Self::E2eTests => true,
            Self::Lint | Self::SecurityScan | Self::ImportCheck | Self::Custom => false,
        }
    }
}

impl FromStr for GateKind {
    type Err = GateKindError;

    /// Reads our words, those of `test_gate.v1` (`unit_tests`) and those of workstream bundles
    /// (`GATE_UNIT`).
    fn from_str(text: &str) -> Result<Self, GateKindError> {
        let ours = text.replace('_', "-");
        let fits = |kind: &Self| kind.word() == ours || kind.bundle_word() == Some(text);
        let kind = Self::ALL.into_iter().find(fits);
        kind.ok_or_else(|| GateKindError(excerpt(text)))
    }
}

impl TryFrom<String> for GateKind {
    type Error = GateKindError;
    fn try_from(text: String) -> Result<Self, GateKindError> {
        text.parse()
    }
}

impl From<GateKind> for String {
    fn from(kind: GateKind) -> Self {
        kind.word().to_owned()
    }
}

impl fmt::Display for GateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Where a gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateState {
    /// Its tool has not started.
    Pending,
    /// Its tool runs.
    Running,
    /// What it checks is as it should be.
    Passed,
    /// It is not.
    Failed,
    /// The tool could not do its work.
    Error,
    /// It was left out.
    Skipped,
    /// The tool found nothing to check.
    NothingCollected,
}

impl GateState {
    /// All states, for tables and tests.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Running,
        Self::Passed,
        Self::Failed,
        Self::Error,
        Self::Skipped,
        Self::NothingCollected,
    ];

    /// Whether a gate in this state may go to that one. The last states are final.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Pending => matches!(next, Self::Running | Self::Skipped),
            Self::Running => next.is_final(),
            Self::Passed | Self::Failed | Self::Error | Self::Skipped | Self::NothingCollected => {
                false
            }
        }
    }

    /// Whether the gate has its verdict.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Pending | Self::Running => false,
            Self::Passed | Self::Failed | Self::Error | Self::Skipped | Self::NothingCollected => {
                true
            }
        }
    }
}

/// The verdict of one gate of a task.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// The gate's name, for reasons.
    pub name: &'a str,
    /// Whether the work is rejected if it fails. Else its verdict is only reported.
    pub required: bool,
    /// What came out.
    pub verdict: &'a Verdict,
}

/// What all gates together say of an attempt's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "acceptance", rename_all = "kebab-case")]
pub enum Acceptance {
    /// It is good.
    Accepted,
    /// It is not good.
    Rejected {
        /// Why: one line for each gate that stands in the way.
        reasons: Vec<String>,
    },
    /// Nobody can say: no required gate failed, but at least one could not do its work. This is a
    /// fault of the tool or the host, not of the work.
    Undecided {
        /// Which gates, and what happened: one line for each.
        reasons: Vec<String>,
    },
}

/// Adds the verdicts of all gates up.
///
/// Says why [`crate::durable::TaskState::gates_hold`] holds or not, and whether work or tools are
/// to blame. With `require_evidence`, a required gate that found nothing to check stands in the way, and so
/// does the lack of even one gate that passed: then nothing speaks for the work.
#[must_use]
pub fn accept(gates: &[Judged<'_>], require_evidence: bool) -> Acceptance {
    let mut rejected = Vec::new();
    let mut undecided = Vec::new();
    for gate in gates.iter().filter(|gate| gate.required) {
        let line = || format!("gate `{}`: {}", excerpt(gate.name), gate.verdict);
        match gate.verdict {
            Verdict::Failed { .. } => rejected.push(line()),
            Verdict::NothingCollected if require_evidence => rejected.push(line()),
            Verdict::Error { .. } => undecided.push(line()),
            Verdict::Passed | Verdict::NothingCollected | Verdict::Skipped { .. } => {}
        }
    }
    let has_evidence = gates.iter().any(|gate| *gate.verdict == Verdict::Passed);
    if require_evidence && !has_evidence && rejected.is_empty() && undecided.is_empty() {
        rejected.push("evidence is required, and no gate passed".to_owned());
    }
    if !rejected.is_empty() {
        // What could not be judged is told as well, so that nobody repairs one thing only.
        rejected.append(&mut undecided);
        return Acceptance::Rejected { reasons: rejected };
    }
    if !undecided.is_empty() {
        return Acceptance::Undecided { reasons: undecided };
    }
    Acceptance::Accepted
}

#[cfg(test)]
mod tests;
