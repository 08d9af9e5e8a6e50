//! The audit log under what cannot be said in a table: changed by someone, killed in between,
//! written by several runs, followed while it grows.
//!
//! Never: a log that anything but the program wrote.

use std::io::{BufRead as _, BufReader, Seek as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Output};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::home::{Home, finish, repository, wait};
use crate::machine::send;

/// How many hosts are killed.
const TRIES: usize = 8;

fn policy() -> String {
    let path = repository().join("tests/journey/cases/audit/policy.toml");
    path.to_str().unwrap().to_owned()
}

/// A run of the probe that may use the tools of the case `audit`.
fn probe(home: &Home, inputs: &Value) -> std::process::Command {
    let place = home.places()["$PROBE"].clone();
    let mut command = home.remit(&["run", &place, "--json", "--allow-read", "--input-file", "-"]);
    command.args(["--allow-run=python,gone", "--policy", &policy()]);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(inputs.to_string().as_bytes()).unwrap();
    file.rewind().unwrap();
    command.stdin(file);
    command
}

fn call(template: &str) -> Value {
    json!({"action": "run", "call": {"tool": "python", "template": template}})
}

fn audit(home: &Home, arguments: &[&str]) -> Output {
    finish(home.remit(&[&["audit"], arguments].concat()), "")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What `verify --json` says.
fn verify(home: &Home) -> Value {
    let output = audit(home, &["verify", "--json"]);
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    let code = if verdict["ok"] == true { 0 } else { 1 };
    assert_eq!(output.status.code(), Some(code), "{verdict}");
    verdict
}

fn log(home: &Home) -> PathBuf {
    home.path("home/state/remit/audit/00000001.jsonl")
}

#[test]
fn every_line_of_real_runs_fits_the_schema_and_holds_no_value() {
    let home = Home::new();
    for inputs in [
        call("make"),
        call("other"),
        json!({"action": "run", "call": {"tool": "gone", "template": "run"}}),
        json!({"action": "run", "call": {"tool": "git", "template": "status"}}),
        json!({"action": "write", "path": "x", "text": "written-canary"}),
        json!({"action": "trap"}),
    ] {
        let mut command = probe(&home, &inputs);
        command.env("AUDIT_PASSED", "passed-canary");
        wait(command.spawn().unwrap());
    }
    let schema = audit(&home, &["schema"]).stdout;
    let schema: Value = serde_json::from_slice(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let text = std::fs::read_to_string(log(&home)).unwrap();
    for line in text.lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        let wrong: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| error.to_string())
            .collect();
        assert!(wrong.is_empty(), "{line}\n{wrong:?}");
    }
    for kind in ["spawn", "exit", "refused", "denial", "files-changed"] {
        assert!(text.contains(&format!("\"type\":\"{kind}\"")), "no {kind}");
    }
    // Arguments are on record as they are; what a tool prints, gets or writes is not.
    for canary in [
        "passed-canary",
        "fixed-canary",
        "written-canary",
        "\"output-canary",
    ] {
        assert!(!text.contains(canary), "{canary}");
    }
    assert_eq!(verify(&home)["ok"], true);
}

