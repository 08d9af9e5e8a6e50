//! One setting: its key, its type, its default, and what a value has to keep to.
//!
//! Never: a default that its own rules would refuse.

use regex_lite::Regex;
use remit_plugin_library::validation::{Fields, Problems, pointer};
use serde_json::{Number, Value};

use crate::literal::{Language, value as literal};

/// Most levels of a key.
const MAX_LEVELS: usize = 8;
/// Deepest lists and objects in a default.
const MAX_DEPTH: usize = 16;
/// Most problems that one default is looked through for.
const MAX_FOUND: usize = 8;

/// The type of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    String,
    Integer,
    Float,
    Boolean,
    Array,
    Object,
}

impl Kind {
    pub(crate) const ALL: [(&'static str, Self); 6] = [
        ("string", Self::String),
        ("integer", Self::Integer),
        ("float", Self::Float),
        ("boolean", Self::Boolean),
        ("array", Self::Array),
        ("object", Self::Object),
    ];

    /// Its word in settings.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    /// Its word in JSON Schema, which knows no `float`.
    pub(crate) fn schema_word(self) -> &'static str {
        match self {
            Self::Float => "number",
            Self::String | Self::Integer | Self::Boolean | Self::Array | Self::Object => {
                self.word()
            }
        }
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Float)
    }

    /// A value of this type in the form in which it is written: a float is a float even if it is
    /// whole, an integer an integer even if it was said with a point. Nothing if it is of another
    /// type.
    pub(crate) fn take(self, value: &Value) -> Option<Value> {
        match (self, value) {
            (Self::String, Value::String(_))
            | (Self::Boolean, Value::Bool(_))
            | (Self::Array, Value::Array(_))
            | (Self::Object, Value::Object(_)) => Some(value.clone()),
            (Self::Integer, Value::Number(number)) => whole(number).map(Value::from),
            (Self::Float, Value::Number(number)) => number
                .as_f64()
                .and_then(Number::from_f64)
                .map(Value::Number),
            (
                Self::String
                | Self::Integer
                | Self::Float
                | Self::Boolean
                | Self::Array
                | Self::Object,
                _,
            ) => None,
        }
    }
}

/// A number as an integer, if it is one and fits into 64 bits.
fn whole(number: &Number) -> Option<i64> {
    /// Every whole float up to here is exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    number.as_i64().or_else(|| {
        let float = number.as_f64().filter(|_| number.is_f64())?;
        let exact = float.fract() == 0.0 && float.abs() <= EXACT;
        exact.then(|| format!("{float:.0}").parse().ok()).flatten()
    })
}

/// A setting that can be written in every format.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Setting {
    /// The parts of its key.
    pub(crate) parts: Vec<String>,
    pub(crate) kind: Kind,
    pub(crate) default: Value,
    pub(crate) description: String,
    pub(crate) min: Option<Number>,
    pub(crate) max: Option<Number>,
    pub(crate) pattern: Option<String>,
    pub(crate) choices: Vec<Value>,
    pub(crate) required: bool,
}

impl Setting {
    /// Its key with dots.
    pub(crate) fn key(&self) -> String {
        self.parts.join(".")
    }

    /// Its name as one word of a programming language.
    pub(crate) fn attribute(&self) -> String {
        self.parts.join("_").replace('-', "_")
    }

    /// What a value has to keep to, for people; empty if anything of its type will do.
    pub(crate) fn rules(&self) -> Vec<String> {
        let mut rules = Vec::new();
        rules.extend(self.min.as_ref().map(|min| format!("at least {min}")));
        rules.extend(self.max.as_ref().map(|max| format!("at most {max}")));
        rules.extend(
            self.pattern
                .as_ref()
                .map(|pattern| format!("matches {pattern}")),
        );
        if !self.choices.is_empty() {
            let all: Vec<String> = self
                .choices
                .iter()
                .map(|one| literal(one, Language::Json))
                .collect();
            rules.push(format!("one of {}", all.join(", ")));
        }
        rules
    }

    /// Reads a setting at a place of the inputs.
    pub(crate) fn read(value: &Value, at: &str, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(value, at, problems)?;
        for name in ["key", "type", "default"] {
            fields.require(name, problems);
        }
        let parts = fields
            .text("key", problems)
            .and_then(|key| read_key(key, &fields.place("key"), problems));
        let kind = fields.word("type", &Kind::ALL, problems);
        let description = fields
            .text("description", problems)
            .unwrap_or_default()
            .to_owned();
        let required = fields.flag("required", problems).unwrap_or_default();
        let default = fields.value("default");
        let default_place = fields.place("default");
        let rules = fields.object("validation", problems);
        fields.finish(problems);
        let (parts, kind, said) = (parts?, kind?, default?);
        let Some(default) = kind.take(said) else {
            let message = format!("{said} is no {}", kind.word());
            problems.add(default_place, "type", message);
            return None;
        };
        let mut setting = Self {
            parts,
            kind,
            default,
            description,
            min: None,
            max: None,
            pattern: None,
            choices: Vec::new(),
            required,
        };
        if let Some(mut rules) = rules {
            setting.read_rules(&mut rules, problems);
        }
        if let Some(why) = setting.refuses(&setting.default) {
            problems.add(
                default_place,
                "default",
                format!("the default is not {why}"),
            );
        }
        Some(setting)
    }

