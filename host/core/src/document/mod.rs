//! A typed reader over a TOML text that notes every mistake and every key that nobody asked for.
//!
//! The caller asks a [`Section`] for what it knows; [`Section::finish`] then knows what was not
//! asked for, and that is a mistake: a misspelt `deny` must never be a silent allow. Never: the
//! first mistake only, a default in place of a value that is there but wrong.

mod json;

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use toml_edit::{Item, TableLike, Value};

use crate::diagnostic::{Diagnostic, Diagnostics, Source};

/// Largest text that is read: far beyond what a person writes, small enough to refuse at once.
pub(crate) const MAX_DOCUMENT_BYTES: usize = 1 << 20;

/// A value with the bytes of the file that it came from.
#[derive(Debug, Clone)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

/// Where mistakes of one file are collected.
pub(crate) struct Problems {
    source: Arc<Source>,
    found: RefCell<Vec<Diagnostic>>,
}

impl Problems {
    /// How many were noted so far: what is read between two looks was right if they are equal.
    pub(crate) fn count(&self) -> usize {
        self.found.borrow().len()
    }

    /// Notes a mistake at these bytes.
    pub(crate) fn report(
        &self,
        span: &Range<usize>,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let span = Some(span.clone());
        let diagnostic = Diagnostic::new(&self.source, span, code, message, help);
        self.found.borrow_mut().push(diagnostic);
    }
}

