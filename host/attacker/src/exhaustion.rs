//! Too much of everything, within bounds of this program's own.
//!
//! Never: more than the named number; what was taken is given back at the end of the attempt.

#![expect(
    unsafe_code,
    reason = "processes, memory and limits are asked for by pointers to this program's own memory"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "an attack makes large files in the workspace, and removes them"
)]

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;

use crate::arguments::Victims;
use crate::report::{No, Report, nothing};
use crate::sys::{call, call_plain, close};

/// More descriptors than a tool may have.
const DESCRIPTORS: usize = 5000;

/// A size that no disk has. The file is sparse and takes no room.
const HUGE: u64 = 1 << 42;

/// Processes of the bomb if nobody says a number.
const PROCESSES: usize = 1024;

/// The most memory that is asked for, in MiB.
const MEMORY_MIB: usize = 512;

/// The most that is written to the temporary directory, in MiB.
const TEMPORARY_MIB: usize = 256;

const MIB: usize = 1 << 20;

/// The row `descriptor-flood`.
pub(crate) fn descriptors(report: &Report<'_>) {
    report.attempt(&format!("open {DESCRIPTORS} files"), || {
        for _ in 0..DESCRIPTORS {
            call_plain(libc::SYS_fcntl, [0, libc::F_DUPFD as usize, 0, 0, 0, 0])?;
        }
        Ok(format!("{DESCRIPTORS} are open"))
    });
    report.attempt("raise its own limit on files", || {
        let limit = [1_u64 << 20; 2].as_ptr().addr();
        let files = libc::RLIMIT_NOFILE as usize;
        // SAFETY: the kernel reads two numbers, and the array lives as long as the program.
        unsafe { call(libc::SYS_prlimit64, [0, files, limit, 0, 0, 0]) }?;
        Ok("it is raised".to_owned())
    });
    report.attempt("leave a core file", || {
        if limit_of(libc::RLIMIT_CORE as usize)? == 0 {
            Err(No::Denied("no core files".to_owned()))
        } else {
            Ok("core files are written".to_owned())
        }
    });
}

/// The hard limit on a resource.
fn limit_of(resource: usize) -> Result<u64, No> {
    let mut old = [0_u64; 2];
    let told = old.as_mut_ptr().addr();
    // SAFETY: the kernel writes two numbers into the array, which outlives the call.
    unsafe { call(libc::SYS_prlimit64, [0, resource, 0, told, 0, 0]) }?;
    Ok(old[1])
}

/// The row `file-size`.
pub(crate) fn file_size(report: &Report<'_>, victims: &Victims) {
    report.attempt("make a file of 4 TiB", || {
        let Some(directory) = victims.workspace.clone().or_else(temporary) else {
            return nothing("no directory to write to");
        };
        // The kernel's signal would end this process before it can remove the file.
        // SAFETY: installs no handler.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
        let path = directory.join("remit-attacker-huge");
        let result = File::create(&path).and_then(|file| file.set_len(HUGE));
        fs::remove_file(path)?;
        result?;
        Ok("it was made".to_owned())
    });
}

fn temporary() -> Option<PathBuf> {
    std::env::var_os("TMPDIR").map(PathBuf::from)
}

/// The row `processor-time`.
pub(crate) fn processor_time(report: &Report<'_>) {
    report.attempt("compute without end", || {
        let limit = limit_of(libc::RLIMIT_CPU as usize)?;
        if limit == u64::MAX {
            Ok("there is no limit on processor time".to_owned())
        } else {
            Err(No::Denied(format!("after {limit} s")))
        }
    });
}

/// The row `fork-bomb`.
pub(crate) fn fork_bomb(report: &Report<'_>, victims: &Victims) {
    let most = victims.processes.unwrap_or(PROCESSES);
    report.attempt(&format!("start {most} processes"), || {
        let mut pipe = [0; 2];
        // SAFETY: the kernel fills the two numbers.
        if unsafe { libc::pipe(pipe.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error().into());
        }
        let [read, write] = pipe;
        for started in 0..most {
            // SAFETY: this program has one thread, so the child may do what its parent may.
            match unsafe { libc::fork() } {
                0 => {
                    close(write);
                    let mut byte = 0_u8;
                    // SAFETY: one byte; the call returns when the last writer is gone.
                    unsafe { libc::read(read, (&raw mut byte).cast(), 1) };
                    // SAFETY: ends the child.
                    unsafe { libc::_exit(0) }
                }
                -1 => {
                    let error = io::Error::last_os_error();
                    let why = crate::report::name(&error);
                    return Err(No::Denied(format!("{why} after {started}")));
                }
                _ => {}
            }
        }
        Ok(format!("{most} were started"))
    });
}

/// The row `memory`.
pub(crate) fn memory(report: &Report<'_>) {
    report.attempt(&format!("use {MEMORY_MIB} MiB of memory"), || {
        let mut taken: Vec<Vec<u8>> = Vec::new();
        for mebibytes in 0..MEMORY_MIB {
            let mut one: Vec<u8> = Vec::new();
            if one.try_reserve_exact(MIB).is_err() {
                return Err(No::Denied(format!("ENOMEM after {mebibytes} MiB")));
            }
            // Written, so that it is really there.
            one.resize(MIB, 1);
            taken.push(one);
        }
        Ok(format!("{} MiB are used", taken.len()))
    });
}

/// The row `temporary-space`.
pub(crate) fn temporary_space(report: &Report<'_>) {
    report.attempt(
        &format!("write {TEMPORARY_MIB} MiB to the temporary directory"),
        || {
            let Some(directory) = temporary() else {
                return nothing("there is none");
            };
            let path = directory.join("remit-attacker-flood");
            let mut file = File::create(&path)?;
            let block = vec![1_u8; MIB];
            let mut result = Ok(());
            let mut written = 0;
            while written < TEMPORARY_MIB && result.is_ok() {
                result = file.write_all(&block);
                written += 1;
            }
            close_early(&file);
            fs::remove_file(path)?;
            result?;
            Ok(format!("{written} MiB were written"))
        },
    );
}

/// What is not written yet need not be written any more.
fn close_early(file: &File) {
    let descriptor = usize::try_from(file.as_raw_fd()).unwrap_or(0);
    drop(call_plain(libc::SYS_ftruncate, [descriptor, 0, 0, 0, 0, 0]));
}
