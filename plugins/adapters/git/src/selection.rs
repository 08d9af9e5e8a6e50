//! What of the changes that `status` lists goes into a commit.
//!
//! Never: a staged change that the request does not name, taken along; a file that cannot be seen, taken
//! for one that is gone.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use crate::refusal::Refusal;

/// One changed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) path: String,
    /// How the index differs from the commit: `A`, `M`, `D`, `R`, `T`; nothing if it does not.
    pub(crate) staged: Option<char>,
    /// How the file differs from the index.
    pub(crate) unstaged: Option<char>,
}

/// The changed paths of [`crate::read::status`]; a renamed file is two.
///
/// # Errors
/// There are more than are listed, conflicts, or names that are not UTF-8.
pub(crate) fn entries(status: &Value) -> Result<Vec<Entry>, Refusal> {
    if status.get("left_out").and_then(Value::as_u64) != Some(0) {
        return Err(Refusal::limit("too many changed files for one commit"));
    }
    let mut all = Vec::new();
    for entry in status
        .get("entries")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let word = |key: &str| entry.get(key).and_then(Value::as_str);
        let state = |key: &str| {
            let mark = word(key).and_then(|word| word.chars().next());
            mark.filter(|mark| *mark != '.')
        };
        let path = word("path").unwrap_or_default();
        if word("kind") == Some("unmerged") {
            let message = format!("`{path}` has conflicts; resolve them first");
            return Err(Refusal::usage("conflicts", message));
        }
        if path.contains('\u{fffd}') {
            let message = format!("`{path}` has a name that is not UTF-8");
            return Err(Refusal::usage("name", message));
        }
        if let Some(from) = word("from") {
            all.push(Entry {
                path: from.to_owned(),
                staged: Some('D'),
                unstaged: None,
            });
        }
        all.push(Entry {
            path: path.to_owned(),
            staged: state("staged"),
            unstaged: state("unstaged"),
        });
    }
    Ok(all)
}

/// What goes into the commit, and what could not be.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) paths: Vec<String>,
    /// Repositories inside of this one.
    pub(crate) skipped: Vec<String>,
}

/// Chooses the entries that the request names; no paths stand for all.
///
/// # Errors
/// Something is staged that is not named, or a file cannot be seen.
pub(crate) fn select(
    root: &Path,
    entries: &[Entry],
    named: &[String],
) -> Result<Selection, Refusal> {
    let mut selection = Selection::default();
    for entry in entries {
        if !named.is_empty() && !named.iter().any(|name| covers(name, &entry.path)) {
            if entry.staged.is_some() {
                let message = format!(
                    "`{}` is staged and not among `paths`; name it too, or unstage it",
                    entry.path
                );
                return Err(Refusal::usage("staged-elsewhere", message));
            }
            continue;
        }
        if entry.path.ends_with('/') {
            selection.skipped.push(entry.path.clone());
            continue;
        }
        if entry.unstaged == Some('D') && !is_gone(&root.join(&entry.path)) {
            let message = format!(
                "`{}` is not to be seen by git and yet not gone: it may not be read, so it is not \
                 known whether it was deleted",
                entry.path
            );
            return Err(Refusal::permission(message));
        }
        selection.paths.push(entry.path.clone());
    }
    Ok(selection)
}

/// Whether it is certain that there is no file: a refusal to look is no answer.
fn is_gone(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        // Something else is in its place, which git lists too.
        Ok(found) => found.is_dir(),
        Err(error) => matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        ),
    }
}

/// Whether the path is the named one or below it.
fn covers(named: &str, path: &str) -> bool {
    let named = named.trim_end_matches('/');
    named == "."
        || path.strip_prefix(named).is_some_and(|rest| {
            // A repository inside of this one is listed with the slash.
            rest.is_empty() || rest.starts_with('/')
        })
}