/// Parses a text and lets `read` take from it what it knows. `None` from `read` means that it
/// noted a mistake and could build nothing.
///
/// # Errors
/// The text is too large or not TOML, or `read` or the reader noted mistakes: all of them.
pub(crate) fn read<T>(
    source: &Arc<Source>,
    read: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Result<T, Diagnostics> {
    let (value, found) = attempt(source, read);
    match (Diagnostics::of(found), value) {
        (None, Some(value)) => Ok(value),
        (Some(found), _) => Err(found),
        (None, None) => {
            let help = "compare it with the documented format";
            let message = "the file is incomplete";
            Err(Diagnostics::one(Diagnostic::new(
                source,
                None,
                "incomplete",
                message,
                help,
            )))
        }
    }
}

/// Like [`read`], but hands over what could be built beside the mistakes, so that a reader of
/// several files can go on and find the mistakes of all.
pub(crate) fn attempt<T>(
    source: &Arc<Source>,
    read: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> (Option<T>, Vec<Diagnostic>) {
    let single = |span, code, message: String, help: &str| {
        (
            None,
            vec![Diagnostic::new(source, span, code, message, help)],
        )
    };
    let size = source.text().len();
    if size > MAX_DOCUMENT_BYTES {
        let message = format!("the file has {size} bytes, the limit is {MAX_DOCUMENT_BYTES}");
        return single(None, "file-too-large", message, "split or shorten the file");
    }
    let tree = match toml_edit::Document::parse(source.text()) {
        Ok(tree) => tree,
        Err(error) => {
            let message = error.message().trim().replace('\n', ", ");
            return single(
                error.span(),
                "not-toml",
                message,
                "correct the TOML syntax here",
            );
        }
    };
    let problems = Problems {
        source: Arc::clone(source),
        found: RefCell::default(),
    };
    let mut root = Section {
        problems: &problems,
        table: tree.as_table(),
        span: 0..0,
        name: String::new(),
        asked: Vec::new(),
    };
    let value = read(&mut root);
    root.finish();
    (value, problems.found.into_inner())
}

/// One table of the file.
pub(crate) struct Section<'a> {
    problems: &'a Problems,
    table: &'a dyn TableLike,
    span: Range<usize>,
    name: String,
    asked: Vec<String>,
}

impl<'a> Section<'a> {
    /// Where mistakes go.
    pub(crate) fn problems(&self) -> &'a Problems {
        self.problems
    }

    /// The section's place in the file.
    pub(crate) fn span(&self) -> &Range<usize> {
        &self.span
    }

    /// Whether it has no keys.
    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Notes every key that nobody asked for. To be called last.
    pub(crate) fn finish(&self) {
        for (key, _) in self.table.iter() {
            if self.asked.iter().any(|asked| asked == key) {
                continue;
            }
            let known = self.asked.iter().map(String::as_str);
            let help = match crate::nearest::nearest(key, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if self.asked.is_empty() => "remove it".to_owned(),
                None => {
                    let mut known: Vec<&str> = known.collect();
                    known.sort_unstable();
                    known.dedup();
                    format!("remove it; known here: {}", known.join(", "))
                }
            };
            let message = format!("unknown key `{key}`{}", self.place());
            self.problems
                .report(&self.key_span(key), "unknown-key", message, help);
        }
    }

    /// All keys of a section whose keys are the writer's own names.
    pub(crate) fn keys(&mut self) -> Vec<Spanned<&'a str>> {
        let table = self.table;
        self.asked
            .extend(table.iter().map(|(key, _)| key.to_owned()));
        let spanned = |(key, _): (&'a str, &'a Item)| Spanned {
            value: key,
            span: self.key_span(key),
        };
        table.iter().map(spanned).collect()
    }

    /// A text.
    pub(crate) fn text(&mut self, key: &str) -> Option<Spanned<&'a str>> {
        let item = self.item(key)?;
        match item.value.as_str() {
            Some(value) => Some(Spanned {
                value,
                span: item.span,
            }),
            None => self.wrong_type(key, &item, "a text in quotes"),
        }
    }

    /// A text that must be there; `example` is the line that would be right.
    pub(crate) fn need_text(&mut self, key: &str, example: &str) -> Option<Spanned<&'a str>> {
        self.need(key, example)?;
        self.text(key)
    }

    /// A text that parses.
    pub(crate) fn parsed<T>(&mut self, key: &str, code: &'static str) -> Option<Spanned<T>>
    where
        T: FromStr<Err: Display>,
    {
        let text = self.text(key)?;
        self.parse(&text, code)
    }

    /// A text that must be there and parses.
    pub(crate) fn need_parsed<T>(
        &mut self,
        key: &str,
        code: &'static str,
        example: &str,
    ) -> Option<Spanned<T>>
    where
        T: FromStr<Err: Display>,
    {
        self.need(key, example)?;
        self.parsed(key, code)
    }

    /// A list of texts; absent is `None`, wrong elements are noted and left out.
    pub(crate) fn texts(&mut self, key: &str) -> Option<Vec<Spanned<&'a str>>> {
        let item = self.item(key)?;
        let Some(array) = item.value.as_array() else {
            return self.wrong_type(key, &item, "a list of texts");
        };
        let mut texts = Vec::with_capacity(array.len());
        for value in array {
            let span = value.span().unwrap_or_else(|| item.span.clone());
            match value.as_str() {
                Some(value) => texts.push(Spanned { value, span }),
                None => self.element_type(key, &span, value, "a text in quotes"),
            }
        }
        Some(texts)
    }

    /// A list of texts that parse; absent is empty.
    pub(crate) fn list<T>(&mut self, key: &str, code: &'static str) -> Vec<Spanned<T>>
    where
        T: FromStr<Err: Display>,
    {
        let texts = self.texts(key).unwrap_or_default();
        texts
            .iter()
            .filter_map(|text| self.parse(text, code))
            .collect()
    }

    /// Whether the value is a list. It still has to be asked for.
    pub(crate) fn is_list(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(Item::is_array)
    }

    /// A list of whole numbers; absent is `None`.
    pub(crate) fn integers(&mut self, key: &str) -> Option<Vec<Spanned<i64>>> {
        let item = self.item(key)?;
        let Some(array) = item.value.as_array() else {
            return self.wrong_type(key, &item, "a list of whole numbers");
        };
        let mut numbers = Vec::with_capacity(array.len());
        for value in array {
            let span = value.span().unwrap_or_else(|| item.span.clone());
            match value.as_integer() {
                Some(value) => numbers.push(Spanned { value, span }),
                None => self.element_type(key, &span, value, "a whole number"),
            }
        }
        Some(numbers)
    }

    /// A whole number.
    pub(crate) fn integer(&mut self, key: &str) -> Option<Spanned<i64>> {
        let item = self.item(key)?;
        match item.value.as_integer() {
            Some(value) => Some(Spanned {
                value,
                span: item.span,
            }),
            None => self.wrong_type(key, &item, "a whole number"),
        }
    }

    /// A whole number that must be there.
    pub(crate) fn need_integer(&mut self, key: &str, example: &str) -> Option<Spanned<i64>> {
        self.need(key, example)?;
        self.integer(key)
    }

    /// `true` or `false`; absent is `false`.
    pub(crate) fn flag(&mut self, key: &str) -> bool {
        let Some(item) = self.item(key) else {
            return false;
        };
        item.value.as_bool().unwrap_or_else(|| {
            self.wrong_type::<bool>(key, &item, "true or false");
            false
        })
    }

    /// A table.
    pub(crate) fn section(&mut self, key: &str) -> Option<Section<'a>> {
        let item = self.item(key)?;
        match item.value.as_table_like() {
            Some(table) => Some(self.below(key, table, item.span)),
            None => self.wrong_type(key, &item, "a table"),
        }
    }

    /// A table whose keys are the writer's own names and whose values are tables; absent is empty.
    pub(crate) fn sections(&mut self, key: &str) -> Vec<(Spanned<&'a str>, Section<'a>)> {
        let Some(mut outer) = self.section(key) else {
            return Vec::new();
        };
        let keys = outer.keys();
        keys.into_iter()
            .filter_map(|name| {
                let inner = outer.section(name.value)?;
                Some((name, inner))
            })
            .collect()
    }

    /// A list of tables, `[[key]]` or `key = [{..}]`; absent is empty.
    pub(crate) fn tables(&mut self, key: &str) -> Vec<Section<'a>> {
        let Some(item) = self.item(key) else {
            return Vec::new();
        };
        if let Some(tables) = item.value.as_array_of_tables() {
            let open = |table: &'a toml_edit::Table| {
                let span = table.span().unwrap_or_else(|| item.span.clone());
                self.below(key, table, span)
            };
            return tables.iter().map(open).collect();
        }
        let Some(array) = item.value.as_array() else {
            self.wrong_type::<()>(key, &item, "a list of tables, each under its own `[[..]]`");
            return Vec::new();
        };
        let mut sections = Vec::with_capacity(array.len());
        for value in array {
            let span = value.span().unwrap_or_else(|| item.span.clone());
            match value.as_inline_table() {
                Some(table) => sections.push(self.below(key, table, span)),
                None => self.element_type(key, &span, value, "a table"),
            }
        }
        sections
    }

    /// Notes that a key which must be there is not.
    fn need(&mut self, key: &str, example: &str) -> Option<()> {
        if self.table.contains_key(key) {
            return Some(());
        }
        self.asked.push(key.to_owned());
        let message = format!("`{key}` is missing{}", self.place());
        let help = format!("add `{example}`");
        self.problems
            .report(&self.span, "missing-key", message, help);
        None
    }

    fn parse<T>(&self, text: &Spanned<&str>, code: &'static str) -> Option<Spanned<T>>
    where
        T: FromStr<Err: Display>,
    {
        match text.value.parse() {
            Ok(value) => Some(Spanned {
                value,
                span: text.span.clone(),
            }),
            Err(error) => {
                // Errors of our own types carry their fix after the semicolon.
                let whole = error.to_string();
                let (message, help) = whole
                    .split_once("; ")
                    .unwrap_or((whole.as_str(), "correct the value"));
                self.problems.report(&text.span, code, message, help);
                None
            }
        }
    }

    fn item(&mut self, key: &str) -> Option<Spanned<&'a Item>> {
        self.asked.push(key.to_owned());
        let value = self.table.get(key)?;
        let span = value.span().unwrap_or_else(|| self.key_span(key));
        Some(Spanned { value, span })
    }

    fn below(&self, key: &str, table: &'a dyn TableLike, span: Range<usize>) -> Section<'a> {
        let name = if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        };
        Section {
            problems: self.problems,
            table,
            span,
            name,
            asked: Vec::new(),
        }
    }

    fn wrong_type<T>(&self, key: &str, item: &Spanned<&Item>, expected: &str) -> Option<T> {
        let found = item.value.type_name();
        let message = format!(
            "`{key}`{} must be {expected}, not of type {found}",
            self.place()
        );
        let help = format!("write {expected}");
        self.problems
            .report(&item.span, "wrong-type", message, help);
        None
    }

    fn element_type(&self, key: &str, span: &Range<usize>, value: &Value, expected: &str) {
        let found = value.type_name();
        let message = format!("each element of `{key}` must be {expected}, not of type {found}");
        self.problems
            .report(span, "wrong-type", message, format!("write {expected}"));
    }

    fn key_span(&self, key: &str) -> Range<usize> {
        let key = self.table.key(key).and_then(toml_edit::Key::span);
        key.unwrap_or_else(|| self.span.clone())
    }

    fn place(&self) -> String {
        if self.name.is_empty() {
            String::new()
        } else {
            format!(" in [{}]", self.name)
        }
    }
}

#[cfg(test)]
mod tests;
