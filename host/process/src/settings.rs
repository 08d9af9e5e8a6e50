//! Settings of a workspace that a later program would obey, and keeping tools from them.
//!
//! A tool that may write the workspace could leave a hook, a compiler wrapper or an editor task
//! there, to be run later by the owner outside of every sandbox. What is there is sealed. What is
//! not there is held by an empty directory as long as a tool runs, because only something that
//! exists can be covered; git shows no empty directory, and no program obeys one. Never: a
//! placeholder that is removed while another remit needs it, or that replaces something.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use remit_core::path::RelPath;
use remit_core::settings::{HELD, PLACEHOLDER_MODE, SEALED};
use rustix::fs::{
    AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, ResolveFlags, flock, fstat, mkdirat,
    openat2, statat, unlinkat,
};
use rustix::io::Errno;

/// How often making a placeholder is tried while another process removes it.
const MAX_TRIES: u32 = 1_000;
/// The pause between two tries. Whoever removes one needs some microseconds, but on a loaded machine
/// it may not get them for a while; all pauses together are some seconds.
const PAUSE: Duration = Duration::from_millis(5);

/// A directory that holds the place of a setting that is not there. Removed when the last one who
/// needs it is gone.
#[derive(Debug)]
pub(crate) struct Placeholder {
    parent: OwnedFd,
    name: String,
    held: File,
}

impl Drop for Placeholder {
    fn drop(&mut self) {
        // Another one who needs it holds the lock too, and removes it later.
        if flock(&self.held, FlockOperation::NonBlockingLockExclusive).is_ok() {
            // Only an empty directory can be removed so.
            let _ = unlinkat(&self.parent, self.name.as_str(), AtFlags::REMOVEDIR);
        }
    }
}

/// Where a setting is to be covered, and what was made for that.
#[derive(Debug)]
pub(crate) struct Held {
    /// The path to cover: the setting, or the directory above it that is not there.
    pub(crate) path: String,
    /// The placeholder, if it is one.
    pub(crate) placeholder: Option<Placeholder>,
}

/// Finds each setting that lies where the tool may write, and holds the places of those that are
/// missing.
///
/// # Errors
/// The path of a setting that cannot be protected, and why.
pub(crate) fn hold(
    workspace: impl AsFd,
    writable: impl Fn(&RelPath) -> bool,
    spared: &[RelPath],
) -> Result<Vec<Held>, (String, io::Error)> {
    let mut held: Vec<Held> = Vec::new();
    for setting in SEALED {
        let Ok(path) = RelPath::parse(setting) else {
            continue;
        };
        if !writable(&path) || spared.iter().any(|spared| spared.covers(&path)) {
            continue;
        }
        let needed = HELD.contains(&setting);
        let found = find(&workspace, setting, needed)
            .map_err(|errno| (setting.to_owned(), io::Error::from(errno)))?;
        let Some(found) = found else { continue };
        // Of two settings below a directory that is missing the first one holds it for both.
        if !held.iter().any(|other| other.path == found.path) {
            held.push(found);
        }
    }
    Ok(held)
}

/// Finds a path, or makes what holds its place.
///
/// # Errors
/// The kernel refused, or a link is on the way.
pub(crate) fn hold_path(workspace: impl AsFd, path: &str) -> Result<Option<Held>, Errno> {
    find(workspace, path, true)
}

/// Finds a setting, or makes what holds its place.
fn find(workspace: impl AsFd, setting: &str, needed: bool) -> Result<Option<Held>, Errno> {
    let mut parent = open(&workspace, ".")?;
    let mut so_far = String::new();
    let mut names = setting.split('/').peekable();
    while let Some(name) = names.next() {
        so_far.push_str(name);
        match statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(data) => {
                let kind = FileType::from_raw_mode(data.st_mode);
                if data.st_mode & 0o7777 == PLACEHOLDER_MODE
                    && kind == FileType::Directory
                    && let Some(placeholder) = take(&parent, name)?
                {
                    return Ok(Some(Held {
                        path: so_far,
                        placeholder: Some(placeholder),
                    }));
                }
                // The supervisor covers it as it is, and refuses links. A file where a directory
                // should be (`.git` of a worktree) is covered itself.
                if names.peek().is_none() || kind != FileType::Directory {
                    return Ok(Some(Held {
                        path: so_far,
                        placeholder: None,
                    }));
                }
            }
            Err(Errno::NOENT) if !needed => return Ok(None),
            Err(Errno::NOENT) => {
                let placeholder = match take(&parent, name) {
                    Ok(placeholder) => placeholder,
                    // Where this user can make nothing, a tool of this user cannot either.
                    Err(Errno::ROFS | Errno::ACCESS | Errno::PERM) => return Ok(None),
                    Err(errno) => return Err(errno),
                };
                return Ok(Some(Held {
                    path: so_far,
                    placeholder,
                }));
            }
            Err(errno) => return Err(errno),
        }
        parent = open(&parent, name)?;
        so_far.push('/');
    }
    Ok(None)
}

/// Opens a directory of the workspace.
fn open(base: impl AsFd, name: &str) -> Result<OwnedFd, Errno> {
    let rules = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::io::retry_on_intr(|| openat2(&base, name, flags, Mode::empty(), rules))
}

