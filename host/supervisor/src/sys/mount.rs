//! Changing what a mount allows, and the loopback interface: no safe wrapper has them.
//!
//! Never: a mount that gets fewer restrictions than the one that it is a copy of; the kernel
//! refuses that in a user namespace, and nothing here asks for it.

#![expect(
    unsafe_code,
    reason = "mount_setattr and interface flags have no safe wrapper"
)]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::last_errno;

/// No program gains privileges by its file, and no device node works.
const HARMLESS: u64 = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;

/// How a mount is restricted.
#[derive(Clone, Copy)]
pub(crate) struct MountChange<'a> {
    set: u64,
    owner: Option<BorrowedFd<'a>>,
}

impl<'a> MountChange<'a> {
    /// Can be read and executed.
    pub(crate) const fn read_only() -> Self {
        Self {
            set: HARMLESS | libc::MOUNT_ATTR_RDONLY,
            owner: None,
        }
    }

    /// Can be changed, too.
    pub(crate) const fn writable() -> Self {
        Self {
            set: HARMLESS,
            owner: None,
        }
    }

    /// Belongs to those whom this user namespace says.
    pub(crate) const fn owned_by(mut self, namespace: BorrowedFd<'a>) -> Self {
        self.set |= libc::MOUNT_ATTR_IDMAP;
        self.owner = Some(namespace);
        self
    }
}

/// Restricts a mount, and all mounts below it. With an empty path: the one that is open.
///
/// # Errors
/// The kernel is older than 5.12, or its file system cannot have another owner.
pub(crate) fn change(base: impl AsFd, path: &[u8], change: MountChange<'_>) -> Result<(), Errno> {
    let attributes = libc::mount_attr {
        attr_set: change.set,
        attr_clr: 0,
        propagation: 0,
        userns_fd: change
            .owner
            .and_then(|owner| u64::try_from(owner.as_raw_fd()).ok())
            .unwrap_or(0),
    };
    // The root stays what it is with all that is mounted in it; a copy is changed as a whole.
    let flags = if path.is_empty() {
        libc::AT_EMPTY_PATH | libc::AT_RECURSIVE
    } else {
        0
    };
    let path = std::ffi::CString::new(path).map_err(|_| Errno::INVAL)?;
    // SAFETY: the path ends with a zero byte, the attributes live until the call returns, and
    // their size is told.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            base.as_fd().as_raw_fd(),
            path.as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}

/// Turns on the loopback interface of this network namespace.
///
/// # Errors
/// The kernel refused.
pub(crate) fn loopback_up() -> Result<(), Errno> {
    let socket = socket_with(
        AddressFamily::INET,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    // SAFETY: all zero is a valid request: empty name, no flags.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(*b"lo") {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    let up = libc::IFF_UP | libc::IFF_RUNNING;
    request.ifr_ifru.ifru_flags = i16::try_from(up).unwrap_or(0);
    // SAFETY: the kernel reads one request, which lives until the call returns.
    let result = unsafe {
        // Not the C library's function: the type of its second argument differs between them.
        libc::syscall(
            libc::SYS_ioctl,
            socket.as_raw_fd(),
            libc::SIOCSIFFLAGS,
            &raw const request,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}
