//! The task that drives one tool from its start until nothing of it is left.
//!
//! Everything that can happen to a tool is one arm of one `select!`; what follows is decided
//! without waiting. Never: an end that is announced while something of the tree may still run, a
//! tool that outlives its task (the end of the task closes the control socket, and the supervisor
//! ends the tree).

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use remit_core::manifest::Confinement;
use remit_core::tool::{Containment, Exit, KillCause, StartError, ToolId, ToolLimits};
use remit_supervisor::protocol::{Command, Cost, Ending, Holding, Report};
use rustix::io::Errno;
use rustix::process::{Signal, pidfd_send_signal};
use tokio::io::unix::AsyncFd;
use tokio::process::Child;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch as announce};
use tokio::time::{Instant, sleep_until, timeout};

use crate::confine;
use crate::control::{Control, Heard, Unsent};
use crate::drain::{self, Pipe};
use crate::invocation::{Held, refused, refused_io};
use crate::origins::Origins;
use crate::private::RunDirectory;
use crate::probe;
use crate::shared::{Shared, Stream, Wanted};
use crate::stage::{Clocks, Due, KILL_LIMIT, Stage};
use crate::watched::watch;

/// Longest time until a supervisor reports a start. It takes milliseconds; a machine that swaps
/// may take seconds.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Longest wait for the end of a tree whose supervisor is lost.
const LOST_LIMIT: Duration = Duration::from_secs(10);

/// How watching a tool ended.
enum End {
    /// The supervisor's report.
    Reported(Ending, Cost),
    /// The supervisor is gone without one.
    Lost,
}

/// Everything about one tool that is not shared with its handle.
pub(crate) struct Driver {
    pub(crate) tool: ToolId,
    pub(crate) limits: ToolLimits,
    pub(crate) shared: Arc<Shared>,
    pub(crate) child: Child,
    pub(crate) control: Control,
    pub(crate) out: Pipe,
    pub(crate) err: Pipe,
    pub(crate) closed: announce::Receiver<bool>,
    pub(crate) scratch: Option<RunDirectory>,
    pub(crate) origins: Origins,
    pub(crate) held: Held,
    pub(crate) minimum: Confinement,
    pub(crate) permit: OwnedSemaphorePermit,
}

impl Driver {
    /// Starts the tool, says how that went, and drives it to its end.
    pub(crate) async fn run(mut self, unsent: Unsent, answer: oneshot::Sender<Started>) {
        match self.start(unsent).await {
            Ok(guard) => {
                // Nobody who asked may be left; then the handle is dropped too, and `watch` ends
                // the tool.
                drop(answer.send(Ok(())));
                let guard = guard.and_then(|guard| watch(guard).ok());
                self.drive(guard).await;
            }
            Err(error) => {
                drop(self.control);
                drop((self.scratch.take(), self.held, self.origins));
                // The end of the socket ends the supervisor; taking it off the table is ours.
                reap(self.child).await;
                drop(self.permit);
                drop(answer.send(Err(error)));
            }
        }
    }

    /// Sends what is left of the request and waits for the report of a start.
    async fn start(&mut self, unsent: Unsent) -> Result<Option<OwnedFd>, StartError> {
        let refused =
            |step: &str, errno: Errno| Err(refused(&self.tool, step, errno.raw_os_error()));
        let report = async {
            self.control.finish(unsent).await.ok()?;
            match self.control.hear().await {
                Heard::Report(report, descriptors) => Some((report, descriptors)),
                Heard::Gone => None,
            }
        };
        let gone = async {
            loop {
                self.shared.wake.notified().await;
                if self.shared.lock().wanted == Wanted::Gone {
                    return;
                }
            }
        };
        let report = tokio::select! {
            report = timeout(START_LIMIT, report) => report,
            () = gone => return Err(StartError::RunEnded { tool: self.tool.clone() }),
            _ = self.closed.wait_for(|closed| *closed) => {
                return Err(StartError::RunEnded { tool: self.tool.clone() });
            }
        };
        match report {
            Ok(Some((
                Report::Started {
                    holding,
                    level,
                    machine,
                },
                descriptors,
            ))) => {
                let guard = self
                    .origins
                    .serve(descriptors)
                    .map_err(|error| refused_io(&self.tool, "relay", &error))?;
                let mut state = self.shared.lock();
                state.machine = Some(machine);
                state.usage.confinement = confine::confinement(level);
                state.usage.containment = match holding {
                    Holding::Subreaper => Containment::Subreaper,
                    Holding::PidNamespace => Containment::PidNamespace,
                };
                drop(state);
                Ok(guard)
            }
            Ok(Some((
                Report::TooLoose {
                    need,
                    best,
                    machine,
                },
                _,
            ))) => Err(StartError::TooLoose {
                tool: self.tool.clone(),
                need: probe::needed(need, self.minimum),
                best: confine::confinement(best),
                why: probe::lacking(&machine),
            }),
            Ok(Some((Report::Failed(failure), _))) => {
                refused(failure.step.name(), Errno::from_raw_os_error(failure.errno))
            }
            // A supervisor speaks of a start first; one that does not is none of ours.
            Ok(Some((Report::Ended { .. }, _)) | None) => refused("supervisor", Errno::PROTO),
            Err(_elapsed) => refused("supervisor", Errno::TIMEDOUT),
        }
    }

