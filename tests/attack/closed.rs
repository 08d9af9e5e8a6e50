//! The host process during a run, for others that run as the same user: closed.
//!
//! Never: a refusal that an open process would give as well; each is held against one.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;

use crate::home::wait;
use crate::machine;
use crate::stage::{NOBODY, Stage, User};

const POLICY: &str = r#"
format = 1
[tools.waits]
program = "python3"
[tools.waits.templates]
wait = ["-I", "-B", "-c", "import time; print('here', flush=True); time.sleep(600)"]
"#;

/// What the kernel tells of a process to whoever may debug it.
const TOLD: [&str; 4] = ["environ", "auxv", "mem", "maps"];

/// A user who is not root: root may look at everything.
fn user() -> User {
    if rustix::process::geteuid().is_root() {
        User::Nobody
    } else {
        User::Own
    }
}

/// A program of that user.
fn command(user: User, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C");
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if user == User::Nobody {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Whether that user may look into these files of a process, and list its descriptors.
fn may_look(user: User, process: u32) -> Vec<(String, bool)> {
    let look = |name: &str, mut command: Command| {
        let said = String::from_utf8(command.output().unwrap().stderr).unwrap();
        // An open process says something else of an address at which nothing is.
        (name.to_owned(), !said.contains("Permission denied"))
    };
    let mut looks: Vec<_> = TOLD
        .iter()
        .map(|name| {
            let path = format!("/proc/{process}/{name}");
            look(name, command(user, "head", &["-c", "1", &path]))
        })
        .collect();
    let path = format!("/proc/{process}/fd");
    looks.push(look("fd", command(user, "ls", &[&path])));
    looks
}

/// The program with a tool that runs until it is ended, and what it says from there on.
fn running(stage: &Stage) -> (Child, impl Iterator) {
    let policy = stage.home.path("out/policy.toml");
    std::fs::write(&policy, POLICY).unwrap();
    stage.hand_over();
    let mut host = stage
        .remit(&["run", "command", "--json", "--no-prompt"])
        .args(["--allow-read", "--allow-run=waits", "--policy"])
        .arg(policy)
        .args(["-i", "tool=waits", "-i", "template=wait"])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(host.stdout.take().unwrap()).lines();
    let here = lines.any(|line| line.unwrap().contains(r#""text":"here\n""#));
    if !here {
        panic!("the tool did not start: {:?}", wait(host));
    }
    (host, lines)
}

#[test]
fn nobody_of_the_same_user_looks_into_a_running_host() {
    let user = user();
    let mut open = command(user, "sleep", &["600"]).spawn().unwrap();
    let looks = may_look(user, open.id());
    machine::kill(open.id());
    open.wait().unwrap();
    assert!(looks.iter().all(|(_, may)| *may), "no control: {looks:?}");

    let stage = Stage::set(user, None);
    let (host, lines) = running(&stage);
    let looks = may_look(user, host.id());
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", host.id())).unwrap();
    machine::send(host.id(), Signal::TERM);
    let output = wait(host);
    drop(lines);
    assert!(looks.iter().all(|(_, may)| !*may), "{looks:?}");
    let core = limits.lines().find(|line| line.starts_with("Max core"));
    let words: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(words, ["Max", "core", "file", "size", "0", "0", "bytes"]);
    assert_eq!(output.status.code(), Some(8), "{output:?}");
}
