//! The few system calls for which there is no safe wrapper.
//!
//! Never: a policy, a loop over processes, an allocation between fork and a use of the child that
//! could need another thread (there is none: the supervisor has one thread, so a forked child may
//! do what its parent may).

#![expect(
    unsafe_code,
    reason = "fork, exec, wait4, signal masks and raw descriptors have no safe wrapper"
)]

pub(crate) mod mount;
pub(crate) mod privilege;

use std::ffi::{CStr, CString, c_char, c_int, c_uint};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use remit_supervisor::protocol::Cost;
use rustix::io::Errno;
use rustix::process::Pid;

/// The highest signal number of Linux on the architectures we build for.
const LAST_SIGNAL: c_int = 64;

/// The error that the last call left.
fn last_errno() -> Errno {
    std::io::Error::last_os_error()
        .raw_os_error()
        .map_or(Errno::IO, Errno::from_raw_os_error)
}

/// Gives every signal its default disposition. A host may ignore some, and ignoring survives
/// exec: a tool that never sees SIGPIPE behaves differently.
pub(crate) fn reset_signals() {
    // The kernel's form of an action: handler, flags, restorer, mask. All zero is the default
    // action on every architecture.
    let default = [0_u64; 4];
    for signal in 1..=LAST_SIGNAL {
        // SAFETY: the kernel reads one action of at most this size and installs no handler. The
        // C library's own function is not used: it leaves out the signals that it keeps for
        // itself, which a host may ignore like any other. SIGKILL and SIGSTOP are refused.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                std::ptr::null_mut::<u64>(),
                size_of::<u64>(),
            )
        };
    }
}

/// Ended children, as a descriptor to poll. While it exists every other signal that can be
/// blocked is blocked, so a stray SIGTERM cannot end the supervisor before its tree.
pub(crate) struct ChildSignals(OwnedFd);

impl ChildSignals {
    /// Blocks all signals and opens the descriptor.
    ///
    /// # Errors
    /// The kernel has no more descriptors.
    pub(crate) fn new() -> Result<Self, Errno> {
        // SAFETY: a zeroed set is valid storage; the calls below only write to it or read it.
        let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: `set` lives until the last call; null means "do not tell the old mask".
        let fd = unsafe {
            libc::sigfillset(&raw mut set);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut());
            libc::sigemptyset(&raw mut set);
            libc::sigaddset(&raw mut set, libc::SIGCHLD);
            libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
        };
        if fd < 0 {
            return Err(last_errno());
        }
        // SAFETY: signalfd just made this descriptor and nobody else owns it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Takes what was announced, so that the next poll waits for something new.
    pub(crate) fn drain(&self) {
        let mut buffer = [0; size_of::<libc::signalfd_siginfo>() * 4];
        while rustix::io::read(&self.0, &mut buffer).is_ok_and(|read| read > 0) {}
    }
}

impl AsFd for ChildSignals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Blocks no signal, as a tool expects it.
pub(crate) fn unblock_signals() {
    // SAFETY: a zeroed set is valid storage for sigemptyset, and lives until sigprocmask returns.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut());
    }
}

/// Which new namespaces a child gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Namespaces {
    /// None.
    None,
    /// A PID namespace; needs privilege.
    Pid,
    /// A user namespace and in it a PID namespace.
    UserAndPid,
    /// A user namespace.
    User,
    /// A user namespace and in it one of everything that a tool is to have for itself; with the
    /// host's network if the tool may use it.
    Own {
        /// Whether the host's network is kept.
        network: bool,
        /// Whether a user namespace is part of it. Without one it needs privilege.
        user: bool,
    },
}

impl Namespaces {
    /// As flags of `clone`.
    fn flags(self) -> c_int {
        let own = libc::CLONE_NEWPID | libc::CLONE_NEWNS | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
        match self {
            Self::None => 0,
            Self::Pid => libc::CLONE_NEWPID,
            Self::User => libc::CLONE_NEWUSER,
            Self::UserAndPid => libc::CLONE_NEWUSER | libc::CLONE_NEWPID,
            Self::Own { network, user } => {
                let network = if network { 0 } else { libc::CLONE_NEWNET };
                let user = if user { libc::CLONE_NEWUSER } else { 0 };
                own | network | user
            }
        }
    }
}

/// Which side of a fork the caller is on.
pub(crate) enum Side {
    /// The caller; the child's id.
    Parent(Pid),
    /// The new process.
    Child,
}

