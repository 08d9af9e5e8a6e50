//! What can be done to other processes without looking into them: signals, limits, shared memory.
//!
//! Never: a signal that does anything. Signal 0 only asks, and SIGCONT wakes who is awake.

#![expect(
    unsafe_code,
    reason = "limits and signals are passed by pointers to this program's own memory"
)]

use crate::arguments::Victims;
use crate::processes::{parent, shown};
use crate::report::{No, Report, Tried};
use crate::sys::{call, call_plain, unsigned};

/// The host and the parent, if they are not the first process of a namespace of the tool's own:
/// the kernel keeps that one from every signal of its tree.
fn victims_of(victims: &Victims) -> Vec<i32> {
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let mut all: Vec<i32> = victims.host.into_iter().chain(parent()).collect();
    all.retain(|id| *id != own && *id != 1);
    all.dedup();
    all
}

/// Says that a call went through.
fn done(result: std::io::Result<usize>) -> Tried {
    result?;
    Ok("it succeeded".to_owned())
}

/// The row `signals`.
pub(crate) fn signal(report: &Report<'_>, victims: &Victims) {
    let (ask, wake) = (0, unsigned(libc::SIGCONT));
    // Not `kill(-1)`: the kernel calls that a success also if it reached nobody.
    report.here("signal everybody", || {
        let own = i32::try_from(std::process::id()).unwrap_or(0);
        let mut others = shown()?;
        others.retain(|id| *id != own && *id != 1);
        let reached = others
            .into_iter()
            .find(|id| call_plain(libc::SYS_kill, [unsigned(*id), ask, 0, 0, 0, 0]).is_ok());
        match reached {
            Some(id) => Ok(format!("{id} can be signalled")),
            None => Err(No::Denied("nobody can be signalled".to_owned())),
        }
    });
    for id in victims_of(victims) {
        let number = unsigned(id);
        report.attempt(&format!("signal {id}"), || {
            done(call_plain(libc::SYS_kill, [number, ask, 0, 0, 0, 0]))
        });
        report.attempt(&format!("wake {id}"), || {
            done(call_plain(libc::SYS_kill, [number, wake, 0, 0, 0, 0]))
        });
        report.attempt(&format!("signal the group of {id}"), || {
            let group = call_plain(libc::SYS_getpgid, [number, 0, 0, 0, 0, 0])?;
            let all = 0_usize.wrapping_sub(group);
            done(call_plain(libc::SYS_kill, [all, ask, 0, 0, 0, 0]))
        });
        report.attempt(&format!("signal the thread {id}"), || {
            done(call_plain(libc::SYS_tgkill, [number, number, ask, 0, 0, 0]))
        });
        report.attempt(&format!("signal {id} by a handle"), || {
            let handle = call_plain(libc::SYS_pidfd_open, [number, 0, 0, 0, 0, 0])?;
            done(call_plain(
                libc::SYS_pidfd_send_signal,
                [handle, ask, 0, 0, 0, 0],
            ))
        });
        report.attempt(&format!("queue a signal for {id}"), || {
            // A `siginfo_t` of zeroes: signal 0, sent by a user.
            let mut info = [0_i32; 32];
            info[2] = libc::SI_QUEUE;
            let info = info.as_ptr().addr();
            // SAFETY: the array is as large as the kernel's `siginfo_t` and outlives the call.
            done(unsafe { call(libc::SYS_rt_sigqueueinfo, [number, ask, info, 0, 0, 0]) })
        });
    }
    if victims_of(victims).is_empty() {
        report.here("signal the host", || {
            crate::report::nothing("no process outside can be named")
        });
    }
}

/// The row `meddle`.
pub(crate) fn meddle(report: &Report<'_>, victims: &Victims) {
    for id in victims_of(victims) {
        let number = unsigned(id);
        report.attempt(&format!("read the limits of {id}"), || {
            let mut old = [0_u64; 2];
            let limit = libc::RLIMIT_NOFILE as usize;
            let old = old.as_mut_ptr().addr();
            // SAFETY: the kernel writes two numbers into the array, which outlives the call.
            done(unsafe { call(libc::SYS_prlimit64, [number, limit, 0, old, 0, 0]) })
        });
        report.attempt(&format!("set the priority of {id} to what it is"), || {
            // The kernel tells 20 less the priority.
            let told = call_plain(libc::SYS_getpriority, [0, number, 0, 0, 0, 0])?;
            let same = 20_usize.wrapping_sub(told);
            done(call_plain(
                libc::SYS_setpriority,
                [0, number, same, 0, 0, 0],
            ))
        });
        report.attempt(&format!("read the session of {id}"), || {
            done(call_plain(libc::SYS_getsid, [number, 0, 0, 0, 0, 0]))
        });
    }
    if victims_of(victims).is_empty() {
        report.here("change the host", || {
            crate::report::nothing("no process outside can be named")
        });
    }
}

/// The row `shared-memory`.
pub(crate) fn shared_memory(report: &Report<'_>, victims: &Victims) {
    let Some(key) = victims.shared_memory else {
        return report.here("attach", || crate::report::nothing("no key was named"));
    };
    report.attempt("find the segment", || {
        done(call_plain(libc::SYS_shmget, [unsigned(key), 0, 0, 0, 0, 0]))
    });
    report.attempt("read the table of segments", || {
        let mut table = String::new();
        let mut file = open("/proc/sysvipc/shm")?;
        std::io::Read::read_to_string(&mut file, &mut table)?;
        let found = table.lines().any(|line| {
            line.split_whitespace()
                .next()
                .is_some_and(|first| first == key.to_string())
        });
        if found {
            Ok("it is there".to_owned())
        } else {
            Err(No::Denied("it is not there".to_owned()))
        }
    });
}

#[expect(clippy::disallowed_methods, reason = "the kernel's own table")]
fn open(path: &str) -> std::io::Result<std::fs::File> {
    std::fs::File::open(path)
}
