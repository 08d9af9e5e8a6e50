//! Who does a task of another program's file: the tool that it names, as a plugin or as a declared
//! tool.
//!
//! Never: a tool that the file does not name, a path as a plugin's name.

use std::ops::Range;

use serde_json::{Map, Value};

use super::Known;
use super::notes::Notes;
use crate::excerpt::excerpt;
use crate::plan::work::{COMMAND, adapter_of, command_inputs};
use crate::plan::{Candidate, MAX_LISTED, Work};
use crate::tool::{Arity, SlotValue, Template, TemplateId, ToolId};

/// Slots that take the words for what is to be done.
const PROMPT_SLOTS: [&str; 7] = [
    "prompt",
    "message",
    "instructions",
    "description",
    "task",
    "text",
    "action",
];
/// Slots that take the files that are worked on.
const FILE_SLOTS: [&str; 3] = ["files", "paths", "file"];

/// What a file says about the work, beside the tool.
#[derive(Debug, Clone, Default)]
pub(super) struct Offer {
    /// In words; empty if the file has none.
    pub(super) prompt: String,
    /// The files that are worked on.
    pub(super) files: Vec<String>,
    /// Named values, which are the plugin's inputs as they are.
    pub(super) params: Option<Map<String, Value>>,
    /// A word that may be the name of a template.
    pub(super) action: Option<String>,
}

/// The work of a task whose file names these tools, the first before the others. Nothing if it
/// was refused.
pub(super) fn plugin_work(
    notes: &Notes<'_, '_>,
    known: &Known,
    tools: &[(String, Range<usize>)],
    offer: &Offer,
) -> Option<Work> {
    if let Some((_, place)) = tools.get(MAX_LISTED) {
        let message = format!("{} tools, the limit is {MAX_LISTED}", tools.len());
        notes.wrong(place.clone(), "too-many", message, "keep the best ones");
        return None;
    }
    let mut candidates: Vec<Candidate> = Vec::with_capacity(tools.len());
    for (tool, place) in tools {
        let candidate = candidate(notes, known, tool, place, offer)?;
        if candidates.contains(&candidate) {
            continue;
        }
        candidates.push(candidate);
    }
    let inputs = offer.inputs();
    (!candidates.is_empty()).then_some(Work::Plugin { candidates, inputs })
}

impl Offer {
    /// Inputs of a plugin.
    fn inputs(&self) -> Map<String, Value> {
        if let Some(params) = &self.params {
            return params.clone();
        }
        let mut inputs = Map::new();
        if !self.prompt.is_empty() {
            inputs.insert("prompt".to_owned(), Value::String(self.prompt.clone()));
        }
        if !self.files.is_empty() {
            inputs.insert("files".to_owned(), self.files.clone().into());
        }
        inputs
    }
}

fn candidate(
    notes: &Notes<'_, '_>,
    known: &Known,
    tool: &str,
    place: &Range<usize>,
    offer: &Offer,
) -> Option<Candidate> {
    let as_plugin = Candidate {
        plugin: tool.to_owned(),
        adapter: None,
        inputs: None,
    };
    // A file of somebody else must not choose code by its path.
    if tool.is_empty() || tool.contains('/') || tool.contains('\\') || tool.ends_with(".wasm") {
        let message = format!("`{}` is no name of a tool or plugin", excerpt(tool));
        let help = "write a plugin's id or a declared tool; paths belong in your own policy";
        notes.wrong(place.clone(), "bad-tool", message, help);
        return None;
    }
    if known.means_plugin(tool) {
        return Some(as_plugin);
    }
    let declared = tool.parse::<ToolId>().ok();
    let declared = declared.and_then(|tool| known.tools.get_key_value(&tool));
    let Some((tool, templates)) = declared else {
        let what = format!(
            "`{}` is kept as the name of a plugin that is not here: a run will say that it is missing",
            excerpt(tool)
        );
        let why = "the file names it, and nothing is guessed in its place";
        notes.adapt(place.clone(), what, why);
        return Some(as_plugin);
    };
    let found = explicit(templates, offer).or_else(|| {
        let fitting = templates.iter();
        let mut fitting = fitting.filter_map(|(id, template)| Some((id, fill(template, offer)?)));
        fitting.next()
    });
    let Some((template, slots)) = found else {
        let names: Vec<&str> = templates.keys().map(TemplateId::as_str).collect();
        let message = format!("no template of the tool `{tool}` fits what the file says");
        let help = format!(
            "name one of its templates as action or `template`, with its slots as params; it has: {}",
            names.join(", ")
        );
        notes.wrong(place.clone(), "no-template", message, help);
        return None;
    };
    let what = format!("the tool `{tool}` does it, by its template `{template}`");
    let why = "it is declared here; the command adapter starts declared tools";
    notes.adapt(place.clone(), what, why);
    Some(command(tool, template, slots))
}

