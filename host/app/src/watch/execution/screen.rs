//! The place where the live view draws, shared with everyone else who has something to say there.
//!
//! Never: a line that lands in the middle of the live view.

use std::io::IsTerminal as _;

use indicatif::{MultiProgress, ProgressDrawTarget};

use super::Look;

/// Times a second that the terminal is drawn at most.
const HERTZ: u8 = 12;

/// Standard error, with a live view on it or not.
#[derive(Debug, Clone)]
pub(crate) struct Screen {
    live: Option<MultiProgress>,
}

impl Screen {
    /// A live view is drawn if a person wants to see it and there is a terminal.
    pub(crate) fn new(look: Look) -> Self {
        let live = (look == Look::Human && std::io::stderr().is_terminal())
            .then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(HERTZ)));
        Self { live }
    }

    /// Says something on standard error while nothing is drawn there.
    pub(crate) fn beside(&self, say: impl FnOnce()) {
        match &self.live {
            Some(live) => live.suspend(say),
            None => say(),
        }
    }

    pub(super) fn live(&self) -> Option<&MultiProgress> {
        self.live.as_ref()
    }
}
