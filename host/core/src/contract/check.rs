//! Holds a contract against what is there.
//!
//! Every item gets an answer: met, unmet with what is missing and how to mend it, or a warning. A
//! warning does not stop a phase. It is given for what the contract calls soft, for an event that
//! was not emitted (no task failed, so nobody said `TASK_FAILED`), and for what no program can
//! judge. An event that ends in `_FINISHED` must be there exactly once and last, and one that is
//! marked `(required)` at least once. Never: an item without an answer; a fact that is assumed.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::Condition;
use super::item::{FileNeed, Item, TableNeed};
use super::{Contract, PhaseId};
use crate::durable::Phase;

/// Which end of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Before it begins.
    Entry,
    /// When it is over.
    Exit,
}

/// Tables of the ledger and their columns.
pub type Tables = BTreeMap<String, BTreeSet<String>>;

/// What was found of a file that is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// It is there, or something matches.
    Found,
    /// It is not.
    Missing,
    /// Something else is there: a directory in place of a file, or the other way round.
    Other(&'static str),
    /// Nobody could look; why.
    Unreadable(String),
}

/// The answer to one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is as the contract wants it.
    Met,
    /// It is not, and the phase may not go on.
    Unmet {
        /// What is missing.
        missing: String,
        /// What would mend it.
        fix: String,
    },
    /// It is not or cannot be judged, and the phase may go on.
    Warning {
        /// What is missing.
        missing: String,
        /// What would mend it.
        fix: String,
    },
}

impl Standing {
    /// Something is missing.
    #[must_use]
    pub fn unmet(missing: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Unmet {
            missing: missing.into(),
            fix: fix.into(),
        }
    }

    /// Something is worth knowing.
    #[must_use]
    pub fn warning(missing: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Warning {
            missing: missing.into(),
            fix: fix.into(),
        }
    }

    /// The same as a warning, if it is unmet.
    fn softened(self) -> Self {
        match self {
            Self::Unmet { missing, fix } => Self::Warning { missing, fix },
            Self::Met | Self::Warning { .. } => self,
        }
    }
}

/// The events of the run that is checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFacts {
    /// How often each word was emitted.
    pub counts: BTreeMap<String, u64>,
    /// The word of the last event.
    pub last: Option<String>,
}

impl EventFacts {
    /// Counts the words of events, which come in the order in which they were emitted.
    #[must_use]
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut facts = Self::default();
        for word in words {
            *facts.counts.entry(word.to_owned()).or_default() += 1;
            facts.last = Some(word.to_owned());
        }
        facts
    }
}

/// What the caller knows of the world. It answers; it does not judge.
pub trait Facts {
    /// Looks for a file, a directory, or something that matches.
    fn find(&self, need: &FileNeed) -> Look;
    /// The tables of the ledger; none if there is no ledger.
    fn tables(&self) -> Option<&Tables>;
    /// The events of the newest run; none if there is no ledger or no run.
    fn events(&self) -> Option<&EventFacts>;
    /// How many tasks of the newest run are in each state, by the words of the contract such as
    /// `COMPLETED`; none if there is no ledger or no run.
    fn task_states(&self) -> Option<&BTreeMap<String, u64>>;
    /// Whether a state flag is set, and if not, why and how to set it.
    fn flag(&self, name: &str) -> Standing;
    /// Whether something holds; none if nobody can tell.
    fn holds(&self, condition: Condition) -> Option<Standing>;
}

/// An item with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedItem {
    /// The key of its list, for example `required_files`.
    pub key: &'static str,
    /// The item.
    pub item: Item,
    /// The answer.
    pub standing: Standing,
}

/// Every item of one side of a contract with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The phase.
    pub phase: PhaseId,
    /// The side.
    pub side: Side,
    /// The items in the order of the contract.
    pub items: Vec<CheckedItem>,
}

