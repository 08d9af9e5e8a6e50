//! One instance: taken out of its wrapper, its placeholders and near misses understood.
//!
//! Never: a guess about a value that somebody meant. `example_language` is nobody's value;
//! `pyhton` is, and stays for the pattern to refuse.

use serde_json::{Map, Value};

use super::{Findings, Mode};
use crate::report::is_document;
use crate::validation::{kind, pointer};

/// What stands for a value that an instance does not have.
#[derive(Debug, Clone, Copy)]
pub enum Repair {
    /// Leave it out; the pattern has a default.
    LeaveOut,
    /// The pattern's own choice for a word that is needed.
    Word(&'static str),
}

/// One input of a pattern, as far as imports have to know it.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// The words that it may be; empty if it is no word.
    pub words: &'static [&'static str],
    /// Whether it is true or false.
    pub flag: bool,
    /// Whether it has to be there.
    pub required: bool,
    /// What stands for a placeholder.
    pub placeholder: Repair,
}

impl Field {
    /// A needed value that is no word.
    pub const fn needed(name: &'static str) -> Self {
        Self {
            name,
            words: &[],
            flag: false,
            required: true,
            placeholder: Repair::LeaveOut,
        }
    }

    /// A value that is no word and may be absent.
    pub const fn optional(name: &'static str) -> Self {
        Self {
            required: false,
            ..Self::needed(name)
        }
    }

    /// True or false, with a default.
    pub const fn flag(name: &'static str) -> Self {
        Self {
            flag: true,
            ..Self::optional(name)
        }
    }

    /// A word with a default.
    pub const fn word(name: &'static str, words: &'static [&'static str]) -> Self {
        Self {
            words,
            ..Self::optional(name)
        }
    }

    /// A needed word, and the one that stands for a placeholder.
    pub const fn needed_word(
        name: &'static str,
        words: &'static [&'static str],
        stand_in: &'static str,
    ) -> Self {
        Self {
            words,
            placeholder: Repair::Word(stand_in),
            ..Self::needed(name)
        }
    }
}

/// What a pattern knows of its instances.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// The identifiers under which others know it, `PAT-…`.
    pub patterns: &'static [&'static str],
    /// Its inputs.
    pub fields: &'static [Field],
}

impl Known {
    /// Whether inputs have all that is needed.
    pub fn is_complete(&self, inputs: &Map<String, Value>) -> bool {
        let needed = self.fields.iter().filter(|field| field.required);
        needed
            .into_iter()
            .all(|field| inputs.contains_key(field.name))
    }
}

/// What was made of an instance.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// Inputs of the pattern, and `instance_path` if the instance names another one.
    pub inputs: Map<String, Value>,
    /// Its `doc_id`, if it has one.
    pub document: Option<String>,
}

/// Imports one instance. What is in `over` is said elsewhere and left out.
pub fn instance(
    value: &Value,
    known: &Known,
    over: &Map<String, Value>,
    mode: Mode,
    findings: &mut Findings,
) -> Imported {
    let Value::Object(map) = value else {
        let message = format!("an instance is an object, not {}", kind(value));
        findings.problems.add("", "type", message);
        return Imported::default();
    };
    check_document(map, mode, findings);
    let document = map.get("doc_id").and_then(Value::as_str).map(str::to_owned);
    let (at, inputs) = match map.get("inputs") {
        Some(Value::Object(inputs)) => {
            check_wrapper(map, known, mode, findings);
            ("/inputs", inputs)
        }
        Some(other) => {
            let message = format!("must be an object, not {}", kind(other));
            findings.problems.add("/inputs", "type", message);
            return Imported::default();
        }
        None => {
            check_pattern(map, known, findings);
            ("", map)
        }
    };
    let mut taken = Map::new();
    for (name, value) in inputs {
        let wrapper = at.is_empty() && matches!(name.as_str(), "doc_id" | "pattern_id");
        if wrapper || over.contains_key(name) {
            continue;
        }
        if name == "instance_path" {
            taken.insert(name.clone(), value.clone());
            continue;
        }
        let place = pointer(at, name);
        match known.fields.iter().find(|field| field.name == name) {
            Some(field) => {
                if let Some(value) = take(field, value, &place, mode, findings) {
                    taken.insert(name.clone(), value);
                }
            }
            None => {
                let message = format!("`{name}` means nothing to this pattern and is left out");
                findings.deviation(mode, place, "unknown", message);
            }
        }
    }
    Imported {
        inputs: taken,
        document,
    }
}

