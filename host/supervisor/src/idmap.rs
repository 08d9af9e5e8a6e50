//! Making the workspace of root belong to the service user, for the tool only.
//!
//! A host that runs as root does not start tools as root. So that the tool can work on files that
//! belong to root, their mount says that they belong to the service user; what the tool makes
//! there belongs to root on the disk. Never: another owner than the workspace's.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use remit_supervisor::protocol::Identity;
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use crate::sys::{self, Namespaces, Side};

/// A user namespace that says who the workspace's owner is for the tool.
pub(crate) struct Owner(OwnedFd);

impl Owner {
    /// The namespace for this identity; none if the tool is the owner already. `processes` is the
    /// directory of this namespace's `/proc`.
    ///
    /// # Errors
    /// The kernel gives no user namespace.
    pub(crate) fn of(identity: Identity, processes: impl AsFd) -> Result<Option<Self>, Errno> {
        let Identity::Service { user, owner, .. } = identity else {
            return Ok(None);
        };
        if user == owner.0 {
            return Ok(None);
        }
        // The map of a namespace lives as long as a descriptor of it; its process need not.
        let holder = match sys::fork(Namespaces::User)? {
            Side::Child => loop {
                sys::sleep();
            },
            Side::Parent(holder) => holder,
        };
        let namespace = describe(processes.as_fd(), holder, identity);
        let _ = kill_process(holder, Signal::KILL);
        drop(sys::reap(true));
        Ok(Some(Self(namespace?)))
    }

    /// The namespace.
    pub(crate) fn namespace(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Writes the maps of a process's user namespace and opens it.
fn describe(processes: BorrowedFd<'_>, holder: Pid, identity: Identity) -> Result<OwnedFd, Errno> {
    if let Identity::Service { user, group, owner } = identity {
        map(processes, holder, "uid_map", owner.0, user)?;
        map(processes, holder, "gid_map", owner.1, group)?;
    }
    let path = format!("{}/ns/user", holder.as_raw_nonzero());
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    openat(processes, path, flags, Mode::empty())
}

/// Says for a process's new user namespace which one number inside is which one outside.
///
/// # Errors
/// The kernel refused.
pub(crate) fn map(
    processes: BorrowedFd<'_>,
    process: Pid,
    name: &str,
    inside: u32,
    outside: u32,
) -> Result<(), Errno> {
    let path = format!("{}/{name}", process.as_raw_nonzero());
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let file = openat(processes, path, flags, Mode::empty())?;
    // The kernel takes a map in one piece or not at all.
    rustix::io::write(&file, format!("{inside} {outside} 1\n").as_bytes())?;
    Ok(())
}
