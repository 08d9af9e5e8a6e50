//! Workstreams: the bundle with tasks in words, with steps, or with phases of steps.
//!
//! Never: a workstream that counts as done before what it accepts by was looked at.

use std::ops::Range;

use jsonc_parser::ast::Value as Node;
use serde_json::{Map, Value, json};

use super::Known;
use super::draft::{Draft, Place, blank};
use super::facts::{Checks, attempts_of, priority, seconds};
use super::notes::{Notes, Take};
use super::queue::read_run;
use super::worker::{Offer, by_hand, plugin_work};
use crate::excerpt::excerpt;
use crate::plan::Work;
use crate::quantity::TimeSpan;
use crate::retry::RetryPolicy;

/// What a workstream says for all its steps.
struct Stream<'r, 't, 's> {
    file: usize,
    notes: &'r Notes<'t, 's>,
    known: &'r Known,
    scope: usize,
    id: String,
    tool: Option<(String, Range<usize>)>,
    files: Vec<String>,
    retry: Option<RetryPolicy>,
    timeout: Option<TimeSpan>,
    priority: i32,
    conflict_group: Option<String>,
}

/// What a workstream has to do, and what it accepts by.
struct Parts<'n, 's> {
    title: Option<String>,
    tasks: Vec<&'n Node<'s>>,
    steps: Vec<&'n Node<'s>>,
    phases: Vec<&'n Node<'s>>,
    acceptance: Vec<&'n Node<'s>>,
    gates: Vec<&'n Node<'s>>,
}

impl Parts<'_, '_> {
    /// Whether it is one task, described in words.
    fn is_flat(&self) -> bool {
        let words =
            self.tasks.is_empty() || !self.tasks.iter().all(|task| task.as_object().is_some());
        self.steps.is_empty() && self.phases.is_empty() && words
    }
}

/// Where the steps of a workstream are collected.
#[derive(Default)]
struct Steps {
    names: Vec<String>,
    tasks: Vec<usize>,
    checks: Checks,
}

/// Reads a workstream.
pub(super) fn read(draft: &mut Draft, file: usize, notes: &Notes<'_, '_>, known: &Known) {
    let Some(object) = notes.text().root().as_object() else {
        return;
    };
    let take = notes.take(object);
    read_run(draft, file, &take);
    let named = take.text(&["id", "workstream_id", "ws_id"]);
    let Some((id, bytes)) = named else {
        notes.problems().need(object, "id", "\"ws-…\"");
        return;
    };
    let place = Place { file, bytes };
    let stream = stream(draft, file, notes, known, &take, id);
    let mut steps = Steps::default();
    let title = take.text(&["title", "name", "description", "objective"]);
    let parts = Parts {
        title: title.map(|(title, _)| title),
        tasks: take.list(&["tasks"]),
        steps: take.list(&["steps"]),
        phases: take.list(&["phases"]),
        acceptance: take.list(&["acceptance_tests", "acceptance"]),
        gates: take.list(&["test_gates"]),
    };
    let needs = take.texts(&["depends_on", "dependencies"]);
    for node in &parts.acceptance {
        steps.checks.read(notes, known, node);
    }
    for node in &parts.gates {
        steps.checks.read_typed(notes, node);
    }
    if parts.is_flat() {
        stream.flat(draft, &parts, &mut steps, &place);
    } else {
        for node in parts.steps.iter().chain(&parts.tasks) {
            stream.step(draft, node, &[], &mut steps);
        }
        stream.phases(draft, &parts.phases, &mut steps);
    }
    stream.last_gates(draft, &mut steps);
    let kept = take.rest(&[
        "doc_id",
        "openspec_change",
        "ccpm_issue",
        "gate",
        "files_create",
    ]);
    stream.finish(draft, steps, &needs, kept, &place);
}

