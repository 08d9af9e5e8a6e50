//! Links of the workspace that lead outside, and programs that are started in unusual ways.
//!
//! Never: a link that is left in the workspace.

#![expect(
    clippy::disallowed_methods,
    reason = "an attack makes links, follows them, and starts programs"
)]

use std::fs::{self, Permissions};
use std::io::Write as _;

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use remit_attacker::{Attempt, CANARY, Verdict};

use crate::arguments::Victims;
use crate::files::{open_to_write, read_byte};
use crate::report::{No, Report, Tried, nothing};

/// Loaders that run a program which they are given as an argument.
const LOADERS: &[&str] = &[
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/ld-linux-aarch64.so.1",
    "/lib/ld-musl-x86_64.so.1",
];

/// Rows that must hold for a program however it was started.
const STILL: &[&str] = &[
    "outside-read",
    "capabilities",
    "no-new-privileges",
    "io-uring",
];

/// The row `links`.
pub(crate) fn follow(report: &Report<'_>, victims: &Victims) {
    if let (Some(workspace), Some(canary)) = (&victims.workspace, victims.canaries.first()) {
        let link = &workspace.join("remit-attacker-link");
        let through = |what: &str, target: &Path, work: &dyn Fn(&Path) -> Tried| {
            report.attempt(what, || {
                symlink(target, link)?;
                let tried = work(link);
                fs::remove_file(link)?;
                tried
            });
        };
        through("read through a symbolic link", canary, &read_byte);
        through("write through a symbolic link", canary, &open_to_write);
        if let Some(above) = canary.parent() {
            let name = canary.file_name().unwrap_or_default();
            through("read below a symbolic link", above, &|link| {
                read_byte(&link.join(name))
            });
            through("list through a symbolic link", above, &|link| {
                let count = fs::read_dir(link)?.count();
                Ok(format!("{count} names"))
            });
        }
        report.attempt("link a file from outside into the workspace", || {
            fs::hard_link(canary, link)?;
            fs::remove_file(link)?;
            Ok("it was linked".to_owned())
        });
        let up = "../".repeat(workspace.components().count());
        let relative = workspace
            .join(up)
            .join(canary.strip_prefix("/").unwrap_or(canary));
        report.attempt("read by way of `..`", || read_byte(&relative));
    }
    let target = victims
        .canaries
        .first()
        .cloned()
        .unwrap_or_else(|| PathBuf::from("/etc/shadow"));
    let below = target.strip_prefix("/").unwrap_or(&target);
    let mut places = vec![
        "self/root".to_owned(),
        "thread-self/root".to_owned(),
        "1/root".to_owned(),
    ];
    places.extend(victims.host.map(|host| format!("{host}/root")));
    places.extend(
        victims
            .host
            .map(|host| format!("{host}/cwd/../../../../../../../..")),
    );
    for place in places {
        let path = Path::new("/proc").join(&place).join(below);
        report.attempt(&format!("read by way of /proc/{place}"), || {
            read_byte(&path)
        });
    }
}

/// The row `loader`.
pub(crate) fn load(report: &Report<'_>, victims: &Victims) {
    report.attempt("run itself from memory", || {
        let program = fs::read("/proc/self/exe")?;
        let name = c"attacker".as_ptr().addr();
        let descriptor = memory_file(name)?;
        let path = PathBuf::from(format!("/proc/self/fd/{descriptor}"));
        fs::OpenOptions::new()
            .write(true)
            .open(&path)?
            .write_all(&program)?;
        outcome_of(&path, victims)
    });
    let Some(workspace) = &victims.workspace else {
        return report.here("run a program of the workspace", || {
            nothing("no scratch workspace")
        });
    };
    report.attempt("run a copy of itself", || {
        let copy = workspace.join("remit-attacker-copy");
        fs::write(&copy, fs::read("/proc/self/exe")?)?;
        fs::set_permissions(&copy, Permissions::from_mode(0o755))?;
        let tried = outcome_of(&copy, victims);
        fs::remove_file(copy)?;
        tried
    });
    let loader = LOADERS.iter().find(|path| Path::new(path).exists());
    let (Some(loader), Some(canary)) = (loader, victims.canaries.first()) else {
        return report.here("run `cat` by the loader", || {
            nothing("no loader or no canary")
        });
    };
    report.attempt("run `cat` by the loader", || {
        let copy = workspace.join("remit-attacker-cat");
        fs::write(&copy, fs::read("/bin/cat")?)?;
        fs::set_permissions(&copy, Permissions::from_mode(0o644))?;
        let output = Command::new(loader).arg(&copy).arg(canary).output();
        fs::remove_file(&copy)?;
        let output = output?;
        if output.status.success() {
            Ok(format!("read {} bytes", output.stdout.len()))
        } else {
            Err(No::Denied(format!(
                "it ran and ended with {}",
                output.status
            )))
        }
    });
}

/// A file in memory that survives exec.
fn memory_file(name: usize) -> std::io::Result<i32> {
    #[expect(unsafe_code, reason = "memfd_create takes a name")]
    // SAFETY: the only caller passes a constant string that ends with zero.
    let made = unsafe { crate::sys::call(libc::SYS_memfd_create, [name, 0, 0, 0, 0, 0]) }?;
    Ok(i32::try_from(made).unwrap_or(-1))
}

/// Has a program that is this one try the rows that must still hold.
fn outcome_of(program: &Path, victims: &Victims) -> Tried {
    let mut command = Command::new(program);
    command.args(STILL);
    for canary in &victims.canaries {
        command.arg(format!("{CANARY}{}", canary.display()));
    }
    let output = command.output()?;
    let attempts = Attempt::parse_all(&String::from_utf8_lossy(&output.stdout));
    if attempts.is_empty() {
        return Err(No::Denied(format!("it did not run: {}", output.status)));
    }
    for attempt in attempts {
        if let Verdict::Breached(what) = attempt.verdict {
            return Ok(format!("{}: {what}", attempt.what));
        }
    }
    Err(No::Denied("it ran as confined as before".to_owned()))
}
