//! A tool that plays its steps. It has a clock of its own, which only its pauses move: limits on
//! time hold without anybody waiting.
//!
//! Never: a thread, a process, output that nobody asked for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use remit_core::event::Stream;
use remit_core::manifest::Confinement;
use remit_core::outcome::CancelReason;
use remit_core::path::RelPath;
use remit_core::scenario::{Content, End, ExpectedCall, Place, Step};
use remit_core::tool::{Containment, Exit, KillCause, Launch, Usage};
use remit_engine::seam::{RunningTool, StdinClosed, ToolEvent};
use tokio::time::Instant;

use crate::flow::Flow;
use crate::input::Input;
use crate::tools::Stage;

/// Most bytes of one event: what one read of a pipe gives.
const PIECE: usize = 64 << 10;

/// A tool that plays.
pub(crate) struct Playing {
    stage: Arc<Stage>,
    launch: Launch,
    /// What people call this run of the tool, for what does not fit.
    name: String,
    steps: VecDeque<Step>,
    flow: Option<(Stream, Flow)>,
    input: Input,
    ignores_term: bool,
    /// When a real wait is over.
    deadline: Option<Instant>,
    /// How long it has been silent, by its own clock.
    silent: Duration,
    /// How much of its output was handed on.
    kept: u64,
    usage: Usage,
    exit: Option<Exit>,
}

/// What comes after a step.
enum Next {
    /// Another step, or an event.
    GoOn,
    /// Nothing before this moment.
    At(Instant),
    /// Nothing, as long as nobody does something.
    Never,
}

impl Playing {
    pub(crate) fn new(
        stage: Arc<Stage>,
        launch: &Launch,
        call: &ExpectedCall,
        name: String,
        input: Input,
    ) -> Self {
        Self {
            stage,
            launch: launch.clone(),
            name,
            steps: call.play.clone().into(),
            flow: None,
            input,
            ignores_term: call.ignores_term,
            deadline: None,
            silent: Duration::ZERO,
            kept: 0,
            usage: Usage {
                // What a machine that lacks nothing gives.
                containment: Containment::PidNamespace,
                confinement: Confinement::Full,
                ..Usage::default()
            },
            exit: None,
        }
    }

    fn end(&mut self, exit: Exit) {
        self.exit.get_or_insert(exit);
        self.flow = None;
        self.input.close();
    }

    /// Its own clock goes on.
    fn pass(&mut self, time: Duration) {
        let limits = self.launch.limits();
        self.usage.wall = self.usage.wall.saturating_add(time);
        self.silent = self.silent.saturating_add(time);
        if limits.idle.is_some_and(|idle| self.silent > idle) {
            self.end(Exit::Killed(KillCause::IdleTimeout));
        } else if self.usage.wall > limits.wall {
            self.end(Exit::Killed(KillCause::WallTimeout));
        }
    }

    /// The next piece of output, as far as there is any.
    fn output(&mut self, max: usize) -> Option<ToolEvent> {
        let limits = self.launch.limits().clone();
        let (stream, flow) = self.flow.as_mut()?;
        let stream = *stream;
        let room = limits.soft_output.saturating_sub(self.kept);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let bytes = flow.next(max.min(PIECE).min(room));
        let mut written = bytes.len() as u64;
        self.kept += written;
        let left = flow.left();
        if bytes.len() == room && left > 0 {
            // What is over the soft limit is counted and nothing else.
            self.usage.truncated = true;
            written += left;
            self.flow = None;
        } else if left == 0 {
            self.flow = None;
        }
        self.silent = Duration::ZERO;
        let count = match stream {
            Stream::Stdout => &mut self.usage.stdout_bytes,
            Stream::Stderr => &mut self.usage.stderr_bytes,
        };
        *count = count.saturating_add(written);
        if self
            .usage
            .stdout_bytes
            .saturating_add(self.usage.stderr_bytes)
            >= limits.hard_output
        {
            self.end(Exit::Killed(KillCause::OutputLimit));
        }
        (!bytes.is_empty()).then_some(match stream {
            Stream::Stdout => ToolEvent::Stdout(bytes),
            Stream::Stderr => ToolEvent::Stderr(bytes),
        })
    }

