//! seccomp: which system calls the tool's process tree may make.
//!
//! Two filters. The first refuses what no tool of a developer needs and what would lead out: other
//! processes' memory, namespaces and mounts, the kernel's own settings, sockets that were not
//! granted, files that run as their owner. The second answers "not implemented" where a program has
//! another way: `clone3` and `openat2` hide their flags in memory, where no filter can look. Everything else is allowed, because what files
//! and processes may be reached is not decided here. Never: a list that is meant to be complete;
//! it is the last of several layers.

use std::collections::BTreeMap;

use remit_supervisor::protocol::Network;
use rustix::io::Errno;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use crate::sys;

#[cfg(target_arch = "x86_64")]
const ARCH: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
const ARCH: TargetArch = TargetArch::aarch64;

/// Calls that are refused whatever their arguments.
const REFUSED: &[i64] = &[
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // A second way to make system calls, which no filter sees.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Namespaces and mounts.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    STATMOUNT,
    LISTMOUNT,
    // Files by number instead of by path.
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    // The kernel's keys, programs, counters and faults.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
    libc::SYS_lookup_dcookie,
    // The machine.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
    libc::SYS_nfsservctl,
];

/// `statmount` (Linux 6.8), the same number on every architecture.
const STATMOUNT: i64 = 457;
/// `listmount`, likewise.
const LISTMOUNT: i64 = 458;

/// Likewise, on this architecture only.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[i64] = &[
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS__sysctl,
    libc::SYS_ustat,
    libc::SYS_sysfs,
    libc::SYS_kexec_file_load,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[i64] = &[];

/// `fchmodat2` (Linux 6.6), the same number on every architecture.
const FCHMODAT2: i64 = 452;

/// Calls that give a file a mode: the place of the mode and, if it counts only where a file is
/// made, that of the flags. What a tool of root leaves in a workspace of root is root's: a program
/// there that runs as its owner would be root for everybody on the machine.
const MODES: &[(i64, u8, Option<u8>)] = &[
    (libc::SYS_fchmod, 1, None),
    (libc::SYS_fchmodat, 2, None),
    (FCHMODAT2, 2, None),
    (libc::SYS_mknodat, 2, None),
    (libc::SYS_openat, 3, Some(2)),
];

/// Likewise, on this architecture only.
#[cfg(target_arch = "x86_64")]
const MODES_HERE: &[(i64, u8, Option<u8>)] = &[
    (libc::SYS_chmod, 1, None),
    (libc::SYS_creat, 1, None),
    (libc::SYS_mknod, 1, None),
    (libc::SYS_open, 2, Some(1)),
];
#[cfg(not(target_arch = "x86_64"))]
const MODES_HERE: &[(i64, u8, Option<u8>)] = &[];

/// Requests to a terminal that put words into somebody's mouth.
const TERMINAL_INJECTION: [u32; 2] = [0x5412 /* TIOCSTI */, 0x541C /* TIOCLINUX */];

/// Flags of `clone` that make a namespace.
const NAMESPACES: [i32; 8] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    0x80, // CLONE_NEWTIME; in `clone` it is part of the exit signal, which has no such bit.
];

/// The bit of calls for the x32 interface, which numbers everything anew.
const X32_BIT: u32 = 0x4000_0000;

/// Both filters, ready to be applied.
pub(crate) struct Filters {
    refusing: BpfProgram,
    missing: [libc::sock_filter; MISSING],
}

/// Makes the filters.
///
/// # Errors
/// A rule is not one, which no test would let pass.
pub(crate) fn make(network: Network) -> Result<Filters, Errno> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = REFUSED
        .iter()
        .chain(REFUSED_HERE)
        .map(|call| (*call, Vec::new()))
        .collect();
    let ioctls = TERMINAL_INJECTION.map(|request| equal(1, u64::from(request)));
    rules.insert(libc::SYS_ioctl, any(ioctls)?);
    let clones = NAMESPACES.map(|flag| has(0, u64::from(flag.cast_unsigned())));
    rules.insert(libc::SYS_clone, any(clones)?);
    for (call, mode, flags) in MODES.iter().chain(MODES_HERE) {
        rules.insert(*call, elevating(*mode, *flags)?);
    }
    match network {
        // Also no socket between processes: a service that listens on a path would answer.
        Network::None => {
            rules.insert(libc::SYS_socket, Vec::new());
        }
        Network::Loopback | Network::Full => {
            rules.insert(libc::SYS_socket, vec![neither_internet()?]);
        }
    }
    let refuse = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let filter =
        SeccompFilter::new(rules, SeccompAction::Allow, refuse, ARCH).map_err(|_| Errno::INVAL)?;
    Ok(Filters {
        refusing: filter.try_into().map_err(|_| Errno::INVAL)?,
        missing: missing(),
    })
}

