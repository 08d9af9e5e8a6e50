//! How far the end of a tool has come, and what time adds to it. Pure: the clock is an argument.
//!
//! Never: a second cause in place of the first.

use std::time::Duration;

use remit_core::tool::{Exit, KillCause, ToolLimits};
use remit_supervisor::protocol::Ending;
use tokio::time::Instant;

/// Longest time until a supervisor reports the end after it was told to kill. After that the
/// supervisor itself is killed, and the kernel does the rest.
pub(crate) const KILL_LIMIT: Duration = Duration::from_secs(10);

/// A time limit so long that it is none, for one that does not fit the clock.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// How far the end of a tool has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It runs.
    Running,
    /// It was asked to end, and is ended at this instant if it has not.
    Stopping(KillCause, Instant),
    /// The supervisor was told to kill the tree, and is killed itself at this instant.
    Killing(KillCause, Instant),
    /// The supervisor was killed.
    Abandoned(KillCause),
}

impl Stage {
    /// Why the tool is ended, if it is.
    pub(crate) fn cause(self) -> Option<KillCause> {
        match self {
            Self::Running => None,
            Self::Stopping(cause, _) | Self::Killing(cause, _) | Self::Abandoned(cause) => {
                Some(cause)
            }
        }
    }

    /// Whether the tree is being killed, so that nothing more can be asked of it.
    pub(crate) fn is_killing(self) -> bool {
        match self {
            Self::Running | Self::Stopping(..) => false,
            Self::Killing(..) | Self::Abandoned(_) => true,
        }
    }

    /// The exit that a report of the supervisor means.
    pub(crate) fn exit(self, ending: Ending) -> Exit {
        match ending {
            Ending::Exited(code) => Exit::Code(code),
            Ending::Signaled(signal) => Exit::Signal(signal),
            Ending::Deadline => Exit::Killed(self.cause().unwrap_or(KillCause::WallTimeout)),
            // Without a cause somebody else holds our socket, which nobody should.
            Ending::Asked => Exit::Killed(self.cause().unwrap_or(KillCause::SupervisorLost)),
        }
    }
}

/// What time asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing yet.
    Nothing,
    /// Have the tree killed.
    Kill(KillCause),
    /// Kill the supervisor, which does not answer.
    Abandon(KillCause),
}

/// The clocks of a running tool.
pub(crate) struct Clocks {
    wall: Instant,
    idle: Option<Duration>,
    /// When silence becomes too long. None if it is not limited, or while the tool may be silent
    /// because we do not read.
    silent_at: Option<Instant>,
}

impl Clocks {
    /// The clocks of a tool that started then.
    pub(crate) fn new(started: Instant, limits: &ToolLimits) -> Self {
        let mut clocks = Self {
            wall: after(started, limits.wall),
            idle: limits.idle,
            silent_at: None,
        };
        clocks.heard_something();
        clocks
    }

    /// The tool wrote something.
    pub(crate) fn heard_something(&mut self) {
        self.silent_at = self.idle.map(|idle| after(Instant::now(), idle));
    }

    /// Whether silence counts now. It does not while the tool may be waiting for us.
    pub(crate) fn count_silence(&mut self, counts: bool) {
        if !counts {
            self.silent_at = None;
        } else if self.silent_at.is_none() {
            self.heard_something();
        }
    }

    /// The next instant at which time asks for something.
    pub(crate) fn next(&self, stage: Stage) -> Instant {
        match stage {
            Stage::Running => self.silent_at.map_or(self.wall, |at| at.min(self.wall)),
            Stage::Stopping(_, at) => at.min(self.wall),
            Stage::Killing(_, at) => at,
            Stage::Abandoned(_) => after(Instant::now(), FAR),
        }
    }

    /// What time asks for at this instant.
    pub(crate) fn due(&self, stage: Stage, now: Instant) -> Due {
        match stage {
            Stage::Stopping(cause, at) if now >= at => Due::Kill(cause),
            Stage::Running | Stage::Stopping(..) if now >= self.wall => {
                Due::Kill(KillCause::WallTimeout)
            }
            Stage::Running if self.silent_at.is_some_and(|at| now >= at) => {
                Due::Kill(KillCause::IdleTimeout)
            }
            Stage::Killing(cause, at) if now >= at => Due::Abandon(cause),
            Stage::Running | Stage::Stopping(..) | Stage::Killing(..) | Stage::Abandoned(_) => {
                Due::Nothing
            }
        }
    }
}

/// An instant, as far away as the clock goes.
fn after(start: Instant, time: Duration) -> Instant {
    start.checked_add(time).unwrap_or(start + FAR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use KillCause::{IdleTimeout, Requested, WallTimeout};

    fn clocks(start: Instant, wall: u64, idle: Option<u64>) -> Clocks {
        Clocks {
            wall: start + Duration::from_secs(wall),
            idle: None,
            silent_at: idle.map(|idle| start + Duration::from_secs(idle)),
        }
    }

    #[test]
    fn time_asks_for_the_limit_that_passed_first() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let check = |idle, stage, now, expected| {
            let due = clocks(start, 10, idle).due(stage, at(now));
            assert_eq!(due, expected, "idle {idle:?}, {stage:?}, second {now}");
        };
        check(None, Stage::Running, 9, Due::Nothing);
        check(None, Stage::Running, 10, Due::Kill(WallTimeout));
        check(Some(5), Stage::Running, 4, Due::Nothing);
        check(Some(5), Stage::Running, 5, Due::Kill(IdleTimeout));
        check(Some(5), Stage::Running, 11, Due::Kill(WallTimeout));
        let stopping = Stage::Stopping(Requested, at(3));
        check(Some(1), stopping, 2, Due::Nothing);
        check(Some(1), stopping, 3, Due::Kill(Requested));
        let killing = Stage::Killing(Requested, at(20));
        check(Some(1), killing, 19, Due::Nothing);
        check(Some(1), killing, 20, Due::Abandon(Requested));
        check(Some(1), Stage::Abandoned(Requested), 99, Due::Nothing);
    }

    #[test]
    fn the_next_instant_is_the_one_at_which_something_is_due() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for (idle, stage) in [
            (None, Stage::Running),
            (Some(5), Stage::Running),
            (Some(5), Stage::Stopping(Requested, at(3))),
            (Some(5), Stage::Stopping(Requested, at(30))),
            (Some(5), Stage::Killing(Requested, at(30))),
        ] {
            let clocks = clocks(start, 10, idle);
            let next = clocks.next(stage);
            assert_ne!(clocks.due(stage, next), Due::Nothing, "{idle:?} {stage:?}");
            let before = next - Duration::from_millis(1);
            assert_eq!(
                clocks.due(stage, before),
                Due::Nothing,
                "{idle:?} {stage:?}"
            );
        }
    }

    #[test]
    fn a_report_means_what_happened() {
        let at = Instant::now();
        let check = |ending, stage: Stage, exit| assert_eq!(stage.exit(ending), exit, "{stage:?}");
        let killing = Stage::Killing(IdleTimeout, at);
        check(Ending::Exited(7), Stage::Running, Exit::Code(7));
        check(Ending::Signaled(11), Stage::Running, Exit::Signal(11));
        // It had ended by itself before the kill arrived.
        check(Ending::Exited(7), killing, Exit::Code(7));
        check(Ending::Asked, killing, Exit::Killed(IdleTimeout));
        check(Ending::Deadline, Stage::Running, Exit::Killed(WallTimeout));
        let lost = Exit::Killed(KillCause::SupervisorLost);
        check(Ending::Asked, Stage::Running, lost);
    }
}
