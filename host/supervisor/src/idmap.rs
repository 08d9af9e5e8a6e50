//! Whom a tool of root is taken for.
//!
//! A host that runs as root does not start tools as root. A tool gets a user namespace in which the
//! workspace's owner is somebody who owns nothing outside. The same namespace says for the mounts
//! of the workspace whom its files belong to, so the tool sees owners as they are on the disk, finds
//! itself to be the owner, and what it makes belongs to the owner. Never: another owner than the
//! workspace's.

use std::os::fd::{AsFd, OwnedFd};

use remit_supervisor::protocol::Identity;
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::process::Pid;

/// Writes the maps of the user namespace of the process that will become the tool. `processes` is
/// the directory of this namespace's `/proc`.
///
/// # Errors
/// The kernel refused.
pub(crate) fn describe(processes: impl AsFd, tool: Pid, identity: Identity) -> Result<(), Errno> {
    if let Identity::Service { user, group, owner } = identity {
        map(&processes, tool, "uid_map", owner.0, user)?;
        map(&processes, tool, "gid_map", owner.1, group)?;
    }
    Ok(())
}

/// The user namespace of a process.
///
/// # Errors
/// The kernel refused.
pub(crate) fn namespace(processes: impl AsFd, tool: Pid) -> Result<OwnedFd, Errno> {
    let path = format!("{}/ns/user", tool.as_raw_nonzero());
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    openat(processes, path, flags, Mode::empty())
}

/// Says which one number inside is which one outside.
fn map(
    processes: impl AsFd,
    tool: Pid,
    name: &str,
    inside: u32,
    outside: u32,
) -> Result<(), Errno> {
    let path = format!("{}/{name}", tool.as_raw_nonzero());
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let file = openat(processes, path, flags, Mode::empty())?;
    // The kernel takes a map in one piece or not at all.
    rustix::io::write(&file, format!("{inside} {outside} 1\n").as_bytes())?;
    Ok(())
}
