//! What a tool reads, and that a closed input is never fatal.
//!
//! Never: a write whose success depends on who is faster.

use remit_core::tool::Exit;
use remit_engine::seam::{RunningTool, StdinClosed, ToolEvent};
use remit_process::Input;

use crate::fixture::{Bench, finish, invocation, within};

async fn piped(bench: &Bench, program: &str, arguments: &[&str]) -> remit_process::Running {
    let mut start = invocation(program, arguments);
    start.input = Input::Piped;
    bench.broker.spawn(start).await.unwrap()
}

#[tokio::test]
async fn what_is_written_arrives_and_the_close_ends_it() {
    let bench = Bench::new();
    let mut cat = piped(&bench, "/bin/cat", &[]).await;
    assert_eq!(within(cat.write_stdin(b"one ")).await, Ok(4));
    assert_eq!(within(cat.write_stdin(b"")).await, Ok(0));
    assert_eq!(within(cat.write_stdin(b"two\xff")).await, Ok(4));
    cat.close_stdin();
    cat.close_stdin();
    assert_eq!(within(cat.write_stdin(b"late")).await, Err(StdinClosed));
    let outcome = finish(cat).await;
    assert_eq!(
        (outcome.exit, &*outcome.out),
        (Exit::Code(0), &b"one two\xff"[..])
    );
}

#[tokio::test]
async fn a_tool_that_closes_its_input_is_no_error_of_the_run() {
    let bench = Bench::new();
    let mut head = piped(&bench, "/usr/bin/head", &["-c", "1"]).await;
    let piece = [b'x'; 65536];
    // The pipe holds this much at least once; then the reader is gone.
    let closed = async { while head.write_stdin(&piece).await.is_ok() {} };
    within(closed).await;
    let outcome = finish(head).await;
    assert_eq!((outcome.exit, &*outcome.out), (Exit::Code(0), &b"x"[..]));
}

#[tokio::test]
async fn a_writer_waits_for_a_tool_that_does_not_read_and_can_give_up() {
    let bench = Bench::new();
    let mut sleep = piped(&bench, "/bin/sleep", &["60"]).await;
    let piece = vec![b'x'; 1 << 20];
    let mut taken = 0;
    // A writer that is not taken from is pending; dropping it loses nothing.
    loop {
        let pause = std::time::Duration::from_millis(50);
        match tokio::time::timeout(pause, sleep.write_stdin(&piece)).await {
            Ok(written) => taken += written.unwrap(),
            Err(_pending) => break,
        }
    }
    assert_eq!(taken, 65536);
    sleep.kill(std::time::Duration::ZERO);
    assert!(matches!(
        within(sleep.next_event(1)).await,
        ToolEvent::Exited(_)
    ));
    assert_eq!(within(sleep.write_stdin(&piece)).await, Err(StdinClosed));
}

#[tokio::test]
async fn a_tool_without_a_pipe_has_nothing_to_write_to() {
    let bench = Bench::new();
    let mut cat = bench.start("/bin/cat", &[]).await;
    assert_eq!(within(cat.write_stdin(b"x")).await, Err(StdinClosed));
    let outcome = finish(cat).await;
    assert_eq!((outcome.exit, outcome.out.len()), (Exit::Code(0), 0));
}
