//! Bad behaviour: what ends an instance, and what tries to drown its host.
//!
//! Never: a limit here. That the host has one is what is tested.

use std::fs::File;
use std::hint::black_box;
use std::io::Write;

use remit_plugin_sdk::{Call, clock, progress, workspace};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::trouble::Trouble;

/// Memory is taken in pieces of this size.
const MEBIBYTE: usize = 1 << 20;

/// A bad deed.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub(crate) enum HostileDeed {
    /// Loops for ever without a call to the host.
    Spin,
    /// Loops for ever with a call to the host in each round.
    SpinCalls,
    /// Takes memory until this many MiB are held, or for ever; every page is touched.
    Alloc { mib: Option<usize> },
    /// Calls itself until the stack ends.
    Recurse,
    /// Panics.
    Panic { message: String },
    /// Ends the process with a code.
    Exit { code: i32 },
    /// Executes `unreachable`.
    Trap,
    /// Writes to standard output and standard error.
    Print { out: String, err: String },
    /// Writes this many bytes to standard output, without the end of a line.
    FloodStdout { bytes: u64 },
    /// Logs this many messages of this length.
    FloodLog { count: u64, bytes: usize },
    /// Begins this many steps.
    FloodSteps { count: u64 },
    /// Calls a tool this many times with a slot that it does not have, whose name is so long.
    FloodCalls {
        tool: String,
        bytes: usize,
        count: u64,
    },
    /// Calls this many tools with names of this length, which nobody declared.
    FloodDenied { bytes: usize, count: u64 },
    /// Opens this many files outside of the workspace, with paths of this length.
    FloodOpens { bytes: usize, count: u64 },
}

impl HostileDeed {
    /// Does it; most never return.
    pub(crate) fn perform(self) -> Result<Value, Trouble> {
        match self {
            Self::Spin => spin(),
            Self::SpinCalls => loop {
                black_box(clock::now_ms());
            },
            Self::Alloc { mib } => {
                let mut held: Vec<Vec<u8>> = Vec::new();
                while mib.is_none_or(|wanted| held.len() < wanted) {
                    held.push(vec![1; MEBIBYTE]);
                    black_box(&held);
                }
                Ok(json!(held.len()))
            }
            Self::Recurse => Ok(json!(descend(u64::MAX))),
            #[expect(clippy::panic, reason = "asked for")]
            Self::Panic { message } => panic!("{message}"),
            Self::Exit { code } => std::process::exit(code),
            Self::Trap => std::process::abort(),
            Self::Print { out, err } => {
                writeln!(std::io::stdout(), "{out}")?;
                writeln!(std::io::stderr(), "{err}")?;
                Ok(Value::Null)
            }
            Self::FloodStdout { bytes } => {
                let piece = [b'x'; 4096];
                let mut left = bytes;
                let mut out = std::io::stdout().lock();
                while left > 0 {
                    let now = usize::try_from(left)
                        .unwrap_or(piece.len())
                        .min(piece.len());
                    out.write_all(&piece[..now])?;
                    left -= now as u64;
                }
                out.flush()?;
                Ok(json!(bytes))
            }
            Self::FloodLog { count, bytes } => {
                let message = "x".repeat(bytes);
                for _ in 0..count {
                    progress::info(&message);
                }
                Ok(json!(count))
            }
            Self::FloodSteps { count } => {
                for number in 0..count {
                    progress::step(&format!("step {number}"));
                }
                Ok(json!(count))
            }
            Self::FloodCalls { tool, bytes, count } => {
                let call = |_: u64| Call::new(&tool, "run").slot("x".repeat(bytes), "value");
                Ok(refused(count, |number| call(number).run().is_err()))
            }
            Self::FloodDenied { bytes, count } => {
                let call = |number: u64| Call::new(format!("a{number:0bytes$}"), "run");
                Ok(refused(count, |number| call(number).run().is_err()))
            }
            Self::FloodOpens { bytes, count } => {
                let outside = workspace::root()?.join("..");
                let name = |number: u64| format!("{}{number}", "./".repeat(bytes / 2));
                let open = |number: u64| File::open(outside.join(name(number)));
                Ok(refused(count, |number| open(number).is_err()))
            }
        }
    }
}

/// Tries again and again; how often it was refused.
fn refused(count: u64, is_refused: impl Fn(u64) -> bool) -> Value {
    json!((0..count).filter(|number| is_refused(*number)).count())
}

/// Loops for ever, in a way that no compiler removes.
pub(crate) fn spin() -> ! {
    let mut round = 0_u64;
    loop {
        round = black_box(round.wrapping_add(1));
    }
}

/// Uses stack in each call, in a way that no compiler turns into a loop.
fn descend(depth: u64) -> u64 {
    let frame = black_box([depth; 16]);
    if depth == 0 {
        0
    } else {
        descend(depth - 1) + frame[3]
    }
}