fn stream<'r, 't, 's>(
    draft: &mut Draft,
    file: usize,
    notes: &'r Notes<'t, 's>,
    known: &'r Known,
    take: &Take<'_, '_, '_>,
    id: String,
) -> Stream<'r, 't, 's> {
    let mut order = take.get("priority");
    if let Some(metadata) = take.object("metadata")
        && order.is_none()
    {
        order = metadata.get("priority");
    }
    let order = priority(notes, order);
    let retry = take.object("circuit_breaker").and_then(|breaker| {
        let retry = attempts_of(&breaker, "max_attempts");
        breaker.rest(&[]);
        retry
    });
    let mut timeout = seconds(take, &["timeout_seconds", "timeout"]);
    if let Some(execution) = take.object("execution") {
        timeout = timeout.or(seconds(
            &execution,
            &["timeout_per_step", "timeout_seconds"],
        ));
        if let Some(most) = execution.number(&["max_workers", "max_parallel"], 1, u64::MAX) {
            draft.parallel(most);
        }
        if execution.flag("parallel") == Some(false) {
            draft.parallel(1);
        }
        execution.rest(&[]);
    }
    if take.flag("parallel_ok") == Some(false) {
        let what = "one task of the run is worked on at a time";
        notes.adapt(take.place(), what, "`parallel_ok` is false");
        draft.parallel(1);
    }
    Stream {
        scope: draft.scope(&id),
        tool: take.text(&["tool"]),
        files: take
            .texts(&["files_scope"])
            .into_iter()
            .map(|(file, _)| file)
            .collect(),
        conflict_group: take.text(&["conflict_group"]).map(|(group, _)| group),
        priority: order,
        file,
        notes,
        known,
        id,
        retry,
        timeout,
    }
}

impl<'s> Stream<'_, '_, 's> {
    /// The work of a step: by its own tool or the workstream's, or by a person.
    fn work(
        &self,
        tool: Option<(String, Range<usize>)>,
        place: Range<usize>,
        prompt: String,
        files: Vec<String>,
    ) -> Option<Work> {
        match tool.or_else(|| self.tool.clone()) {
            None => Some(by_hand(self.notes, place, prompt)),
            Some(tool) => {
                let offer = Offer {
                    prompt,
                    files,
                    ..Offer::default()
                };
                plugin_work(self.notes, self.known, &[tool], &offer)
            }
        }
    }

    /// A workstream that is one task.
    fn flat(&self, draft: &mut Draft, parts: &Parts<'_, 's>, steps: &mut Steps, place: &Place) {
        let prompt = prompt(self.notes, parts.title.as_deref(), &parts.tasks);
        if prompt.is_empty() {
            let help = "add `tasks`: what is to be done, in words";
            let (place, message) = (place.bytes.clone(), "the workstream has nothing to do");
            self.notes.wrong(place, "no-work", message, help);
            return;
        }
        let files = self.files.clone();
        let Some(work) = self.work(None, place.bytes.clone(), prompt, files) else {
            return;
        };
        let mut spec = blank(work);
        spec.title.clone_from(&parts.title);
        self.add(draft, &self.id, place.clone(), spec, steps);
    }

    fn add(
        &self,
        draft: &mut Draft,
        name: &str,
        place: Place,
        mut spec: crate::plan::TaskSpec,
        steps: &mut Steps,
    ) -> usize {
        spec.priority = self.priority;
        spec.retry = spec.retry.or(self.retry);
        spec.timeout = spec.timeout.or(self.timeout);
        spec.conflict_group = spec.conflict_group.or_else(|| self.conflict_group.clone());
        let task = draft.add(self.scope, name, place, spec);
        steps.names.push(name.to_owned());
        steps.tasks.push(task);
        task
    }

    /// A step, after those that it needs and these.
    fn step(
        &self,
        draft: &mut Draft,
        node: &Node<'s>,
        after: &[(String, Range<usize>)],
        steps: &mut Steps,
    ) -> Option<usize> {
        let notes = self.notes;
        let object = notes.problems().object(node)?;
        let take = notes.take(object);
        let named = take.text(&["id", "step_id", "task_id"]);
        let (name, bytes) = named.unwrap_or_else(|| {
            let name = format!("{}-step-{}", self.id, steps.tasks.len() + 1);
            notes.adapt(
                take.place(),
                format!("the step is called `{name}`"),
                "it has no id",
            );
            (name, take.place())
        });
        let title = take.text(&["title", "name", "description"]);
        let tasks = take.list(&["tasks"]);
        let mut text = prompt(
            notes,
            title.as_ref().map(|(title, _)| title.as_str()),
            &tasks,
        );
        if text.is_empty() {
            text = name.clone();
        }
        let own = take.texts(&["files_scope", "files"]);
        let files = match own.is_empty() {
            true => self.files.clone(),
            false => own.into_iter().map(|(file, _)| file).collect(),
        };
        let work = self.work(take.text(&["tool"]), take.place(), text, files)?;
        let mut spec = blank(work);
        spec.title = title.map(|(title, _)| title);
        spec.timeout = seconds(&take, &["timeout_seconds", "timeout"]);
        if let Some(breaker) = take.object("circuit_breaker") {
            spec.retry = attempts_of(&breaker, "max_attempts");
        }
        let mut checks = Checks::default();
        for node in take.list(&["acceptance_tests"]) {
            checks.read(notes, self.known, node);
        }
        spec.gates = std::mem::take(&mut checks.gates);
        let open = checks.open.iter().map(|check| format!("{name}: {check}"));
        steps.checks.open.extend(open);
        let needs = take.texts(&["depends_on", "dependencies"]);
        spec.metadata = take.rest(&[]);
        spec.metadata
            .insert("workstream".to_owned(), json!({"id": self.id}));
        let place = Place {
            file: self.file,
            bytes,
        };
        let task = self.add(draft, &name, place, spec, steps);
        for (name, bytes) in needs.iter().chain(after) {
            draft.need(
                task,
                name,
                Place {
                    file: self.file,
                    bytes: bytes.clone(),
                },
            );
        }
        Some(task)
    }

