//! What was found in one file while it became a part of a plan: mistakes, and what was adapted.
//!
//! Never: an adaptation that strict mode lets pass.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use jsonc_parser::ast::{Object, Value as Node};
use serde_json::{Map, Value};

use super::{Adaptation, Mode};
use crate::diagnostic::Diagnostic;
use crate::plan::shape::Problems;
use crate::plan::text::{Text, as_text, get, key_span, span};

/// Most adaptations of one file that are listed.
pub(super) const MAX_ADAPTATIONS: usize = 1_000;

/// Keys with this beginning are remarks for people.
const COMMENT: &str = "_comment";

/// Notes about one file.
pub(super) struct Notes<'t, 's> {
    problems: Problems<'t, 's>,
    mode: Mode,
    adaptations: RefCell<Vec<Adaptation>>,
    unlisted: Cell<usize>,
    comments: RefCell<Vec<Range<usize>>>,
}

impl<'t, 's> Notes<'t, 's> {
    pub(super) fn new(text: &'t Text<'s>, mode: Mode) -> Self {
        Self {
            problems: Problems::new(text),
            mode,
            adaptations: RefCell::default(),
            unlisted: Cell::new(0),
            comments: RefCell::default(),
        }
    }

    /// Where mistakes go.
    pub(super) fn problems(&self) -> &Problems<'t, 's> {
        &self.problems
    }

    /// The file's text.
    pub(super) fn text(&self) -> &'t Text<'s> {
        self.problems.text()
    }

    /// The bytes of the whole file's first character: for what is about all of it.
    pub(super) fn start(&self) -> Range<usize> {
        let start = span(self.text().root()).start;
        start..start + 1
    }

    /// Notes a mistake.
    pub(super) fn wrong(
        &self,
        place: Range<usize>,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.problems.report(place, code, message, help);
    }

    /// Notes that something became another thing, or nothing.
    pub(super) fn adapt(
        &self,
        place: Range<usize>,
        what: impl Into<String>,
        why: impl Into<String>,
    ) {
        let (what, why) = (what.into(), why.into());
        if self.mode == Mode::Strict {
            let help = format!("leave --strict out to let this pass: {why}");
            self.problems.report(place, "adaptation", what, help);
            return;
        }
        if self.adaptations.borrow().len() >= MAX_ADAPTATIONS {
            self.unlisted.set(self.unlisted.get() + 1);
            return;
        }
        let adaptation = Adaptation {
            file: self.text().source().name().to_owned(),
            pointer: self.text().pointer(&place),
            line: self.text().line(&place),
            what,
            why,
        };
        self.adaptations.borrow_mut().push(adaptation);
    }

    /// All adaptations in the order of their places, and all mistakes.
    pub(super) fn finish(self) -> (Vec<Adaptation>, Vec<Diagnostic>) {
        let comments = self.comments.take();
        if let Some(first) = comments.first() {
            let count = comments.len();
            let what = format!("{count} keys that begin with `{COMMENT}` are ignored");
            self.adapt(first.clone(), what, "they are remarks for people");
        }
        let start = self.start();
        let line = self.text().line(&start);
        let file = self.text().source().name().to_owned();
        let mut adaptations = self.adaptations.into_inner();
        adaptations.sort_by_key(|adaptation| adaptation.line);
        let unlisted = self.unlisted.get();
        if unlisted > 0 {
            adaptations.push(Adaptation {
                file,
                pointer: String::new(),
                line,
                what: format!("{unlisted} more adaptations are not listed"),
                why: format!("a list of {MAX_ADAPTATIONS} is as much as anybody reads"),
            });
        }
        (adaptations, self.problems.into_found())
    }

    /// An object of which one takes what one knows.
    pub(super) fn take<'n>(&'n self, object: &'n Object<'s>) -> Take<'n, 't, 's> {
        Take {
            notes: self,
            object,
            asked: RefCell::default(),
        }
    }

    /// A value without places and without remarks.
    pub(super) fn plain(&self, node: &Node<'s>) -> Value {
        match node {
            Node::Object(object) => Value::Object(self.plain_map(object, &[])),
            Node::Array(list) => list.elements.iter().map(|node| self.plain(node)).collect(),
            Node::StringLit(_)
            | Node::NumberLit(_)
            | Node::BooleanLit(_)
            | Node::NullKeyword(_) => crate::plan::text::to_json(node),
        }
    }

    fn plain_map(&self, object: &Object<'s>, without: &[&str]) -> Map<String, Value> {
        let mut map = Map::new();
        for property in &object.properties {
            let key = property.name.as_str();
            if key.starts_with(COMMENT) {
                self.comments.borrow_mut().push(key_span(property));
            } else if !without.contains(&key) {
                map.insert(key.to_owned(), self.plain(&property.value));
            }
        }
        map
    }
}

