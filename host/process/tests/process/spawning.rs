//! G18: the host never forks.

use std::process::Stdio;

use crate::fixture::Bench;
use crate::host;

/// Starts in the role.
const STARTS: usize = 20;

/// The role `spawn`: some starts, and a mark around them for whoever traces.
pub(crate) async fn spawn_some() {
    let bench = Bench::new();
    for _ in 0..STARTS {
        bench.run("/bin/true", &[]).await;
    }
}

#[test]
fn the_host_starts_its_supervisors_without_copying_itself() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("trace");
    let trace = trace.to_str().unwrap();
    // Without `-f` only this process is traced: the host, with its threads, not what it starts.
    let wrapper = [
        "strace",
        "-qq",
        "-f",
        "-e",
        "trace=clone,clone3,fork,vfork",
        "-o",
        trace,
    ];
    let traced = host::command(&wrapper, "spawn", "")
        .stdout(Stdio::null())
        .status();
    match traced {
        Ok(status) => {
            assert!(status.success());
            check_trace(&std::fs::read_to_string(trace).unwrap());
        }
        Err(error) => {
            eprintln!(
                "strace is not usable here ({error}); looking at the costs of a start instead"
            );
            let child = host::command(&[], "spawn", "").spawn().unwrap();
            assert!(host::finish(child));
        }
    }
}

/// Every process that the host or one of its threads made shares its memory until it executes.
fn check_trace(trace: &str) {
    let mut host: Vec<&str> = trace.split_whitespace().take(1).collect();
    let mut starts = 0;
    for line in trace.lines() {
        let (pid, call) = line.split_once(' ').unwrap();
        let made = call.rsplit_once("= ").map(|(_, made)| made.trim());
        if !host.contains(&pid) {
            continue;
        }
        if call.contains("CLONE_THREAD") {
            host.extend(made);
        } else if call.contains("CLONE_VFORK") {
            assert!(call.contains("CLONE_VM"), "{line}");
            starts += 1;
        } else if call.contains("clone") || call.contains("fork") {
            panic!("the host copied itself: {line}");
        }
    }
    assert!(starts >= STARTS, "only {starts} starts in:\n{trace}");
}
