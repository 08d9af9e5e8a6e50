//! Calls that a filter has to stop before the kernel looks at them.
//!
//! Never: arguments with which a call could change the machine. Where success would, the
//! arguments are wrong on purpose, and an answer other than a refusal shows that the kernel was
//! reached.

use std::ffi::{c_int, c_long};

use crate::arguments::Victims;
use crate::network::HIGH_BIT;
use crate::report::{No, Report, Tried, gate};
use crate::sys::{NOWHERE, call_plain, unsigned};

/// A call with harmless arguments.
struct Gate {
    what: &'static str,
    number: c_long,
    arguments: [usize; 6],
}

const fn call(what: &'static str, number: c_long, arguments: [usize; 6]) -> Gate {
    Gate {
        what,
        number,
        arguments,
    }
}

/// All bits: as flags never valid.
const ALL: usize = usize::MAX;

/// A descriptor that is not open.
const CLOSED: usize = usize::MAX;

/// Calls that mount. Without a path they end early.
const MOUNTS: &[Gate] = &[
    call("mount", libc::SYS_mount, [NOWHERE, NOWHERE, 0, 0, 0, 0]),
    call("umount2", libc::SYS_umount2, [NOWHERE, 0, 0, 0, 0, 0]),
    call(
        "pivot_root",
        libc::SYS_pivot_root,
        [NOWHERE, NOWHERE, 0, 0, 0, 0],
    ),
    call("chroot", libc::SYS_chroot, [NOWHERE, 0, 0, 0, 0, 0]),
    call("fsopen", libc::SYS_fsopen, [NOWHERE, ALL, 0, 0, 0, 0]),
    call("fsconfig", libc::SYS_fsconfig, [CLOSED, 0, 0, 0, 0, 0]),
    call("fsmount", libc::SYS_fsmount, [CLOSED, ALL, 0, 0, 0, 0]),
    call("fspick", libc::SYS_fspick, [CLOSED, NOWHERE, ALL, 0, 0, 0]),
    call(
        "open_tree",
        libc::SYS_open_tree,
        [CLOSED, NOWHERE, ALL, 0, 0, 0],
    ),
    call(
        "move_mount",
        libc::SYS_move_mount,
        [CLOSED, NOWHERE, CLOSED, NOWHERE, ALL, 0],
    ),
    call(
        "mount_setattr",
        libc::SYS_mount_setattr,
        [CLOSED, NOWHERE, ALL, NOWHERE, 0, 0],
    ),
];

/// Keyrings. The first two have nothing to add or ask for.
const KEYS: &[Gate] = &[
    call("add_key", libc::SYS_add_key, [NOWHERE, NOWHERE, 0, 0, 0, 0]),
    call(
        "request_key",
        libc::SYS_request_key,
        [NOWHERE, NOWHERE, 0, 0, 0, 0],
    ),
    // The session keyring's number; it is not made if it is not there.
    call("keyctl", libc::SYS_keyctl, [0, ALL - 2, 0, 0, 0, 0]),
];

/// Calls that change the machine, each with arguments that no kernel takes.
const MACHINE: &[Gate] = &[
    call("bpf", libc::SYS_bpf, [ALL, NOWHERE, 0, 0, 0, 0]),
    call(
        "perf_event_open",
        libc::SYS_perf_event_open,
        [NOWHERE, 0, 0, CLOSED, ALL, 0],
    ),
    // All flags are wrong; one that is right would make a descriptor.
    call("userfaultfd", libc::SYS_userfaultfd, [ALL, 0, 0, 0, 0, 0]),
    call("kexec_load", libc::SYS_kexec_load, [0, ALL, 0, ALL, 0, 0]),
    call(
        "kexec_file_load",
        libc::SYS_kexec_file_load,
        [CLOSED, CLOSED, 0, 0, ALL, 0],
    ),
    call(
        "init_module",
        libc::SYS_init_module,
        [NOWHERE, 0, NOWHERE, 0, 0, 0],
    ),
    call(
        "finit_module",
        libc::SYS_finit_module,
        [CLOSED, NOWHERE, ALL, 0, 0, 0],
    ),
    call(
        "delete_module",
        libc::SYS_delete_module,
        [NOWHERE, 0, 0, 0, 0, 0],
    ),
    call("swapon", libc::SYS_swapon, [NOWHERE, ALL, 0, 0, 0, 0]),
    call("swapoff", libc::SYS_swapoff, [NOWHERE, 0, 0, 0, 0, 0]),
    // Without the magic numbers nothing is restarted.
    call("reboot", libc::SYS_reboot, [0, 0, 0, 0, 0, 0]),
    // A null pointer would turn accounting off; an address that is not mapped does nothing.
    call("acct", libc::SYS_acct, [NOWHERE, 0, 0, 0, 0, 0]),
    call(
        "settimeofday",
        libc::SYS_settimeofday,
        [NOWHERE, 0, 0, 0, 0, 0],
    ),
    call(
        "clock_settime",
        libc::SYS_clock_settime,
        [0, NOWHERE, 0, 0, 0, 0],
    ),
    call("adjtimex", libc::SYS_adjtimex, [NOWHERE, 0, 0, 0, 0, 0]),
    call(
        "clock_adjtime",
        libc::SYS_clock_adjtime,
        [0, NOWHERE, 0, 0, 0, 0],
    ),
    call(
        "sethostname",
        libc::SYS_sethostname,
        [NOWHERE, ALL, 0, 0, 0, 0],
    ),
    call(
        "setdomainname",
        libc::SYS_setdomainname,
        [NOWHERE, ALL, 0, 0, 0, 0],
    ),
    call(
        "quotactl",
        libc::SYS_quotactl,
        [0, NOWHERE, 0, NOWHERE, 0, 0],
    ),
    call("syslog", libc::SYS_syslog, [10, 0, 0, 0, 0, 0]),
];