/// An object, and which of its keys somebody asked for.
pub(super) struct Take<'n, 't, 's> {
    notes: &'n Notes<'t, 's>,
    object: &'n Object<'s>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'n, 't, 's> Take<'n, 't, 's> {
    /// Its first character.
    pub(super) fn place(&self) -> Range<usize> {
        let start = span(self.object).start;
        start..start + 1
    }

    /// The value of a key; `null` is as good as nothing.
    pub(super) fn get(&self, key: &'static str) -> Option<&'n Node<'s>> {
        self.asked.borrow_mut().push(key);
        get(self.object, key).filter(|node| node.as_null_keyword().is_none())
    }

    /// The value of the first of these keys that is there.
    pub(super) fn first(&self, keys: &[&'static str]) -> Option<&'n Node<'s>> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// A text. A number becomes one: ids are written either way.
    pub(super) fn text(&self, keys: &[&'static str]) -> Option<(String, Range<usize>)> {
        let node = self.first(keys)?;
        match node {
            Node::StringLit(text) => Some((text.value.clone().into_owned(), span(node))),
            Node::NumberLit(number) => Some((number.value.to_owned(), span(node))),
            Node::BooleanLit(_) | Node::Object(_) | Node::Array(_) | Node::NullKeyword(_) => {
                self.notes.problems.wrong_type(node, "a text");
                None
            }
        }
    }

    /// A whole number of this range.
    pub(super) fn number(&self, keys: &[&'static str], least: u64, most: u64) -> Option<u64> {
        let node = self.first(keys)?;
        let number = crate::plan::text::to_json(node).as_u64();
        let fitting = number.filter(|number| (least..=most).contains(number));
        if fitting.is_none() {
            let message = "this is not a whole number of the range".to_owned();
            let help = format!("write a number from {least} to {most}");
            self.notes.wrong(span(node), "wrong-value", message, help);
        }
        fitting
    }

    /// True or false.
    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        let node = self.get(key)?;
        if node.as_boolean_lit().is_none() {
            self.notes.problems.wrong_type(node, "true or false");
        }
        node.as_boolean_lit().map(|flag| flag.value)
    }

    /// An object.
    pub(super) fn object(&self, key: &'static str) -> Option<Take<'n, 't, 's>> {
        let object = self.notes.problems.object(self.get(key)?)?;
        Some(self.notes.take(object))
    }

    /// A list. Something else than a list is taken for the only element of one.
    pub(super) fn list(&self, keys: &[&'static str]) -> Vec<&'n Node<'s>> {
        let Some(node) = self.first(keys) else {
            return Vec::new();
        };
        match node {
            Node::Array(list) => list.elements.iter().collect(),
            Node::StringLit(_) | Node::Object(_) => {
                let what = "a single value is taken for a list of one";
                self.notes
                    .adapt(span(node), what, "the format has a list here");
                vec![node]
            }
            Node::NumberLit(_) | Node::BooleanLit(_) | Node::NullKeyword(_) => {
                self.notes.problems.wrong_type(node, "a list");
                Vec::new()
            }
        }
    }

    /// A list of texts; anything else in it is a mistake.
    pub(super) fn texts(&self, keys: &[&'static str]) -> Vec<(String, Range<usize>)> {
        let list = self.list(keys);
        let text = |node: &Node<'s>| {
            if as_text(node).is_none() {
                self.notes.problems.wrong_type(node, "a text");
            }
            Some((as_text(node)?.to_owned(), span(node)))
        };
        list.into_iter().filter_map(text).collect()
    }

    /// Everything that nobody asked for, without remarks. What is kept and does nothing is said.
    pub(super) fn rest(&self, silent: &[&str]) -> Map<String, Value> {
        let asked = self.asked.borrow();
        let rest = self.notes.plain_map(self.object, &asked);
        let said: Vec<&str> = rest
            .keys()
            .map(String::as_str)
            .filter(|key| !silent.contains(key))
            .collect();
        if !said.is_empty() {
            let what = format!("kept as metadata only: {}", said.join(", "));
            let why = "remit does nothing by it";
            self.notes.adapt(self.place(), what, why);
        }
        rest
    }
}
