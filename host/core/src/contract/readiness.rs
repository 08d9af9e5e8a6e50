//! How ready a phase says it is, and whether that is enough for production.
//!
//! Never: an unknown word that opens the gate.

use std::collections::BTreeMap;

/// What a contract says about how ready its phase is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Readiness {
    /// `maturity_level`, for example `PRODUCTION_READY`; for people.
    pub maturity: Option<String>,
    /// `risk_profile`: the risk of each kind, for example `execution_risk` → `HIGH`.
    pub risks: BTreeMap<String, String>,
    /// `production_gate`.
    pub gate: Option<Gate>,
}

/// `production_gate`: whether the phase may work in production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// `ALLOWED`.
    Allowed,
    /// `ALLOWED_WITH_MONITORING`: allowed, and someone has to watch.
    AllowedWithMonitoring,
    /// `DISALLOWED`.
    Disallowed,
    /// A word that we do not know. It allows nothing.
    Unknown(String),
}

impl Gate {
    pub(super) fn new(word: &str) -> Self {
        match word.to_ascii_uppercase().as_str() {
            "ALLOWED" => Self::Allowed,
            "ALLOWED_WITH_MONITORING" => Self::AllowedWithMonitoring,
            "DISALLOWED" => Self::Disallowed,
            _ => Self::Unknown(word.to_owned()),
        }
    }

    /// The word as a contract writes it.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Allowed => "ALLOWED",
            Self::AllowedWithMonitoring => "ALLOWED_WITH_MONITORING",
            Self::Disallowed => "DISALLOWED",
            Self::Unknown(word) => word,
        }
    }
}

/// Why a phase may not work in production.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotForProduction {
    /// The contract says no.
    #[error(
        "the contract says `production_gate: DISALLOWED`{0}; run without `--production`, or open \
         the gate in the contract once the phase is ready"
    )]
    Disallowed(String),
    /// The contract does not say.
    #[error(
        "the contract has no `production_gate`; write `production_gate: ALLOWED` into it once the \
         phase is ready, or run without `--production`"
    )]
    NoGate,
    /// The contract says something unknown.
    #[error(
        "`production_gate: {0}` is none of ALLOWED, ALLOWED_WITH_MONITORING and DISALLOWED; write \
         one of them, or run without `--production`"
    )]
    Unknown(String),
}

impl Readiness {
    /// Whether a run in production mode may start.
    ///
    /// # Errors
    /// The gate is `DISALLOWED`, absent, or an unknown word: only a clear yes is one.
    pub fn allows_production(&self) -> Result<(), NotForProduction> {
        match &self.gate {
            Some(Gate::Allowed | Gate::AllowedWithMonitoring) => Ok(()),
            Some(Gate::Disallowed) => Err(NotForProduction::Disallowed(self.because())),
            Some(Gate::Unknown(word)) => Err(NotForProduction::Unknown(word.clone())),
            None => Err(NotForProduction::NoGate),
        }
    }

    /// Whether production is allowed only while someone watches.
    #[must_use]
    pub fn needs_monitoring(&self) -> bool {
        self.gate == Some(Gate::AllowedWithMonitoring)
    }

    /// What else the contract says that explains a closed gate.
    fn because(&self) -> String {
        let maturity = self.maturity.iter().cloned();
        let high = self
            .risks
            .iter()
            .filter(|(_, level)| level.ends_with("HIGH"));
        let parts: Vec<String> = maturity
            .chain(high.map(|(name, level)| format!("{name} {level}")))
            .collect();
        if parts.is_empty() {
            String::new()
        } else {
            format!(" ({})", parts.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_opens_the_gate() {
        for (word, opens) in [
            (Some("ALLOWED"), true),
            (Some("ALLOWED_WITH_MONITORING"), true),
            (Some("DISALLOWED"), false),
            (Some("ALLOWED_SOMETIMES"), false),
            (None, false),
        ] {
            let readiness = Readiness {
                gate: word.map(Gate::new),
                ..Readiness::default()
            };
            assert_eq!(readiness.allows_production().is_ok(), opens, "{word:?}");
        }
    }

    #[test]
    fn a_closed_gate_says_what_stands_against_it() {
        let readiness = Readiness {
            maturity: Some("DESIGN_ONLY".to_owned()),
            risks: BTreeMap::from([
                ("execution_risk".to_owned(), "VERY_HIGH".to_owned()),
                ("deadlock_risk".to_owned(), "LOW".to_owned()),
            ]),
            gate: Some(Gate::Disallowed),
        };
        let said = readiness.allows_production().unwrap_err().to_string();
        assert!(
            said.contains("(DESIGN_ONLY, execution_risk VERY_HIGH)"),
            "{said}"
        );
    }
}
