//! `workstream_spec.v1` and `dome.work.queue`: lists of tasks that leave it to a router who does
//! them.
//!
//! Never: a tool for a task that nobody has routed; without a router a person does it.

use std::ops::Range;

use jsonc_parser::ast::Value as Node;
use serde_json::json;

use super::Known;
use super::draft::{Draft, Place, blank};
use super::facts::{Checks, attempts_of, priority, seconds};
use super::notes::{Notes, Take};
use super::queue::{Routing, name_of, read_run};
use super::worker::{Offer, by_hand, plugin_work};
use crate::excerpt::excerpt;
use crate::plan::text::{as_text, span};
use crate::plan::{OnFailure, Work};

/// What is the same for all tasks of a file.
struct Reader<'r, 't, 's> {
    file: usize,
    all: &'r [Notes<'t, 's>],
    notes: &'r Notes<'t, 's>,
    known: &'r Known,
    routing: &'r Routing,
    scope: usize,
    id: String,
}

/// Reads a `workstream_spec.v1`.
pub(super) fn read_spec(
    draft: &mut Draft,
    file: usize,
    all: &[Notes<'_, '_>],
    known: &Known,
    routing: &Routing,
) {
    let Some((notes, object)) = all.get(file).and_then(|notes| {
        let object = notes.text().root().as_object()?;
        Some((notes, object))
    }) else {
        return;
    };
    let Some((id, bytes)) = name_of(notes, object, "workstream_id") else {
        return;
    };
    let take = notes.take(object);
    take.text(&["workstream_id"]);
    read_run(draft, file, &take);
    if let Some((title, _)) = take.text(&["name"]) {
        draft.settings.title = Some(title);
    }
    if let Some(concurrency) = take.object("concurrency")
        && let Some(most) = concurrency.number(&["max_parallel"], 1, u64::MAX)
    {
        draft.parallel(most);
    }
    if let Some(handling) = take.object("error_handling") {
        on_failure(draft, notes, &handling);
    }
    let scope = draft.scope(&id);
    let reader = Reader {
        file,
        all,
        notes,
        known,
        routing,
        scope,
        id,
    };
    let mut checks = Checks::default();
    let (mut names, mut tasks) = (Vec::new(), Vec::new());
    for node in take.list(&["tasks"]) {
        if let Some((name, task)) = reader.spec_task(draft, node, &mut checks) {
            names.push(name);
            tasks.push(task);
        }
    }
    if let Some(acceptance) = take.object("acceptance") {
        for node in acceptance.list(&["checks"]) {
            checks.read(notes, known, node);
        }
        acceptance.rest(&[]);
    }
    if let Some(task) = tasks.last().and_then(|task| draft.task(*task)) {
        task.gates.append(&mut checks.gates);
    }
    let kept = take.rest(&["doc_id", "project_id", "phase_id", "objective", "tags"]);
    if let Some(task) = tasks.first().and_then(|task| draft.task(*task)) {
        task.metadata.insert("workstream".to_owned(), kept.into());
    }
    tasks.extend(checks.ask(draft, scope, &reader.id, &Place { file, bytes }, &names));
    draft.group(None, &reader.id, tasks);
}

/// `error_handling.strategy`.
fn on_failure(draft: &mut Draft, notes: &Notes<'_, '_>, take: &Take<'_, '_, '_>) {
    let Some((word, place)) = take.text(&["strategy"]) else {
        return;
    };
    draft.settings.on_failure = match word.as_str() {
        "fail_fast" => OnFailure::FailFast,
        "continue" => OnFailure::Continue,
        "escalate" => OnFailure::Escalate,
        _ => {
            let message = format!("`{}` is no strategy", excerpt(&word));
            notes.wrong(
                place,
                "wrong-value",
                message,
                "write fail_fast, continue or escalate",
            );
            return;
        }
    };
}

impl<'s> Reader<'_, '_, 's> {
    /// The work of a task: by the tool that a router decided on, else by a person.
    fn work(&self, name: &str, place: &Range<usize>, prompt: String) -> Option<Work> {
        if let Some(routed) = self.routing.of(name) {
            let notes = self.all.get(routed.file).unwrap_or(self.notes);
            let offer = Offer {
                prompt,
                ..Offer::default()
            };
            return plugin_work(notes, self.known, routed.tools, &offer);
        }
        if self.routing.is_given() {
            let message = format!("the router has not decided about `{}`", excerpt(name));
            let help = "have the router decide about it; remit does not route";
            self.notes.wrong(place.clone(), "not-routed", message, help);
            return None;
        }
        Some(by_hand(self.notes, place.clone(), prompt))
    }

