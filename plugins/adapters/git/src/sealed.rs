//! A git directory with a repository's refs and index, and nothing that the repository configures.
//!
//! Objects are not copied: git finds them through `GIT_ALTERNATE_OBJECT_DIRECTORIES`, which the owner's
//! declaration sets. Never: the repository's `config`, `hooks`, attributes or `modules`; a link that is
//! followed.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use crate::request::Author;

/// Most files of refs; what has more is packed.
const MOST_REFS: usize = 50_000;
/// Most directories inside each other below `refs`.
const MOST_DEPTH: usize = 32;
/// Largest ref: a name or a hash. Largest packed list, index, configuration.
pub(crate) const MOST_OF_A_REF: u64 = 4 << 10;
pub(crate) const MOST_PACKED: u64 = 64 << 20;
pub(crate) const MOST_INDEX: u64 = 64 << 20;
const MOST_CONFIG: u64 = 1 << 20;
/// The index as it was read, for verbs that change it. No file that git knows.
pub(crate) const INDEX_BEFORE: &str = "index.before";
/// The start of our own configuration. Git would start a housekeeper of its own, which has no business
/// in a directory that is gone in a moment.
const CONFIG: &str = "[core]\n\trepositoryformatversion = 1\n\tbare = false\n\tlogAllRefUpdates = false\n\
    \thooksPath = /dev/null\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n";

/// Why a repository cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    #[error("there is no repository here: no directory `.git`")]
    NoRepository,
    #[error(
        "`.git` is a file: the repository is elsewhere (a linked worktree or a submodule), which is not read"
    )]
    Elsewhere,
    #[error("the repository keeps its {0}, which is not read")]
    Format(&'static str),
    #[error("the repository has {0}, which is more than is read")]
    TooLarge(&'static str),
    #[error("cannot read `.git/{path}`: {source}")]
    Read { path: String, source: io::Error },
    #[error("cannot write to the scratch directory: {0}")]
    Write(io::Error),
}

/// Makes the git directory `place` for the repository in `root`.
///
/// # Errors
/// There is no repository, or it is of a kind that is not read.
pub(crate) fn seal(root: &Path, place: &Path) -> Result<(), SealError> {
    seal_as(root, place, &Author::default())
}

/// As [`seal`], with somebody for commits to be by.
///
/// # Errors
/// As [`seal`].
pub(crate) fn seal_as(root: &Path, place: &Path, author: &Author) -> Result<(), SealError> {
    let git = root.join(".git");
    match fs::symlink_metadata(&git) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(SealError::Elsewhere),
        Err(_) => return Err(SealError::NoRepository),
    }
    for name in ["objects", "refs"] {
        if fs::symlink_metadata(git.join(name)).is_ok_and(|found| found.is_symlink()) {
            return Err(SealError::Format("objects or refs behind a link"));
        }
    }
    // Git would read objects wherever these files say.
    for name in ["alternates", "http-alternates"] {
        if fs::symlink_metadata(git.join("objects/info").join(name)).is_ok() {
            return Err(SealError::Format(
                "objects partly in another repository (`objects/info/alternates`; `git repack -a` ends that)",
            ));
        }
    }
    let hash = object_format(&git)?;
    for directory in ["info", "objects", "refs"] {
        fs::create_dir_all(place.join(directory)).map_err(SealError::Write)?;
    }
    let mut config = String::from(CONFIG);
    let (name, email) = (quote(&author.name), quote(&author.email));
    config += &format!("[user]\n\tname = {name}\n\temail = {email}\n");
    if hash == "sha256" {
        config += "[extensions]\n\tobjectFormat = sha256\n";
    }
    fs::write(place.join("config"), config).map_err(SealError::Write)?;
    for (name, limit) in [
        ("HEAD", MOST_OF_A_REF),
        ("packed-refs", MOST_PACKED),
        ("index", MOST_INDEX),
        ("shallow", MOST_PACKED),
        // Names of files that are not to be told of; it can start nothing.
        ("info/exclude", MOST_CONFIG),
    ] {
        if let Some(bytes) = read(&git, name, limit)? {
            fs::write(place.join(name), bytes).map_err(SealError::Write)?;
        }
    }
    keep_time(&git, place)?;
    copy_refs(&git, place)
}

