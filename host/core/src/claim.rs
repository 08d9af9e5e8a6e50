//! What a plugin says it changed and produced, held against what the host saw.
//!
//! Never: a claim that changes what the host reports as seen; a guess at why the two differ.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::outcome::Artifact;
use crate::path::{MAX_PATH_BYTES, RelPath};

/// Paths that each list of a [`Mismatch`] names. More than people read, and few enough for one
/// line of a record even if each is as long as a path can be.
pub const MAX_NAMED: usize = 100;

/// What a plugin says of its work when it ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// Files that it says were changed, as it wrote them. Only an adapter says this.
    pub changed: Vec<String>,
    /// Files that it says it produced, after the host looked for each.
    pub artifacts: Vec<Artifact>,
}

/// Where claims and observation differ. Each list is sorted and names [`MAX_NAMED`] at most.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Mismatch {
    /// Claimed as changed, and not seen as changed: as the plugin wrote it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub not_changed: Vec<String>,
    /// Seen as changed, and not claimed. Empty if the plugin claimed no change at all: then it
    /// leaves it to the host, and hides nothing.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub not_claimed: Vec<String>,
    /// Claimed as produced, and no regular file in the workspace: as the plugin wrote it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub not_there: Vec<String>,
    /// Set if there are more than the lists name.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub more: bool,
}

/// Holds claims against what was seen. `None`: they do not contradict each other.
///
/// What is no path below the workspace cannot have been seen, so it counts as not changed or not
/// there.
#[must_use]
pub fn compare(claims: &Claims, observed: &[Change]) -> Option<Mismatch> {
    let seen: BTreeSet<&RelPath> = observed.iter().map(|change| &change.path).collect();
    let mut claimed = BTreeSet::new();
    let mut not_changed = BTreeSet::new();
    for text in &claims.changed {
        match RelPath::parse(text) {
            Ok(path) if seen.contains(&path) => {
                claimed.insert(path);
            }
            Ok(_) | Err(_) => {
                not_changed.insert(text.as_str());
            }
        }
    }
    let mut not_there = BTreeSet::new();
    for artifact in &claims.artifacts {
        if artifact.size.is_none() {
            not_there.insert(artifact.path.as_str());
        }
        // Whoever names a file as produced does not hide that it changed.
        claimed.extend(RelPath::parse(&artifact.path));
    }
    let mut not_claimed = BTreeSet::new();
    if !claims.changed.is_empty() {
        let hidden = seen.into_iter().filter(|path| !claimed.contains(*path));
        not_claimed.extend(hidden.map(RelPath::as_str));
    }
    let lists = [&not_changed, &not_claimed, &not_there];
    if lists.iter().all(|list| list.is_empty()) {
        return None;
    }
    Some(Mismatch {
        more: lists.iter().any(|list| list.len() > MAX_NAMED),
        not_changed: named(&not_changed),
        not_claimed: named(&not_claimed),
        not_there: named(&not_there),
    })
}

