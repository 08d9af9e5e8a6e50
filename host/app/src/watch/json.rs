//! `--json`: one event per line on standard output, and nothing else there.
//!
//! Never: a line that is not a whole record.

use std::io::Write as _;

use remit_core::event::Record;
use remit_engine::journal::Watcher;

/// Writes records to standard output.
#[derive(Debug, Default)]
pub(crate) struct JsonLines {
    closed: bool,
}

impl Watcher for JsonLines {
    fn record(&mut self, record: &Record) {
        if self.closed {
            return;
        }
        if let Ok(mut line) = serde_json::to_vec(record) {
            line.push(b'\n');
            // Whoever read has gone; the run goes on, and its record is on disk.
            let mut stdout = std::io::stdout().lock();
            self.closed = stdout
                .write_all(&line)
                .and_then(|()| stdout.flush())
                .is_err();
        }
    }
}
