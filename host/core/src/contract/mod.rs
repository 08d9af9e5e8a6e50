//! Phase contracts: what a phase of the pipeline needs before it begins, what it leaves behind, and
//! what nobody may touch meanwhile, read out of the README that people write about it.
//!
//! ```text
//! README --Contract::parse--> Contract --check(side, facts)--> Report: met, unmet with a fix, warning
//!                                     \--protected_paths()--> what a plugin may not write
//!                                      \-readiness.allows_production()
//! ```
//!
//! The README is the source: whoever edits an item changes the check. Never: a look at a disk or a
//! ledger, which [`Facts`] answers for; a contract that is guessed where the text is unclear.

mod blocks;
mod check;
mod condition;
mod escalation;
mod item;
mod phase;
mod read;
mod readiness;
mod routing;
#[cfg(test)]
mod tests;

pub use check::{CheckedItem, EventFacts, Facts, Look, Report, Side, Standing, Tables, check};
pub use condition::Condition;
pub use escalation::SafeModeCondition;
pub use item::{FileNeed, Item, NeedError, TableNeed};
pub use phase::{PhaseError, PhaseId};
pub use readiness::{Gate, NotForProduction, Readiness};
pub use routing::{MAX_STATE_FILE, NotRouted, is_routed};

use crate::diagnostic::{Diagnostics, Source};
use crate::durable::Trigger;
use crate::policy::PathPattern;

/// The contract of the phase that remit carries out, where a workspace brings none.
const EXECUTION: &str = include_str!("phase5.md");

/// What that text is called in messages.
const EXECUTION_NAME: &str = "built-in:phase5.md";

/// What no plugin may write, whatever a contract says: what the host itself derives or obeys.
pub const ALWAYS_PROTECTED: [&str; 4] =
    ["schema/**", ".state/**", ".ledger/**", "logs/execution/**"];

/// The contract of one phase.
#[derive(Debug, Clone)]
pub struct Contract {
    /// Which phase.
    pub phase: PhaseId,
    /// The title of the document; empty if it has none.
    pub title: String,
    /// Where it was read from, for people.
    pub name: String,
    /// `upstream_phases`.
    pub upstream: Vec<Item>,
    /// `downstream_phases`.
    pub downstream: Vec<Item>,
    /// `hard_blockers`: without them the phase does not begin.
    pub hard_blockers: Vec<Item>,
    /// `soft_dependencies`: without them it begins, with a warning.
    pub soft_dependencies: Vec<Item>,
    /// `entry_requirements`.
    pub entry: Entry,
    /// `exit_artifacts`.
    pub exit: Exit,
    /// `ai_may_modify`.
    pub may_modify: Vec<PathRule>,
    /// `ai_must_not_modify`.
    pub must_not_modify: Vec<PathRule>,
    /// `do_not_edit_directly`.
    pub not_by_hand: Vec<PathRule>,
    /// `ai_escalation_triggers`.
    pub escalation_triggers: Vec<Item>,
    /// `ai_safe_mode_conditions`.
    pub safe_mode_conditions: Vec<Item>,
    /// `maturity_level`, `risk_profile`, `production_gate`.
    pub readiness: Readiness,
}

/// `entry_requirements`: what must be there before the phase begins.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// `required_files`.
    pub files: Vec<FileNeed>,
    /// `required_db_tables`.
    pub tables: Vec<TableNeed>,
    /// `required_state_flags`.
    pub flags: Vec<Item>,
    /// Items under keys that we do not know; nobody checks them, and the report says so.
    pub unknown: Vec<Item>,
}

/// `exit_artifacts`: what must be there when the phase is over.
#[derive(Debug, Clone, Default)]
pub struct Exit {
    /// `produced_files`.
    pub files: Vec<FileNeed>,
    /// `updated_db_tables`.
    pub tables: Vec<TableNeed>,
    /// `emitted_events`.
    pub events: Vec<Item>,
    /// Items under keys that we do not know; nobody checks them, and the report says so.
    pub unknown: Vec<Item>,
}

/// A path of a rule about who may change what.
#[derive(Debug, Clone)]
pub struct PathRule {
    /// As it is written.
    pub item: Item,
    /// What it means.
    pub pattern: PathPattern,
}

impl Contract {
    /// Reads a contract out of the README of a phase. `name` is the path of the file, of which the
    /// last parts may name the phase.
    ///
    /// # Errors
    /// The text names no phase or two, has no contract, a key twice, in the wrong place or
    /// misspelt, an empty list, or a path that is none. All mistakes at once, with their lines.
    pub fn parse(name: &str, text: &str) -> Result<Self, Diagnostics> {
        read::read(&Source::new(name, text))
    }

    /// The phase that a README is about, whether or not there is a contract in it.
    #[must_use]
    pub fn phase_of(name: &str, text: &str) -> Option<PhaseId> {
        read::phase(name, text)
    }

    /// The contract that remit itself has, for the phase that it carries out.
    ///
    /// # Errors
    /// Never in a build whose tests pass; the text is a part of the program.
    pub fn built_in() -> Result<Self, Diagnostics> {
        Self::parse(EXECUTION_NAME, EXECUTION)
    }

    /// What no plugin may write: [`ALWAYS_PROTECTED`], then `ai_must_not_modify` and
    /// `do_not_edit_directly`, each once.
    #[must_use]
    pub fn protected_paths(&self) -> Vec<PathPattern> {
        let mut paths = always_protected();
        for rule in self.must_not_modify.iter().chain(&self.not_by_hand) {
            if !paths.contains(&rule.pattern) {
                paths.push(rule.pattern.clone());
            }
        }
        paths
    }

    /// The escalation triggers that the host can notice, each once; the others are for people.
    #[must_use]
    pub fn triggers(&self) -> Vec<Trigger> {
        escalation::each_once(&self.escalation_triggers, escalation::trigger)
    }

    /// The conditions of safe mode that the host can notice, each once.
    #[must_use]
    pub fn safe_mode(&self) -> Vec<SafeModeCondition> {
        escalation::each_once(&self.safe_mode_conditions, SafeModeCondition::of)
    }
}

/// [`ALWAYS_PROTECTED`] as patterns: what holds where no contract is used.
#[must_use]
pub fn always_protected() -> Vec<PathPattern> {
    ALWAYS_PROTECTED
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect()
}
