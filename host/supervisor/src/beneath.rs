//! Opening paths of the workspace: resolved in one step, beneath it and through no link.
//!
//! Never: a path that is looked at first and opened later; a tool that runs beside this one may
//! move things meanwhile.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

/// How often a resolution is repeated that the kernel gave up because of a rename at the same
/// time. Whoever renames all the time makes the start fail, not hang.
const MAX_RETRIES: u32 = 16;

/// Opens what a path beneath `base` names, as a place and not for reading.
///
/// # Errors
/// Nothing is there, or only through a link or outside.
pub(crate) fn open(base: impl AsFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    let rules = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let mut tries = 0;
    loop {
        match openat2(
            &base,
            path,
            OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW,
            Mode::empty(),
            rules,
        ) {
            Err(Errno::AGAIN | Errno::INTR) if tries < MAX_RETRIES => tries += 1,
            result => return result,
        }
    }
}
