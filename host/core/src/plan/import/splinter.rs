//! Workstreams with `pre_flight_checks`, `execution_steps` and `acceptance_tests`, each a command.
//!
//! Never: a command that is run because a file says so; it is, if it is exactly what the owner
//! declared, and is words for the file's tool or for a person otherwise.

use std::ops::Range;

use jsonc_parser::ast::{Object, Value as Node};
use serde_json::Value;

use super::Known;
use super::command::understand;
use super::draft::{Draft, Place, blank};
use super::facts::{Checks, attempts};
use super::notes::{Notes, Take};
use super::queue::{name_of, read_run};
use super::worker::{Offer, by_hand, command, plugin_work};
use crate::plan::Work;
use crate::plan::text::{as_text, get};
use crate::retry::{MAX_ATTEMPTS, RetryPolicy};

struct Reader<'r, 't, 's> {
    file: usize,
    notes: &'r Notes<'t, 's>,
    known: &'r Known,
    scope: usize,
    tool: Option<(String, Range<usize>)>,
    files: Vec<String>,
}

/// Reads such a workstream.
pub(super) fn read(draft: &mut Draft, file: usize, notes: &Notes<'_, '_>, known: &Known) {
    let Some(object) = notes.text().root().as_object() else {
        return;
    };
    let Some((id, bytes)) = name_of(notes, object, "id") else {
        return;
    };
    let take = notes.take(object);
    take.text(&["id"]);
    read_run(draft, file, &take);
    let place = Place { file, bytes };
    draft.settings.title = take.text(&["title", "objective"]).map(|(title, _)| title);
    let retry = profile(draft, &take);
    let reader = Reader {
        scope: draft.scope(&id),
        tool: take.text(&["tool"]),
        files: files(&take),
        file,
        notes,
        known,
    };
    let mut names: Vec<String> = Vec::new();
    let mut tasks: Vec<usize> = Vec::new();
    let before = take.list(&["pre_flight_checks"]);
    for node in before.into_iter().chain(take.list(&["execution_steps"])) {
        let Some((name, task)) = reader.step(draft, node, names.last()) else {
            continue;
        };
        names.push(name);
        tasks.push(task);
    }
    if tasks.is_empty() {
        let help = "add `execution_steps`";
        notes.wrong(
            place.bytes.clone(),
            "no-work",
            "the workstream has no steps",
            help,
        );
    }
    let checks = reader.checks(&take);
    let needs = take.texts(&["depends_on", "dependencies"]);
    let kept = take.rest(&["doc_id", "phase_id", "status", "gate"]);
    for task in &tasks {
        for (name, bytes) in &needs {
            draft.need_outside(
                *task,
                name,
                Place {
                    file,
                    bytes: bytes.clone(),
                },
            );
        }
        if let Some(task) = draft.task(*task) {
            task.retry = retry;
        }
    }
    if let Some(task) = tasks.first().and_then(|task| draft.task(*task)) {
        task.metadata
            .insert("workstream".to_owned(), Value::Object(kept));
    }
    if let Some(task) = tasks.last().and_then(|task| draft.task(*task)) {
        task.gates.clone_from(&checks.gates);
    }
    tasks.extend(checks.ask(draft, reader.scope, &id, &place, &names));
    draft.group(None, &id, tasks);
}

/// How it is to be executed: how much at a time, and how often.
fn profile(draft: &mut Draft, take: &Take<'_, '_, '_>) -> Option<RetryPolicy> {
    let profile = take.object("execution_profile")?;
    if let Some(most) = profile.number(&["concurrency"], 1, u64::MAX) {
        draft.parallel(most);
    }
    let again = profile.number(&["retry_attempts"], 0, u64::from(MAX_ATTEMPTS - 1));
    profile.rest(&[]);
    Some(attempts(again? + 1))
}

/// The files that may be changed.
fn files(take: &Take<'_, '_, '_>) -> Vec<String> {
    let Some(scope) = take.object("file_scope") else {
        return Vec::new();
    };
    let mut files: Vec<String> = Vec::new();
    for (file, _) in scope
        .texts(&["modify"])
        .into_iter()
        .chain(scope.texts(&["create"]))
    {
        if !files.contains(&file) {
            files.push(file);
        }
    }
    scope.rest(&[]);
    files
}

impl<'s> Reader<'_, '_, 's> {
    /// A step, after the one before it.
    fn step(
        &self,
        draft: &mut Draft,
        node: &Node<'s>,
        before: Option<&String>,
    ) -> Option<(String, usize)> {
        let object = self.notes.problems().object(node)?;
        let (name, bytes) = name_of(self.notes, object, "id")?;
        let mut spec = blank(self.work(object, &name, &bytes)?);
        spec.title = get(object, "description")
            .and_then(as_text)
            .map(str::to_owned);
        let take = self.notes.take(object);
        for key in ["id", "description", "command"] {
            take.get(key);
        }
        spec.metadata = take.rest(&[]);
        let place = Place {
            file: self.file,
            bytes,
        };
        let task = draft.add(self.scope, &name, place.clone(), spec);
        if let Some(before) = before {
            draft.need(task, before, place);
        }
        Some((name, task))
    }

    fn work(&self, object: &Object<'s>, name: &str, place: &Range<usize>) -> Option<Work> {
        let notes = self.notes;
        let said = get(object, "description").and_then(as_text).unwrap_or(name);
        let Some(node) = get(object, "command") else {
            return self.in_words(place, said.to_owned());
        };
        let text = notes.problems().string(node)?;
        let place = crate::plan::text::span(node);
        match understand(self.known, text) {
            Ok(fit) => {
                let what = format!("the tool `{}:{}` does it", fit.tool, fit.template);
                let why = "these words are exactly what the owner's template gives";
                notes.adapt(place, what, why);
                let candidates = vec![command(&fit.tool, &fit.template, fit.slots)];
                let inputs = serde_json::Map::new();
                Some(Work::Plugin { candidates, inputs })
            }
            Err(why) => {
                let what = format!("not run: {}", crate::excerpt::excerpt(text));
                notes.adapt(place.clone(), what, why);
                let prompt = format!("{said}\nThe file names this command: {text}");
                self.in_words(&place, prompt)
            }
        }
    }

    /// What is to be done, for the file's tool or for a person.
    fn in_words(&self, place: &Range<usize>, prompt: String) -> Option<Work> {
        let Some(tool) = &self.tool else {
            return Some(by_hand(self.notes, place.clone(), prompt));
        };
        let files = self.files.clone();
        let offer = Offer {
            prompt,
            files,
            ..Offer::default()
        };
        plugin_work(self.notes, self.known, std::slice::from_ref(tool), &offer)
    }

    /// What the workstream accepts by.
    fn checks(&self, take: &Take<'_, '_, 's>) -> Checks {
        let mut checks = Checks::default();
        for node in take.list(&["acceptance_tests"]) {
            checks.read(self.notes, self.known, node);
        }
        for node in take.list(&["expected_artifacts"]) {
            let path = node.as_object().and_then(|object| get(object, "path"));
            checks.read(self.notes, self.known, path.unwrap_or(node));
        }
        if let Some(gate) = take.object("completion_gate") {
            for node in gate.list(&["rules"]) {
                checks.read(self.notes, self.known, node);
            }
            gate.rest(&[]);
        }
        checks
    }
}
