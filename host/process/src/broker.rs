//! Starting tools through their supervisors.
//!
//! The host never forks: the standard library starts a program with `posix_spawn` only as long as
//! nothing is asked for that needs code in the child. So the command below has an absolute path,
//! an empty environment and three streams, and everything else is the supervisor's work. Never:
//! `pre_exec`, a user or group, a working directory, a process group.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the one place where a program is started: the supervisor, which contains it"
)]

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use remit_core::manifest::Confinement;
use remit_core::tool::{StartError, ToolId};
use remit_engine::seam::Relay;
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use tokio::process::{Child, Command};
use tokio::sync::{Semaphore, oneshot, watch as announce};

use crate::attempt_directory::AttemptDirectory;
use crate::confine;
use crate::control::Control;
use crate::drive::Driver;
use crate::image::Image;
use crate::invocation::{Input, Invocation, refused_io};
use crate::origins::Origins;
use crate::private::{HostDirectory, RunDirectory};
use crate::running::Running;
use crate::shared::Shared;
use crate::watched::watch;

/// Tools that run at the same time. Each costs the host five descriptors, and the pipes of this
/// many fill the kernel's budget for one user.
pub const MAX_RUNNING: u32 = 64;

/// What a pipe to the host holds. With 64 KiB, the default, a fast writer waits five times as
/// often.
const PIPE_BYTES: usize = 1024 * 1024;

/// Starts tools and ends them together: [`Broker::close`] does, and so does dropping it.
pub struct Broker {
    image: Image,
    scratch: HostDirectory,
    places: Arc<Semaphore>,
    relay: Option<Arc<dyn Relay>>,
    closed: announce::Sender<bool>,
}

impl Broker {
    /// A broker that keeps its private directories below `base`, for example `/tmp`.
    ///
    /// # Errors
    /// `base` cannot be written.
    pub fn new(base: &Path) -> io::Result<Self> {
        let scratch = HostDirectory::new(base)?;
        Ok(Self {
            image: Image::new(scratch.path().to_owned()),
            scratch,
            places: Arc::new(Semaphore::new(usize::try_from(MAX_RUNNING).unwrap_or(1))),
            relay: None,
            closed: announce::Sender::new(false),
        })
    }

    /// Has the origins of tools served by `relay`.
    #[must_use]
    pub fn with_relay(mut self, relay: Arc<dyn Relay>) -> Self {
        self.relay = Some(relay);
        self
    }

    /// The directory of this host process.
    pub(crate) fn private(&self) -> &Path {
        self.scratch.path()
    }

    /// Makes the private directories for one run. Blocks for the time of three system calls.
    ///
    /// # Errors
    /// The disk is full.
    pub fn run_directory(&self) -> io::Result<RunDirectory> {
        self.scratch.run()
    }

    /// Names the private directories for a run that has them in memory.
    ///
    /// # Errors
    /// The disk is full.
    pub(crate) fn memory_directory(&self) -> io::Result<RunDirectory> {
        self.scratch.in_memory()
    }

    /// The scratch directory of one attempt, see [`HostDirectory::attempt`].
    pub(crate) fn attempt_directory(&self, owner: Option<(u32, u32)>) -> AttemptDirectory {
        self.scratch.attempt(owner)
    }

    /// Starts a tool. When this returns an error, or is dropped, nothing is left running.
    ///
    /// # Errors
    /// See [`StartError`]. A program that the kernel refuses is `Refused` with the step `exec`.
    pub async fn spawn(&self, invocation: Invocation) -> Result<Running, StartError> {
        let tool = invocation.tool.clone();
        if *self.closed.borrow() {
            return Err(StartError::RunEnded { tool });
        }
        let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() else {
            let what = format!("{MAX_RUNNING} tools run already; wait until one has ended");
            return Err(StartError::Limit { tool, what });
        };
        let request = invocation.request()?;
        let origins = match (&self.relay, invocation.origins.is_empty()) {
            (_, true) => Origins::none(),
            (Some(relay), false) => Origins::new(Arc::clone(relay), invocation.origins),
            (None, false) => return Err(StartError::NoOrigins { tool }),
        };
        let no_descriptor = |error: io::Error| refused_io(&tool, "descriptors", &error);

        let (control, theirs) = Control::pair().map_err(no_descriptor)?;
        let (stdin, write_end) = open_input(invocation.input).map_err(no_descriptor)?;
        let (out, their_out) = output_pipe().map_err(no_descriptor)?;
        let (err, their_err) = output_pipe().map_err(no_descriptor)?;
        let directory = invocation.directory.into_descriptor();
        let unsent = control
            .begin(&request, [&directory, &stdin])
            .map_err(|error| refused_io(&tool, "request", &error))?;
        // Only the tool may hold these now; else the end of its input would never be seen.
        drop((directory, stdin));

        let child = self.start_supervisor(&tool, theirs, their_out, their_err)?;
        let shared = Arc::new(Shared::new());
        let minimum = invocation.bounds.as_ref().map(|bounds| bounds.minimum);
        let running = Running::new(Arc::clone(&shared), write_end, invocation.secrets)
            .map_err(no_descriptor)?;
        let driver = Driver {
            tool: tool.clone(),
            limits: invocation.limits,
            shared,
            child,
            control,
            out: Some(watch(out).map_err(no_descriptor)?),
            err: Some(watch(err).map_err(no_descriptor)?),
            closed: self.closed.subscribe(),
            scratch: invocation.scratch,
            origins,
            held: invocation.held,
            minimum: minimum.map_or(Confinement::None, confine::confinement),
            permit,
        };
        let (answer, started) = oneshot::channel();
        tokio::spawn(driver.run(unsent, answer));
        match started.await {
            Ok(Ok(())) => Ok(running),
            Ok(Err(error)) => Err(error),
            // The runtime is shutting down and has dropped the task.
            Err(_) => Err(StartError::RunEnded { tool }),
        }
    }

