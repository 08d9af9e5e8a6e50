//! A host process of its own: the test program, started again to play a role.
//!
//! Never: a host that outlives its test.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use remit_engine::seam::RunningTool;
use remit_process::Hold;
use tempfile::TempDir;

use crate::fixture::{Bench, PATIENCE, invocation, probe, read_until};
use crate::{soak, spawning, streams};

/// Which role the process plays. Without it, `role` is an empty test.
pub(crate) const ROLE: &str = "REMIT_TEST_ROLE";

/// Arguments of the role, separated by spaces.
pub(crate) const ARGUMENTS: &str = "REMIT_TEST_ARGUMENTS";

/// Not a test by itself: what a started host does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn role() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let arguments = std::env::var(ARGUMENTS).unwrap();
    match role.as_str() {
        "tree" => hold_tree(&arguments).await,
        "soak" => soak::soak().await,
        "soak-confined" => soak::soak_confined().await,
        "flood" => streams::flood(&arguments).await,
        "spawn" => spawning::spawn_some(&arguments).await,
        other => panic!("no role {other}"),
    }
}

/// The test program as a command that plays a role.
pub(crate) fn command(wrapper: &[&str], role: &str, arguments: &str) -> Command {
    let own = std::env::current_exe().unwrap();
    let mut words: Vec<_> = wrapper.iter().map(std::ffi::OsString::from).collect();
    words.push(own.into());
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .args(["host::role", "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .env(ARGUMENTS, arguments);
    command
}

/// A started host. What it leaves in its temporary directory when it is killed goes with this.
pub(crate) struct Host {
    pub(crate) process: Child,
    _output: BufReader<ChildStdout>,
    _scratch: TempDir,
}

/// Starts a host and waits until it says `word`. The rest of its output stays unread.
pub(crate) fn start(role: &str, arguments: &str, word: &str) -> Host {
    let scratch = tempfile::tempdir().unwrap();
    let mut process = command(&[], role, arguments)
        .env("TMPDIR", scratch.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(word) {
        line.clear();
        let read = output.read_line(&mut line).unwrap();
        assert_ne!(read, 0, "the host ended without `{word}`");
    }
    Host {
        process,
        _output: output,
        _scratch: scratch,
    }
}

/// The role `tree`: starts a tree, says so, and waits to be killed.
async fn hold_tree(arguments: &str) {
    let words: Vec<&str> = arguments.split(' ').collect();
    let (hold, arguments) = words.split_first().unwrap();
    let bench = Bench::new();
    let mut start = invocation(probe(), arguments);
    let (hold, short) = match hold.strip_suffix("-short") {
        Some(hold) => (hold, true),
        None => (*hold, false),
    };
    start.hold = match hold {
        "strongest" => Hold::Strongest,
        "without-namespace" => Hold::WithoutNamespace,
        other => panic!("{other}"),
    };
    if short {
        // Long enough to be seen standing, and to be stopped before the host's own limit.
        start.limits.wall = Duration::from_secs(2);
    }
    println!("about to start");
    let mut running = bench.broker.spawn(start).await.unwrap();
    read_until(&mut running, "ready").await;
    println!("the tree stands");
    running.next_event(1).await;
}

/// The living processes with this word among their arguments, as pids.
pub(crate) fn with_argument(word: &str) -> Vec<i32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if line
            .split(|byte| *byte == 0)
            .any(|argument| argument == word.as_bytes())
        {
            found.push(pid);
        }
    }
    found
}

/// Waits until no process has this word among its arguments. Fails after a second: that is the
/// guarantee.
pub(crate) fn none_survives(word: &str, what: &str) {
    let limit = Instant::now() + Duration::from_secs(1);
    loop {
        let left = with_argument(word);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < limit, "{what}: {left:?} live on");
        std::thread::yield_now();
    }
}

/// The children of a process.
pub(crate) fn children(parent: u32) -> Vec<i32> {
    let mut all = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{parent}/task"))
        .unwrap()
        .flatten()
    {
        let list = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        all.extend(
            list.split_whitespace()
                .map(|pid| pid.parse::<i32>().unwrap()),
        );
    }
    all
}

/// Waits for a host that ends by itself, and returns whether it was content.
pub(crate) fn finish(mut child: Child) -> bool {
    let limit = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.success();
        }
        assert!(Instant::now() < limit, "the host does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}
