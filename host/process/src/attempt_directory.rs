//! The scratch directory of one attempt: where the plugin and the tools that it starts hand each
//! other files, outside of the workspace.
//!
//! It lies in the host's private directory, so a host that was killed leaves nothing behind that
//! the next one does not remove. Never: a link of a tool that is followed; a directory that two
//! attempts share.

#![expect(
    clippy::disallowed_methods,
    reason = "the paths are made here, below a directory that only this user can enter, and what \
              a tool left there is looked at without following links"
)]

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use remit_engine::seam::{Scratch, ScratchError};

use crate::private::{PRIVATE, remove};

/// Bytes on the disk in one scratch directory. What is there is prompts, reports and logs; a tool
/// that leaves more is broken or means harm. The kernel has no limit for a directory, so this one
/// is looked at whenever a tool is about to start.
pub(crate) const MAX_SCRATCH_BYTES: u64 = 1 << 30;

/// Files and directories in it: as many as a tool's private directories may have.
pub(crate) const MAX_SCRATCH_FILES: usize = 262_144;

/// Bytes of one block as the kernel counts them, whatever the file system's own are.
const BLOCK: u64 = 512;

/// The scratch directory of one attempt. Made when it is first asked for, removed with everything
/// in it when dropped.
#[derive(Debug)]
pub struct AttemptDirectory {
    path: PathBuf,
    owner: Option<(u32, u32)>,
    made: OnceLock<Result<String, ScratchError>>,
}

impl AttemptDirectory {
    /// One at this path, which nobody else uses. It belongs to `owner`, a user and a group, if that
    /// is somebody else.
    pub(crate) fn at(path: PathBuf, owner: Option<(u32, u32)>) -> Self {
        Self {
            path,
            owner,
            made: OnceLock::new(),
        }
    }

    fn make(&self) -> Result<String, ScratchError> {
        let failed = |error: io::Error| ScratchError(format!("{}: {error}", self.path.display()));
        let Some(text) = self.path.to_str() else {
            return Err(ScratchError(format!(
                "{} is not UTF-8; set TMPDIR to a directory whose path is",
                self.path.display()
            )));
        };
        DirBuilder::new()
            .mode(PRIVATE)
            .create(&self.path)
            .map_err(failed)?;
        if let Some((user, group)) = self.owner {
            std::os::unix::fs::chown(&self.path, Some(user), Some(group)).map_err(failed)?;
        }
        Ok(text.to_owned())
    }

    /// Moves what is in it beside the host's own directory, under this name, where it stays. Gives
    /// its path; none if the directory was never asked for.
    ///
    /// # Errors
    /// Something has that name, or the place cannot be written.
    pub fn keep(&self, base: &Path, name: &str) -> io::Result<Option<PathBuf>> {
        if !matches!(self.made.get(), Some(Ok(_))) {
            return Ok(None);
        }
        let kept = base.join(name);
        // An empty directory would be replaced silently.
        DirBuilder::new().mode(PRIVATE).create(&kept)?;
        fs::rename(&self.path, &kept)?;
        Ok(Some(kept))
    }
}

impl Scratch for AttemptDirectory {
    fn path(&self) -> Result<&str, ScratchError> {
        match self.made.get_or_init(|| self.make()) {
            Ok(path) => Ok(path),
            Err(error) => Err(error.clone()),
        }
    }
}

impl Drop for AttemptDirectory {
    fn drop(&mut self) {
        if !matches!(self.made.get(), Some(Ok(_))) {
            return;
        }
        if let Err(error) = remove(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "a scratch directory is left over");
        }
    }
}