/// The first of them, each cut where no path could go on.
fn named(paths: &BTreeSet<&str>) -> Vec<String> {
    let cut = |path: &&str| {
        let end = path.floor_char_boundary(MAX_PATH_BYTES);
        path.get(..end).unwrap_or(path).to_owned()
    };
    paths.iter().take(MAX_NAMED).map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::ChangeKind;

    fn claims(changed: &[&str], there: &[&str], gone: &[&str]) -> Claims {
        let artifact = |path: &&str, size| Artifact {
            path: (*path).to_owned(),
            media_type: "text/plain".into(),
            description: None,
            size,
        };
        Claims {
            changed: changed.iter().map(ToString::to_string).collect(),
            artifacts: there
                .iter()
                .map(|path| artifact(path, Some(0)))
                .chain(gone.iter().map(|path| artifact(path, None)))
                .collect(),
        }
    }

    fn seen(paths: &[&str]) -> Vec<Change> {
        let kinds = [
            ChangeKind::Created,
            ChangeKind::Modified,
            ChangeKind::Deleted,
        ];
        let change = |(path, kind): (&&str, ChangeKind)| Change {
            path: RelPath::parse(path).unwrap(),
            kind,
        };
        paths.iter().zip(kinds).map(change).collect()
    }

    /// What is claimed as changed, as produced and there, as produced and not there; what was
    /// seen; what is not changed, not claimed, not there.
    type Row = (
        &'static [&'static str],
        &'static [&'static str],
        &'static [&'static str],
        &'static [&'static str],
        [&'static [&'static str]; 3],
    );

    const ROWS: &[Row] = &[
        // Nothing is claimed: what was seen contradicts nothing.
        (&[], &[], &[], &[], [&[], &[], &[]]),
        (&[], &[], &[], &["a", "b"], [&[], &[], &[]]),
        // All that is claimed was seen, and the other way round, however it is written.
        (
            &["a", "b", "c"],
            &[],
            &[],
            &["a", "b", "c"],
            [&[], &[], &[]],
        ),
        (
            &["./a", "b//c/", "a"],
            &[],
            &[],
            &["a", "b/c"],
            [&[], &[], &[]],
        ),
        // Claimed, and untouched.
        (&["b", "a", "a"], &[], &[], &["a"], [&["b"], &[], &[]]),
        (&["b", "a"], &[], &[], &[], [&["a", "b"], &[], &[]]),
        // A directory is no file that changed, and part of a name is another name.
        (&["src"], &[], &[], &["src/a"], [&["src"], &["src/a"], &[]]),
        // Touched, and not claimed.
        (&["a"], &[], &[], &["a", "b", "c"], [&[], &["b", "c"], &[]]),
        // What is named as produced is not hidden.
        (&["a"], &["./b"], &[], &["a", "b", "c"], [&[], &["c"], &[]]),
        (&[], &["b"], &[], &["a", "b"], [&[], &[], &[]]),
        // A file that was there before is produced as well: by being left as it is.
        (&[], &["b"], &[], &[], [&[], &[], &[]]),
        // Produced, and not there.
        (&[], &["a"], &["c", "b"], &["a"], [&[], &[], &["b", "c"]]),
        (&["a"], &[], &["b"], &["a"], [&[], &[], &["b"]]),
        // What is no path below the workspace, as it was written.
        (
            &["", "..", "/etc/passwd", "a/../a", "C:\\a", "a\0", "."],
            &[],
            &["../a", ""],
            &["a"],
            [
                &["", ".", "..", "/etc/passwd", "C:\\a", "a\0", "a/../a"],
                &["a"],
                &["", "../a"],
            ],
        ),
    ];

    #[test]
    fn claims_are_held_against_what_was_seen() {
        for (number, (changed, there, gone, observed, want)) in ROWS.iter().enumerate() {
            let got = compare(&claims(changed, there, gone), &seen(observed));
            let is_empty = want.iter().all(|list| list.is_empty());
            assert_eq!(got.is_none(), is_empty, "row {number}: {got:?}");
            let got = got.unwrap_or_default();
            assert_eq!(got.not_changed, want[0], "row {number}, not changed");
            assert_eq!(got.not_claimed, want[1], "row {number}, not claimed");
            assert_eq!(got.not_there, want[2], "row {number}, not there");
            assert!(!got.more, "row {number}");
        }
    }

    #[test]
    fn lists_and_names_end() {
        let names: Vec<String> = (0..=MAX_NAMED).map(|n| format!("{n:04}")).collect();
        let texts: Vec<&str> = names.iter().map(String::as_str).collect();
        let exactly = compare(&claims(&texts[1..], &[], &[]), &[]).unwrap();
        assert_eq!(
            (exactly.not_changed.len(), exactly.more),
            (MAX_NAMED, false)
        );
        for claims in [claims(&texts, &[], &[]), claims(&[], &[], &texts)] {
            let got = compare(&claims, &[]).unwrap();
            let listed = [got.not_changed, got.not_claimed, got.not_there].concat();
            assert_eq!(listed, texts[..MAX_NAMED]);
            assert!(got.more);
        }
        let long = "ü".repeat(MAX_PATH_BYTES);
        let got = compare(&claims(&[&long], &[], &[]), &[]).unwrap();
        assert_eq!(got.not_changed[0].len(), MAX_PATH_BYTES);
    }

    #[test]
    fn only_what_differs_is_written() {
        let got = compare(&claims(&["a"], &[], &["b"]), &seen(&["a"])).unwrap();
        let text = serde_json::to_string(&got).unwrap();
        assert_eq!(text, r#"{"not-there":["b"]}"#);
        assert_eq!(serde_json::from_str::<Mismatch>(&text).unwrap(), got);
    }
}
