//! Files that are not the tool's: read, list, write, and learn that they are there.
//!
//! Never: a change that stays. Files are opened for writing but not written, new ones have no
//! name, and what is made for a moment is removed.

#![expect(
    clippy::disallowed_methods,
    reason = "an attack opens paths that it was not given; that is what it is for"
)]

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::arguments::Victims;
use crate::report::{No, Report, Tried, gate};
use crate::sys::{NOWHERE, call_at, call_path, call_paths, call_plain, here, unsigned};

/// Files with secrets that most systems have.
const SECRETS: &[&str] = &[
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/sudoers",
    "/etc/ssh/ssh_host_ed25519_key",
];

/// Directories that no tool needs.
const DIRECTORIES: &[&str] = &[
    "/root",
    "/home",
    "/boot",
    "/sys",
    "/srv",
    "/mnt",
    "/media",
    "/var",
    "/var/log",
    "/run",
    "/etc/ssl/private",
];

/// Files and directories of the system that nobody but its administrator changes.
const SYSTEM_FILES: &[&str] = &[
    "/etc/passwd",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/usr/bin/env",
];
const SYSTEM_DIRECTORIES: &[&str] = &[
    "/",
    "/etc",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local/bin",
    "/lib64",
    "/root",
    "/home",
    "/var/tmp",
    "/run",
    "/dev",
    "/proc",
];

/// What a root that was made for a tool may show.
const OF_ANY_ROOT: &[&str] = &[
    "bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "sbin", "tmp", "usr",
];

/// What every `/dev` may show.
const OF_ANY_DEV: &[&str] = &[
    "fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "urandom", "zero",
];

/// Settings that root could write everywhere.
const SETTINGS: &[&str] = &[
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/yama/ptrace_scope",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sysrq-trigger",
    "/sys/kernel/uevent_helper",
    "/sys/power/state",
];

/// The kernel's own memory and messages.
const KERNEL_FILES: &[&str] = &["/proc/kcore", "/proc/kmsg"];

/// What the kernel tells of other programs, and how many lines are headings.
const TABLES: &[(&str, usize)] = &[
    ("/proc/keys", 0),
    ("/proc/timer_list", 0),
    ("/proc/sched_debug", 0),
    ("/proc/net/unix", 1),
    ("/proc/net/tcp6", 1),
];

/// Devices through which more than files can be reached. Opening them does nothing.
const DEVICES: &[&str] = &[
    "/dev/mem",
    "/dev/port",
    "/dev/kmsg",
    "/dev/kvm",
    "/dev/fuse",
    "/dev/net/tun",
    "/dev/vhost-net",
    "/dev/uinput",
    "/dev/loop-control",
    "/dev/mapper/control",
    "/dev/sda",
    "/dev/vda",
    "/dev/nvme0n1",
    "/dev/userfaultfd",
    "/dev/vsock",
];

fn paths<'a>(given: &'a [PathBuf], known: &'a [&'a str]) -> impl Iterator<Item = &'a Path> {
    let given = given.iter().map(PathBuf::as_path);
    given.chain(known.iter().map(Path::new))
}

/// Reads the first byte.
pub(crate) fn read_byte(path: &Path) -> Tried {
    let mut byte = [0];
    if File::open(path)?.read(&mut byte)? == 0 {
        return Err(No::Denied("nothing is in it".to_owned()));
    }
    Ok("it can be read".to_owned())
}

/// Opens for writing, and writes nothing.
pub(crate) fn open_to_write(path: &Path) -> Tried {
    drop(
        OpenOptions::new()
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(path)?,
    );
    Ok("opened for writing".to_owned())
}

/// The row `outside-read`.
pub(crate) fn read(report: &Report<'_>, victims: &Victims) {
    for path in paths(&victims.canaries, SECRETS) {
        report.attempt(&format!("read {}", path.display()), || read_byte(path));
    }
    for path in &victims.canaries {
        report.attempt(
            &format!("read {} by way of a handle", path.display()),
            || {
                let handle = OpenOptions::new()
                    .read(true)
                    .custom_flags(libc::O_PATH)
                    .open(path)?;
                let again = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&handle));
                read_byte(Path::new(&again))
            },
        );
    }
}

/// Whether a path leads to what is the tool's own: its directories and its program.
fn is_own(path: &Path) -> bool {
    let variables = ["HOME", "TMPDIR"].into_iter().filter_map(std::env::var_os);
    let mut own = variables.map(PathBuf::from).collect::<Vec<_>>();
    own.extend(std::env::current_dir());
    own.extend(std::env::current_exe());
    own.iter().any(|own| own.starts_with(path))
}

/// Names in a directory that are neither the tool's own nor in `expected`.
fn foreign_names(directory: &Path, expected: &[&str]) -> Tried {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let text = name.to_string_lossy().into_owned();
        if !expected.contains(&text.as_str()) && !is_own(&directory.join(&name)) {
            names.push(text);
        }
    }
    names.sort_unstable();
    match names.first() {
        None => Err(No::Denied("only what is its own".to_owned())),
        Some(first) => Ok(format!("{} names, for example {first}", names.len())),
    }
}