    /// Phases: each step of one comes after all steps of those that it needs.
    fn phases(&self, draft: &mut Draft, phases: &[&Node<'s>], steps: &mut Steps) {
        for node in phases {
            let Some(object) = self.notes.problems().object(node) else {
                continue;
            };
            let take = self.notes.take(object);
            let needs = take.texts(&["depends_on"]);
            let own = take.list(&["steps", "tasks"]);
            if own.is_empty() {
                let help = "add `steps`";
                self.notes
                    .wrong(take.place(), "no-work", "the phase has nothing to do", help);
            }
            let mut members = Vec::new();
            for node in own {
                members.extend(self.step(draft, node, &needs, steps));
            }
            if let Some((name, _)) = take.text(&["id", "phase_id"]) {
                draft.group(Some(self.scope), &name, members);
            }
            take.text(&["name"]);
            take.text(&["description"]);
            drop(take.rest(&[]));
        }
    }

    /// Gates of the whole workstream are those of its last step.
    fn last_gates(&self, draft: &mut Draft, steps: &mut Steps) {
        let gates = std::mem::take(&mut steps.checks.gates);
        if let Some(task) = steps.tasks.last().and_then(|task| draft.task(*task)) {
            task.gates.extend(gates);
        }
    }

    fn finish(
        &self,
        draft: &mut Draft,
        steps: Steps,
        needs: &[(String, Range<usize>)],
        kept: Map<String, Value>,
        place: &Place,
    ) {
        let mut facts = kept;
        facts.insert("id".to_owned(), Value::String(self.id.clone()));
        facts.insert("files-scope".to_owned(), self.files.clone().into());
        if let Some(task) = steps.tasks.first().and_then(|task| draft.task(*task)) {
            task.metadata
                .insert("workstream".to_owned(), Value::Object(facts));
        }
        for task in &steps.tasks {
            for (name, bytes) in needs {
                let bytes = bytes.clone();
                draft.need_outside(
                    *task,
                    name,
                    Place {
                        file: self.file,
                        bytes,
                    },
                );
            }
        }
        let mut members = steps.tasks.clone();
        members.extend(
            steps
                .checks
                .ask(draft, self.scope, &self.id, place, &steps.names),
        );
        draft.group(None, &self.id, members);
    }
}

/// What is to be done, in words.
fn prompt<'s>(notes: &Notes<'_, 's>, title: Option<&str>, tasks: &[&Node<'s>]) -> String {
    let mut text = title.unwrap_or_default().to_owned();
    for node in tasks {
        let Some(task) = notes.problems().string(node) else {
            continue;
        };
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str("- ");
        text.push_str(task);
    }
    text
}

/// Workstreams that are needed and that no file has: a person is asked whether they are done.
/// Anything else that is needed and not there is a mistake.
pub(super) fn ask_for_others(draft: &mut Draft, notes: &[Notes<'_, '_>]) {
    for open in draft.open_needs() {
        let Some(notes) = notes.get(open.place.file) else {
            continue;
        };
        let (name, bytes) = (excerpt(&open.name), open.place.bytes.clone());
        if !open.outside {
            let message = format!("it needs `{name}`, which is in none of the files");
            let help = "correct the name, or name the file that has it, too";
            notes.wrong(bytes, "unknown-task", message, help);
            continue;
        }
        // Somebody else needed it, too, and it is asked for already.
        if draft.is_group(&open.name) {
            continue;
        }
        let what = format!("a person is asked whether `{name}` is done");
        let why = "it is needed, and in none of the files; name its file, too, to have it run";
        notes.adapt(bytes, what, why);
        let question = format!("Is `{name}` done? It is not a part of this run.");
        let work = Work::Approval {
            question,
            expires: None,
        };
        let own = draft.scope("others");
        let asked = draft.add(own, &open.name, open.place, blank(work));
        draft.group(None, &open.name, vec![asked]);
    }
}
