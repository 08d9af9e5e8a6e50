//! A root of the tool's own: an empty tree in memory, in which appears what was granted and
//! nothing else.
//!
//! Runs in the first process of the new namespaces, before the tool is made. What is not mounted
//! here does not exist for the tool: not its content, not its name. Never: a mount of something
//! that was resolved through a link of the workspace; a device that was not named here.

use std::cell::RefCell;
use std::os::fd::{AsFd, OwnedFd};

use remit_supervisor::protocol::{Bounds, Failure, Identity, Network, Place, Step};
use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, Uid, chownat, fstat, mkdirat, mknodat, openat,
    symlinkat,
};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags,
    OpenTreeFlags, UnmountFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen,
    mount_change, move_mount, open_tree, unmount,
};
use rustix::process::{Pid, chdir, fchdir, pivot_root};

use crate::control::at;
use crate::granted::covers;
use crate::sys::mount::{self, MountChange};

/// Devices that programs expect and that reach nothing.
pub(crate) const DEVICES: [&[u8]; 5] = [
    b"/dev/null",
    b"/dev/zero",
    b"/dev/full",
    b"/dev/random",
    b"/dev/urandom",
];

/// The private directories, below the scratch directory.
pub(crate) const PRIVATE: [&[u8]; 3] = [b"home", b"tmp", b"shm"];

/// Parts of `/proc` that are the machine's, not the tool's: settings, and what acts when it is
/// written. The kernel lets root write them in every namespace, and Landlock may not be there.
const OF_THE_MACHINE: [&[u8]; 5] = [
    b"/proc/sys",
    b"/proc/sysrq-trigger",
    b"/proc/irq",
    b"/proc/bus",
    b"/proc/fs",
];

/// Parts of `/proc` that root alone may read, in every namespace.
const OF_ROOT: [&[u8]; 4] = [
    b"/proc/kcore",
    b"/proc/kmsg",
    b"/proc/timer_list",
    b"/proc/sched_debug",
];

/// Parts of `/proc` that tell of the keys of the user who runs the host.
const OF_THE_USER: [&[u8]; 2] = [b"/proc/keys", b"/proc/key-users"];

/// What is read instead.
const NOTHING: &[u8] = b"/dev/null";

/// Links that every root has. What is private has its usual names, too.
const LINKS: [(&[u8], &[u8]); 4] = [
    (b"/dev/fd", b"/proc/self/fd"),
    (b"/dev/stdin", b"/proc/self/fd/0"),
    (b"/dev/stdout", b"/proc/self/fd/1"),
    (b"/dev/stderr", b"/proc/self/fd/2"),
];

/// Files in the private directories together. A tool that makes more is broken or means harm.
const MAX_SCRATCH_FILES: &str = "262144";

/// Directories on the way to something are for everybody to pass through.
const PASSABLE: Mode = Mode::from_raw_mode(0o755);

/// Makes the root and enters it. `tool` is the process that will become the tool, if it has a user
/// namespace of its own.
///
/// # Errors
/// The step that the kernel refused. The process is of no use then.
pub(crate) fn enter(bounds: &Bounds, tool: Option<Pid>) -> Result<(), Failure> {
    let at_root = at(Step::Root);
    // Nothing that is mounted here may appear outside.
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).map_err(&at_root)?;
    let tree = memory(&[("mode", "0755"), ("size", "16m")]).map_err(&at_root)?;
    // Any directory would do as the place to put it; this one is the host's own.
    move_to(&tree, CWD, &bounds.scratch).map_err(&at_root)?;
    let root = Root {
        tree,
        bounds,
        made: RefCell::default(),
    };
    root.links().map_err(&at_root)?;
    root.places()?;
    root.devices().map_err(&at_root)?;
    root.scratch().map_err(&at_root)?;
    root.process_table().map_err(at(Step::Proc))?;
    let owner = root.owner(tool).map_err(at(Step::Ownership))?;
    root.workspace(owner.as_ref())?;
    // After the workspace, in which it may lie.
    root.attempt(owner.as_ref()).map_err(&at_root)?;
    fchdir(&root.tree).map_err(&at_root)?;
    pivot_root(".", ".").map_err(&at_root)?;
    // The old root lies on top of the new one now; without it nothing leads outside.
    unmount(".", UnmountFlags::DETACH).map_err(&at_root)?;
    chdir("/").map_err(&at_root)?;
    mount::change(CWD, b"/", MountChange::read_only()).map_err(&at_root)?;
    if bounds.network == Network::Loopback {
        mount::loopback_up().map_err(at(Step::Loopback))?;
    }
    Ok(())
}

/// A file system in memory, not mounted anywhere yet.
fn memory(options: &[(&str, &str)]) -> Result<OwnedFd, Errno> {
    let new = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in options {
        fsconfig_set_string(&new, *key, *value)?;
    }
    mounted(
        &new,
        MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV,
    )
}

