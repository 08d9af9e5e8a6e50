//! The peers of `tests/peers`, in a process of their own: their crates have known vulnerabilities
//! and are not linked here.
//!
//! One line asks, one line answers: `fresh 250 1` means 250 samples of one go each, and what comes
//! back are the nanoseconds of each. Never: needed. Without peers there is nothing to compare with.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use crate::measure::Samples;

/// The peers' process, if their program was built.
pub(crate) struct Peer(Option<RefCell<Running>>);

struct Running {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts it: `$REMIT_PEERS`, or what `cargo build` leaves in `tests/peers`.
    pub(crate) fn start() -> Self {
        let built = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/peers/target/release/remit-peers"
        );
        let program = std::env::var_os("REMIT_PEERS").map_or_else(|| built.into(), PathBuf::from);
        let started = std::process::Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        match started {
            Ok(mut child) => Self(Some(RefCell::new(Running {
                questions: child.stdin.take(),
                answers: BufReader::new(child.stdout.take().unwrap()),
                child,
            }))),
            Err(error) => {
                println!(
                    "no peer to compare with ({error}); \
                     `cargo build --release --manifest-path tests/peers/Cargo.toml` builds it"
                );
                Self(None)
            }
        }
    }

    /// Whether there is one.
    pub(crate) fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// Has it measure `count` samples of `goes` each.
    pub(crate) fn ask(&self, what: &str, count: u32, goes: u32, samples: &mut Samples) {
        let Some(running) = &self.0 else { return };
        let mut running = running.borrow_mut();
        let questions = running.questions.as_mut().unwrap();
        writeln!(questions, "{what} {count} {goes}").unwrap();
        let mut line = String::new();
        running.answers.read_line(&mut line).unwrap();
        let mut found = 0;
        for nanos in line.split_whitespace() {
            samples.add(Duration::from_nanos(nanos.parse().unwrap()));
            found += 1;
        }
        assert_eq!(found, count, "the peer said {line:?}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The end of its input ends it.
        self.questions = None;
        drop(self.child.wait());
    }
}
