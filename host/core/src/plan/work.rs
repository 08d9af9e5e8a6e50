//! What a task's work is, in the long form and in the short ones that people write:
//! `"plugin": "…"`, `"tool": "pytest:test"`, `"manual": "…"`, `"approval": "…"`.
//!
//! Never: a task of two kinds, a key that belongs to another kind.

use jsonc_parser::ast::{Object, Value as Node};
use serde_json::{Map, Value, json};

use super::read::{read_map, tool_and_template};
use super::shape::Problems;
use super::text::{as_text, get, key_span, span, to_json};
use super::{Candidate, MAX_LISTED, Work};
use crate::durable::AdapterId;
use crate::tool::{TemplateId, ToolId};

/// The plugin that runs a declared tool.
pub(super) const COMMAND: &str = "command";

/// Keys of which a task has exactly one: it says what the work is.
pub(super) const FORMS: [&str; 5] = ["plugin", "tool", "manual", "approval", "kind"];

/// The further keys of each form.
const PLUGIN_KEYS: [&str; 3] = ["adapter", "inputs", "fallback"];
const TOOL_KEYS: [&str; 6] = ["slots", "directory", "env", "stdin", "adapter", "fallback"];
const PERSON_KEYS: [&str; 1] = ["expires"];
const KIND_KEYS: [&str; 5] = [
    "candidates",
    "inputs",
    "instructions",
    "question",
    "expires",
];

/// Reads the work of a task; `others` are the task's keys that do not depend on it.
pub(super) fn read_work<'s>(
    problems: &Problems<'_, 's>,
    object: &Object<'s>,
    others: &[&str],
) -> Option<Work> {
    let mut forms = FORMS
        .iter()
        .copied()
        .filter(|form| get(object, form).is_some());
    let Some(form) = forms.next() else {
        let place = span(object).start;
        let message = "the task does not say what its work is";
        let help = format!("add one of: {}", FORMS.join(", "));
        problems.report(place..place + 1, "no-work", message, help);
        unknown_keys(problems, object, others, None);
        return None;
    };
    if let Some(second) = forms.next() {
        let place = get(object, second).map_or(0..0, span);
        let message = format!("the task has both `{form}` and `{second}`");
        problems.report(place, "two-works", message, "keep one, or make two tasks");
        return None;
    }
    let node = get(object, form)?;
    let before = problems.count();
    let (keys, work): (&[&str], Option<Work>) = match form {
        "plugin" => (&PLUGIN_KEYS, plugin_form(problems, object)),
        "tool" => (&TOOL_KEYS, tool_form(problems, object)),
        "manual" => (
            &PERSON_KEYS,
            person(problems, object, "manual", "instructions", node),
        ),
        "approval" => (
            &PERSON_KEYS,
            person(problems, object, "approval", "question", node),
        ),
        _ => {
            let keys = kind_keys(as_text(node).unwrap_or_default());
            (keys, long_form(problems, object, node))
        }
    };
    unknown_keys(problems, object, others, Some((form, keys)));
    work.filter(|_| problems.count() == before)
}

/// Notes keys that a task of this form does not have.
fn unknown_keys(
    problems: &Problems<'_, '_>,
    object: &Object<'_>,
    others: &[&str],
    form: Option<(&str, &[&str])>,
) {
    let every = [&PLUGIN_KEYS[..], &TOOL_KEYS, &PERSON_KEYS, &KIND_KEYS].concat();
    for property in &object.properties {
        let key = property.name.as_str();
        let (form, keys) = form.unwrap_or(("", &[]));
        if others.contains(&key) || FORMS.contains(&key) || keys.contains(&key) {
            continue;
        }
        if every.contains(&key) {
            if form.is_empty() {
                continue;
            }
            let message = format!("`{key}` does not belong to a task with `{form}`");
            let help = format!("remove it; with `{form}` there can be: {}", keys.join(", "));
            problems.report(key_span(property), "misplaced-key", message, help);
            continue;
        }
        problems.unknown(property, &[others, &FORMS, keys].concat());
    }
}

fn kind_keys(kind: &str) -> &'static [&'static str] {
    match kind {
        "plugin" => &["candidates", "inputs"],
        "manual" => &["instructions", "expires"],
        "approval" => &["question", "expires"],
        _ => &KIND_KEYS,
    }
}

/// `"kind": "…"`: as the plan is kept.
fn long_form<'s>(
    problems: &Problems<'_, 's>,
    object: &Object<'s>,
    node: &Node<'s>,
) -> Option<Work> {
    match problems.string(node)? {
        "plugin" => {
            let list = problems.need(object, "candidates", "[{\"plugin\": \"…\"}]")?;
            let list = problems.list(list)?;
            let read = |node| problems.structure(node, &json!({"plugin": "x"}), &[PLUGIN], &[]);
            let candidates = list.iter().filter_map(read).collect();
            let inputs = read_map(problems, object, "inputs").unwrap_or_default();
            Some(Work::Plugin { candidates, inputs })
        }
        "manual" => {
            let text = problems.need(object, "instructions", "\"…\"")?;
            person(problems, object, "manual", "instructions", text)
        }
        "approval" => {
            let text = problems.need(object, "question", "\"…\"")?;
            person(problems, object, "approval", "question", text)
        }
        other => {
            let message = format!("`{}` is no kind of work", crate::excerpt::excerpt(other));
            let help = "write plugin, manual or approval";
            problems.report(span(node), "wrong-value", message, help);
            None
        }
    }
}