/// Turns a configured file system into a mount.
fn mounted(new: &OwnedFd, flags: MountAttrFlags) -> Result<OwnedFd, Errno> {
    fsconfig_create(new)?;
    fsmount(new, FsMountFlags::FSMOUNT_CLOEXEC, flags)
}

/// Puts a mount in its place.
pub(crate) fn move_to(mount: &OwnedFd, base: impl AsFd, path: &[u8]) -> Result<(), Errno> {
    let mut flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    if path.is_empty() {
        flags |= MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    }
    move_mount(mount, c"", base, path, flags)
}

/// A copy of a mount from here on down, not mounted anywhere yet.
pub(crate) fn copy_of(base: impl AsFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    if path.is_empty() {
        flags |= OpenTreeFlags::AT_EMPTY_PATH;
    }
    open_tree(base, path, flags)
}

/// Whether a descriptor is of a directory.
pub(crate) fn is_directory(found: impl AsFd) -> Result<bool, Errno> {
    Ok(FileType::from_raw_mode(fstat(found)?.st_mode) == FileType::Directory)
}

/// The root that is being made.
pub(crate) struct Root<'a> {
    pub(crate) tree: OwnedFd,
    pub(crate) bounds: &'a Bounds,
    /// Directories that were made already.
    made: RefCell<Vec<Vec<u8>>>,
}

