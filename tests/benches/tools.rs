//! What a tool costs: `/bin/true` from plugin to supervisor and back against a bare start of it,
//! and the output of a large `cat` as a plugin reads it against the same pipe read natively.
//!
//! The starts are measured in a small host and in one that holds 1.5 GiB: a host that forks pays
//! for every page that it holds.

use std::ffi::OsString;
use std::fs::File;
use std::hint::black_box;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use remit_core::tool::{Exit, ToolLimits};
use remit_engine::plugin::Instance;
use remit_engine::seam::{RunningTool as _, ToolEvent};
use remit_process::{Broker, Held, Hold, Input, Invocation, Secrets, WorkingDirectory};
use tokio::runtime::Runtime;

use crate::measure::{Samples, take_turns, time};
use crate::world;

/// Starts of each contender.
const STARTS: usize = 200;

/// What a host with much in memory holds.
const BALLAST: usize = 1536 << 20;

/// A memory page: one write in each makes it resident.
const PAGE: usize = 4096;

/// Readings of the whole file by each contender.
const READINGS: usize = 12;

/// The file that is read.
const FILE: usize = 256 << 20;

/// What the native reader asks for at once, and the plugin too.
const CHUNK: usize = 64 << 10;

pub(crate) fn run() {
    let runtime = world::tokio_runtime();
    let _inside = runtime.enter();
    let workspace = tempfile::tempdir().unwrap();
    starts(&runtime, workspace.path(), "/bin/true, in a small host");
    let mut ballast = vec![0_u8; BALLAST];
    ballast.iter_mut().step_by(PAGE).for_each(|byte| *byte = 1);
    starts(
        &runtime,
        workspace.path(),
        "/bin/true, in a host with 1.5 GiB resident",
    );
    black_box(&ballast);
    drop(ballast);
    readings(&runtime, workspace.path());
}

fn starts(runtime: &Runtime, workspace: &Path, title: &str) {
    let plugin = runtime.block_on(world::load_testing("probe", Some(workspace)));
    let host = world::tool_host(workspace, true);
    let mut instance = runtime.block_on(world::instance(&plugin, &host));
    let broker = Broker::new(&std::env::temp_dir()).unwrap();
    let mut bare = |samples: &mut Samples| samples.add(time(bare_start));
    let mut through_broker = |samples: &mut Samples| {
        samples.add(time(|| runtime.block_on(broker_start(&broker))));
    };
    let mut through_plugin = |samples: &mut Samples| {
        samples.add(time(|| {
            runtime.block_on(plugin_start(instance.as_mut()));
        }));
    };
    take_turns(
        title,
        STARTS,
        &mut [
            ("std::process::Command", &mut bare),
            (
                "remit: broker and supervisor, not confined",
                &mut through_broker,
            ),
            (
                "remit: confined, from the plugin and back",
                &mut through_plugin,
            ),
        ],
    );
}

/// What a program without remit does: the same three streams.
fn bare_start() {
    let output = Command::new("/bin/true")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success());
}

async fn broker_start(broker: &Broker) {
    let invocation = Invocation {
        tool: "true".parse().unwrap(),
        program: "/bin/true".into(),
        arguments: vec![OsString::from("/bin/true")],
        environment: Vec::new(),
        directory: WorkingDirectory::fixed(Path::new("/")).unwrap(),
        input: Input::Open(File::open("/dev/null").unwrap().into()),
        limits: ToolLimits {
            wall: Duration::from_secs(60),
            idle: None,
            soft_output: u64::MAX,
            hard_output: u64::MAX,
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
    loop {
        if let ToolEvent::Exited(exit) = running.next_event(CHUNK).await {
            assert_eq!(exit, Exit::Code(0));
            return;
        }
    }
}

async fn plugin_start(instance: &mut dyn Instance) {
    let wanted = r#"{"action": "run", "call": {"tool": "true", "template": "go"}}"#;
    let answer = world::probe(instance, wanted).await;
    assert!(answer.contains(r#""code":0"#), "{answer}");
}

fn readings(runtime: &Runtime, workspace: &Path) {
    // Text: what tools write, and what a record of it costs least for.
    let line = b"the quick brown fox jumps over the lazy dog, and back again\n";
    let text: Vec<u8> = line.iter().copied().cycle().take(FILE).collect();
    let file = workspace.join("large");
    std::fs::write(&file, &text).unwrap();
    drop(text);
    let plugin = runtime.block_on(world::load_testing("probe", Some(workspace)));
    let unwatched_host = world::tool_host(workspace, false);
    let watched_host = world::tool_host(workspace, true);
    let mut unwatched = runtime.block_on(world::instance(&plugin, &unwatched_host));
    let mut watched = runtime.block_on(world::instance(&plugin, &watched_host));
    let mut native = |samples: &mut Samples| samples.add(time(|| native_reading(&file)));
    let mut unwatched = |samples: &mut Samples| {
        samples.add(time(|| {
            runtime.block_on(plugin_reading(unwatched.as_mut()));
        }));
    };
    let mut watched = |samples: &mut Samples| {
        samples.add(time(|| runtime.block_on(plugin_reading(watched.as_mut()))));
    };
    take_turns(
        "cat of 256 MiB (a ratio of 1.25 in time is 0.8 in throughput)",
        READINGS,
        &mut [
            ("native: read from the pipe", &mut native),
            ("remit: read by the plugin", &mut unwatched),
            ("remit: the same, each piece an event too", &mut watched),
        ],
    );
}

fn native_reading(file: &Path) {
    let mut child = Command::new("/bin/cat")
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdout.take().unwrap();
    let mut buffer = vec![0_u8; CHUNK];
    let mut read = 0;
    loop {
        match pipe.read(&mut buffer).unwrap() {
            0 => break,
            more => read += more,
        }
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(read, FILE);
}

async fn plugin_reading(instance: &mut dyn Instance) {
    let wanted = format!(
        r#"{{"action": "drain", "max": {CHUNK}, "call":
            {{"tool": "cat", "template": "go", "slots": {{"file": "large"}}}}}}"#
    );
    let answer = world::probe(instance, &wanted).await;
    assert!(
        answer.contains(&format!(r#""stdout_bytes":{FILE}"#)),
        "{answer}"
    );
}