    /// Watches the tool until its end, waits until nothing is left of it, and announces the end.
    async fn drive(mut self, guard: Option<AsyncFd<OwnedFd>>) {
        let (end, stage) = self.watch().await;
        let exit = match &end {
            End::Reported(ending, cost) => {
                self.note(cost);
                stage.exit(*ending)
            }
            End::Lost => {
                wait_for_tree(guard.as_ref()).await;
                Exit::Killed(stage.cause().unwrap_or(KillCause::SupervisorLost))
            }
        };
        {
            let mut state = self.shared.lock();
            state.usage.wall = state.started.elapsed();
            state.usage.origins = self.origins.traffic();
            state.ended = true;
        }
        // Before the end is announced: whoever sees it finds nothing of the tool open here.
        drop((self.control, guard, self.origins));
        let leftovers = (self.scratch, self.held);
        let remove = async {
            if leftovers.0.is_some() {
                // A tool may have left a million files in it.
                drop(tokio::task::spawn_blocking(move || drop(leftovers)).await);
            }
        };
        tokio::join!(reap(self.child), remove);
        // Before the rest of the output is waited for: whoever reads slowly keeps no place.
        drop(self.permit);
        for (stream, pipe) in [(Stream::Out, self.out), (Stream::Err, self.err)] {
            if let Some(pipe) = pipe {
                drain::rest(&self.shared, &self.limits, stream, &pipe).await;
            }
        }
        self.shared.lock().exit = Some(exit);
        self.shared.event.notify_one();
    }

    /// Serves everything that can happen until the supervisor has reported or is gone.
    async fn watch(&mut self) -> (End, Stage) {
        let started = self.shared.lock().started;
        let mut clocks = Clocks::new(started, &self.limits);
        let mut stage = Stage::Running;
        let mut closed = self.closed.clone();
        loop {
            let (read_out, read_err) = self.may_read(&mut clocks);
            let at = clocks.next(stage);
            tokio::select! {
                heard = self.control.hear() => match heard {
                    Heard::Report(Report::Ended { ending, cost }, _) => {
                        return (End::Reported(ending, cost), stage);
                    }
                    Heard::Report(
                        Report::Started { .. } | Report::Failed(_) | Report::TooLoose { .. },
                        _,
                    ) => {}
                    Heard::Gone => return (End::Lost, stage),
                },
                () = self.shared.wake.notified() => self.heed(&mut stage),
                // Also while it may still end by itself: the end of the run has no grace.
                _ = closed.wait_for(|closed| *closed), if !stage.is_killing() => {
                    // What the holder asked for before came first, and stays the cause.
                    self.heed(&mut stage);
                    self.kill(&mut stage, KillCause::RunEnded);
                }
                () = sleep_until(at) => self.time(&mut stage, &clocks),
                () = drain::readable(&self.out), if read_out => {
                    self.read(Stream::Out, &mut stage, &mut clocks);
                }
                () = drain::readable(&self.err), if read_err => {
                    self.read(Stream::Err, &mut stage, &mut clocks);
                }
            }
        }
    }

