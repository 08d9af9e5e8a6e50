//! The pattern `cleanup` in a real repository, with real tests.
//!
//! Never: a tree that is compared by names alone.

use std::process::Stdio;

use serde_json::Value;

use crate::home::{Home, finish};
use crate::tree::{self, Node};

const CONFIG: &str = "\
global: {auto_approval_threshold: 75}
patterns:
  EXEC-014:
    confidence: 95
    location_tiers: {'modules/': MODULES, 'core/': 50, 'archive/': 10}
validation:
  test_command: 'python3 -m unittest discover -s tests'
";

const TEST: &str = "\
import unittest
from core.tool import seven


class Seven(unittest.TestCase):
    def test_seven(self):
        self.assertEqual(seven(), 7)
";

/// A repository with three equal files, of which the tests need the one in `core/`.
fn repository(modules: &str) -> Home {
    let home = Home::new();
    let tool = format!("def seven():\n    return 7\n{}", "# padding\n".repeat(120));
    for (path, text) in [
        (
            "config/cleanup_automation_config.yaml",
            &*CONFIG.replace("MODULES", modules),
        ),
        ("core/__init__.py", ""),
        ("core/tool.py", &tool),
        ("modules/deep/tool.py", &tool),
        ("old/tool.py", &tool),
        ("tests/__init__.py", ""),
        ("tests/test_tool.py", TEST),
    ] {
        tree::make(
            &home.workspace().join(path),
            Node::File(text.as_bytes().to_vec()),
        );
    }
    git(&home, &["init", "-q"]);
    git(&home, &["add", "-A"]);
    git(
        &home,
        &[
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.org",
            "commit",
            "-qm",
            "all",
        ],
    );
    home
}

fn git(home: &Home, arguments: &[&str]) {
    let mut command = std::process::Command::new("git");
    home.furnish(&mut command);
    let status = command
        .args(arguments)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "git {arguments:?}");
}

fn clean(home: &Home, more: &[&str]) -> (i32, Vec<Value>) {
    let mut arguments = vec!["run", "cleanup", "--allow-read", "--json"];
    arguments.extend(more);
    let output = finish(home.remit(&arguments), "");
    let lines = String::from_utf8(output.stdout).unwrap();
    let events = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    (output.status.code().unwrap(), events.collect())
}

/// The grants of a clean-up that changes something.
const REAL: [&str; 4] = [
    "--allow-write",
    "--allow-run=git:status",
    "--allow-run=git:log",
    "--allow-run=python3:unittest",
];

fn work(home: &Home) -> std::collections::BTreeMap<String, Node> {
    tree::read_but(&home.workspace(), &[".git", ".cleanup_backups"])
}

#[test]
fn a_dry_run_needs_only_reading_counts_two_and_changes_nothing() {
    let home = repository("20");
    let before = work(&home);
    let (code, events) = clean(&home, &["-i", "dry_run=true"]);
    let outcome = &events.last().unwrap()["outcome"];
    assert_eq!(code, 0, "{outcome}");
    let result = &outcome["outputs"]["results"][0];
    assert_eq!(result["changes_planned"], 2);
    assert_eq!(result["findings"]["groups"][0]["keep"], "core/tool.py");
    assert_eq!(work(&home), before);
}

#[test]
fn a_real_run_leaves_the_one_with_the_highest_score() {
    let home = repository("20");
    let before = work(&home);
    let (code, events) = clean(&home, &REAL);
    let outcome = &events.last().unwrap()["outcome"];
    assert_eq!(code, 0, "{outcome}");
    let result = &outcome["outputs"]["results"][0];
    assert_eq!(result["status"], "success");
    assert_eq!(result["changes_made"], 2);
    assert_eq!(result["tests_passed"], true);
    let gone: Vec<String> = tree::changes(&before, &work(&home));
    assert_eq!(gone, ["- modules/deep/tool.py", "- old/tool.py"]);
    let backup = outcome["outputs"]["backup"].as_str().unwrap();
    for path in ["modules/deep/tool.py", "old/tool.py"] {
        let kept = std::fs::read(home.workspace().join(backup).join(path)).unwrap();
        assert_eq!(before[path], Node::File(kept));
    }
}

#[test]
fn a_test_that_breaks_is_a_failure_and_everything_is_as_it_was() {
    // Now `modules/` has the higher score, and the tests lose what they import.
    let home = repository("100");
    let before = work(&home);
    let (code, events) = clean(&home, &REAL);
    let outcome = &events.last().unwrap()["outcome"];
    assert_eq!(code, 1, "{outcome}");
    assert_eq!(outcome["status"], "failed");
    assert_eq!(outcome["code"], "cleanup-failed");
    assert_eq!(work(&home), before);
    assert!(!home.workspace().join(".cleanup_backups").exists());
}

#[test]
fn without_the_grants_that_it_needs_nothing_is_begun() {
    let home = repository("20");
    let before = work(&home);
    let (code, events) = clean(&home, &["--allow-write"]);
    assert_eq!(code, 3, "{:?}", events.last());
    let (code, events) = clean(&home, &["--allow-write", "--allow-run=git:status"]);
    assert_eq!(code, 3, "{:?}", events.last());
    assert_eq!(work(&home), before);
}
