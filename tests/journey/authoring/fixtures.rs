//! `remit fixture`: a repository that git accepts, and stand-ins that real runs start as tools.
//!
//! Never: a stand-in that is only made.

use std::path::PathBuf;
use std::process::Command;

use super::{Said, ends, remit, write};
use crate::home::{Home, PATIENCE};

#[test]
fn a_repository_has_a_commit_and_a_mistake_that_its_test_finds() {
    let home = Home::new();
    let place = home.path("out/repository");
    let said = ends(&home, 0, &["fixture", "temp-repo", place.to_str().unwrap()]);
    assert_eq!(said.out.trim(), place.to_str().unwrap());
    for path in ["src/calc.py", "tests/test_calc.py", ".git/HEAD"] {
        assert!(place.join(path).is_file(), "{path}");
    }
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(&place)
            .output()
            .unwrap();
        (
            output.status.success(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    assert_eq!(git(&["status", "--porcelain"]), (true, String::new()));
    assert_eq!(git(&["rev-list", "--count", "HEAD"]), (true, "1\n".into()));
    let test = |place: &PathBuf| {
        let mut python = Command::new("python3");
        python
            .args(["-B", "-m", "unittest", "-q"])
            .current_dir(place);
        python.output().unwrap().status.success()
    };
    assert!(!test(&place), "there is something to do");
    let calc = place.join("src/calc.py");
    let text = std::fs::read_to_string(&calc).unwrap();
    std::fs::write(&calc, text.replace("a - b", "a + b")).unwrap();
    assert!(test(&place), "and it can be done");
    let said = ends(&home, 2, &["fixture", "temp-repo", place.to_str().unwrap()]);
    assert!(said.err.contains("not empty"), "{said:?}");
}

#[test]
fn without_a_place_a_repository_is_made_among_temporary_files() {
    let home = Home::new();
    let said = ends(&home, 0, &["fixture", "temp-repo"]);
    let place = PathBuf::from(said.out.trim());
    assert!(place.starts_with(home.path("tmp")), "{said:?}");
    assert!(place.join(".git/index").is_file());
}

/// A stand-in called `aider`, made with these options and declared in a policy.
fn stand_in(home: &Home, options: &[&str]) -> String {
    let bin = home.path("out/bin");
    write(&home.path("out/transcript"), "first line\nsecond line\n");
    write(&home.path("out/complaint"), "a complaint\n");
    let (transcript, complaint) = (home.path("out/transcript"), home.path("out/complaint"));
    let mut arguments = vec![
        "fixture",
        "replay-cli",
        "--name",
        "aider",
        "--transcript",
        transcript.to_str().unwrap(),
        "--stderr",
        complaint.to_str().unwrap(),
    ];
    arguments.extend(options);
    arguments.push(bin.to_str().unwrap());
    let said = ends(home, 0, &arguments);
    let program = bin.join("aider");
    assert_eq!(said.out.trim(), program.to_str().unwrap());
    let policy = home.path("out/policy.toml");
    let text = format!(
        "format = 1\n[tools.aider]\nprogram = \"{}\"\n[tools.aider.templates]\nask = [\"--yes\"]\n\
         [tools.aider.run]\nwall = \"60s\"\n[plugins.command]\nrun = [\"aider\"]\n\
         read = [\".\"]\nwrite = [\".\"]\n",
        program.display()
    );
    write(&policy, &text);
    policy.to_str().unwrap().to_owned()
}

/// Has the stand-in run by the command adapter.
fn run(home: &Home, policy: &str, more: &[&str]) -> Said {
    let mut arguments = vec![
        "run",
        "command",
        "--policy",
        policy,
        "-i",
        "tool=aider",
        "-i",
        "template=ask",
        "--json",
    ];
    arguments.extend(more);
    remit(home, &arguments)
}

#[test]
fn a_stand_in_says_its_transcript_line_by_line_and_ends_as_it_was_told() {
    let home = Home::new();
    let policy = stand_in(&home, &["--delay", "20ms", "--exit", "7"]);
    let said = run(&home, &policy, &[]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let last: serde_json::Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
    let outputs = &last["outcome"]["outputs"];
    assert_eq!(outputs["output"], "first line\nsecond line\n");
    assert_eq!(outputs["details"]["exit"]["code"], 7);
    assert!(outputs["error"].as_str().unwrap().contains("a complaint"));
    let pieces = said
        .out
        .lines()
        .filter(|line| line.contains("\"tool-output\""))
        .count();
    assert!(
        pieces >= 3,
        "a complaint and two lines, each by itself: {said:?}"
    );
}

#[test]
fn a_stand_in_changes_what_it_was_told_to() {
    let home = Home::new();
    let fixed = home.path("out/fixed");
    write(&fixed, "fixed\n");
    let option = format!("src/calc.py={}", fixed.display());
    let policy = stand_in(&home, &["--write", &option]);
    let said = run(&home, &policy, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let written = std::fs::read_to_string(home.workspace().join("src/calc.py")).unwrap();
    assert_eq!(written, "fixed\n");
}

#[test]
fn a_stubborn_stand_in_is_ended_at_its_limit() {
    let home = Home::new();
    let policy = stand_in(&home, &["--ignore-signals", "--linger", "1h"]);
    let said = run(&home, &policy, &["-i", "timeout_ms=500"]);
    let last: serde_json::Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
    let exit = &last["outcome"]["outputs"]["details"]["exit"];
    assert_eq!(exit["killed"], "wall-timeout", "{said:?}");
    assert_eq!(
        last["outcome"]["outputs"]["output"],
        "first line\nsecond line\n"
    );
}

#[test]
fn an_orphan_of_a_stand_in_holds_nobody_up_and_does_not_stay() {
    let home = Home::new();
    let policy = stand_in(&home, &["--leave-orphan"]);
    let said = run(&home, &policy, &[]);
    // The orphan would hold the outputs open for ten minutes; the end of the tool ends it.
    assert_eq!(said.code, Some(0), "{said:?}");
    let gone = || crate::machine::inside(&home.workspace()).is_empty();
    assert!(crate::machine::until(PATIENCE, gone), "still there");
}

#[test]
fn a_stand_in_is_no_longer_than_its_place_and_overwrites_nothing() {
    let home = Home::new();
    stand_in(&home, &[]);
    let transcript = home.path("out/transcript");
    let bin = home.path("out/bin");
    let arguments = [
        "fixture",
        "replay-cli",
        "--name",
        "aider",
        "--transcript",
        transcript.to_str().unwrap(),
        bin.to_str().unwrap(),
    ];
    let said = ends(&home, 2, &arguments);
    assert!(said.err.contains("cannot write"), "{said:?}");
    write(&transcript, &"x".repeat(600 << 10));
    std::fs::remove_file(bin.join("aider")).unwrap();
    let said = ends(&home, 2, &arguments);
    assert!(said.err.contains("more than"), "{said:?}");
}

#[test]
fn the_mock_adapter_says_what_it_says_without_a_tool() {
    let home = Home::new();
    let said = ends(&home, 0, &["run", "mock", "--json"]);
    let last: serde_json::Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
    let outputs = &last["outcome"]["outputs"];
    assert_eq!(outputs["output"], "Mock output");
    assert_eq!(outputs["duration-ms"], 100.0);
    assert_eq!(outputs["success"], true);
    let said = ends(
        &home,
        1,
        &["run", "mock", "--json", "-i", "outcome=rejected"],
    );
    let last: serde_json::Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
    assert_eq!(last["outcome"]["status"], "rejected");
}
