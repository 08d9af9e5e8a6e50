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
