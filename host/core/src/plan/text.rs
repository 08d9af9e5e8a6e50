//! A JSON text whose parts know their place: bytes, line and JSON pointer.
//!
//! The parser of the syntax is a library's; what is added here is what a plan needs: no key twice,
//! no number that this machine cannot hold, limits on size and depth. Pointers are found from the
//! bytes when somebody asks, so that a plan of a million tasks carries none of them around.
//!
//! Never: a value without a place, recursion deeper than [`MAX_DEPTH`].

use std::ops::Range;
use std::sync::Arc;

use jsonc_parser::ast::{Object, ObjectProp, Value as Node};
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::{Map, Number, Value};

use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::excerpt::excerpt;

/// Largest text that is read, in bytes: a million tasks of a short line each.
pub const MAX_PLAN_BYTES: usize = 128 << 20;

/// Deepest nesting. Plans are read again from the ledger, whose reader stops at 128.
pub const MAX_DEPTH: usize = 64;

/// What is let pass beside JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Nothing.
    Json,
    /// Comments, trailing commas, and a key that is written twice: the last one counts.
    Lenient,
}

/// A parsed text.
pub(super) struct Text<'s> {
    source: &'s Arc<Source>,
    root: Node<'s>,
    /// Where each line begins.
    lines: Vec<usize>,
    twice: Vec<Range<usize>>,
}

/// The bytes of a part.
pub(super) fn span(part: &impl Ranged) -> Range<usize> {
    let range = part.range();
    range.start..range.end
}

/// The bytes of a key.
pub(super) fn key_span(property: &ObjectProp<'_>) -> Range<usize> {
    use jsonc_parser::ast::ObjectPropName;
    match &property.name {
        ObjectPropName::String(name) => span(name),
        ObjectPropName::Word(name) => span(name),
    }
}

/// A value of an object. The last one if the key is there twice.
pub(super) fn get<'n, 'a>(object: &'n Object<'a>, key: &str) -> Option<&'n Node<'a>> {
    let mut found = object.properties.iter().rev();
    found
        .find(|property| property.name.as_str() == key)
        .map(|property| &property.value)
}

/// The text of a string.
pub(super) fn as_text<'n>(node: &'n Node<'_>) -> Option<&'n str> {
    node.as_string_lit().map(|text| text.value.as_ref())
}

/// What kind of value it is, for messages.
pub(super) fn kind(node: &Node<'_>) -> &'static str {
    match node {
        Node::StringLit(_) => "a text",
        Node::NumberLit(_) => "a number",
        Node::BooleanLit(_) => "true or false",
        Node::Object(_) => "an object",
        Node::Array(_) => "a list",
        Node::NullKeyword(_) => "null",
    }
}

/// The same value without places.
pub(super) fn to_json(node: &Node<'_>) -> Value {
    match node {
        Node::StringLit(text) => Value::String(text.value.clone().into_owned()),
        // Every number was tried when the text was parsed.
        Node::NumberLit(number) => number.value.parse().map_or(Value::Null, Value::Number),
        Node::BooleanLit(flag) => Value::Bool(flag.value),
        Node::NullKeyword(_) => Value::Null,
        Node::Array(list) => list.elements.iter().map(to_json).collect(),
        Node::Object(object) => Value::Object(to_map(object)),
    }
}

/// The same object without places.
pub(super) fn to_map(object: &Object<'_>) -> Map<String, Value> {
    let properties = object.properties.iter();
    properties
        .map(|property| (property.name.as_str().to_owned(), to_json(&property.value)))
        .collect()
}

impl<'s> Text<'s> {
    /// Parses a text.
    ///
    /// # Errors
    /// It is too large or too deep, or no JSON.
    pub(super) fn parse(source: &'s Arc<Source>, dialect: Dialect) -> Result<Self, Diagnostics> {
        let size = source.text().len();
        if size > MAX_PLAN_BYTES {
            let message = format!("the file has {size} bytes, the limit is {MAX_PLAN_BYTES}");
            let help = "split it into several plans";
            let found = Diagnostic::new(source, None, "file-too-large", message, help);
            return Err(Diagnostics::one(found));
        }
        let lenient = dialect == Dialect::Lenient;
        let options = ParseOptions {
            allow_comments: lenient,
            allow_loose_object_property_names: false,
            allow_trailing_commas: lenient,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        let parsed = parse_to_ast(source.text(), &CollectOptions::default(), &options)
            .map_err(|error| not_json(source, &error))?;
        let Some(root) = parsed.value else {
            let (message, help) = ("the file is empty", "write a plan; see docs/plan.md");
            let found = Diagnostic::new(source, None, "empty", message, help);
            return Err(Diagnostics::one(found));
        };
        let breaks = source.text().bytes().enumerate();
        let breaks = breaks.filter_map(|(at, byte)| (byte == b'\n').then_some(at + 1));
        let mut text = Self {
            source,
            lines: std::iter::once(0).chain(breaks).collect(),
            root: Node::NullKeyword(jsonc_parser::ast::NullKeyword {
                range: root.range(),
            }),
            twice: Vec::new(),
        };
        let mut problems = Vec::new();
        check(&root, 0, source, &mut problems, &mut text.twice);
        text.root = root;
        if dialect == Dialect::Json {
            for span in &text.twice {
                let message = format!("the key {} is there twice", text.excerpt(span));
                let help = "remove one of the two";
                let span = Some(span.clone());
                problems.push(Diagnostic::new(
                    source,
                    span,
                    "duplicate-key",
                    message,
                    help,
                ));
            }
        }
        match Diagnostics::of(problems) {
            None => Ok(text),
            Some(problems) => Err(problems),
        }
    }

    /// What the whole text is.
    pub(super) fn root(&self) -> &Node<'s> {
        &self.root
    }

    /// Where it comes from.
    pub(super) fn source(&self) -> &'s Arc<Source> {
        self.source
    }

    /// Keys that were written twice.
    pub(super) fn twice(&self) -> &[Range<usize>] {
        &self.twice
    }

    /// The line of these bytes, from 1.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.lines.partition_point(|start| *start <= span.start)
    }

    /// The beginning of these bytes as they are written.
    pub(super) fn excerpt(&self, span: &Range<usize>) -> String {
        excerpt(self.source.text().get(span.clone()).unwrap_or_default())
    }

    /// The JSON pointer of the smallest part that holds these bytes.
    pub(super) fn pointer(&self, bytes: &Range<usize>) -> String {
        let holds = |part: &Range<usize>| part.start <= bytes.start && bytes.end <= part.end;
        let mut pointer = String::new();
        let mut node = &self.root;
        loop {
            match node {
                Node::Object(object) => {
                    let properties = &object.properties;
                    let next = properties.partition_point(|p| span(p).end < bytes.end);
                    match properties.get(next).filter(|p| holds(&span(*p))) {
                        Some(property) => {
                            let name = property.name.as_str();
                            pointer.push('/');
                            pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                            node = &property.value;
                        }
                        None => return pointer,
                    }
                }
                Node::Array(list) => {
                    let elements = &list.elements;
                    let next = elements.partition_point(|e| span(e).end < bytes.end);
                    match elements.get(next).filter(|e| holds(&span(*e))) {
                        Some(element) => {
                            pointer.push_str(&format!("/{next}"));
                            node = element;
                        }
                        None => return pointer,
                    }
                }
                Node::StringLit(_)
                | Node::NumberLit(_)
                | Node::BooleanLit(_)
                | Node::NullKeyword(_) => return pointer,
            }
        }
    }
}

