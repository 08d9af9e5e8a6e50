//! From the blocks of a README to a [`Contract`].
//!
//! A block that is unclear is a mistake with its line, for a contract that silently asks for less
//! than its author wrote is worth nothing. Never: a mistake about prose, or about a key that is
//! neither ours nor nearly ours.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::blocks::{self, Block, Placed};
use super::item::{FileNeed, Item, TableNeed, split_comment, without_placeholders};
use super::{Contract, Entry, Exit, Gate, PathRule, PhaseId, Readiness};
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::document::MAX_DOCUMENT_BYTES;
use crate::excerpt::excerpt;
use crate::nearest::nearest;
use crate::policy::PathPattern;

/// Most items of one list. A hundred times what a README has; a report of more helps nobody.
const MAX_ITEMS: usize = 1_000;

/// Most mistakes of one file that are reported: whoever has mended these starts again.
const MAX_MISTAKES: usize = 100;

const ENTRY: &str = "entry_requirements";
const EXIT: &str = "exit_artifacts";
const RISKS: &str = "risk_profile";

/// Keys that hold a list, and the key below which they must stand.
const LISTS: [(&str, Option<&str>); 15] = [
    ("upstream_phases", None),
    ("downstream_phases", None),
    ("hard_blockers", None),
    ("soft_dependencies", None),
    ("required_files", Some(ENTRY)),
    ("required_db_tables", Some(ENTRY)),
    ("required_state_flags", Some(ENTRY)),
    ("produced_files", Some(EXIT)),
    ("updated_db_tables", Some(EXIT)),
    ("emitted_events", Some(EXIT)),
    ("ai_may_modify", None),
    ("ai_must_not_modify", None),
    ("do_not_edit_directly", None),
    ("ai_escalation_triggers", None),
    ("ai_safe_mode_conditions", None),
];

/// Keys that hold other keys.
const GROUPS: [&str; 3] = [ENTRY, EXIT, RISKS];

/// Keys that hold a word.
const WORDS: [&str; 2] = ["maturity_level", "production_gate"];

fn known() -> impl Iterator<Item = &'static str> + Clone {
    LISTS.iter().map(|(key, _)| *key).chain(GROUPS).chain(WORDS)
}

pub(super) fn read(source: &Arc<Source>) -> Result<Contract, Diagnostics> {
    let text = source.text();
    if text.len() > MAX_DOCUMENT_BYTES {
        return Err(Diagnostics::one(Diagnostic::new(
            source,
            None,
            "too-large",
            format!(
                "the file has {} bytes, the limit is {MAX_DOCUMENT_BYTES}",
                text.len()
            ),
            "keep the contract in a README of its own",
        )));
    }
    let blocks = blocks::read(text);
    let mut reader = Reader {
        source,
        mistakes: Vec::new(),
        found: BTreeMap::new(),
        unknown: BTreeMap::new(),
    };
    for block in &blocks {
        reader.sort(block, None);
    }
    let contract = reader.contract();
    match (Diagnostics::of(reader.mistakes), contract) {
        (None, Some(contract)) => Ok(contract),
        (Some(mistakes), _) => Err(mistakes),
        // A contract is withheld only for a mistake that was noted.
        (None, None) => Err(Diagnostics::one(no_contract(source))),
    }
}

fn no_contract(source: &Arc<Source>) -> Diagnostic {
    Diagnostic::new(
        source,
        None,
        "no-contract",
        "the file has no phase contract",
        "write `entry_requirements:` and `exit_artifacts:` with their lists, outside of code fences",
    )
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    mistakes: Vec<Diagnostic>,
    /// The blocks whose keys are ours.
    found: BTreeMap<&'static str, &'a Block>,
    /// Blocks of other keys, by the group in which they stand.
    unknown: BTreeMap<&'static str, Vec<&'a Block>>,
}

impl<'a> Reader<'a> {
    fn mistake(
        &mut self,
        at: &Range<usize>,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if self.mistakes.len() < MAX_MISTAKES {
            let span = Some(at.clone());
            let found = Diagnostic::new(self.source, span, code, message, help);
            self.mistakes.push(found);
        }
    }

    /// Puts a block and those below it where they belong.
    fn sort(&mut self, block: &'a Block, above: Option<&str>) {
        let key = known().find(|key| *key == block.key);
        match key {
            Some(key) => self.note(key, block, above),
            None => self.stranger(block, above),
        }
        for child in &block.children {
            self.sort(child, Some(&block.key));
        }
    }

    fn note(&mut self, key: &'static str, block: &'a Block, above: Option<&str>) {
        let place = LISTS.iter().find(|(known, _)| *known == key);
        let wanted = place.and_then(|(_, group)| *group);
        if let Some(group) = wanted.filter(|group| above != Some(*group)) {
            let message = format!("`{key}` does not stand below `{group}`");
            let help = format!("indent it below `{group}:`");
            return self.mistake(&block.at, "misplaced-key", message, help);
        }
        if let Some(first) = self.found.get(key) {
            let message = format!(
                "`{key}` is there twice; the first is in line {}",
                first.line
            );
            return self.mistake(&block.at, "duplicate-key", message, "keep one of the two");
        }
        self.found.insert(key, block);
    }

