//! The adapter `git` on a repository that wants git to run its programs.
//!
//! Never: a canary that git without the seal would not touch.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

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

/// What git says, as the user runs it.
fn said(home: &Home, arguments: &[&str]) -> String {
    let mut command = std::process::Command::new("git");
    home.furnish(&mut command);
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs the adapter: its exit code and the last event. What it claims is what the host sees.
fn adapter(home: &Home, more: &[&str], inputs: &[&str]) -> (Option<i32>, Value) {
    let mut arguments = vec![
        "run",
        "git",
        "--allow-read",
        "--allow-run=git-sealed",
        "--json",
    ];
    arguments.extend(more);
    for input in inputs.iter().copied() {
        arguments.extend(["-i", input]);
    }
    let output = finish(home.remit(&arguments), "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("claims-differ"), "{text}");
    let last = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    (output.status.code(), last)
}

fn look(home: &Home, verb: &str) -> Value {
    let (code, last) = adapter(home, &[], &[&format!("verb={verb}")]);
    assert_eq!(code, Some(0), "{last}");
    last["outcome"]["outputs"].clone()
}

/// A program in `.git` that says when it ran, and hands its input on.
fn evil(home: &Home, canary: &Path) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let program = home.workspace().join(".git/evil");
    let script = format!("#!/bin/sh\ntouch '{}'\ncat\n", canary.display());
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program.to_str().unwrap().to_owned()
}

fn repository() -> Home {
    let home = Home::new();
    write(&home, "a b.txt", "one\n");
    git(&home, &["init", "-q", "-b", "main"]);
    git(&home, &["add", "-A"]);
    let first = ["commit", "-qm", "first"];
    git(
        &home,
        &[
            &["-c", "user.name=a", "-c", "user.email=a@example.org"][..],
            &first,
        ]
        .concat(),
    );
    home
}

#[test]
fn a_repository_is_read_and_nothing_that_it_configures_runs() {
    let home = repository();
    // The canary is in the workspace, where a tool of a plugin that may write could make it.
    let canary = home.workspace().join("canary");
    let program = evil(&home, &canary);
    for key in ["filter.evil.clean", "core.fsmonitor", "diff.external"] {
        git(&home, &["config", key, &program]);
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

#[test]
fn a_repository_is_written_where_that_is_granted_and_nothing_that_it_configures_runs() {
    let home = repository();
    let canary = home.workspace().join("canary");
    let program = evil(&home, &canary);
    for key in ["core.fsmonitor", "gpg.program", "core.editor"] {
        git(&home, &["config", key, &program]);
    }
    git(&home, &["config", "commit.gpgSign", "true"]);
    let hook = home.workspace().join(".git/hooks/pre-commit");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::copy(&program, hook).unwrap();
    write(&home, "a b.txt", "two\n");
    write(&home, "new.txt", "new\n");
    git(&home, &["status"]);
    assert!(canary.exists(), "git without the seal runs it");
    std::fs::remove_file(&canary).unwrap();

    let commit = ["verb=commit", "all=true", "message=second: why"];
    let before = tree::read(&home.workspace());
    for denied in [&[][..], &["--allow-write", "--deny-write=.git/**"]] {
        let (code, last) = adapter(&home, denied, &commit);
        assert_ne!(code, Some(0), "{last}");
        assert_eq!(tree::read(&home.workspace()), before, "{denied:?}");
    }
    let (code, last) = adapter(&home, &["--allow-write"], &commit);
    assert_eq!(code, Some(0), "{last}");
    assert!(!canary.exists());
    let outputs = &last["outcome"]["outputs"];
    let details = &outputs["details"];
    assert_eq!(details["mismatch"], json!([]));
    let written = details["claimed"].as_array().unwrap();
    assert!(
        written.contains(&json!(".git/refs/heads/main")),
        "{details}"
    );

    let patch = "patch=--- a/new.txt\n+++ b/new.txt\n@@ -1 +1 @@\n-new\n+newer\n";
    let (code, last) = adapter(
        &home,
        &["--allow-write"],
        &["verb=apply", patch, "index=true"],
    );
    assert_eq!(code, Some(0), "{last}");
    let branch = ["verb=branch-create", "name=topic/x"];
    let (code, last) = adapter(&home, &["--allow-write=.git"], &branch);
    assert_eq!(code, Some(0), "{last}");
    assert!(!canary.exists());

    for key in ["core.fsmonitor", "commit.gpgSign"] {
        git(&home, &["config", "--unset", key]);
    }
    git(&home, &["fsck", "--strict"]);
    assert_eq!(said(&home, &["log", "-1", "--format=%s"]), "second: why\n");
    assert_eq!(
        said(&home, &["rev-parse", "topic/x"]).trim(),
        details["commit"].as_str().unwrap()
    );
    assert_eq!(said(&home, &["status", "--porcelain"]), "M  new.txt\n");
}