fn all(report: &Report<'_>, gates: &[Gate]) {
    for gate_of in gates {
        report.attempt(gate_of.what, || {
            gate(call_plain(gate_of.number, gate_of.arguments))
        });
    }
}

/// The row `mounts`.
pub(crate) fn mounts(report: &Report<'_>) {
    all(report, MOUNTS);
}

/// The row `keys`.
pub(crate) fn keys(report: &Report<'_>) {
    all(report, KEYS);
}

/// The row `kernel`.
pub(crate) fn machine(report: &Report<'_>) {
    all(report, MACHINE);
    #[cfg(target_arch = "x86_64")]
    all(
        report,
        &[
            // In this attempt's process only, which uses no port.
            call("iopl", libc::SYS_iopl, [3, 0, 0, 0, 0, 0]),
            call("ioperm", libc::SYS_ioperm, [0, 1, 1, 0, 0, 0]),
        ],
    );
}

/// The row `io-uring`.
pub(crate) fn io_uring(report: &Report<'_>) {
    all(
        report,
        &[
            call(
                "io_uring_setup",
                libc::SYS_io_uring_setup,
                [1, NOWHERE, 0, 0, 0, 0],
            ),
            call(
                "io_uring_enter",
                libc::SYS_io_uring_enter,
                [CLOSED, 0, 0, 0, 0, 0],
            ),
            call(
                "io_uring_register",
                libc::SYS_io_uring_register,
                [CLOSED, 0, 0, 0, 0, 0],
            ),
        ],
    );
}

/// Kinds of namespaces.
const KINDS: &[(&str, c_int)] = &[
    ("user", libc::CLONE_NEWUSER),
    ("mount", libc::CLONE_NEWNS),
    ("pid", libc::CLONE_NEWPID),
    ("network", libc::CLONE_NEWNET),
    ("ipc", libc::CLONE_NEWIPC),
    ("uts", libc::CLONE_NEWUTS),
    ("cgroup", libc::CLONE_NEWCGROUP),
    ("time", 0x80),
];

/// The row `namespaces`.
pub(crate) fn namespaces(report: &Report<'_>) {
    for (name, flag) in KINDS {
        let flag = unsigned(*flag);
        report.attempt(&format!("unshare a {name} namespace"), || {
            gate(call_plain(libc::SYS_unshare, [flag, 0, 0, 0, 0, 0]))
        });
        if *name == "time" {
            // This one flag is one of the signal's bits for `clone`.
            continue;
        }
        report.attempt(&format!("clone into a {name} namespace"), || cloned(flag));
        report.attempt(
            &format!("clone into a {name} namespace, a high bit set"),
            || cloned(flag | HIGH_BIT),
        );
        report.attempt(
            &format!("unshare a {name} namespace, a high bit set"),
            || {
                gate(call_plain(
                    libc::SYS_unshare,
                    [flag | HIGH_BIT, 0, 0, 0, 0, 0],
                ))
            },
        );
    }
    report.attempt("clone into a user and a network namespace", || {
        cloned(unsigned(libc::CLONE_NEWUSER | libc::CLONE_NEWNET))
    });
    report.attempt("clone3", || {
        // Its flags are in memory, where no filter can see them.
        gate(call_plain(libc::SYS_clone3, [NOWHERE, 64, 0, 0, 0, 0]))
    });
    report.attempt("setns", || {
        gate(call_plain(
            libc::SYS_setns,
            [CLOSED, unsigned(libc::CLONE_NEWUSER), 0, 0, 0, 0],
        ))
    });
}