/// The row `outside-list`.
pub(crate) fn list(report: &Report<'_>, victims: &Victims) {
    report.attempt("list /", || foreign_names(Path::new("/"), OF_ANY_ROOT));
    for path in paths(&victims.outside, DIRECTORIES) {
        report.attempt(&format!("list {}", path.display()), || {
            foreign_names(path, &[])
        });
    }
    if let Some(above) = victims.workspace.as_deref().and_then(Path::parent) {
        report.attempt("list the directory above the workspace", || {
            foreign_names(above, &[])
        });
    }
}

/// The row `outside-write`.
pub(crate) fn write(report: &Report<'_>, victims: &Victims) {
    for path in paths(&victims.canaries, SYSTEM_FILES) {
        report.attempt(&format!("write {}", path.display()), || open_to_write(path));
    }
    for path in &victims.canaries {
        change(report, path);
    }
    for path in paths(&victims.outside, SYSTEM_DIRECTORIES) {
        report.attempt(&format!("create in {}", path.display()), || {
            // Without a name, so that nothing can be left.
            let unnamed = OpenOptions::new()
                .write(true)
                .custom_flags(libc::O_TMPFILE)
                .open(path);
            match unnamed {
                Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => create(path),
                other => other.map(drop).map_err(No::from),
            }?;
            Ok("created a file".to_owned())
        });
    }
    for path in &victims.outside {
        make(report, path);
    }
}

/// A file with a name, for file systems that have no others.
fn create(directory: &Path) -> Result<(), No> {
    let path = directory.join("remit-attacker-file");
    drop(File::create_new(&path)?);
    fs::remove_file(path)?;
    Ok(())
}

/// A call on a file that changes nothing.
fn same(
    report: &Report<'_>,
    what: &str,
    path: &Path,
    work: impl FnOnce() -> std::io::Result<usize>,
) {
    report.attempt(&format!("{what} {}", path.display()), || {
        work()?;
        Ok("it succeeded".to_owned())
    });
}

/// Every change of a file's content and place, each so that it changes nothing.
fn change(report: &Report<'_>, path: &Path) {
    let data = fs::symlink_metadata(path).ok();
    let size = data
        .and_then(|data| usize::try_from(data.len()).ok())
        .unwrap_or(0);
    same(report, "truncate", path, || {
        call_path(libc::SYS_truncate, path, [size, 0, 0, 0])
    });
    same(report, "rename", path, || {
        let aside = path.with_extension("remit-attacker");
        fs::rename(path, &aside)?;
        fs::rename(&aside, path)?;
        Ok(0)
    });
    report.attempt(&format!("remove {}", path.display()), || {
        // A file is no directory: who may remove it is told so, and it stays.
        match fs::remove_dir(path) {
            Err(error) if error.raw_os_error() == Some(libc::ENOTDIR) => {
                Ok("nothing would have stopped it".to_owned())
            }
            other => other.map(|()| "removed".to_owned()).map_err(No::from),
        }
    });
}

/// The row `outside-metadata`.
pub(crate) fn metadata(report: &Report<'_>, victims: &Victims) {
    let nobody = unsigned(-1);
    for path in victims.canaries.iter().chain(&victims.outside) {
        let mode = fs::symlink_metadata(path).map_or(0o644, |data| data.mode() & 0o7777);
        let mode = mode as usize;
        same(report, "chmod", path, || {
            call_at(libc::SYS_fchmodat, path, [mode, 0, 0, 0])
        });
        same(report, "chown", path, || {
            call_at(libc::SYS_fchownat, path, [nobody, nobody, 0, 0])
        });
        same(report, "touch", path, || {
            call_at(libc::SYS_utimensat, path, [0, 0, 0, 0])
        });
    }
    if victims.canaries.is_empty() {
        report.here("chmod", || {
            crate::report::nothing("no file outside was named")
        });
    }
}

/// Everything that can be made in a directory, removed at once.
fn make(report: &Report<'_>, directory: &Path) {
    let path = &directory.join("remit-attacker-made");
    let made = |what: &str, work: &dyn Fn() -> std::io::Result<usize>| {
        report.attempt(&format!("{what} in {}", directory.display()), || {
            work()?;
            drop(fs::remove_file(path));
            drop(fs::remove_dir(path));
            Ok("it was made".to_owned())
        });
    };
    made("make a directory", &|| fs::create_dir(path).map(|()| 0));
    made("make a link", &|| {
        std::os::unix::fs::symlink("/", path).map(|()| 0)
    });
    let fifo = (libc::S_IFIFO | 0o600) as usize;
    made("make a pipe", &|| {
        call_at(libc::SYS_mknodat, path, [fifo, 0, 0, 0])
    });
}

