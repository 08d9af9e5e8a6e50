//! Looks for what must never have happened, in a history and in what tools really did.
//!
//! Never: a word of the executor believed; only entries and the world outside.

use std::collections::{BTreeMap, BTreeSet};

use remit_core::durable::{Entry, LedgerEvent, Stream};
use remit_ledger::MemoryLedger;

use crate::effects::Effect;

/// What is wrong, in words; empty if nothing is.
pub(crate) fn check(entries: &[Entry], effects: &[Effect]) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Err(refusal) = MemoryLedger::replay(entries) {
        wrong.push(format!("the history does not replay: {refusal}"));
    }
    let mut tasks: BTreeMap<String, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        if let Stream::Task(_, task) = entry.stream() {
            tasks.entry(task.to_string()).or_default().push(entry);
        }
    }
    for (task, entries) in &tasks {
        let of: Vec<&Effect> = effects
            .iter()
            .filter(|effect| effect.task == *task)
            .collect();
        check_task(task, entries, &of, &mut wrong);
    }
    check_ends(entries, &mut wrong);
    wrong
}

fn check_task(task: &str, entries: &[&Entry], effects: &[&Effect], wrong: &mut Vec<String>) {
    let ends = entries.iter().filter(|entry| is_end(&entry.event)).count();
    if ends != 1 {
        wrong.push(format!("task {task} has {ends} ends"));
    }
    let mut fences = BTreeSet::new();
    let mut committed = BTreeSet::new();
    let mut finished: BTreeSet<u32> = BTreeSet::new();
    for entry in entries {
        match &entry.event {
            LedgerEvent::TaskStarted { fence, .. } => {
                if fences.last().is_some_and(|last| last >= fence) {
                    wrong.push(format!("task {task}: fence {fence} is not larger"));
                }
                fences.insert(*fence);
            }
            LedgerEvent::AttemptEnded { fence, .. } if !committed.insert(*fence) => {
                wrong.push(format!("task {task}: two ends of the attempt {fence}"));
            }
            LedgerEvent::EffectFinished { effect, .. } => {
                finished.insert(*effect);
            }
            LedgerEvent::EffectStarted { effect, .. } if finished.contains(effect) => {
                wrong.push(format!("task {task}: finished effect {effect} again"));
            }
            LedgerEvent::TaskRetry { .. } => finished.clear(),
            _ => {}
        }
    }
    for one in effects {
        for other in effects {
            let ended = one.ended.unwrap_or(one.began);
            if one.fence < other.fence && other.began < ended {
                wrong.push(format!(
                    "task {task}: tools of attempts {} and {} at the same time",
                    one.fence, other.fence
                ));
            }
        }
    }
}

fn check_ends(entries: &[Entry], wrong: &mut Vec<String>) {
    let of_run: Vec<&Entry> = entries.iter().filter(|entry| entry.run.is_some()).collect();
    let is_last = |entry: &&&Entry| entry.event.word() == "EXECUTION_FINISHED";
    let count = of_run.iter().filter(is_last).count();
    if count != 1 || of_run.last().is_none_or(|entry| !is_last(&entry)) {
        wrong.push(format!(
            "EXECUTION_FINISHED is there {count} times, or not last"
        ));
    }
}

fn is_end(event: &LedgerEvent) -> bool {
    matches!(
        event,
        LedgerEvent::TaskCompleted
            | LedgerEvent::TaskFailed { .. }
            | LedgerEvent::TaskTimeout { .. }
            | LedgerEvent::TaskCanceled { .. }
            | LedgerEvent::TaskSkipped { .. }
            | LedgerEvent::TaskBlocked { .. }
    )
}