impl Report {
    /// Whether nothing is unmet.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.unmet().next().is_none()
    }

    /// What is unmet.
    pub fn unmet(&self) -> impl Iterator<Item = &CheckedItem> {
        self.items
            .iter()
            .filter(|checked| matches!(checked.standing, Standing::Unmet { .. }))
    }

    /// What there is a warning about.
    pub fn warnings(&self) -> impl Iterator<Item = &CheckedItem> {
        self.items
            .iter()
            .filter(|checked| matches!(checked.standing, Standing::Warning { .. }))
    }
}

/// Holds one side of a contract against the facts.
#[must_use]
pub fn check(contract: &Contract, side: Side, facts: &dyn Facts) -> Report {
    let mut items = Vec::new();
    let mut add = |key: &'static str, item: &Item, standing: Standing| {
        items.push(CheckedItem {
            key,
            item: item.clone(),
            standing,
        });
    };
    match side {
        Side::Entry => {
            for item in &contract.hard_blockers {
                add("hard_blockers", item, blocker(item, facts));
            }
            for item in &contract.soft_dependencies {
                add("soft_dependencies", item, soft(item, facts));
            }
            for need in &contract.entry.files {
                add("required_files", &need.item, file(need, facts));
            }
            for need in &contract.entry.tables {
                add("required_db_tables", &need.item, table(need, facts));
            }
            for item in &contract.entry.flags {
                add("required_state_flags", item, facts.flag(&item.text));
            }
            for item in &contract.entry.unknown {
                add("entry_requirements", item, unknown());
            }
        }
        Side::Exit => {
            for need in &contract.exit.files {
                add("produced_files", &need.item, file(need, facts));
            }
            for need in &contract.exit.tables {
                let standing = match table(need, facts) {
                    Standing::Met => states(need, facts),
                    other @ (Standing::Unmet { .. } | Standing::Warning { .. }) => other,
                };
                add("updated_db_tables", &need.item, standing);
            }
            for item in &contract.exit.events {
                add("emitted_events", item, event(item, facts.events()));
            }
            for item in &contract.exit.unknown {
                add("exit_artifacts", item, unknown());
            }
        }
    }
    Report {
        phase: contract.phase,
        side,
        items,
    }
}

fn unknown() -> Standing {
    Standing::warning(
        "this key is not one that is checked",
        "check it yourself, or write it as a file, a table, a flag or an event",
    )
}

fn blocker(item: &Item, facts: &dyn Facts) -> Standing {
    let judged = Condition::of(item).and_then(|condition| facts.holds(condition));
    judged
        .or_else(|| named_file(item, facts))
        .unwrap_or_else(|| {
            Standing::warning(
                "whether this holds is not known here",
                "see yourself that it does before the phase begins",
            )
        })
}

/// "PROJECT_PROFILE.yaml must exist".
fn named_file(item: &Item, facts: &dyn Facts) -> Option<Standing> {
    let name = item.text.strip_suffix(" must exist")?;
    let is_path = name.contains(['.', '/']) && !name.contains(char::is_whitespace);
    let named = Item {
        text: name.trim_matches('`').to_owned(),
        ..item.clone()
    };
    let need = is_path.then(|| FileNeed::new(named).ok())??;
    Some(file(&need, facts))
}

fn soft(item: &Item, facts: &dyn Facts) -> Standing {
    Condition::of(item)
        .and_then(|condition| facts.holds(condition))
        .map_or_else(
            || {
                Standing::warning(
                    "nothing of this is known here",
                    "it is optional; the phase goes on without",
                )
            },
            Standing::softened,
        )
}

