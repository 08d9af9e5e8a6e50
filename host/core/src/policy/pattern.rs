//! Paths that a deny rule means: a glob, matched component by component.
//!
//! `*` and `?` stay within a component, `**` crosses them. What matches is denied with all that
//! lies below it. `.git/**` means `.git` itself too: whoever may rename a directory may do what
//! they like with its content. Never: a pattern for an allow; those are plain directories.

use std::fmt;
use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};

use crate::path::{PathError, RelPath};

/// A glob over paths of the workspace.
#[derive(Debug, Clone)]
pub struct PathPattern {
    text: String,
    matchers: Vec<GlobMatcher>,
    everything: bool,
    /// The components before the first wildcard: nothing elsewhere can match.
    fixed: RelPath,
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Not a path below the workspace.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Not a glob.
    #[error("`{0}` is not a pattern: {1}; write a path with `*` and `**`, for example `.git/**`")]
    Glob(String, String),
}

impl PathPattern {
    /// Whether this path, or a directory above it, matches.
    #[must_use]
    pub fn denies(&self, path: &RelPath) -> bool {
        if self.everything {
            return true;
        }
        let mut current = Some(path.clone()).filter(|path| !path.is_root());
        while let Some(here) = current {
            if self
                .matchers
                .iter()
                .any(|matcher| matcher.is_match(here.as_str()))
            {
                return true;
            }
            current = here.parent().filter(|path| !path.is_root());
        }
        false
    }

    /// Whether something below this path could match. Errs on the side of yes.
    #[must_use]
    pub fn reaches_below(&self, path: &RelPath) -> bool {
        path.covers(&self.fixed) || self.fixed.covers(path)
    }

    /// The components before the first wildcard: nothing elsewhere can match.
    #[must_use]
    pub fn fixed(&self) -> &RelPath {
        &self.fixed
    }

    /// The path that is meant, if the pattern has no wildcard but a final `**`.
    #[must_use]
    pub fn literal(&self) -> Option<&RelPath> {
        let base = self.text.strip_suffix("/**").unwrap_or(&self.text);
        (self.everything || base == self.fixed.as_str()).then_some(&self.fixed)
    }

    /// The pattern, normalized.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for PathPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PathPattern {}

impl FromStr for PathPattern {
    type Err = PatternError;

    fn from_str(written: &str) -> Result<Self, PatternError> {
        let path = RelPath::parse(written)?;
        let text = path.as_str();
        let compile = |text: &str| {
            GlobBuilder::new(text)
                .literal_separator(true)
                .backslash_escape(true)
                .empty_alternates(false)
                .build()
                .map(|glob| glob.compile_matcher())
                .map_err(|error| PatternError::Glob(written.to_owned(), error.kind().to_string()))
        };
        let mut matchers = vec![compile(text)?];
        if let Some(base) = text.strip_suffix("/**") {
            matchers.push(compile(base)?);
        }
        let wild = |name: &&str| name.contains(['*', '?', '[', ']', '{', '}', '\\', '!', ',']);
        let fixed: Vec<&str> = path.components().take_while(|name| !wild(name)).collect();
        let fixed = if fixed.is_empty() {
            RelPath::root()
        } else {
            RelPath::parse(&fixed.join("/"))?
        };
        // A brace that is opened in one component and closed in another would make the matcher
        // see other components than `fixed` does.
        if path
            .components()
            .any(|name| name.matches('{').count() != name.matches('}').count())
        {
            let reason = "braces must close within a component".to_owned();
            return Err(PatternError::Glob(written.to_owned(), reason));
        }
        Ok(Self {
            text: text.to_owned(),
            matchers,
            everything: matches!(text, "." | "**" | "*"),
            fixed,
        })
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_deny_what_matches_and_what_lies_below() {
        for (pattern, denied, left) in [
            (
                ".git/**",
                &[".git", ".git/config", ".git/hooks/x"][..],
                &[".", "git", "a/.git", ".gitignore"][..],
            ),
            (".git", &[".git", ".git/config"], &[".", ".github"]),
            (
                "**/.env",
                &[".env", "a/.env", "a/b/.env/x"],
                &["env", "a.env", "."],
            ),
            ("*.pem", &["a.pem", "a.pem/x"], &["a/b.pem", "pem"]),
            (
                "src/*/gen",
                &["src/a/gen", "src/a/gen/x"],
                &["src/gen", "src/a/b/gen", "src"],
            ),
            (".", &[".", "a", "a/b"], &[]),
            ("**", &[".", "a", "a/b"], &[]),
            ("./a/", &["a", "a/b"], &["ab"]),
            ("{a,b}/c", &["a/c", "b/c/d"], &["c/c"]),
        ] {
            let parsed: PathPattern = pattern.parse().unwrap();
            for path in denied {
                assert!(
                    parsed.denies(&path.parse().unwrap()),
                    "{pattern} denies {path}"
                );
            }
            for path in left {
                assert!(
                    !parsed.denies(&path.parse().unwrap()),
                    "{pattern} leaves {path}"
                );
            }
        }
    }

    #[test]
    fn what_could_match_below_a_directory() {
        for (pattern, path, expected) in [
            (".git/**", ".", true),
            (".git/**", ".git/hooks", true),
            (".git/**", "src", false),
            ("a/b/*.x", "a", true),
            ("a/b/*.x", "a/c", false),
            ("**/.env", "anything", true),
        ] {
            let pattern: PathPattern = pattern.parse().unwrap();
            assert_eq!(
                pattern.reaches_below(&path.parse().unwrap()),
                expected,
                "{pattern} {path}"
            );
        }
    }

    #[test]
    fn texts_that_are_no_patterns() {
        for text in [
            "",
            "/etc/**",
            "../x",
            "a/../b",
            "a[",
            "{a",
            "{a/b,c}/d",
            "a\0",
        ] {
            assert!(text.parse::<PathPattern>().is_err(), "{text}");
        }
    }
}
