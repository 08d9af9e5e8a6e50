//! Reads typed values out of a [`Text`] and notes every mistake with its place.
//!
//! A type of our own says by its serde form what its fields are called and what fits in them; each
//! field is tried by itself, so that one mistake does not hide the next. Never: the first mistake
//! only, an unknown key that passes.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use jsonc_parser::ast::{Object, ObjectProp, Value as Node};
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde_json::{Map, Value};

use super::text::{Text, as_text, get, key_span, kind, span, to_json};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::excerpt::excerpt;
use crate::nearest::nearest;

/// Most mistakes of one file that are listed: more than anybody mends in one go.
pub(super) const MAX_PROBLEMS: usize = 200;

/// Where the mistakes of one file are collected.
pub(super) struct Problems<'t, 's> {
    text: &'t Text<'s>,
    found: RefCell<Vec<Diagnostic>>,
    unlisted: Cell<usize>,
}

impl<'t, 's> Problems<'t, 's> {
    pub(super) fn new(text: &'t Text<'s>) -> Self {
        Self {
            text,
            found: RefCell::default(),
            unlisted: Cell::new(0),
        }
    }

    /// The text that is read.
    pub(super) fn text(&self) -> &'t Text<'s> {
        self.text
    }

    /// Notes a mistake at these bytes.
    pub(super) fn report(
        &self,
        place: Range<usize>,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if self.found.borrow().len() >= MAX_PROBLEMS {
            self.unlisted.set(self.unlisted.get() + 1);
            return;
        }
        let pointer = self.text.pointer(&place);
        let found = Diagnostic::new(self.text.source(), Some(place), code, message, help);
        self.found.borrow_mut().push(found.with_pointer(pointer));
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.found.borrow().len() + self.unlisted.get()
    }

    /// All of them.
    pub(super) fn into_found(self) -> Vec<Diagnostic> {
        let mut found = self.found.into_inner();
        let unlisted = self.unlisted.get();
        if unlisted > 0 {
            let message = format!("{unlisted} more mistakes are not listed");
            let help = "correct those above first";
            let source = self.text.source();
            let place = Some(source.text().len()..source.text().len());
            found.push(Diagnostic::new(source, place, "more", message, help));
        }
        found
    }

