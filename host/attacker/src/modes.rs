//! Files of the workspace with a mode by which they run as their owner or group.
//!
//! Such a file does nothing while the tool runs; it waits for somebody else on the machine. Never:
//! one that is left.

#![expect(
    clippy::disallowed_methods,
    reason = "an attack makes files in the workspace, and removes them"
)]

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::arguments::Victims;
use crate::network::HIGH_BIT;
use crate::report::{No, Report, Tried, nothing};
use crate::sys::{call_at, call_path, call_plain, unsigned};

/// The bits by which a program runs as its owner, and as its group.
const ELEVATING: usize = 0o6000;

/// `fchmodat2`, which the C library may not name.
const FCHMODAT2: libc::c_long = 452;

/// The row `privileged-files`.
pub(crate) fn privileged(report: &Report<'_>, victims: &Victims) {
    let Some(workspace) = &victims.workspace else {
        return report.here("make one", || nothing("no scratch workspace"));
    };
    let path = &workspace.join("remit-attacker-mode");
    let make = libc::S_IFREG as usize;
    let flags = unsigned(libc::O_CREAT | libc::O_WRONLY);
    for (name, bits) in [("owner", 0o4755), ("group", 0o2755)] {
        let tried = |what: &str, exists: bool, work: &dyn Fn() -> std::io::Result<usize>| {
            report.attempt(&format!("{what} for the {name}"), || {
                judged(path, exists, work)
            });
        };
        tried("chmod", true, &|| {
            call_at(libc::SYS_fchmodat, path, [bits, 0, 0, 0])
        });
        tried("chmod with high bits", true, &|| {
            call_at(
                libc::SYS_fchmodat,
                path,
                [bits | HIGH_BIT | 0x1_0000, 0, 0, 0],
            )
        });
        tried("chmod by a descriptor", true, &|| {
            let file = File::open(path)?;
            let number = usize::try_from(file.as_raw_fd()).unwrap_or(0);
            call_plain(libc::SYS_fchmod, [number, bits, 0, 0, 0, 0])
        });
        tried("fchmodat2", true, &|| {
            call_at(FCHMODAT2, path, [bits, 0, 0, 0])
        });
        tried("open", false, &|| {
            call_at(libc::SYS_openat, path, [flags, bits, 0, 0])
        });
        tried("openat2", false, &|| by_openat2(path, bits));
        tried("mknod", false, &|| {
            call_at(libc::SYS_mknodat, path, [make | bits, 0, 0, 0])
        });
        old(report, path, name, bits);
    }
}

/// Calls that newer architectures do not have.
#[cfg(target_arch = "x86_64")]
fn old(report: &Report<'_>, path: &Path, name: &str, bits: usize) {
    let tried = |what: &str, exists: bool, number, arguments: [usize; 4]| {
        report.attempt(&format!("{what} for the {name}"), || {
            judged(path, exists, &|| call_path(number, path, arguments))
        });
    };
    let flags = unsigned(libc::O_CREAT | libc::O_WRONLY);
    tried("the old chmod", true, libc::SYS_chmod, [bits, 0, 0, 0]);
    tried("the old open", false, libc::SYS_open, [flags, bits, 0, 0]);
    tried("creat", false, libc::SYS_creat, [bits, 0, 0, 0]);
    let make = libc::S_IFREG as usize | bits;
    tried("the old mknod", false, libc::SYS_mknod, [make, 0, 0, 0]);
}

#[cfg(not(target_arch = "x86_64"))]
fn old(_report: &Report<'_>, _path: &Path, _name: &str, _bits: usize) {}

/// Whether a file has such a mode after a call; a call that is accepted and ignored is no breach.
fn judged(path: &Path, exists: bool, work: &dyn Fn() -> std::io::Result<usize>) -> Tried {
    drop(fs::remove_file(path));
    if exists {
        fs::write(path, "")?;
    }
    let result = work();
    let mode = fs::symlink_metadata(path).map_or(0, |data| data.mode() as usize);
    drop(fs::remove_file(path));
    result?;
    if mode & ELEVATING == 0 {
        Err(No::Denied("the bits were left out".to_owned()))
    } else {
        Ok(format!("mode {:o}", mode & 0o7777))
    }
}

/// `openat2`, whose mode is in memory.
fn by_openat2(path: &Path, bits: usize) -> std::io::Result<usize> {
    let flags = (libc::O_CREAT | libc::O_WRONLY).unsigned_abs();
    let how = [u64::from(flags), bits as u64, 0];
    let path = crate::sys::c_path(path)?;
    let (path, how) = (path.as_ptr().addr(), how.as_ptr().addr());
    #[expect(unsafe_code, reason = "the flags are passed by pointer")]
    // SAFETY: the path ends with zero, the structure has 24 bytes, and both outlive the call.
    unsafe {
        crate::sys::call(libc::SYS_openat2, [crate::sys::here(), path, how, 24, 0, 0])
    }
}
