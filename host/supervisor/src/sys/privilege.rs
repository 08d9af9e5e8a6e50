//! Giving up what a process could use against its bounds: its user, its capabilities, system calls.
//!
//! Never: a way back.

#![expect(
    unsafe_code,
    reason = "capabilities, users and seccomp have no safe wrapper"
)]

use rustix::io::Errno;
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, set_capabilities,
};

use super::last_errno;

/// More capabilities than any kernel has; the kernel says where its own end.
const MAX_CAPABILITY: i32 = 63;

/// Becomes another user and group, with no further groups.
///
/// # Errors
/// The process may not, or the numbers mean nobody in its user namespace.
pub(crate) fn become_user(user: u32, group: u32) -> Result<(), Errno> {
    // The C library's functions tell other threads to do the same, of which there are none; the
    // system calls themselves are used so that nothing else happens.
    // SAFETY: plain system calls without memory; an empty list of groups is not read.
    unsafe {
        let none = std::ptr::null::<libc::gid_t>();
        if libc::syscall(libc::SYS_setgroups, 0, none) != 0 {
            return Err(last_errno());
        }
        if libc::syscall(libc::SYS_setresgid, group, group, group) != 0 {
            return Err(last_errno());
        }
        if libc::syscall(libc::SYS_setresuid, user, user, user) != 0 {
            return Err(last_errno());
        }
    }
    Ok(())
}

/// Gives up every capability, and the way to get one back from a program's file.
///
/// # Errors
/// The kernel refused; nothing of this may be left out.
pub(crate) fn drop_capabilities() -> Result<(), Errno> {
    match clear_ambient_capability_set() {
        // Before Linux 4.3 there is no such set.
        Ok(()) | Err(Errno::INVAL) => {}
        Err(errno) => return Err(errno),
    }
    for capability in 0..=MAX_CAPABILITY {
        // SAFETY: a plain system call without memory.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } == 0 {
            continue;
        }
        match last_errno() {
            // The kernel has no more.
            Errno::INVAL => break,
            // A process without privilege cannot change what it could gain, and gains nothing:
            // it has given up new privileges.
            Errno::PERM => break,
            errno => return Err(errno),
        }
    }
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none)
}

/// Keeps a program that runs as root from getting capabilities because of that.
///
/// # Errors
/// The kernel refused.
pub(crate) fn root_is_nobody_special() -> Result<(), Errno> {
    let bits = libc::SECBIT_NOROOT
        | libc::SECBIT_NOROOT_LOCKED
        | libc::SECBIT_NO_SETUID_FIXUP
        | libc::SECBIT_NO_SETUID_FIXUP_LOCKED
        | libc::SECBIT_KEEP_CAPS_LOCKED
        | libc::SECBIT_NO_CAP_AMBIENT_RAISE
        | libc::SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    // SAFETY: a plain system call without memory.
    if unsafe { libc::prctl(libc::PR_SET_SECUREBITS, bits, 0, 0, 0) } == 0 {
        return Ok(());
    }
    match last_errno() {
        // Without privilege there is nothing that these bits would keep from this process.
        Errno::PERM => Ok(()),
        errno => Err(errno),
    }
}

/// Puts this process under a filter of system calls.
///
/// # Errors
/// The kernel knows no filters.
pub(crate) fn filter_calls(filter: &[libc::sock_filter]) -> Result<(), Errno> {
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).map_err(|_| Errno::INVAL)?,
        filter: filter.as_ptr().cast_mut(),
    };
    // SAFETY: the kernel copies the program, which lives until the call returns, and writes to
    // none of it.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            0,
            &raw const program,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}

/// Whether the kernel filters system calls.
pub(crate) fn can_filter() -> bool {
    let action = libc::SECCOMP_RET_ERRNO;
    // SAFETY: the kernel reads one number, which lives until the call returns.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_GET_ACTION_AVAIL,
            0,
            &raw const action,
        )
    };
    result == 0
}

/// The version of Landlock's interface; negative if the kernel has none.
pub(crate) fn landlock_version() -> i64 {
    /// Asks for the version instead of making rules (`LANDLOCK_CREATE_RULESET_VERSION`).
    const VERSION: u32 = 1;
    // SAFETY: with this flag the kernel reads no memory and makes nothing.
    unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<u8>(),
            0,
            VERSION,
        )
    }
}
