//! Rules about what happened before, during and after what.
//!
//! Never: a moment by the clock. Order is the place in the log, or in the ledger.

use std::collections::{BTreeMap, HashMap};

use super::{Evidence, Finds};
use crate::history::{Line, Word};

/// Where something begins and ends in the log.
#[derive(Debug, Clone, Copy)]
struct Span {
    first: usize,
    last: usize,
}

impl Span {
    fn with(span: Option<Self>, place: usize) -> Self {
        Self {
            first: span.map_or(place, |span| span.first),
            last: place,
        }
    }
}

/// The task of a label: labels begin with it.
fn task_of(label: &str) -> &str {
    label.split('.').next().unwrap_or(label)
}

/// The lines of each task.
fn by_task(log: &[Line]) -> HashMap<&str, Span> {
    let mut spans = HashMap::new();
    for (place, line) in log.iter().enumerate() {
        let task = task_of(&line.label);
        let span = Span::with(spans.get(task).copied(), place);
        spans.insert(task, span);
    }
    spans
}

pub(super) fn needs(evidence: &Evidence, finds: &mut Finds<'_>) {
    let streams = evidence.streams();
    let place = |task: &str, word: &str| {
        let mut events = streams.get(task)?.iter();
        events.find(|event| event.is(word)).map(|event| event.seq)
    };
    let spans = by_task(&evidence.log);
    for task in &evidence.plan.tasks {
        for need in &task.needs {
            let need = evidence.plan.tasks[*need].id.as_str();
            if let Some(started) = place(&task.id, "TASK_STARTED") {
                let done = place(need, "TASK_COMPLETED");
                finds.unless(done.is_some_and(|done| done < started), || {
                    format!(
                        "{} started at {started}, {need} completed: {done:?}",
                        task.id
                    )
                });
            }
            if let (Some(own), Some(before)) = (spans.get(task.id.as_str()), spans.get(need)) {
                finds.unless(before.last < own.first, || {
                    format!(
                        "a tool of {} ran before the last of {need} had ended",
                        task.id
                    )
                });
            }
        }
    }
}

pub(super) fn groups(evidence: &Evidence, finds: &mut Finds<'_>) {
    let group_of: HashMap<&str, &str> = evidence
        .plan
        .tasks
        .iter()
        .filter_map(|task| Some((task.id.as_str(), task.group.as_deref()?)))
        .collect();
    // An attempt is at work from its first line to its last.
    let mut attempts: BTreeMap<(&str, Option<u64>), Span> = BTreeMap::new();
    let mut lines: BTreeMap<&str, Vec<(usize, &str)>> = BTreeMap::new();
    for (place, line) in evidence.log.iter().enumerate() {
        let task = task_of(&line.label);
        let Some(group) = group_of.get(task) else {
            continue;
        };
        let key = (task, line.fence);
        let span = Span::with(attempts.get(&key).copied(), place);
        attempts.insert(key, span);
        lines.entry(group).or_default().push((place, task));
    }
    for ((task, fence), span) in attempts {
        let group = group_of[task];
        let inside = lines[group]
            .iter()
            .find(|(place, other)| *other != task && span.first < *place && *place < span.last);
        finds.unless(inside.is_none(), || {
            format!("{task} (fence {fence:?}) and {inside:?} of {group} were at work together")
        });
    }
}

pub(super) fn zombies(evidence: &Evidence, finds: &mut Finds<'_>) {
    let mut newest: HashMap<&str, u64> = HashMap::new();
    for line in &evidence.log {
        let Some(fence) = line.fence else { continue };
        let known = newest.entry(task_of(&line.label)).or_default();
        if line.word == Word::Start {
            *known = fence.max(*known);
        }
        finds.unless(fence >= *known, || {
            format!(
                "{} of fence {fence} was at work after fence {known} had begun",
                line.label
            )
        });
    }
}
