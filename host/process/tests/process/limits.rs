//! G9: too long and too silent end a tool; slow readers do not.
//!
//! Never: an upper bound on time that a busy machine could miss.

use std::time::Duration;

use remit_core::tool::{Exit, KillCause};
use remit_engine::seam::{RunningTool, ToolEvent};
use remit_process::MAX_RUNNING;

use crate::fixture::{Bench, finish, invocation, probe, read_until, within};

#[tokio::test]
async fn a_tool_ends_at_its_wall_limit() {
    let bench = Bench::new();
    let mut start = invocation("/bin/sleep", &["60"]);
    start.limits.wall = Duration::from_millis(200);
    let outcome = finish(bench.broker.spawn(start).await.unwrap()).await;
    assert_eq!(outcome.exit, Exit::Killed(KillCause::WallTimeout));
    assert!(outcome.usage.wall >= Duration::from_millis(200));
    assert!(outcome.usage.wall < Duration::from_secs(30));
}

#[tokio::test]
async fn the_wall_limit_holds_during_the_grace_of_a_stop() {
    let bench = Bench::new();
    let mut start = invocation(probe(), &["stubborn"]);
    start.limits.wall = Duration::from_millis(300);
    let mut running = bench.broker.spawn(start).await.unwrap();
    read_until(&mut running, "ready").await;
    running.kill(Duration::from_secs(3600));
    let outcome = finish(running).await;
    // The first cause stands.
    assert_eq!(outcome.exit, Exit::Killed(KillCause::Requested));
}

#[tokio::test]
async fn silence_ends_a_tool_and_output_keeps_it() {
    let bench = Bench::new();
    let idle = Duration::from_millis(400);
    let mut start = invocation("/bin/sleep", &["60"]);
    start.limits.idle = Some(idle);
    let outcome = finish(bench.broker.spawn(start).await.unwrap()).await;
    assert_eq!(outcome.exit, Exit::Killed(KillCause::IdleTimeout));
    // Ten pauses, each a quarter of what is allowed, together much more than that.
    let mut start = invocation(probe(), &["tick", "10", "100000"]);
    start.limits.idle = Some(idle);
    let outcome = finish(bench.broker.spawn(start).await.unwrap()).await;
    assert_eq!(outcome.exit, Exit::Code(0));
    assert!(outcome.usage.wall > idle);
}

#[tokio::test]
async fn a_reader_that_stalls_does_not_make_the_tool_silent() {
    let bench = Bench::new();
    let idle = Duration::from_millis(100);
    // More than pipe and buffer hold: the tool blocks until somebody reads.
    let mut start = invocation("/usr/bin/head", &["-c", "8M", "/dev/zero"]);
    start.limits.idle = Some(idle);
    let mut running = bench.broker.spawn(start).await.unwrap();
    assert!(matches!(
        within(running.next_event(1)).await,
        ToolEvent::Stdout(_)
    ));
    // The stall itself is what is tested: nothing is waited for.
    tokio::time::sleep(idle * 5).await;
    let outcome = finish(running).await;
    assert_eq!(outcome.exit, Exit::Code(0));
    assert_eq!(outcome.usage.stdout_bytes, 8 << 20);
    assert!(!outcome.usage.truncated);
}

#[tokio::test]
async fn a_tool_that_closed_its_streams_is_still_watched() {
    let bench = Bench::new();
    let mut start = invocation(probe(), &["quiet"]);
    start.limits.idle = Some(Duration::from_millis(200));
    let outcome = finish(bench.broker.spawn(start).await.unwrap()).await;
    assert_eq!(outcome.exit, Exit::Killed(KillCause::IdleTimeout));
    assert_eq!(outcome.text(), "ready\n");
}

#[tokio::test]
async fn more_tools_than_places_are_refused_with_the_reason() {
    let bench = Bench::new();
    let mut all = Vec::new();
    for _ in 0..MAX_RUNNING {
        all.push(bench.start("/bin/sleep", &["60"]).await);
    }
    let error = bench
        .broker
        .spawn(invocation("/bin/true", &[]))
        .await
        .err()
        .unwrap();
    assert_eq!(error.code(), "limit");
    let mut last = all.pop().unwrap();
    last.kill(Duration::ZERO);
    finish(last).await;
    // Its place is free when its end is reported.
    bench.run("/bin/true", &[]).await;
    within(bench.broker.close()).await;
}

#[tokio::test]
async fn the_end_of_the_run_does_not_wait_for_a_grace() {
    let bench = Bench::new();
    let mut running = bench.start(probe(), &["stubborn"]).await;
    read_until(&mut running, "ready").await;
    running.kill(Duration::from_secs(3600));
    within(bench.broker.close()).await;
    let outcome = finish(running).await;
    assert_eq!(outcome.exit, Exit::Killed(KillCause::Requested));
}