fn check_document(map: &Map<String, Value>, mode: Mode, findings: &mut Findings) {
    if let Some(document) = map.get("doc_id")
        && !document.as_str().is_some_and(is_document)
    {
        let message = "a document identifier is `DOC-` and then capitals, digits and hyphens";
        findings.deviation(mode, "/doc_id", "pattern", message);
    }
}

fn check_pattern(map: &Map<String, Value>, known: &Known, findings: &mut Findings) {
    if let Some(pattern) = map.get("pattern_id")
        && !pattern
            .as_str()
            .is_some_and(|id| known.patterns.contains(&id))
    {
        let message = format!(
            "{pattern} is another pattern; this is {}",
            known.patterns.join(", ")
        );
        findings
            .problems
            .add("/pattern_id", "other-pattern", message);
    }
}

fn check_wrapper(map: &Map<String, Value>, known: &Known, mode: Mode, findings: &mut Findings) {
    check_pattern(map, known, findings);
    for name in ["doc_id", "pattern_id"] {
        if !map.contains_key(name) {
            let message = format!("`{name}` is missing; the instance is read all the same");
            findings.deviation(mode, "", "required", message);
        }
    }
    for name in map.keys() {
        match name.as_str() {
            "doc_id" | "pattern_id" | "inputs" => {}
            // Part of the form: what an earlier run gave, and words for people.
            "outputs" | "metadata" => findings.notes.push(super::Note {
                path: pointer("", name),
                code: "not-used",
                message: format!("`{name}` is no input and is not used"),
            }),
            _ => {
                let message = format!("`{name}` is no part of an instance and is left out");
                findings.deviation(mode, pointer("", name), "unknown", message);
            }
        }
    }
}

/// The value of one input, adapted if need be; nothing if it is left out.
fn take(
    field: &Field,
    value: &Value,
    place: &str,
    mode: Mode,
    findings: &mut Findings,
) -> Option<Value> {
    if value.is_null() {
        findings.deviation(mode, place, "null", "null is taken as not given");
        return None;
    }
    let Some(text) = value.as_str() else {
        return Some(value.clone());
    };
    if field.flag {
        return Some(take_flag(text, value, place, mode, findings));
    }
    if field.words.contains(&text) {
        return Some(value.clone());
    }
    let placeholder = text == format!("example_{}", field.name);
    if field.words.is_empty() {
        if placeholder {
            findings.notes.push(super::Note {
                path: place.to_owned(),
                code: "placeholder",
                message: format!("`{text}` looks like a placeholder; it is taken as it is"),
            });
        }
        return Some(value.clone());
    }
    if placeholder {
        let known = field.words.join(", ");
        return match field.placeholder {
            Repair::Word(word) => {
                let message =
                    format!("`{text}` is a placeholder, not one of {known}; taken as `{word}`");
                findings.deviation(mode, place, "placeholder", message);
                Some(Value::from(word))
            }
            Repair::LeaveOut => {
                let message =
                    format!("`{text}` is a placeholder, not one of {known}; the default is taken");
                findings.deviation(mode, place, "placeholder", message);
                None
            }
        };
    }
    let near = field
        .words
        .iter()
        .find(|word| word.eq_ignore_ascii_case(text.trim()));
    if let Some(word) = near {
        findings.deviation(
            mode,
            place,
            "spelling",
            format!("`{text}` is taken as `{word}`"),
        );
        return Some(Value::from(*word));
    }
    Some(value.clone())
}

fn take_flag(text: &str, value: &Value, place: &str, mode: Mode, findings: &mut Findings) -> Value {
    let flag = match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" => true,
        "false" | "no" => false,
        _ => return value.clone(),
    };
    findings.deviation(
        mode,
        place,
        "type",
        format!("the text `{text}` is taken as {flag}"),
    );
    Value::from(flag)
}
