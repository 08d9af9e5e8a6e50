//! Where programs are looked up: the system's directories, then the owner's.
//!
//! Never: an entry that is empty, relative or writable for everybody, a directory of the
//! workspace.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The directories of every system, looked at first: what the owner's own search path adds cannot
/// replace a program of the system.
const SYSTEM: [&str; 6] = [
    "/usr/local/bin",
    "/usr/bin",
    "/bin",
    "/usr/local/sbin",
    "/usr/sbin",
    "/sbin",
];

/// The permission bit of "others may write".
const OTHERS_WRITE: u32 = 0o002;

/// Entries of the owner's search path that are looked at. A longer one is a mistake, and each
/// entry costs system calls.
const MAX_ENTRIES: usize = 128;

/// A list of directories, in the order in which they are searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPath {
    directories: Vec<PathBuf>,
    skipped: Vec<String>,
}

impl SearchPath {
    /// The system's directories, then those of `owner` (the value of the owner's `PATH`) that are
    /// absolute, writable for the owner alone, and outside of `workspace`, a real path.
    ///
    /// Looks at the file system; call it where that may block.
    #[must_use]
    pub fn new(owner: Option<&OsStr>, workspace: &Path) -> Self {
        let mut search = Self {
            directories: SYSTEM.iter().map(PathBuf::from).collect(),
            skipped: Vec::new(),
        };
        search.add(std::env::split_paths(owner.unwrap_or_default()), workspace);
        search
    }

    /// Only the directories that the owner listed, as far as they are fit.
    ///
    /// Looks at the file system; call it where that may block.
    #[must_use]
    pub fn listed(directories: &[PathBuf], workspace: &Path) -> Self {
        let mut search = Self {
            directories: Vec::new(),
            skipped: Vec::new(),
        };
        search.add(directories.iter().cloned(), workspace);
        search
    }

    /// Adds those entries that are fit and new.
    fn add(&mut self, entries: impl Iterator<Item = PathBuf>, workspace: &Path) {
        for entry in entries.take(MAX_ENTRIES) {
            if self.directories.contains(&entry) {
                continue;
            }
            match fit(&entry, workspace) {
                Ok(()) => self.directories.push(entry),
                Err(reason) => self.skipped.push(reason),
            }
        }
    }

    /// The directories.
    #[must_use]
    pub fn directories(&self) -> &[PathBuf] {
        &self.directories
    }

    /// Entries that were left out, each with its reason.
    pub(crate) fn skipped(&self) -> &[String] {
        &self.skipped
    }
}

/// Whether an entry of the owner's search path may be searched.
fn fit(entry: &Path, workspace: &Path) -> Result<(), String> {
    let shown = entry.display();
    if !entry.is_absolute() {
        return Err(format!("`{shown}` in the search path is not absolute"));
    }
    let real = entry
        .canonicalize()
        .map_err(|error| format!("{shown} in the search path: {error}"))?;
    if real.starts_with(workspace) {
        return Err(format!("{shown} in the search path lies in the workspace"));
    }
    let data = real
        .metadata()
        .map_err(|error| format!("{shown} in the search path: {error}"))?;
    if data.mode() & OTHERS_WRITE != 0 {
        return Err(format!(
            "{shown} in the search path can be written by everybody"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::disallowed_methods,
        reason = "the test lays out what it looks at"
    )]

    use super::*;
    use std::fs::{Permissions, create_dir, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_fit_entries_of_the_owner_are_searched_and_after_the_system() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let make = |name: &str, mode| {
            let path = root.join(name);
            create_dir(&path).unwrap();
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            path
        };
        let (good, open) = (make("good", 0o755), make("open", 0o777));
        let workspace = make("workspace", 0o755);
        let inside = make("workspace/bin", 0o755);
        let absent = root.join("absent");
        let owner = std::env::join_paths([
            Path::new(""),
            Path::new("relative"),
            Path::new("/usr/bin"),
            &inside,
            &open,
            &absent,
            &good,
        ])
        .unwrap();
        let search = SearchPath::new(Some(&owner), &workspace);
        let mut expected: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
        expected.push(good);
        assert_eq!(search.directories(), expected);
        let skipped = search.skipped().join("\n");
        for reason in [
            "`` in the search path is not absolute",
            "`relative` in the search path is not absolute",
            "bin in the search path lies in the workspace",
            "open in the search path can be written by everybody",
            "absent in the search path: No such file",
        ] {
            assert!(skipped.contains(reason), "{reason} is not in:\n{skipped}");
        }
    }
}