    /// The value, if nothing was noted.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Diagnostics> {
        let text = self.text;
        match (Diagnostics::of(self.into_found()), value) {
            (None, Some(value)) => Ok(value),
            (Some(found), _) => Err(found),
            (None, None) => {
                let (message, help) = ("the file is incomplete", "see docs/plan.md");
                let found = Diagnostic::new(text.source(), None, "incomplete", message, help);
                Err(Diagnostics::one(found))
            }
        }
    }

    /// Notes that something is of another type than it has to be.
    pub(super) fn wrong_type(&self, node: &Node<'_>, expected: &str) {
        let message = format!("this must be {expected}, and is {}", kind(node));
        self.report(
            span(node),
            "wrong-type",
            message,
            format!("write {expected}"),
        );
    }

    /// An object.
    pub(super) fn object<'n>(&self, node: &'n Node<'s>) -> Option<&'n Object<'s>> {
        let object = node.as_object();
        if object.is_none() {
            self.wrong_type(node, "an object");
        }
        object
    }

    /// A list.
    pub(super) fn list<'n>(&self, node: &'n Node<'s>) -> Option<&'n [Node<'s>]> {
        let list = node.as_array();
        if list.is_none() {
            self.wrong_type(node, "a list");
        }
        list.map(|list| list.elements.as_slice())
    }

    /// A text.
    pub(super) fn string<'n>(&self, node: &'n Node<'s>) -> Option<&'n str> {
        let text = as_text(node);
        if text.is_none() {
            self.wrong_type(node, "a text");
        }
        text
    }

    /// A value of an object that has to be there.
    pub(super) fn need<'n>(
        &self,
        object: &'n Object<'s>,
        key: &str,
        example: &str,
    ) -> Option<&'n Node<'s>> {
        let node = get(object, key);
        if node.is_none() {
            let message = format!("`{key}` is missing");
            let help = format!("add `\"{key}\": {example}`");
            // The brace, not the whole object: an excerpt of a long one shows nothing.
            let start = span(object).start;
            self.report(start..start + 1, "missing-key", message, help);
        }
        node
    }

    /// Notes a key that nobody knows.
    pub(super) fn unknown(&self, property: &ObjectProp<'_>, known: &[&str]) {
        let key = excerpt(property.name.as_str());
        let help = match nearest(&key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("remove it; known here: {}", known.join(", ")),
        };
        let message = format!("unknown key `{key}`");
        self.report(key_span(property), "unknown-key", message, help);
    }

    /// A value of a type of our own.
    pub(super) fn parsed<T: DeserializeOwned>(&self, node: &Node<'_>) -> Option<T> {
        match serde_json::from_value(to_json(node)) {
            Ok(value) => Some(value),
            Err(error) => {
                self.misfit(span(node), &error.to_string());
                None
            }
        }
    }

    /// A value of a type of our own with named fields, each tried by itself beside those of `base`,
    /// which is the least that the type needs. `needed` are keys that have to be there, with what
    /// one could write; `apart` are keys that the caller reads by itself.
    pub(super) fn structure<T: DeserializeOwned>(
        &self,
        node: &Node<'s>,
        base: &Value,
        needed: &[(&str, &str)],
        apart: &[&str],
    ) -> Option<T> {
        let object = self.object(node)?;
        let before = self.count();
        let known = field_names::<T>();
        for (key, example) in needed {
            self.need(object, key, example);
        }
        let mut whole = Map::new();
        for property in &object.properties {
            let key = property.name.as_str();
            if !known.contains(&key) {
                self.unknown(property, known);
                continue;
            }
            if apart.contains(&key) {
                continue;
            }
            let value = to_json(&property.value);
            self.fits::<T>(base, key, &value, &property.value);
            whole.insert(key.to_owned(), value);
        }
        if self.count() > before {
            return None;
        }
        match serde_json::from_value(Value::Object(whole)) {
            Ok(value) => Some(value),
            Err(error) => {
                self.misfit(span(node), &error.to_string());
                None
            }
        }
    }

    /// Whether a value fits a field of a type, beside those of `base`.
    pub(super) fn fits<T: DeserializeOwned>(
        &self,
        base: &Value,
        key: &str,
        value: &Value,
        node: &Node<'_>,
    ) -> bool {
        let mut alone = base.as_object().cloned().unwrap_or_default();
        alone.insert(key.to_owned(), value.clone());
        match serde_json::from_value::<T>(Value::Object(alone)) {
            Ok(_) => true,
            Err(error) => {
                self.misfit(span(node), &error.to_string());
                false
            }
        }
    }

    /// Notes what serde or a type of our own says about a value.
    fn misfit(&self, place: Range<usize>, said: &str) {
        let (message, help) = match said.split_once("; ") {
            Some((message, help)) => (message, help.to_owned()),
            None => match said.split_once(", expected ") {
                Some((message, expected)) => (message, format!("write {}", in_words(expected))),
                None => (said, "see docs/plan.md".to_owned()),
            },
        };
        self.report(place, "wrong-value", excerpt(message), help);
    }
}

/// What serde says it expects, as people say it.
fn in_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" => "a text",
        "a map" => "an object",
        "a sequence" => "a list",
        other => other,
    }
}

/// The names of a type's fields, as its serde form says. Empty for a type without named fields.
pub(super) fn field_names<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // It ends with an error in any case: what counts is what the type asked for.
    drop(T::deserialize(FieldNames(&mut names)));
    names
}

/// Notes which fields a type asks for, and gives it nothing.
struct FieldNames<'n>(&'n mut &'static [&'static str]);

impl<'de> Deserializer<'de> for FieldNames<'_> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(Self::Error::custom("only the names are wanted"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
