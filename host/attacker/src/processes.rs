//! Other processes: seen, read, debugged.
//!
//! Never: a process that is held. One that could be attached is let go at once.

#![expect(
    clippy::disallowed_methods,
    reason = "an attack looks into other processes by way of /proc"
)]
#![expect(
    unsafe_code,
    reason = "debugging calls take pointers to this program's own memory"
)]

use std::fs;
use std::path::Path;

use crate::arguments::Victims;
use crate::files::{open_to_write, read_byte};
use crate::report::{No, Report, Tried, gate};
use crate::sys::{NOWHERE, call, call_plain, unsigned, wait};

/// The most strangers that are looked at.
const MOST: usize = 6;

/// This process.
fn own() -> i32 {
    i32::try_from(std::process::id()).unwrap_or(0)
}

/// The process that started this one, if it is one that this one can see.
pub(crate) fn parent() -> Option<i32> {
    i32::try_from(std::os::unix::process::parent_id())
        .ok()
        .filter(|id| *id > 0)
}

/// Processes that `/proc` shows.
pub(crate) fn shown() -> std::io::Result<Vec<i32>> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc")? {
        all.extend(
            entry?
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<i32>().ok()),
        );
    }
    all.sort_unstable();
    Ok(all)
}

/// Processes to attack: the host, the parent, the first of all, and strangers.
fn strangers(victims: &Victims) -> Vec<i32> {
    let mut chosen: Vec<i32> = victims
        .host
        .into_iter()
        .chain(parent())
        .chain([1])
        .collect();
    chosen.extend(shown().unwrap_or_default().into_iter().take(MOST));
    chosen.retain(|id| *id != own());
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

/// The row `process-list`.
pub(crate) fn list(report: &Report<'_>, victims: &Victims) {
    report.here("see others in /proc", || {
        // The first process of a namespace belongs to the tool's own tree.
        let others: Vec<i32> = shown()?
            .into_iter()
            .filter(|id| *id != own() && *id != 1)
            .collect();
        match others.first() {
            None => Err(No::Denied("only its own".to_owned())),
            Some(first) => Ok(format!("{} processes, for example {first}", others.len())),
        }
    });
    if let Some(host) = victims.host.filter(|host| *host != own()) {
        report.attempt("read the arguments of the host", || {
            read_byte(Path::new(&format!("/proc/{host}/cmdline")))
        });
        report.attempt("count the descriptors of the host", || {
            names(&format!("/proc/{host}/fd"))
        });
    }
}

/// Lists a directory of the kernel's. An entry that it refuses is no name.
fn names(path: &str) -> Tried {
    let entries: std::io::Result<Vec<_>> = fs::read_dir(path)?.collect();
    match entries?.len() {
        0 => Err(No::Denied("nothing is in it".to_owned())),
        count => Ok(format!("{count} names")),
    }
}

/// The row `process-files`.
pub(crate) fn files(report: &Report<'_>, victims: &Victims) {
    for id in strangers(victims) {
        let file = |name: &str| format!("/proc/{id}/{name}");
        for name in ["environ", "maps", "auxv", "stack", "io", "syscall"] {
            let path = file(name);
            report.attempt(&format!("read {path}"), || read_byte(Path::new(&path)));
        }
        let path = file("mem");
        report.attempt(&format!("open {path}"), || {
            drop(fs::OpenOptions::new().read(true).write(true).open(&path)?);
            Ok("opened for reading and writing".to_owned())
        });
        for name in ["cwd", "root", "exe", "fd/0", "ns/user"] {
            let path = file(name);
            report.attempt(&format!("follow {path}"), || {
                Ok(format!("it leads to {}", fs::read_link(&path)?.display()))
            });
        }
        let path = file("map_files");
        report.attempt(&format!("list {path}"), || names(&path));
        if id == 1 {
            // To end first when memory runs out is no gain for its own tree.
            continue;
        }
        let path = file("oom_score_adj");
        report.attempt(&format!("write {path}"), || open_to_write(Path::new(&path)));
    }
}

/// The row `debug`.
pub(crate) fn debug(report: &Report<'_>, victims: &Victims) {
    report.attempt("be debugged", || {
        gate(call_plain(
            libc::SYS_ptrace,
            [libc::PTRACE_TRACEME as usize, 0, 0, 0, 0, 0],
        ))
    });
    let mut all: Vec<i32> = victims
        .host
        .into_iter()
        .chain(parent())
        .chain([1])
        .collect();
    all.retain(|id| *id != own());
    all.dedup();
    for id in all {
        let number = unsigned(id);
        report.attempt(&format!("seize {id}"), || {
            seize(libc::PTRACE_SEIZE as usize, id)
        });
        report.attempt(&format!("attach to {id}"), || {
            seize(libc::PTRACE_ATTACH as usize, id)
        });
        report.attempt(&format!("read memory of {id}"), || {
            transfer(libc::SYS_process_vm_readv, number)
        });
        report.attempt(&format!("write memory of {id}"), || {
            transfer(libc::SYS_process_vm_writev, number)
        });
        report.attempt(&format!("take a descriptor of {id}"), || {
            let handle = call_plain(libc::SYS_pidfd_open, [number, 0, 0, 0, 0, 0])?;
            call_plain(libc::SYS_pidfd_getfd, [handle, 0, 0, 0, 0, 0])?;
            Ok("it has one".to_owned())
        });
        report.attempt(&format!("compare itself with {id}"), || {
            let me = unsigned(own());
            gate_or_gone(call_plain(libc::SYS_kcmp, [me, number, 1, 0, 0, 0]))
        });
    }
}

/// As [`gate`], and a process that is not there is out of reach, too.
fn gate_or_gone(result: std::io::Result<usize>) -> Tried {
    match result {
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Err(error.into()),
        other => gate(other),
    }
}

/// Attaches as a debugger and lets go at once.
fn seize(how: usize, id: i32) -> Tried {
    let number = unsigned(id);
    gate_or_gone(call_plain(libc::SYS_ptrace, [how, number, 0, 0, 0, 0]))?;
    if how == libc::PTRACE_ATTACH as usize {
        wait(id);
    }
    // The end of this attempt's process lets go as well.
    drop(call_plain(
        libc::SYS_ptrace,
        [libc::PTRACE_DETACH as usize, number, 0, 0, 0, 0],
    ));
    Ok("it could be debugged".to_owned())
}

/// Transfers one byte from or to an address that is not mapped: who may gets `EFAULT`.
fn transfer(number: libc::c_long, id: usize) -> Tried {
    let mut byte = 0_u8;
    let own = [(&raw mut byte).addr(), 1];
    let theirs = [NOWHERE, 1];
    // SAFETY: both vectors have one element as told, and both outlive the call. The other
    // process's address is mapped nowhere, so nothing is transferred.
    let result = unsafe {
        call(
            number,
            [id, own.as_ptr().addr(), 1, theirs.as_ptr().addr(), 1, 0],
        )
    };
    gate_or_gone(result)
}
