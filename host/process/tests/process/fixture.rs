//! What the tests share: a broker, invocations, reading a tool to its end, the test program.
//!
//! Never: a check of its own; a fixture that fails says that the machine is not fit.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use bytes::BytesMut;
use remit_core::tool::{Exit, ToolId, ToolLimits, Usage};
use remit_engine::seam::{RunningTool, ToolEvent};
use remit_process::{Broker, Held, Hold, Input, Invocation, Running, Secrets, WorkingDirectory};
use tempfile::TempDir;

/// Bounds a wait whose event always comes, on a machine that is busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A broker and the directory in which it keeps its own.
pub(crate) struct Bench {
    pub(crate) broker: Broker,
    pub(crate) base: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        let broker = Broker::new(base.path()).unwrap();
        Self { broker, base }
    }

    /// Starts `program` with these arguments.
    pub(crate) async fn start(&self, program: &str, arguments: &[&str]) -> Running {
        let invocation = invocation(program, arguments);
        self.broker.spawn(invocation).await.unwrap()
    }

    /// Runs a program to its end.
    pub(crate) async fn run(&self, program: &str, arguments: &[&str]) -> Outcome {
        finish(self.start(program, arguments).await).await
    }
}

/// How a tool was.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) exit: Exit,
    pub(crate) out: Vec<u8>,
    pub(crate) err: Vec<u8>,
    pub(crate) usage: Usage,
}

impl Outcome {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }
}

/// Limits that no test reaches by accident.
pub(crate) fn limits() -> ToolLimits {
    ToolLimits {
        wall: PATIENCE,
        idle: None,
        soft_output: 64 << 20,
        hard_output: u64::MAX,
    }
}

/// A start of `program` in `/`, with an empty environment and empty input.
pub(crate) fn invocation(program: &str, arguments: &[&str]) -> Invocation {
    let arguments = std::iter::once(&program).chain(arguments);
    Invocation {
        tool: tool(),
        program: program.into(),
        arguments: arguments.map(OsString::from).collect(),
        environment: Vec::new(),
        directory: WorkingDirectory::fixed(Path::new("/")).unwrap(),
        input: Input::Open(File::open("/dev/null").unwrap().into()),
        limits: limits(),
        scratch: None,
        origins: Vec::new(),
        hold: Hold::Strongest,
        directory_path: "/".into(),
        bounds: None,
        secrets: Secrets::default(),
        held: Held::default(),
    }
}

/// A name for messages.
pub(crate) fn tool() -> ToolId {
    "probe".parse().unwrap()
}

/// Reads a tool to its end.
pub(crate) async fn finish(running: Running) -> Outcome {
    finish_boxed(Box::new(running)).await
}

/// The same through the seam.
pub(crate) async fn finish_boxed(mut running: Box<dyn RunningTool>) -> Outcome {
    let (mut out, mut err) = (BytesMut::new(), BytesMut::new());
    let exit = loop {
        match within(running.next_event(1 << 20)).await {
            ToolEvent::Stdout(bytes) => out.extend_from_slice(&bytes),
            ToolEvent::Stderr(bytes) => err.extend_from_slice(&bytes),
            ToolEvent::Exited(exit) => break exit,
        }
    };
    Outcome {
        exit,
        out: out.to_vec(),
        err: err.to_vec(),
        usage: running.usage(),
    }
}

/// Reads a tool until its standard output has this text in it. Returns what was read.
pub(crate) async fn read_until(running: &mut Running, text: &str) -> String {
    let mut read = String::new();
    while !read.contains(text) {
        match within(running.next_event(4096)).await {
            ToolEvent::Stdout(bytes) => read.push_str(std::str::from_utf8(&bytes).unwrap()),
            ToolEvent::Stderr(bytes) => panic!("stderr: {bytes:?}"),
            ToolEvent::Exited(exit) => panic!("{exit:?} after {read:?}"),
        }
    }
    read
}

/// Waits for something that always comes.
pub(crate) async fn within<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, event)
        .await
        .expect("the event that the test waits for did not come")
}

/// The test program, compiled once: see `programs/probe.c`.
pub(crate) fn probe() -> &'static str {
    static PROBE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = PROBE.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("probe");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs/probe.c");
        // The compiler that Rust itself links with.
        let status = std::process::Command::new("cc")
            .args(["-O1", "-Wall", "-Werror", "-o"])
            .arg(&path)
            .arg(source)
            .status()
            .unwrap();
        assert!(status.success(), "cc could not compile {source}");
        (directory, path)
    });
    path.to_str().unwrap()
}