/// Makes a child that goes on here with a copy of everything.
///
/// # Errors
/// The kernel gives no process or not these namespaces.
pub(crate) fn fork(namespaces: Namespaces) -> Result<Side, Errno> {
    let flags = namespaces.flags() | libc::SIGCHLD;
    // SAFETY: without CLONE_VM and with a null stack this is fork(2): the child has its own copy
    // of the memory. This program has one thread, so no lock can be held by a thread that the
    // child does not have. The C library's `fork` is not used because it cannot take flags, and
    // `unshare` would put the supervisor itself into the user namespace, from where it could
    // write no identity map but its own.
    let pid = unsafe {
        libc::syscall(
            libc::SYS_clone,
            i64::from(flags),
            0_i64,
            0_i64,
            0_i64,
            0_i64,
        )
    };
    match i32::try_from(pid) {
        Ok(0) => Ok(Side::Child),
        Ok(pid) => Pid::from_raw(pid).map_or_else(
            || Err(last_errno()),
            |pid| {
                if pid.as_raw_nonzero().get() > 0 {
                    Ok(Side::Parent(pid))
                } else {
                    Err(last_errno())
                }
            },
        ),
        Err(_) => Err(Errno::OVERFLOW),
    }
}

/// A child that has ended and was taken off the process table.
pub(crate) struct Reaped {
    /// Who.
    pub(crate) pid: Pid,
    /// The raw wait status.
    pub(crate) status: c_int,
    /// What it and the children it waited for cost.
    pub(crate) cost: Cost,
}

/// Takes one ended child, if there is one; waits for it if `wait` says so.
///
/// # Errors
/// `ECHILD`: there are no children at all.
pub(crate) fn reap(wait: bool) -> Result<Option<Reaped>, Errno> {
    let options = if wait { 0 } else { libc::WNOHANG };
    let mut status = 0;
    // SAFETY: a zeroed rusage is valid; wait4 fills both while they live.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let raw = loop {
        // SAFETY: as above.
        let raw = unsafe { libc::wait4(-1, &raw mut status, options, &raw mut usage) };
        if raw >= 0 {
            break raw;
        }
        let errno = last_errno();
        if errno != Errno::INTR {
            return Err(errno);
        }
    };
    Ok(Pid::from_raw(raw).map(|pid| Reaped {
        pid,
        status,
        cost: Cost {
            user_us: micros(usage.ru_utime),
            system_us: micros(usage.ru_stime),
            // The kernel counts in KiB.
            max_rss: u64::try_from(usage.ru_maxrss)
                .unwrap_or(0)
                .saturating_mul(1024),
        },
    }))
}

/// A time of the kernel in microseconds.
fn micros(time: libc::timeval) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let rest = u64::try_from(time.tv_usec).unwrap_or(0);
    seconds.saturating_mul(1_000_000).saturating_add(rest)
}

/// Sends SIGTERM to every process that the caller can signal but itself. Only for the first
/// process of a PID namespace, where "every process" is the tool's tree.
pub(crate) fn ask_everyone_to_end() {
    // SAFETY: a plain system call without memory.
    unsafe { libc::kill(-1, libc::SIGTERM) };
}

/// Marks every descriptor from 3 on to be closed by exec, also those that a host leaked.
///
/// # Errors
/// The kernel is older than 5.11 and knows no `close_range` with this flag.
pub(crate) fn close_all_on_exec() -> Result<(), Errno> {
    let flag = c_uint::try_from(libc::CLOSE_RANGE_CLOEXEC).unwrap_or(0);
    // SAFETY: changes a flag of descriptors and closes none.
    let result = unsafe { libc::syscall(libc::SYS_close_range, 3_u32, c_uint::MAX, flag) };
    if result == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}

/// Closes the control socket in a process that is not the supervisor.
pub(crate) fn close_control() {
    // SAFETY: nothing in the calling process holds descriptor 0 as an owned value, and nothing
    // uses it afterwards.
    unsafe { libc::close(0) };
}

/// Closes standard output and error, which belong to the tool.
pub(crate) fn close_output() {
    // SAFETY: nothing holds descriptors 1 and 2 as owned values, and this program writes to
    // neither.
    unsafe {
        libc::close(1);
        libc::close(2);
    }
}

/// Becomes the program. Returns only the error.
pub(crate) fn exec(program: &CStr, arguments: &[CString], environment: &[CString]) -> Errno {
    let pointers = |strings: &[CString]| -> Vec<*const c_char> {
        strings
            .iter()
            .map(|string| string.as_ptr())
            .chain(std::iter::once(std::ptr::null()))
            .collect()
    };
    let (argv, envp) = (pointers(arguments), pointers(environment));
    // SAFETY: both arrays end with null, and they and their strings outlive the call.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    last_errno()
}

/// Ends this process at once, without running anything that was registered for the exit.
pub(crate) fn exit_now(code: c_int) -> ! {
    // SAFETY: never returns and touches no memory.
    unsafe { libc::_exit(code) }
}
