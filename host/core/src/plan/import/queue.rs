//! `task_queue.json` with what a router decided: `routing_decisions.json`, and
//! `adapter_assignments.json`.
//!
//! Never: a tool for a task that the router has not routed.

use std::collections::HashMap;
use std::ops::Range;

use jsonc_parser::ast::Value as Node;
use serde_json::Value;

use super::Known;
use super::draft::{Draft, Place, blank};
use super::facts::{priority, seconds};
use super::notes::{Notes, Take};
use super::worker::{Offer, plugin_work};
use crate::excerpt::excerpt;
use crate::plan::text::{get, span, to_map};

/// What the router decided about a task.
#[derive(Debug, Clone)]
struct Decision {
    file: usize,
    task: Range<usize>,
    /// The selected tool first, then the other candidates in their order.
    tools: Vec<(String, Range<usize>)>,
    kind: Option<String>,
}

/// The tools for a task, the file that names them, and the task's kind.
pub(super) struct Routed<'r> {
    pub(super) tools: &'r [(String, Range<usize>)],
    pub(super) file: usize,
    kind: Option<&'r str>,
}

/// What the routing files say.
#[derive(Debug, Default)]
pub(super) struct Routing {
    decisions: HashMap<String, Decision>,
    order: Vec<String>,
    used: std::cell::RefCell<std::collections::HashSet<String>>,
}

impl Routing {
    /// Whether any routing file was given.
    pub(super) fn is_given(&self) -> bool {
        !self.order.is_empty()
    }

    /// What was decided about a task.
    pub(super) fn of(&self, task: &str) -> Option<Routed<'_>> {
        let decision = self.decisions.get(task)?;
        self.used.borrow_mut().insert(task.to_owned());
        Some(Routed {
            tools: &decision.tools,
            file: decision.file,
            kind: decision.kind.as_deref(),
        })
    }

    /// Reads decisions.
    pub(super) fn read(&mut self, draft: &mut Draft, file: usize, notes: &Notes<'_, '_>) {
        let Some(object) = notes.text().root().as_object() else {
            return;
        };
        let whole = notes.take(object);
        read_run(draft, file, &whole);
        for node in whole.list(&["decisions"]) {
            let Some(object) = notes.problems().object(node) else {
                continue;
            };
            let Some(task) = name_of(notes, object, "task_id") else {
                continue;
            };
            let Some(selected) = name_of(notes, object, "selected_tool") else {
                continue;
            };
            let take = notes.take(object);
            let mut tools = vec![selected];
            for other in take.texts(&["candidates"]) {
                if tools.iter().all(|(name, _)| *name != other.0) {
                    tools.push(other);
                }
            }
            let kind = take.text(&["task_kind"]).map(|(kind, _)| kind);
            self.add(
                notes,
                task,
                Decision {
                    file,
                    task: span(node),
                    tools,
                    kind,
                },
            );
        }
    }

    /// Reads assignments: they count for tasks without a decision.
    pub(super) fn read_assignments(
        &mut self,
        draft: &mut Draft,
        file: usize,
        notes: &Notes<'_, '_>,
    ) {
        let Some(object) = notes.text().root().as_object() else {
            return;
        };
        let whole = notes.take(object);
        read_run(draft, file, &whole);
        for node in whole.list(&["assignments"]) {
            let Some(object) = notes.problems().object(node) else {
                continue;
            };
            let task = name_of(notes, object, "task_id");
            let (Some(task), Some(tool)) = (task, name_of(notes, object, "tool_id")) else {
                continue;
            };
            match self.decisions.get(&task.0) {
                None => {
                    let kind = notes
                        .take(object)
                        .text(&["task_kind"])
                        .map(|(kind, _)| kind);
                    let tools = vec![tool];
                    self.add(
                        notes,
                        task,
                        Decision {
                            file,
                            task: span(node),
                            tools,
                            kind,
                        },
                    );
                }
                Some(known) if known.tools.first().is_some_and(|(name, _)| *name == tool.0) => {}
                Some(_) => {
                    let what = format!("the assignment of `{}` is not used", excerpt(&tool.0));
                    notes.adapt(tool.1, what, "the router's decision selected another tool");
                }
            }
        }
    }

    fn add(&mut self, notes: &Notes<'_, '_>, task: (String, Range<usize>), decision: Decision) {
        let (name, place) = task;
        if self.decisions.insert(name.clone(), decision).is_some() {
            let what = format!(
                "the earlier decision about `{}` is not used",
                excerpt(&name)
            );
            notes.adapt(place, what, "there are several, and the last one counts");
        } else {
            self.order.push(name);
        }
    }

    /// Says which decisions are about tasks that no file has.
    pub(super) fn finish(&self, notes: &[Notes<'_, '_>]) {
        let used = self.used.borrow();
        for name in self.order.iter().filter(|name| !used.contains(*name)) {
            if let Some(decision) = self.decisions.get(name)
                && let Some(notes) = notes.get(decision.file)
            {
                let what = format!("the decision about `{}` is not used", excerpt(name));
                notes.adapt(
                    decision.task.clone(),
                    what,
                    "no file has a task of that name",
                );
            }
        }
    }
}

