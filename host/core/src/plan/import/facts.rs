//! What several formats say in the same words: priorities, attempts, times, acceptance checks.
//!
//! Never: a check that is left out without a word.

use std::ops::Range;

use jsonc_parser::ast::Value as Node;

use super::Known;
use super::command::{gate_kind, understand};
use super::draft::{Draft, Place, blank};
use super::notes::{Notes, Take};
use crate::excerpt::excerpt;
use crate::gate::{Criteria, GateKind};
use crate::plan::text::{as_text, get, span};
use crate::plan::{GateSpec, MAX_LISTED, Work};
use crate::quantity::TimeSpan;
use crate::retry::{MAX_ATTEMPTS, RetryPolicy};

/// Longest time in seconds that a file may name: a year.
const MAX_SECONDS: u64 = 366 * 24 * 60 * 60;

/// Words for priorities and their numbers; larger is sooner.
const PRIORITIES: [(&str, i32); 8] = [
    ("critical", 100),
    ("high", 50),
    ("medium", 0),
    ("normal", 0),
    ("foreground", 0),
    ("low", -50),
    ("background", -100),
    ("trivial", -100),
];

/// A priority as a number or a word.
pub(super) fn priority(notes: &Notes<'_, '_>, node: Option<&Node<'_>>) -> i32 {
    let Some(node) = node else {
        return 0;
    };
    let place = span(node);
    if let Some(word) = as_text(node) {
        let known = PRIORITIES
            .iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name));
        let number = known.map_or(0, |(_, number)| *number);
        let what = format!("the priority `{}` becomes {number}", excerpt(word));
        let why = match known {
            Some(_) => "priorities are numbers, larger is sooner",
            None => "the word is not known; 0 is the middle",
        };
        notes.adapt(place, what, why);
        return number;
    }
    let number = crate::plan::text::to_json(node);
    let fitting = number
        .as_i64()
        .and_then(|number| i32::try_from(number).ok());
    fitting.unwrap_or_else(|| {
        let help = "write a whole number, or one of: critical, high, normal, low, background";
        notes.wrong(place, "wrong-value", "this is no priority", help);
        0
    })
}

/// A number of seconds as a limit of time.
pub(super) fn seconds(take: &Take<'_, '_, '_>, keys: &[&'static str]) -> Option<TimeSpan> {
    take.number(keys, 1, MAX_SECONDS).map(TimeSpan::seconds)
}

/// A retry policy with this many attempts in all.
pub(super) fn attempts(count: u64) -> RetryPolicy {
    RetryPolicy {
        max_attempts: u32::try_from(count)
            .unwrap_or(MAX_ATTEMPTS)
            .clamp(1, MAX_ATTEMPTS),
        ..RetryPolicy::default()
    }
}

/// `max_attempts` of a circuit breaker or an execution block.
pub(super) fn attempts_of(take: &Take<'_, '_, '_>, key: &'static str) -> Option<RetryPolicy> {
    take.number(&[key], 1, u64::from(MAX_ATTEMPTS))
        .map(attempts)
}

/// Acceptance checks of one or several tasks.
#[derive(Debug, Default)]
pub(super) struct Checks {
    /// Those that became gates.
    pub(super) gates: Vec<GateSpec>,
    /// Those that a person has to look at, in words.
    pub(super) open: Vec<String>,
}

impl Checks {
    /// Reads a check: a command string, prose, or an object that has one of them.
    pub(super) fn read<'s>(&mut self, notes: &Notes<'_, 's>, known: &Known, node: &Node<'s>) {
        let place = span(node);
        let (said, command) = match node {
            Node::StringLit(text) => (text.value.to_string(), Some(text.value.to_string())),
            Node::Object(object) => {
                let of = |key| get(object, key).and_then(as_text).map(str::to_owned);
                let named = of("description")
                    .or_else(|| of("name"))
                    .or_else(|| of("id"));
                let command = of("command").or_else(|| of("cmd"));
                let said = match (&named, &command) {
                    (Some(named), Some(command)) => format!("{named}: {command}"),
                    (Some(text), None) | (None, Some(text)) => text.clone(),
                    (None, None) => notes.plain(node).to_string(),
                };
                (said, command)
            }
            Node::NumberLit(_) | Node::BooleanLit(_) | Node::Array(_) | Node::NullKeyword(_) => {
                notes.problems().wrong_type(node, "a check");
                return;
            }
        };
        let understood = match &command {
            Some(command) => understand(known, command),
            None => Err("it is no command".to_owned()),
        };
        match understood {
            Ok(fit) if self.gates.len() < MAX_LISTED => {
                let (tool, template) = (&fit.tool, &fit.template);
                let what = format!("the check becomes a gate: `{tool}:{template}`");
                let why = "these words are exactly what the owner's template gives";
                notes.adapt(place, what, why);
                self.gates.push(GateSpec {
                    name: Some(excerpt(&said)),
                    kind: gate_kind(&fit),
                    tool: format!("{tool}:{template}"),
                    slots: fit.slots,
                    directory: None,
                    required: true,
                    criteria: Criteria::default(),
                });
            }
            Ok(_) => self.leave(notes, place, &said, "a task has no more gates"),
            Err(why) => self.leave(notes, place, &said, &why),
        }
    }

    /// A check that remit does not run: a person is asked.
    fn leave(&mut self, notes: &Notes<'_, '_>, place: Range<usize>, said: &str, why: &str) {
        let what = format!("not run, a person is asked: {}", excerpt(said));
        notes.adapt(place, what, why);
        self.open.push(said.to_owned());
    }

    /// `test_gates`: kinds of checks without a command. One is met by a gate of its kind.
    pub(super) fn read_typed(&mut self, notes: &Notes<'_, '_>, node: &Node<'_>) {
        let Some(object) = node.as_object() else {
            notes.problems().wrong_type(node, "an object with `type`");
            return;
        };
        let word = get(object, "type").and_then(as_text).unwrap_or_default();
        let flag = |key| {
            get(object, key)
                .and_then(Node::as_boolean_lit)
                .map(|flag| flag.value)
        };
        let required = flag("required").or(flag("blocking")).unwrap_or(true);
        let kind = word.parse().unwrap_or(GateKind::Custom);
        if self.gates.iter().any(|gate| gate.kind == kind) {
            return;
        }
        let said = excerpt(if word.is_empty() { "a test gate" } else { word });
        if required {
            self.leave(
                notes,
                span(node),
                &said,
                "it names no tool that could check it",
            );
        } else {
            let what = format!("not run, and nobody is asked: {said}");
            notes.adapt(span(node), what, "it names no tool, and is not required");
        }
    }

    /// Asks a person about what is not run, after these tasks. Gives the question's task.
    pub(super) fn ask(
        &self,
        draft: &mut Draft,
        scope: usize,
        name: &str,
        place: &Place,
        after: &[String],
    ) -> Option<usize> {
        if self.open.is_empty() {
            return None;
        }
        let mut question = format!("Does this hold for {name}? remit has not checked it:");
        for check in &self.open {
            question.push_str("\n- ");
            question.push_str(check);
        }
        let task = draft.add(
            scope,
            &format!("{name}-acceptance"),
            place.clone(),
            blank(Work::Approval {
                question,
                expires: None,
            }),
        );
        for name in after {
            draft.need(task, name, place.clone());
        }
        Some(task)
    }
}
