//! Refs of a git directory: where `HEAD` points, and what a branch is at.
//!
//! The format is that of git's `gitrepository-layout(5)` and of its files backend. Never: a link that is
//! followed; a detached `HEAD` that is moved.

use std::fs;
use std::io;
use std::path::Path;

use crate::refusal::Refusal;
use crate::request::is_branch_name;
use crate::sealed::{self, MOST_OF_A_REF, MOST_PACKED};

/// Where branches are.
const HEADS: &str = "refs/heads/";
/// What git leaves while a work of several steps is unfinished. A commit would end it, in git's way.
const IN_PROGRESS: [(&str, &str); 6] = [
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase or `git am`"),
    ("sequencer", "cherry-pick or revert of several commits"),
];

/// The branch that is checked out in the git directory: the full name.
///
/// # Errors
/// `HEAD` is detached or unreadable, or names something that is no branch.
pub(crate) fn checked_out(git: &Path) -> Result<String, Refusal> {
    let bytes = file(git, "HEAD", MOST_OF_A_REF)?.ok_or_else(|| {
        Refusal::usage(
            "head",
            "`.git/HEAD` is missing, or is a link, which is not written",
        )
    })?;
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_end();
    let Some(name) = text.strip_prefix("ref:").map(str::trim_start) else {
        return Err(Refusal::usage(
            "detached",
            "`HEAD` is detached: no branch is checked out that a commit could go to. Check out a branch",
        ));
    };
    match name.strip_prefix(HEADS) {
        Some(branch) if is_branch_name(branch) => Ok(name.to_owned()),
        Some(_) | None => Err(Refusal::usage(
            "head",
            format!("`HEAD` points to `{name}`, which is no branch that is written"),
        )),
    }
}

/// The full name of a branch.
pub(crate) fn full_name(branch: &str) -> String {
    format!("{HEADS}{branch}")
}

/// Refuses a repository in which git has not finished something.
///
/// # Errors
/// It is so.
pub(crate) fn nothing_in_progress(git: &Path) -> Result<(), Refusal> {
    for (name, what) in IN_PROGRESS {
        if fs::symlink_metadata(git.join(name)).is_ok() {
            let message = format!("a {what} is in progress; finish or abort it first");
            return Err(Refusal::usage("in-progress", message));
        }
    }
    Ok(())
}

/// The commit that a ref is at; nothing if there is no such ref.
///
/// # Errors
/// It is a link, a symbolic ref, no id, or unreadable.
pub(crate) fn current(git: &Path, name: &str) -> Result<Option<String>, Refusal> {
    real_directories(git, name)?;
    match fs::symlink_metadata(git.join(name)) {
        Ok(found) if found.is_file() => {}
        Ok(found) if found.is_dir() => return packed(git, name),
        Ok(_) => {
            let message = format!("`.git/{name}` is a link, which is not followed");
            return Err(Refusal::usage("link", message));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return packed(git, name),
        Err(error) => return Err(Refusal::io(&format!(".git/{name}"), &error)),
    }
    let bytes = file(git, name, MOST_OF_A_REF)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_end();
    if is_id(text) {
        Ok(Some(text.to_owned()))
    } else {
        let message = format!("`{name}` is a symbolic or broken ref, which is not written");
        Err(Refusal::usage("symbolic", message))
    }
}

/// Whether there are branches below a branch of this name, or one of which this is below.
///
/// # Errors
/// The packed refs cannot be read.
pub(crate) fn in_the_way(git: &Path, name: &str) -> Result<Option<String>, Refusal> {
    let below = format!("{name}/");
    for found in packed_refs(git)? {
        if found.1.starts_with(&below) || name.starts_with(&format!("{}/", found.1)) {
            return Ok(Some(found.1));
        }
    }
    if git.join(name).is_dir() {
        return Ok(Some(below));
    }
    let mut above = name;
    while let Some((parent, _)) = above.rsplit_once('/') {
        if fs::symlink_metadata(git.join(parent)).is_ok_and(|found| !found.is_dir()) {
            return Ok(Some(parent.to_owned()));
        }
        above = parent;
    }
    Ok(None)
}

/// Whether each directory above a name in the git directory is one and no link to one; those that are
/// not there are in order.
///
/// # Errors
/// One is a link.
pub(crate) fn real_directories(git: &Path, name: &str) -> Result<(), Refusal> {
    for (at, _) in name.match_indices('/') {
        let parent = name.get(..at).unwrap_or_default();
        if fs::symlink_metadata(git.join(parent)).is_ok_and(|found| found.is_symlink()) {
            let message = format!("`.git/{parent}` is a link, which is not followed");
            return Err(Refusal::usage("link", message));
        }
    }
    Ok(())
}

/// Whether it is a whole id of an object, by SHA-1 or SHA-256.
pub(crate) fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|one| one.is_ascii_hexdigit())
}

fn packed(git: &Path, name: &str) -> Result<Option<String>, Refusal> {
    let mut refs = packed_refs(git)?.into_iter();
    Ok(refs.find(|found| found.1 == name).map(|found| found.0))
}

/// Id and name of each packed ref.
fn packed_refs(git: &Path) -> Result<Vec<(String, String)>, Refusal> {
    let bytes = file(git, "packed-refs", MOST_PACKED)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().filter(|line| !line.starts_with(['#', '^']));
    Ok(lines
        .filter_map(|line| line.split_once(' '))
        .filter(|(id, _)| is_id(id))
        .map(|(id, name)| (id.to_owned(), name.to_owned()))
        .collect())
}

/// A file of a git directory, see [`sealed::read`].
pub(crate) fn file(git: &Path, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Refusal> {
    sealed::read(git, name, limit).map_err(|error| Refusal::usage("seal", error.to_string()))
}
