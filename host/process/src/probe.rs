//! What this machine gives to hold and confine a tool, found out by running one.
//!
//! Never: a guess from a version number or a setting; what counts is what happened.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use remit_core::manifest::Confinement;
use remit_core::path::RelPath;
use remit_core::policy::AsRoot;
use remit_core::tool::{Containment, StartError, ToolId, ToolLimits};
use remit_engine::seam::{RunningTool as _, ToolEvent};
use remit_supervisor::protocol::{
    Bounds, Grant, Level, Limits, Machine, Need, Network, Step, Without,
};
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::broker::Broker;
use crate::confine;
use crate::directory::WorkingDirectory;
use crate::invocation::{Held, Hold, Input, Invocation};
use crate::scrub::Secrets;
use crate::system::System;

/// Why the question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// There is nothing harmless to run.
    #[error("no program `true` in /usr/bin or /bin; install it (package coreutils)")]
    NoProgram,
    /// The operating system refused something beside the start.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The start failed.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// What a machine gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What holds a tool's process tree together.
    pub containment: Containment,
    /// How tightly a tool is confined.
    pub confinement: Confinement,
    /// The version of Landlock's interface; 0 if there is none.
    pub landlock: u8,
    /// Whether system calls can be filtered.
    pub seccomp: bool,
    /// What is missing for the tightest level, and what would change that; empty at that level.
    pub lacking: String,
}

/// Runs `true` in a private directory and says how it was held and confined. Private directories
/// are made below `scratch`.
///
/// # Errors
/// Nothing can be run on this machine; the error says at which step.
pub async fn probe(scratch: &Path, as_root: AsRoot, without: Without) -> Result<Probe, ProbeError> {
    let program = ["/usr/bin/true", "/bin/true"]
        .into_iter()
        .find_map(|path| Path::new(path).canonicalize().ok())
        .ok_or(ProbeError::NoProgram)?;
    let tool: ToolId = "true".parse().map_err(|_| ProbeError::NoProgram)?;
    let broker = Broker::new(scratch)?;
    let run = broker.run_directory()?;
    // An empty workspace: nothing is needed in it.
    let place = broker.run_directory()?;
    let workspace = place.home().canonicalize()?;
    let open = |path: &Path, flags: OFlags| {
        openat(CWD, path, flags | OFlags::CLOEXEC, Mode::empty()).map_err(io::Error::from)
    };
    let top = open(&workspace, OFlags::PATH | OFlags::DIRECTORY)?;
    let directory = WorkingDirectory::beneath(std::os::fd::AsFd::as_fd(&top), &RelPath::root())
        .map_err(io::Error::from)?;
    let identity = confine::identity_for(&workspace, as_root)?;
    let (user, group) = confine::user(identity);
    let system = System::new(broker.private(), user, group);
    let bounds = Bounds {
        minimum: Level::None,
        places: system.places(Network::None)?,
        workspace: workspace.as_os_str().as_bytes().to_vec(),
        grants: vec![Grant {
            path: b".".to_vec(),
            read: true,
            write: true,
        }],
        covers: Vec::new(),
        scratch: run.path().as_os_str().as_bytes().to_vec(),
        attempt: None,
        network: Network::None,
        listen: Vec::new(),
        identity,
        limits: SMALL,
        without,
    };
    let running = broker.spawn(Invocation {
        tool,
        arguments: vec!["true".into()],
        program,
        environment: Vec::new(),
        directory,
        input: Input::Open(open(Path::new("/dev/null"), OFlags::RDONLY)?),
        limits: ToolLimits {
            wall: Duration::from_secs(10),
            idle: None,
            soft_output: 0,
            hard_output: 1 << 20,
        },
        scratch: Some(run),
        origins: Vec::new(),
        hold: Hold::Strongest,
        directory_path: workspace,
        bounds: Some(bounds),
        secrets: Secrets::default(),
        held: Held::default(),
    });
    let mut running = running.await?;
    while !matches!(running.next_event(1024).await, ToolEvent::Exited(_)) {}
    let (usage, machine) = (running.usage(), running.machine());
    broker.close().await;
    Ok(Probe {
        containment: usage.containment,
        confinement: usage.confinement,
        landlock: machine.map_or(0, |machine| machine.landlock),
        seccomp: machine.is_some_and(|machine| machine.seccomp),
        lacking: machine.map_or_else(String::new, |machine| lacking(&machine)),
    })
}

/// Ample for a program that does nothing.
const SMALL: Limits = Limits {
    processes: 8,
    file: 1 << 20,
    memory: 64 << 20,
    cpu: 10,
    scratch: 1 << 20,
};

/// What needs more confinement than there is, and what would make it need less.
pub(crate) fn needed(need: Need, minimum: Confinement) -> String {
    match need {
        Need::Level => format!("level {minimum} is asked for at least"),
        Need::ServiceUser => "remit runs as root, and then tools work on root's files as a user \
             that owns nothing, which needs namespaces (run remit as an ordinary user, or write \
             `as-root = \"keep\"` under [host] in your policy)"
            .to_owned(),
        Need::Loopback => {
            "its network is `loopback` or `origins`, which needs namespaces".to_owned()
        }
        Need::Covers => {
            "a rule denies a part of what the plugin was granted, which needs namespaces".to_owned()
        }
        Need::WriteOnly => {
            "the plugin may write what it may not read, which needs Landlock; allow \
             reading, too"
                .to_owned()
        }
    }
}

/// What a machine lacks for the tightest level, and what would change that. Empty if nothing.
pub(crate) fn lacking(machine: &Machine) -> String {
    let mut lacks: Vec<String> = Vec::new();
    if let Some(refused) = machine.refused {
        let error = io::Error::from_raw_os_error(refused.errno);
        let step = refused.step.name();
        let fix = match refused.step {
            Step::Fork | Step::User => {
                "allow user namespaces: `sysctl kernel.unprivileged_userns_clone=1`, \
                 `user.max_user_namespaces` above 0, `kernel.apparmor_restrict_unprivileged_userns=0` \
                 or an AppArmor profile for remit; in a container, a seccomp profile that lets \
                 `clone` and `unshare` through"
            }
            Step::Proc => "in a container, let it have an unmasked /proc",
            Step::Ownership => {
                "run remit as an ordinary user, put the workspace on ext4, xfs, btrfs or tmpfs, or \
                 write `as-root = \"keep\"` under [host] in your policy"
            }
            Step::Root
            | Step::Request
            | Step::Session
            | Step::Adopt
            | Step::Tie
            | Step::Stdin
            | Step::Directory
            | Step::Limits
            | Step::Place
            | Step::Grant
            | Step::Cover
            | Step::Loopback
            | Step::Listen
            | Step::Capabilities
            | Step::Landlock
            | Step::Descriptors
            | Step::Privileges
            | Step::Seccomp
            | Step::Exec => "Linux 5.12 or newer lets a user namespace mount what this needs",
        };
        lacks.push(format!("no namespaces of its own ({step}: {error}); {fix}"));
    }
    if machine.landlock == 0 {
        lacks.push(
            "no Landlock; it needs Linux 5.13 or newer with `landlock` among the `lsm=` of the \
             kernel's command line"
                .to_owned(),
        );
    }
    if !machine.seccomp {
        lacks.push(
            "no filter of system calls; it needs a kernel with CONFIG_SECCOMP_FILTER".to_owned(),
        );
    }
    lacks.join("; ")
}
