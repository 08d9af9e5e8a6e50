//! Files of the workspace that a later program obeys, and what one run leaves for another.
//!
//! Never: a workspace without the mark; what is planted here would be obeyed.

#![expect(
    clippy::disallowed_methods,
    reason = "an attack writes in the workspace, which is what it was given"
)]

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::arguments::Victims;
use crate::report::{Report, Tried, nothing};

/// Files that git, cargo, npm, an editor or remit obeys.
const OBEYED: &[&str] = &[
    ".git/hooks/post-checkout",
    ".git/hooks/pre-commit",
    ".git/config",
    ".cargo/config.toml",
    ".npmrc",
    ".vscode/settings.json",
    ".vscode/tasks.json",
    "remit.toml",
];

/// Directories that hold them.
const HOLDERS: &[&str] = &[".git", ".git/hooks", ".cargo", ".vscode"];

/// What is written.
const PLANTED: &str = "# planted by the attacker\n";

/// Whether the path now holds what was planted. A write that comes out nowhere is none.
fn planted(path: &Path, how: &str) -> Tried {
    let text = fs::read_to_string(path)?;
    if text.contains(PLANTED) {
        Ok(how.to_owned())
    } else {
        nothing("what was written did not come out there")
    }
}

/// The row `persistence`.
pub(crate) fn plant(report: &Report<'_>, victims: &Victims) {
    let Some(workspace) = &victims.workspace else {
        return report.here("plant a file", || nothing("no scratch workspace"));
    };
    for name in OBEYED {
        file(report, workspace, name);
    }
    for name in HOLDERS {
        holder(report, workspace, name);
    }
}

/// A file beside the workspace's own, with the planted content.
fn beside(workspace: &Path) -> Result<PathBuf, std::io::Error> {
    let path = workspace.join("remit-attacker-plant");
    fs::write(&path, PLANTED)?;
    Ok(path)
}

fn file(report: &Report<'_>, workspace: &Path, name: &str) {
    let path = &workspace.join(name);
    report.attempt(&format!("append to {name}"), || {
        OpenOptions::new()
            .append(true)
            .open(path)?
            .write_all(PLANTED.as_bytes())?;
        planted(path, "appended")
    });
    report.attempt(&format!("overwrite {name}"), || {
        OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(path)?
            .write_all(PLANTED.as_bytes())?;
        planted(path, "overwritten")
    });
    report.attempt(&format!("rename over {name}"), || {
        fs::rename(beside(workspace)?, path)?;
        planted(path, "renamed over")
    });
    report.attempt(&format!("remove and create {name}"), || {
        drop(fs::remove_file(path));
        fs::write(path, PLANTED)?;
        planted(path, "created")
    });
    report.attempt(&format!("link to {name}"), || {
        let from = beside(workspace)?;
        drop(fs::remove_file(path));
        fs::hard_link(from, path)?;
        planted(path, "linked")
    });
    report.attempt(&format!("put a symbolic link at {name}"), || {
        let from = beside(workspace)?;
        drop(fs::remove_file(path));
        std::os::unix::fs::symlink(from, path)?;
        planted(path, "linked")
    });
    report.attempt(&format!("create the directories of {name}"), || {
        let above = path.parent().unwrap_or(workspace);
        fs::create_dir_all(above)?;
        fs::write(path, PLANTED)?;
        planted(path, "created")
    });
}

/// The directory is moved away, and another takes its place.
fn holder(report: &Report<'_>, workspace: &Path, name: &str) {
    let path = &workspace.join(name);
    let aside = &workspace.join("remit-attacker-aside");
    let obeyed = OBEYED
        .iter()
        .find_map(|file| file.strip_prefix(name)?.strip_prefix('/'));
    let inside = obeyed.unwrap_or("config");
    let again = |replace: &dyn Fn() -> std::io::Result<()>| -> Tried {
        fs::rename(path, aside)?;
        replace()?;
        let file = path.join(inside);
        fs::create_dir_all(file.parent().unwrap_or(path))?;
        fs::write(&file, PLANTED)?;
        planted(&file, "replaced")
    };
    report.attempt(&format!("rename {name} away and make it again"), || {
        again(&|| fs::create_dir(path))
    });
    drop(fs::remove_dir_all(aside));
    report.attempt(&format!("rename {name} away and put a link there"), || {
        again(&|| {
            let other = workspace.join("remit-attacker-other");
            fs::create_dir_all(&other)?;
            std::os::unix::fs::symlink(other, path)
        })
    });
    drop(fs::remove_dir_all(aside));
    report.attempt(&format!("exchange {name} for another directory"), || {
        let other = workspace.join("remit-attacker-exchange");
        fs::create_dir_all(other.join(inside).parent().unwrap_or(&other))?;
        fs::write(other.join(inside), PLANTED)?;
        exchange(&other, path)?;
        planted(&path.join(inside), "exchanged")
    });
}

/// Exchanges two paths in one step.
fn exchange(one: &Path, other: &Path) -> std::io::Result<()> {
    let (from, to) = (crate::sys::c_path(one)?, crate::sys::c_path(other)?);
    let (from, to) = (from.as_ptr().addr(), to.as_ptr().addr());
    let (here, flag) = (crate::sys::here(), libc::RENAME_EXCHANGE as usize);
    #[expect(unsafe_code, reason = "there is no wrapper for an exchange")]
    // SAFETY: both paths end with zero and outlive the call.
    unsafe { crate::sys::call(libc::SYS_renameat2, [here, from, here, to, flag, 0]) }.map(drop)
}

/// Directories that two runs could share.
fn shared() -> Vec<PathBuf> {
    let own = ["HOME", "TMPDIR"]
        .into_iter()
        .filter_map(std::env::var_os)
        .map(PathBuf::from);
    let known = ["/tmp", "/var/tmp", "/dev/shm", "/run/lock"].map(PathBuf::from);
    own.chain(known).collect()
}

/// The row `leave-behind`.
pub(crate) fn leave(report: &Report<'_>, victims: &Victims) {
    let Some(word) = &victims.word else {
        return report.here("leave a word", || nothing("no word was named"));
    };
    for directory in shared() {
        report.control(&format!("leave a word in {}", directory.display()), || {
            // To be refused is as good as to leave something that nobody finds.
            Ok(match fs::write(directory.join(word), word) {
                Ok(()) => "left".to_owned(),
                Err(error) => crate::report::name(&error),
            })
        });
    }
}

/// The row `find-behind`.
pub(crate) fn find(report: &Report<'_>, victims: &Victims) {
    let Some(word) = &victims.word else {
        return report.here("find a word", || nothing("no word was named"));
    };
    for directory in shared() {
        report.attempt(&format!("find a word in {}", directory.display()), || {
            fs::read(directory.join(word))?;
            Ok("it is still there".to_owned())
        });
    }
}
