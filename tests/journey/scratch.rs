//! Scratch directories from outside: what a plugin and its tools hand each other, in runs and in
//! durable tasks, and that nothing of it is left, however the host ends.
//!
//! Never: a run that leaves a file in the workspace.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::check::events;
use crate::home::{Home, PATIENCE, finish, wait};
use crate::machine::{send, until};

/// Tools that are given files of the scratch directory.
const POLICY: &str = r#"
format = 1
[tools.copy]
program = "cp"
[tools.copy.templates]
to = ["--", "{from:scratch}", "{to:scratch}"]
report = ["--", "{from:scratch}", "{scratch}/report.txt"]
[tools.link]
program = "ln"
[tools.link.templates]
out = ["-s", "/etc/passwd", "{scratch}/out"]
[tools.say]
program = "printenv"
[tools.say.templates]
where = ["REMIT_SCRATCH"]
set = ["PLACE"]
[tools.say.run]
set = { PLACE = "{scratch}/place" }
[tools.wait]
program = "tail"
[tools.wait.templates]
on = ["-f", "{file:scratch}"]
[plugins.probe]
file = "$PROBE"
run = ["copy", "say"]
"#;

fn furnished() -> Home {
    let home = Home::new();
    let policy = POLICY.replace("$PROBE", &home.places()["$PROBE"]);
    std::fs::write(home.path("out/policy.toml"), policy).unwrap();
    home
}

fn run_arguments(home: &Home, more: &[&str]) -> Vec<String> {
    let policy = home.path("out/policy.toml").to_str().unwrap().to_owned();
    let probe = &home.places()["$PROBE"];
    let mut arguments: Vec<String> = ["run", probe, "--policy", &policy, "--input-file", "-"]
        .map(str::to_owned)
        .into();
    for tool in ["copy", "link", "say", "wait"] {
        arguments.push(format!("--allow-run={tool}"));
    }
    arguments.extend(more.iter().map(|more| (*more).to_owned()));
    arguments
}

/// Has the probe do something in a run of its own.
fn run(home: &Home, more: &[&str], inputs: &Value) -> Output {
    let command = home.remit(&run_arguments(home, more));
    finish(command, &inputs.to_string())
}

fn tool(tool: &str, template: &str, slots: Value) -> Value {
    json!({"action": "run", "call": {"tool": tool, "template": template, "slots": slots}})
}

/// What the plugin said at the end.
fn outputs(output: &Output) -> Value {
    let events = events(&String::from_utf8_lossy(&output.stdout)).unwrap();
    let last = events.last().unwrap();
    last.pointer("/outcome/outputs").unwrap_or(last).clone()
}

