//! Parts of the workspace that are denied inside of what is granted.
//!
//! What cannot be reached by its name might be after its directory was moved. Never: a path that
//! was not named; what was moved is moved back.

#![expect(
    clippy::disallowed_methods,
    reason = "an attack moves directories of the workspace, which is what it was given"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::arguments::Victims;
use crate::files::{open_to_write, read_byte};
use crate::report::{Report, Tried, nothing};

/// The row `carved-out`.
pub(crate) fn reach(report: &Report<'_>, victims: &Victims) {
    let Some(workspace) = &victims.workspace else {
        return report.here("reach it", || nothing("no scratch workspace"));
    };
    if victims.hidden.is_empty() && victims.sealed.is_empty() {
        return report.here("reach it", || nothing("nothing was named"));
    }
    for path in &victims.hidden {
        around(report, workspace, path, "read", &read_byte);
    }
    for path in &victims.sealed {
        around(report, workspace, path, "write", &open_to_write);
        replace(report, workspace, path);
    }
}

/// Every way to a file that is not its name.
fn around(
    report: &Report<'_>,
    workspace: &Path,
    path: &Path,
    verb: &str,
    work: &dyn Fn(&Path) -> Tried,
) {
    let name = path.strip_prefix(workspace).unwrap_or(path).display();
    report.attempt(&format!("{verb} {name}"), || work(path));
    let aside = &workspace.join("remit-attacker-carved");
    report.attempt(&format!("{verb} {name} by a symbolic link"), || {
        symlink(path, aside)?;
        let tried = work(aside);
        fs::remove_file(aside)?;
        tried
    });
    report.attempt(&format!("{verb} {name} by another name"), || {
        fs::hard_link(path, aside)?;
        let tried = work(aside);
        fs::remove_file(aside)?;
        tried
    });
    report.attempt(&format!("{verb} {name} by a handle"), || {
        let directory = fs::File::open(path.parent().unwrap_or(workspace))?;
        let number = std::os::fd::AsRawFd::as_raw_fd(&directory);
        let place = PathBuf::from(format!("/proc/self/fd/{number}"));
        work(&place.join(path.file_name().unwrap_or_default()))
    });
    for above in path.ancestors().take_while(|above| *above != workspace) {
        let shown = above.strip_prefix(workspace).unwrap_or(above).display();
        report.attempt(&format!("{verb} {name} after {shown} was moved"), || {
            fs::rename(above, aside)?;
            let moved = match path.strip_prefix(above) {
                Ok(rest) if !rest.as_os_str().is_empty() => aside.join(rest),
                Ok(_) | Err(_) => aside.clone(),
            };
            let tried = work(&moved);
            fs::rename(aside, above)?;
            tried
        });
    }
}

/// A sealed file is taken away, or another is put in its place.
fn replace(report: &Report<'_>, workspace: &Path, path: &Path) {
    let name = path.strip_prefix(workspace).unwrap_or(path).display();
    let other = &workspace.join("remit-attacker-carved");
    report.attempt(&format!("replace {name}"), || {
        fs::write(other, "another")?;
        fs::rename(other, path)?;
        Ok("replaced".to_owned())
    });
    report.attempt(&format!("remove {name}"), || {
        fs::remove_file(path)?;
        Ok("removed".to_owned())
    });
    report.attempt(&format!("make something beside {name}"), || {
        let Some(directory) = path.parent().filter(|above| *above != workspace) else {
            return nothing("beside it is the workspace");
        };
        let file = directory.join("remit-attacker-beside");
        fs::write(&file, "new")?;
        fs::remove_file(file)?;
        Ok("made".to_owned())
    });
}
