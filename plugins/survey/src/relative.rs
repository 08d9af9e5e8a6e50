//! Paths that name something below a directory, whatever they say.
//!
//! Never: a path that leaves the directory, by its text; the host judges the object.

use std::fmt;
use std::path::{Path, PathBuf};

/// Longest path that Linux takes in one piece, in bytes.
const MOST_BYTES: usize = 4096;

/// A relative path with `/` between names, without `.`, `..` and empty names; empty for the
/// directory itself, which is also the default.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Relative(String);

/// Why a text is no [`Relative`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathProblem {
    /// Nothing, or more than 4 096 bytes.
    #[error("a path has 1 to {MOST_BYTES} bytes; `.` is the directory itself")]
    Length,
    /// `/x`, `C:x`.
    #[error("must be relative, for example `patterns/registry`")]
    Absolute,
    /// `a/../b`.
    #[error("must not contain `..`")]
    Upwards,
    /// Names are separated by `\`, which is part of a name on the systems where this runs.
    #[error("must use `/` between names")]
    Backslash,
    /// A zero byte.
    #[error("must not contain a zero byte")]
    Zero,
}

impl PathProblem {
    /// A stable word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Absolute | Self::Upwards | Self::Backslash | Self::Zero => "relative-path",
        }
    }
}

impl Relative {
    /// Reads a path.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, PathProblem> {
        if text.is_empty() || text.len() > MOST_BYTES {
            return Err(PathProblem::Length);
        }
        if text.contains('\0') {
            return Err(PathProblem::Zero);
        }
        let drive = matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
        if text.starts_with(['/', '\\']) || drive {
            return Err(PathProblem::Absolute);
        }
        if text.contains('\\') {
            return Err(PathProblem::Backslash);
        }
        let mut parts = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => return Err(PathProblem::Upwards),
                name => parts.push(name),
            }
        }
        Ok(Self(parts.join("/")))
    }

    /// The path, `.` for the directory itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        if self.0.is_empty() { "." } else { &self.0 }
    }

    /// Something below this directory; `name` is a name, or a path that was built of names.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        if self.0.is_empty() {
            Self(name.to_owned())
        } else if name.is_empty() {
            self.clone()
        } else {
            Self(format!("{}/{name}", self.0))
        }
    }

    /// The directory that it is in; nothing for the directory itself.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.0.is_empty() {
            return None;
        }
        let cut = self.0.rfind('/').unwrap_or(0);
        Some(Self(self.0[..cut].to_owned()))
    }

    /// The last name; empty for the directory itself.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// How many names it has.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.split('/').filter(|part| !part.is_empty()).count()
    }

    /// Whether it is `directory` or lies below it.
    #[must_use]
    pub fn is_below(&self, directory: &Self) -> bool {
        directory.0.is_empty()
            || self
                .0
                .strip_prefix(&directory.0)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Where it is in the plugin's file system.
    #[must_use]
    pub fn within(&self, root: &Path) -> PathBuf {
        if self.0.is_empty() {
            root.to_owned()
        } else {
            root.join(&self.0)
        }
    }
}

impl fmt::Display for Relative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_leave_the_directory_is_refused() {
        for (text, problem) in [
            ("", PathProblem::Length),
            ("/etc", PathProblem::Absolute),
            ("C:x", PathProblem::Absolute),
            ("\\\\host\\x", PathProblem::Absolute),
            ("a\\b", PathProblem::Backslash),
            ("a/../b", PathProblem::Upwards),
            ("a\0b", PathProblem::Zero),
        ] {
            assert_eq!(Relative::parse(text), Err(problem), "{text:?}");
        }
        assert_eq!(
            Relative::parse(&"a".repeat(MOST_BYTES + 1)),
            Err(PathProblem::Length)
        );
    }

    #[test]
    fn the_same_place_has_one_spelling() {
        for text in ["a/b", "./a//b/", "a/./b"] {
            assert_eq!(Relative::parse(text).unwrap().as_str(), "a/b");
        }
        assert_eq!(Relative::parse("./").unwrap().as_str(), ".");
    }

    #[test]
    fn below_is_by_name_and_not_by_letters() {
        let path = |text| Relative::parse(text).unwrap();
        assert!(path("src/a").is_below(&path("src")));
        assert!(path("src").is_below(&path("src")));
        assert!(!path("srcs/a").is_below(&path("src")));
        assert!(path("x").is_below(&path(".")));
        assert_eq!(path("a/b").parent(), Some(path("a")));
        assert_eq!(path("a").parent(), Some(path(".")));
        assert_eq!(path(".").parent(), None);
        assert_eq!(path("a/b").depth(), 2);
        assert_eq!(path("a/b").name(), "b");
    }
}
