//! Whether anything calls the project's hooks.
//!
//! A program is called where another one imports it, outside of tests. Never: a `no` after a search
//! that did not see everything.

use std::path::Path;

use remit_plugin_library::path::SafePath;
use remit_plugin_survey::{Kind, kind, list, read_start};

use crate::status::Fact;

/// Most directories and files that are looked at, and most bytes of them: a project of ten
/// thousand sources.
const MOST_DIRECTORIES: usize = 20_000;
const MOST_FILES: usize = 50_000;
const MOST_OF_A_FILE: usize = 1 << 20;
const MOST_BYTES: usize = 256 << 20;
/// How many callers are named.
const MOST_NAMED: usize = 20;
/// Endings of programs that could import.
const ENDINGS: [&str; 8] = ["py", "ps1", "psm1", "js", "mjs", "ts", "sh", "rb"];
/// Words of the lines with which programs take in others.
const IMPORTS: [&str; 5] = ["import", "require", "source", "using", "importlib"];
/// Directories whose programs are not in use, or not the project's.
const ELSEWHERE: [&str; 8] = [
    "node_modules",
    "venv",
    "__pycache__",
    "tests",
    "test",
    "archive",
    "_archive",
    "target",
];

/// Whether there is a file.
pub(crate) fn is_there(root: &Path, path: &SafePath) -> Fact {
    match kind(&path.within(root)) {
        Ok(Kind::File) => Fact::yes([path.to_string()]),
        Ok(Kind::Missing) => Fact::no(format!("there is no {path}")),
        Ok(Kind::Directory) => Fact::no(format!("{path} is a directory")),
        Ok(Kind::Other) => Fact::unknown(format!("{path} is a link, which is not followed")),
        Err(error) => Fact::unknown(error.to_string()),
    }
}

/// Whether another program takes in this one.
pub(crate) fn is_called(root: &Path, module: &SafePath) -> Fact {
    let stem = module.name().rsplit_once('.').map_or("", |(stem, _)| stem);
    if stem.is_empty() {
        return Fact::unknown(format!("{module} has no name that could be imported"));
    }
    let mut search = Search {
        root,
        module,
        stem,
        found: Vec::new(),
        files: 0,
        bytes: 0,
        trouble: None,
    };
    search.run();
    if !search.found.is_empty() {
        return Fact::yes(search.found);
    }
    match search.trouble {
        Some(trouble) => Fact::unknown(format!("no caller of `{stem}` was seen, but {trouble}")),
        None => Fact::no(format!(
            "no program imports `{stem}`; {} were searched, tests and archives left out",
            search.files
        )),
    }
}

/// Whether the hook that the project ships is the one that git runs.
pub(crate) fn is_installed(root: &Path, shipped: &SafePath) -> Fact {
    /// A hook is a script of a page or two.
    const MOST_OF_A_HOOK: usize = 1 << 20;
    let source = is_there(root, shipped);
    if source != Fact::yes([shipped.to_string()]) {
        return source;
    }
    let place = SafePath::here().child(".git/hooks").child(shipped.name());
    match kind(&SafePath::here().child(".git").within(root)) {
        Ok(Kind::Directory) => {}
        Ok(Kind::Missing) => return Fact::unknown("there is no repository here".to_owned()),
        Ok(Kind::File | Kind::Other) => {
            return Fact::unknown("the repository's directory is elsewhere".to_owned());
        }
        Err(error) => return Fact::unknown(error.to_string()),
    }
    let installed = is_there(root, &place);
    if installed != Fact::yes([place.to_string()]) {
        return installed;
    }
    let content = |path: &SafePath| read_start(&path.within(root), MOST_OF_A_HOOK);
    match (content(shipped), content(&place)) {
        (Ok(one), Ok(other)) if one == other => installed,
        (Ok(_), Ok(_)) => Fact::no(format!("{place} is not the same as {shipped}")),
        (Err(error), _) | (_, Err(error)) => Fact::unknown(error.to_string()),
    }
}

struct Search<'a> {
    root: &'a Path,
    module: &'a SafePath,
    stem: &'a str,
    found: Vec<String>,
    files: usize,
    bytes: usize,
    trouble: Option<String>,
}

impl Search<'_> {
    fn run(&mut self) {
        let mut waiting = vec![SafePath::here()];
        let mut directories = 0;
        while let Some(directory) = waiting.pop() {
            directories += 1;
            if directories > MOST_DIRECTORIES || self.files > MOST_FILES || self.bytes > MOST_BYTES
            {
                self.trouble = Some("the project is too large to search it all".to_owned());
                return;
            }
            let entries = match list(&directory.within(self.root)) {
                Ok((entries, 0)) => entries,
                Ok((entries, _)) => {
                    self.note(format!("{directory} has names that are not UTF-8"));
                    entries
                }
                Err(error) => {
                    self.note(error.to_string());
                    continue;
                }
            };
            // From the last to the first, because what is put in last comes out first.
            for (name, kind) in entries.into_iter().rev() {
                let path = directory.child(&name);
                match kind {
                    Kind::Directory if !is_elsewhere(&name) => waiting.push(path),
                    Kind::File => self.look(&path),
                    Kind::Directory | Kind::Other | Kind::Missing => {}
                }
                if self.found.len() == MOST_NAMED {
                    return;
                }
            }
        }
        self.found.sort();
    }

    fn note(&mut self, trouble: String) {
        self.trouble.get_or_insert(trouble);
    }

    fn look(&mut self, path: &SafePath) {
        let name = path.name();
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        if path == self.module || name.starts_with("test_") || !ENDINGS.contains(&ending) {
            return;
        }
        self.files += 1;
        match read_start(&path.within(self.root), MOST_OF_A_FILE) {
            Ok(bytes) => {
                self.bytes += bytes.len();
                let text = String::from_utf8_lossy(&bytes);
                let line = text.lines().position(|line| imports(line, self.stem));
                if let Some(index) = line {
                    self.found.push(format!("{path}:{}", index + 1));
                }
            }
            Err(error) => self.note(error.to_string()),
        }
    }
}

fn is_elsewhere(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with('.') || ELSEWHERE.contains(&name.as_str())
}

/// Whether a line takes in a program of this name.
fn imports(line: &str, stem: &str) -> bool {
    let line = line.trim();
    if line.starts_with(['#', '/', '*']) {
        return false;
    }
    let lower = line.to_ascii_lowercase();
    let dotted = line.starts_with(". ");
    (dotted || IMPORTS.iter().any(|word| has_word(&lower, word))) && has_word(line, stem)
}

/// Whether a line has a word that is not part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let part = |one: Option<char>| one.is_some_and(|one| one.is_alphanumeric() || one == '_');
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !part(before) && !part(after)
    })
}
