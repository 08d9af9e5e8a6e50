//! A patch before it is applied: what it would make, and copies of what it would change.
//!
//! Git removes files before it writes new ones, so that one which cannot be written costs another. Never: a
//! link or a submodule made by a patch; a failed patch of which something is left.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use crate::refusal::Refusal;

/// Most bytes of a patch.
pub(crate) const MOST_PATCH: u64 = 8 << 20;
/// Most files that one patch changes.
const MOST_FILES: usize = 5_000;
/// Bits of a mode that say what it is, and those of links and submodules.
const KIND: u32 = 0o170_000;
const LINK: u32 = 0o120_000;
const SUBMODULE: u32 = 0o160_000;
const LINE: &str = "\n";

/// The files that renames in the patch take away. Lines of content begin with a space, `+`, `-` or
/// `\`, so that no content looks like one of these.
///
/// # Errors
/// It makes links or submodules, or renames a file whose name cannot be read.
pub(crate) fn check(patch: &str) -> Result<Vec<String>, Refusal> {
    let mut taken = Vec::new();
    for line in patch.split(LINE) {
        for start in ["new file mode", "new mode", "old mode", "deleted file mode"] {
            if let Some(mode) = line.strip_prefix(start) {
                no_link(mode)?;
            }
        }
        if let Some(rest) = line.strip_prefix("index ")
            && let Some((_, mode)) = rest.split_once(' ')
        {
            no_link(mode)?;
        }
        for start in ["rename from ", "rename old "] {
            if let Some(name) = line.strip_prefix(start) {
                let name = name.trim_end_matches('\r');
                // Git quotes what is not plain, which `git -c core.quotePath=false` keeps to the odd.
                let name = unquote(name).ok_or_else(|| {
                    Refusal::usage(
                        "patch",
                        format!("the patch renames {name}, which cannot be read"),
                    )
                })?;
                taken.push(name);
            }
        }
    }
    Ok(taken)
}

/// As git reads the number: space before it, a sign, then digits to the base of eight.
fn no_link(text: &str) -> Result<(), Refusal> {
    let text = text.trim_start().trim_start_matches('+');
    let digits = text.bytes().take_while(|one| (b'0'..=b'7').contains(one));
    let mode = digits.fold(0_u32, |all, one| {
        all.wrapping_mul(8).wrapping_add(u32::from(one - b'0'))
    });
    if matches!(mode & KIND, LINK | SUBMODULE) {
        let message =
            "the patch makes or changes a symbolic link or a submodule, which is not done here";
        return Err(Refusal::usage("patch-link", message));
    }
    Ok(())
}

/// A name as git writes it: in quotes, with escapes as in C, if there is something odd in it.
fn unquote(name: &str) -> Option<String> {
    let Some(inner) = name.strip_prefix('"') else {
        return Some(name.to_owned());
    };
    let mut rest = inner.strip_suffix('"')?.bytes();
    let mut bytes = Vec::new();
    while let Some(one) = rest.next() {
        if one != b'\\' {
            bytes.push(one);
            continue;
        }
        bytes.push(match rest.next()? {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            first @ b'0'..=b'3' => {
                let mut digit = || rest.next().filter(|one| (b'0'..=b'7').contains(one));
                let (second, third) = (digit()?, digit()?);
                (first - b'0') << 6 | (second - b'0') << 3 | (third - b'0')
            }
            same @ (b'"' | b'\\') => same,
            _ => return None,
        });
    }
    String::from_utf8(bytes).ok()
}

/// The names of `git apply --numstat -z`.
///
/// # Errors
/// There are too many, or one is no name of a file that may be changed.
pub(crate) fn names(text: &str) -> Result<Vec<String>, Refusal> {
    let mut names: Vec<String> = text
        .split('\0')
        .filter_map(|record| record.splitn(3, '\t').nth(2))
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    if names.len() > MOST_FILES {
        return Err(Refusal::limit(format!(
            "a patch of more than {MOST_FILES} files"
        )));
    }
    Ok(names)
}

/// Copies of the files that a patch changes.
#[derive(Debug)]
pub(crate) struct Before {
    root: PathBuf,
    /// Each name, and its copy if the file was there.
    files: Vec<(String, Option<PathBuf>)>,
    /// Directories that were not there, the outer ones first.
    directories: Vec<PathBuf>,
}

impl Before {
    /// Copies the files to `place`, after a look at whether each may be written.
    ///
    /// # Errors
    /// A file may not be read or written, or a name leads out.
    pub(crate) fn keep(root: &Path, place: &Path, names: &[String]) -> Result<Self, Refusal> {
        fs::create_dir_all(place).map_err(|error| Refusal::io("the scratch directory", &error))?;
        let mut before = Self {
            root: root.to_owned(),
            files: Vec::new(),
            directories: Vec::new(),
        };
        for (number, name) in names.iter().enumerate() {
            inside(name)?;
            before.note_directories(name);
            let path = root.join(name);
            let Ok(found) = fs::symlink_metadata(&path) else {
                before.files.push((name.clone(), None));
                continue;
            };
            if !found.is_file() {
                let message = format!("`{name}` is no regular file");
                return Err(Refusal::usage("patch-link", message));
            }
            let copy = place.join(number.to_string());
            // Opened and not changed: that says whether it may be.
            OpenOptions::new()
                .write(true)
                .open(&path)
                .and_then(|_| fs::copy(&path, &copy))
                .map_err(|error| Refusal::io(name, &error))?;
            before.files.push((name.clone(), Some(copy)));
        }
        Ok(before)
    }

    fn note_directories(&mut self, name: &str) {
        for (at, _) in name.match_indices('/') {
            let path = self.root.join(name.get(..at).unwrap_or_default());
            if fs::symlink_metadata(&path).is_err() && !self.directories.contains(&path) {
                self.directories.push(path);
            }
        }
    }

    /// Puts everything back. Returns what could not be.
    pub(crate) fn restore(&self) -> Vec<String> {
        let mut failed = Vec::new();
        for (name, copy) in &self.files {
            let path = self.root.join(name);
            let done = match copy {
                Some(copy) if same(copy, &path) => Ok(()),
                Some(copy) => self
                    .directories_of(name)
                    .and_then(|()| fs::copy(copy, &path).map(drop)),
                None if fs::symlink_metadata(&path).is_err() => Ok(()),
                None => fs::remove_file(&path),
            };
            if done.is_err() {
                failed.push(name.clone());
            }
        }
        for directory in self.directories.iter().rev() {
            drop(fs::remove_dir(directory));
        }
        failed
    }

    /// Git removes a directory with its last file.
    fn directories_of(&self, name: &str) -> std::io::Result<()> {
        match name.rsplit_once('/') {
            Some((parent, _)) => fs::create_dir_all(self.root.join(parent)),
            None => Ok(()),
        }
    }
}

fn same(one: &Path, other: &Path) -> bool {
    matches!((fs::read(one), fs::read(other)), (Ok(one), Ok(other)) if one == other)
}

/// A name below the workspace, and nothing of the repository itself.
fn inside(name: &str) -> Result<(), Refusal> {
    let odd = |part: &str| {
        part.is_empty() || part == "." || part == ".." || part.eq_ignore_ascii_case(".git")
    };
    if name.split('/').any(odd) {
        let message = format!("the patch changes `{name}`, which is no file of the work tree");
        return Err(Refusal::usage("patch-path", message));
    }
    Ok(())
}