/// What is wrong with a text that is no JSON.
fn not_json(source: &Arc<Source>, error: &ParseError) -> Diagnostics {
    let range = error.range();
    let kind = error.kind();
    let (message, help) = if matches!(kind, ParseErrorKind::NestingDepthExceeded) {
        let message = format!("the JSON is nested deeper than {MAX_DEPTH} levels");
        (message, "make it flatter")
    } else {
        let kind = kind.to_string();
        let mut letters = kind.chars();
        let first = letters.next().map(|letter| letter.to_ascii_lowercase());
        let kind: String = first.into_iter().chain(letters).collect();
        (format!("not JSON: {kind}"), "correct the JSON here")
    };
    let size = source.text().len();
    let span = range.start.min(size)..range.end.clamp(range.start.min(size), size);
    let found = Diagnostic::new(source, Some(span), "not-json", message, help);
    Diagnostics::one(found)
}

/// Looks at every part: depth, numbers, keys that are there twice.
fn check(
    node: &Node<'_>,
    depth: usize,
    source: &Arc<Source>,
    problems: &mut Vec<Diagnostic>,
    twice: &mut Vec<Range<usize>>,
) {
    // One is enough: what is too deep usually is so in many places.
    if depth > MAX_DEPTH {
        if problems.is_empty() {
            let message = format!("the JSON is nested deeper than {MAX_DEPTH} levels");
            let place = Some(span(node));
            let found = Diagnostic::new(source, place, "too-deep", message, "make it flatter");
            problems.push(found);
        }
        return;
    }
    match node {
        Node::Object(object) => {
            let mut keys = std::collections::HashSet::with_capacity(object.properties.len());
            for property in &object.properties {
                if !keys.insert(property.name.as_str()) {
                    twice.push(key_span(property));
                }
                check(&property.value, depth + 1, source, problems, twice);
            }
        }
        Node::Array(list) => {
            for element in &list.elements {
                check(element, depth + 1, source, problems, twice);
            }
        }
        Node::NumberLit(number) => {
            if number.value.parse::<Number>().is_err() && problems.is_empty() {
                let message = format!("`{}` is no number that fits", excerpt(number.value));
                let (place, help) = (Some(span(node)), "write a smaller number");
                problems.push(Diagnostic::new(source, place, "bad-number", message, help));
            }
        }
        Node::StringLit(_) | Node::BooleanLit(_) | Node::NullKeyword(_) => {}
    }
}
