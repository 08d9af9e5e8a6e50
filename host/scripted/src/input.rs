//! What a tool of a scenario was given on standard input.
//!
//! Never: more than a real tool could be given at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use remit_core::tool::MAX_STDIN_BYTES;

/// Standard input of one tool, shared by the tool and the report about it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Input(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    /// How far the tool has read.
    read: usize,
    closed: bool,
}

impl Input {
    /// Everything is there already.
    pub(crate) fn whole(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State {
            bytes,
            read: 0,
            closed: true,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Plain data: a panic elsewhere leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes bytes; says how many, or nothing if it is closed.
    pub(crate) fn write(&self, bytes: &[u8]) -> Option<usize> {
        let mut state = self.state();
        if state.closed {
            return None;
        }
        // What is more than a scenario can look at is taken and forgotten, as by a tool that reads
        // on without end.
        let room = MAX_STDIN_BYTES - state.bytes.len();
        state
            .bytes
            .extend_from_slice(bytes.get(..bytes.len().min(room)).unwrap_or(bytes));
        Some(bytes.len())
    }

    pub(crate) fn close(&self) {
        self.state().closed = true;
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Reads up to the end of the first line that holds this text, if it is there.
    pub(crate) fn read_until(&self, text: &str) -> bool {
        let mut state = self.state();
        let unread = String::from_utf8_lossy(state.bytes.get(state.read..).unwrap_or_default());
        let mut length = 0;
        let mut found = None;
        for line in unread.split_inclusive('\n') {
            length += line.len();
            let is_whole = line.ends_with('\n') || state.closed;
            if is_whole && line.contains(text) {
                found = Some(length);
                break;
            }
        }
        // Text that was replaced has another length; then everything up to here was read.
        let whole = state.bytes.len();
        if let Some(length) = found {
            state.read = (state.read + length).min(whole);
        }
        found.is_some()
    }

    /// Everything that was written.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.state().bytes.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_once_and_only_when_it_is_whole() {
        let input = Input::default();
        input.write(b"{\"method\":\"init\"}\n{\"method\":\"new");
        assert!(input.read_until("init"));
        assert!(!input.read_until("init"));
        assert!(!input.read_until("new"));
        input.write(b"\"}\n");
        assert!(input.read_until("new"));
        input.write(b"last");
        assert!(!input.read_until("last"));
        input.close();
        assert!(input.read_until("last"));
        assert_eq!(input.write(b"more"), None);
    }
}