/// Which limit a scratch directory passes, if it does.
pub(crate) fn over_limit(path: &Path, bytes: u64, files: usize) -> Option<String> {
    let mut open = vec![path.to_owned()];
    let (mut size, mut count) = (0_u64, 0_usize);
    while let Some(directory) = open.pop() {
        // What a tool closed to its owner is not counted; it is removed all the same.
        let Ok(entries) = fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries.flatten() {
            count = count.saturating_add(1);
            if count > files {
                return Some(format!(
                    "the attempt's scratch directory has more than {files} files; remove some"
                ));
            }
            // Of a link, the link itself.
            let Ok(data) = entry.metadata() else {
                continue;
            };
            size = size.saturating_add(data.blocks().saturating_mul(BLOCK));
            if size > bytes {
                return Some(format!(
                    "the attempt's scratch directory has more than {bytes} bytes; remove some"
                ));
            }
            if data.is_dir() {
                open.push(entry.path());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::private::HostDirectory;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_directory_that_nobody_asks_for_is_not_made() {
        let base = tempfile::tempdir().unwrap();
        let host = HostDirectory::new(base.path()).unwrap();
        let before = fs::read_dir(host.path()).unwrap().count();
        let attempt = host.attempt(None);
        assert_eq!(fs::read_dir(host.path()).unwrap().count(), before);
        assert_eq!(attempt.keep(base.path(), "kept").unwrap(), None);
    }

    #[test]
    fn attempts_have_their_own_directories_which_go_with_them() {
        let base = tempfile::tempdir().unwrap();
        let host = HostDirectory::new(base.path()).unwrap();
        let (first, second) = (host.attempt(None), host.attempt(None));
        let path = PathBuf::from(first.path().unwrap());
        assert_ne!(first.path().unwrap(), second.path().unwrap());
        assert_eq!(first.path().unwrap(), path.to_str().unwrap());
        let mode = path.symlink_metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, PRIVATE);
        // What a tool may leave: a closed directory, and a link to what must stay.
        let outside = base.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("file"), "stays").unwrap();
        symlink(&outside, path.join("link")).unwrap();
        fs::create_dir_all(path.join("a/b")).unwrap();
        fs::write(path.join("a/b/file"), "goes").unwrap();
        fs::set_permissions(path.join("a"), fs::Permissions::from_mode(0o000)).unwrap();
        drop(first);
        assert!(!path.exists());
        assert_eq!(fs::read(outside.join("file")).unwrap(), b"stays");
        assert!(Path::new(second.path().unwrap()).exists());
    }

    #[test]
    fn what_is_kept_outlives_the_host() {
        let base = tempfile::tempdir().unwrap();
        let host = HostDirectory::new(base.path()).unwrap();
        let attempt = host.attempt(None);
        fs::write(Path::new(attempt.path().unwrap()).join("log"), "kept").unwrap();
        let kept = attempt.keep(base.path(), "kept").unwrap().unwrap();
        let other = host.attempt(None);
        other.path().unwrap();
        assert!(other.keep(base.path(), "kept").is_err());
        drop((attempt, other, host));
        assert_eq!(fs::read(kept.join("log")).unwrap(), b"kept");
    }

    #[test]
    fn a_directory_of_a_killed_host_goes_with_the_rest_of_it() {
        let base = tempfile::tempdir().unwrap();
        let dead = HostDirectory::new(base.path()).unwrap();
        let attempt = dead.attempt(None);
        let path = PathBuf::from(attempt.path().unwrap());
        fs::write(path.join("prompt"), "secret").unwrap();
        // As after SIGKILL: nothing is dropped, and the lock is free.
        fs::remove_file(dead.path().join("lock")).unwrap();
        fs::write(dead.path().join("lock"), "").unwrap();
        std::mem::forget((attempt, dead));
        let _next = HostDirectory::new(base.path()).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn size_and_number_of_files_are_limited_whatever_links_lead_to() {
        let base = tempfile::tempdir().unwrap();
        let outside = base.path().join("outside");
        fs::write(&outside, vec![1; 100_000]).unwrap();
        let scratch = base.path().join("scratch");
        fs::create_dir_all(scratch.join("a")).unwrap();
        symlink(&outside, scratch.join("a/link")).unwrap();
        symlink("/", scratch.join("a/root")).unwrap();
        assert_eq!(over_limit(&scratch, 50_000, 3), None);
        assert!(over_limit(&scratch, 50_000, 2).unwrap().contains("2 files"));
        fs::write(scratch.join("a/file"), vec![1; 60_000]).unwrap();
        let over = over_limit(&scratch, 50_000, 10).unwrap();
        assert!(over.contains("50000 bytes"), "{over}");
    }
}
