//! The files of the repository, and the list of what is wrong with them.
//!
//! Never: a look at files that git ignores.

#![expect(
    clippy::disallowed_methods,
    reason = "reads the repository itself and asks git and cargo about it"
)]

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

/// The repository's directory.
pub(crate) fn root() -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    std::fs::canonicalize(root).expect("the directory above tests/ is the repository")
}

/// Runs a program in the repository and returns what it printed.
pub(crate) fn output_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap_or_else(|e| panic!("{program} is needed to check the repository: {e}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("these programs print UTF-8")
}

/// One file that git knows or would add.
pub(crate) struct File {
    /// Relative to the repository.
    pub(crate) path: String,
    /// Its content.
    pub(crate) text: String,
}

impl File {
    /// Whether its name ends so.
    pub(crate) fn ends_with(&self, suffix: &str) -> bool {
        self.path.ends_with(suffix)
    }

    /// Number (from 1) and text of each line.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(i, line)| (i + 1, line))
    }
}

/// The text files of the repository, sorted by path. Files that are not UTF-8 are not texts.
pub(crate) fn files() -> Vec<File> {
    let listed = output_of(
        "git",
        &[
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
    );
    let mut paths: Vec<&str> = listed.split('\0').filter(|path| !path.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    let root = root();
    let files: Vec<File> = paths
        .into_iter()
        .filter_map(|path| {
            // A file that was just deleted is still in git's index.
            let bytes = std::fs::read(root.join(path)).ok()?;
            Some(File {
                path: path.to_owned(),
                text: String::from_utf8(bytes).ok()?,
            })
        })
        .collect();
    assert!(
        files.len() > 50,
        "git lists only {} files here",
        files.len()
    );
    files
}

/// The Rust sources: not the texts that plugins generate, which live in `templates`.
pub(crate) fn rust_files() -> Vec<File> {
    let mut files = files();
    files.retain(|file| file.ends_with(".rs") && !file.path.contains("/templates/"));
    files
}

/// What is wrong, collected so that one run shows all of it.
#[derive(Default)]
pub(crate) struct Findings(Vec<String>);

impl Findings {
    /// Adds one.
    pub(crate) fn add(&mut self, path: &str, line: usize, what: &str, fix: &str) {
        self.0
            .push(format!("{path}:{line}: {what}\n    fix: {fix}"));
    }

    /// Fails the test if there is any.
    #[track_caller]
    pub(crate) fn assert_none(mut self) {
        self.0.sort();
        let mut list = String::new();
        for finding in &self.0 {
            let _ = writeln!(list, "{finding}");
        }
        assert!(self.0.is_empty(), "{} findings:\n{list}", self.0.len());
    }
}
