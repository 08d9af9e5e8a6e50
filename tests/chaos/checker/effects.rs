//! Rules about tools: on record before they start, once, to their end, with all that they said.
//!
//! Never: the number of an effect taken for its identity. A plugin that goes on from a checkpoint
//! counts anew; what a tool did has a label in the log.

use std::collections::{BTreeMap, HashMap};

use super::{Evidence, Finds};
use crate::history::{Event, Line, Word};
use crate::plan::Work;

/// One start of one effect: its task, the attempt's fence, its number.
type Key<'a> = (&'a str, u64, u64);

/// What the ledger says of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Open,
    Finished,
    Refused,
    Unknown { repeat: bool },
}

#[derive(Debug)]
struct Effect {
    known: Known,
    /// The try of the task in which it was started: a failed attempt ends one.
    try_number: u32,
}

fn of_ledger(evidence: &Evidence) -> HashMap<Key<'_>, Effect> {
    let mut effects = HashMap::new();
    for (task, stream) in evidence.streams() {
        let mut try_number = 0;
        let mut newest: HashMap<u64, Key<'_>> = HashMap::new();
        for event in stream {
            if event.is("TASK_RETRY") {
                try_number += 1;
            }
            let Some(number) = event.number("effect") else {
                continue;
            };
            let known = match event.word.as_str() {
                "EFFECT_STARTED" => {
                    let key = (task, event.fence().unwrap_or(0), number);
                    newest.insert(number, key);
                    Known::Open
                }
                "EFFECT_FINISHED" => Known::Finished,
                "EFFECT_REFUSED" => Known::Refused,
                "EFFECT_UNKNOWN" => Known::Unknown {
                    repeat: event.body["repeat"] == true,
                },
                _ => continue,
            };
            if let Some(key) = newest.get(&number) {
                effects.insert(*key, Effect { known, try_number });
            }
        }
    }
    effects
}

/// Runs of tools, by start: the label, and how often it said each word.
#[derive(Debug, Default)]
struct Ran<'a> {
    label: &'a str,
    starts: usize,
    ends: usize,
}

fn key_of(line: &Line) -> Option<Key<'_>> {
    Some((line.task.as_deref()?, line.fence?, line.effect()?))
}

/// The runs of the work's tools; gates are no effects.
fn of_log(evidence: &Evidence) -> BTreeMap<Key<'_>, Ran<'_>> {
    let calls = evidence.plan.calls();
    let mut runs: BTreeMap<Key<'_>, Ran<'_>> = BTreeMap::new();
    for line in &evidence.log {
        if !calls.contains_key(line.label.as_str()) {
            continue;
        }
        let Some(key) = key_of(line) else { continue };
        let ran = runs.entry(key).or_default();
        ran.label = &line.label;
        match line.word {
            Word::Start => ran.starts += 1,
            Word::Line => {}
            Word::End => ran.ends += 1,
        }
    }
    runs
}

pub(super) fn on_record(evidence: &Evidence, finds: &mut Finds<'_>) {
    let effects = of_ledger(evidence);
    let calls = evidence.plan.calls();
    for line in &evidence.log {
        let Some((index, _)) = calls.get(line.label.as_str()) else {
            continue;
        };
        let own = evidence.plan.tasks[*index].id.as_str();
        finds.unless(line.task.as_deref() == Some(own), || {
            format!("{} was told that its task is {:?}", line.label, line.task)
        });
        let known = key_of(line).and_then(|key| effects.get(&key));
        finds.unless(
            known.is_some_and(|effect| effect.known != Known::Refused),
            || format!("{line:?} ran, the ledger says {known:?}"),
        );
    }
}

pub(super) fn not_again(evidence: &Evidence, finds: &mut Finds<'_>) {
    let effects = of_ledger(evidence);
    let runs = of_log(evidence);
    // Fences grow, so the order of keys is the order of starts.
    let mut over: HashMap<(&str, u32), Key<'_>> = HashMap::new();
    for (key, ran) in &runs {
        finds.unless(ran.starts == 1, || {
            format!("{} started {} times as {key:?}", ran.label, ran.starts)
        });
        let Some(effect) = effects.get(key) else {
            continue;
        };
        let of_try = (ran.label, effect.try_number);
        if let Some(before) = over.get(&of_try) {
            finds.unless(false, || {
                format!("{} ran again as {key:?}; {before:?} was over", ran.label)
            });
        }
        let repeatable = matches!(effect.known, Known::Unknown { repeat: true });
        if !repeatable {
            over.insert(of_try, *key);
        }
    }
}