    /// Which streams may be read now. While one of them may not, the tool may be waiting for us,
    /// and its silence does not count.
    fn may_read(&self, clocks: &mut Clocks) -> (bool, bool) {
        let mut state = self.shared.lock();
        let discards = state.wanted == Wanted::Gone || state.total() >= self.limits.soft_output;
        let mut may = |stream, pipe: &Pipe| {
            let waiting = state.waiting(stream);
            if pipe.is_some() && !discards && !waiting.is_blocked() && !waiting.has_room() {
                waiting.block();
            }
            pipe.is_some() && (discards || !waiting.is_blocked())
        };
        let may = (may(Stream::Out, &self.out), may(Stream::Err, &self.err));
        let blocked = !discards && (state.out.is_blocked() || state.err.is_blocked());
        drop(state);
        clocks.count_silence(!blocked);
        may
    }

    /// Reads a stream that has something.
    fn read(&mut self, stream: Stream, stage: &mut Stage, clocks: &mut Clocks) {
        let pipe = match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        };
        let Some(open) = pipe else { return };
        let drained = drain::some(&self.shared, &self.limits, stream, open);
        if drained.ended {
            *pipe = None;
        }
        if let Some(total) = drained.total {
            clocks.heard_something();
            self.shared.event.notify_one();
            if total > self.limits.hard_output {
                self.kill(stage, KillCause::OutputLimit);
            }
        }
    }

    /// Does what the holder of the handle wants.
    fn heed(&mut self, stage: &mut Stage) {
        let wanted = self.shared.lock().wanted;
        match wanted {
            Wanted::Run => {}
            Wanted::Gone => self.kill(stage, KillCause::Requested),
            Wanted::Stop(grace) if grace.is_zero() => self.kill(stage, KillCause::Requested),
            Wanted::Stop(grace) => {
                let now = Instant::now();
                let at = now.checked_add(grace).unwrap_or(now);
                match *stage {
                    Stage::Running => {
                        self.control.command(Command::Stop);
                        *stage = Stage::Stopping(KillCause::Requested, at);
                    }
                    Stage::Stopping(cause, earlier) => {
                        *stage = Stage::Stopping(cause, earlier.min(at));
                    }
                    Stage::Killing(..) | Stage::Abandoned(_) => {}
                }
            }
        }
    }

    /// Does what an instant that has come asks for.
    fn time(&mut self, stage: &mut Stage, clocks: &Clocks) {
        match clocks.due(*stage, Instant::now()) {
            Due::Nothing => {}
            Due::Kill(cause) => self.kill(stage, cause),
            Due::Abandon(cause) => {
                tracing::warn!(tool = %self.tool, "the supervisor did not answer; killing it");
                drop(self.child.start_kill());
                *stage = Stage::Abandoned(cause);
            }
        }
    }

    /// Has the tree killed. The first cause stands.
    fn kill(&mut self, stage: &mut Stage, cause: KillCause) {
        if stage.is_killing() {
            return;
        }
        self.control.command(Command::Kill);
        let cause = stage.cause().unwrap_or(cause);
        *stage = Stage::Killing(cause, Instant::now() + KILL_LIMIT);
    }

    /// Writes down what the tool has cost.
    fn note(&self, cost: &Cost) {
        let mut state = self.shared.lock();
        state.usage.user = Duration::from_micros(cost.user_us);
        state.usage.system = Duration::from_micros(cost.system_us);
        state.usage.max_rss = cost.max_rss;
    }
}

/// How a start went.
pub(crate) type Started = Result<(), StartError>;

/// Takes the supervisor off the process table. It has reported its last or its socket is closed,
/// so it is about to end; one that does not is killed.
async fn reap(mut child: Child) {
    if timeout(KILL_LIMIT, child.wait()).await.is_err() {
        drop(child.start_kill());
        drop(timeout(KILL_LIMIT, child.wait()).await);
    }
}

/// Ends what a lost supervisor was guarding, and waits until it is gone.
async fn wait_for_tree(guard: Option<&AsyncFd<OwnedFd>>) {
    let Some(guard) = guard else { return };
    // With a namespace the kernel is doing this already. Without one it ends at least the tool.
    let _ = pidfd_send_signal(guard.get_ref(), Signal::KILL);
    if timeout(LOST_LIMIT, guard.readable()).await.is_err() {
        tracing::error!("a tool whose supervisor is lost does not end");
    }
}
