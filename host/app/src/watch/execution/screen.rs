//! The place where the live view draws, shared with everyone else who has something to say there.
//!
//! Never: a line that lands in the middle of the live view.

use std::io::IsTerminal as _;
use std::sync::Arc;

use indicatif::{MultiProgress, ProgressDrawTarget};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

use super::Look;

/// Times a second that the terminal is drawn at most.
const HERTZ: u8 = 12;

/// Standard error, with a live view on it or not.
#[derive(Debug, Clone)]
pub(crate) struct Screen {
    live: Option<MultiProgress>,
    /// Ends with the last who may draw.
    _quiet: Option<Arc<QuietKeys>>,
}

/// While this lives, Ctrl-C leaves no `^C` on the terminal: it would move the cursor, and the live
/// view would then clear other lines than its own.
#[derive(Debug)]
struct QuietKeys;

impl QuietKeys {
    /// Absent if the terminal is quiet already, or if its foreground is not ours: who is in the
    /// background and changes a terminal is stopped (`termios(3)`, SIGTTOU).
    fn new() -> Option<Arc<Self>> {
        let modes = foreground()?;
        if !modes.local_modes.contains(LocalModes::ECHOCTL) {
            return None;
        }
        echo_control_keys(modes, false);
        Some(Arc::new(Self))
    }
}

impl Drop for QuietKeys {
    fn drop(&mut self) {
        if let Some(modes) = foreground() {
            echo_control_keys(modes, true);
        }
    }
}

/// The modes of the terminal, if its foreground is ours.
fn foreground() -> Option<Termios> {
    let group = tcgetpgrp(std::io::stdin()).ok()?;
    (group == rustix::process::getpgrp())
        .then(|| tcgetattr(std::io::stdin()).ok())
        .flatten()
}

/// A terminal that refuses is left as it is: the view is then a line less neat.
fn echo_control_keys(mut modes: Termios, echo: bool) {
    modes.local_modes.set(LocalModes::ECHOCTL, echo);
    tcsetattr(std::io::stdin(), OptionalActions::Now, &modes).unwrap_or_default();
}

impl Screen {
    /// A live view is drawn if a person wants to see it and there is a terminal.
    pub(crate) fn new(look: Look) -> Self {
        let live = (look == Look::Human && std::io::stderr().is_terminal())
            .then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(HERTZ)));
        let quiet = live.as_ref().and_then(|_| QuietKeys::new());
        Self {
            live,
            _quiet: quiet,
        }
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
