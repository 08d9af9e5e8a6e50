//! Which variant of a script a file is.
//!
//! `«ts|text»` and `«js|text»` are in a file only in that dialect. One script template so gives
//! TypeScript source, JavaScript with types in comments, and the plain code that a TypeScript
//! compiler would leave: they cannot drift apart.
//!
//! Never: two templates for the same code.

/// A dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Source with types.
    TypeScript,
    /// Source with types in comments.
    JavaScript,
    /// Everything else: no types at all.
    Plain,
}

impl Dialect {
    /// The variants that the templates distinguish.
    pub(crate) const VARIANTS: &'static [&'static str] = &["ts", "js"];

    /// Its variant in the templates.
    pub(crate) fn variant(self) -> Option<&'static str> {
        match self {
            Self::TypeScript => Some("ts"),
            Self::JavaScript => Some("js"),
            Self::Plain => None,
        }
    }
}