    /// Carries out the next step.
    fn step(&mut self) -> Next {
        let Some(step) = self.steps.front().cloned() else {
            self.end(Exit::Code(0));
            return Next::GoOn;
        };
        match step {
            Step::Output(stream, content) => {
                self.flow = Some((stream, Flow::of(&content, &self.stage.material)));
            }
            Step::Pause(time) => self.pass(time),
            Step::Wait(time) => match self.deadline {
                None => {
                    let deadline = Instant::now() + time;
                    self.deadline = Some(deadline);
                    return Next::At(deadline);
                }
                Some(deadline) if deadline > Instant::now() => return Next::At(deadline),
                Some(_) => {
                    self.deadline = None;
                    self.pass(time);
                }
            },
            Step::Await(text) => {
                if !self.input.read_until(&text) {
                    if self.input.is_closed() {
                        self.stage.complain(format!(
                            "{}: standard input ended before a line with {text:?} came",
                            self.name
                        ));
                    } else {
                        return Next::Never;
                    }
                }
            }
            Step::AwaitEnd if !self.input.is_closed() => return Next::Never,
            Step::AwaitEnd => {}
            Step::CloseStdin => self.input.close(),
            Step::Write {
                place,
                path,
                content,
            } => self.write(place, &path, &content),
            Step::Delete(path) => self.delete(&path),
            Step::Cancel => self.stage.cancel.cancel(CancelReason::Requested),
            Step::End(End::Exit(exit)) => self.end(exit),
            Step::End(End::Hang) => return Next::Never,
        }
        self.steps.pop_front();
        Next::GoOn
    }

    /// Whether a real tool could change this file.
    fn may_write(&self, path: &RelPath) -> bool {
        let bounds = self.launch.bounds();
        let allowed = bounds.write().iter().any(|root| root.covers(path));
        let denied = bounds.deny_write().iter().any(|rule| rule.denies(path));
        if !allowed || denied {
            self.stage.complain(format!(
                "{}: the tool changes `{path}`, which the plugin is not granted to write: no real \
                 tool could",
                self.name
            ));
        }
        allowed && !denied
    }

    fn write(&self, place: Place, path: &RelPath, content: &Content) {
        let written = match place {
            Place::Workspace if self.may_write(path) => {
                let root = &self.stage.workspace;
                self.stage.material.write(root, path, content)
            }
            Place::Workspace => return,
            Place::Scratch => match &self.stage.scratch {
                Some(root) => self.stage.material.write(root, path, content),
                None => {
                    let name = &self.name;
                    self.stage.complain(format!(
                        "{name}: the tool writes `{path}` into the private directory, and this \
                         attempt has none"
                    ));
                    return;
                }
            },
        };
        if let Err(error) = written {
            self.stage.complain(format!("{}: {error}", self.name));
        }
    }

    fn delete(&self, path: &RelPath) {
        if !self.may_write(path) {
            return;
        }
        if let Err(error) = self.stage.workspace.remove_file(path.as_str()) {
            self.stage
                .complain(format!("{}: the tool removes `{path}`: {error}", self.name));
        }
    }
}

#[async_trait]
impl RunningTool for Playing {
    async fn next_event(&mut self, max: usize) -> ToolEvent {
        loop {
            if let Some(event) = self.output(max.max(1)) {
                return event;
            }
            if let Some(exit) = self.exit {
                return ToolEvent::Exited(exit);
            }
            match self.step() {
                Next::GoOn => {}
                Next::At(moment) => tokio::time::sleep_until(moment).await,
                Next::Never => std::future::pending().await,
            }
        }
    }

    async fn write_stdin(&mut self, bytes: &[u8]) -> Result<usize, StdinClosed> {
        // A tool that closes its input first does so before anybody can write.
        while let Some(Step::CloseStdin) = self.steps.front() {
            self.steps.pop_front();
            self.input.close();
        }
        self.input.write(bytes).ok_or(StdinClosed)
    }

    fn close_stdin(&mut self) {
        self.input.close();
    }

    fn kill(&mut self, grace: Duration) {
        if self.exit.is_none() && self.ignores_term {
            self.usage.wall = self.usage.wall.saturating_add(grace);
        }
        self.end(Exit::Killed(KillCause::Requested));
    }

    fn usage(&self) -> Usage {
        self.usage.clone()
    }
}
