//! What this machine gives to hold a tool's process tree together, found out by running one.
//!
//! Never: a guess from a version number or a setting; what counts is what happened.

use std::io;
use std::path::Path;
use std::time::Duration;

use remit_core::path::RelPath;
use remit_core::tool::{Containment, StartError, ToolId, ToolLimits};
use remit_engine::seam::{RunningTool as _, ToolEvent};
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::broker::Broker;
use crate::directory::WorkingDirectory;
use crate::invocation::{Hold, Input, Invocation};

/// Why the question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// There is nothing harmless to run.
    #[error("no program `true` in /usr/bin or /bin")]
    NoProgram,
    /// The operating system refused something beside the start.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The start failed.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// Runs `true` and says how its process tree was held. Private directories are made below
/// `scratch`.
///
/// # Errors
/// Nothing can be run on this machine; the error says at which step.
pub async fn probe(scratch: &Path) -> Result<Containment, ProbeError> {
    let program = ["/usr/bin/true", "/bin/true"]
        .into_iter()
        .find_map(|path| Path::new(path).canonicalize().ok())
        .ok_or(ProbeError::NoProgram)?;
    let tool: ToolId = "true".parse().map_err(|_| ProbeError::NoProgram)?;
    let broker = Broker::new(scratch)?;
    let open = |path: &str, flags: OFlags| {
        openat(CWD, path, flags | OFlags::CLOEXEC, Mode::empty()).map_err(io::Error::from)
    };
    let top = open("/", OFlags::PATH | OFlags::DIRECTORY)?;
    let directory = WorkingDirectory::beneath(std::os::fd::AsFd::as_fd(&top), &RelPath::root())
        .map_err(io::Error::from)?;
    let running = broker.spawn(Invocation {
        tool,
        arguments: vec!["true".into()],
        program,
        environment: Vec::new(),
        directory,
        input: Input::Open(open("/dev/null", OFlags::RDONLY)?),
        limits: ToolLimits {
            wall: Duration::from_secs(10),
            idle: None,
            soft_output: 0,
            hard_output: 1 << 20,
        },
        scratch: None,
        hold: Hold::Strongest,
    });
    let mut running = running.await?;
    while !matches!(running.next_event(1024).await, ToolEvent::Exited(_)) {}
    let containment = running.usage().containment;
    broker.close().await;
    Ok(containment)
}
