//! The languages in which plugins are written here, and the two things that a plugin can be.
//!
//! Never: a language without a template, an SDK and a test that builds and runs it.

use std::fmt;
use std::str::FromStr;

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Rust, compiled by cargo.
    Rust,
    /// JavaScript, run by QuickJS inside of the component.
    JavaScript,
    /// Python, run by CPython inside of the component.
    Python,
    /// C, compiled by zig or clang.
    C,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rust, Self::JavaScript, Self::Python, Self::C];

    /// The word on the command line, and the name of its template.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::JavaScript => "javascript",
            Self::Python => "python",
            Self::C => "c",
        }
    }

    /// How source files end; nothing for Rust, whose project is known by its `Cargo.toml`.
    pub(crate) fn ending(self) -> Option<&'static str> {
        match self {
            Self::Rust => None,
            Self::JavaScript => Some("js"),
            Self::Python => Some("py"),
            Self::C => Some("c"),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::JavaScript => "JavaScript",
            Self::Python => "Python",
            Self::C => "C",
        })
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "js" => Ok(Self::JavaScript),
            "py" => Ok(Self::Python),
            "rs" => Ok(Self::Rust),
            _ => Self::ALL
                .into_iter()
                .find(|language| language.word() == text)
                .ok_or_else(|| "write rust, javascript, python or c".to_owned()),
        }
    }
}

/// What a plugin is. In JavaScript, Python and C the name of its source file says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It carries out one piece of work: `src/pattern.*`.
    Pattern,
    /// It wraps one outside tool: `src/adapter.*`.
    Adapter,
}

impl Role {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Pattern, Self::Adapter];

    /// The stem of its source file, and the name of the interface that it exports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pattern => "pattern",
            Self::Adapter => "adapter",
        }
    }

    /// The world of the contract.
    pub(crate) fn world(self) -> &'static str {
        match self {
            Self::Pattern => "pattern-executor",
            Self::Adapter => "tool-adapter",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_found_by_its_word_and_by_its_ending() {
        for language in Language::ALL {
            assert_eq!(language.word().parse(), Ok(language));
            if let Some(ending) = language.ending() {
                assert_eq!(ending.parse(), Ok(language));
            }
        }
        assert!("cobol".parse::<Language>().is_err());
    }
}
