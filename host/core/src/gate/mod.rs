//! Acceptance gates: their kinds and criteria.
//!
//! Never: a verdict without a reason.

use serde::{Deserialize, Serialize};

use crate::quantity::TimeSpan;

/// What a gate checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateKind {
    /// Style and static checks.
    Lint,
    /// Unit tests.
    UnitTests,
    /// Anything else.
    Custom,
}

/// What has to hold for a gate to pass.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Criteria {
    /// How long the check may take.
    pub timeout: Option<TimeSpan>,
}

/// What was seen of a check.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// How the tool ended.
    pub exit: crate::tool::Exit,
    /// What it wrote, bounded.
    pub output: String,
}
