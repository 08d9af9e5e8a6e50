//! G7: the whole tree ends, however it was built and whatever ended it.
//!
//! Never: a process found by name; each tree carries a word of its own.

use std::time::{Duration, Instant};

use remit_core::tool::{Containment, Exit, KillCause};
use remit_engine::seam::RunningTool;
use remit_process::Hold;
use rustix::process::{Pid, Signal, kill_process};

use crate::fixture::{Bench, PATIENCE, finish, invocation, probe, read_until, within};
use crate::host::{children, none_survives, start, with_argument};

const KINDS: [&str; 4] = ["group", "daemon", "deep", "churn"];

/// Processes of a tree.
const COUNT: &str = "20";

/// Tries of each kind: what ends a tree races with what builds it.
const TRIES: usize = 5;

/// A word that only the processes of one tree have among their arguments.
fn tag(parts: &[&str]) -> String {
    format!("remit-tree-{}-{}", std::process::id(), parts.join("-"))
}

/// Whether this machine gives PID namespaces to the broker.
async fn has_namespaces() -> bool {
    let outcome = Bench::new().run("/bin/true", &[]).await;
    outcome.usage.containment == Containment::PidNamespace
}

#[tokio::test]
async fn a_cancelled_tree_is_gone_when_its_end_is_reported() {
    let bench = Bench::new();
    for hold in [Hold::Strongest, Hold::WithoutNamespace] {
        for kind in KINDS {
            let tag = tag(&["cancel", &format!("{hold:?}"), kind]);
            let mut start = invocation(probe(), &["tree", kind, COUNT, &tag]);
            start.hold = hold;
            let mut running = bench.broker.spawn(start).await.unwrap();
            read_until(&mut running, "ready").await;
            assert!(!with_argument(&tag).is_empty());
            running.kill(std::time::Duration::ZERO);
            let outcome = finish(running).await;
            assert_eq!(outcome.exit, Exit::Killed(KillCause::Requested));
            // At once, not in a second: the report waits for it.
            assert!(with_argument(&tag).is_empty(), "{hold:?} {kind}");
        }
    }
}

#[tokio::test]
async fn daemons_of_a_tool_that_exits_end_with_it_and_do_not_hold_its_streams() {
    let bench = Bench::new();
    for hold in [Hold::Strongest, Hold::WithoutNamespace] {
        let tag = tag(&["leak", &format!("{hold:?}")]);
        let mut start = invocation(probe(), &["leak", COUNT, &tag]);
        start.hold = hold;
        let outcome = finish(bench.broker.spawn(start).await.unwrap()).await;
        assert_eq!(outcome.exit, Exit::Code(0));
        assert!(with_argument(&tag).is_empty());
    }
}

#[tokio::test]
async fn a_dropped_handle_ends_the_tree() {
    let bench = Bench::new();
    for kind in KINDS {
        let tag = tag(&["drop", kind]);
        let mut running = bench.start(probe(), &["tree", kind, COUNT, &tag]).await;
        read_until(&mut running, "ready").await;
        drop(running);
        // The driver does the rest; it needs the thread that would otherwise look for survivors.
        let wait = tokio::task::spawn_blocking(move || none_survives(&tag, kind));
        within(wait).await.unwrap();
    }
}

#[tokio::test]
async fn a_start_that_is_given_up_leaves_nothing() {
    let bench = Bench::new();
    let tag = tag(&["given-up"]);
    for micros in (0..3000).step_by(100) {
        let start = invocation(probe(), &["tree", "daemon", "3", &tag]);
        let limit = std::time::Duration::from_micros(micros);
        drop(tokio::time::timeout(limit, bench.broker.spawn(start)).await);
    }
    within(bench.broker.close()).await;
    assert!(with_argument(&tag).is_empty());
}

#[tokio::test]
async fn the_end_of_the_run_ends_every_tool_and_nothing_starts_after_it() {
    let bench = Bench::new();
    let tag = tag(&["close"]);
    let mut all = Vec::new();
    for kind in KINDS {
        let mut running = bench.start(probe(), &["tree", kind, COUNT, &tag]).await;
        read_until(&mut running, "ready").await;
        all.push(running);
    }
    within(bench.broker.close()).await;
    assert!(with_argument(&tag).is_empty());
    for running in all {
        let outcome = finish(running).await;
        assert_eq!(outcome.exit, Exit::Killed(KillCause::RunEnded));
    }
    let error = bench
        .broker
        .spawn(invocation("/bin/true", &[]))
        .await
        .err()
        .unwrap();
    assert_eq!(error.code(), "run-ended");
}

