//! Rules about the ledger alone, and the results that are derived from it.
//!
//! Never: a look at the tools' log.

use std::collections::{BTreeMap, HashMap};

use super::{Evidence, Finds};

pub(super) fn numbers(evidence: &Evidence, finds: &mut Finds<'_>) {
    let mut last = 0;
    let mut streams: HashMap<(Option<&str>, Option<&str>), u64> = HashMap::new();
    for event in &evidence.events {
        finds.unless(event.seq > last, || {
            format!("{} has seq {} after {last}", event.word, event.seq)
        });
        last = event.seq;
        let key = (event.run.as_deref(), event.task.as_deref());
        let newest = streams.entry(key).or_default();
        finds.unless(event.task_seq == *newest + 1, || {
            format!(
                "{key:?}: {} follows {newest}: {}",
                event.task_seq, event.word
            )
        });
        *newest = event.task_seq;
    }
}

pub(super) fn one_end(evidence: &Evidence, finds: &mut Finds<'_>) {
    let streams = evidence.streams();
    for task in &evidence.plan.tasks {
        let Some(stream) = streams.get(task.id.as_str()) else {
            finds.unless(false, || format!("{} has no events", task.id));
            continue;
        };
        let ends = stream.iter().filter(|event| event.is_terminal()).count();
        finds.unless(ends == 1, || format!("{} has {ends} ends", task.id));
        let last = stream.last().is_some_and(|event| event.is_terminal());
        finds.unless(last, || format!("{}'s end is not its last event", task.id));
    }
    finds.unless(streams.len() == evidence.plan.tasks.len(), || {
        format!("{} tasks have events", streams.len())
    });
}

pub(super) fn right_end(evidence: &Evidence, finds: &mut Finds<'_>) {
    let streams = evidence.streams();
    for task in &evidence.plan.tasks {
        let ends = streams.get(task.id.as_str()).into_iter().flatten();
        for end in ends.filter(|event| event.is_terminal()) {
            finds.unless(end.is(task.ending.event()), || {
                format!("{} ended by {}", task.id, end.body)
            });
        }
    }
}

pub(super) fn attempts(evidence: &Evidence, finds: &mut Finds<'_>) {
    for (task, stream) in evidence.streams() {
        let (mut attempt, mut fence) = (0, 0);
        for event in stream {
            let starts = event.is("TASK_STARTED");
            if !starts && !event.is("VALIDATION_RESUMED") {
                continue;
            }
            if starts {
                let found = event.number("attempt");
                finds.unless(found == Some(attempt + 1), || {
                    format!("{task}: attempt {found:?} follows {attempt}")
                });
                attempt = found.unwrap_or(attempt);
            }
            let found = event.fence().unwrap_or(0);
            finds.unless(found > fence, || {
                format!("{task}: fence {found} follows {fence}")
            });
            fence = found;
        }
    }
}

pub(super) fn fences(evidence: &Evidence, finds: &mut Finds<'_>) {
    for (task, stream) in evidence.streams() {
        let mut newest = 0;
        for event in stream {
            let Some(fence) = event.fence() else { continue };
            if event.is("TASK_STARTED") || event.is("VALIDATION_RESUMED") {
                newest = fence;
            }
            finds.unless(fence == newest, || {
                format!(
                    "{task}: {} of fence {fence} at seq {}, the newest is {newest}",
                    event.word, event.seq
                )
            });
        }
    }
}

pub(super) fn hosts(evidence: &Evidence, finds: &mut Finds<'_>) {
    let mut newest = 0;
    for event in &evidence.events {
        let Some(epoch) = event.number("epoch") else {
            continue;
        };
        if event.is("HOST_STARTED") {
            finds.unless(epoch > newest, || {
                format!("host {epoch} begins after host {newest}")
            });
            newest = epoch;
        }
        finds.unless(epoch == newest, || {
            format!(
                "{} by host {epoch} at seq {}, after host {newest} began",
                event.word, event.seq
            )
        });
    }
}

pub(super) fn finished(evidence: &Evidence, finds: &mut Finds<'_>) {
    let ends: Vec<_> = evidence
        .of_run()
        .filter(|event| event.is("EXECUTION_FINISHED"))
        .collect();
    finds.unless(ends.len() == 1, || {
        format!("EXECUTION_FINISHED is there {} times", ends.len())
    });
    let last = evidence.of_run().last();
    finds.unless(
        last.is_some_and(|event| event.is("EXECUTION_FINISHED")),
        || format!("the last event is {:?}", last.map(|event| &event.word)),
    );
    let completed = evidence
        .of_run()
        .filter(|event| event.is("TASK_COMPLETED"))
        .count() as u64;
    let rest = evidence.plan.tasks.len() as u64 - completed.min(evidence.plan.tasks.len() as u64);
    for end in ends {
        let counts = (end.number("completed"), end.number("not-completed"));
        finds.unless(counts == (Some(completed), Some(rest)), || {
            format!("EXECUTION_FINISHED says {counts:?}, the events ({completed}, {rest})")
        });
    }
}

pub(super) fn results(evidence: &Evidence, finds: &mut Finds<'_>) {
    let results = &evidence.results;
    let rows = results["results"].as_array().map_or(&[][..], Vec::as_slice);
    let mut by_task: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows {
        let (task, status) = (row["task_id"].as_str(), row["status"].as_str());
        by_task
            .entry(task.unwrap_or("?"))
            .or_default()
            .push(status.unwrap_or("?"));
    }
    for task in &evidence.plan.tasks {
        let found = by_task.remove(task.id.as_str()).unwrap_or_default();
        finds.unless(found == [task.ending.status()], || {
            format!("{} has the results {found:?}", task.id)
        });
    }
    finds.unless(by_task.is_empty(), || {
        format!("results of unknown tasks: {by_task:?}")
    });
    let completed = |task: &&crate::plan::Task| task.ending.status() == "completed";
    let total = evidence.plan.tasks.len() as u64;
    let good = evidence.plan.tasks.iter().filter(completed).count() as u64;
    for (key, wanted) in [
        ("total", total),
        ("succeeded", good),
        ("failed", total - good),
    ] {
        let found = results[key].as_u64();
        finds.unless(found == Some(wanted), || {
            format!("`{key}` is {found:?}, not {wanted}")
        });
    }
}