    fn read_rules(&mut self, rules: &mut Fields<'_>, problems: &mut Problems) {
        for (name, bound) in [("min", &mut self.min), ("max", &mut self.max)] {
            let Some(number) = rules.number(name, problems) else {
                continue;
            };
            if self.kind.is_number() {
                *bound = Some(number.clone());
            } else {
                let message = format!("`{name}` is for numbers, and this is {}", self.kind.word());
                problems.add(rules.place(name), "not-for-type", message);
            }
        }
        if let (Some(min), Some(max)) = (&self.min, &self.max)
            && min.as_f64() > max.as_f64()
        {
            problems.add(
                rules.place("min"),
                "range",
                format!("{min} is more than `max`, {max}"),
            );
        }
        if let Some(pattern) = rules.text("pattern", problems) {
            if self.kind == Kind::String {
                self.pattern = Some(pattern.to_owned());
            } else {
                let message = format!("`pattern` is for strings, and this is {}", self.kind.word());
                problems.add(rules.place("pattern"), "not-for-type", message);
            }
        }
        if let Some(all) = rules.list("enum", problems) {
            let place = rules.place("enum");
            if all.is_empty() {
                problems.add(&place, "empty", "no value could ever be allowed");
            }
            for (index, one) in all.iter().enumerate() {
                match self.kind.take(one) {
                    Some(one) => self.choices.push(one),
                    None => problems.add(
                        pointer(&place, &index.to_string()),
                        "type",
                        format!("{one} is no {}", self.kind.word()),
                    ),
                }
            }
        }
        rules.finish(problems);
    }

    /// The rule that a value of the type breaks, for people. A pattern that cannot be read here is
    /// left to the loader, whose language knows more of them.
    pub(crate) fn refuses(&self, value: &Value) -> Option<String> {
        let number = value.as_f64();
        let below = |bound: &Number| number < bound.as_f64();
        let above = |bound: &Number| number > bound.as_f64();
        if let Some(min) = self.min.as_ref().filter(|bound| below(bound)) {
            return Some(format!("at least {min}"));
        }
        if let Some(max) = self.max.as_ref().filter(|bound| above(bound)) {
            return Some(format!("at most {max}"));
        }
        if let (Some(pattern), Some(text)) = (&self.pattern, value.as_str())
            && Regex::new(pattern).is_ok_and(|regex| !regex.is_match(text))
        {
            return Some(format!("a match of {pattern}"));
        }
        if !self.choices.is_empty() && !self.choices.contains(value) {
            return Some("one of the allowed values".to_owned());
        }
        None
    }

    /// Notes what of the default a format cannot say.
    pub(crate) fn fits_toml(&self, at: &str, problems: &mut Problems) {
        let mut found = Vec::new();
        holds(&self.default, 0, &mut found);
        for choice in &self.choices {
            holds(choice, 0, &mut found);
        }
        if let Some(why) = found.first() {
            problems.add(pointer(at, "default"), "not-in-toml", *why);
        }
    }
}

/// What of a value TOML has no words for.
fn holds(value: &Value, depth: usize, found: &mut Vec<&'static str>) {
    if depth > MAX_DEPTH {
        found.push("lists and objects are too deep inside each other");
    }
    if found.len() >= MAX_FOUND || depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Null => found.push("TOML has no null"),
        Value::Number(number) if !number.is_f64() && number.as_i64().is_none() => {
            found.push("TOML has no integers of more than 64 bits");
        }
        Value::Array(all) => all.iter().for_each(|one| holds(one, depth + 1, found)),
        Value::Object(map) => map.values().for_each(|one| holds(one, depth + 1, found)),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn read_key(key: &str, place: &str, problems: &mut Problems) -> Option<Vec<String>> {
    let parts: Vec<String> = key.split('.').map(str::to_owned).collect();
    let part = |part: &String| {
        let mut bytes = part.bytes();
        let first = bytes
            .next()
            .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        first && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    if parts.len() > MAX_LEVELS || !parts.iter().all(part) {
        let message = format!(
            "at most {MAX_LEVELS} words with dots between them, each a letter or `_` and then \
             letters, digits, `_` and `-`, for example `detection.min_matches`"
        );
        problems.add(place, "pattern", message);
        return None;
    }
    Some(parts)
}