/// What lies below the directory for temporary files.
fn left(home: &Home) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(home.path("tmp")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn handing_over() -> Value {
    json!({"action": "sequence", "actions": [
        {"action": "write", "path": "/scratch/prompt", "text": "words"},
        tool("copy", "to", json!({"from": "prompt", "to": "answer"})),
        tool("copy", "report", json!({"from": "answer"})),
        {"action": "read", "path": "/scratch/report.txt"},
    ]})
}

#[test]
fn a_plugin_without_any_directory_hands_a_tool_a_file_and_reads_what_it_wrote() {
    let home = furnished();
    let done = run(&home, &["--json"], &handing_over());
    assert_eq!(done.status.code(), Some(0), "{done:#?}");
    let said = outputs(&done);
    assert!(said.to_string().contains("\"words\""), "{said}");
    assert_eq!(std::fs::read_dir(home.workspace()).unwrap().count(), 0);
    assert_eq!(left(&home), Vec::<PathBuf>::new());
    // What was started is on record as it was: with the path at which the tool found the file.
    let started = events(&String::from_utf8_lossy(&done.stdout)).unwrap();
    let started = started.iter().find(|event| event["type"] == "tool-started");
    let argument = started.unwrap()["arguments"][1].as_str().unwrap();
    assert!(
        argument.starts_with('/') && argument.ends_with("/prompt"),
        "{argument}"
    );
}

#[test]
fn a_tool_is_told_where_it_is_and_a_declaration_can_name_it() {
    let home = furnished();
    let inputs = json!({"action": "sequence", "actions": [
        tool("say", "where", json!({})), tool("say", "set", json!({})),
    ]});
    let done = run(&home, &["--json"], &inputs);
    let said = outputs(&done).to_string();
    assert!(said.contains("/place\\n"), "{said}");
    let told = tool("say", "where", json!({}));
    let told = outputs(&run(&home, &["--json"], &told))["ok"]["stdout"].clone();
    let told = PathBuf::from(told.as_str().unwrap().trim_end());
    assert!(told.starts_with(home.path("tmp")), "{told:?}");
}

#[test]
fn a_link_that_a_tool_leaves_there_does_not_lead_the_plugin_out() {
    let home = furnished();
    let inputs = json!({"action": "sequence", "actions": [
        tool("link", "out", json!({})),
        {"action": "read", "path": "/scratch/out"},
    ]});
    let said = outputs(&run(&home, &["--json"], &inputs)).to_string();
    assert!(!said.contains("root:"), "{said}");
    assert!(said.contains("error"), "{said}");
}

#[test]
fn what_is_asked_to_be_kept_is_kept_and_where_is_said() {
    let home = furnished();
    let done = run(&home, &["--keep-scratch"], &handing_over());
    let said = String::from_utf8(done.stderr).unwrap();
    let place = said
        .lines()
        .find_map(|line| line.strip_prefix("scratch directory kept: "))
        .unwrap_or_else(|| panic!("{said}"));
    let text = std::fs::read_to_string(PathBuf::from(place).join("answer")).unwrap();
    assert_eq!(text, "words");
    assert_eq!(left(&home), [PathBuf::from(place)]);
    let nothing = json!({"action": "random", "count": 1});
    let done = run(&home, &["--keep-scratch", "--json"], &nothing);
    assert_eq!(left(&home), [PathBuf::from(place)], "{done:?}");
}

#[test]
fn what_a_killed_host_leaves_is_removed_by_the_next_one() {
    let home = furnished();
    let mut host = home
        .remit(&run_arguments(&home, &["--json"]))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let inputs = json!({"action": "sequence", "actions": [
        {"action": "write", "path": "/scratch/prompt", "text": "left behind"},
        tool("wait", "on", json!({"file": "prompt"})),
    ]});
    let mut stdin = host.stdin.take().unwrap();
    stdin.write_all(inputs.to_string().as_bytes()).unwrap();
    drop(stdin);
    let holds = || !crate::home::containing(&home.path("tmp"), "left behind").is_empty();
    assert!(until(PATIENCE, holds));
    send(host.id(), Signal::KILL);
    wait(host);
    assert!(holds());
    run(&home, &["--json"], &handing_over());
    assert_eq!(left(&home), Vec::<PathBuf>::new());
}

#[test]
fn attempts_at_durable_tasks_have_their_own() {
    let home = furnished();
    let task = |id: &str| {
        let mine = format!("/scratch/{id}");
        json!({"id": id, "plugin": "probe", "inputs": {"action": "sequence", "actions": [
            {"action": "write", "path": mine, "text": id},
            tool("copy", "to", json!({"from": id, "to": "copied"})),
            {"action": "ls", "path": "/scratch"},
            tool("say", "where", json!({})),
        ]}})
    };
    let plan = json!({"format": 1, "run": "r", "tasks": [task("one"), task("two")]});
    std::fs::write(home.path("out/plan.json"), plan.to_string()).unwrap();
    let path = |name: &str| home.path(name).to_str().unwrap().to_owned();
    let (plan, policy) = (path("out/plan.json"), path("out/policy.toml"));
    let done = finish(home.remit(&["execute", &plan, "--policy", &policy]), "");
    assert_eq!(done.status.code(), Some(0), "{done:#?}");
    let mut places = Vec::new();
    for id in ["one", "two"] {
        let shown = finish(home.remit(&["events", &format!("r/{id}"), "--raw"]), "");
        let shown = String::from_utf8(shown.stdout).unwrap();
        let own = shown
            .lines()
            .find(|line| line.contains("remit-host-") && !line.contains(id));
        places.push(own.unwrap_or_else(|| panic!("{shown}")).to_owned());
    }
    assert_ne!(places[0], places[1]);
    assert_eq!(left(&home), Vec::<PathBuf>::new());
}
