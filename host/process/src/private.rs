//! Private directories: one for the host process, and in it one per run with the tool's home and
//! temporary directory.
//!
//! Never: a directory that another user can enter, a directory that is removed while its host is
//! alive.

#![expect(
    clippy::disallowed_methods,
    reason = "the paths are made here, below a directory that only this user can enter"
)]

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use crate::attempt_directory::AttemptDirectory;

/// How the directory of a host process is called; the rest of the name is random.
const PREFIX: &str = "remit-host-";

/// The file in it that a living host holds locked.
const LOCK: &str = "lock";

/// What that file is called before it is locked.
const UNLOCKED: &str = "lock.new";

/// The place for what is in memory; the others are called by numbers.
const SHARED: &str = "run";

/// How the scratch directories of attempts are called, before a number.
const ATTEMPT: &str = "attempt-";

/// Only this user may look into it.
pub(crate) const PRIVATE: u32 = 0o700;

/// The private directory of this host process. Removed when dropped.
#[derive(Debug)]
pub struct HostDirectory {
    root: TempDir,
    /// Held as long as this process lives. The kernel lets go of it even after SIGKILL, which is
    /// how the next host knows that the directory is left over.
    _lock: File,
    next: AtomicU64,
    shared: OnceLock<PathBuf>,
}

impl HostDirectory {
    /// Makes one below `base`, and removes those that killed hosts of this user left there.
    ///
    /// # Errors
    /// `base` cannot be written.
    pub fn new(base: &Path) -> io::Result<Self> {
        remove_leftovers(base);
        let root = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(PRIVATE))
            .tempdir_in(base)?;
        // Nobody may ever see it unlocked: another host would take this one for dead.
        let unlocked = root.path().join(UNLOCKED);
        let lock = File::create_new(&unlocked)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        fs::rename(&unlocked, root.path().join(LOCK))?;
        Ok(Self {
            root,
            _lock: lock,
            next: AtomicU64::new(0),
            shared: OnceLock::new(),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// Makes the directories of one run.
    ///
    /// # Errors
    /// The disk is full, or the host's directory is gone.
    pub fn run(&self) -> io::Result<RunDirectory> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let root = self.root.path().join(number.to_string());
        let private = |path: &Path| DirBuilder::new().mode(PRIVATE).create(path);
        private(&root)?;
        let run = RunDirectory::at(root, true);
        private(&run.home)?;
        private(&run.temporary)?;
        Ok(run)
    }

    /// The scratch directory of one attempt, not made yet. It will belong to `owner`, if that is
    /// somebody else than this user.
    #[must_use]
    pub fn attempt(&self, owner: Option<(u32, u32)>) -> AttemptDirectory {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let name = format!("{ATTEMPT}{number}");
        AttemptDirectory::at(self.root.path().join(name), owner)
    }

    /// The directories of a run that has a root of its own: there they are in memory, and here is
    /// only the place that they are mounted on, the same for all.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(crate) fn in_memory(&self) -> io::Result<RunDirectory> {
        let root = match self.shared.get() {
            Some(root) => root.clone(),
            None => {
                let root = self.root.path().join(SHARED);
                match DirBuilder::new().mode(PRIVATE).create(&root) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    Err(error) => return Err(error),
                }
                self.shared.get_or_init(|| root).clone()
            }
        };
        Ok(RunDirectory::at(root, false))
    }
}

/// The private directories of one run. Removed with everything in them when dropped.
#[derive(Debug)]
pub struct RunDirectory {
    root: PathBuf,
    home: PathBuf,
    temporary: PathBuf,
    /// Whether they are on the disk.
    made: bool,
}

impl RunDirectory {
    fn at(root: PathBuf, made: bool) -> Self {
        Self {
            home: root.join("home"),
            temporary: root.join("tmp"),
            root,
            made,
        }
    }

