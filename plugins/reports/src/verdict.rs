//! What came of a check, in one word.
//!
//! Never: a success without a test that ran, or against the exit code.

use serde::Serialize;

use crate::tests::Tests;

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// It ran and found nothing wrong.
    #[serde(rename = "success")]
    Success,
    /// Tests ran, and some did not pass.
    #[serde(rename = "failed:tests")]
    Tests,
    /// Nothing was tested.
    #[serde(rename = "no-tests")]
    NoTests,
    /// A linter found something.
    #[serde(rename = "failed:findings")]
    Findings,
    /// The code does not compile, or cannot be loaded.
    #[serde(rename = "failed:build")]
    Build,
    /// The tool was used, or is configured, in a way that it does not take.
    #[serde(rename = "failed:usage/config")]
    Usage,
    /// The tool itself failed.
    #[serde(rename = "failed:internal")]
    Internal,
    /// It ended before it was done.
    #[serde(rename = "failed:interrupted")]
    Interrupted,
    /// A limit on output ended it.
    #[serde(rename = "failed:limit")]
    Limit,
    /// A limit on time ended it.
    #[serde(rename = "timeout")]
    Timeout,
    /// The run ended.
    #[serde(rename = "cancelled")]
    Cancelled,
}

impl Verdict {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Tests => "failed:tests",
            Self::NoTests => "no-tests",
            Self::Findings => "failed:findings",
            Self::Build => "failed:build",
            Self::Usage => "failed:usage/config",
            Self::Internal => "failed:internal",
            Self::Interrupted => "failed:interrupted",
            Self::Limit => "failed:limit",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
        }
    }

    /// What a tool that ended well, by its exit code, has shown by its report.
    #[must_use]
    pub fn of_success(tests: &Tests) -> Self {
        if tests.counts.failed > 0 || tests.counts.errors > 0 {
            Self::Tests
        } else if tests.counts.ran() == 0 {
            Self::NoTests
        } else {
            Self::Success
        }
    }
}
