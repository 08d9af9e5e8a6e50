//! Reads inputs field by field, and finds every problem at once.
//!
//! A typed `serde` struct stops at the first field that does not fit. [`Fields`] goes on: each
//! reader returns what is there and notes what is wrong with it, by JSON pointer, and
//! [`Fields::finish`] notes what nobody asked for.
//!
//! Never: a default for something that was said and is wrong.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// One thing that is wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// JSON pointer (RFC 6901) to it; empty for the whole.
    pub path: String,
    /// Stable kebab-case word for programs.
    pub code: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Everything that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems(Vec<Wrong>);

impl Problems {
    /// Nothing is wrong.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a problem.
    pub fn add(&mut self, path: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.0.push(Wrong {
            path: path.into(),
            code,
            message: message.into(),
        });
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems, in the order in which they were found.
    pub fn all(&self) -> &[Wrong] {
        &self.0
    }

    /// The value if nothing is wrong.
    ///
    /// # Errors
    /// The problems. If there is neither a value nor a problem, one that says so.
    pub fn check<T>(mut self, value: Option<T>) -> Result<T, Vec<Wrong>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            Some(_) => Err(self.0),
            None => {
                if self.0.is_empty() {
                    self.add("", "missing", "something that is needed is missing");
                }
                Err(self.0)
            }
        }
    }
}

/// A JSON pointer with one more part, escaped as RFC 6901 wants.
pub fn pointer(at: &str, part: &str) -> String {
    format!("{at}/{}", part.replace('~', "~0").replace('/', "~1"))
}

/// What a JSON value is, for people.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// An object whose fields are read one by one.
pub struct Fields<'a> {
    at: String,
    map: &'a Map<String, Value>,
    asked: BTreeSet<&'static str>,
}

