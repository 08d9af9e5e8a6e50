//! One line of a contract, and what it means as a file, a table or a word.
//!
//! `path (comment)` is a path with a comment; `None (…)` is nothing; a `/` at the end means a
//! directory; `*`, `?`, `[…]`, `{…}` and `**` make a glob. Never: a look at the disk.

use globset::{GlobBuilder, GlobMatcher};

use super::blocks::Placed;
use crate::path::{PathError, RelPath};

/// A line of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it says, without a comment and without the backticks or quotes around it.
    pub text: String,
    /// What stands in parentheses behind it.
    pub comment: Option<String>,
    /// Its line in the file, from 1.
    pub line: usize,
}

impl Item {
    pub(super) fn new(placed: &Placed) -> Self {
        let (text, comment) = split_comment(&placed.text);
        Self {
            text: bare(text).to_owned(),
            comment: comment.map(str::to_owned),
            line: placed.line,
        }
    }

    /// Whether it says that there is nothing: `None (first phase)`.
    pub(super) fn is_none(&self) -> bool {
        ["none", "n/a", "nothing"]
            .iter()
            .any(|word| self.text.eq_ignore_ascii_case(word))
    }

    /// Whether its comment begins with a word.
    pub(super) fn says(&self, word: &str) -> bool {
        self.comment
            .as_deref()
            .and_then(|comment| comment.split(|c: char| !c.is_alphanumeric()).next())
            .is_some_and(|first| first.eq_ignore_ascii_case(word))
    }
}

impl std::fmt::Display for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)?;
        match &self.comment {
            Some(comment) => write!(f, " ({comment})"),
            None => Ok(()),
        }
    }
}

/// Takes `(comment)` off the end. `a(b)` is a name, so a space must stand before it.
pub(super) fn split_comment(text: &str) -> (&str, Option<&str>) {
    let text = text.trim();
    let inside = text.strip_suffix(')');
    if let Some((before, comment)) = inside.and_then(|text| text.split_once(" (")) {
        return (before.trim_end(), Some(comment.trim()));
    }
    (text, None)
}

/// A text without the marks around it.
fn bare(text: &str) -> &str {
    ['`', '"', '\'']
        .iter()
        .find_map(|mark| {
            let inside = text.strip_prefix(*mark)?.strip_suffix(*mark)?;
            // "`a` and `b`" is not a quoted text.
            (!inside.is_empty() && !inside.contains(*mark)).then_some(inside)
        })
        .unwrap_or(text)
}

/// A path in which `<run>` and `{run}`, which stand for any name, are `*`. `{a,b}` stays.
pub(super) fn without_placeholders(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['<', '{']) {
        let (before, from) = rest.split_at(start);
        let close = if from.starts_with('<') { '>' } else { '}' };
        let inside = from.get(1..).and_then(|inside| inside.split_once(close));
        let is_name = |name: &str| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_alphanumeric() || "_- ".contains(c))
        };
        out.push_str(before);
        match inside.filter(|(name, _)| is_name(name)) {
            Some((_, after)) => {
                out.push('*');
                rest = after;
            }
            None => {
                out.extend(from.chars().take(1));
                rest = from.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

/// A file, a directory, or a pattern that something must match.
#[derive(Debug, Clone)]
pub struct FileNeed {
    /// As it is written.
    pub item: Item,
    directory: bool,
    /// The path, or the components before the first wildcard.
    fixed: RelPath,
    glob: Option<GlobMatcher>,
}

/// Why a line is no path of the workspace.
#[derive(Debug, thiserror::Error)]
pub enum NeedError {
    /// Not a path below the workspace.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Not a glob.
    #[error(
        "`{0}` is not a pattern: {1}; write a path with `*` and `**`, for example `logs/*.jsonl`"
    )]
    Glob(String, String),
}

impl FileNeed {
    /// Reads a path or a pattern.
    ///
    /// # Errors
    /// It is no path below the workspace, or its wildcards are no glob.
    pub(super) fn new(item: Item) -> Result<Self, NeedError> {
        let path = RelPath::parse(&without_placeholders(&item.text))?;
        let wild = |name: &&str| name.contains(['*', '?', '[', ']', '{', '}']);
        let fixed: Vec<&str> = path.components().take_while(|name| !wild(name)).collect();
        let glob = if fixed.len() < path.components().count() {
            let built = GlobBuilder::new(path.as_str())
                .literal_separator(true)
                .empty_alternates(false)
                .build()
                .map_err(|error| NeedError::Glob(item.text.clone(), error.kind().to_string()))?;
            Some(built.compile_matcher())
        } else {
            None
        };
        let fixed = if fixed.is_empty() {
            RelPath::root()
        } else {
            RelPath::parse(&fixed.join("/"))?
        };
        Ok(Self {
            directory: item.text.ends_with('/'),
            item,
            fixed,
            glob,
        })
    }

