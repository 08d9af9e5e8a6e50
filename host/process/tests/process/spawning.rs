//! G18: the host never forks.
//!
//! Shown twice: by the C library, which calls a handler on every fork and not on a `posix_spawn`,
//! and by the kernel, where a tracer may look.
//!
//! Never: a fork in the process that runs the other tests.

#![expect(
    unsafe_code,
    reason = "fork handlers, and the fork that shows that they work, have no safe form"
)]

use std::collections::{HashMap, HashSet};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::fixture::Bench;
use crate::host;

/// Starts in the role.
const STARTS: usize = 20;

/// Whether this process has forked.
static FORKED: AtomicBool = AtomicBool::new(false);

extern "C" fn note_fork() {
    FORKED.store(true, Ordering::SeqCst);
}

/// The role `spawn`: some starts, while a handler waits for a fork.
pub(crate) async fn spawn_some(arguments: &str) {
    // SAFETY: the handler only stores a flag, which is allowed at any moment of a fork.
    let registered = unsafe { libc::pthread_atfork(Some(note_fork), None, None) };
    assert_eq!(registered, 0);
    let bench = Bench::new();
    for _ in 0..STARTS {
        bench.run("/bin/true", &[]).await;
    }
    assert!(!FORKED.load(Ordering::SeqCst), "the host forked");
    if arguments == "and fork" {
        // SAFETY: the child does nothing but end.
        unsafe {
            if libc::fork() == 0 {
                libc::_exit(0);
            }
        }
        assert!(
            FORKED.load(Ordering::SeqCst),
            "the handler does not notice a fork"
        );
    }
}

#[test]
fn no_start_forks_the_host() {
    let child = host::command(&[], "spawn", "and fork").spawn().unwrap();
    assert!(host::finish(child));
}

#[test]
fn the_host_starts_its_supervisors_without_copying_itself() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("trace");
    let trace = trace.to_str().unwrap();
    let calls = "trace=clone,clone3,fork,vfork";
    let wrapper = ["strace", "-qq", "-f", "-e", calls, "-o", trace];
    let mut traced = host::command(&wrapper, "spawn", "");
    match traced.stdout(Stdio::null()).status() {
        Ok(status) if status.success() => check_trace(&std::fs::read_to_string(trace).unwrap()),
        // A machine may have no tracer, or forbid to trace. The other test has looked then.
        not_traced => println!("strace is not usable here: {not_traced:?}"),
    }
}

/// The calls of a trace, each with who made it. The tracer prints a call in two parts when
/// another thread was seen in between.
fn calls(trace: &str) -> Vec<(&str, String)> {
    let mut begun: HashMap<&str, &str> = HashMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let (pid, call) = line.split_once(' ').unwrap();
        if let Some(start) = call.strip_suffix("<unfinished ...>") {
            begun.insert(pid, start);
        } else if call.contains(" resumed>") {
            calls.push((
                pid,
                format!("{}{call}", begun.remove(pid).unwrap_or_default()),
            ));
        } else {
            calls.push((pid, call.to_owned()));
        }
    }
    calls
}

/// The host's first thread and all that it made. One can be seen at work before the call that made
/// it has ended.
fn threads(calls: &[(&str, String)]) -> HashSet<String> {
    let mut host: HashSet<String> = calls.iter().take(1).map(|(pid, _)| (*pid).into()).collect();
    loop {
        let known = host.len();
        for (pid, call) in calls {
            if host.contains(*pid) && call.contains("CLONE_THREAD") {
                host.extend(
                    call.rsplit_once("= ")
                        .map(|(_, made)| made.trim().to_owned()),
                );
            }
        }
        if host.len() == known {
            return host;
        }
    }
}

/// Every process that the host or one of its threads made shares its memory until it executes.
fn check_trace(trace: &str) {
    let calls = calls(trace);
    let host = threads(&calls);
    let mut starts = 0;
    for (_, call) in calls.iter().filter(|(pid, _)| host.contains(*pid)) {
        if call.contains("CLONE_VFORK") {
            assert!(call.contains("CLONE_VM"), "{call}");
            starts += 1;
        } else if !call.contains("CLONE_THREAD")
            && (call.contains("clone") || call.contains("fork"))
        {
            panic!("the host copied itself: {call}");
        }
    }
    assert!(starts >= STARTS, "only {starts} starts in:\n{trace}");
}

#[test]
fn a_call_that_is_printed_in_two_parts_is_one() {
    let start = "7  clone3({flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD} <unfinished ...>\n\
                 8  clone3({flags=CLONE_VM|CLONE_THREAD} <unfinished ...>\n\
                 7  <... clone3 resumed>) = 10\n\
                 8  <... clone3 resumed> => {parent_tid=[11]}, 88) = 11\n";
    check_trace(&start.repeat(STARTS));
    let copy = "7  clone3({flags=CLONE_CHILD_SETTID} <unfinished ...>\n\
                7  <... clone3 resumed>) = 12\n";
    let found = std::panic::catch_unwind(|| check_trace(&(start.repeat(STARTS) + copy)));
    assert!(found.is_err(), "a copy is not noticed");
}
