//! The workspace in a root of the tool's own: what was granted, and what is carved out of that.
//!
//! Whoever may write the workspace may move things in it meanwhile, so every path is opened once,
//! beneath it and through no link, and what was opened is what is mounted. Never: a part of the
//! workspace that was not granted; a cover that is left out because it does not fit.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use remit_supervisor::protocol::{Cover, CoverKind, Failure, Identity, Step};
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, mkdirat, openat};
use rustix::io::Errno;
use rustix::process::Pid;

use crate::control::at;
use crate::root::{Root, copy_of, inside, is_directory, move_to};
use crate::sys::mount::{self, MountChange};
use crate::{beneath, idmap};

/// The empty things that cover what is hidden; made in the root. Nobody can open them.
const HIDDEN: [&[u8]; 2] = [b".hidden", b".hidden-file"];
/// The empty things that cover what is emptied; made in the root. Everybody can read them.
const EMPTIED: [&[u8]; 2] = [b".empty", b".empty-file"];
/// Their modes, of the directory and of the file.
const READABLE: [u32; 2] = [0o555, 0o444];

/// What is empty in a format in which a file without a byte is a mistake.
const EMPTY_OBJECT: &[u8] = b".empty-object";
/// Its content: JSON, and YAML.
const NO_ENTRIES: &[u8] = b"{}\n";
/// The files that have such a format.
const WITH_OBJECT: [&[u8]; 3] = [b".json", b".yaml", b".yml"];

impl Root<'_> {
    /// What was granted of the workspace, and what is carved out of that.
    pub(crate) fn workspace(&self, owner: Option<&OwnedFd>) -> Result<(), Failure> {
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
            match self.grant(&base, &grant.path, grant.write, owner) {
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

    /// The user namespace that says who the workspace's owner is for the tool, if the tool is
    /// another user.
    pub(crate) fn owner(&self, tool: Option<Pid>) -> Result<Option<OwnedFd>, Errno> {
        let (Identity::Service { user, owner, .. }, Some(tool)) = (self.bounds.identity, tool)
        else {
            return Ok(None);
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let processes = openat(&self.tree, c"proc", flags, Mode::empty())?;
        idmap::describe(&processes, tool, self.bounds.identity)?;
        (user != owner.0)
            .then(|| idmap::namespace(&processes, tool))
            .transpose()
    }

    fn grant(
        &self,
        base: &OwnedFd,
        path: &[u8],
        write: bool,
        owner: Option<&OwnedFd>,
    ) -> Result<(), Errno> {
        let found = beneath::open(base, path)?;
        let copy = copy_of(&found, b"")?;
        let mut change = if write {
            MountChange::writable()
        } else {
            MountChange::read_only()
        };
        if let Some(owner) = owner {
            change = change.owned_by(owner.as_fd());
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
        for (kind, names, modes) in [
            (CoverKind::Hidden, HIDDEN, [0; 2]),
            (CoverKind::Emptied, EMPTIED, READABLE),
        ] {
            let ([directory, file], [listed, read]) = (names, modes);
            if self.bounds.covers.iter().any(|cover| cover.kind == kind) {
                mkdirat(&self.tree, directory, Mode::from_raw_mode(listed))?;
                self.file(&[b"/", file].concat(), read)?;
            }
        }
        if self.bounds.covers.iter().any(is_object) {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let [_, read] = READABLE;
            let file = openat(&self.tree, EMPTY_OBJECT, flags, Mode::from_raw_mode(read))?;
            rustix::io::write(&file, NO_ENTRIES)?;
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
            self.cover(cover, target.as_fd())?;
        }
        Ok(())
    }

    fn cover(&self, cover: &Cover, target: BorrowedFd<'_>) -> Result<(), Errno> {
        let copy = match cover.kind {
            CoverKind::Pinned => copy_of(target, b"")?,
            CoverKind::Sealed => {
                let copy = copy_of(target, b"")?;
                mount::change(&copy, b"", MountChange::read_only())?;
                copy
            }
            CoverKind::Hidden => self.empty(HIDDEN, target)?,
            CoverKind::Emptied if is_object(cover) => {
                let [directory, _] = EMPTIED;
                self.empty([directory, EMPTY_OBJECT], target)?
            }
            CoverKind::Emptied => self.empty(EMPTIED, target)?,
        };
        move_to(&copy, target, b"")
    }

    /// A mount of the empty thing that is of the target's kind.
    fn empty(&self, names: [&[u8]; 2], target: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
        let [directory, file] = names;
        let empty = if is_directory(target)? {
            directory
        } else {
            file
        };
        let copy = copy_of(&self.tree, empty)?;
        mount::change(&copy, b"", MountChange::read_only())?;
        Ok(copy)
    }
}

/// Whether a file is emptied whose format wants at least an object.
fn is_object(cover: &Cover) -> bool {
    let ends = |end: &&[u8]| cover.path.ends_with(end);
    cover.kind == CoverKind::Emptied && WITH_OBJECT.iter().any(ends)
}

/// Whether one path of the workspace is another or lies above it.
pub(crate) fn covers(above: &[u8], below: &[u8]) -> bool {
    above == b"."
        || below == above
        || below
            .strip_prefix(above)
            .is_some_and(|rest| rest.first() == Some(&b'/'))
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
}
