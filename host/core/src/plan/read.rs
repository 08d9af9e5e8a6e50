//! Reads a plan in our own format.
//!
//! Never: a mistake without a place, a key that nobody knows and that passes.

use std::sync::Arc;

use jsonc_parser::ast::{Object, Value as Node};
use serde_json::{Map, Value, json};

use super::shape::{Problems, field_names};
use super::text::{Dialect, Text, get, key_span, span, to_json, to_map};
use super::work::{FORMS, read_work};
use super::{
    CheckedPlan, GateSpec, MAX_LISTED, MAX_TASKS, PLAN_FORMAT, Plan, PlanError, RunSettings,
    TaskSpec, Work,
};
use crate::breaker::BreakerSettings;
use crate::diagnostic::{Diagnostics, Source};
use crate::durable::{RunId, TaskId};
use crate::gate::Criteria;
use crate::retry::RetryPolicy;
use crate::tool::{TemplateId, ToolId};

/// Keys of a task that do not depend on what its work is.
const TASK_KEYS: [&str; 10] = [
    "id",
    "title",
    "needs",
    "priority",
    "conflict-group",
    "retry",
    "timeout",
    "on-unknown",
    "gates",
    "metadata",
];

/// Reads a plan in our own format and holds it against itself.
///
/// # Errors
/// Every mistake in it, with bytes, line, column and JSON pointer.
pub fn read_plan(source: &Arc<Source>) -> Result<CheckedPlan, Diagnostics> {
    let text = Text::parse(source, Dialect::Json)?;
    read_text(&text)
}

/// The same for a text that was parsed already.
pub(super) fn read_text(text: &Text<'_>) -> Result<CheckedPlan, Diagnostics> {
    let problems = Problems::new(text);
    let plan = read_root(&problems).and_then(|(plan, places)| check(&problems, plan, &places));
    problems.finish(plan)
}

/// Where the tasks of a plan stand in the text.
struct Places<'n, 's> {
    root: &'n Node<'s>,
    tasks: Vec<&'n Node<'s>>,
    /// Some task has no name that can be read, so that what needs it seems to need nothing.
    nameless: bool,
}

fn read_root<'n, 's>(problems: &Problems<'n, 's>) -> Option<(Plan, Places<'n, 's>)> {
    let root = problems.text().root();
    let object = problems.object(root)?;
    if let Some(format) = problems.need(object, "format", "1")
        && to_json(format) != json!(PLAN_FORMAT)
    {
        let message = format!(
            "the plan's format is {}, this remit reads {PLAN_FORMAT}",
            problems.text().excerpt(&span(format))
        );
        let help = format!("write {PLAN_FORMAT}, or use the remit that the plan was made for");
        problems.report(span(format), "unknown-format", message, help);
    }
    let run = get(object, "run").and_then(|run| problems.parsed::<RunId>(run));
    let settings = read_settings(problems, object);
    let list = problems.need(object, "tasks", "[…]")?;
    let list = problems.list(list)?;
    if list.len() > MAX_TASKS {
        let message = format!("{} tasks, the limit is {MAX_TASKS}", list.len());
        let help = "split it into several plans";
        problems.report(span(root), "too-many", message, help);
        return None;
    }
    let mut tasks = Vec::with_capacity(list.len());
    let mut places = Places {
        root,
        tasks: Vec::with_capacity(list.len()),
        nameless: false,
    };
    for node in list {
        match read_task(problems, node) {
            Some(task) => {
                tasks.push(task);
                places.tasks.push(node);
            }
            None => places.nameless = true,
        }
    }
    let plan = Plan {
        format: PLAN_FORMAT,
        run,
        settings: settings.unwrap_or_default(),
        tasks,
    };
    Some((plan, places))
}

