//! What this process was born with: descriptors, variables, users.
//!
//! Never: a value of a variable in the report; its name is enough.

#![expect(
    clippy::disallowed_methods,
    reason = "an attack makes a copy of itself and starts it"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::WHO_AM_I;
use crate::arguments::Victims;
use crate::report::{No, Report, nothing};
use crate::sys::call_plain;

/// Descriptors that are looked at; more than any process of a host may have open.
const DESCRIPTORS: usize = 1 << 16;

/// Variables that every tool has.
const EXPECTED: &[&str] = &["HOME", "LANG", "PATH", "REMIT_SCRATCH", "TMPDIR"];

/// Users and groups of this process, and whether it can become another.
pub(crate) fn describe() -> String {
    let number = |call| call_plain(call, [0; 6]).unwrap_or(usize::MAX);
    format!(
        "uid={} euid={} gid={} egid={}\n",
        number(libc::SYS_getuid),
        number(libc::SYS_geteuid),
        number(libc::SYS_getgid),
        number(libc::SYS_getegid),
    )
}

/// The row `descriptors`.
pub(crate) fn descriptors(report: &Report<'_>) {
    report.here("have descriptors beyond the three streams", || {
        let open: Vec<String> = (3..DESCRIPTORS)
            .filter(|number| {
                call_plain(
                    libc::SYS_fcntl,
                    [*number, libc::F_GETFD as usize, 0, 0, 0, 0],
                )
                .is_ok()
            })
            .map(|number| number.to_string())
            .collect();
        if open.is_empty() {
            Err(No::Denied("only the three streams".to_owned()))
        } else {
            Ok(format!("descriptors {}", open.join(" ")))
        }
    });
    for (number, name) in ["input", "output", "error output"].iter().enumerate() {
        report.here(&format!("climb from standard {name}"), || {
            // Whoever has a directory open can reach above it.
            call_plain(libc::SYS_fchdir, [number, 0, 0, 0, 0, 0])?;
            Ok("it is a directory".to_owned())
        });
    }
}

/// The row `set-user-id`.
pub(crate) fn set_user_id(report: &Report<'_>, victims: &Victims) {
    for (what, number, arguments) in [
        ("become root", libc::SYS_setresuid, [0, 0, 0, 0, 0, 0]),
        (
            "become the group of root",
            libc::SYS_setresgid,
            [0, 0, 0, 0, 0, 0],
        ),
        (
            "become another user",
            libc::SYS_setresuid,
            [1, 1, 1, 0, 0, 0],
        ),
        (
            "become another group",
            libc::SYS_setresgid,
            [1, 1, 1, 0, 0, 0],
        ),
        ("leave its groups", libc::SYS_setgroups, [0, 0, 0, 0, 0, 0]),
    ] {
        report.attempt(what, || {
            let before = describe();
            let result = call_plain(number, arguments);
            if number == libc::SYS_setgroups {
                result?;
                return Ok("it succeeded".to_owned());
            }
            result?;
            if describe() == before {
                return nothing("it is that one already");
            }
            Ok(describe().trim().to_owned())
        });
    }
    let Some(workspace) = &victims.workspace else {
        return report.here("run a set-user-id copy", || nothing("no scratch workspace"));
    };
    report.attempt("run a set-user-id copy", || {
        let copy = workspace.join("remit-attacker-set-user-id");
        fs::write(&copy, fs::read("/proc/self/exe")?)?;
        fs::set_permissions(&copy, Permissions::from_mode(0o6755))?;
        let output = Command::new(&copy).arg(WHO_AM_I).output();
        fs::remove_file(&copy)?;
        let said = String::from_utf8_lossy(&output?.stdout).into_owned();
        if said == describe() {
            Err(No::Denied("it ran as the same user".to_owned()))
        } else if said.is_empty() {
            Err(No::Denied("it did not run".to_owned()))
        } else {
            Ok(said)
        }
    });
}

/// The row `environment`.
pub(crate) fn environment(report: &Report<'_>) {
    report.here("see variables that every tool does not have", || {
        let mut names: Vec<String> = std::env::vars_os()
            .map(|(name, _)| name.to_string_lossy().into_owned())
            .filter(|name| !EXPECTED.contains(&name.as_str()))
            .collect();
        names.sort_unstable();
        if names.is_empty() {
            Err(No::Denied("none".to_owned()))
        } else {
            Ok(names.join(" "))
        }
    });
}