/// A text of an object that has to be there.
pub(super) fn name_of<'s>(
    notes: &Notes<'_, 's>,
    object: &jsonc_parser::ast::Object<'s>,
    key: &'static str,
) -> Option<(String, Range<usize>)> {
    notes.problems().need(object, key, "\"…\"")?;
    notes.take(object).text(&[key])
}

/// The run that a file names.
pub(super) fn read_run(draft: &mut Draft, file: usize, take: &Take<'_, '_, '_>) {
    if let Some((run, bytes)) = take.text(&["run_id"]) {
        draft.run(&run, Place { file, bytes });
    }
}

/// Reads a task queue.
pub(super) fn read(
    draft: &mut Draft,
    file: usize,
    all: &[Notes<'_, '_>],
    known: &Known,
    routing: &Routing,
) {
    let Some(notes) = all.get(file) else {
        return;
    };
    let list = match notes.text().root() {
        Node::Object(object) => {
            let whole = notes.take(object);
            read_run(draft, file, &whole);
            let list = whole.list(&["tasks"]);
            drop(whole.rest(&[]));
            list
        }
        Node::Array(list) => list.elements.iter().collect(),
        Node::StringLit(_) | Node::NumberLit(_) | Node::BooleanLit(_) | Node::NullKeyword(_) => {
            return;
        }
    };
    let scope = draft.scope("queue");
    // Nobody fixed whether default names begin with 0 or 1; a router that read the queue knows.
    let first = usize::from(!routing.decisions.contains_key("task-0"));
    for (index, node) in list.into_iter().enumerate() {
        let reader = Reader {
            file,
            all,
            notes,
            known,
            routing,
            scope,
        };
        reader.task(draft, node, first + index);
    }
}

struct Reader<'r, 't, 's> {
    file: usize,
    all: &'r [Notes<'t, 's>],
    notes: &'r Notes<'t, 's>,
    known: &'r Known,
    routing: &'r Routing,
    scope: usize,
}

impl<'s> Reader<'_, '_, 's> {
    fn task(&self, draft: &mut Draft, node: &Node<'s>, number: usize) {
        let notes = self.notes;
        let Some(object) = notes.problems().object(node) else {
            return;
        };
        let take = notes.take(object);
        let named = take.text(&["id", "task_id"]);
        let (name, bytes) = named.unwrap_or_else(|| {
            let name = format!("task-{number}");
            notes.adapt(
                take.place(),
                format!("the task is called `{name}`"),
                "it has no id",
            );
            (name, take.place())
        });
        let place = Place {
            file: self.file,
            bytes: bytes.clone(),
        };
        let action = take.text(&["action"]).map(|(action, _)| action);
        let params = take
            .get("params")
            .and_then(|node| notes.problems().object(node));
        let offer = Offer {
            params: Some(params.map(to_map).unwrap_or_default()),
            action: action.clone(),
            ..Offer::default()
        };
        let needs = take.texts(&["dependencies", "depends_on"]);
        let order = priority(notes, take.get("priority"));
        let title = take.text(&["title", "description"]).map(|(title, _)| title);
        let timeout = seconds(&take, &["timeout_seconds"]);
        let own = take.text(&["selected_tool", "tool_id", "tool", "adapter_id"]);
        let decided = self.routing.of(&name);
        let (tools, routed, kind) = match (decided, own) {
            (Some(routed), _) => (routed.tools.to_vec(), routed.file, routed.kind),
            (None, Some(tool)) if !self.routing.is_given() => (vec![tool], self.file, None),
            (None, _) => return self.unrouted(&name, bytes),
        };
        let routed = self.all.get(routed).unwrap_or(notes);
        let Some(work) = plugin_work(routed, self.known, &tools, &offer) else {
            return;
        };
        let mut spec = blank(work);
        spec.title = title.or_else(|| action.clone());
        spec.priority = order;
        spec.timeout = timeout;
        spec.metadata = take.rest(&["task_kind", "status"]);
        let kept = [("action", action.as_deref()), ("task-kind", kind)];
        for (key, value) in kept {
            if let Some(value) = value {
                spec.metadata
                    .insert(key.to_owned(), Value::String(value.to_owned()));
            }
        }
        let task = draft.add(self.scope, &name, place, spec);
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

    /// A task that nobody has routed: refused, not guessed.
    fn unrouted(&self, name: &str, bytes: Range<usize>) {
        let message = format!(
            "nobody has decided which tool does the task `{}`",
            excerpt(name)
        );
        let help = if self.routing.is_given() {
            "have the router decide about it; remit does not route"
        } else {
            "give the router's decisions with it: task_queue.json routing_decisions.json"
        };
        self.notes.wrong(bytes, "not-routed", message, help);
    }
}

/// A routing file without anything that it routes.
pub(super) fn alone(notes: &Notes<'_, '_>) {
    let object = notes.text().root().as_object();
    let list = object.and_then(|object| get(object, "decisions").or(get(object, "assignments")));
    let place = list.map_or_else(
        || notes.start(),
        |list| span(list).start..span(list).start + 1,
    );
    let message = "this says which tool does a task, and not what the task is";
    let help = "give the task queue with it: task_queue.json routing_decisions.json";
    notes.wrong(place, "not-a-plan", message, help);
}