const PLUGIN: (&str, &str) = ("plugin", "\"…\"");

/// A manual task or an approval: the same form with another word for the text.
fn person<'s>(
    problems: &Problems<'_, 's>,
    object: &Object<'s>,
    kind: &str,
    field: &str,
    text: &Node<'s>,
) -> Option<Work> {
    problems.string(text)?;
    let mut whole = json!({"kind": kind, field: to_json(text)});
    if let Some(node) = get(object, "expires") {
        let value = to_json(node);
        if !problems.fits::<Work>(&whole, "expires", &value, node) {
            return None;
        }
        if let Some(whole) = whole.as_object_mut() {
            whole.insert("expires".to_owned(), value);
        }
    }
    serde_json::from_value(whole).ok()
}

/// `"plugin": "…"` with `inputs` and `fallback`.
fn plugin_form<'s>(problems: &Problems<'_, 's>, object: &Object<'s>) -> Option<Work> {
    let plugin = get(object, "plugin").and_then(|node| named(problems, node));
    let adapter = read_adapter(problems, object);
    let inputs = read_map(problems, object, "inputs").unwrap_or_default();
    let mut candidates = vec![Candidate {
        plugin: plugin?,
        adapter,
        inputs: None,
    }];
    candidates.extend(read_fallback(problems, object));
    Some(Work::Plugin { candidates, inputs })
}

/// `"tool": "pytest:test"` with `slots` and `fallback`: the command adapter.
fn tool_form<'s>(problems: &Problems<'_, 's>, object: &Object<'s>) -> Option<Work> {
    let mut candidates = vec![read_tool(problems, object)?];
    candidates.extend(read_fallback(problems, object));
    // The tool's inputs are its own: a plugin that steps in would not know them.
    let inputs = Map::new();
    Some(Work::Plugin { candidates, inputs })
}

/// A declared tool as a candidate.
fn read_tool<'s>(problems: &Problems<'_, 's>, object: &Object<'s>) -> Option<Candidate> {
    let (tool, template) = tool_and_template(problems, get(object, "tool")?)?;
    let mut inputs = command_inputs(&tool, &template);
    if let Some(slots) = read_map(problems, object, "slots") {
        inputs.insert("slots".to_owned(), Value::Object(slots));
    }
    if let Some(env) = read_map(problems, object, "env") {
        inputs.insert("env".to_owned(), Value::Object(env));
    }
    if let Some(directory) = get(object, "directory") {
        problems.string(directory)?;
        inputs.insert("cwd".to_owned(), to_json(directory));
    }
    if let Some(stdin) = get(object, "stdin") {
        inputs.insert("stdin".to_owned(), to_json(stdin));
    }
    let adapter = read_adapter(problems, object).or_else(|| adapter_of(tool.as_str()));
    Some(Candidate {
        plugin: COMMAND.to_owned(),
        adapter,
        inputs: Some(inputs),
    })
}

/// Inputs of the command adapter.
pub(super) fn command_inputs(tool: &ToolId, template: &TemplateId) -> Map<String, Value> {
    let pairs = [("tool", tool.as_str()), ("template", template.as_str())];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), Value::String(value.to_owned())));
    pairs.into_iter().collect()
}

/// A tool's name as the name of an adapter; none if it is no legal one.
pub(super) fn adapter_of(tool: &str) -> Option<AdapterId> {
    tool.parse().ok()
}

fn read_adapter<'s>(problems: &Problems<'_, 's>, object: &Object<'s>) -> Option<AdapterId> {
    problems.parsed(get(object, "adapter")?)
}

/// The name of a plugin: any text but an empty one.
fn named<'s>(problems: &Problems<'_, 's>, node: &Node<'s>) -> Option<String> {
    let name = problems.string(node)?;
    if name.is_empty() {
        let help = "write a plugin's id or the path of a .wasm file";
        problems.report(span(node), "wrong-value", "the plugin has no name", help);
        return None;
    }
    Some(name.to_owned())
}

/// Who does the work if the first cannot: `["y", {"plugin": "z", "inputs": {}}]`.
fn read_fallback<'s>(problems: &Problems<'_, 's>, object: &Object<'s>) -> Vec<Candidate> {
    let Some(node) = get(object, "fallback") else {
        return Vec::new();
    };
    let list = problems.list(node).unwrap_or_default();
    if list.len() > MAX_LISTED {
        let message = format!("{} plugins, the limit is {MAX_LISTED}", list.len());
        problems.report(span(node), "too-many", message, "keep the best ones");
        return Vec::new();
    }
    let read = |node: &Node<'s>| match node {
        Node::StringLit(_) => Some(Candidate {
            plugin: named(problems, node)?,
            adapter: None,
            inputs: None,
        }),
        Node::Object(object) if get(object, "tool").is_some() => {
            let keys: Vec<&str> = TOOL_KEYS
                .into_iter()
                .filter(|key| *key != "fallback")
                .collect();
            for property in &object.properties {
                let key = property.name.as_str();
                if key != "tool" && !keys.contains(&key) {
                    problems.unknown(property, &[&["tool"], keys.as_slice()].concat());
                }
            }
            read_tool(problems, object)
        }
        Node::Object(_) => problems.structure(node, &json!({"plugin": "x"}), &[PLUGIN], &[]),
        Node::NumberLit(_) | Node::BooleanLit(_) | Node::Array(_) | Node::NullKeyword(_) => {
            problems.wrong_type(node, "a plugin's name or an object with `plugin` or `tool`");
            None
        }
    };
    list.iter().filter_map(read).collect()
}