    /// Ends every tool, and waits until nothing of any is left. Nothing starts afterwards.
    pub async fn close(&self) {
        self.closed.send_replace(true);
        if self.places.acquire_many(MAX_RUNNING).await.is_ok() {
            self.places.close();
        }
    }

    /// Starts the supervisor with `posix_spawn`.
    fn start_supervisor(
        &self,
        tool: &ToolId,
        control: OwnedFd,
        out: OwnedFd,
        err: OwnedFd,
    ) -> Result<Child, StartError> {
        let failed = |error: io::Error| refused_io(tool, "supervisor", &error);
        let path = self.image.path().map_err(failed)?;
        let spawn = |path: PathBuf| -> io::Result<Child> {
            let mut command = Command::new(path);
            command
                .arg0("remit-supervisor")
                .env_clear()
                .stdin(Stdio::from(control.try_clone()?))
                .stdout(Stdio::from(out.try_clone()?))
                .stderr(Stdio::from(err.try_clone()?));
            command.spawn()
        };
        match spawn(path) {
            Err(error) if self.image.may_fall_back(&error) => {
                spawn(self.image.fall_back().map_err(failed)?).map_err(failed)
            }
            result => result.map_err(failed),
        }
    }
}

/// The tool's standard input, and our end of it if it is a pipe.
fn open_input(input: Input) -> io::Result<(OwnedFd, Option<OwnedFd>)> {
    match input {
        Input::Open(descriptor) => Ok((descriptor, None)),
        Input::Piped => {
            let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
            Ok((read, Some(write)))
        }
    }
}

/// A pipe for output: our end, which does not block, and the tool's.
fn output_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&read, true)?;
    // Refused when the user's budget for pipes is used up; then it is slower, nothing else.
    let _ = fcntl_setpipe_size(&read, PIPE_BYTES);
    Ok((read, write))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use remit_core::tool::{Exit, ToolLimits};
    use remit_engine::seam::{RunningTool, ToolEvent};
    use rustix::fs::{CWD, Mode, OFlags, openat};

    use crate::directory::WorkingDirectory;
    use crate::invocation::{Held, Hold};
    use crate::scrub::Secrets;

    #[tokio::test]
    async fn a_supervisor_also_starts_from_the_fallback_file() {
        let base = tempfile::tempdir().unwrap();
        let broker = Broker::new(base.path()).unwrap();
        let file = broker.image.fall_back().unwrap();
        assert_eq!(broker.image.path().unwrap(), file);
        let invocation = Invocation {
            tool: "echo".parse().unwrap(),
            program: "/bin/echo".into(),
            arguments: vec!["echo".into(), "here".into()],
            environment: Vec::new(),
            directory: WorkingDirectory::fixed(Path::new("/")).unwrap(),
            input: Input::Open(openat(CWD, "/dev/null", OFlags::RDONLY, Mode::empty()).unwrap()),
            limits: ToolLimits {
                wall: Duration::from_secs(60),
                idle: None,
                soft_output: 100,
                hard_output: 100,
            },
            scratch: None,
            origins: Vec::new(),
            hold: Hold::Strongest,
            directory_path: "/".into(),
            bounds: None,
            secrets: Secrets::default(),
            held: Held::default(),
        };
        let mut running = broker.spawn(invocation).await.unwrap();
        let output = running.next_event(100).await;
        assert_eq!(output, ToolEvent::Stdout("here\n".into()));
        let end = running.next_event(100).await;
        assert_eq!(end, ToolEvent::Exited(Exit::Code(0)));
    }
}