impl<'a> Fields<'a> {
    /// Reads an object at a place; notes it if it is none.
    pub fn of(value: &'a Value, at: &str, problems: &mut Problems) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Self {
                at: at.to_owned(),
                map,
                asked: BTreeSet::new(),
            }),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => {
                problems.add(
                    at,
                    "type",
                    format!("must be an object, not {}", kind(value)),
                );
                None
            }
        }
    }

    /// Where a field is.
    pub fn place(&self, name: &str) -> String {
        pointer(&self.at, name)
    }

    /// A field, whatever it is.
    pub fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.asked.insert(name);
        self.map.get(name)
    }

    /// Notes a field that is needed and not there.
    pub fn require(&mut self, name: &'static str, problems: &mut Problems) {
        if self.value(name).is_none() {
            problems.add(&self.at, "required", format!("`{name}` is needed"));
        }
    }

    fn read<T>(
        &mut self,
        name: &'static str,
        wanted: &str,
        problems: &mut Problems,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.value(name)?;
        let found = read(value);
        if found.is_none() {
            problems.add(
                self.place(name),
                "type",
                format!("must be {wanted}, not {}", kind(value)),
            );
        }
        found
    }

    /// A text.
    pub fn text(&mut self, name: &'static str, problems: &mut Problems) -> Option<&'a str> {
        self.read(name, "a string", problems, Value::as_str)
    }

    /// Yes or no.
    pub fn flag(&mut self, name: &'static str, problems: &mut Problems) -> Option<bool> {
        self.read(name, "true or false", problems, Value::as_bool)
    }

    /// A whole number from 0.
    pub fn count(&mut self, name: &'static str, problems: &mut Problems) -> Option<u64> {
        self.read(name, "a whole number from 0", problems, Value::as_u64)
    }

    /// A number.
    pub fn number(
        &mut self,
        name: &'static str,
        problems: &mut Problems,
    ) -> Option<&'a serde_json::Number> {
        self.read(name, "a number", problems, |value| match value {
            Value::Number(number) => Some(number),
            Value::Null
            | Value::Bool(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => None,
        })
    }

    /// A list.
    pub fn list(&mut self, name: &'static str, problems: &mut Problems) -> Option<&'a [Value]> {
        self.read(name, "a list", problems, |value| {
            value.as_array().map(Vec::as_slice)
        })
    }

    /// A list of texts; notes each member that is none.
    pub fn texts(&mut self, name: &'static str, problems: &mut Problems) -> Option<Vec<&'a str>> {
        let list = self.list(name, problems)?;
        let mut all = Vec::with_capacity(list.len());
        for (index, value) in list.iter().enumerate() {
            match value.as_str() {
                Some(text) => all.push(text),
                None => problems.add(
                    pointer(&self.place(name), &index.to_string()),
                    "type",
                    format!("must be a string, not {}", kind(value)),
                ),
            }
        }
        Some(all)
    }

    /// An object.
    pub fn object(&mut self, name: &'static str, problems: &mut Problems) -> Option<Fields<'a>> {
        let at = self.place(name);
        self.value(name)
            .and_then(|value| Fields::of(value, &at, problems))
    }

    /// The value of one of several words; a problem lists them.
    pub fn word<T: Copy>(
        &mut self,
        name: &'static str,
        all: &[(&'static str, T)],
        problems: &mut Problems,
    ) -> Option<T> {
        let word = self.text(name, problems)?;
        let found = all.iter().find(|(known, _)| *known == word);
        if found.is_none() {
            let known: Vec<&str> = all.iter().map(|(known, _)| *known).collect();
            problems.add(
                self.place(name),
                "enum",
                format!("`{word}` is not one of {}", known.join(", ")),
            );
        }
        found.map(|(_, value)| *value)
    }

    /// A path below the workspace.
    pub fn path(
        &mut self,
        name: &'static str,
        problems: &mut Problems,
    ) -> Option<crate::path::SafePath> {
        let text = self.text(name, problems)?;
        crate::path::SafePath::parse(text)
            .map_err(|rule| problems.add(self.place(name), rule.code(), rule.to_string()))
            .ok()
    }

    /// Notes every field that nobody asked for: at the object, as JSON Schema does it, so that a
    /// host that has said so already does not say it twice.
    pub fn finish(&self, problems: &mut Problems) {
        for name in self.map.keys() {
            if !self.asked.contains(name.as_str()) {
                let message = format!("`{name}` means nothing here");
                problems.add(&self.at, "unknown", message);
            }
        }
    }
}

/// Parses JSON text.
///
/// # Errors
/// One problem that says where the text stops being JSON.
pub fn parse(text: &str) -> Result<Value, Vec<Wrong>> {
    serde_json::from_str(text).map_err(|error| {
        vec![Wrong {
            path: String::new(),
            code: "json",
            message: error.to_string(),
        }]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_found_at_once() {
        let value = serde_json::json!({
            "name": 5, "deep": {"on": "yes"}, "kind": "c", "where": "../x", "list": ["a", 1],
            "a/b~": 1, "number": "5",
        });
        let mut problems = Problems::new();
        let mut fields = Fields::of(&value, "", &mut problems).unwrap();
        fields.text("name", &mut problems);
        let mut deep = fields.object("deep", &mut problems).unwrap();
        deep.flag("on", &mut problems);
        fields.word("kind", &[("a", 1), ("b", 2)], &mut problems);
        fields.path("where", &mut problems);
        fields.texts("list", &mut problems);
        fields.count("number", &mut problems);
        fields.require("missing", &mut problems);
        fields.finish(&mut problems);
        let found: Vec<(&str, &str)> = problems
            .all()
            .iter()
            .map(|wrong| (wrong.path.as_str(), wrong.code))
            .collect();
        assert_eq!(
            found,
            [
                ("/name", "type"),
                ("/deep/on", "type"),
                ("/kind", "enum"),
                ("/where", "relative-path"),
                ("/list/1", "type"),
                ("/number", "type"),
                ("", "required"),
                ("", "unknown"),
            ]
        );
        assert_eq!(problems.check(Some(())).unwrap_err().len(), 8);
    }

    #[test]
    fn pointers_are_escaped() {
        assert_eq!(pointer("/x", "a/b~"), "/x/a~1b~0");
    }

    #[test]
    fn what_is_right_is_read() {
        let value = serde_json::json!({"name": "x", "kind": "b", "where": "a/./b"});
        let mut problems = Problems::new();
        let mut fields = Fields::of(&value, "", &mut problems).unwrap();
        assert_eq!(fields.text("name", &mut problems), Some("x"));
        assert_eq!(
            fields.word("kind", &[("a", 1), ("b", 2)], &mut problems),
            Some(2)
        );
        assert_eq!(fields.path("where", &mut problems).unwrap().as_str(), "a/b");
        assert_eq!(fields.flag("absent", &mut problems), None);
        fields.finish(&mut problems);
        assert_eq!(problems.check(Some(7)), Ok(7));
        assert_eq!(
            Problems::new().check::<()>(None).unwrap_err()[0].code,
            "missing"
        );
    }
}
