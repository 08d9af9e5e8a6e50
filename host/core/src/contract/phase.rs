//! Which phase a contract is about: `phase5`, `phase5_execution`, `Phase 5` and `5` are the same.
//!
//! Never: two names of one phase that do not compare equal.

use std::fmt;
use std::str::FromStr;

use crate::excerpt::excerpt;

/// A phase of the pipeline, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhaseId(u16);

/// The text names no phase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no phase; write its number, for example `phase5`")]
pub struct PhaseError(String);

impl PhaseId {
    /// The phase that remit itself carries out: execution and validation.
    pub const EXECUTION: Self = Self(5);

    /// The number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    /// The phase that a file name or a title begins with: `phase5_execution.README.md`,
    /// `Phase 5 – Execution`.
    #[must_use]
    pub fn at_start_of(text: &str) -> Option<Self> {
        let text = text.trim_start();
        let word = text.get(..5).filter(|w| w.eq_ignore_ascii_case("phase"))?;
        let rest = text.get(word.len()..)?;
        let rest = rest.trim_start_matches([' ', '_', '-']);
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number = rest.get(..digits)?.parse().ok()?;
        // `phase5a` and `phase 5.9` are not phase 5.
        let mut after = rest.get(digits..)?.chars();
        let ends = match after.next() {
            None => true,
            Some('.') => !after.next().is_some_and(|c| c.is_ascii_digit()),
            Some(character) => !character.is_alphanumeric(),
        };
        ends.then_some(Self(number))
    }
}

impl FromStr for PhaseId {
    type Err = PhaseError;

    fn from_str(text: &str) -> Result<Self, PhaseError> {
        Self::at_start_of(text)
            .or_else(|| text.trim().parse().ok().map(Self))
            .ok_or_else(|| PhaseError(excerpt(text)))
    }
}

impl fmt::Display for PhaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "phase{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_name_a_phase_means_the_same() {
        for text in [
            "phase5",
            "phase5_execution",
            "Phase 5",
            "Phase 5 – Execution & Validation",
            "PHASE-5: x",
            "phase05",
            "phase5.README.md",
            "phase5_execution.README.md",
            "5",
        ] {
            assert_eq!(text.parse(), Ok(PhaseId::EXECUTION), "{text}");
        }
        assert_eq!(PhaseId::EXECUTION.to_string(), "phase5");
    }

    #[test]
    fn what_names_no_phase() {
        for text in [
            "",
            "phase",
            "phaser5",
            "phase 5.9",
            "phase5a",
            "execution",
            "phase99999",
            "-1",
        ] {
            assert!(text.parse::<PhaseId>().is_err(), "{text}");
        }
    }
}
