//! The workspace's name of a file that a tool named in its own way.
//!
//! A tool may see the workspace at another place than the plugin, and names files from there, from its
//! working directory, or from a package. Never: a name that leads out of the workspace.

use std::fs;
use std::path::Path;

use crate::tests::Tests;

/// Most directories at the beginning of a name that are tried away.
const MOST_TRIED: usize = 32;

/// The path below `root` of a file that a tool, running in `directory` below it, has named: the name
/// itself, or its longest end that is a file. Nothing if there is none.
#[must_use]
pub fn find(root: &Path, directory: &str, named: &str) -> Option<String> {
    let inside = |path: &str| {
        let parts: Vec<&str> = path
            .split('/')
            .filter(|part| !matches!(*part, "" | "."))
            .collect();
        (!parts.is_empty() && !parts.contains(&"..") && !path.contains('\0'))
            .then(|| parts.join("/"))
    };
    let is_file =
        |path: &str| fs::symlink_metadata(root.join(path)).is_ok_and(|found| found.is_file());
    if !named.starts_with('/')
        && let Some(path) = inside(&format!("{directory}/{named}")).filter(|path| is_file(path))
    {
        return Some(path);
    }
    let mut rest = inside(named)?;
    for _ in 0..MOST_TRIED {
        for candidate in [Some(rest.clone()), inside(&format!("{directory}/{rest}"))] {
            if let Some(path) = candidate.filter(|path| is_file(path)) {
                return Some(path);
            }
        }
        rest = rest.split_once('/')?.1.to_owned();
    }
    None
}

/// Names the files of all tests that did not pass by the workspace's names, where they can be found.
pub fn find_all(root: &Path, directory: &str, tests: &mut Tests) {
    for case in tests.failed.iter_mut().chain(&mut tests.others) {
        if let Some(location) = &mut case.location
            && let Some(path) = find(root, directory, &location.file)
        {
            location.file = path;
        }
    }
}
