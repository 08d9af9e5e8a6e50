//! A rehearsal of attacks: the carried attacker runs as a tool of this machine, in a scratch
//! workspace, beside victims that it must not reach.
//!
//! It goes the way that every tool goes: declared by a policy, decided, launched, started by the
//! tool box. Never: a file of the user among the victims, a right that an ordinary tool does not
//! have.

#![expect(
    clippy::disallowed_methods,
    reason = "every path is below a scratch directory that was just made and is only this user's"
)]

use std::fs::{self, Permissions};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use remit_attacker::{
    ABSTRACT, Attempt, CANARY, HOST_PID, Level, OUTSIDE, SCRATCH, TCP, UNIX, WORKSPACE,
};
use remit_core::decide::decide;
use remit_core::digest::Digest;
use remit_core::manifest::{Confinement, Manifest};
use remit_core::policy::{AsRoot, Origin, Policy};
use remit_core::tool::{CallStdin, Exit, Launch, SlotValue, StartError, ToolCall, Usage};
use remit_engine::seam::{ToolEvent, Tools as _};
use remit_process::{HostEnvironment, Settings, ToolBox, Without};
use tempfile::TempDir;

/// The static binary that `build.rs` made.
const ATTACKER: &[u8] = include_bytes!(env!("REMIT_ATTACKER"));

/// Bytes that are asked for at once.
const CHUNK: usize = 64 * 1024;

/// What asks for the tool, as any plugin would.
const MANIFEST: &str = r#"
format = 1
id = "attacker"
version = "0.1.0"
wit = "remit:plugin@0.1.0"
title = "Attacks"
[[read]]
path = "."
reason = "the scratch workspace"
[[write]]
path = "."
reason = "the scratch workspace"
[[run]]
tool = "attacker"
reason = "tries to leave its confinement"
"#;

/// What came of it.
pub(crate) struct Rehearsed {
    /// How tightly the tool was confined.
    pub(crate) level: Level,
    /// Every attempt, in order.
    pub(crate) attempts: Vec<Attempt>,
    /// How the attacker ended.
    pub(crate) exit: Exit,
}

/// Why there was no rehearsal.
#[derive(Debug)]
pub(crate) enum NotRehearsed {
    /// No tool can be started on this machine.
    Start(StartError),
    /// The stage could not be set.
    Other(anyhow::Error),
}

impl From<anyhow::Error> for NotRehearsed {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// Directories and services of one rehearsal; gone when dropped.
struct Stage {
    root: TempDir,
    tcp: TcpListener,
    abstracted: String,
    _sockets: [UnixListener; 2],
}

impl Stage {
    fn set(base: &Path) -> io::Result<Self> {
        let root = tempfile::Builder::new()
            .prefix("remit-rehearsal-")
            .tempdir_in(base)?;
        for directory in ["workspace", "outside", "program"] {
            fs::create_dir(root.path().join(directory))?;
        }
        fs::write(root.path().join("workspace").join(SCRATCH), "")?;
        fs::write(root.path().join("outside/canary"), "nobody may read this\n")?;
        let program = root.path().join("program/remit-attacker");
        fs::write(&program, ATTACKER)?;
        fs::set_permissions(&program, Permissions::from_mode(0o555))?;
        let abstracted = root.path().display().to_string();
        Ok(Self {
            tcp: TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
            _sockets: [
                UnixListener::bind(root.path().join("outside/socket"))?,
                UnixListener::bind_addr(&SocketAddr::from_abstract_name(&abstracted)?)?,
            ],
            abstracted,
            root,
        })
    }

    fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    /// The victims, as the attacker's options.
    fn options(&self) -> io::Result<Vec<String>> {
        let path = |option: &str, below: &str| format!("{option}{}", self.path(below).display());
        Ok(vec![
            path(WORKSPACE, "workspace"),
            path(CANARY, "outside/canary"),
            path(OUTSIDE, "outside"),
            path(UNIX, "outside/socket"),
            format!("{ABSTRACT}{}", self.abstracted),
            format!("{TCP}{}", self.tcp.local_addr()?.port()),
            format!("{HOST_PID}{}", std::process::id()),
        ])
    }

    /// The declaration of the attacker as a tool, and the rules for it.
    fn policy(&self) -> String {
        let program = toml_text(&self.path("program/remit-attacker").display().to_string());
        format!(
            "format = 1\n\
             [tools.attacker]\nprogram = {program}\n\
             [tools.attacker.templates]\nattack = [\"portable\", \"--\", \"{{options:text*}}\"]\n\
             [tools.attacker.run]\nwall = \"2m\"\n\
             [plugins.attacker]\nread = [\".\"]\nwrite = [\".\"]\nrun = [\"attacker\"]\n"
        )
    }

    /// The decided launch.
    fn launch(&self) -> anyhow::Result<Launch> {
        let manifest = Manifest::parse("attacker", MANIFEST).map_err(|found| anyhow!("{found}"))?;
        let policy = Policy::parse(Origin::File("attacker".to_owned()), &self.policy())
            .map_err(|found| anyhow!("{found}"))?;
        let grants = decide(&manifest, &policy, &Digest::of(ATTACKER))
            .map_err(|denials| anyhow!("the rehearsal was denied: {denials:?}"))?;
        let call = ToolCall {
            tool: "attacker".to_owned(),
            template: "attack".to_owned(),
            slots: vec![("options".to_owned(), SlotValue::Many(self.options()?))],
            env: Vec::new(),
            cwd: None,
            stdin: CallStdin::Empty,
            timeout: None,
            idle: None,
        };
        grants
            .launch(&call)
            .map_err(|error| anyhow!("the rehearsal was refused: {error:?}"))
    }
}

/// A text as TOML has it.
fn toml_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Rehearses every attack that this machine can try. Everything is made below `base` and removed.
///
/// # Errors
/// The attacker could not be started, as no tool could, or something else failed.
pub(crate) async fn rehearse(base: &Path, as_root: AsRoot) -> Result<Rehearsed, NotRehearsed> {
    let base = base.canonicalize().context("the temporary directory")?;
    let stage = Stage::set(&base).context("the scratch directory")?;
    let tools = ToolBox::new(Settings {
        workspace: stage.path("workspace"),
        scratch: base,
        environment: HostEnvironment::new(std::env::vars_os()),
        search: None,
        as_root,
        without: Without::default(),
        relay: None,
    })
    .context("the tool box")?;
    let started = tools.start(&stage.launch()?).await;
    let mut running = started.map_err(NotRehearsed::Start)?;
    let mut said = Vec::new();
    let exit = loop {
        match running.tool.next_event(CHUNK).await {
            ToolEvent::Stdout(bytes) => said.extend_from_slice(&bytes),
            ToolEvent::Stderr(_) => {}
            ToolEvent::Exited(exit) => break exit,
        }
    };
    let level = level(&running.tool.usage());
    tools.close().await;
    Ok(Rehearsed {
        level,
        attempts: Attempt::parse_all(&String::from_utf8_lossy(&said)),
        exit,
    })
}

/// The level at which a tool ran.
fn level(usage: &Usage) -> Level {
    match usage.confinement {
        Confinement::Full => Level::A,
        Confinement::Landlock => Level::B,
        Confinement::Namespaces => Level::BPrime,
        Confinement::None => Level::C,
    }
}
