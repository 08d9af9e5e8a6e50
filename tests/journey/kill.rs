//! The end of a run from outside: signals to the host, and what is left of its processes.
//!
//! Never: a tree that was not seen alive before the host was ended.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::check::events;
use crate::home::{Home, PATIENCE, wait};
use crate::machine::{inside, kill, send, until, with_argument};

/// How long a process of a run may outlive its host.
const OUTLIVE: Duration = Duration::from_secs(1);

/// How many hosts are killed.
const TRIES: usize = 20;

const POLICY: &str = r#"
format = 1
[tools.tree]
program = "python3"
[tools.tree.templates]
grow = ["-I", "-B", "{file:relpath}", "{shape:enum:deep|daemon|leaver|churn|stubborn}", "--", "{tag:text}"]
"#;

/// A host in the middle of a run, whose tool has grown its tree.
pub(crate) struct Running {
    pub(crate) home: Home,
    host: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    tag: String,
}

impl Running {
    /// Starts a run of the probe and waits until the tree says that it has grown.
    fn start(action: &str, shape: &str) -> Self {
        Self::under(action, shape, |_, _| {
            vec!["--allow-read".to_owned(), "--allow-run=tree".to_owned()]
        })
    }

    /// The same, under what `allow` makes of the home and the policy that declares the tool; it
    /// returns further arguments.
    pub(crate) fn under(
        action: &str,
        shape: &str,
        allow: impl FnOnce(&Home, &Path) -> Vec<String>,
    ) -> Self {
        let home = Home::new();
        let program = include_str!("programs/tree.py");
        std::fs::write(home.workspace().join("tree.py"), program).unwrap();
        let policy = home.path("out/policy.toml");
        std::fs::write(&policy, POLICY).unwrap();
        let arguments = allow(&home, &policy);
        let tag = format!("tree-of-{}", name_of(&home.path("")));
        let call = json!({
            "tool": "tree", "template": "grow",
            "slots": {"file": "tree.py", "shape": shape, "tag": tag},
        });
        let mut host = home
            .remit(&[
                "run",
                &home.places()["$PROBE"],
                "--json",
                "--input-file",
                "-",
            ])
            .args(arguments)
            .arg("--policy")
            .arg(&policy)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let inputs = json!({"action": action, "call": call}).to_string();
        host.stdin
            .take()
            .unwrap()
            .write_all(inputs.as_bytes())
            .unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(host.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut running = Self {
            home,
            host,
            lines,
            seen: Vec::new(),
            tag,
        };
        running.await_ready();
        running
    }

    fn await_ready(&mut self) {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                kill(self.host.id());
                panic!("the tree did not grow: {:#?}", self.seen);
            };
            let event: Value = serde_json::from_str(&line).unwrap();
            self.seen.push(line);
            if event["type"] == "tool-output" && event["text"] == "ready\n" {
                return;
            }
        }
    }

    /// Waits for the host's end; what it said and left.
    pub(crate) fn end(self) -> Ended {
        let Self {
            home,
            host,
            lines,
            mut seen,
            tag,
        } = self;
        let output = wait(host);
        seen.extend(lines.iter());
        Ended {
            output,
            events: seen.join("\n"),
            alive: alive(&home, &tag),
        }
    }
}

/// What a host left when it ended by itself.
pub(crate) struct Ended {
    pub(crate) output: Output,
    pub(crate) events: String,
    pub(crate) alive: Vec<u32>,
}

/// Processes of a run: by the tag in their arguments, or by their directory.
fn alive(home: &Home, tag: &str) -> Vec<u32> {
    let mut alive = with_argument(tag);
    alive.extend(inside(&home.workspace()));
    alive
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn a_killed_host_leaves_no_process() {
    let shapes = ["deep", "daemon", "churn", "stubborn"];
    for (attempt, shape) in shapes.iter().cycle().take(TRIES).enumerate() {
        let mut running = Running::start("run", shape);
        let before = with_argument(&running.tag).len();
        assert!(before > 0, "the tree is seen");
        send(running.host.id(), Signal::KILL);
        let gone = until(OUTLIVE, || alive(&running.home, &running.tag).is_empty());
        let left = alive(&running.home, &running.tag);
        running.host.wait().unwrap();
        for id in &left {
            kill(*id);
        }
        assert!(
            gone,
            "try {attempt}, {shape}: {left:?} of {before} outlived their host"
        );
    }
}

#[test]
fn a_signal_cancels_the_run_and_leaves_nothing() {
    for (signal, action, shape) in [
        (Signal::INT, "run", "deep"),
        (Signal::TERM, "run", "daemon"),
        (Signal::HUP, "run", "churn"),
        (Signal::INT, "run", "stubborn"),
        // The guest itself is busy, not the host on its behalf.
        (Signal::INT, "spawn-spin", "deep"),
    ] {
        let what = format!("{signal:?} while {action} {shape}");
        let running = Running::start(action, shape);
        send(running.host.id(), signal);
        let ended = running.end();
        assert_eq!(
            ended.output.status.code(),
            Some(8),
            "{what}: {}",
            ended.said()
        );
        let events = events(&ended.events).unwrap();
        let last = events.last().unwrap();
        assert_eq!(last["outcome"]["status"], "cancelled", "{what}: {last}");
        assert_eq!(last["outcome"]["reason"], "requested", "{what}: {last}");
        assert!(ended.alive.is_empty(), "{what}: {:?} is left", ended.alive);
    }
}

#[test]
fn a_second_signal_is_no_harm() {
    let running = Running::start("run", "stubborn");
    send(running.host.id(), Signal::INT);
    send(running.host.id(), Signal::INT);
    let ended = running.end();
    assert_eq!(ended.output.status.code(), Some(8), "{}", ended.said());
    let events = events(&ended.events).unwrap();
    assert_eq!(events.last().unwrap()["outcome"]["status"], "cancelled");
    assert!(ended.alive.is_empty(), "{:?} is left", ended.alive);
}

#[test]
fn a_run_that_ends_by_itself_leaves_nothing() {
    for (action, shape) in [
        // The tool ends and leaves daemons behind.
        ("run", "leaver"),
        // The guest ends and leaves its tool behind: by dropping it, and by forgetting it.
        ("spawn-drop", "daemon"),
        ("spawn-forget", "churn"),
        ("spawn-forget", "deep"),
    ] {
        let ended = Running::start(action, shape).end();
        assert_eq!(
            ended.output.status.code(),
            Some(0),
            "{action} {shape}: {}",
            ended.said()
        );
        assert!(
            ended.alive.is_empty(),
            "{action} {shape}: {:?} is left",
            ended.alive
        );
    }
}

impl Ended {
    pub(crate) fn said(&self) -> String {
        format!(
            "{}\n{}",
            self.events,
            String::from_utf8_lossy(&self.output.stderr)
        )
    }
}
