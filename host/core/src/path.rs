//! A path below the workspace, checked once and then trusted.
//!
//! `RelPath` decides by components, never by text prefix: `src` covers `src/a` and not `srcs`.
//! It says nothing about what is on disk; whoever opens a file must still refuse links that lead
//! out. Never: `..`, an absolute path, a look at the file system.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest path in bytes: Linux takes 4096 including the final NUL, so nothing longer could work.
pub const MAX_PATH_BYTES: usize = 4096;

/// Why a text is not a path below the workspace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing was written.
    #[error("the path is empty; write `.` for the whole workspace")]
    Empty,
    /// It begins at the root of the file system.
    #[error("`{0}` is absolute; write it relative to the workspace, for example `src`")]
    Absolute(String),
    /// It has the form of a Windows path.
    #[error("`{0}` is written the Windows way; write it relative to the workspace, with `/`")]
    Windows(String),
    /// It contains `..`.
    #[error("`{0}` contains `..`; write the path without it, as seen from the workspace")]
    Parent(String),
    /// It contains a NUL byte.
    #[error("the path contains a NUL byte, which no file name can hold; remove it")]
    Nul,
    /// It is longer than [`MAX_PATH_BYTES`].
    #[error("the path is {0} bytes long, the limit is {MAX_PATH_BYTES}; shorten it")]
    TooLong(usize),
}

impl PathError {
    /// A stable kebab-case word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "path-empty",
            Self::Absolute(_) => "path-absolute",
            Self::Windows(_) => "path-windows",
            Self::Parent(_) => "path-parent",
            Self::Nul => "path-nul",
            Self::TooLong(_) => "path-too-long",
        }
    }
}

/// A path relative to the workspace: normalized, with `/`; the workspace itself is `.`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(String);

impl RelPath {
    /// The workspace itself.
    #[must_use]
    pub fn root() -> Self {
        Self(".".to_owned())
    }

    /// Checks and normalizes a path: `./a//b/` becomes `a/b`.
    ///
    /// # Errors
    /// The text is empty, absolute, too long, written the Windows way, or contains `..` (even
    /// where it would stay inside: what a link makes of `a/..` is not known here) or a NUL byte.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.len() > MAX_PATH_BYTES {
            return Err(PathError::TooLong(text.len()));
        }
        if text.contains('\0') {
            return Err(PathError::Nul);
        }
        if text.starts_with('/') {
            return Err(PathError::Absolute(text.to_owned()));
        }
        if is_windows_form(text) {
            return Err(PathError::Windows(text.to_owned()));
        }
        let mut normal = String::with_capacity(text.len());
        for component in text.split('/') {
            match component {
                "" | "." => {}
                ".." => return Err(PathError::Parent(text.to_owned())),
                name => {
                    if !normal.is_empty() {
                        normal.push('/');
                    }
                    normal.push_str(name);
                }
            }
        }
        // `./C:/x` must not become `C:/x`, which would not parse again.
        if is_windows_form(&normal) {
            return Err(PathError::Windows(text.to_owned()));
        }
        Ok(if normal.is_empty() {
            Self::root()
        } else {
            Self(normal)
        })
    }

    /// The normalized text; `.` for the workspace itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the workspace itself.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0 == "."
    }

    /// The names on the way down; none for the workspace itself.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        let text = if self.is_root() { "" } else { self.as_str() };
        text.split('/').filter(|name| !name.is_empty())
    }

    /// Whether `other` is this path or lies below it.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let mut theirs = other.components();
        self.components().all(|name| theirs.next() == Some(name))
    }

    /// `other` as seen from this directory.
    ///
    /// # Errors
    /// Both together are longer than [`MAX_PATH_BYTES`].
    pub fn join(&self, other: &Self) -> Result<Self, PathError> {
        if self.is_root() {
            return Ok(other.clone());
        }
        if other.is_root() {
            return Ok(self.clone());
        }
        let length = self.0.len() + 1 + other.0.len();
        if length > MAX_PATH_BYTES {
            return Err(PathError::TooLong(length));
        }
        Ok(Self(format!("{}/{}", self.0, other.0)))
    }

    /// The directory above; none for the workspace itself.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Some(match self.0.rsplit_once('/') {
            Some((above, _)) => Self(above.to_owned()),
            None => Self::root(),
        })
    }
}

