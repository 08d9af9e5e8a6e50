//! Fills templates, and refuses those that do not fit their values.
//!
//! Marks stand between `«` and `»`, which occur in hardly any code:
//!
//! - `«name»` is a value;
//! - lines between `«if flag»` and `«end»` are there only if the flag is set (`«if not flag»`: only
//!   if it is not); such parts do not nest;
//! - `«variant|text»` is the text in that variant of the file, and nothing in the others.
//!
//! Never: a mark left in a file, a value read as a mark, an unknown mark taken for an empty one.

use std::collections::BTreeMap;

/// What fills the marks.
#[derive(Debug, Clone, Default)]
pub struct Values {
    values: BTreeMap<&'static str, String>,
    flags: BTreeMap<&'static str, bool>,
    variants: &'static [&'static str],
}

/// A template that cannot be filled: a fault of the plugin, not of its inputs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Neither a value nor a variant has this name.
    #[error("template line {line}: nothing fills `{mark}`")]
    Unknown {
        /// Line in the template, from 1, without those that flags left out.
        line: usize,
        /// What stands between the marks.
        mark: String,
    },
    /// `«` without `»`.
    #[error("template line {line}: a mark is not closed")]
    Open {
        /// Line in the template.
        line: usize,
    },
    /// A part begins in another one, or does not end, or ends before it begins.
    #[error("template line {line}: `«end»` and `«if …»` do not fit together")]
    Unbalanced {
        /// Line in the template.
        line: usize,
    },
}

impl Values {
    /// No value, no flag, no variant.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the variants that templates may distinguish.
    #[must_use]
    pub fn with_variants(mut self, variants: &'static [&'static str]) -> Self {
        self.variants = variants;
        self
    }

    /// Sets a value.
    pub fn set(&mut self, mark: &'static str, value: impl Into<String>) {
        self.values.insert(mark, value.into());
    }

    /// Sets a flag, for or against it. A flag that was never set is unknown.
    pub fn flag(&mut self, name: &'static str, set: bool) {
        self.flags.insert(name, set);
    }

    /// Fills a template, in a variant if there are some.
    ///
    /// # Errors
    /// The template has a mark that the values do not know, or is not well formed.
    pub fn fill(&self, template: &str, variant: Option<&str>) -> Result<String, TemplateError> {
        self.marks(&self.parts(template)?, variant)
    }

    /// Leaves out the lines of parts that are not wanted, and the lines that mark them.
    fn parts(&self, template: &str) -> Result<String, TemplateError> {
        let mut kept = String::with_capacity(template.len());
        // Whether lines are wanted, inside of a part.
        let mut inside: Option<bool> = None;
        let mut last = 0;
        for (index, line) in template.split_inclusive('\n').enumerate() {
            last = index + 1;
            let mark = line
                .trim()
                .strip_prefix('«')
                .and_then(|line| line.strip_suffix('»'));
            match (mark.and_then(|mark| mark.strip_prefix("if ")), inside) {
                (Some(flag), None) => inside = Some(self.wanted(flag, last)?),
                (Some(_), Some(_)) => return Err(TemplateError::Unbalanced { line: last }),
                (None, Some(_)) if mark == Some("end") => inside = None,
                (None, None) if mark == Some("end") => {
                    return Err(TemplateError::Unbalanced { line: last });
                }
                (None, Some(false)) => {}
                (None, Some(true) | None) => kept.push_str(line),
            }
        }
        if inside.is_some() {
            return Err(TemplateError::Unbalanced { line: last });
        }
        Ok(kept)
    }

    fn wanted(&self, flag: &str, line: usize) -> Result<bool, TemplateError> {
        let (name, expected) = match flag.strip_prefix("not ") {
            Some(name) => (name, false),
            None => (flag, true),
        };
        self.flags
            .get(name)
            .map(|set| *set == expected)
            .ok_or_else(|| unknown(line, flag))
    }

    /// Replaces the marks in one pass, so that what a value contains is never read as a mark.
    fn marks(&self, template: &str, variant: Option<&str>) -> Result<String, TemplateError> {
        let mut filled = String::with_capacity(template.len() + 256);
        let mut rest = template;
        while let Some((before, from)) = rest.split_once('«') {
            filled.push_str(before);
            let line = || template[..template.len() - from.len()].lines().count();
            let Some((mark, after)) = from.split_once('»') else {
                return Err(TemplateError::Open { line: line() });
            };
            match mark.split_once('|') {
                Some((of, text)) if variant == Some(of) && self.variants.contains(&of) => {
                    filled.push_str(text);
                }
                Some((of, _)) if self.variants.contains(&of) => {}
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

    #[track_caller]
    fn check(
        template: &str,
        variant: Option<&str>,
        cli: bool,
        expected: Result<&str, TemplateError>,
    ) {
        let mut values = Values::new().with_variants(&["ts", "js"]);
        values.flag("cli", cli);
        values.set("name", "demo");
        values.set("evil", "«name»");
        assert_eq!(
            values.fill(template, variant),
            expected.map(str::to_owned),
            "{template}"
        );
    }

    #[test]
    fn marks_are_filled() {
        check("a «name» b", None, false, Ok("a demo b"));
        let two = "x«ts|: T» y«js| /*T*/»";
        check(two, Some("ts"), false, Ok("x: T y"));
        check(two, Some("js"), false, Ok("x y /*T*/"));
        check(two, None, false, Ok("x y"));
        let part = "a\n«if cli»\nb\n«end»\n«if not cli»\nd\n«end»\nc\n";
        check(part, None, true, Ok("a\nb\nc\n"));
        check(part, None, false, Ok("a\nd\nc\n"));
    }

    #[test]
    fn a_value_is_never_read_as_a_mark() {
        check("«evil»", None, false, Ok("«name»"));
    }

    #[test]
    fn a_faulty_template_is_an_error_with_its_line() {
        let no_value = |line, mark| Err(unknown(line, mark));
        check("\n«nobody»", None, false, no_value(2, "nobody"));
        check("«rs|x»", None, false, no_value(1, "rs|x"));
        check(
            "\n\n«if nobody»\n«end»\n",
            None,
            false,
            no_value(3, "nobody"),
        );
        check("«name", None, false, Err(TemplateError::Open { line: 1 }));
        for (template, line) in [
            ("«end»\n", 1),
            ("«if cli»\nx\n", 2),
            ("«if cli»\n«if cli»\n«end»\n", 2),
        ] {
            check(
                template,
                None,
                true,
                Err(TemplateError::Unbalanced { line }),
            );
        }
    }
}