/// Puts this process, and all that it starts, under the filters. The last step before exec.
///
/// # Errors
/// The kernel knows no filters.
pub(crate) fn apply(filters: &Filters) -> Result<(), Errno> {
    let refusing: Vec<libc::sock_filter> = filters
        .refusing
        .iter()
        .map(|one| libc::sock_filter {
            code: one.code,
            jt: one.jt,
            jf: one.jf,
            k: one.k,
        })
        .collect();
    sys::privilege::filter_calls(&filters.missing)?;
    sys::privilege::filter_calls(&refusing)
}

/// Rules of which any one refuses a call.
fn any<const N: usize>(
    conditions: [Result<SeccompCondition, Errno>; N],
) -> Result<Vec<SeccompRule>, Errno> {
    conditions
        .into_iter()
        .map(|one| SeccompRule::new(vec![one?]).map_err(|_| Errno::INVAL))
        .collect()
}

/// A socket of a family that is neither IPv4 nor IPv6.
fn neither_internet() -> Result<SeccompRule, Errno> {
    let other = |family: i32| {
        SeccompCondition::new(
            0,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::Ne,
            u64::from(family.cast_unsigned()),
        )
        .map_err(|_| Errno::INVAL)
    };
    SeccompRule::new(vec![other(libc::AF_INET)?, other(libc::AF_INET6)?]).map_err(|_| Errno::INVAL)
}

/// A mode with which a file would run as its owner or group. With `flags`, the place of an
/// argument, only where a file is made: otherwise the mode is whatever is left in the register.
fn elevating(mode: u8, flags: Option<u8>) -> Result<Vec<SeccompRule>, Errno> {
    let makes = [libc::O_CREAT, libc::O_TMPFILE & !libc::O_DIRECTORY];
    let mut rules = Vec::with_capacity(4);
    for bit in [libc::S_ISUID, libc::S_ISGID] {
        let elevates = || has(mode, u64::from(bit));
        let Some(flags) = flags else {
            rules.push(SeccompRule::new(vec![elevates()?]).map_err(|_| Errno::INVAL)?);
            continue;
        };
        for make in makes {
            let makes = has(flags, u64::from(make.cast_unsigned()))?;
            rules.push(SeccompRule::new(vec![elevates()?, makes]).map_err(|_| Errno::INVAL)?);
        }
    }
    Ok(rules)
}

/// An argument with this value. The kernel takes these arguments as 32 bits.
fn equal(argument: u8, value: u64) -> Result<SeccompCondition, Errno> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
        .map_err(|_| Errno::INVAL)
}

/// An argument in which this bit is set.
fn has(argument: u8, bit: u64) -> Result<SeccompCondition, Errno> {
    SeccompCondition::new(
        argument,
        SeccompCmpArgLen::Qword,
        SeccompCmpOp::MaskedEq(bit),
        bit,
    )
    .map_err(|_| Errno::INVAL)
}

/// Instructions of the second filter.
const MISSING: usize = 6;

/// The second filter, by hand: the library compares no ranges of call numbers.
fn missing() -> [libc::sock_filter; MISSING] {
    let load = u16::try_from(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS).unwrap_or(0);
    let at_least = u16::try_from(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K).unwrap_or(0);
    let same = u16::try_from(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K).unwrap_or(0);
    let answer = u16::try_from(libc::BPF_RET | libc::BPF_K).unwrap_or(0);
    let line = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let clone3 = u32::try_from(libc::SYS_clone3).unwrap_or(0);
    let openat2 = u32::try_from(libc::SYS_openat2).unwrap_or(0);
    let not_there = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned();
    [
        // The number of the call is the first word of what the kernel shows.
        line(load, 0, 0, 0),
        line(at_least, 3, 0, X32_BIT),
        line(same, 2, 0, clone3),
        line(same, 1, 0, openat2),
        line(answer, 0, 0, libc::SECCOMP_RET_ALLOW),
        line(answer, 0, 0, not_there),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_can_be_made_for_every_network() {
        for network in [Network::None, Network::Loopback, Network::Full] {
            let filters = make(network).unwrap();
            // The kernel takes no longer program.
            assert!(filters.refusing.len() < 4096, "{network:?}");
        }
    }

    #[test]
    fn the_second_filter_jumps_to_what_it_means() {
        let filter = missing();
        let target = |from: usize, by: u8| filter[from + 1 + usize::from(by)].k;
        let not_there = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned();
        assert_eq!(target(1, filter[1].jt), not_there);
        assert_eq!(target(2, filter[2].jt), not_there);
        assert_eq!(target(3, filter[3].jt), not_there);
        assert_eq!(target(3, filter[3].jf), libc::SECCOMP_RET_ALLOW);
        assert_eq!([filter[1].jf, filter[2].jf], [0, 0]);
    }
}