/// The row `outside-stat`.
pub(crate) fn stat(report: &Report<'_>, victims: &Victims) {
    let given = victims
        .canaries
        .iter()
        .chain(&victims.outside)
        .map(PathBuf::as_path);
    let known = ["/etc/shadow", "/root", "/boot", "/var/log", "/srv"].map(Path::new);
    for path in given.chain(known) {
        if is_own(path) {
            continue;
        }
        let name = path.display();
        report.attempt(&format!("stat {name}"), || {
            let data = fs::symlink_metadata(path)?;
            Ok(format!("it has {} bytes", data.len()))
        });
        report.attempt(&format!("access {name}"), || {
            call_at(libc::SYS_faccessat, path, [0, 0, 0, 0])?;
            Ok("it is there".to_owned())
        });
    }
    for path in &victims.canaries {
        report.attempt(&format!("handle of {}", path.display()), || {
            let result = call_at(libc::SYS_name_to_handle_at, path, [NOWHERE, NOWHERE, 0, 0]);
            match result {
                Err(error) if error.raw_os_error() == Some(libc::EFAULT) => {
                    Ok("it is there".to_owned())
                }
                other => other.map(|_| "it is there".to_owned()).map_err(No::from),
            }
        });
    }
}

/// The row `kernel-settings`.
pub(crate) fn settings(report: &Report<'_>) {
    for path in SETTINGS {
        report.attempt(&format!("write {path}"), || open_to_write(Path::new(path)));
    }
    for path in KERNEL_FILES {
        report.attempt(&format!("read {path}"), || read_byte(Path::new(path)));
    }
    for name in ["uid_map", "gid_map", "setgroups"] {
        report.attempt(&format!("write /proc/self/{name}"), || {
            // Where this process is, they were written once and for all.
            fs::write(
                format!("/proc/self/{name}"),
                if name == "setgroups" { "deny" } else { "0 0 1" },
            )?;
            Ok("written".to_owned())
        });
    }
    report.attempt("read addresses of the kernel", || {
        let text = fs::read_to_string("/proc/kallsyms")?;
        // Everybody may read the names; without privilege every address is zero.
        match text
            .lines()
            .find(|line| !line.starts_with("0000000000000000 "))
        {
            Some(line) => Ok(line.to_owned()),
            None => Err(No::Denied("every address is zero".to_owned())),
        }
    });
    report.attempt("escape the out-of-memory killer", || {
        // Of this attempt's own process only.
        fs::write("/proc/self/oom_score_adj", "-1000")?;
        Ok("its score is the lowest".to_owned())
    });
}

/// The row `kernel-tables`.
pub(crate) fn tables(report: &Report<'_>) {
    for (path, headings) in TABLES {
        report.attempt(&format!("read {path}"), || {
            let lines = fs::read_to_string(path)?.lines().count();
            if lines <= *headings {
                Err(No::Denied("nothing is in it".to_owned()))
            } else {
                Ok(format!("{} lines", lines - headings))
            }
        });
    }
}

/// The row `devices`.
pub(crate) fn devices(report: &Report<'_>, victims: &Victims) {
    if let Some(workspace) = &victims.workspace {
        let kinds = [
            ("character device", libc::S_IFCHR, libc::makedev(1, 3)),
            ("block device", libc::S_IFBLK, libc::makedev(7, 200)),
        ];
        for (what, kind, device) in kinds {
            report.attempt(&format!("make a {what} in the workspace"), || {
                let path = workspace.join("remit-attacker-device");
                let (mode, device) = ((kind | 0o600) as usize, usize::try_from(device));
                let device = device.unwrap_or(0);
                call_at(libc::SYS_mknodat, &path, [mode, device, 0, 0])?;
                fs::remove_file(path)?;
                Ok("it was made".to_owned())
            });
        }
    }
    for path in DEVICES {
        report.attempt(&format!("open {path}"), || {
            drop(
                OpenOptions::new()
                    .read(true)
                    .custom_flags(libc::O_NONBLOCK)
                    .open(path)?,
            );
            Ok("opened".to_owned())
        });
    }
    report.attempt("list /dev", || foreign_names(Path::new("/dev"), OF_ANY_DEV));
}

/// The row `handles`.
pub(crate) fn handles(report: &Report<'_>, victims: &Victims) {
    report.attempt("open_by_handle_at", || {
        gate(call_plain(
            libc::SYS_open_by_handle_at,
            [here(), NOWHERE, 0, 0, 0, 0],
        ))
    });
    if let (Some(workspace), Some(canary)) = (&victims.workspace, victims.canaries.first()) {
        report.attempt("exchange a file of the workspace for one outside", || {
            let own = workspace.join("remit-attacker-exchange");
            fs::write(&own, "own")?;
            let result = call_paths(libc::SYS_rename, canary, &own);
            if result.is_ok() {
                call_paths(libc::SYS_rename, &own, canary)?;
            }
            drop(fs::remove_file(&own));
            result?;
            Ok("it came into the workspace".to_owned())
        });
    }
}
