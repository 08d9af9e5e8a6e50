//! Output that nobody reads any more: the program ends as it would have, without a panic.
//!
//! Never: a pipe that stays open in this process.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::home::{Home, wait};

/// A pipe whose reader has gone.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[test]
fn a_closed_standard_output_is_no_fault() {
    let home = Home::new();
    let probe = home.places()["$PROBE"].clone();
    for arguments in [
        "--help",
        "--version",
        "run --help",
        "doctor",
        "doctor --json",
        "plugin list",
        "tool list",
        "tool check git",
        "policy show --json",
        "trust --list",
        "audit show",
        "audit show --json",
        "audit verify --json",
        "audit tail -n 3",
        "audit schema",
        "runs",
        "runs --json",
        "events",
        "metrics",
        "circuit",
        "task list",
        "schema module-creation",
        "inspect module-creation",
        "inspect module-creation --json",
        "completions bash",
        "completions zsh",
        "completions fish",
        &format!("run {probe} -i action=stat -i path=."),
        &format!("run {probe} -i action=stat -i path=. --json"),
    ] {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let mut command = home.remit(&arguments);
        command.stdout(closed());
        let output = wait(command.spawn().unwrap());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    }
}

#[test]
fn closed_streams_change_no_exit_code() {
    let home = Home::new();
    let probe = home.places()["$PROBE"].clone();
    for (arguments, code) in [
        (vec!["run", "nothing"], 2),
        (vec!["run", "module-creation"], 3),
        (vec!["run", &probe, "-i", "action=trap"], 10),
        (vec!["inspect", "nothing.wasm"], 2),
    ] {
        let mut command = home.remit(&arguments);
        command.stdout(closed()).stderr(closed());
        let output = wait(command.spawn().unwrap());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_leaves_ends_neither_the_run_nor_its_record() {
    let home = Home::new();
    let probe = home.places()["$PROBE"].clone();
    let mut child = home
        .remit(&[
            "run",
            &probe,
            "--json",
            "-i",
            "action=flood-steps",
            "-i",
            "count=20000",
        ])
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut first).unwrap();
    drop(stdout);
    let output = wait(child);
    assert!(first.contains("run-started"), "{first}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let records = crate::tree::read(&home.path("home/state/remit/runs"));
    let whole = records.values().any(|node| match node {
        crate::tree::Node::File(bytes) => {
            String::from_utf8_lossy(bytes).contains("\"type\":\"run-finished\"")
        }
        crate::tree::Node::Link(_) | crate::tree::Node::Directory => false,
    });
    assert!(
        whole,
        "the record on disk has the end: {:?}",
        records.keys()
    );
}
