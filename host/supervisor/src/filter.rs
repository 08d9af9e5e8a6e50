//! seccomp: which system calls the tool's process tree may make.
//!
//! Refused is what no tool of a developer needs and what would lead out: other processes' memory,
//! namespaces and mounts, the kernel's own settings, sockets that were not granted, files that run
//! as their owner. "Not implemented" is the answer where a program has another way: `clone3` and
//! `openat2` hide their flags in memory, where no filter can look. Everything else is allowed, because what files and processes may be
//! reached is not decided here.
//!
//! The filter is put together here and not by a library, because its length is what a start pays
//! for: the kernel runs it once for each call that there is. Made by a library it had 400 steps and
//! cost 1.1 ms; it has 130 and costs 0.2. Never: a list that is meant to be complete; it is the
//! last of several layers.

use remit_supervisor::protocol::Network;
use rustix::io::Errno;

use crate::sys::privilege;

/// How the kernel names the interface of the calls that this program knows the numbers of.
#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 0xC000_003E;
/// Likewise.
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 0xC000_00B7;

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
/// there that runs as its owner would be root for everybody on the machine. The calls that are made
/// most come first.
const MODES: &[(i64, u32, Option<u32>)] = &[
    (libc::SYS_openat, 3, Some(2)),
    (libc::SYS_fchmod, 1, None),
    (libc::SYS_fchmodat, 2, None),
    (FCHMODAT2, 2, None),
    (libc::SYS_mknodat, 2, None),
];

/// Likewise, on this architecture only.
#[cfg(target_arch = "x86_64")]
const MODES_HERE: &[(i64, u32, Option<u32>)] = &[
    (libc::SYS_open, 2, Some(1)),
    (libc::SYS_chmod, 1, None),
    (libc::SYS_creat, 1, None),
    (libc::SYS_mknod, 1, None),
];
#[cfg(not(target_arch = "x86_64"))]
const MODES_HERE: &[(i64, u32, Option<u32>)] = &[];

/// Bits of a mode with which a file runs as its owner or group.
const ELEVATING: u32 = libc::S_ISUID | libc::S_ISGID;

/// Flags with which a file is made, and its mode counts.
const MAKING: u32 = (libc::O_CREAT | libc::O_TMPFILE & !libc::O_DIRECTORY).cast_unsigned();

/// Requests to a terminal that put words into somebody's mouth: `TIOCSTI`, `TIOCLINUX`.
const TERMINAL_INJECTION: [u32; 2] = [0x5412, 0x541C];

/// Flags of `clone` that make a namespace. The last is `CLONE_NEWTIME`: in `clone` it would be part
/// of the signal at the end, and no signal has that bit.
const NAMESPACES: u32 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | 0x80)
    .cast_unsigned();

/// The bit of calls for the x32 interface, which numbers everything anew.
const X32_BIT: u32 = 0x4000_0000;

/// Where the kernel shows the number of the call and the interface.
const NUMBER: u32 = 0;
const INTERFACE: u32 = 4;

/// Where it shows the low half of an argument, counted from 0.
const fn argument(place: u32) -> u32 {
    16 + 8 * place
}

/// A filter, ready to be applied.
pub(crate) struct Filter(Vec<libc::sock_filter>);

/// Makes the filter.
///
/// # Errors
/// It has more steps than a jump can cross, which a test rules out.
pub(crate) fn make(network: Network) -> Result<Filter, Errno> {
    let mut program = vec![
        Step::Load(INTERFACE),
        // Numbers of another interface mean other calls.
        Step::Unless(ARCH, Answer::End),
        Step::Load(NUMBER),
        Step::FromOn(X32_BIT, Answer::Missing),
        Step::If(number(libc::SYS_clone3), Answer::Missing),
        Step::If(number(libc::SYS_openat2), Answer::Missing),
    ];
    for (call, mode, flags) in MODES.iter().chain(MODES_HERE) {
        program.extend(no_elevation(*call, *mode, *flags));
    }
    let refused = REFUSED.iter().chain(REFUSED_HERE);
    program.extend(refused.map(|call| Step::If(number(*call), Answer::Refused)));
    // Also no socket between processes: a service that listens on a path would answer.
    if network == Network::None {
        program.push(Step::If(number(libc::SYS_socket), Answer::Refused));
    } else {
        program.push(Step::Skip(number(libc::SYS_socket), 4));
        program.extend([
            Step::Load(argument(0)),
            Step::If(libc::AF_INET.cast_unsigned(), Answer::Allowed),
            Step::If(libc::AF_INET6.cast_unsigned(), Answer::Allowed),
            Step::Give(Answer::Refused),
        ]);
    }
    program.push(Step::Skip(number(libc::SYS_ioctl), 4));
    program.push(Step::Load(argument(1)));
    program.extend(TERMINAL_INJECTION.map(|request| Step::If(request, Answer::Refused)));
    program.push(Step::Give(Answer::Allowed));
    program.push(Step::Skip(number(libc::SYS_clone), 3));
    program.push(Step::Load(argument(0)));
    program.push(Step::IfAny(NAMESPACES, Answer::Refused));
    program.push(Step::Give(Answer::Allowed));
    assemble(&program)
}

