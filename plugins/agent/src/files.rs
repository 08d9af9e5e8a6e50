//! What the agent says it changed, held against what the host saw.
//!
//! Agents write paths as they see them, often absolute. Never: a claim that becomes an
//! observation.

use std::collections::BTreeSet;

use serde::Serialize;

/// What the host saw change since the run began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Paths below the workspace; `None` if the host could not look.
    pub files: Option<BTreeSet<String>>,
}

impl Changes {
    /// These files changed.
    pub fn seen<T: Into<String>>(files: impl IntoIterator<Item = T>) -> Self {
        Self {
            files: Some(files.into_iter().map(Into::into).collect()),
        }
    }

    /// Whether something changed that the work may have been about.
    #[must_use]
    pub fn is_effect(&self) -> bool {
        self.files.iter().flatten().any(|file| !is_by_product(file))
    }
}

/// Where the claims of an agent and the host's look differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Mismatch {
    /// The agent says that it is done, and the verdict is that it is not.
    pub success: bool,
    /// Claimed as changed, and not seen as changed.
    pub not_changed: Vec<String>,
    /// Seen as changed and not claimed; empty if the agent claims no files at all.
    pub not_claimed: Vec<String>,
}

impl Mismatch {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether a file is left behind by tools and not what anybody asks an agent for.
#[must_use]
pub fn is_by_product(path: &str) -> bool {
    const DIRECTORIES: &[&str] = &[
        ".git",
        "__pycache__",
        ".pytest_cache",
        ".ruff_cache",
        ".mypy_cache",
        ".aider.tags.cache.v3",
        ".aider.tags.cache.v4",
    ];
    const FILES: &[&str] = &[
        ".aider.chat.history.md",
        ".aider.input.history",
        ".aider.llm.history",
        ".DS_Store",
    ];
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    parts.any(|part| DIRECTORIES.contains(&part) || FILES.contains(&part))
}

/// The claimed paths as paths below the workspace, as far as that can be known: a path that cannot
/// be brought below it stays as the agent wrote it.
pub(crate) fn relative(
    claimed: &BTreeSet<String>,
    root: Option<&str>,
    observed: &Changes,
) -> BTreeSet<String> {
    let mut roots: BTreeSet<String> = root
        .map(|root| root.trim_end_matches('/').to_owned())
        .into_iter()
        .collect();
    // Where the workspace lies for the agent shows in any file that both sides name.
    for path in claimed {
        for seen in observed.files.iter().flatten() {
            if let Some(above) = path.strip_suffix(seen.as_str())
                && above.starts_with('/')
                && above.ends_with('/')
            {
                roots.insert(above.trim_end_matches('/').to_owned());
            }
        }
    }
    let below = |path: &String| {
        let found = roots
            .iter()
            .filter_map(|root| path.strip_prefix(root.as_str())?.strip_prefix('/'))
            .min_by_key(|rest| rest.len());
        let bare = path.strip_prefix("./").unwrap_or(path);
        found.unwrap_or(bare).to_owned()
    };
    claimed.iter().map(below).collect()
}

/// Holds claimed files, already [`relative`], against the observed ones.
pub(crate) fn compare(claimed: &BTreeSet<String>, observed: &Changes) -> Mismatch {
    /// Most paths that each list names: what people read.
    const MOST: usize = 100;
    let Some(seen) = &observed.files else {
        return Mismatch::default();
    };
    let not_changed = claimed.difference(seen).take(MOST).cloned().collect();
    let hidden = seen
        .difference(claimed)
        .filter(|path| !claimed.is_empty() && !is_by_product(path));
    Mismatch {
        success: false,
        not_changed,
        not_claimed: hidden.take(MOST).cloned().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(all: &[&str]) -> BTreeSet<String> {
        all.iter().map(|one| (*one).to_owned()).collect()
    }

    #[test]
    fn claims_are_brought_below_the_workspace() {
        let seen = Changes::seen(["src/a.py"]);
        let claimed = set(&["/repo/src/a.py", "/repo/b.py", "/etc/x", "./c", "d"]);
        assert_eq!(
            relative(&claimed, None, &seen),
            set(&["src/a.py", "b.py", "/etc/x", "c", "d"])
        );
        assert_eq!(
            relative(&set(&["/r/b.py"]), Some("/r/"), &Changes::default()),
            set(&["b.py"])
        );
        // A name that only ends alike is another file.
        let claimed = set(&["/repo/xa.py"]);
        assert_eq!(relative(&claimed, None, &Changes::seen(["a.py"])), claimed);
    }

    #[test]
    fn what_differs_is_named_and_by_products_are_not() {
        let seen = Changes::seen(["a", "c", "__pycache__/a.pyc"]);
        let found = compare(&set(&["a", "b"]), &seen);
        assert_eq!(
            (found.not_changed, found.not_claimed),
            (vec!["b".into()], vec!["c".into()])
        );
        assert!(compare(&BTreeSet::new(), &seen).is_empty());
        assert!(compare(&set(&["a"]), &Changes::default()).is_empty());
    }

    #[test]
    fn by_products_are_no_effect() {
        assert!(!Changes::seen(["__pycache__/", ".aider.chat.history.md"]).is_effect());
        assert!(!Changes::seen(Vec::<String>::new()).is_effect());
        assert!(!Changes::default().is_effect());
        assert!(Changes::seen(["src/a.py"]).is_effect());
    }
}
