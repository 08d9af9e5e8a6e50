//! The files that a clean-up may look at, and who mentions whom.
//!
//! Never: a file that is excluded, a link that is followed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use remit_plugin_library::files::{self, Kind, Limits};
use remit_plugin_library::path::SafePath;

use crate::config::{Config, ConfigError};
use crate::glob;

/// Directories that are never looked into: they belong to git, to the host, and to transactions.
const NEVER: [&str; 3] = [".git", ".state", ".ledger"];
/// How the directories of running transactions begin.
const UNDO: &str = remit_plugin_library::transaction::UNDO_PREFIX;
/// Largest file whose words are looked at, and most bytes in all: sources, not data.
const MOST_OF_A_TEXT: u64 = 1 << 20;
const MOST_TEXT: u64 = 128 << 20;
/// Most different words that are kept.
const MOST_WORDS: usize = 1_000_000;

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) path: SafePath,
    pub(crate) size: u64,
    /// Unix time in milliseconds.
    pub(crate) modified_ms: u64,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Sorted by path.
    pub(crate) files: Vec<File>,
    pub(crate) notes: Vec<String>,
}

impl Tree {
    /// Lists the files below the scan paths.
    ///
    /// # Errors
    /// A path of the configuration is none, or a directory cannot be listed whole.
    pub(crate) fn scan(base: &Path, config: &Config) -> Result<Self, ConfigError> {
        let here = [".".to_owned()];
        let named = if config.scan_paths.is_empty() {
            &here[..]
        } else {
            &config.scan_paths[..]
        };
        let backups =
            Config::directory("global.backup_directory", &config.global.backup_directory)?;
        let mut tree = Self::default();
        let mut seen = BTreeSet::new();
        for text in named {
            let top = Config::directory("scan_paths", text)?;
            let place = base.join(top.as_str());
            match files::kind(&place) {
                Ok(Some(Kind::Directory)) => {}
                Ok(Some(Kind::File | Kind::Link | Kind::Other) | None) => {
                    tree.notes
                        .push(format!("scan_paths: there is no directory {top}"));
                    continue;
                }
                Err(error) => return Err(ConfigError(error.to_string())),
            }
            let whole = |path: &SafePath| SafePath::parse(&top.join(path.as_str())).ok();
            let enter = |path: &SafePath| {
                whole(path).is_some_and(|path| path != backups && !is_closed(&path, config))
            };
            let found = files::walk(&place, Limits::default(), enter)
                .map_err(|error| ConfigError(error.to_string()))?;
            for entry in found {
                let Some(path) = whole(&entry.path).filter(|_| entry.kind == Kind::File) else {
                    continue;
                };
                if is_excluded(&path, config) || !seen.insert(path.clone()) {
                    continue;
                }
                tree.files.push(File {
                    modified_ms: modified_ms(&base.join(path.as_str())),
                    size: entry.size,
                    path,
                });
            }
        }
        tree.files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(tree)
    }
}

fn is_closed(path: &SafePath, config: &Config) -> bool {
    let name = path.name();
    NEVER.contains(&name)
        || name.starts_with(UNDO)
        || config.exclusions.directories.iter().any(|excluded| {
            let excluded = excluded.trim_matches('/');
            path.as_str() == excluded || path.as_str().ends_with(&format!("/{excluded}"))
        })
}

fn is_excluded(path: &SafePath, config: &Config) -> bool {
    let exclusions = &config.exclusions;
    exclusions.files.iter().any(|name| name == path.name())
        || exclusions
            .file_patterns
            .iter()
            .any(|pattern| glob::matches(pattern, path.as_str()))
}

/// When a file was written last; 0 where that is not known, which is oldest.
fn modified_ms(path: &Path) -> u64 {
    let time = fs::symlink_metadata(path).and_then(|found| found.modified());
    time.ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .and_then(|age| u64::try_from(age.as_millis()).ok())
        .unwrap_or_default()
}

/// In how many files words and paths are mentioned.
#[derive(Debug, Default)]
pub(crate) struct Mentions {
    counts: BTreeMap<String, u64>,
    pub(crate) complete: bool,
}

impl Mentions {
    /// Reads all texts of a tree.
    pub(crate) fn read(base: &Path, tree: &Tree) -> Self {
        let mut mentions = Self {
            complete: true,
            ..Self::default()
        };
        let mut bytes = 0;
        for file in &tree.files {
            if file.size > MOST_OF_A_TEXT {
                continue;
            }
            bytes += file.size;
            if bytes > MOST_TEXT || mentions.counts.len() > MOST_WORDS {
                mentions.complete = false;
                break;
            }
            let Ok(text) = files::read_text(&base.join(file.path.as_str()), MOST_OF_A_TEXT) else {
                continue;
            };
            for word in words(&text) {
                *mentions.counts.entry(word.to_owned()).or_default() += 1;
            }
        }
        mentions
    }

    /// In how many files a word stands.
    pub(crate) fn of(&self, word: &str) -> u64 {
        self.counts.get(word).copied().unwrap_or_default()
    }

    /// In how many files a program is named by its whole path, as a path or as a module.
    pub(crate) fn of_path(&self, path: &SafePath) -> u64 {
        let text = path.as_str();
        let stem = text.rsplit_once('.').map_or(text, |(stem, _)| stem);
        let module = stem
            .strip_suffix("/__init__")
            .unwrap_or(stem)
            .replace('/', ".");
        if module == stem {
            // Without a directory the two are the same, and any word could be meant.
            return self.of(text);
        }
        self.of(text) + self.of(&module)
    }
}

/// Each word of a text once: names, dotted names, paths, and their parts.
fn words(text: &str) -> BTreeSet<&str> {
    let part = |one: char| one.is_alphanumeric() || one == '_';
    let mut all = BTreeSet::new();
    for long in text.split(|one: char| !(part(one) || matches!(one, '.' | '/' | '-'))) {
        let long = long.trim_matches(['.', '/', '-']);
        if long.is_empty() {
            continue;
        }
        all.insert(long);
        all.extend(
            long.split(|one: char| !part(one))
                .filter(|word| !word.is_empty()),
        );
        // `a.b` of `a.b.py` and of `a.b.c`: the path without its ending, the module of a name.
        if let Some((stem, _)) = long.rsplit_once('.') {
            all.insert(stem);
        }
    }
    all
}
