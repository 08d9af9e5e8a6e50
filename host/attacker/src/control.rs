//! What every tool may do. Without it a tool that can do nothing at all would look confined.
//!
//! Never: an attack.

#![expect(
    clippy::disallowed_methods,
    reason = "an ordinary program uses files and starts programs"
)]
#![expect(
    unsafe_code,
    reason = "a pair of sockets is told into this program's own memory"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::WHO_AM_I;
use crate::arguments::Victims;
use crate::report::{No, Report};
use crate::sys::{call, call_at};

/// The row `control`.
pub(crate) fn works(report: &Report<'_>, victims: &Victims) {
    let done = || Ok("done".to_owned());
    if let Some(workspace) = &victims.workspace {
        in_workspace(report, workspace);
    }
    for name in ["HOME", "TMPDIR"] {
        report.control(&format!("write below {name}"), || {
            let directory =
                std::env::var_os(name).ok_or_else(|| No::Denied(format!("{name} is not set")))?;
            let path = Path::new(&directory).join("attacker");
            fs::write(&path, "text")?;
            fs::remove_file(path)?;
            done()
        });
    }
    report.control("make a pair of sockets", || {
        let mut pair = [0_i32; 2];
        let pair = pair.as_mut_ptr().addr();
        // SAFETY: the array has two numbers and outlives the call.
        unsafe { call(libc::SYS_socketpair, [1, 1, 0, pair, 0, 0]) }?;
        done()
    });
    report.control("read and write devices that are none", || {
        fs::read("/dev/null")?;
        fs::OpenOptions::new().write(true).open("/dev/null")?;
        let mut bytes = [0; 4];
        std::io::Read::read_exact(&mut fs::File::open("/dev/urandom")?, &mut bytes)?;
        done()
    });
    report.control("start a program", || {
        let output = Command::new("/proc/self/exe").arg(WHO_AM_I).output()?;
        if output.stdout.starts_with(b"uid=") {
            done()
        } else {
            Err(No::Denied(format!("it ended with {}", output.status)))
        }
    });
    report.control("start a thread", || {
        let thread = std::thread::Builder::new().spawn(|| 1)?;
        thread
            .join()
            .map_err(|_| No::Denied("it panicked".to_owned()))?;
        done()
    });
}

/// Files and links of its own.
fn in_workspace(report: &Report<'_>, workspace: &Path) {
    let done = || Ok("done".to_owned());
    report.control("write, rename and read in the workspace", || {
        let (one, other) = (
            workspace.join("attacker-one"),
            workspace.join("attacker-other"),
        );
        fs::write(&one, "text")?;
        fs::rename(&one, &other)?;
        fs::read(&other)?;
        fs::remove_file(&other)?;
        done()
    });
    report.control("make a pipe in the workspace", || {
        let path = workspace.join("attacker-pipe");
        call_at(
            libc::SYS_mknodat,
            &path,
            [(libc::S_IFIFO | 0o600) as usize, 0, 0, 0],
        )?;
        fs::remove_file(path)?;
        done()
    });
    report.control("make links within the workspace", || {
        let (file, link) = (
            workspace.join("attacker-file"),
            workspace.join("attacker-link"),
        );
        fs::write(&file, "text")?;
        std::os::unix::fs::symlink("attacker-file", &link)?;
        fs::read(&link)?;
        fs::remove_file(&link)?;
        fs::hard_link(&file, &link)?;
        fs::remove_file(&link)?;
        fs::remove_file(&file)?;
        done()
    });
}
