//! Looks at files: what is there, and what is below a directory.
//!
//! Never: a change. Those go through a [`crate::transaction::Transaction`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::path::SafePath;

/// What has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, wherever it leads.
    Link,
    /// A socket, a pipe, a device.
    Other,
}

impl Kind {
    fn of(kind: fs::FileType) -> Self {
        if kind.is_symlink() {
            Self::Link
        } else if kind.is_dir() {
            Self::Directory
        } else if kind.is_file() {
            Self::File
        } else {
            Self::Other
        }
    }
}

/// Something below a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the directory in which the walk began.
    pub path: SafePath,
    /// What it is.
    pub kind: Kind,
    /// Bytes of a file; 0 for everything else.
    pub size: u64,
}

/// How far a walk goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most entries. A tree with more is not walked in part: that would look like a smaller tree.
    pub entries: usize,
    /// Most directories inside each other.
    pub depth: usize,
}

impl Default for Limits {
    /// 100 000 entries: ten times a large project without its dependencies. Depth 64: deeper than
    /// any tree that people made.
    fn default() -> Self {
        Self {
            entries: 100_000,
            depth: 64,
        }
    }
}

/// Why a directory was not walked, or a file not looked at.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The file system refused it.
    #[error("cannot {action} {path}: {source}", path = .path.display())]
    Io {
        /// What was tried: a verb.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// More entries than [`Limits::entries`].
    #[error("{path} has more than {limit} files and directories", path = .path.display())]
    TooMany {
        /// Where the walk began.
        path: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// Deeper than [`Limits::depth`].
    #[error("{path} is more than {limit} directories deep")]
    TooDeep {
        /// The first directory that is too deep.
        path: SafePath,
        /// The limit.
        limit: usize,
    },
    /// A file is larger than the reader wants.
    #[error("{path} has more than {limit} bytes", path = .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// A file that has to be text is none.
    #[error("{path} is not UTF-8 text", path = .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FilesError {
    let path = path.to_owned();
    move |source| FilesError::Io {
        action,
        path,
        source,
    }
}

/// What has a name, a link being a link; nothing if nothing has it.
///
/// # Errors
/// The file system does not say.
pub fn kind(path: &Path) -> Result<Option<Kind>, FilesError> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(Kind::of(found.file_type()))),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(source) => Err(failed("look at", path)(source)),
    }
}

/// Reads a whole file of at most `limit` bytes.
///
/// # Errors
/// It cannot be read, or is larger.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FilesError> {
    use std::io::Read as _;
    let file = fs::File::open(path).map_err(failed("open", path))?;
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(failed("read", path))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(FilesError::TooLarge {
            path: path.to_owned(),
            limit,
        });
    }
    Ok(bytes)
}

/// Reads a whole file of text.
///
/// # Errors
/// As [`read`], or it is not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> Result<String, FilesError> {
    String::from_utf8(read(path, limit)?).map_err(|_| FilesError::NotText {
        path: path.to_owned(),
    })
}

/// Everything below `root`, sorted by path, without what `enter` refuses: it is asked for each
/// directory, before it is entered. Links are listed and not followed. Names that are not UTF-8
/// cannot stand in a plugin's paths and are left out.
///
/// # Errors
/// A directory cannot be read, or a limit was passed.
pub fn walk(
    root: &Path,
    limits: Limits,
    enter: impl Fn(&SafePath) -> bool,
) -> Result<Vec<Entry>, FilesError> {
    let mut found = Vec::new();
    let mut waiting = vec![(SafePath::here(), 0)];
    while let Some((directory, depth)) = waiting.pop() {
        let place = root.join(directory.as_str());
        for entry in fs::read_dir(&place).map_err(failed("list", &place))? {
            let entry = entry.map_err(failed("list", &place))?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let Ok(path) = SafePath::parse(&directory.join(&name)) else {
                continue;
            };
            let kind = Kind::of(
                entry
                    .file_type()
                    .map_err(failed("look at", &entry.path()))?,
            );
            if kind == Kind::Directory {
                if !enter(&path) {
                    continue;
                }
                if depth >= limits.depth {
                    let limit = limits.depth;
                    return Err(FilesError::TooDeep { path, limit });
                }
                waiting.push((path.clone(), depth + 1));
            }
            let size = match kind {
                Kind::File => entry
                    .metadata()
                    .map_err(failed("look at", &entry.path()))?
                    .len(),
                Kind::Directory | Kind::Link | Kind::Other => 0,
            };
            if found.len() >= limits.entries {
                return Err(FilesError::TooMany {
                    path: root.to_owned(),
                    limit: limits.entries,
                });
            }
            found.push(Entry { path, kind, size });
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for path in ["b/deep/file", "a", "skipped/file"] {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        directory
    }

    fn paths(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.path.as_str()).collect()
    }

    #[test]
    fn a_walk_is_sorted_and_leaves_out_what_is_not_wanted() {
        let directory = tree();
        let found = walk(directory.path(), Limits::default(), |path| {
            path.name() != "skipped"
        });
        let found = found.unwrap();
        assert_eq!(paths(&found), ["a", "b", "b/deep", "b/deep/file"]);
        assert_eq!((found[0].kind, found[0].size), (Kind::File, 4));
    }

    #[test]
    #[cfg(unix)]
    fn a_link_is_not_followed() {
        let directory = tree();
        std::os::unix::fs::symlink("..", directory.path().join("b/up")).unwrap();
        let found = walk(directory.path(), Limits::default(), |_| true).unwrap();
        let link = found.iter().find(|entry| entry.path.as_str() == "b/up");
        assert_eq!(link.unwrap().kind, Kind::Link);
        assert!(found.len() < 10);
    }

    #[test]
    fn a_limit_is_an_error_and_not_a_smaller_tree() {
        let directory = tree();
        let limits = |entries, depth| Limits { entries, depth };
        let refused = |limits| walk(directory.path(), limits, |_| true).unwrap_err();
        assert!(matches!(
            refused(limits(3, 9)),
            FilesError::TooMany { limit: 3, .. }
        ));
        assert!(matches!(
            refused(limits(99, 1)),
            FilesError::TooDeep { limit: 1, .. }
        ));
        let large = read(&directory.path().join("a"), 3).unwrap_err();
        assert!(matches!(large, FilesError::TooLarge { limit: 3, .. }));
        assert_eq!(read_text(&directory.path().join("a"), 4).unwrap(), "text");
    }
}