    fn need(&self, draft: &mut Draft, task: usize, needs: Vec<(String, Range<usize>)>) {
        for (name, bytes) in needs {
            draft.need(
                task,
                &name,
                Place {
                    file: self.file,
                    bytes,
                },
            );
        }
    }

    fn spec_task(
        &self,
        draft: &mut Draft,
        node: &Node<'s>,
        open: &mut Checks,
    ) -> Option<(String, usize)> {
        let notes = self.notes;
        let object = notes.problems().object(node)?;
        let (name, bytes) = name_of(notes, object, "task_id")?;
        let take = notes.take(object);
        take.text(&["task_id"]);
        let title = take.text(&["name", "description"]).map(|(title, _)| title);
        let prompt = title.clone().unwrap_or_else(|| name.clone());
        let mut spec = blank(self.work(&name, &bytes, prompt)?);
        spec.title = title;
        if let Some(execution) = take.object("execution") {
            spec.retry = attempts_of(&execution, "max_attempts");
            spec.timeout = seconds(&execution, &["timeout_seconds"]);
            execution.rest(&[]);
        }
        // The format's default is false: such tasks exclude each other.
        if take.flag("allow_parallel") != Some(true) {
            spec.conflict_group = Some(self.id.clone());
        }
        if let Some(classification) = take.object("classification") {
            spec.priority = priority(notes, classification.get("priority"));
        }
        let mut checks = Checks::default();
        if let Some(acceptance) = take.object("acceptance") {
            for node in acceptance.list(&["checks"]) {
                checks.read(notes, self.known, node);
            }
        }
        spec.gates = checks.gates;
        let of_task = checks.open.iter().map(|check| format!("{name}: {check}"));
        open.open.extend(of_task);
        let needs = take.texts(&["depends_on"]);
        spec.metadata = take.rest(&["kind"]);
        spec.metadata
            .insert("workstream".to_owned(), json!({"id": self.id}));
        let task = draft.add(
            self.scope,
            &name,
            Place {
                file: self.file,
                bytes,
            },
            spec,
        );
        self.need(draft, task, needs);
        Some((name, task))
    }

    fn queued(&self, draft: &mut Draft, node: &Node<'s>) {
        let notes = self.notes;
        let Some(object) = notes.problems().object(node) else {
            return;
        };
        let Some((name, bytes)) = name_of(notes, object, "task_id") else {
            return;
        };
        let take = notes.take(object);
        take.text(&["task_id"]);
        let goal = take
            .text(&["goal", "title", "description"])
            .map(|(goal, _)| goal);
        let prompt = goal.clone().unwrap_or_else(|| name.clone());
        let Some(work) = self.work(&name, &bytes, prompt) else {
            return;
        };
        let mut spec = blank(work);
        spec.title = goal;
        spec.priority = priority(notes, take.get("priority"));
        if let Some(status) = take.get("status")
            && as_text(status) != Some("QUEUED")
        {
            let what = "the task is done again, whatever its status says";
            notes.adapt(span(status), what, "a run begins with nothing done");
        }
        let needs = take.texts(&["dependencies", "depends_on"]);
        spec.metadata = take.rest(&["worker_model", "status"]);
        let task = draft.add(
            self.scope,
            &name,
            Place {
                file: self.file,
                bytes,
            },
            spec,
        );
        self.need(draft, task, needs);
    }
}

/// Reads a `dome.work.queue`.
pub(super) fn read_work_queue(
    draft: &mut Draft,
    file: usize,
    all: &[Notes<'_, '_>],
    known: &Known,
    routing: &Routing,
) {
    let Some((notes, object)) = all.get(file).and_then(|notes| {
        let object = notes.text().root().as_object()?;
        Some((notes, object))
    }) else {
        return;
    };
    let take = notes.take(object);
    read_run(draft, file, &take);
    if let Some(most) = take.number(&["max_workers"], 1, u64::MAX) {
        draft.parallel(most);
    }
    let scope = draft.scope("queue");
    let id = "queue".to_owned();
    let reader = Reader {
        file,
        all,
        notes,
        known,
        routing,
        scope,
        id,
    };
    notes.problems().need(object, "tasks", "[…]");
    for node in take.list(&["tasks"]) {
        reader.queued(draft, node);
    }
    take.text(&["artifact_kind"]);
    take.text(&["version"]);
    let kept = take.rest(&[]);
    drop(kept);
}
