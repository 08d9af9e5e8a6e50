//! Files of a project on the disk: whole files, one after the other.
//!
//! Never: a link followed out of the project when something is written.

use std::fs;
use std::path::Path;

use crate::error::AuthoringError;

/// Writes a file and the directories above it. One that has this content is left alone, so that
/// a toolchain that looks at times builds no more than it has to.
pub(crate) fn write(root: &Path, path: &str, content: &[u8]) -> Result<(), AuthoringError> {
    let target = root.join(path);
    let parent = target.parent().unwrap_or(root);
    fs::create_dir_all(parent).map_err(|error| AuthoringError::write(parent, error))?;
    if fs::symlink_metadata(&target).is_ok_and(|found| found.is_symlink()) {
        fs::remove_file(&target).map_err(|error| AuthoringError::write(&target, error))?;
    }
    if fs::read(&target).is_ok_and(|old| old == content) {
        return Ok(());
    }
    fs::write(&target, content).map_err(|error| AuthoringError::write(&target, error))
}

/// Whether there is nothing at a path, or an empty directory.
pub(crate) fn is_free(path: &Path) -> Result<bool, AuthoringError> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(AuthoringError::read(path, error)),
    }
}

/// Reads a text.
pub(crate) fn read_text(path: &Path) -> Result<String, AuthoringError> {
    fs::read_to_string(path).map_err(|error| AuthoringError::read(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_replaced_and_not_followed() {
        let place = tempfile::tempdir().unwrap();
        let outside = place.path().join("outside");
        fs::write(&outside, "mine").unwrap();
        std::os::unix::fs::symlink(&outside, place.path().join("link")).unwrap();
        write(place.path(), "link", b"new").unwrap();
        assert_eq!(fs::read_to_string(&outside).unwrap(), "mine");
        assert_eq!(
            fs::read_to_string(place.path().join("link")).unwrap(),
            "new"
        );
    }

    #[test]
    fn a_place_is_free_if_there_is_nothing_in_it() {
        let place = tempfile::tempdir().unwrap();
        assert!(is_free(place.path()).unwrap());
        assert!(is_free(&place.path().join("absent")).unwrap());
        fs::write(place.path().join("file"), "").unwrap();
        assert!(!is_free(place.path()).unwrap());
        assert!(!is_free(&place.path().join("file")).unwrap());
    }
}