/// `clone` with these flags; the child ends at once.
fn cloned(flags: usize) -> Tried {
    let signal = unsigned(libc::SIGCHLD);
    let result = call_plain(libc::SYS_clone, [flags | signal, 0, 0, 0, 0, 0]);
    if matches!(result, Ok(0)) {
        std::process::exit(0);
    }
    gate(result)
}

/// Requests of terminals that type for the user, or change the console.
const TERMINAL: &[(&str, usize)] = &[("TIOCSTI", 0x5412), ("TIOCLINUX", 0x541C)];

/// The row `terminal`.
pub(crate) fn terminal(report: &Report<'_>) {
    for (name, request) in TERMINAL {
        for descriptor in 0..3 {
            // Without a character to type.
            report.attempt(&format!("{name} on descriptor {descriptor}"), || {
                gate(call_plain(
                    libc::SYS_ioctl,
                    [descriptor, *request, NOWHERE, 0, 0, 0],
                ))
            });
            report.attempt(
                &format!("{name} on descriptor {descriptor}, a high bit set"),
                || {
                    let request = request | HIGH_BIT;
                    gate(call_plain(
                        libc::SYS_ioctl,
                        [descriptor, request, NOWHERE, 0, 0, 0],
                    ))
                },
            );
        }
    }
    report.attempt("open the terminal", || {
        crate::sys::call_at(
            libc::SYS_openat,
            std::path::Path::new("/dev/tty"),
            [
                unsigned(libc::O_RDWR | libc::O_NOCTTY | libc::O_NONBLOCK),
                0,
                0,
                0,
            ],
        )?;
        Ok("opened".to_owned())
    });
    for descriptor in 0..3 {
        report.attempt(&format!("descriptor {descriptor} is a terminal"), || {
            // Asks for the number of bytes to read, into nowhere.
            match call_plain(libc::SYS_ioctl, [descriptor, 0x540F, NOWHERE, 0, 0, 0]) {
                Err(error) if error.raw_os_error() == Some(libc::EFAULT) => {
                    Ok("it is the controlling one".to_owned())
                }
                Err(error) => Err(error.into()),
                Ok(_) => Ok("it is the controlling one".to_owned()),
            }
        });
    }
}

/// Layers of Landlock that the kernel allows.
const LAYERS: usize = 16;

/// The row `nested`.
pub(crate) fn nested(report: &Report<'_>, victims: &Victims) {
    report.attempt("stack sandboxes, then read outside", || {
        let mut stacked = 0;
        while stacked < 2 * LAYERS && one_more().is_ok() {
            stacked += 1;
        }
        let path = victims
            .canaries
            .first()
            .cloned()
            .unwrap_or_else(|| "/etc/shadow".into());
        match crate::files::read_byte(&path) {
            Ok(read) => Ok(read),
            Err(No::Denied(why)) => Err(No::Denied(format!("{why} below {stacked} layers"))),
            Err(other) => Err(other),
        }
    });
    report.attempt("take the filter off", || {
        // A filter can only be added, and only one that is a program.
        let mode = libc::SECCOMP_MODE_STRICT as usize - 1;
        match call_plain(
            libc::SYS_prctl,
            [libc::PR_SET_SECCOMP as usize, mode, 0, 0, 0, 0],
        ) {
            Ok(_) => Ok("it is off".to_owned()),
            Err(error) => Err(error.into()),
        }
    });
}

/// One more layer of Landlock, which forbids only to make character devices.
fn one_more() -> std::io::Result<()> {
    let handled = [1_u64 << 6];
    let rules = handled.as_ptr().addr();
    #[expect(unsafe_code, reason = "the rules are passed by pointer")]
    // SAFETY: the kernel reads 8 bytes of the array, which outlives the call.
    let ruleset =
        unsafe { crate::sys::call(libc::SYS_landlock_create_ruleset, [rules, 8, 0, 0, 0, 0]) }?;
    call_plain(
        libc::SYS_prctl,
        [libc::PR_SET_NO_NEW_PRIVS as usize, 1, 0, 0, 0, 0],
    )?;
    call_plain(libc::SYS_landlock_restrict_self, [ruleset, 0, 0, 0, 0, 0])?;
    crate::sys::close(i32::try_from(ruleset).unwrap_or(-1));
    Ok(())
}
