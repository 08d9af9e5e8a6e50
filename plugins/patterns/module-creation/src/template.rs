//! Fills the templates.
//!
//! Marks stand between `«` and `»`, which occur in no code that is generated here:
//! `«name»` is a value; lines between `«if cli»` and `«end»` are there only if the module has a
//! command line; `«ts|text»` and `«js|text»` are there only in that dialect. One script template
//! so gives TypeScript source, JavaScript with types in comments, and the plain code that a
//! TypeScript compiler would leave: they cannot drift apart.
//!
//! Never: a mark left in a file, or a value read as a mark.

use std::collections::BTreeMap;

/// Which variant of a script a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Source with types.
    TypeScript,
    /// Source with types in comments.
    JavaScript,
    /// Everything else: no types at all.
    Plain,
}

/// What fills the marks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values {
    values: BTreeMap<&'static str, String>,
    cli: bool,
}

/// A template that cannot be filled: a fault of this plugin, not of its inputs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("template line {line}: nothing fills `{mark}`")]
    Unknown { line: usize, mark: String },
    #[error("template line {line}: a mark is not closed")]
    Open { line: usize },
    #[error("template line {line}: `«end»` and `«if cli»` do not fit together")]
    Unbalanced { line: usize },
}

impl Values {
    pub(crate) fn new(cli: bool) -> Self {
        Self {
            values: BTreeMap::new(),
            cli,
        }
    }

    /// Sets a value.
    pub(crate) fn set(&mut self, mark: &'static str, value: impl Into<String>) {
        self.values.insert(mark, value.into());
    }

    /// Fills a template.
    ///
    /// # Errors
    /// The template has a mark that this module or the values do not know.
    pub(crate) fn fill(&self, template: &str, dialect: Dialect) -> Result<String, TemplateError> {
        self.marks(&self.lines(template)?, dialect)
    }

    /// Leaves out the lines of parts that are not wanted, and the lines that mark them.
    fn lines(&self, template: &str) -> Result<String, TemplateError> {
        let mut kept = String::with_capacity(template.len());
        let (mut inside, mut last) = (false, 0);
        for (index, line) in template.split_inclusive('\n').enumerate() {
            last = index + 1;
            match (line.trim_end(), inside) {
                ("«if cli»", false) => inside = true,
                ("«end»", true) => inside = false,
                ("«if cli»", true) | ("«end»", false) => {
                    return Err(TemplateError::Unbalanced { line: last });
                }
                (_, true) if !self.cli => {}
                (_, true | false) => kept.push_str(line),
            }
        }
        if inside {
            Err(TemplateError::Unbalanced { line: last })
        } else {
            Ok(kept)
        }
    }

    /// Replaces the marks in one pass, so that what a value contains is never read as a mark.
    fn marks(&self, template: &str, dialect: Dialect) -> Result<String, TemplateError> {
        let mut filled = String::with_capacity(template.len() + 256);
        let mut rest = template;
        while let Some((before, from)) = rest.split_once('«') {
            filled.push_str(before);
            let line = || template[..template.len() - from.len()].lines().count();
            let Some((mark, after)) = from.split_once('»') else {
                return Err(TemplateError::Open { line: line() });
            };
            match mark.split_once('|') {
                Some(("ts", text)) if dialect == Dialect::TypeScript => filled.push_str(text),
                Some(("js", text)) if dialect == Dialect::JavaScript => filled.push_str(text),
                Some(("ts" | "js", _)) => {}
                Some(_) => return Err(unknown(line(), mark)),
                None => match self.values.get(mark) {
                    Some(value) => filled.push_str(value),
                    None => return Err(unknown(line(), mark)),
                },
            }
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

fn unknown(line: usize, mark: &str) -> TemplateError {
    TemplateError::Unknown {
        line,
        mark: mark.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(template: &str, dialect: Dialect, cli: bool, expected: Result<&str, TemplateError>) {
        let mut values = Values::new(cli);
        values.set("name", "demo");
        values.set("evil", "«name»");
        assert_eq!(
            values.fill(template, dialect),
            expected.map(str::to_owned),
            "{template}"
        );
    }

    #[test]
    fn marks_are_filled() {
        check("a «name» b", Dialect::Plain, false, Ok("a demo b"));
        check(
            "x«ts|: T» y«js| /*T*/»",
            Dialect::TypeScript,
            false,
            Ok("x: T y"),
        );
        check(
            "x«ts|: T» y«js| /*T*/»",
            Dialect::JavaScript,
            false,
            Ok("x y /*T*/"),
        );
        check("x«ts|: T» y«js| /*T*/»", Dialect::Plain, false, Ok("x y"));
        check(
            "a\n«if cli»\nb\n«end»\nc\n",
            Dialect::Plain,
            true,
            Ok("a\nb\nc\n"),
        );
        check(
            "a\n«if cli»\nb\n«end»\nc\n",
            Dialect::Plain,
            false,
            Ok("a\nc\n"),
        );
    }

    #[test]
    fn a_value_is_never_read_as_a_mark() {
        check("«evil»", Dialect::Plain, false, Ok("«name»"));
    }

    #[test]
    fn a_faulty_template_is_an_error_with_its_line() {
        check(
            "\n«nobody»",
            Dialect::Plain,
            false,
            Err(TemplateError::Unknown {
                line: 2,
                mark: "nobody".into(),
            }),
        );
        check(
            "«name",
            Dialect::Plain,
            false,
            Err(TemplateError::Open { line: 1 }),
        );
        check(
            "«end»\n",
            Dialect::Plain,
            true,
            Err(TemplateError::Unbalanced { line: 1 }),
        );
        check(
            "«if cli»\nx\n",
            Dialect::Plain,
            false,
            Err(TemplateError::Unbalanced { line: 2 }),
        );
    }
}
