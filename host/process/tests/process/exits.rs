//! G12: what is reported is what happened.
//!
//! Never: a guess from text on standard error.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use remit_core::tool::{Containment, Exit, KillCause, StartError};
use remit_engine::seam::{RunningTool, ToolEvent};
use remit_process::Hold;
use rustix::io::Errno;

use crate::fixture::{Bench, finish, invocation, probe, read_until, within};

#[tokio::test]
async fn every_exit_code_is_reported() {
    let bench = Bench::new();
    for code in 0..=255_u8 {
        let outcome = bench.run(probe(), &["exit", &code.to_string()]).await;
        assert_eq!(outcome.exit, Exit::Code(code));
    }
}

#[tokio::test]
async fn every_fatal_signal_is_reported() {
    let bench = Bench::new();
    // All signals whose default is to end a process.
    let fatal = [
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 25, 26, 27, 29, 30, 31, 34, 64,
    ];
    for hold in [Hold::Strongest, Hold::WithoutNamespace] {
        for signal in fatal {
            let mut start = invocation(probe(), &["signal", &signal.to_string()]);
            start.hold = hold;
            let outcome = finish(bench.broker.spawn(start).await.unwrap()).await;
            assert_eq!(outcome.exit, Exit::Signal(signal), "{hold:?}");
        }
    }
}

#[tokio::test]
async fn what_the_kernel_does_not_execute_is_refused_with_its_number() {
    let bench = Bench::new();
    let directory = tempfile::tempdir().unwrap();
    let make = |name: &str, content: &[u8], mode| {
        let path = directory.path().join(name);
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(content).unwrap();
        file.set_permissions(std::fs::Permissions::from_mode(mode))
            .unwrap();
        path.to_str().unwrap().to_owned()
    };
    for (program, errno) in [
        (
            directory.path().join("absent").to_str().unwrap().to_owned(),
            Errno::NOENT,
        ),
        (make("data", b"text", 0o644), Errno::ACCESS),
        (make("text", b"text", 0o755), Errno::NOEXEC),
        (
            make("script", b"#!/absent/interpreter\n", 0o755),
            Errno::NOENT,
        ),
        (directory.path().to_str().unwrap().to_owned(), Errno::ACCESS),
    ] {
        for hold in [Hold::Strongest, Hold::WithoutNamespace] {
            let mut start = invocation(&program, &[]);
            start.hold = hold;
            let error = bench.broker.spawn(start).await.err().unwrap();
            let StartError::Refused {
                step, errno: found, ..
            } = error
            else {
                panic!("{program}: {error}");
            };
            assert_eq!(step, "exec", "{program}");
            assert_eq!(found, errno.raw_os_error(), "{program}");
        }
    }
}

#[tokio::test]
async fn arguments_are_measured_before_anything_starts() {
    let bench = Bench::new();
    let whole = |error: StartError| error.to_string();
    let long = "x".repeat((64 << 10) + 1);
    let error = bench
        .broker
        .spawn(invocation(probe(), &[&long]))
        .await
        .err()
        .unwrap();
    assert_eq!(
        whole(error),
        "tool `probe`: an argument is 65537 bytes, the limit is 65536"
    );
    let many = vec!["y"; 140_000];
    let error = bench
        .broker
        .spawn(invocation(probe(), &many))
        .await
        .err()
        .unwrap();
    assert!(
        matches!(error, StartError::TooLarge { limit: 262_144, .. }),
        "{error}"
    );
    let error = bench
        .broker
        .spawn(invocation(probe(), &["a\0b"]))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, StartError::Refused { .. }), "{error}");
}

#[tokio::test]
async fn arguments_up_to_the_limit_arrive_whole() {
    let bench = Bench::new();
    // More than a socket takes in one packet, and more than it holds before somebody reads.
    let piece = "z".repeat(60_000);
    let outcome = bench
        .run("/bin/echo", &[&piece, &piece, &piece, &piece])
        .await;
    assert_eq!(outcome.exit, Exit::Code(0));
    assert_eq!(outcome.out.len(), 4 * 60_001);
}

#[tokio::test]
async fn usage_is_what_the_tool_used() {
    let bench = Bench::new();
    for hold in [Hold::Strongest, Hold::WithoutNamespace] {
        let mut start = invocation(probe(), &["spin", "200000"]);
        start.hold = hold;
        let usage = finish(bench.broker.spawn(start).await.unwrap()).await.usage;
        let used = usage.user + usage.system;
        assert!(used >= Duration::from_millis(190), "{used:?}");
        assert!(usage.wall >= Duration::from_millis(190), "{:?}", usage.wall);
        assert!(usage.max_rss > 100 << 10, "{}", usage.max_rss);
    }
}

#[tokio::test]
async fn the_containment_is_told_as_it_is() {
    let bench = Bench::new();
    let mut start = invocation("/bin/true", &[]);
    start.hold = Hold::WithoutNamespace;
    let without = finish(bench.broker.spawn(start).await.unwrap()).await;
    assert_eq!(without.usage.containment, Containment::Subreaper);
    // A process in a namespace of its own is told apart by the kernel's list of its numbers.
    let outcome = bench
        .run("/bin/grep", &["NSpid", "/proc/self/status"])
        .await;
    let numbers = outcome.text().split_whitespace().count() - 1;
    let expected = match outcome.usage.containment {
        Containment::Subreaper => own_depth(),
        Containment::PidNamespace => own_depth() + 1,
    };
    assert_eq!(numbers, expected);
}

/// How many PID namespaces deep this process is.
fn own_depth() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("NSpid"))
        .unwrap();
    line.split_whitespace().count() - 1
}

#[tokio::test]
async fn a_stopped_tool_is_reported_as_stopped_whatever_it_makes_of_it() {
    let bench = Bench::new();
    for hold in [Hold::Strongest, Hold::WithoutNamespace] {
        for (kind, grace) in [
            ("polite", Duration::from_secs(50)),
            ("stubborn", Duration::from_millis(20)),
            ("stubborn", Duration::ZERO),
        ] {
            let mut start = invocation(probe(), &[kind]);
            start.hold = hold;
            let mut running = bench.broker.spawn(start).await.unwrap();
            read_until(&mut running, "ready").await;
            running.kill(grace);
            let outcome = finish(running).await;
            assert_eq!(outcome.exit, Exit::Killed(KillCause::Requested), "{kind}");
            assert!(outcome.usage.wall < Duration::from_secs(40), "{kind}");
        }
    }
}

#[tokio::test]
async fn the_end_repeats_and_comes_after_all_output() {
    let bench = Bench::new();
    let mut running = bench.start("/bin/echo", &["last words"]).await;
    let first = within(running.next_event(4)).await;
    assert_eq!(first, ToolEvent::Stdout("last".into()));
    let second = within(running.next_event(100)).await;
    assert_eq!(second, ToolEvent::Stdout(" words\n".into()));
    for _ in 0..3 {
        let end = within(running.next_event(100)).await;
        assert_eq!(end, ToolEvent::Exited(Exit::Code(0)));
    }
}