/// `C:\x`, `C:/x`, `C:` and `\x`: harmless names on Linux, but never what was meant.
fn is_windows_form(text: &str) -> bool {
    let bytes = text.as_bytes();
    match bytes {
        [b'\\', ..] => true,
        [drive, b':', rest @ ..] if drive.is_ascii_alphabetic() => {
            matches!(rest, [] | [b'/' | b'\\', ..])
        }
        [..] => false,
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RelPath({:?})", self.0)
    }
}

impl FromStr for RelPath {
    type Err = PathError;
    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for RelPath {
    type Error = PathError;
    fn try_from(text: String) -> Result<Self, PathError> {
        Self::parse(&text)
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_become_normal_paths_or_are_refused_by_name() {
        let good = [
            (".", "."),
            ("./", "."),
            ("src", "src"),
            ("./src//a/", "src/a"),
            ("a/./b", "a/b"),
            ("..a/b..", "..a/b.."),
            ("a\\b", "a\\b"),
            ("-x", "-x"),
            ("ein Ordner/ü", "ein Ordner/ü"),
        ];
        for (text, normal) in good {
            assert_eq!(RelPath::parse(text).unwrap().as_str(), normal, "{text}");
        }
        let long = "a/".repeat(2049);
        let bad = [
            ("", "path-empty"),
            ("/", "path-absolute"),
            ("/etc/passwd", "path-absolute"),
            ("//x", "path-absolute"),
            ("..", "path-parent"),
            ("../x", "path-parent"),
            ("a/..", "path-parent"),
            ("a/../b", "path-parent"),
            ("./..", "path-parent"),
            ("a\0b", "path-nul"),
            ("C:\\x", "path-windows"),
            ("c:/x", "path-windows"),
            ("C:", "path-windows"),
            ("./C:/x", "path-windows"),
            ("\\\\server\\x", "path-windows"),
            (long.as_str(), "path-too-long"),
        ];
        for (text, code) in bad {
            assert_eq!(RelPath::parse(text).unwrap_err().code(), code, "{text}");
        }
    }

    #[test]
    fn covering_goes_by_components() {
        let cases = [
            (".", "src", true),
            (".", ".", true),
            ("src", "src", true),
            ("src", "src/a/b", true),
            ("src", "srcs", false),
            ("src", ".", false),
            ("src/a", "src", false),
            ("src/a", "src/ab", false),
        ];
        for (above, below, expected) in cases {
            let (above, below) = (
                RelPath::parse(above).unwrap(),
                RelPath::parse(below).unwrap(),
            );
            assert_eq!(above.covers(&below), expected, "{above} covers {below}");
        }
    }

    #[test]
    fn join_refuses_what_would_be_too_long() {
        let long = RelPath::parse(&"a".repeat(3000)).unwrap();
        assert_eq!(long.join(&long), Err(PathError::TooLong(6001)));
        assert_eq!(long.join(&RelPath::root()).unwrap(), long);
    }

    fn any_path() -> impl Strategy<Value = RelPath> {
        "[a-c]{1,2}(/[a-c]{1,2}){0,3}|\\.".prop_map(|text| RelPath::parse(&text).unwrap())
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_is_stable(text in ".{0,80}") {
            if let Ok(path) = RelPath::parse(&text) {
                prop_assert_eq!(RelPath::parse(path.as_str()).unwrap(), path.clone());
                prop_assert!(!path.as_str().starts_with('/'));
                prop_assert!(path.components().all(|name| name != ".." && name != "."));
            }
        }

        #[test]
        fn covering_is_a_partial_order(a in any_path(), b in any_path(), c in any_path()) {
            prop_assert!(a.covers(&a));
            prop_assert!(RelPath::root().covers(&a));
            if a.covers(&b) && b.covers(&a) {
                prop_assert_eq!(&a, &b);
            }
            if a.covers(&b) && b.covers(&c) {
                prop_assert!(a.covers(&c));
            }
            prop_assert!(a.covers(&a.join(&b).unwrap()));
        }
    }
}