fn file(need: &FileNeed, facts: &dyn Facts) -> Standing {
    let written = &need.item.text;
    let thing = match (need.path(), need.is_directory()) {
        (None, _) => "match for",
        (Some(_), true) => "directory",
        (Some(_), false) => "file",
    };
    let from = need
        .item
        .comment
        .as_deref()
        .and_then(|text| text.strip_prefix("from "));
    let fix = match from {
        Some(phase) => format!("let {phase} run, which makes it, or make it yourself"),
        None => "make it, or let the phase run that does".to_owned(),
    };
    match facts.find(need) {
        Look::Found => Standing::Met,
        Look::Missing => Standing::unmet(format!("there is no {thing} `{written}`"), fix),
        Look::Other(what) => Standing::unmet(
            format!("`{written}` is {what}, not a {thing}"),
            "move away what is there, and make what is needed",
        ),
        Look::Unreadable(why) => Standing::unmet(
            format!("`{written}` cannot be looked for: {why}"),
            "make the directory readable",
        ),
    }
}

fn table(need: &TableNeed, facts: &dyn Facts) -> Standing {
    let name = &need.item.text;
    let Some(tables) = facts.tables() else {
        return Standing::unmet(
            format!("there is no ledger, and so no table `{name}`"),
            "the ledger is made by the first durable run in this workspace",
        );
    };
    let Some(columns) = tables.get(name) else {
        return Standing::unmet(
            format!("the ledger has no table `{name}`"),
            "let the phase that fills it run, or correct the name in the contract",
        );
    };
    let missing: Vec<&str> = need
        .columns
        .iter()
        .filter(|column| !columns.contains(*column))
        .map(String::as_str)
        .collect();
    if missing.is_empty() {
        return Standing::Met;
    }
    Standing::unmet(
        format!("table `{name}` has no column `{}`", missing.join("`, `")),
        "let the phase that fills it run, or correct the name in the contract",
    )
}

/// States in which a task is over without having been worked on, beside those that a contract
/// names: a contract lists how work ends.
const OVER_WITHOUT_WORK: [Phase; 3] = [Phase::Skipped, Phase::Blocked, Phase::Canceled];

/// Whether no task is in another state than those that the contract names.
fn states(need: &TableNeed, facts: &dyn Facts) -> Standing {
    if need.states.is_empty() {
        return Standing::Met;
    }
    let Some(states) = facts.task_states() else {
        return Standing::unmet(
            "there is no run, and so no task in one of these states",
            "run the queue",
        );
    };
    let ended = |state: &str| {
        need.states.iter().any(|known| known == state)
            || OVER_WITHOUT_WORK.iter().any(|phase| phase.word() == state)
    };
    let open: Vec<String> = states
        .iter()
        .filter(|(state, count)| **count > 0 && !ended(state))
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    if open.is_empty() {
        return Standing::Met;
    }
    Standing::unmet(
        format!("tasks are not over: {}", open.join(", ")),
        "let the run go on until every task is over",
    )
}

/// The end of the word of an event that closes a run.
const CLOSING: &str = "_FINISHED";

fn event(item: &Item, events: Option<&EventFacts>) -> Standing {
    let word = item.text.as_str();
    let closes = word.ends_with(CLOSING);
    let count = events.and_then(|events| events.counts.get(word)).copied();
    let fix = "let the run end, or emit it where the phase ends";
    match (count.unwrap_or(0), closes) {
        (0, _) => {
            let missing = match events {
                Some(_) => format!("`{word}` was not emitted"),
                None => format!("there is no run, and so no `{word}`"),
            };
            if closes || item.says("required") {
                Standing::unmet(missing, fix)
            } else {
                Standing::warning(missing, "nothing, if the run gave no occasion for it")
            }
        }
        (1, true) => match events.and_then(|events| events.last.as_deref()) {
            Some(last) if last != word => Standing::unmet(
                format!("`{word}` is not the last event; `{last}` came after it"),
                "emit it when nothing more can happen",
            ),
            Some(_) | None => Standing::Met,
        },
        (count, true) => Standing::unmet(
            format!("`{word}` was emitted {count} times"),
            "emit it once, when nothing more can happen",
        ),
        (_, false) => Standing::Met,
    }
}
