//! A mistake in a file that a person wrote: what, where, and the fix.
//!
//! A reader collects all mistakes of a file and hands them over at once, so that nobody has to
//! run a program ten times to find ten of them. `app` renders them with source excerpts; the plain
//! [`std::fmt::Display`] here is for logs and tests. Never: a mistake without a fix.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A text with the name under which people know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    name: String,
    text: String,
}

impl Source {
    /// Names a text: usually the path of the file that it was read from.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            text: text.into(),
        })
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte offset, both from 1; the column counts characters.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(start..).map_or(0, |rest| rest.chars().count()) + 1;
        (line, column)
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable kebab-case word for programs.
    pub code: &'static str,
    /// One sentence: what is wrong.
    pub message: String,
    /// One sentence: what would be right.
    pub help: String,
    /// The file.
    pub source: Arc<Source>,
    /// The bytes of the file that are meant; absent if something is missing as a whole.
    pub span: Option<Range<usize>>,
    /// Line of the span's start, from 1; 1 without a span.
    pub line: usize,
    /// Column of the span's start in characters, from 1; 1 without a span.
    pub column: usize,
    /// The place in a JSON text as a pointer (RFC 6901), for example `/tasks/0/id`; empty means the
    /// whole text. Absent for other texts.
    pub pointer: Option<String>,
}

impl Diagnostic {
    /// Describes a mistake at these bytes of a source.
    #[must_use]
    pub fn new(
        source: &Arc<Source>,
        span: Option<Range<usize>>,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let (line, column) = span
            .as_ref()
            .map_or((1, 1), |span| source.position(span.start));
        Self {
            code,
            message: message.into(),
            help: help.into(),
            source: Arc::clone(source),
            span,
            line,
            column,
            pointer: None,
        }
    }

    /// The same with its place in a JSON text.
    #[must_use]
    pub fn with_pointer(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// What is wrong, and the place in a JSON text if there is one.
    #[must_use]
    pub fn full_message(&self) -> String {
        match self.pointer.as_deref() {
            None | Some("") => self.message.clone(),
            Some(pointer) => format!("{}, at {pointer}", self.message),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.source.name();
        let message = self.full_message();
        writeln!(f, "{name}:{}:{}: {message}", self.line, self.column)?;
        write!(f, "  fix: {}", self.help)
    }
}

/// Every mistake that was found; never empty, ordered by file and place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Sorts what was found. Nothing found gives `None`.
    #[must_use]
    pub fn of(mut found: Vec<Diagnostic>) -> Option<Self> {
        // Stable: sources stay in the order in which they were read.
        let mut sources: Vec<Arc<Source>> = Vec::new();
        for diagnostic in &found {
            if !sources.contains(&diagnostic.source) {
                sources.push(Arc::clone(&diagnostic.source));
            }
        }
        found.sort_by_key(|diagnostic| {
            let place = sources
                .iter()
                .position(|source| *source == diagnostic.source);
            (place, diagnostic.line, diagnostic.column)
        });
        (!found.is_empty()).then_some(Self(found))
    }

    /// A single mistake.
    #[must_use]
    pub fn one(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }

    /// The mistakes.
    #[must_use]
    pub fn list(&self) -> &[Diagnostic] {
        &self.0
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() {
        let source = Source::new("f", "ab\nü = 1\n");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(3), (2, 1));
        assert_eq!(source.position(5), (2, 2));
        assert_eq!(source.position(999), (3, 1));
    }

    #[test]
    fn mistakes_are_listed_in_order_with_their_fix() {
        let source = Source::new("policy.toml", "a = 1\nb = 2\n");
        let at = |start| Some(start..start + 1);
        let found = Diagnostics::of(vec![
            Diagnostic::new(&source, at(6), "two", "second", "remove it"),
            Diagnostic::new(&source, at(0), "one", "first", "change it"),
        ])
        .unwrap();
        insta::assert_snapshot!(found, @r"
        policy.toml:1:1: first
          fix: change it
        policy.toml:2:1: second
          fix: remove it
        ");
        assert_eq!(Diagnostics::of(Vec::new()), None);
    }
}