#[test]
fn a_killed_host_leaves_nothing() {
    for hold in ["strongest", "without-namespace"] {
        for kind in KINDS {
            for _ in 0..TRIES {
                let tag = tag(&["host", hold, kind]);
                let arguments = format!("{hold} tree {kind} {COUNT} {tag}");
                let mut host = start("tree", &arguments, "the tree stands");
                host.process.kill().unwrap();
                none_survives(&tag, &format!("{hold} {kind}"));
                host.process.wait().unwrap();
            }
        }
    }
}

/// Tries of killing a host while it starts a tool.
const STARTS: u64 = 60;

#[test]
fn a_host_that_is_killed_during_a_start_leaves_nothing() {
    for try_number in 0..STARTS {
        let tag = tag(&["start", &try_number.to_string()]);
        let arguments = format!("strongest tree daemon 3 {tag}");
        let mut host = start("tree", &arguments, "about to start");
        // Each try kills at another step of the start, which takes about two milliseconds.
        std::thread::sleep(Duration::from_micros(try_number * 60));
        host.process.kill().unwrap();
        host.process.wait().unwrap();
        none_survives(&tag, "a host killed during a start");
    }
}

#[test]
fn a_host_that_hangs_keeps_no_tool_beyond_its_limit() {
    let hosts = ["strongest", "without-namespace"].map(|hold| {
        let tag = tag(&["hang", hold]);
        let arguments = format!("{hold}-short tree daemon 3 {tag}");
        let host = start("tree", &arguments, "the tree stands");
        kill_process(Pid::from_child(&host.process), Signal::STOP).unwrap();
        (host, tag)
    });
    let limit = Instant::now() + PATIENCE;
    for (mut host, tag) in hosts {
        while !with_argument(&tag).is_empty() {
            assert!(Instant::now() < limit, "{tag} lives on");
            std::thread::sleep(Duration::from_millis(50));
        }
        host.process.kill().unwrap();
        host.process.wait().unwrap();
    }
}

#[tokio::test]
async fn a_killed_supervisor_takes_the_tree_with_it() {
    if !has_namespaces().await {
        eprintln!("no PID namespaces here: a supervisor that is itself killed cannot end its tree");
        return;
    }
    for kind in KINDS {
        for _ in 0..TRIES {
            let tag = tag(&["supervisor", kind]);
            let arguments = format!("strongest tree {kind} {COUNT} {tag}");
            let mut host = start("tree", &arguments, "the tree stands");
            let supervisors = children(host.process.id());
            assert_eq!(supervisors.len(), 1);
            kill_process(Pid::from_raw(supervisors[0]).unwrap(), Signal::KILL).unwrap();
            none_survives(&tag, kind);
            host.process.kill().unwrap();
            host.process.wait().unwrap();
        }
    }
}

#[tokio::test]
async fn a_lost_supervisor_is_reported_and_its_tree_is_gone_by_then() {
    if !has_namespaces().await {
        eprintln!("no PID namespaces here: see above");
        return;
    }
    let bench = Bench::new();
    for kind in KINDS {
        let tag = tag(&["lost", kind]);
        let mut running = bench.start(probe(), &["tree", kind, COUNT, &tag]).await;
        read_until(&mut running, "ready").await;
        // The supervisor is the one process that has init, which has the tagged tool, as child.
        let tool = with_argument(&tag)[0];
        let supervisor = supervisor_above(tool);
        kill_process(Pid::from_raw(supervisor).unwrap(), Signal::KILL).unwrap();
        let outcome = finish(running).await;
        assert_eq!(outcome.exit, Exit::Killed(KillCause::SupervisorLost));
        assert!(with_argument(&tag).is_empty(), "{kind}");
    }
}

/// The ancestor of a process that is a child of this one.
fn supervisor_above(mut pid: i32) -> i32 {
    let own = i32::try_from(std::process::id()).unwrap();
    loop {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("PPid:"))
            .unwrap();
        let parent = line[5..].trim().parse().unwrap();
        if parent == own {
            return pid;
        }
        assert!(parent > 1, "{pid} is no descendant");
        pid = parent;
    }
}
