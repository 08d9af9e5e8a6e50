//! Clean-ups of real trees: real git, real tests of Python.
//!
//! Never: a tree that is compared by names alone.

mod archived;
mod duplicated;
mod imported;
mod refused;
mod staled;
mod worded;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use remit_plugin_library::path::SafePath;
use remit_plugin_library::transaction::{MemoryRegister, Owner, Transaction};

use crate::config::Config;
use crate::request::Request;
use crate::run::{Report, Stop, World, clean};
use crate::stale::LastCommit;
use crate::status;
use crate::testing::{TestRun, Tests};

/// A directory with a repository, and what a run would find outside of the plugin.
struct Place {
    directory: tempfile::TempDir,
    register: MemoryRegister,
    steps: RefCell<Vec<String>>,
    now_ms: Cell<u64>,
    runs: Cell<u32>,
}

impl Place {
    /// A tree of these files, all of them committed.
    fn of(files: &[(&str, &str)]) -> Self {
        let place = Self {
            directory: tempfile::tempdir().unwrap(),
            register: MemoryRegister::default(),
            steps: RefCell::default(),
            now_ms: Cell::new(1_800_000_000_000),
            runs: Cell::new(0),
        };
        for (path, text) in files {
            place.write(path, text);
        }
        place.git(&["init", "-q"]);
        place.commit();
        place
    }

    fn base(&self) -> &Path {
        self.directory.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.base().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&[
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.org",
            "commit",
            "-qm",
            "all",
        ]);
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(self.base())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn clean(&self, config: &str, inputs: &str) -> Result<Report, (String, String, Box<Report>)> {
        let config = Config::parse(config).unwrap();
        let request = Request::check(inputs).unwrap();
        clean(self, self.base(), &config, &request).map_err(|stop| match stop {
            Stop::Outside(never) => panic!("{never}"),
            Stop::Failed {
                code,
                message,
                hint,
                report,
            } => {
                // Who is told that nothing was changed can rely on it.
                let untouched = report.results.iter().all(|one| one.changes_made == 0);
                assert!(untouched || !hint.contains("othing was changed"), "{hint}");
                (code.to_owned(), message, report)
            }
        })
    }

    /// Every file but those of git, with its content.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        walk(self.base(), self.base(), &mut found);
        found
    }

    /// The files without backups.
    fn work(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.files();
        files.retain(|path, _| !path.starts_with(".cleanup_backups/"));
        files
    }
}

fn walk(base: &Path, directory: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.ends_with(".git") || path.ends_with("__pycache__") {
            continue;
        }
        if path.is_dir() {
            walk(base, &path, found);
        } else {
            let name = path.strip_prefix(base).unwrap().to_str().unwrap();
            found.insert(name.to_owned(), fs::read(&path).unwrap());
        }
    }
}

impl World for Place {
    type Error = String;

    fn begin(&self) -> Result<Transaction<'_>, String> {
        self.runs.set(self.runs.get() + 1);
        let owner = Owner {
            id: format!("test-{}", self.runs.get()),
            task: "test".into(),
            ends_at_ms: u64::MAX,
        };
        Transaction::begin(self.base(), &SafePath::here(), owner, &self.register)
            .map_err(|error| error.to_string())
    }

    fn dirty(&self) -> Result<Result<Vec<String>, String>, String> {
        if !self.base().join(".git").is_dir() {
            return Ok(Err("not a git repository".into()));
        }
        let text = self.git(&[
            "status",
            "--porcelain=v2",
            "--branch",
            "-z",
            "--untracked-files=all",
        ]);
        Ok(Ok(status::dirty(&text)))
    }

    fn test(&self, tests: &Tests, _open: Option<&mut Transaction<'_>>) -> Result<TestRun, String> {
        assert_eq!(tests.runner.tool(), ("python3", "unittest"));
        let output = Command::new("python3")
            .args([
                "-I", "-B", "-m", "unittest", "discover", "-s", "tests", "-t", ".",
            ])
            .current_dir(self.base())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(TestRun {
            command: "python3:unittest".into(),
            passed: output.status.success(),
            count: tests.runner.passed(&said),
            tail: said,
        })
    }

    fn last_commit(&self, path: &SafePath) -> LastCommit {
        let said = self.git(&["log", "-1", "--format=%cI", "--", path.as_str()]);
        if said.trim().is_empty() {
            return LastCommit::Never;
        }
        crate::date::parse(said.trim()).map_or(LastCommit::Unknown, LastCommit::At)
    }

    fn now_ms(&self) -> u64 {
        self.now_ms.set(self.now_ms.get() + 1);
        self.now_ms.get()
    }

    fn run_id(&self) -> String {
        "run".into()
    }

    fn step(&self, text: &str) {
        self.steps.borrow_mut().push(text.to_owned());
    }
}

/// A module that is long enough to count as a duplicate.
fn long(text: &str) -> String {
    format!("{text}\n{}\n", "# padding\n".repeat(120))
}

/// A test that passes as long as `core/tool.py` gives 7.
const TEST: &str = "\
import unittest
from core.tool import seven

class Seven(unittest.TestCase):
    def test_seven(self):
        self.assertEqual(seven(), 7)
";
