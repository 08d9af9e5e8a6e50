//! Standard output, piece by piece, for commands that write as things come.
//!
//! Never: a fault because nobody reads any more; text that waits in a buffer.

use std::io::Write as _;
use std::ops::ControlFlow;

/// Writes one line at once. Ends when nobody reads there any more.
pub(crate) fn line(text: &str) -> ControlFlow<()> {
    let mut out = anstream::stdout().lock();
    flow(writeln!(out, "{text}").and_then(|()| out.flush()))
}

/// Writes bytes as they are, on standard output or standard error.
pub(crate) fn raw(bytes: &[u8], to_stderr: bool) -> ControlFlow<()> {
    if to_stderr {
        let mut out = std::io::stderr().lock();
        return flow(out.write_all(bytes));
    }
    let mut out = std::io::stdout().lock();
    flow(out.write_all(bytes).and_then(|()| out.flush()))
}

fn flow(written: std::io::Result<()>) -> ControlFlow<()> {
    match written {
        Ok(()) => ControlFlow::Continue(()),
        Err(_closed) => ControlFlow::Break(()),
    }
}