/// Makes a placeholder, or shares the one that is there. None if there is something in it by now:
/// then it is what it held the place of, as when the host derives its files while a tool runs.
fn take(parent: &OwnedFd, name: &str) -> Result<Option<Placeholder>, Errno> {
    for tried in 0..MAX_TRIES {
        if tried > 0 {
            std::thread::sleep(PAUSE);
        }
        match mkdirat(parent, name, Mode::from_raw_mode(PLACEHOLDER_MODE)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno),
        }
        let held = match open(parent, name) {
            Ok(held) => held,
            // Its last holder has just removed it.
            Err(Errno::NOENT) => continue,
            Err(errno) => return Err(errno),
        };
        // The mask of this process may have taken bits away.
        let _ = rustix::fs::fchmod(&held, Mode::from_raw_mode(PLACEHOLDER_MODE));
        if flock(&held, FlockOperation::NonBlockingLockShared).is_err() {
            continue;
        }
        if !is_empty(&held)? {
            return Ok(None);
        }
        let same = |data: rustix::fs::Stat| (data.st_dev, data.st_ino);
        match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(now) if same(now) == same(fstat(&held)?) => {
                return Ok(Some(Placeholder {
                    parent: open(parent, ".")?,
                    name: name.to_owned(),
                    held: File::from(held),
                }));
            }
            Ok(_) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
    Err(Errno::AGAIN)
}

/// Whether a directory has nothing in it.
fn is_empty(directory: &OwnedFd) -> Result<bool, Errno> {
    for entry in Dir::read_from(directory)? {
        let name = entry?.file_name().to_owned();
        if name.as_c_str() != c"." && name.as_c_str() != c".." {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::disallowed_methods,
        reason = "the test lays out what it looks at"
    )]

    use super::*;
    use std::fs::{create_dir_all, read_dir, write};
    use std::path::Path;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn held(directory: &Path) -> Vec<Held> {
        let workspace = File::open(directory).unwrap();
        hold(&workspace, |_| true, &[]).unwrap()
    }

    #[test]
    fn missing_settings_are_held_and_let_go() {
        let place = tempfile::tempdir().unwrap();
        let first = held(place.path());
        let expected = [".cargo", ".git", ".idea", ".npmrc", ".vscode", "remit.toml"];
        assert_eq!(names(place.path()), expected);
        let second = held(place.path());
        assert_eq!(second.len(), first.len());
        drop(first);
        assert_eq!(names(place.path()), expected, "the second still needs them");
        drop(second);
        assert!(names(place.path()).is_empty());
    }

    /// Two tasks of one workspace begin and end tools all the time.
    #[test]
    fn a_placeholder_that_another_one_is_just_removing_is_waited_for() {
        let workspace = tempfile::tempdir().unwrap();
        let first = held(workspace.path());
        let placeholder = first.iter().find_map(|one| one.placeholder.as_ref());
        let removing = placeholder.unwrap().held.try_clone().unwrap();
        flock(&removing, FlockOperation::NonBlockingLockExclusive).unwrap();
        let second = std::thread::scope(|scope| {
            let second = scope.spawn(|| held(workspace.path()).len());
            // Longer than many tries without a pause would take.
            std::thread::sleep(20 * PAUSE);
            flock(&removing, FlockOperation::Unlock).unwrap();
            second.join().unwrap()
        });
        assert_eq!(second, first.len());
    }

    /// The host makes files in `.state` while a tool holds its place.
    #[test]
    fn a_placeholder_that_was_filled_meanwhile_is_covered_as_what_it_is() {
        let place = tempfile::tempdir().unwrap();
        let workspace = File::open(place.path()).unwrap();
        let first = hold_path(&workspace, ".state").unwrap().unwrap();
        assert!(first.placeholder.is_some());
        write(place.path().join(".state/results.json"), "{}").unwrap();
        let second = hold_path(&workspace, ".state").unwrap().unwrap();
        assert_eq!(second.path, ".state");
        assert!(second.placeholder.is_none());
        drop((first, second));
        assert_eq!(names(&place.path().join(".state")), ["results.json"]);
    }

    #[test]
    fn what_a_killed_host_left_is_taken_over() {
        let place = tempfile::tempdir().unwrap();
        std::mem::forget(held(place.path()));
        // The locks of this process are still held, as they would not be; the next one shares.
        assert!(!names(place.path()).is_empty());
        assert!(
            held(place.path())
                .iter()
                .all(|held| held.placeholder.is_some())
        );
    }

    #[test]
    fn settings_that_are_there_stay_as_they_are() {
        let place = tempfile::tempdir().unwrap();
        create_dir_all(place.path().join(".git/hooks")).unwrap();
        write(place.path().join(".git/config"), "[core]").unwrap();
        write(place.path().join(".npmrc"), "x").unwrap();
        let found = held(place.path());
        let there: Vec<_> = found
            .iter()
            .filter(|held| held.placeholder.is_none())
            .map(|held| held.path.as_str())
            .collect();
        assert_eq!(there, [".git/hooks", ".git/config", ".npmrc"]);
        drop(found);
        assert_eq!(names(place.path()), [".git", ".npmrc"]);
    }

    #[test]
    fn only_what_the_tool_could_write_is_held() {
        let place = tempfile::tempdir().unwrap();
        let workspace = File::open(place.path()).unwrap();
        let src = RelPath::parse("src").unwrap();
        let none = hold(&workspace, |path| src.covers(path), &[]).unwrap();
        assert!(none.is_empty());
        let spared = [RelPath::parse(".git").unwrap()];
        let some = hold(&workspace, |_| true, &spared).unwrap();
        assert!(some.iter().all(|held| !held.path.starts_with(".git")));
    }
}