/// A value of git's configuration. The request was checked: no line ends in it.
fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Whether it is a regular file, and no link to one.
pub(crate) fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

/// Gives the copy of the index the time of the original. Git compares it with the times of files: in
/// one that is not older than the index, it looks at the content. A copy that is newer would hide what
/// was changed in the moment in which the index was written.
fn keep_time(git: &Path, place: &Path) -> Result<(), SealError> {
    const INDEX: &str = "index";
    let Ok(found) = fs::symlink_metadata(git.join(INDEX)) else {
        return Ok(());
    };
    let time = found.modified().map_err(|source| SealError::Read {
        path: INDEX.to_owned(),
        source,
    })?;
    let copy = place.join(INDEX);
    let mut options = fs::OpenOptions::new();
    match options.write(true).open(copy) {
        Ok(file) => file.set_modified(time).map_err(SealError::Write),
        // What is no file was not copied.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(SealError::Write(error)),
    }
}

/// The hash that objects are named by. Of the configuration only this is taken; some of it says that the
/// repository is of a kind that is not read.
fn object_format(git: &Path) -> Result<&'static str, SealError> {
    let bytes = read(git, "config", MOST_CONFIG)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).to_lowercase();
    let mut hash = "sha1";
    for line in text.lines() {
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        // A key can stand on the line of its section.
        let key = key.rsplit(']').next().unwrap_or(key).trim();
        match (key, value.trim()) {
            ("objectformat", "sha256") => hash = "sha256",
            ("refstorage", storage) if storage != "files" => {
                return Err(SealError::Format("refs in tables"));
            }
            // Seen from here, all of its files would be gone.
            ("worktree", _) => {
                return Err(SealError::Format("files elsewhere (`core.worktree`)"));
            }
            ("bare", "true") => return Err(SealError::Format("no files (`core.bare`)")),
            _ => {}
        }
    }
    if git.join("reftable").is_dir() {
        return Err(SealError::Format("refs in tables"));
    }
    Ok(hash)
}

/// A file of the repository; nothing if it is not there, or is no file.
///
/// # Errors
/// It is too large, or cannot be read.
pub(crate) fn read(git: &Path, name: &str, limit: u64) -> Result<Option<Vec<u8>>, SealError> {
    let path = git.join(name);
    if !is_file(&path) {
        return Ok(None);
    }
    let failed = |source| SealError::Read {
        path: name.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let file = fs::File::open(&path).map_err(failed)?;
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(SealError::TooLarge("a file of refs, or an index"));
    }
    Ok(Some(bytes))
}

/// Copies the refs that are files of their own.
fn copy_refs(git: &Path, place: &Path) -> Result<(), SealError> {
    let mut waiting = vec![("refs".to_owned(), 0)];
    let mut copied = 0;
    while let Some((directory, depth)) = waiting.pop() {
        let failed = |source| SealError::Read {
            path: directory.clone(),
            source,
        };
        if depth > MOST_DEPTH {
            return Err(SealError::TooLarge("refs in too many directories"));
        }
        let entries = match fs::read_dir(git.join(&directory)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        fs::create_dir_all(place.join(&directory)).map_err(SealError::Write)?;
        for entry in entries {
            let entry = entry.map_err(failed)?;
            // What is not UTF-8 cannot be asked for either.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = format!("{directory}/{name}");
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                waiting.push((path, depth + 1));
            } else if kind.is_file()
                && let Some(bytes) = read(git, &path, MOST_OF_A_REF)?
            {
                copied += 1;
                if copied > MOST_REFS {
                    return Err(SealError::TooLarge("too many refs"));
                }
                fs::write(place.join(&path), bytes).map_err(SealError::Write)?;
            }
        }
    }
    Ok(())
}
