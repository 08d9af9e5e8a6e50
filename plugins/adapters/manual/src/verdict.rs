//! Whether the work counts: what the person says, held against what is there.
//!
//! Never: a success that a missing file contradicts.

use serde::Serialize;

/// What came of the work.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Verdict {
    /// `success` or `failed`.
    pub(crate) verdict: &'static str,
    /// What the person says.
    pub(crate) claimed: Claimed,
    /// What is there.
    pub(crate) observed: Observed,
    /// Whether the two differ: it is said to be done, and a file is missing.
    pub(crate) mismatch: bool,
}

/// What the person says.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Claimed {
    /// Whether it is done.
    pub(crate) success: bool,
    /// What was added.
    pub(crate) note: Option<String>,
    /// Who says so.
    pub(crate) by: String,
}

/// What is there.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Observed {
    /// Expected files that are there.
    pub(crate) present: Vec<String>,
    /// Expected files that are not.
    pub(crate) missing: Vec<String>,
}

impl Verdict {
    pub(crate) fn of(claimed: Claimed, observed: Observed) -> Self {
        let mismatch = claimed.success && !observed.missing.is_empty();
        let success = claimed.success && !mismatch;
        Self {
            verdict: if success { "success" } else { "failed" },
            claimed,
            observed,
            mismatch,
        }
    }

    pub(crate) fn is_success(&self) -> bool {
        self.claimed.success && !self.mismatch
    }

    /// What went wrong, in one line.
    pub(crate) fn error(&self) -> Option<String> {
        let by = &self.claimed.by;
        if self.mismatch {
            let missing = self.observed.missing.join(", ");
            return Some(format!("{by} says that it is done; not there: {missing}"));
        }
        if self.claimed.success {
            return None;
        }
        Some(match &self.claimed.note {
            Some(note) => format!("{by} says that it failed: {note}"),
            None => format!("{by} says that it failed"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(success: bool, missing: &[&str]) -> Verdict {
        let note = Some("by hand".to_owned());
        let by = "ann".to_owned();
        let missing = missing.iter().map(|path| (*path).to_owned()).collect();
        let present = vec!["a".to_owned()];
        Verdict::of(Claimed { success, note, by }, Observed { present, missing })
    }

    #[test]
    fn a_word_counts_only_with_what_it_promises() {
        let done = of(true, &[]);
        assert!(done.is_success() && done.error().is_none() && done.verdict == "success");
        let missing = of(true, &["b", "c"]);
        assert!(!missing.is_success() && missing.mismatch && missing.verdict == "failed");
        assert!(missing.error().is_some_and(|error| error.contains("b, c")));
        let failed = of(false, &["b"]);
        assert!(!failed.is_success() && !failed.mismatch && failed.verdict == "failed");
        assert!(
            failed
                .error()
                .is_some_and(|error| error.ends_with("by hand"))
        );
    }
}
