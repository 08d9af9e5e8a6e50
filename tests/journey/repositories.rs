//! The adapter `git` on a repository that wants git to run its programs.
//!
//! Never: a canary that git without the seal would not touch.

use std::process::Stdio;

use serde_json::Value;

use crate::home::{Home, finish};
use crate::tree::{self, Node};

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

fn write(home: &Home, path: &str, text: &str) {
    let node = Node::File(text.as_bytes().to_vec());
    tree::make(&home.workspace().join(path), node);
}

fn look(home: &Home, verb: &str) -> Value {
    let verb = format!("verb={verb}");
    let arguments = [
        "run",
        "git",
        "--allow-read",
        "--allow-run=git-sealed",
        "--json",
        "-i",
        &verb,
    ];
    let output = finish(home.remit(&arguments), "");
    let text = String::from_utf8(output.stdout).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{last}");
    last["outcome"]["outputs"].clone()
}

#[test]
fn a_repository_is_read_and_nothing_that_it_configures_runs() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    write(&home, "a b.txt", "one\n");
    git(&home, &["init", "-q", "-b", "main"]);
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
            "first",
        ],
    );
    // The canary is in the workspace, where a tool of a plugin that may write could make it.
    let canary = home.workspace().join("canary");
    let program = home.workspace().join(".git/evil");
    let script = format!("#!/bin/sh\ntouch '{}'\ncat\n", canary.display());
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    for key in ["filter.evil.clean", "core.fsmonitor", "diff.external"] {
        git(&home, &["config", key, program.to_str().unwrap()]);
    }
    write(&home, ".gitattributes", "*.txt filter=evil\n");
    write(&home, "a b.txt", "two\n");
    git(&home, &["status"]);
    assert!(canary.exists(), "git without the seal runs it");
    std::fs::remove_file(&canary).unwrap();

    let before = tree::read(&home.workspace());
    let status = look(&home, "status");
    assert_eq!(status["details"]["branch"]["head"], "main");
    let changed = &status["details"]["entries"][0];
    assert_eq!(changed["path"], "a b.txt");
    assert_eq!(changed["unstaged"], "M");
    let diff = look(&home, "diff");
    assert!(diff["output"].as_str().unwrap().contains("+two"));
    for verb in ["log", "show", "ls-files", "branch-list"] {
        assert_eq!(look(&home, verb)["details"]["verdict"], "success");
    }
    assert!(!canary.exists());
    assert_eq!(tree::read(&home.workspace()), before);
}