/// What applies to the whole run. Every key is looked at, also those that are none of it.
fn read_settings<'s>(problems: &Problems<'_, 's>, object: &Object<'s>) -> Option<RunSettings> {
    let known = field_names::<RunSettings>();
    let mut whole = Map::new();
    let before = problems.count();
    for property in &object.properties {
        let (key, node) = (property.name.as_str(), &property.value);
        match key {
            "format" | "run" | "tasks" => continue,
            // For editors.
            "$schema" => {
                problems.string(node);
                continue;
            }
            "retry" => drop(problems.structure::<RetryPolicy>(node, &json!({}), &[], &[])),
            "breaker" => drop(problems.structure::<BreakerSettings>(node, &json!({}), &[], &[])),
            "concurrency" => {
                drop(problems.structure::<super::Concurrency>(node, &json!({}), &[], &[]));
            }
            "gates" => drop(read_gates(problems, node)),
            // Set when a plan is submitted, never by a file.
            "workspace" => {
                let (message, help) = ("unknown key `workspace`", "remove it; say it by -C DIR");
                problems.report(key_span(property), "unknown-key", message, help);
            }
            key if known.contains(&key) => {
                problems.fits::<RunSettings>(&json!({}), key, &to_json(node), node);
            }
            _ => {
                let mut all = [&["format", "run", "tasks", "$schema"], known].concat();
                all.retain(|key| *key != "workspace");
                problems.unknown(property, &all);
            }
        }
        whole.insert(key.to_owned(), to_json(node));
    }
    if problems.count() > before {
        return None;
    }
    serde_json::from_value(Value::Object(whole)).ok()
}

/// A task. What could not be read was noted; a task comes back as long as it has a name, so that
/// the plan as a whole can still be looked at.
fn read_task<'s>(problems: &Problems<'_, 's>, node: &Node<'s>) -> Option<TaskSpec> {
    let object = problems.object(node)?;
    let work = read_work(problems, object, &TASK_KEYS);
    let id = problems.need(object, "id", "\"…\"")?;
    let id: TaskId = problems.parsed(id)?;
    let mut task = TaskSpec {
        id,
        title: field(problems, object, "title"),
        work: work.unwrap_or(Work::Manual {
            instructions: String::new(),
            expires: None,
        }),
        needs: Vec::new(),
        priority: field(problems, object, "priority").unwrap_or_default(),
        conflict_group: field(problems, object, "conflict-group"),
        retry: None,
        timeout: field(problems, object, "timeout"),
        on_unknown: field(problems, object, "on-unknown").unwrap_or_default(),
        gates: Vec::new(),
        metadata: read_map(problems, object, "metadata").unwrap_or_default(),
    };
    if let Some(list) = get(object, "needs").and_then(|needs| problems.list(needs)) {
        task.needs = list
            .iter()
            .filter_map(|node| problems.parsed(node))
            .collect();
    }
    if let Some(retry) = get(object, "retry") {
        task.retry = problems.structure::<RetryPolicy>(retry, &json!({}), &[], &[]);
    }
    if let Some(gates) = get(object, "gates") {
        task.gates = read_gates(problems, gates);
    }
    Some(task)
}

/// A field of a type of our own.
fn field<T: serde::de::DeserializeOwned>(
    problems: &Problems<'_, '_>,
    object: &Object<'_>,
    key: &str,
) -> Option<T> {
    get(object, key).and_then(|node| problems.parsed(node))
}

/// A list of gates.
fn read_gates<'s>(problems: &Problems<'_, 's>, node: &Node<'s>) -> Vec<GateSpec> {
    let list = problems.list(node).unwrap_or_default();
    let gates = list.iter().filter_map(|node| read_gate(problems, node));
    gates.collect()
}