    /// A key that is not ours: misspelt, or below one of our groups, or a matter of the document.
    fn stranger(&mut self, block: &'a Block, above: Option<&str>) {
        let is_block = !block.items.is_empty() || !block.children.is_empty();
        let group = [ENTRY, EXIT]
            .into_iter()
            .find(|group| above == Some(*group));
        if above == Some(RISKS) || !(is_block || group.is_some()) {
            return;
        }
        if let Some(meant) = nearest(&block.key, known()) {
            let message = format!("unknown key `{}`", excerpt(&block.key));
            let help = format!("did you mean `{meant}`?");
            self.mistake(&block.at, "unknown-key", message, help);
        } else if let Some(group) = group {
            self.unknown.entry(group).or_default().push(block);
        }
    }

    fn contract(&mut self) -> Option<Contract> {
        if self.found.is_empty() && self.mistakes.is_empty() {
            self.mistakes.push(no_contract(self.source));
            return None;
        }
        for group in [ENTRY, EXIT] {
            self.group(group);
        }
        let (phase, title) = self.phase();
        let entry = Entry {
            files: self.files("required_files"),
            tables: self.tables("required_db_tables"),
            flags: self.items("required_state_flags"),
            unknown: self.unknown_items(ENTRY),
        };
        let exit = Exit {
            files: self.files("produced_files"),
            tables: self.tables("updated_db_tables"),
            events: self.items("emitted_events"),
            unknown: self.unknown_items(EXIT),
        };
        let contract = Contract {
            phase: phase.unwrap_or(PhaseId::EXECUTION),
            title,
            name: self.source.name().to_owned(),
            upstream: self.items("upstream_phases"),
            downstream: self.items("downstream_phases"),
            hard_blockers: self.items("hard_blockers"),
            soft_dependencies: self.items("soft_dependencies"),
            entry,
            exit,
            may_modify: self.rules("ai_may_modify"),
            must_not_modify: self.rules("ai_must_not_modify"),
            not_by_hand: self.rules("do_not_edit_directly"),
            escalation_triggers: self.items("ai_escalation_triggers"),
            safe_mode_conditions: self.items("ai_safe_mode_conditions"),
            readiness: self.readiness(),
        };
        (phase.is_some() && self.mistakes.is_empty()).then_some(contract)
    }

    /// A group must be there, and holds keys only.
    fn group(&mut self, key: &'static str) {
        let Some(block) = self.found.get(key).copied() else {
            if self.mistakes.len() < MAX_MISTAKES {
                self.mistakes.push(Diagnostic::new(
                    self.source,
                    None,
                    "missing-key",
                    format!("the contract has no `{key}`"),
                    format!("write `{key}:`, and `- None` in the lists of what is not needed"),
                ));
            }
            return;
        };
        let items = block.items.iter().map(|item| &item.at);
        let wrong: Vec<Range<usize>> = items.chain(&block.odd).cloned().collect();
        for at in wrong {
            let message = format!("`{key}` holds lists, not items");
            self.mistake(
                &at,
                "not-a-list",
                message,
                "put it below the key of its list",
            );
        }
        if block.children.is_empty() {
            let message = format!("`{key}` is empty");
            let help = "write its lists below it, indented, outside of code fences";
            self.mistake(&block.at, "empty-key", message, help);
        }
    }

    /// The phase, from the title and from the file's name, which must agree.
    fn phase(&mut self) -> (Option<PhaseId>, String) {
        let title = blocks::title(self.source.text());
        let titled = PhaseId::at_start_of(&title.text);
        let named = phase_of_name(self.source.name());
        let span = title.at;
        match (titled, named) {
            (Some(titled), Some(named)) if titled != named => {
                let message = format!("the title is about {titled}, the file's name about {named}");
                self.mistake(&span, "two-phases", message, "correct one of them");
            }
            (None, None) => self.mistake(
                &span,
                "no-phase",
                "neither the title nor the file's name says which phase this is",
                "begin the title with it: `# Phase 5 – Execution`",
            ),
            (Some(_), _) | (None, Some(_)) => {}
        }
        (titled.or(named), title.text)
    }

