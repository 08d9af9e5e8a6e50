//! Looking at files and directories, with a limit on each.
//!
//! Never: a link that is followed, a directory that is read without an end.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

/// Most entries of one directory that are looked at: a directory of sources has hundreds.
pub const MOST_ENTRIES: usize = 100_000;

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A link, or something that is neither file nor directory.
    Other,
    /// Nothing.
    Missing,
}

/// Why something could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The file system said no.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The path, as the plugin sees it.
        path: String,
        /// What the file system said.
        source: io::Error,
    },
    /// A limit of this crate.
    #[error("{path} is larger than {limit}")]
    TooLarge {
        /// The path, as the plugin sees it.
        path: String,
        /// The limit and its unit.
        limit: String,
    },
    /// The content is not text.
    #[error("{path} is not UTF-8")]
    NotText {
        /// The path, as the plugin sees it.
        path: String,
    },
}

fn io_error(path: &Path, source: io::Error) -> LookError {
    LookError::Io {
        path: path.display().to_string(),
        source,
    }
}

/// What is at a path; links are not followed.
///
/// # Errors
/// The file system refused to say.
pub fn kind(path: &Path) -> Result<Kind, LookError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(Kind::File),
        Ok(found) if found.is_dir() => Ok(Kind::Directory),
        Ok(_) => Ok(Kind::Other),
        // A path through a file is a path to nothing.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(Kind::Missing)
        }
        Err(error) => Err(io_error(path, error)),
    }
}

/// The text of a file of at most `most` bytes.
///
/// # Errors
/// It cannot be read, is larger, or is not UTF-8.
pub fn read(path: &Path, most: usize) -> Result<String, LookError> {
    let bytes = read_start(path, most.saturating_add(1))?;
    if bytes.len() > most {
        return Err(LookError::TooLarge {
            path: path.display().to_string(),
            limit: format!("{most} bytes"),
        });
    }
    String::from_utf8(bytes).map_err(|_| LookError::NotText {
        path: path.display().to_string(),
    })
}

/// The first bytes of a file, at most `most`.
///
/// # Errors
/// It cannot be read.
pub fn read_start(path: &Path, most: usize) -> Result<Vec<u8>, LookError> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    fs::File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| io_error(path, error))?;
    Ok(bytes)
}

/// The names in a directory, sorted, each with what it is. Names that are not UTF-8 are left out
/// and counted.
///
/// # Errors
/// It cannot be read, or has more than [`MOST_ENTRIES`].
pub fn list(path: &Path) -> Result<(Vec<(String, Kind)>, usize), LookError> {
    let mut found = Vec::new();
    let mut unnamed = 0;
    for entry in fs::read_dir(path).map_err(|error| io_error(path, error))? {
        let entry = entry.map_err(|error| io_error(path, error))?;
        if found.len() + unnamed == MOST_ENTRIES {
            return Err(LookError::TooLarge {
                path: path.display().to_string(),
                limit: format!("{MOST_ENTRIES} entries"),
            });
        }
        match entry.file_name().into_string() {
            Ok(name) => {
                let kind = match entry.file_type() {
                    Ok(kind) if kind.is_file() => Kind::File,
                    Ok(kind) if kind.is_dir() => Kind::Directory,
                    Ok(_) => Kind::Other,
                    Err(error) => return Err(io_error(&entry.path(), error)),
                };
                found.push((name, kind));
            }
            Err(_) => unnamed += 1,
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok((found, unnamed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_an_error_and_not_a_cut() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("a");
        fs::write(&file, "12345").unwrap();
        assert_eq!(read(&file, 5).unwrap(), "12345");
        assert!(matches!(read(&file, 4), Err(LookError::TooLarge { .. })));
        assert_eq!(read_start(&file, 2).unwrap(), b"12");
        fs::write(&file, [0xff]).unwrap();
        assert!(matches!(read(&file, 4), Err(LookError::NotText { .. })));
    }

    #[test]
    fn a_link_is_not_what_it_leads_to() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("file"), "").unwrap();
        fs::create_dir(place.path().join("folder")).unwrap();
        std::os::unix::fs::symlink("file", place.path().join("link")).unwrap();
        let (found, unnamed) = list(place.path()).unwrap();
        assert_eq!(
            found,
            [
                ("file".to_owned(), Kind::File),
                ("folder".to_owned(), Kind::Directory),
                ("link".to_owned(), Kind::Other)
            ]
        );
        assert_eq!(unnamed, 0);
        assert_eq!(kind(&place.path().join("link")).unwrap(), Kind::Other);
        assert_eq!(kind(&place.path().join("file/x")).unwrap(), Kind::Missing);
    }
}