impl Root<'_> {
    /// Makes the directories above a path. They are ours alone, so nobody moves them meanwhile.
    pub(crate) fn parents(&self, path: &[u8]) -> Result<(), Errno> {
        for (index, byte) in path.iter().enumerate().skip(1) {
            let above = &path[..index];
            if *byte == b'/' && !self.made.borrow().iter().any(|made| made == above) {
                self.directory(above)?;
                self.made.borrow_mut().push(above.to_vec());
            }
        }
        Ok(())
    }

    /// Makes one directory, if it is not there.
    pub(crate) fn directory(&self, path: &[u8]) -> Result<(), Errno> {
        match mkdirat(&self.tree, inside(path), PASSABLE) {
            // What is mounted there has it, or the mount that follows says that it has not.
            Ok(()) | Err(Errno::EXIST | Errno::ROFS) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Makes an empty file, to mount one on it.
    pub(crate) fn file(&self, path: &[u8], mode: u32) -> Result<(), Errno> {
        self.parents(path)?;
        match mknodat(
            &self.tree,
            inside(path),
            FileType::RegularFile,
            Mode::from_raw_mode(mode),
            0,
        ) {
            Ok(()) | Err(Errno::EXIST | Errno::ROFS) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    fn link(&self, path: &[u8], target: &[u8]) -> Result<(), Errno> {
        self.parents(path)?;
        match symlinkat(target, &self.tree, inside(path)) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// The links that every root has.
    fn links(&self) -> Result<(), Errno> {
        for (path, target) in LINKS {
            self.link(path, target)?;
        }
        self.link(b"/dev/shm", &self.private(PRIVATE[2]))?;
        // Where something that the tool may see lies in `/tmp`, that is a directory on its way.
        let paths = self.bounds.places.iter().map(Place::path);
        let shared = self.bounds.attempt.as_deref();
        let mut paths = paths
            .chain([&self.bounds.scratch[..], &self.bounds.workspace])
            .chain(shared);
        if paths.any(|path| path.starts_with(b"/tmp/")) {
            return Ok(());
        }
        self.link(b"/tmp", &self.private(PRIVATE[1]))
    }

    /// One of the private directories.
    fn private(&self, name: &[u8]) -> Vec<u8> {
        [&self.bounds.scratch, b"/".as_slice(), name].concat()
    }

    /// What the tool may see outside of the workspace.
    fn places(&self) -> Result<(), Failure> {
        for place in &self.bounds.places {
            let made = match place {
                Place::Show(path) => self.show(path, path),
                Place::Settings(directory) => self.show(directory, b"/etc"),
                Place::Setting(_) => Ok(()),
                Place::Link(path, target) => self.link(path, target),
            };
            match made {
                // It was there when the host looked; a tool without it says so itself.
                Ok(()) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(at(Step::Place)(errno)),
            }
        }
        Ok(())
    }

    /// Mounts a file or directory of the host at a path, for reading.
    fn show(&self, from: &[u8], path: &[u8]) -> Result<(), Errno> {
        let copy = copy_of(CWD, from)?;
        mount::change(&copy, b"", MountChange::read_only())?;
        self.put(&copy, path)
    }

    /// Mounts something at this path of the new root, making the path.
    pub(crate) fn put(&self, mounted: &OwnedFd, path: &[u8]) -> Result<(), Errno> {
        self.parents(path)?;
        if is_directory(mounted)? {
            self.directory(path)?;
        } else {
            self.file(path, 0o444)?;
        }
        move_to(mounted, &self.tree, inside(path))
    }

    fn devices(&self) -> Result<(), Errno> {
        for device in DEVICES {
            let copy = match copy_of(CWD, device) {
                Ok(copy) => copy,
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(errno),
            };
            self.put(&copy, device)?;
        }
        Ok(())
    }

    /// The private directories: in memory, bounded together, gone with the tool.
    fn scratch(&self) -> Result<(), Errno> {
        let size = self.bounds.limits.scratch.to_string();
        let (user, group) = match self.bounds.identity {
            Identity::Own => (
                rustix::process::geteuid().as_raw(),
                rustix::process::getegid().as_raw(),
            ),
            Identity::Service { user, group, .. } => (user, group),
        };
        let scratch = memory(&[
            ("mode", "0700"),
            ("uid", &user.to_string()),
            ("gid", &group.to_string()),
            ("size", &size),
            ("nr_inodes", MAX_SCRATCH_FILES),
        ])?;
        self.put(&scratch, &self.bounds.scratch)?;
        for name in PRIVATE {
            mkdirat(&scratch, name, Mode::RWXU)?;
            let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
            chownat(&scratch, name, Some(user), Some(group), AtFlags::empty())?;
        }
        Ok(())
    }

    /// The scratch directory of the attempt, where it is on the host.
    fn attempt(&self, owner: Option<&OwnedFd>) -> Result<(), Errno> {
        let Some(path) = &self.bounds.attempt else {
            return Ok(());
        };
        let copy = copy_of(CWD, path)?;
        let mut change = MountChange::writable();
        if let Some(owner) = owner {
            change = change.owned_by(owner.as_fd());
        }
        match (mount::change(&copy, b"", change), self.bounds.identity) {
            // Not every file system can have another owner, and this one need not be that of the
            // workspace. The directory is the host's own, so it can be given away instead.
            (Err(Errno::INVAL), Identity::Service { user, group, .. }) => {
                mount::change(&copy, b"", MountChange::writable())?;
                let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
                chownat(&copy, c"", Some(user), Some(group), AtFlags::EMPTY_PATH)?;
            }
            (result, _) => result?,
        }
        self.put(&copy, path)
    }

    /// The new namespace's own table of processes.
    fn process_table(&self) -> Result<(), Errno> {
        let new = fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
        let flags = MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        let table = mounted(&new, flags)?;
        self.put(&table, b"/proc")?;
        let root = rustix::process::geteuid().is_root();
        // A service user is nobody to the kernel, and has no keys.
        if root && self.bounds.identity == Identity::Own {
            for path in OF_THE_MACHINE {
                self.over(path, |here| {
                    let copy = copy_of(here, b"")?;
                    mount::change(&copy, b"", MountChange::read_only())?;
                    Ok(copy)
                })?;
            }
            for path in OF_ROOT {
                self.over(path, |_| copy_of(CWD, NOTHING))?;
            }
        }
        for path in OF_THE_USER {
            self.over(path, |_| copy_of(CWD, NOTHING))?;
        }
        Ok(())
    }

    /// Covers a part of the new table of processes, if it is there.
    fn over(
        &self,
        path: &[u8],
        made: impl Fn(&OwnedFd) -> Result<OwnedFd, Errno>,
    ) -> Result<(), Errno> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let here = match openat(&self.tree, inside(path), flags, Mode::empty()) {
            Ok(here) => here,
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => return Err(errno),
        };
        move_to(&made(&here)?, &here, b"")
    }
}

/// Whether a path is one that the root shows as it is on the host, and not only a directory on the
/// way to such a one.
pub(crate) fn shows(bounds: &Bounds, path: &[u8]) -> bool {
    let relative = match path.strip_prefix(bounds.workspace.as_slice()) {
        Some([]) => Some(b".".as_slice()),
        Some([b'/', rest @ ..]) => Some(rest),
        Some(_) | None => None,
    };
    let granted = |path: &[u8]| bounds.grants.iter().any(|one| covers(&one.path, path));
    let placed = |one: &Place| match one {
        Place::Show(place) => place == b"/" || covers(place, path),
        Place::Settings(_) | Place::Setting(_) | Place::Link(..) => false,
    };
    relative.is_some_and(granted) || bounds.places.iter().any(placed)
}

/// An absolute path as seen from the root's descriptor.
pub(crate) fn inside(path: &[u8]) -> &[u8] {
    let path = path.strip_prefix(b"/").unwrap_or(path);
    if path.is_empty() { b"." } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_the_root() {
        assert_eq!(inside(b"/usr/bin"), b"usr/bin");
        assert_eq!(inside(b"/"), b".");
    }
}
