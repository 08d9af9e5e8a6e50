//! Opening what lies in the workspace: the directory that a tool runs in, the file that it reads.
//!
//! Never: a path that is checked first and opened later. The kernel resolves it once, beneath the
//! workspace and through no link, and everything after that uses the descriptor.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use remit_core::path::RelPath;
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat2};
use rustix::io::Errno;

/// How often a resolution is repeated that the kernel gave up because of a rename at the same
/// time. A plugin that renames all the time gets an error, not a loop.
const MAX_RETRIES: u32 = 16;

/// A directory that was opened.
#[derive(Debug)]
pub struct WorkingDirectory {
    descriptor: OwnedFd,
    device: u64,
    inode: u64,
}

impl WorkingDirectory {
    /// Opens a directory of the workspace.
    ///
    /// # Errors
    /// It does not exist, is no directory, or is reached only through a link or from outside.
    pub fn beneath(workspace: BorrowedFd<'_>, path: &RelPath) -> Result<Self, Errno> {
        Self::of(open_beneath(
            workspace,
            path,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        )?)
    }

    /// Opens a directory that the owner fixed. The owner's links are followed, the kernel's own
    /// (`/proc/PID/cwd`) are not.
    ///
    /// # Errors
    /// It does not exist or is no directory.
    pub fn fixed(path: &Path) -> Result<Self, Errno> {
        Self::of(openat2(
            CWD,
            path,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::NO_MAGICLINKS,
        )?)
    }

    fn of(descriptor: OwnedFd) -> Result<Self, Errno> {
        let stat = fstat(&descriptor)?;
        Ok(Self {
            descriptor,
            device: stat.st_dev,
            inode: stat.st_ino,
        })
    }

    /// The descriptor, to be handed to the supervisor.
    pub(crate) fn into_descriptor(self) -> OwnedFd {
        self.descriptor
    }

    /// Device and inode number, which the supervisor compares.
    #[must_use]
    pub fn identity(&self) -> (u64, u64) {
        (self.device, self.inode)
    }
}

/// Opens a regular file of the workspace for reading.
///
/// # Errors
/// It does not exist, is reached only through a link or from outside, or is no regular file
/// (`EINVAL`): a device or a pipe could do something when it is read, or never end.
pub(crate) fn open_file(workspace: BorrowedFd<'_>, path: &RelPath) -> Result<OwnedFd, Errno> {
    // Without NONBLOCK, opening a pipe that nobody writes would wait.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = open_beneath(workspace, path, flags)?;
    if FileType::from_raw_mode(fstat(&file)?.st_mode) == FileType::RegularFile {
        Ok(file)
    } else {
        Err(Errno::INVAL)
    }
}

/// Resolves a path in one step, beneath the workspace and through no link.
fn open_beneath(
    workspace: BorrowedFd<'_>,
    path: &RelPath,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    let rules = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let mut tries = 0;
    loop {
        match openat2(workspace, path.as_str(), flags, Mode::empty(), rules) {
            Err(Errno::AGAIN | Errno::INTR) if tries < MAX_RETRIES => tries += 1,
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::disallowed_methods,
        reason = "the test lays out what it looks at"
    )]

    use super::*;
    use std::fs::{File, create_dir};
    use std::os::fd::AsFd;
    use std::os::unix::fs::symlink;

    /// What opening `path` says, as a directory and as a file.
    fn check(path: &str, directory: Result<(), Errno>, file: Result<(), Errno>) {
        let workspace = tempfile::tempdir().unwrap();
        let at = |name: &str| workspace.path().join(name);
        create_dir(at("inner")).unwrap();
        std::fs::write(at("inner/file"), "text").unwrap();
        symlink("inner", at("link")).unwrap();
        symlink("/etc", at("out")).unwrap();
        symlink("inner/file", at("file-link")).unwrap();
        symlink("/proc/self/cwd", at("magic")).unwrap();
        rustix::fs::mkfifoat(CWD, at("pipe"), Mode::RUSR | Mode::WUSR).unwrap();
        let root = File::open(workspace.path()).unwrap();
        let path = RelPath::parse(path).unwrap();
        let found = WorkingDirectory::beneath(root.as_fd(), &path).map(drop);
        assert_eq!(found, directory, "directory {path}");
        let found = open_file(root.as_fd(), &path).map(drop);
        assert_eq!(found, file, "file {path}");
    }

    #[test]
    fn only_what_lies_in_the_workspace_is_opened() {
        check(".", Ok(()), Err(Errno::INVAL));
        check("inner", Ok(()), Err(Errno::INVAL));
        check("inner/file", Err(Errno::NOTDIR), Ok(()));
        check("absent", Err(Errno::NOENT), Err(Errno::NOENT));
        check("link", Err(Errno::LOOP), Err(Errno::LOOP));
        check("link/file", Err(Errno::LOOP), Err(Errno::LOOP));
        check("out", Err(Errno::LOOP), Err(Errno::LOOP));
        check("out/passwd", Err(Errno::LOOP), Err(Errno::LOOP));
        check("file-link", Err(Errno::LOOP), Err(Errno::LOOP));
        check("magic", Err(Errno::LOOP), Err(Errno::LOOP));
        check("pipe", Err(Errno::NOTDIR), Err(Errno::INVAL));
    }

    #[test]
    fn the_kernel_refuses_what_a_relative_path_cannot_even_say() {
        // `RelPath` refuses these; this shows that nothing depends on it.
        let workspace = tempfile::tempdir().unwrap();
        let root = File::open(workspace.path()).unwrap();
        for (path, errno) in [("..", Errno::XDEV), ("/etc", Errno::XDEV)] {
            let rules =
                ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            let opened = openat2(&root, path, OFlags::PATH, Mode::empty(), rules);
            assert_eq!(opened.map(drop), Err(errno), "{path}");
        }
    }
}
