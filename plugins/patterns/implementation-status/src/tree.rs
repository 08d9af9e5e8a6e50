//! Looks for what a registry names, below one directory.
//!
//! Never: a path that leaves the directory, a link that is followed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use remit_plugin_library::path::{PathError, SafePath};
use remit_plugin_survey::{Kind, kind, list, read_start};

use crate::registry::{Part, Registry};
use crate::stub::{self, Stub};

/// How much of a program is read for its stub marks: real ones of this kind have a few KiB.
const MOST_OF_A_PROGRAM: usize = 1 << 20;
/// Most files that are named as orphans; the rest is in the same directories.
const MOST_ORPHANS: usize = 5_000;

/// What came of looking for one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    Present,
    Missing,
    /// Not there as it is written, but with `/` in place of `\`.
    MissingBackslash,
    Outside,
    Unreadable,
    NotListed,
    Unknown,
}

impl State {
    /// Whether it is not there as it is written.
    pub(crate) fn is_missing(self) -> bool {
        match self {
            Self::Missing | Self::MissingBackslash => true,
            Self::Present | Self::Outside | Self::Unreadable | Self::NotListed | Self::Unknown => {
                false
            }
        }
    }
}

/// The programs of one directory.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Programs {
    pub(crate) directory: String,
    pub(crate) files: usize,
    pub(crate) stubs: usize,
}

/// A file that no entry names.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub(crate) struct Orphan {
    pub(crate) part: &'static str,
    pub(crate) path: String,
}

/// Files that only make a directory a package; they are neither programs nor left over.
const MARKERS: [&str; 2] = ["__init__.py", "mod.rs"];

/// A directory to look into, and what could not be looked at.
pub(crate) struct Tree {
    root: PathBuf,
    pub(crate) unreadable: BTreeSet<String>,
    stubs: BTreeMap<SafePath, Option<Stub>>,
}

/// The path that was meant: as written, or with `\` read as `/`. The flag says which.
fn meant(text: &str) -> Result<(SafePath, bool), PathError> {
    match SafePath::parse(text) {
        Ok(path) => Ok((path, false)),
        Err(PathError::NotRelative) if text.contains('\\') => {
            SafePath::parse(&text.replace('\\', "/")).map(|path| (path, true))
        }
        Err(other) => Err(other),
    }
}

/// The ending of a name, which says what kind of file it is; empty if it has none.
fn ending(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}

impl Tree {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            unreadable: BTreeSet::new(),
            stubs: BTreeMap::new(),
        }
    }

    fn kind(&mut self, path: &SafePath) -> Option<Kind> {
        kind(&path.within(&self.root))
            .map_err(|error| self.unreadable.insert(error.to_string()))
            .ok()
    }

    /// Whether any directory that the registry names is there.
    pub(crate) fn is_there_for(&mut self, registry: &Registry) -> bool {
        Part::ALL
            .iter()
            .flat_map(|part| directories(registry, *part))
            .any(|directory| !directory.is_here() && self.kind(&directory) == Some(Kind::Directory))
    }

    /// Looks for one path.
    pub(crate) fn look(&mut self, text: Option<&str>) -> State {
        let Some(text) = text else {
            return State::NotListed;
        };
        let Ok((path, backslash)) = meant(text) else {
            return State::Outside;
        };
        match (self.kind(&path), backslash) {
            (None, _) => State::Unreadable,
            (Some(Kind::File | Kind::Directory), true) => State::MissingBackslash,
            (Some(Kind::File | Kind::Directory), false) => State::Present,
            // A link is not followed, so what it leads to is not there for us.
            (Some(Kind::Other), _) => State::Unreadable,
            (Some(Kind::Missing), _) => State::Missing,
        }
    }

    /// Why the program at this path is a stub, if it is there and is one.
    pub(crate) fn stub(&mut self, text: &str) -> Option<Stub> {
        let (path, _) = meant(text).ok()?;
        if self.kind(&path) != Some(Kind::File) {
            return None;
        }
        self.stub_at(&path)
    }

    fn stub_at(&mut self, path: &SafePath) -> Option<Stub> {
        if let Some(known) = self.stubs.get(path) {
            return known.clone();
        }
        let found = match read_start(&path.within(&self.root), MOST_OF_A_PROGRAM) {
            Ok(bytes) => stub::find(&String::from_utf8_lossy(&bytes)),
            Err(error) => {
                self.unreadable.insert(error.to_string());
                None
            }
        };
        self.stubs.insert(path.clone(), found.clone());
        found
    }

    /// The programs in the directories where the registry has its executors, named or not.
    pub(crate) fn programs(&mut self, registry: &Registry) -> Vec<Programs> {
        let mut all = Vec::new();
        for (directory, files) in self.files_beside(registry, Part::Executor) {
            let stubs = files
                .iter()
                .filter(|file| self.stub_at(file).is_some())
                .count();
            all.push(Programs {
                directory: directory.to_string(),
                files: files.len(),
                stubs,
            });
        }
        all
    }

    /// Files beside those that the registry names, of the same kinds, which no entry names.
    pub(crate) fn orphans(&mut self, registry: &Registry) -> Vec<Orphan> {
        let named: BTreeSet<SafePath> = Part::ALL
            .iter()
            .flat_map(|part| named(registry, *part))
            .collect();
        let mut found = Vec::new();
        for part in Part::ALL {
            for (_, files) in self.files_beside(registry, part) {
                found.extend(
                    files
                        .into_iter()
                        .filter(|file| !named.contains(file))
                        .map(|file| Orphan {
                            part: part.name(),
                            path: file.to_string(),
                        }),
                );
            }
        }
        found.sort();
        // Two parts can share a directory; a file is one orphan.
        found.dedup_by(|one, other| one.path == other.path);
        found.truncate(MOST_ORPHANS);
        found
    }

    /// For each directory of a part that is there: its files with the endings that the part has.
    fn files_beside(&mut self, registry: &Registry, part: Part) -> Vec<(SafePath, Vec<SafePath>)> {
        let endings: BTreeSet<String> = named(registry, part)
            .iter()
            .map(|path| ending(path.name()).to_owned())
            .collect();
        let mut all = Vec::new();
        for directory in directories(registry, part) {
            if self.kind(&directory) != Some(Kind::Directory) {
                continue;
            }
            match list(&directory.within(&self.root)) {
                Ok((entries, _)) => {
                    let files = entries
                        .into_iter()
                        .filter(|(name, kind)| {
                            *kind == Kind::File
                                && endings.contains(ending(name))
                                && !MARKERS.contains(&name.as_str())
                        })
                        .map(|(name, _)| directory.child(&name))
                        .collect();
                    all.push((directory, files));
                }
                Err(error) => {
                    self.unreadable.insert(error.to_string());
                }
            }
        }
        all
    }
}

/// Every path that entries name for a part, as it was meant.
fn named(registry: &Registry, part: Part) -> BTreeSet<SafePath> {
    let paths = registry.entries.iter().filter_map(|entry| entry.path(part));
    paths
        .filter_map(|text| meant(text).ok())
        .map(|(path, _)| path)
        .collect()
}

/// The directories of those paths.
fn directories(registry: &Registry, part: Part) -> BTreeSet<SafePath> {
    named(registry, part)
        .iter()
        .filter_map(|path| path.parent())
        .collect()
}