pub(super) fn really_done(evidence: &Evidence, finds: &mut Finds<'_>) {
    let effects = of_ledger(evidence);
    let runs = of_log(evidence);
    for (key, effect) in &effects {
        match effect.known {
            Known::Finished => {
                let counts = runs.get(key).map(|ran| (ran.starts, ran.ends));
                finds.unless(counts == Some((1, 1)), || {
                    format!("{key:?} is finished; starts and ends in the log: {counts:?}")
                });
            }
            Known::Open => finds.unless(false, || format!("{key:?} was never judged")),
            Known::Refused | Known::Unknown { .. } => {}
        }
    }
    // A task that completed did all of its calls, in some try.
    let done: Vec<&str> = runs
        .iter()
        .filter(|(key, _)| {
            effects
                .get(*key)
                .is_some_and(|e| e.known == Known::Finished)
        })
        .map(|(_, ran)| ran.label)
        .collect();
    for task in &evidence.plan.tasks {
        if task.ending.status() != "completed" {
            continue;
        }
        for call in task.calls() {
            finds.unless(done.contains(&call.label.as_str()), || {
                format!("{} completed without {}", task.id, call.label)
            });
        }
    }
}

pub(super) fn output(evidence: &Evidence, finds: &mut Finds<'_>) {
    let runs = of_log(evidence);
    let calls = evidence.plan.calls();
    for (task, stream) in evidence.streams() {
        for (at, event) in stream.iter().enumerate() {
            let finished = event.is("EFFECT_FINISHED");
            let (Some(fence), Some(number), true) =
                (event.fence(), event.number("effect"), finished)
            else {
                continue;
            };
            let Some(ran) = runs.get(&(task, fence, number)) else {
                continue;
            };
            let said = said_before(&stream[..at], fence, event.number("tool-call"));
            let wanted = calls[ran.label].1.output();
            finds.unless(said == wanted, || {
                format!("{} said {wanted:?}, on record is {said:?}", ran.label)
            });
        }
    }
}

fn said_before(events: &[&Event], fence: u64, call: Option<u64>) -> String {
    let of_call = events.iter().filter(|event| {
        event.body["type"] == "tool-output"
            && event.fence() == Some(fence)
            && event.number("call") == call
            && event.body["stream"] == "stdout"
    });
    of_call
        .filter_map(|event| event.body["text"].as_str())
        .collect()
}

pub(super) fn gates(evidence: &Evidence, finds: &mut Finds<'_>) {
    let streams = evidence.streams();
    for task in &evidence.plan.tasks {
        let Work::Tools { gates, .. } = &task.work else {
            continue;
        };
        let stream = streams.get(task.id.as_str()).map_or(&[][..], Vec::as_slice);
        for (number, gate) in (0..).zip(gates) {
            let of_gate = |word| {
                let lines = evidence.log.iter();
                lines
                    .filter(|line| line.label == gate.label && line.word == word)
                    .count()
            };
            let (starts, ends) = (of_gate(Word::Start), of_gate(Word::End));
            let (chances, verdicts) = chances(stream, number);
            finds.unless(starts <= chances, || {
                format!(
                    "{} was checked {starts} times, {chances} were due",
                    gate.label
                )
            });
            finds.unless(verdicts <= ends, || {
                format!(
                    "{} has {verdicts} verdicts, its tool ended {ends} times",
                    gate.label
                )
            });
            let completed = task.ending.status() == "completed";
            finds.unless(!completed || verdicts > 0, || {
                format!("{} completed without {}", task.id, gate.label)
            });
        }
    }
}

/// How often a gate was due, and how often it got its verdict.
fn chances(stream: &[&Event], gate: u64) -> (usize, usize) {
    let (mut chances, mut verdicts, mut has_verdict) = (0, 0, false);
    for event in stream {
        if event.is("TASK_VALIDATING") {
            has_verdict = false;
            chances += 1;
        } else if event.is("VALIDATION_RESUMED") && !has_verdict {
            chances += 1;
        } else if event.is("GATE_FINISHED") && event.number("gate") == Some(gate) {
            has_verdict = true;
            verdicts += 1;
        }
    }
    (chances, verdicts)
}