#[test]
fn a_changed_log_is_found_and_nothing_runs_until_someone_looked() {
    let home = Home::new();
    for _ in 0..2 {
        let output = wait(probe(&home, &call("other")).spawn().unwrap());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    let noted = verify(&home)["head"].as_str().unwrap().to_owned();
    let original = std::fs::read_to_string(log(&home)).unwrap();
    let lines: Vec<&str> = original.lines().collect();
    let without = |number: usize| {
        let mut lines = lines.clone();
        lines.remove(number);
        lines.join("\n") + "\n"
    };
    for (changed, kind, place) in [
        (original.replacen("python", "pyth0n", 1), "edited", ":2: "),
        (without(3), "deleted", ":4: "),
        (without(lines.len() - 1), "truncated", ""),
        (original[..original.len() / 2].to_owned(), "truncated", ""),
    ] {
        std::fs::write(log(&home), &changed).unwrap();
        assert_eq!(verify(&home)["finding"]["kind"], kind);
        let output = audit(&home, &["verify"]);
        assert_eq!(output.status.code(), Some(1));
        let said = stderr(&output);
        assert!(said.contains(kind) && said.contains(place), "{said}");
    }
    // The end is not there: nothing runs, and nothing is added.
    let cut = std::fs::read_to_string(log(&home)).unwrap();
    let output = wait(probe(&home, &call("make")).spawn().unwrap());
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("fix: look at it: remit audit verify"));
    assert!(!home.workspace().join("made.txt").exists());
    assert_eq!(std::fs::read_to_string(log(&home)).unwrap(), cut);
    // Someone who deletes everything is found by what was noted elsewhere.
    std::fs::remove_dir_all(home.path("home/state/remit/audit")).unwrap();
    wait(probe(&home, &call("other")).spawn().unwrap());
    assert_eq!(verify(&home)["ok"], true);
    let output = audit(&home, &["verify", "--head", &noted]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}

#[test]
fn nothing_runs_where_the_audit_cannot_be_written() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("home/state/remit")).unwrap();
    std::fs::write(home.path("home/state/remit/audit"), "in the way").unwrap();
    let output = wait(probe(&home, &call("make")).spawn().unwrap());
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.contains("the audit log cannot be used"), "{said}");
    assert!(said.contains("nothing runs without its audit"), "{said}");
    assert!(!home.workspace().join("made.txt").exists());
}

#[test]
fn killed_hosts_leave_a_log_that_verifies() {
    let home = Home::new();
    let many = json!({
        "action": "run-many", "count": 10_000,
        "call": {"tool": "python", "template": "other"},
    });
    for attempt in 1..=TRIES {
        let mut hosts: Vec<Child> = (0..2)
            .map(|_| probe(&home, &many).spawn().unwrap())
            .collect();
        for host in &mut hosts {
            let mut said = Vec::new();
            // Each somewhere else: after so many ends of tools.
            let ended = BufReader::new(host.stdout.take().unwrap())
                .lines()
                .map_while(Result::ok)
                .inspect(|line| said.push(line.clone()))
                .filter(|line| line.contains("\"type\":\"tool-finished\""))
                .take(attempt)
                .count();
            assert_eq!(ended, attempt, "{}", said.join("\n"));
            send(host.id(), Signal::KILL);
            host.wait().unwrap();
        }
        let verdict = verify(&home);
        assert_eq!(verdict["ok"], true, "try {attempt}: {verdict}");
        let output = wait(probe(&home, &call("other")).spawn().unwrap());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    let after = verify(&home);
    assert_eq!((&after["ok"], &after["torn"]), (&json!(true), &Value::Null));
}

#[test]
fn runs_at_the_same_time_make_one_chain_and_can_be_followed() {
    let home = Home::new();
    wait(probe(&home, &call("other")).spawn().unwrap());
    let mut tail = home
        .remit(&["audit", "tail", "-n", "1", "--follow", "--json"])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let first = next();
    assert_eq!(first["type"], "run-finished", "{first}");

    let hosts: Vec<Child> = (0..4)
        .map(|_| probe(&home, &call("other")).spawn().unwrap())
        .collect();
    for host in hosts {
        let output = wait(host);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    let mut seq = first["seq"].as_u64().unwrap();
    let mut ends = 0;
    while ends < 4 {
        let line = next();
        seq += 1;
        assert_eq!(line["seq"], seq, "{line}");
        ends += usize::from(line["type"] == "run-finished");
    }
    tail.kill().unwrap();
    tail.wait().unwrap();
    let verdict = verify(&home);
    assert_eq!(
        (&verdict["ok"], &verdict["entries"]),
        (&json!(true), &json!(seq))
    );
}