    /// Whether a directory is meant, not a regular file.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.directory
    }

    /// The path, if it is one and not a pattern.
    #[must_use]
    pub fn path(&self) -> Option<&RelPath> {
        self.glob.is_none().then_some(&self.fixed)
    }

    /// The directory that has to be searched: nothing outside of it can match.
    #[must_use]
    pub fn searched(&self) -> &RelPath {
        &self.fixed
    }

    /// Whether a path is what is meant.
    #[must_use]
    pub fn matches(&self, path: &RelPath) -> bool {
        match &self.glob {
            Some(glob) => glob.is_match(path.as_str()),
            None => *path == self.fixed,
        }
    }
}

/// A table of the ledger, with what must be in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableNeed {
    /// As it is written.
    pub item: Item,
    /// Columns that it must have: `(with adapter_id)`, `(adapter_id assigned)`.
    pub columns: Vec<String>,
    /// States in which its tasks must be: `(status updated: COMPLETED/FAILED/TIMEOUT)`. Empty: any.
    pub states: Vec<String>,
}

impl TableNeed {
    pub(super) fn new(item: Item) -> Self {
        let comment = item.comment.as_deref().unwrap_or_default();
        let columns = if item.says("with") {
            words(comment.get("with".len()..).unwrap_or_default(), is_column)
        } else if comment.ends_with("assigned") {
            words(comment.trim_end_matches("assigned"), is_column)
        } else {
            Vec::new()
        };
        let states = match comment.split_once(':') {
            Some((what, states)) if what.contains("status") => words(states, is_state),
            Some(_) | None => Vec::new(),
        };
        Self {
            item,
            columns,
            states,
        }
    }
}

/// The words of a text that are of a kind.
fn words(text: &str, kind: fn(&str) -> bool) -> Vec<String> {
    text.split([' ', ',', '/', '|', '`'])
        .filter(|word| kind(word))
        .map(str::to_owned)
        .collect()
}

/// The name of a column; "and" and "column" are English.
fn is_column(word: &str) -> bool {
    let known = ["and", "a", "the", "column", "columns"].contains(&word);
    let named = word
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    !word.is_empty() && named && !known
}

fn is_state(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &str) -> Item {
        Item::new(&Placed {
            text: text.to_owned(),
            at: 0..text.len(),
            line: 1,
        })
    }

    #[test]
    fn comments_are_taken_off() {
        for (written, text, comment) in [
            (
                ".state/x.json (from phase4)",
                ".state/x.json",
                Some("from phase4"),
            ),
            ("`a b.json` (x (y))", "a b.json", Some("x (y)")),
            ("a(b).txt", "a(b).txt", None),
            ("Breaker (any) opens", "Breaker (any) opens", None),
            ("\"x\"", "x", None),
            ("``", "``", None),
            ("`a` and `b`", "`a` and `b`", None),
        ] {
            let item = item(written);
            assert_eq!(
                (item.text.as_str(), item.comment.as_deref()),
                (text, comment),
                "{written}"
            );
        }
        assert!(item("None (first phase)").is_none());
        assert!(!item("Nonesuch").is_none());
    }

    #[test]
    fn paths_globs_and_directories() {
        for (written, yes, no) in [
            (".state/x.json", ".state/x.json", ".state/y.json"),
            (
                "logs/execution/*.jsonl",
                "logs/execution/t.jsonl",
                "logs/execution/a/t.jsonl",
            ),
            ("a/**", "a/b/c", "b/a"),
            ("{a,b}.md", "b.md", "c.md"),
            ("logs/{task_id}.jsonl", "logs/t1.jsonl", "logs/a/t1.jsonl"),
            ("runs/<run id>/x<y", "runs/r/x<y", "runs/x<y"),
            (".git/ (git repository)", ".git", ".gitignore"),
        ] {
            let need = FileNeed::new(item(written)).unwrap();
            assert!(need.matches(&yes.parse().unwrap()), "{written} {yes}");
            assert!(!need.matches(&no.parse().unwrap()), "{written} {no}");
        }
        let need = |text| FileNeed::new(item(text)).unwrap();
        assert!(need(".git/").is_directory());
        assert_eq!(
            need("logs/execution/*.jsonl").searched().as_str(),
            "logs/execution"
        );
        assert_eq!(need("*.md").searched().as_str(), ".");
        assert_eq!(need("a/*").path(), None);
        for text in ["/etc/passwd", "../x", "a[", "{a"] {
            assert!(FileNeed::new(item(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn tables_say_what_must_be_in_them() {
        for (written, columns, states) in [
            ("tasks (with adapter_id)", &["adapter_id"][..], &[][..]),
            (
                "tasks (with columns adapter_id and state)",
                &["adapter_id", "state"],
                &[],
            ),
            ("tasks (adapter_id assigned)", &["adapter_id"], &[]),
            (
                "tasks (status updated: COMPLETED/FAILED/TIMEOUT)",
                &[],
                &["COMPLETED", "FAILED", "TIMEOUT"],
            ),
            ("adapters (registry)", &[], &[]),
            ("execution_log (created)", &[], &[]),
        ] {
            let need = TableNeed::new(item(written));
            assert_eq!(need.columns, columns, "{written}");
            assert_eq!(need.states, states, "{written}");
        }
    }
}
