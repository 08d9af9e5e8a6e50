//! A root of the tool's own: an empty tree in memory, in which appears what was granted and
//! nothing else.
//!
//! Runs in the first process of the new namespaces, before the tool is made. What is not mounted
//! here does not exist for the tool: not its content, not its name. Never: a mount of something
//! that was resolved through a link of the workspace; a device that was not named here.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use remit_supervisor::protocol::{
    Bounds, Cover, CoverKind, Failure, Identity, Network, Place, Step,
};
use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, Uid, chownat, fstat, mkdirat, openat, symlinkat,
};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags,
    OpenTreeFlags, UnmountFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen,
    mount_change, move_mount, open_tree, unmount,
};
use rustix::process::{chdir, fchdir, pivot_root};

use crate::beneath;
use crate::control::at;
use crate::idmap;
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

/// Links that every root has. What is private has its usual names, too.
const LINKS: [(&[u8], &[u8]); 4] = [
    (b"/dev/fd", b"/proc/self/fd"),
    (b"/dev/stdin", b"/proc/self/fd/0"),
    (b"/dev/stdout", b"/proc/self/fd/1"),
    (b"/dev/stderr", b"/proc/self/fd/2"),
];

/// Files in the private directories together. A tool that makes more is broken or means harm.
const MAX_SCRATCH_FILES: &str = "262144";

/// Most bytes of a copied file: the cache of the loader has some hundred thousand.
const MAX_COPY: usize = 4 << 20;

/// Directories on the way to something are for everybody to pass through.
const PASSABLE: Mode = Mode::from_raw_mode(0o755);

/// The empty things that cover what is hidden; made in the root and gone from it afterwards.
const HIDDEN_DIRECTORY: &[u8] = b".hidden";
const HIDDEN_FILE: &[u8] = b".empty";

/// Makes the root and enters it.
///
/// # Errors
/// The step that the kernel refused. The process is of no use then.
pub(crate) fn enter(bounds: &Bounds) -> Result<(), Failure> {
    let at_root = at(Step::Root);
    // Nothing that is mounted here may appear outside.
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).map_err(&at_root)?;
    let tree = memory(&[("mode", "0755"), ("size", "16m")]).map_err(&at_root)?;
    // Any directory would do as the place to put it; this one is the host's own.
    move_to(&tree, CWD, &bounds.scratch).map_err(&at_root)?;
    let root = Root { tree, bounds };
    root.links().map_err(&at_root)?;
    root.places()?;
    root.devices().map_err(&at_root)?;
    root.scratch().map_err(&at_root)?;
    root.process_table().map_err(at(Step::Proc))?;
    root.workspace()?;
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
fn move_to(mount: &OwnedFd, base: impl AsFd, path: &[u8]) -> Result<(), Errno> {
    let mut flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    if path.is_empty() {
        flags |= MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    }
    move_mount(mount, c"", base, path, flags)
}

/// A copy of a mount from here on down, not mounted anywhere yet.
fn copy_of(base: impl AsFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    if path.is_empty() {
        flags |= OpenTreeFlags::AT_EMPTY_PATH;
    }
    open_tree(base, path, flags)
}

/// Whether a descriptor is of a directory.
fn is_directory(found: impl AsFd) -> Result<bool, Errno> {
    Ok(FileType::from_raw_mode(fstat(found)?.st_mode) == FileType::Directory)
}

/// The root that is being made.
struct Root<'a> {
    tree: OwnedFd,
    bounds: &'a Bounds,
}

