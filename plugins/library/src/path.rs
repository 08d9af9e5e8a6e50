//! Paths that cannot leave the directory that they are relative to.
//!
//! Never: a look at the disk. A link that leads elsewhere is the host's business, which resolves
//! every path anew.

use std::fmt;
use std::path::{Path, PathBuf};

/// Longest path that Linux takes in one piece, in bytes.
pub const PATH_LIMIT: usize = 4096;

/// A relative path with `/`, without `.`, `..`, drive letters and empty parts; empty for the
/// directory itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SafePath(String);

/// Why a text is no such path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Empty, or longer than [`PATH_LIMIT`].
    #[error("a path has 1 to {PATH_LIMIT} bytes; `.` is the directory itself")]
    Length,
    /// Absolute, or with what only other systems take for a separator.
    #[error("must be relative to the workspace and use `/`, for example `packages`")]
    NotRelative,
    /// Has a part `..`.
    #[error("must not contain `..`")]
    Parent,
    /// Names the directory itself where a file is meant.
    #[error("must name a file")]
    NoFile,
}

impl PathError {
    /// A stable word for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::NotRelative | Self::Parent | Self::NoFile => "relative-path",
        }
    }
}

impl SafePath {
    /// The directory itself.
    pub fn here() -> Self {
        Self(String::new())
    }

    /// Reads a path; `a//b/./c/` is `a/b/c`, and `.` the directory itself.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() || text.len() > PATH_LIMIT {
            return Err(PathError::Length);
        }
        if text.starts_with('/') || text.contains(['\\', '\0']) || has_drive(text) {
            return Err(PathError::NotRelative);
        }
        let parts: Vec<&str> = text
            .split('/')
            .filter(|part| !matches!(*part, "" | "."))
            .collect();
        if parts.contains(&"..") {
            return Err(PathError::Parent);
        }
        Ok(Self(parts.join("/")))
    }

    /// Reads the path of a file: not the directory itself, and not with a `/` at the end.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn file(text: &str) -> Result<Self, PathError> {
        let path = Self::parse(text)?;
        if path.is_here() || text.ends_with('/') {
            return Err(PathError::NoFile);
        }
        Ok(path)
    }

    /// Whether it is the directory itself.
    pub fn is_here(&self) -> bool {
        self.0.is_empty()
    }

    /// The path, `.` for the directory itself.
    pub fn as_str(&self) -> &str {
        if self.0.is_empty() { "." } else { &self.0 }
    }

    /// A path below this one, as text. `path` has to be safe itself.
    pub fn join(&self, path: &str) -> String {
        if self.0.is_empty() {
            path.to_owned()
        } else {
            format!("{}/{path}", self.0)
        }
    }

    /// Something in this directory, or below it; `path` has to be safe itself.
    #[must_use]
    pub fn child(&self, path: &str) -> Self {
        Self(self.join(path))
    }

    /// Where it is, below a directory of the plugin's file system.
    pub fn within(&self, root: &Path) -> PathBuf {
        if self.is_here() {
            root.to_owned()
        } else {
            root.join(&self.0)
        }
    }

    /// The directory that it is in; nothing for the directory itself.
    pub fn parent(&self) -> Option<Self> {
        if self.is_here() {
            return None;
        }
        Some(
            self.0
                .rsplit_once('/')
                .map_or_else(Self::here, |(parent, _)| Self(parent.to_owned())),
        )
    }

    /// The last part; empty for the directory itself.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// Itself without its first parts, one by one: `a`, `a/b`, `a/b/c`.
    pub fn prefixes(&self) -> Vec<Self> {
        let ends = self.0.match_indices('/').map(|(at, _)| at);
        let ends = ends.chain((!self.0.is_empty()).then_some(self.0.len()));
        ends.filter_map(|end| self.0.get(..end))
            .map(|prefix| Self(prefix.to_owned()))
            .collect()
    }

    /// Whether it is `other` or below it.
    pub fn is_below(&self, other: &Self) -> bool {
        other.is_here()
            || self
                .0
                .strip_prefix(&other.0)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for SafePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a path begins with a drive letter, which other systems would take as absolute.
fn has_drive(text: &str) -> bool {
    matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_directory_is_no_path() {
        for (text, error) in [
            ("", PathError::Length),
            ("/etc", PathError::NotRelative),
            ("C:/x", PathError::NotRelative),
            ("a\\b", PathError::NotRelative),
            ("a\0b", PathError::NotRelative),
            ("..", PathError::Parent),
            ("a/../../b", PathError::Parent),
        ] {
            assert_eq!(SafePath::parse(text), Err(error), "{text:?}");
        }
        assert_eq!(SafePath::parse(&"a/".repeat(2049)), Err(PathError::Length));
        assert_eq!(SafePath::file("."), Err(PathError::NoFile));
        assert_eq!(SafePath::file("a/"), Err(PathError::NoFile));
    }

    #[test]
    fn paths_are_normal_and_know_their_parts() {
        let path = SafePath::parse("a//b/./c/").unwrap();
        assert_eq!(path.as_str(), "a/b/c");
        assert_eq!(path.name(), "c");
        assert_eq!(path.parent().unwrap().as_str(), "a/b");
        let prefixes: Vec<String> = path.prefixes().iter().map(ToString::to_string).collect();
        assert_eq!(prefixes, ["a", "a/b", "a/b/c"]);
        assert!(path.is_below(&SafePath::parse("a/b").unwrap()));
        assert!(!path.is_below(&SafePath::parse("a/bc").unwrap()));
        assert!(path.is_below(&SafePath::here()));
        assert!(SafePath::here().prefixes().is_empty());
        assert_eq!(SafePath::here().child("a").child("b/c"), path);
        assert_eq!(path.within(Path::new("/w")), Path::new("/w/a/b/c"));
        assert_eq!(SafePath::here().within(Path::new("/w")), Path::new("/w"));
    }
}
