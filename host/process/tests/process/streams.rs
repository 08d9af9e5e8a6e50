//! G10: any amount of output, in any form, in bounded memory.
//!
//! Never: a measurement in the process that runs the other tests.

use std::time::Duration;

use remit_core::tool::{Exit, KillCause};
use remit_engine::seam::{RunningTool, ToolEvent};

use crate::fixture::{Bench, finish, invocation, read_until, within};
use crate::host;

/// How much the host may grow: two buffers, a few blocks, and what the allocator keeps.
const MAX_GROWTH: u64 = 8 << 20;

/// Bytes that the host reads ahead of a reader, and reads at once, as `buffer.rs` has them.
const MAX_WAITING: usize = 256 << 10;
const BLOCK: usize = 64 << 10;

#[tokio::test]
async fn bytes_arrive_unchanged_on_both_streams() {
    let bench = Bench::new();
    let script = r"printf '\377\000\n\376 no end'; printf '\001\200' >&2";
    let outcome = bench.run("/bin/bash", &["-c", script]).await;
    assert_eq!(outcome.exit, Exit::Code(0));
    assert_eq!(outcome.out, b"\xff\0\n\xfe no end");
    assert_eq!(outcome.err, b"\x01\x80");
    assert_eq!(
        (outcome.usage.stdout_bytes, outcome.usage.stderr_bytes),
        (11, 2)
    );
}

#[tokio::test]
async fn a_mebibyte_on_standard_error_alone_arrives_whole() {
    let bench = Bench::new();
    let outcome = bench
        .run("/bin/sh", &["-c", "head -c 1048576 /dev/zero >&2"])
        .await;
    assert_eq!((outcome.exit, outcome.err.len()), (Exit::Code(0), 1 << 20));
    assert_eq!(outcome.usage.stderr_bytes, 1 << 20);
}

#[tokio::test]
async fn the_soft_limit_keeps_exactly_so_much_and_counts_the_rest() {
    let bench = Bench::new();
    let mut start = invocation("/usr/bin/head", &["-c", "1000000", "/dev/zero"]);
    start.limits.soft_output = 70_001;
    let outcome = finish(bench.broker.spawn(start).await.unwrap()).await;
    assert_eq!((outcome.exit, outcome.out.len()), (Exit::Code(0), 70_001));
    assert_eq!(outcome.usage.stdout_bytes, 1_000_000);
    assert!(outcome.usage.truncated);
    // Up to the limit nothing is left out, and nothing is said to be.
    let mut start = invocation("/usr/bin/head", &["-c", "70001", "/dev/zero"]);
    start.limits.soft_output = 70_001;
    let outcome = finish(bench.broker.spawn(start).await.unwrap()).await;
    assert_eq!(outcome.out.len(), 70_001);
    assert!(!outcome.usage.truncated);
}

#[tokio::test]
async fn the_hard_limit_ends_the_tool() {
    let bench = Bench::new();
    let mut start = invocation("/usr/bin/yes", &[]);
    start.limits.soft_output = 1000;
    start.limits.hard_output = 1 << 20;
    let outcome = finish(bench.broker.spawn(start).await.unwrap()).await;
    assert_eq!(outcome.exit, Exit::Killed(KillCause::OutputLimit));
    assert_eq!(outcome.out.len(), 1000);
    assert!(outcome.usage.stdout_bytes > 1 << 20);
}

#[tokio::test]
async fn a_reader_that_does_not_read_blocks_the_tool_and_a_kill_still_works() {
    let bench = Bench::new();
    let mut start = invocation("/usr/bin/yes", &[]);
    start.limits.soft_output = u64::MAX;
    let mut running = bench.broker.spawn(start).await.unwrap();
    let taken = read_until(&mut running, "y").await.len();
    // The host reads until its buffer is full, and then no more.
    let full = u64::try_from(MAX_WAITING - BLOCK).unwrap();
    let filled = async {
        while running.usage().stdout_bytes <= full {
            tokio::task::yield_now().await;
        }
    };
    within(filled).await;
    for _ in 0..1000 {
        tokio::task::yield_now().await;
        let read = running.usage().stdout_bytes;
        let most = u64::try_from(MAX_WAITING + taken).unwrap();
        assert!(read <= most, "{read} bytes were read ahead");
    }
    running.kill(Duration::ZERO);
    let outcome = finish(running).await;
    assert_eq!(outcome.exit, Exit::Killed(KillCause::Requested));
}

#[tokio::test]
async fn waiting_for_an_event_can_be_given_up_without_loss() {
    let bench = Bench::new();
    let mut running = bench
        .start(
            "/bin/sh",
            &[
                "-c",
                "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.02; done",
            ],
        )
        .await;
    let mut text = String::new();
    loop {
        let pause = Duration::from_millis(3);
        match tokio::time::timeout(pause, running.next_event(1)).await {
            Err(_given_up) => {}
            Ok(ToolEvent::Stdout(bytes)) => text.push_str(std::str::from_utf8(&bytes).unwrap()),
            Ok(ToolEvent::Stderr(bytes)) => panic!("{bytes:?}"),
            Ok(ToolEvent::Exited(exit)) => {
                assert_eq!(exit, Exit::Code(0));
                break;
            }
        }
    }
    assert_eq!(text, "1\n2\n3\n4\n5\n6\n7\n8\n");
}

#[test]
fn no_flood_makes_the_host_grow() {
    for case in [
        "read /usr/bin/yes",
        "read /bin/cat /dev/urandom",
        "read /usr/bin/head -c 1073741824 /dev/zero",
        "stall /usr/bin/yes",
        "soft /usr/bin/yes",
    ] {
        let child = host::command(&[], "flood", case).spawn().unwrap();
        assert!(host::finish(child), "{case}");
    }
}

/// The role `flood`: half a second or a gibibyte of output, and then a look at its own size.
pub(crate) async fn flood(arguments: &str) {
    let words: Vec<&str> = arguments.split(' ').collect();
    let bench = Bench::new();
    // What the first run makes and the host keeps (threads, the runtime's tables) is no growth.
    bench.run("/usr/bin/head", &["-c", "4M", "/dev/zero"]).await;
    let before = resident();
    let mut start = invocation(words[1], &words[2..]);
    start.limits.soft_output = if words[0] == "soft" { 1000 } else { u64::MAX };
    let mut running = bench.broker.spawn(start).await.unwrap();
    // A gibibyte is read to its end, an endless flood for half a second.
    let time = Duration::from_millis(if words[1].ends_with("head") {
        60_000
    } else {
        500
    });
    let until = tokio::time::Instant::now() + time;
    if words[0] == "stall" {
        tokio::time::sleep_until(until).await;
    }
    let mut most = before;
    let mut read = 0_u64;
    loop {
        most = most.max(resident());
        match tokio::time::timeout_at(until, running.next_event(1 << 20)).await {
            Ok(ToolEvent::Stdout(bytes) | ToolEvent::Stderr(bytes)) => {
                read += u64::try_from(bytes.len()).unwrap();
            }
            Ok(ToolEvent::Exited(_)) | Err(_) => break,
        }
        // A ready event is taken even when the time is over.
        if tokio::time::Instant::now() >= until {
            break;
        }
    }
    let growth = most - before;
    println!("{arguments}: {read} bytes read, grew by {growth} bytes");
    assert!(growth < MAX_GROWTH, "{arguments}: grew by {growth} bytes");
    running.kill(Duration::ZERO);
    drop(running);
    within(bench.broker.close()).await;
}

/// The resident size of this process in bytes.
fn resident() -> u64 {
    let line = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * u64::try_from(rustix::param::page_size()).unwrap()
}