/// Refuses a call that would make a file run as its owner or group.
fn no_elevation(call: i64, mode: u32, flags: Option<u32>) -> Vec<Step> {
    let check = [
        Step::Load(argument(mode)),
        Step::IfAny(ELEVATING, Answer::Refused),
        Step::Give(Answer::Allowed),
    ];
    match flags {
        None => [&[Step::Skip(number(call), 3)], &check[..]].concat(),
        // Otherwise the mode is whatever is left in the register.
        Some(flags) => {
            let makes = [
                Step::Skip(number(call), 5),
                Step::Load(argument(flags)),
                Step::UnlessAny(MAKING, Answer::Allowed),
            ];
            [&makes[..], &check].concat()
        }
    }
}

/// Puts this process, and all that it starts, under the filter. The last step before exec.
///
/// # Errors
/// The kernel knows no filters.
pub(crate) fn apply(filter: &Filter) -> Result<(), Errno> {
    privilege::filter_calls(&filter.0)
}

/// What a call gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// It is carried out.
    Allowed,
    /// "Operation not permitted".
    Refused,
    /// "Not implemented".
    Missing,
    /// The process is ended.
    End,
}

impl Answer {
    /// All of them, in the order in which they stand at the end of the program.
    const ALL: [Self; 4] = [Self::Allowed, Self::Refused, Self::Missing, Self::End];

    /// The number by which the kernel knows it.
    fn number(self) -> u32 {
        match self {
            Self::Allowed => libc::SECCOMP_RET_ALLOW,
            Self::Refused => libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned(),
            Self::Missing => libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned(),
            Self::End => libc::SECCOMP_RET_KILL_PROCESS,
        }
    }
}

/// One step of the program. Comparisons are with what was loaded last.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Load the word at this place.
    Load(u32),
    /// If it is this, the answer.
    If(u32, Answer),
    /// If it is not this, the answer.
    Unless(u32, Answer),
    /// If it is this or more, the answer.
    FromOn(u32, Answer),
    /// If it has any of these bits, the answer.
    IfAny(u32, Answer),
    /// If it has none of these bits, the answer.
    UnlessAny(u32, Answer),
    /// If it is not this, leave out so many steps.
    Skip(u32, u8),
    /// The answer.
    Give(Answer),
}

/// A call's number as the filter sees it.
fn number(call: i64) -> u32 {
    u32::try_from(call).unwrap_or(u32::MAX)
}