    /// The directory that holds both.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The tool's home directory.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The tool's temporary directory.
    #[must_use]
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        if !self.made {
            return;
        }
        if let Err(error) = remove(&self.root) {
            tracing::warn!(path = %self.root.display(), %error, "a private directory is left over");
        }
    }
}

/// Removes a directory that a tool may have filled, also with directories that forbid their owner
/// to look in (Go's module cache does that).
pub(crate) fn remove(root: &Path) -> io::Result<()> {
    // Two empty directories, or one, are the usual case.
    if fs::remove_dir(root).is_ok() {
        return Ok(());
    }
    if fs::remove_dir(root.join("home")).is_ok()
        && fs::remove_dir(root.join("tmp")).is_ok()
        && fs::remove_dir(root).is_ok()
    {
        return Ok(());
    }
    match fs::remove_dir_all(root) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(root)?;
            fs::remove_dir_all(root)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Lets the owner into every directory of a tree, following no link. A worklist, because the
/// depth is the tool's choice.
fn open_up(root: &Path) -> io::Result<()> {
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        fs::set_permissions(&directory, Permissions::from_mode(PRIVATE))?;
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            }
        }
    }
    Ok(())
}

/// Removes directories whose host is gone. What cannot be removed is left: it is not needed.
fn remove_leftovers(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else {
        return;
    };
    for entry in entries.flatten() {
        let ours = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX));
        if ours && is_left_over(&entry.path()) {
            let path = entry.path();
            tracing::debug!(path = %path.display(), "removing what a killed host left");
            if let Err(error) = remove(&path) {
                tracing::debug!(path = %path.display(), %error, "it could not be removed");
            }
        }
    }
}

/// Whether a directory belongs to this user and no living host holds it.
fn is_left_over(path: &Path) -> bool {
    let user = rustix::process::geteuid().as_raw();
    let mine = fs::symlink_metadata(path).is_ok_and(|data| data.is_dir() && data.uid() == user);
    // Without the file its host is just being born.
    mine && File::open(path.join(LOCK))
        .is_ok_and(|lock| flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(base: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(base)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn directories_are_private_and_go_when_the_run_goes() {
        let base = tempfile::tempdir().unwrap();
        let host = HostDirectory::new(base.path()).unwrap();
        let run = host.run().unwrap();
        for path in [host.path(), run.home(), run.temporary()] {
            let mode = path.symlink_metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, PRIVATE, "{}", path.display());
        }
        fs::write(run.home().join("left"), "behind").unwrap();
        drop(run);
        assert_eq!(names(host.path()), ["lock"]);
        drop(host);
        assert!(names(base.path()).is_empty());
    }

    #[test]
    fn directories_that_forbid_their_owner_are_removed_too() {
        let base = tempfile::tempdir().unwrap();
        let host = HostDirectory::new(base.path()).unwrap();
        let run = host.run().unwrap();
        let locked = run.home().join("a/b");
        fs::create_dir_all(locked.join("c")).unwrap();
        fs::set_permissions(&locked, Permissions::from_mode(0o000)).unwrap();
        drop(run);
        assert_eq!(names(host.path()), ["lock"]);
    }

    #[test]
    fn leftovers_of_dead_hosts_go_and_living_hosts_keep_theirs() {
        let base = tempfile::tempdir().unwrap();
        let alive = HostDirectory::new(base.path()).unwrap();
        let dead = base.path().join("remit-host-dead");
        fs::create_dir_all(dead.join("0/home")).unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        let born = base.path().join("remit-host-born");
        fs::create_dir(&born).unwrap();
        let second = HostDirectory::new(base.path()).unwrap();
        assert!(!dead.exists());
        assert!(born.exists() && alive.path().exists() && second.path().exists());
    }

    #[test]
    fn hosts_that_are_born_at_the_same_time_keep_theirs() {
        let base = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let host = HostDirectory::new(base.path()).unwrap();
                        drop(host.run().unwrap());
                    }
                });
            }
        });
    }
}