fn read_gate<'s>(problems: &Problems<'_, 's>, node: &Node<'s>) -> Option<GateSpec> {
    let base = json!({"kind": "custom", "tool": "a:b"});
    let needed = [("kind", "\"custom\""), ("tool", "\"tool:template\"")];
    let mut gate: Option<GateSpec> = problems.structure(node, &base, &needed, &["criteria"]);
    let object = node.as_object()?;
    if let Some(node) = get(object, "criteria") {
        let criteria = problems.structure::<Criteria>(node, &json!({}), &[], &[]);
        if let (Some(gate), Some(criteria)) = (&mut gate, criteria) {
            gate.criteria = criteria;
        }
    }
    if let Some(tool) = get(object, "tool").filter(|tool| tool.as_string_lit().is_some()) {
        tool_and_template(problems, tool);
    }
    gate
}

/// A tool and a template as `tool:template`.
pub(super) fn tool_and_template<'s>(
    problems: &Problems<'_, 's>,
    node: &Node<'s>,
) -> Option<(ToolId, TemplateId)> {
    let text = problems.string(node)?;
    let Some((tool, template)) = text.split_once(':') else {
        let message = format!("`{}` names no template", crate::excerpt::excerpt(text));
        let help = "write `tool:template`, for example `pytest:test`; `remit tool list` shows them";
        problems.report(span(node), "no-template", message, help);
        return None;
    };
    let noted = |error: &dyn std::fmt::Display| {
        let said = error.to_string();
        let (message, help) = said.split_once("; ").unwrap_or((&said, "write a name"));
        problems.report(span(node), "wrong-value", message, help);
    };
    let tool = tool.parse().map_err(|error| noted(&error)).ok();
    let template = template.parse().map_err(|error| noted(&error)).ok();
    tool.zip(template)
}

/// Holds the plan against itself, and puts the place to what is wrong.
fn check(problems: &Problems<'_, '_>, plan: Plan, places: &Places<'_, '_>) -> Option<CheckedPlan> {
    let errors = match CheckedPlan::new(plan) {
        Ok(plan) => return Some(plan),
        Err(errors) => errors,
    };
    for error in errors {
        // What seems to be missing may be the one without a readable name.
        if places.nameless && matches!(error, PlanError::Missing { .. }) {
            continue;
        }
        let (place, code, help) = place_of(&error, places);
        problems.report(place, code, error.to_string(), help);
    }
    None
}

fn place_of(
    error: &PlanError,
    places: &Places<'_, '_>,
) -> (std::ops::Range<usize>, &'static str, String) {
    let root = span(places.root).start;
    let root = root..root + 1;
    let field = |index: usize, key: &str| {
        let task = places.tasks.get(index)?.as_object()?;
        get(task, key)
    };
    let need = |index: usize, name: &str| {
        let list = field(index, "needs")?.as_array()?;
        let named = |node: &&Node<'_>| super::text::as_text(node) == Some(name);
        list.elements.iter().find(named).map(span)
    };
    match error {
        PlanError::Twice { index, .. } => (
            field(*index, "id").map_or(root, span),
            "duplicate-task",
            "give each task its own name".to_owned(),
        ),
        PlanError::Missing { needs, index, .. } => (
            need(*index, needs.as_str()).unwrap_or(root),
            "unknown-task",
            "correct the name, or add the task".to_owned(),
        ),
        PlanError::Cycle(cycle) => {
            let next = cycle.names.get(1).or(cycle.names.first());
            let first = cycle.nodes.first().copied();
            let place = first.zip(next).and_then(|(first, next)| need(first, next));
            let help = "remove one of these needs".to_owned();
            (place.unwrap_or(root), "circle", help)
        }
        PlanError::TooMany { limit, .. } => (
            root,
            "too-many",
            format!("write at most {limit}; a list of names at most {MAX_LISTED}"),
        ),
        PlanError::Nobody { index, .. } => (
            field(*index, "candidates").map_or(root, span),
            "no-plugin",
            format!("say what the task is by one of: {}", FORMS.join(", ")),
        ),
    }
}

/// An object of inputs or slots.
pub(super) fn read_map<'s>(
    problems: &Problems<'_, 's>,
    object: &Object<'s>,
    key: &str,
) -> Option<Map<String, Value>> {
    let node = get(object, key)?;
    problems.object(node).map(to_map)
}