/// Turns steps into what the kernel takes: the answers stand once, at the end, and are jumped to.
fn assemble(program: &[Step]) -> Result<Filter, Errno> {
    let code = |parts: u32| u16::try_from(parts).unwrap_or(0);
    let load = code(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS);
    let equal = code(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K);
    let at_least = code(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K);
    let any_bit = code(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K);
    let answer_with = code(libc::BPF_RET | libc::BPF_K);
    let line = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut lines = Vec::with_capacity(program.len() + Answer::ALL.len());
    for (index, step) in program.iter().enumerate() {
        let way_to = |answer: Answer| -> Result<u8, Errno> {
            let place = Answer::ALL.iter().position(|one| *one == answer);
            let to = program.len() + place.unwrap_or(0);
            u8::try_from(to - index - 1).map_err(|_| Errno::INVAL)
        };
        lines.push(match *step {
            Step::Load(place) => line(load, 0, 0, place),
            Step::If(value, answer) => line(equal, way_to(answer)?, 0, value),
            Step::Unless(value, answer) => line(equal, 0, way_to(answer)?, value),
            Step::FromOn(value, answer) => line(at_least, way_to(answer)?, 0, value),
            Step::IfAny(bits, answer) => line(any_bit, way_to(answer)?, 0, bits),
            Step::UnlessAny(bits, answer) => line(any_bit, 0, way_to(answer)?, bits),
            Step::Skip(value, steps) => line(equal, 0, steps, value),
            Step::Give(answer) => line(answer_with, 0, 0, answer.number()),
        });
    }
    lines.extend(Answer::ALL.map(|answer| line(answer_with, 0, 0, answer.number())));
    // What falls through all steps meets the first answer.
    Ok(Filter(lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a filter as the kernel does.
    fn answer(filter: &Filter, arch: u32, call: i64, arguments: [u64; 4]) -> u32 {
        let low = |value: u64| u32::try_from(value & 0xFFFF_FFFF).unwrap();
        let mut loaded = 0;
        let mut place = 0;
        for _ in 0..1000 {
            let line = filter.0[place];
            place += 1;
            let jump = |holds: bool| usize::from(if holds { line.jt } else { line.jf });
            match u32::from(line.code) {
                code if code == libc::BPF_LD | libc::BPF_W | libc::BPF_ABS => {
                    loaded = match line.k {
                        NUMBER => number(call),
                        INTERFACE => arch,
                        other => low(arguments[usize::try_from((other - 16) / 8).unwrap()]),
                    };
                }
                code if code == libc::BPF_JMP | libc::BPF_JEQ => place += jump(loaded == line.k),
                code if code == libc::BPF_JMP | libc::BPF_JGE => place += jump(loaded >= line.k),
                code if code == libc::BPF_JMP | libc::BPF_JSET => {
                    place += jump(loaded & line.k != 0);
                }
                code if code == libc::BPF_RET => return line.k,
                other => panic!("no such step: {other}"),
            }
        }
        panic!("the filter has no end");
    }

    #[test]
    fn every_call_gets_the_answer_that_is_meant() {
        let allowed = Answer::Allowed.number();
        let refused = Answer::Refused.number();
        let missing = Answer::Missing.number();
        let internet = [libc::AF_INET, libc::AF_INET6];
        for network in [Network::None, Network::Loopback, Network::Full] {
            let filter = make(network).unwrap();
            let check = |call: i64, arguments, expected: u32| {
                let found = answer(&filter, ARCH, call, arguments);
                assert_eq!(found, expected, "{network:?}: call {call} {arguments:x?}");
            };
            for call in REFUSED.iter().chain(REFUSED_HERE) {
                check(*call, [0; 4], refused);
            }
            for call in [
                libc::SYS_read,
                libc::SYS_openat,
                libc::SYS_execve,
                libc::SYS_socketpair,
            ] {
                check(call, [0; 4], allowed);
            }
            check(libc::SYS_clone3, [0; 4], missing);
            check(libc::SYS_openat2, [0; 4], missing);
            check(libc::SYS_fchmod, [0, 0o755, 0, 0], allowed);
            check(libc::SYS_fchmod, [0, 0o4755, 0, 0], refused);
            check(libc::SYS_fchmodat, [0, 0, 0o2755, 0], refused);
            let create = u64::from(libc::O_CREAT.cast_unsigned());
            let unnamed = u64::from(libc::O_TMPFILE.cast_unsigned());
            check(libc::SYS_openat, [0, 0, create, 0o644], allowed);
            check(libc::SYS_openat, [0, 0, create, 0o4755], refused);
            check(libc::SYS_openat, [0, 0, unnamed, 0o4755], refused);
            let directory = u64::from(libc::O_DIRECTORY.cast_unsigned());
            check(libc::SYS_openat, [0, 0, directory, 0o7777], allowed);
            check(libc::SYS_read | i64::from(X32_BIT), [0; 4], missing);
            let flags = |flag: i32| u64::from(flag.cast_unsigned());
            check(
                libc::SYS_clone,
                [flags(libc::CLONE_VM | libc::SIGCHLD), 0, 0, 0],
                allowed,
            );
            check(
                libc::SYS_clone,
                [flags(libc::CLONE_NEWUSER | libc::CLONE_VM), 0, 0, 0],
                refused,
            );
            check(
                libc::SYS_clone,
                [flags(libc::CLONE_NEWNET), 0, 0, 0],
                refused,
            );
            check(libc::SYS_ioctl, [0, 0x5412, 0, 0], refused);
            // The kernel looks at the low half only.
            check(libc::SYS_ioctl, [0, 0x5412 | 1 << 40, 0, 0], refused);
            check(libc::SYS_ioctl, [0, 0x541C, 0, 0], refused);
            check(libc::SYS_ioctl, [0, 0x5413, 0, 0], allowed);
            for family in 0..50 {
                let granted = network != Network::None && internet.contains(&family);
                let expected = if granted { allowed } else { refused };
                check(libc::SYS_socket, [flags(family), 0, 0, 0], expected);
            }
            let other = answer(&filter, 0x4000_0003, libc::SYS_read, [0; 4]);
            assert_eq!(other, Answer::End.number(), "another interface");
        }
    }
}
