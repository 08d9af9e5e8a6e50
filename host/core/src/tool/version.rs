//! What a tool says of its version, held against the range with which an adapter was tried.
//!
//! Never: a refusal. A version outside of the range is told to people; that it works nobody can rule
//! out.

use semver::{Version, VersionReq};

/// How a version stands to a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// The range names it.
    Within(Version),
    /// It is another one.
    Outside(Version),
    /// The tool says no version that could be read.
    Unknown,
    /// The range is none: a mistake of the adapter.
    BadRange,
}

/// Holds the first version in a text, as a tool prints it, against a range (`>=0.80, <1`). A
/// pre-release counts as the version that it leads to: who tried 1.2 wants to hear of 2.0-beta, not
/// of 1.2.1-beta.
#[must_use]
pub fn drift(range: &str, said: &str) -> Drift {
    let Ok(range) = VersionReq::parse(range) else {
        return Drift::BadRange;
    };
    let Some(version) = first_version(said) else {
        return Drift::Unknown;
    };
    if range.matches(&version) {
        Drift::Within(version)
    } else {
        Drift::Outside(version)
    }
}

/// The first `x.y.z` or `x.y` in a text: digits and points, after letters or none.
#[must_use]
pub fn first_version(text: &str) -> Option<Version> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.'))
        .find_map(|word| {
            // `v22.1` and `go1.24` are versions.
            let word = word.trim_start_matches(|c: char| c.is_ascii_alphabetic());
            let numeric: String = word
                .chars()
                .take_while(|c| c.is_ascii_digit() || *c == '.')
                .collect();
            let mut parts = numeric.trim_end_matches('.').split('.');
            let (major, minor) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            let patch = parts.next().map_or(Some(0), |patch| patch.parse().ok())?;
            Some(Version::new(major, minor, patch))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_version_is_found_in_what_tools_print() {
        for (said, version) in [
            ("aider 0.86.1", Some("0.86.1")),
            ("codex-cli 0.136.0", Some("0.136.0")),
            ("2.1.50 (Claude Code)", Some("2.1.50")),
            ("git version 2.43.0", Some("2.43.0")),
            ("v22.14.0", Some("22.14.0")),
            ("Python 3.12", Some("3.12.0")),
            ("go version go1.24.2 linux/amd64", Some("1.24.2")),
            ("ruff 0.9.1-beta.2", Some("0.9.1")),
            ("1.2.3.4", Some("1.2.3")),
            ("built on 2024", None),
            ("99999999999999999999.1.1", None),
            ("", None),
            ("...", None),
        ] {
            let found = first_version(said).map(|version| version.to_string());
            assert_eq!(found.as_deref(), version, "{said:?}");
        }
    }

    #[test]
    fn a_version_is_held_against_the_range() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        for (range, said, expected) in [
            (
                ">=0.80, <1",
                "aider 0.86.1",
                Drift::Within(version("0.86.1")),
            ),
            (
                ">=0.80, <1",
                "aider 1.0.0",
                Drift::Outside(version("1.0.0")),
            ),
            (">=0.80, <1", "aider", Drift::Unknown),
            ("new ones", "aider 0.86.1", Drift::BadRange),
            ("*", "x 9.9", Drift::Within(version("9.9.0"))),
        ] {
            assert_eq!(drift(range, said), expected, "{range} {said}");
        }
    }
}