    /// The texts of a list: items below the key, or `[a, b]` or one text behind it.
    fn placed(&mut self, key: &'static str) -> Vec<Placed> {
        let Some(block) = self.found.get(key).copied() else {
            return Vec::new();
        };
        let odd = block
            .odd
            .iter()
            .chain(block.children.iter().map(|child| &child.at));
        for at in odd.cloned().collect::<Vec<_>>() {
            let message = format!("this line below `{key}` is no item");
            let help = format!("begin it with `- `, or indent it no more than `{key}:`");
            self.mistake(&at, "not-an-item", message, help);
        }
        let mut list: Vec<Placed> = block.value.iter().flat_map(in_line).collect();
        list.extend(block.items.iter().cloned());
        // `[]` and `(none)` say that nothing is meant.
        if list.is_empty() && block.odd.is_empty() && block.value.is_none() {
            let message = format!("`{key}` is empty");
            let help = "write `- None` below it if nothing is meant";
            self.mistake(&block.at, "empty-key", message, help);
        }
        if list.len() > MAX_ITEMS {
            let message = format!("`{key}` has {} items, the limit is {MAX_ITEMS}", list.len());
            self.mistake(
                &block.at,
                "too-many-items",
                message,
                "use patterns such as `logs/**`",
            );
            list.truncate(MAX_ITEMS);
        }
        list
    }

    fn items(&mut self, key: &'static str) -> Vec<Item> {
        let list = self.placed(key);
        list.iter()
            .map(Item::new)
            .filter(|item| !item.is_none())
            .collect()
    }

    fn tables(&mut self, key: &'static str) -> Vec<TableNeed> {
        self.items(key).into_iter().map(TableNeed::new).collect()
    }

    fn files(&mut self, key: &'static str) -> Vec<FileNeed> {
        self.paths(key, |item| FileNeed::new(item.clone()))
    }

    fn rules(&mut self, key: &'static str) -> Vec<PathRule> {
        self.paths(key, |item| {
            let pattern = without_placeholders(&item.text).parse::<PathPattern>();
            pattern.map(|pattern| PathRule {
                item: item.clone(),
                pattern,
            })
        })
    }

    /// The items of a list as paths; what is none is a mistake.
    fn paths<T, E: std::fmt::Display>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Item) -> Result<T, E>,
    ) -> Vec<T> {
        let mut paths = Vec::new();
        for placed in self.placed(key) {
            let item = Item::new(&placed);
            if item.is_none() {
                continue;
            }
            match read(&item) {
                Ok(path) => paths.push(path),
                Err(error) => {
                    let help = "write a path as seen from the workspace, and what else there is \
                                to say in parentheses behind it";
                    self.mistake(&placed.at, "not-a-path", excerpt(&error.to_string()), help);
                }
            }
        }
        paths
    }

    /// What stands below keys that nobody knows, with the key in front.
    fn unknown_items(&mut self, group: &str) -> Vec<Item> {
        let blocks = self.unknown.get(group).into_iter().flatten();
        let items = blocks.flat_map(|block| {
            block
                .value
                .iter()
                .flat_map(in_line)
                .chain(block.items.clone())
                .map(|placed| {
                    let item = Item::new(&placed);
                    Item {
                        text: format!("{}: {}", block.key, item.text),
                        ..item
                    }
                })
        });
        items.take(MAX_ITEMS).collect()
    }

    fn readiness(&self) -> Readiness {
        let word = |block: &Block| {
            let value = block.value.as_ref()?;
            Some(split_comment(&value.text).0.to_owned())
        };
        let top = |key: &str| self.found.get(key).and_then(|block| word(block));
        let risks = self
            .found
            .get(RISKS)
            .into_iter()
            .flat_map(|block| &block.children);
        Readiness {
            maturity: top("maturity_level"),
            risks: risks
                .filter_map(|risk| Some((risk.key.clone(), word(risk)?)))
                .take(MAX_ITEMS)
                .collect(),
            gate: top("production_gate").map(|word| Gate::new(&word)),
        }
    }
}

/// The phase that a README says it is about, by its file's name or its title.
pub(super) fn phase(name: &str, text: &str) -> Option<PhaseId> {
    phase_of_name(name).or_else(|| PhaseId::at_start_of(&blocks::title(text).text))
}

/// The phase that the name of a file says, or that of its directory if the file is a `README.md`.
fn phase_of_name(name: &str) -> Option<PhaseId> {
    let mut parts = name.rsplit(['/', ':']);
    let file = parts.next()?;
    let is_readme = file
        .get(..6)
        .is_some_and(|start| start.eq_ignore_ascii_case("readme"));
    PhaseId::at_start_of(if is_readme { parts.next()? } else { file })
}

/// What stands behind a key: nothing but a comment, a list in brackets, or one item.
fn in_line(value: &Placed) -> Vec<Placed> {
    let text = value.text.as_str();
    if text.starts_with('(') || text.starts_with('#') {
        return Vec::new();
    }
    let inside = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let parts: Vec<&str> = inside.map_or_else(|| vec![text], |inside| inside.split(',').collect());
    parts
        .into_iter()
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| Placed {
            text: part.to_owned(),
            at: value.at.clone(),
            line: value.line,
        })
        .collect()
}
