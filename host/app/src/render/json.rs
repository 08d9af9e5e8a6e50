//! Runs and tasks as JSON for other programs: kebab-case, words of the ledger.
//!
//! Never: a field that people see and programs cannot.

use remit_core::durable::{Counts, Phase};
use remit_engine::durable::ledger::{RunView, TaskView};
use serde_json::{Map, Value, json};

use super::phase;
use crate::timeline::rfc3339;

/// A run.
pub(crate) fn run(view: &RunView) -> Value {
    json!({
        "run": view.run,
        "phase": view.state.phase,
        "title": view.settings.title,
        "source": view.source,
        "tasks": view.counts.total(),
        "counts": counts(&view.counts),
        "cancel": view.state.cancel,
        "escalations": view.state.escalations,
        "submitted": rfc3339(view.submitted_ms),
        "started": view.started_ms.map(rfc3339),
        "finished": view.finished_ms.map(rfc3339),
    })
}

fn counts(counts: &Counts) -> Map<String, Value> {
    Phase::ALL
        .into_iter()
        .filter(|phase| counts.of(*phase) > 0)
        .map(|phase| (phase.word().to_owned(), Value::from(counts.of(phase))))
        .collect()
}

/// A task.
pub(crate) fn task(view: &TaskView, now_ms: u64) -> Value {
    let state = &view.state;
    let of_task = state.question.map(|(question, expires_ms)| {
        json!({
            "kind": question,
            "expires": expires_ms.map(rfc3339),
            "answer": state.answer,
        })
    });
    let of_attempt = state.asked.as_ref().map(|asked| {
        json!({
            "kind": asked.question,
            "expires": asked.expires_ms.map(rfc3339),
            "answer": null,
            "number": asked.number,
            "text": asked.text,
        })
    });
    let question = of_attempt.or(of_task);
    json!({
        "run": view.run,
        "task": view.spec.id,
        "index": state.index,
        "title": view.spec.title,
        "phase": state.phase,
        "adapter": view.adapter,
        "attempts": state.attempt,
        "crashes": state.crashes,
        "not-before": (state.not_before_ms > 0).then(|| rfc3339(state.not_before_ms)),
        "cancel": state.cancel,
        "question": question,
        "last": state.last,
        "queued": rfc3339(view.queued_ms),
        "started": view.started_ms.map(rfc3339),
        "ended": view.ended_ms.map(rfc3339),
        "duration-ms": phase::taken(view, now_ms),
    })
}
