//! What linters find, whichever linter it was.
//!
//! Never: more than the limits, whatever a report holds; what is left out is counted.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::tests::{MOST_MESSAGE, MOST_NAME, cut};

/// Most findings of which a report keeps the details.
pub const MOST_KEPT: usize = 1_000;
/// Most rules whose findings are counted one by one; the rest is `other`.
const MOST_RULES: usize = 500;

/// How much it matters, in SARIF's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// A problem.
    Error,
    /// Perhaps a problem.
    Warning,
    /// Worth knowing.
    Note,
    /// Of no weight.
    None,
}

impl Level {
    /// SARIF's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
            Self::None => "none",
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule that it breaks, if it has a name.
    pub rule: Option<String>,
    /// How much it matters.
    pub level: Level,
    /// What is wrong.
    pub message: String,
    /// The file, in the tool's words; below the workspace once [`crate::place`] has found it.
    pub file: Option<String>,
    /// Line and column, from 1.
    pub line: Option<u64>,
    /// See `line`.
    pub column: Option<u64>,
    /// Where it ends.
    pub end_line: Option<u64>,
    /// See `end_line`.
    pub end_column: Option<u64>,
}

/// All findings of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// The tool's name, if the report says it.
    pub tool: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// How many there are.
    pub total: u64,
    /// How many of each level.
    pub levels: BTreeMap<Level, u64>,
    /// How many of each rule.
    pub rules: BTreeMap<String, u64>,
    /// The findings, at most [`MOST_KEPT`], in the report's order.
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub left_out: u64,
}

impl Findings {
    /// Takes in a finding; too long texts are cut.
    pub fn add(&mut self, mut finding: Finding) {
        cut(&mut finding.message, MOST_MESSAGE);
        for text in [&mut finding.rule, &mut finding.file].into_iter().flatten() {
            cut(text, MOST_NAME);
        }
        self.total = self.total.saturating_add(1);
        let level = self.levels.entry(finding.level).or_default();
        *level = level.saturating_add(1);
        let rule = finding.rule.clone().unwrap_or_else(|| "other".to_owned());
        let known = self.rules.len() < MOST_RULES || self.rules.contains_key(&rule);
        let rule = if known { rule } else { "other".to_owned() };
        let count = self.rules.entry(rule).or_default();
        *count = count.saturating_add(1);
        if self.findings.len() < MOST_KEPT {
            self.findings.push(finding);
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// How many are of a level.
    #[must_use]
    pub fn of(&self, level: Level) -> u64 {
        self.levels.get(&level).copied().unwrap_or_default()
    }
}