/// A declared tool as a candidate.
pub(super) fn command(
    tool: &ToolId,
    template: &TemplateId,
    slots: Map<String, Value>,
) -> Candidate {
    let mut inputs = command_inputs(tool, template);
    if !slots.is_empty() {
        inputs.insert("slots".to_owned(), Value::Object(slots));
    }
    Candidate {
        plugin: COMMAND.to_owned(),
        adapter: adapter_of(tool.as_str()),
        inputs: Some(inputs),
    }
}

type Templates = std::collections::BTreeMap<TemplateId, Template>;

/// The template that the file names: as a parameter, or by its action.
fn explicit<'k>(
    templates: &'k Templates,
    offer: &Offer,
) -> Option<(&'k TemplateId, Map<String, Value>)> {
    let mut params = offer.params.clone().unwrap_or_default();
    let named = params.remove("template");
    let name = named
        .as_ref()
        .and_then(Value::as_str)
        .or(offer.action.as_deref())?;
    let id: TemplateId = name.parse().ok()?;
    let (id, template) = templates.get_key_value(&id)?;
    let slots = match params.remove("slots") {
        Some(Value::Object(slots)) if params.is_empty() => slots,
        Some(_) => return None,
        None => params,
    };
    fits(template, &slots).then_some((id, slots))
}

/// Values for a template's slots out of what the file says, if all of it has a place there.
fn fill(template: &Template, offer: &Offer) -> Option<Map<String, Value>> {
    // Values that were named belong to the template that was named, or to none.
    if offer.params.is_some() || offer.prompt.is_empty() {
        return None;
    }
    let mut slots = Map::new();
    let mut said = false;
    for slot in template.slots() {
        let name = slot.name().as_str();
        let many = *slot.arity() == Arity::Repeated;
        if PROMPT_SLOTS.contains(&name) && !many && !said {
            slots.insert(name.to_owned(), Value::String(offer.prompt.clone()));
            said = true;
        } else if FILE_SLOTS.contains(&name) && many && !offer.files.is_empty() {
            slots.insert(name.to_owned(), offer.files.clone().into());
        }
    }
    (said && fits(template, &slots)).then_some(slots)
}

/// Whether these values fill the template.
fn fits(template: &Template, slots: &Map<String, Value>) -> bool {
    let one = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let value = |value: &Value| match value {
        Value::Array(values) => values
            .iter()
            .map(one)
            .collect::<Option<_>>()
            .map(SlotValue::Many),
        Value::String(_) | Value::Number(_) | Value::Null | Value::Bool(_) | Value::Object(_) => {
            one(value).map(SlotValue::One)
        }
    };
    let given: Option<Vec<(String, SlotValue)>> = slots
        .iter()
        .map(|(name, given)| Some((name.clone(), value(given)?)))
        .collect();
    given.is_some_and(|given| template.fill(&given).is_ok())
}

/// The work of a task that names nobody.
pub(super) fn by_hand(notes: &Notes<'_, '_>, place: Range<usize>, instructions: String) -> Work {
    let what = "a person does it: the file names no tool for it";
    notes.adapt(place, what, "remit does not choose tools");
    Work::Manual {
        instructions,
        expires: None,
    }
}