impl Root<'_> {
    /// Makes the directories above a path. They are ours alone, so nobody moves them meanwhile.
    fn parents(&self, path: &[u8]) -> Result<(), Errno> {
        for (index, byte) in path.iter().enumerate().skip(1) {
            if *byte == b'/' {
                self.directory(&path[..index])?;
            }
        }
        Ok(())
    }

    /// Makes one directory, if it is not there.
    fn directory(&self, path: &[u8]) -> Result<(), Errno> {
        match mkdirat(&self.tree, inside(path), PASSABLE) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Makes a file with this content.
    fn file(&self, path: &[u8], content: &[u8], mode: u32) -> Result<(), Errno> {
        self.parents(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(&self.tree, inside(path), flags, Mode::from_raw_mode(mode))?;
        let mut left = content;
        while !left.is_empty() {
            let written = rustix::io::retry_on_intr(|| rustix::io::write(&file, left))?;
            left = left.get(written..).unwrap_or_default();
        }
        Ok(())
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
        let mut paths = paths.chain([&self.bounds.scratch[..], &self.bounds.workspace]);
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
                Place::Show(path) => self.show(path),
                Place::Copy(path) => {
                    read(path).and_then(|content| self.file(path, &content, 0o444))
                }
                Place::Text(path, content) => self.file(path, content, 0o444),
                Place::Link(path, target) => self.link(path, target),
            };
            match made {
                // It was there when the host looked; a tool without it says so itself. A copy of
                // what is mounted already is there.
                Ok(()) | Err(Errno::NOENT | Errno::EXIST) => {}
                Err(errno) => return Err(at(Step::Place)(errno)),
            }
        }
        Ok(())
    }

    /// Mounts a file or directory of the host where it is, for reading.
    fn show(&self, path: &[u8]) -> Result<(), Errno> {
        let copy = copy_of(CWD, path)?;
        mount::change(&copy, b"", MountChange::read_only())?;
        self.put(&copy, path)
    }

    /// Mounts something at this path of the new root, making the path.
    fn put(&self, mounted: &OwnedFd, path: &[u8]) -> Result<(), Errno> {
        self.parents(path)?;
        let made = if is_directory(mounted)? {
            self.directory(path)
        } else {
            self.file(path, b"", 0o444)
        };
        match made {
            Ok(()) | Err(Errno::EXIST | Errno::ROFS) => {}
            Err(errno) => return Err(errno),
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
            mount::change(&copy, b"", MountChange::device())?;
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

    /// The new namespace's own table of processes.
    fn process_table(&self) -> Result<(), Errno> {
        let new = fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
        let flags = MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        let table = mounted(&new, flags)?;
        self.put(&table, b"/proc")
    }

    /// What was granted of the workspace, and what is carved out of that.
    fn workspace(&self) -> Result<(), Failure> {
        let at_grant = at(Step::Grant);
        let base = openat(
            CWD,
            self.bounds.workspace.as_slice(),
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .map_err(&at_grant)?;
        self.parents(&self.bounds.workspace).map_err(&at_grant)?;
        self.directory(&self.bounds.workspace).map_err(&at_grant)?;
        let owner = self.owner().map_err(at(Step::Ownership))?;
        // The mode of what the grants around it were mounted with.
        let mut mounted: Vec<(&[u8], bool)> = Vec::new();
        for grant in &self.bounds.grants {
            let around = mounted
                .iter()
                .filter(|(path, _)| covers(path, &grant.path))
                .map(|(_, write)| *write);
            let inherited = around.fold(None, |best, write| Some(best.unwrap_or(false) | write));
            if inherited.is_some_and(|inherited| inherited >= grant.write) {
                continue;
            }
            match self.grant(&base, &grant.path, grant.write, owner.as_ref()) {
                Ok(()) => mounted.push((&grant.path, grant.write)),
                Err(Errno::NOENT) => {}
                Err(errno) => {
                    let step = match errno {
                        Errno::INVAL if owner.is_some() => Step::Ownership,
                        _ => Step::Grant,
                    };
                    return Err(at(step)(errno));
                }
            }
        }
        self.covers().map_err(at(Step::Cover))
    }

    /// Who the workspace's owner is for the tool, if the tool is not the owner.
    fn owner(&self) -> Result<Option<idmap::Owner>, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let processes = openat(&self.tree, c"proc", flags, Mode::empty())?;
        idmap::Owner::of(self.bounds.identity, processes)
    }

    fn grant(
        &self,
        base: &OwnedFd,
        path: &[u8],
        write: bool,
        owner: Option<&idmap::Owner>,
    ) -> Result<(), Errno> {
        let found = beneath::open(base, path)?;
        let copy = copy_of(&found, b"")?;
        let mut change = if write {
            MountChange::writable()
        } else {
            MountChange::read_only()
        };
        if let Some(owner) = owner {
            change = change.owned_by(owner.namespace());
        }
        mount::change(&copy, b"", change)?;
        let full = self.full(path);
        // Below a grant that is mounted already the path is the workspace's own, so that nothing
        // is made on its way and no link is followed.
        match beneath::open(&self.tree, inside(&full)) {
            Ok(target) => move_to(&copy, &target, b""),
            Err(Errno::NOENT) => self.put(&copy, &full),
            Err(errno) => Err(errno),
        }
    }

    /// A path of the workspace as an absolute one.
    fn full(&self, path: &[u8]) -> Vec<u8> {
        if path == b"." {
            self.bounds.workspace.clone()
        } else {
            [self.bounds.workspace.as_slice(), path].join(&b'/')
        }
    }

    fn covers(&self) -> Result<(), Errno> {
        let hides = |cover: &Cover| cover.kind == CoverKind::Hidden;
        if self.bounds.covers.iter().any(hides) {
            mkdirat(&self.tree, HIDDEN_DIRECTORY, Mode::empty())?;
            self.file(&[b"/", HIDDEN_FILE].concat(), b"", 0)?;
        }
        for cover in &self.bounds.covers {
            let target = match beneath::open(&self.tree, inside(&self.full(&cover.path))) {
                Ok(target) => target,
                // Not there, or not granted: nothing to cover.
                Err(Errno::NOENT | Errno::NOTDIR) => continue,
                Err(errno) => return Err(errno),
            };
            // A link cannot be covered, only what it leads to; whoever may write beside it could
            // put another in its place.
            if FileType::from_raw_mode(fstat(&target)?.st_mode) == FileType::Symlink {
                return Err(Errno::LOOP);
            }
            self.cover(cover.kind, target.as_fd())?;
        }
        Ok(())
    }

    fn cover(&self, kind: CoverKind, target: BorrowedFd<'_>) -> Result<(), Errno> {
        let copy = match kind {
            CoverKind::Pinned => copy_of(target, b"")?,
            CoverKind::Sealed => {
                let copy = copy_of(target, b"")?;
                mount::change(&copy, b"", MountChange::read_only())?;
                copy
            }
            CoverKind::Hidden => {
                let empty = if is_directory(target)? {
                    HIDDEN_DIRECTORY
                } else {
                    HIDDEN_FILE
                };
                let copy = copy_of(&self.tree, empty)?;
                mount::change(&copy, b"", MountChange::read_only())?;
                copy
            }
        };
        move_to(&copy, target, b"")
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
        Place::Copy(_) | Place::Text(..) | Place::Link(..) => false,
    };
    relative.is_some_and(granted) || bounds.places.iter().any(placed)
}

/// An absolute path as seen from the root's descriptor.
fn inside(path: &[u8]) -> &[u8] {
    let path = path.strip_prefix(b"/").unwrap_or(path);
    if path.is_empty() { b"." } else { path }
}

/// Whether one path of the workspace is another or lies above it.
fn covers(above: &[u8], below: &[u8]) -> bool {
    above == b"."
        || below == above
        || below
            .strip_prefix(above)
            .is_some_and(|rest| rest.first() == Some(&b'/'))
}

/// The content of a small file.
fn read(path: &[u8]) -> Result<Vec<u8>, Errno> {
    let file = openat(
        CWD,
        path,
        OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK,
        Mode::empty(),
    )
    .map_err(|errno| match errno {
        // What this user may not read the tool need not either.
        Errno::ACCESS => Errno::NOENT,
        errno => errno,
    })?;
    let size = usize::try_from(fstat(&file)?.st_size).unwrap_or(usize::MAX);
    let mut content = vec![0; size.min(MAX_COPY)];
    let mut filled = 0;
    while filled < content.len() {
        match rustix::io::retry_on_intr(|| rustix::io::read(&file, &mut content[filled..]))? {
            0 => break,
            read => filled += read,
        }
    }
    content.truncate(filled);
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_covers_itself_and_what_is_below_it() {
        fn check(above: &str, below: &str, expected: bool) {
            let found = covers(above.as_bytes(), below.as_bytes());
            assert_eq!(found, expected, "{above} {below}");
        }
        check(".", "src", true);
        check("src", "src", true);
        check("src", "src/a", true);
        check("src", "srcs", false);
        check("src/a", "src", false);
    }

    #[test]
    fn paths_are_seen_from_the_root() {
        assert_eq!(inside(b"/usr/bin"), b"usr/bin");
        assert_eq!(inside(b"/"), b".");
    }
}
