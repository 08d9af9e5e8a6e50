//! What confinement costs: `/bin/true` confined against a bare start, `git status` on a large tree
//! confined against unconfined, and how many hostile runs a second the machine gets through.
//!
//! Tools are started through the tool box, as the engine starts them; what a plugin adds is
//! measured in `tools`. Never: a run whose end was not looked at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use remit_core::manifest::Confinement;
use remit_core::policy::AsRoot;
use remit_core::tool::{CallStdin, Exit, Launch, ToolCall};
use remit_engine::fake::grants;
use remit_engine::seam::{ToolEvent, Tools as _};
use remit_process::{HostEnvironment, Settings, ToolBox, Without};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::measure::{Clock, Samples, take_turns, time};
use crate::world;

/// Starts of each contender.
const STARTS: usize = 400;

/// Looks at the large tree by each contender.
const LOOKS: usize = 30;

/// Directories of the large tree, and files in each.
const DIRECTORIES: usize = 500;
const FILES: usize = 100;

/// Hostile runs, and how many at the same time.
const RUNS: usize = 1000;
const AT_ONCE: usize = 16;

/// What is read at once.
const CHUNK: usize = 64 << 10;

/// What asks for the tool.
const MANIFEST: &str = "[[read]]\npath = \".\"\nreason = \"r\"\n\
    [[write]]\npath = \".\"\noptional = true\nreason = \"w\"\n\
    [[run]]\ntool = \"go\"\nreason = \"t\"\n";

/// A program that leaves three daemons behind in sessions of their own, which ignore SIGTERM.
const HOSTILE: &str = "\
#include <signal.h>
#include <unistd.h>
int main(void) {
    for (int i = 0; i < 3; i++)
        if (fork() == 0) {
            setsid();
            if (fork() != 0) _exit(0);
            signal(SIGTERM, SIG_IGN);
            sleep(60);
            _exit(0);
        }
    return 0;
}
";

pub(crate) fn run() {
    let runtime = world::tokio_runtime();
    let _inside = runtime.enter();
    let place = tempfile::tempdir_in("/var/tmp").unwrap();
    starts(&runtime, place.path());
    large_tree(&runtime, place.path());
    hostile(&runtime, place.path());
}

fn starts(runtime: &Runtime, place: &Path) {
    let tools = tool_box(place);
    let reading = launch("/bin/true", "", "");
    let writing = launch("/bin/true", "", "write = [\".\"]");
    let mut bare = |samples: &mut Samples| samples.add(time(|| bare_start(&mut true_program())));
    let mut reading = confined(runtime, &tools, &reading);
    let mut writing = confined(runtime, &tools, &writing);
    take_turns(
        "/bin/true, confined at level A",
        STARTS,
        &mut [
            ("std::process::Command", &mut bare),
            ("remit: may read the workspace", &mut reading),
            ("remit: may write it, settings sealed", &mut writing),
        ],
    );
}

fn large_tree(runtime: &Runtime, place: &Path) {
    let tree = place.join("tree");
    make_tree(&tree);
    let git = git_program();
    let tools = tool_box(&tree);
    let launch = launch(
        git.to_str().unwrap(),
        "\"status\", \"--porcelain=v2\"",
        "write = [\".\"]",
    );
    let look = || {
        let mut command = Command::new(&git);
        command
            .args(["status", "--porcelain=v2"])
            .current_dir(&tree);
        command
    };
    let mut bare = |samples: &mut Samples| samples.add(time(|| bare_start(&mut look())));
    let mut confined = confined(runtime, &tools, &launch);
    take_turns(
        "git status, 50 000 files",
        LOOKS,
        &mut [
            ("git", &mut bare),
            ("remit: confined at level A", &mut confined),
        ],
    );
}

fn hostile(runtime: &Runtime, place: &Path) {
    let work = place.join("work");
    std::fs::create_dir_all(&work).unwrap();
    let program = compile_hostile(place);
    let tools = Arc::new(tool_box(&work));
    let launch = Arc::new(launch(program.to_str().unwrap(), "", ""));
    let clock = Clock::start();
    let ends = runtime.block_on(async {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let mut running = JoinSet::new();
        for _ in 0..RUNS {
            let turn = Arc::clone(&turns).acquire_owned().await.unwrap();
            let (tools, launch) = (Arc::clone(&tools), Arc::clone(&launch));
            running.spawn(async move {
                let exit = to_the_end(&tools, &launch).await;
                drop(turn);
                exit
            });
        }
        let mut ends: BTreeMap<String, usize> = BTreeMap::new();
        while let Some(exit) = running.join_next().await {
            *ends.entry(format!("{:?}", exit.unwrap())).or_default() += 1;
        }
        tools.close().await;
        ends
    });
    let took = clock.elapsed();
    println!("\n{RUNS} runs that each leave three daemons, {AT_ONCE} at a time");
    let a_second = f64::from(u32::try_from(RUNS).unwrap()) / took.as_secs_f64();
    println!(
        "{a_second:.0} runs/s, ends: {ends:?}, survivors: {}",
        survivors(&program)
    );
}

/// Processes of this program that are still there.
fn survivors(program: &Path) -> usize {
    let name = program.file_name().unwrap();
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .filter(|line| {
            let first = line.split(|byte| *byte == 0).next().unwrap_or_default();
            Path::new(&*String::from_utf8_lossy(first)).file_name() == Some(name)
        })
        .count()
}

fn tool_box(workspace: &Path) -> ToolBox {
    let tools = ToolBox::new(Settings {
        workspace: workspace.to_owned(),
        scratch: "/var/tmp".into(),
        environment: HostEnvironment::new(std::env::vars_os()),
        search: None,
        as_root: AsRoot::default(),
        without: Without::default(),
        relay: None,
    })
    .unwrap();
    // What the program finds out once per run, so that a start does not pay for it.
    tools.rely_on(Confinement::Full);
    tools
}

fn launch(program: &str, arguments: &str, rules: &str) -> Launch {
    let policy = format!(
        "[tools.go]\nprogram = \"{program}\"\ntemplates = {{ go = [{arguments}] }}\n\
         [plugins.fake]\nread = [\".\"]\nrun = [\"go\"]\n{rules}\n"
    );
    let call = ToolCall {
        tool: "go".into(),
        template: "go".into(),
        slots: Vec::new(),
        env: Vec::new(),
        cwd: None,
        stdin: CallStdin::Empty,
        timeout: None,
        idle: None,
    };
    grants(MANIFEST, &policy).launch(&call).unwrap()
}

fn confined<'a>(
    runtime: &'a Runtime,
    tools: &'a ToolBox,
    launch: &'a Launch,
) -> impl FnMut(&mut Samples) + 'a {
    move |samples| {
        samples.add(time(|| {
            let exit = runtime.block_on(to_the_end(tools, launch));
            assert_eq!(exit, Exit::Code(0));
        }));
    }
}

async fn to_the_end(tools: &ToolBox, launch: &Launch) -> Exit {
    let mut running = tools.start(launch).await.unwrap().tool;
    loop {
        if let ToolEvent::Exited(exit) = running.next_event(CHUNK).await {
            return exit;
        }
    }
}

fn true_program() -> Command {
    Command::new("/bin/true")
}

/// What a program without remit does: the same three streams.
fn bare_start(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success());
}

/// The git that is found first, as a tool is found.
fn git_program() -> PathBuf {
    ["/usr/local/bin/git", "/usr/bin/git"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
        .unwrap()
}

/// A repository with everything committed.
fn make_tree(tree: &Path) {
    for directory in 0..DIRECTORIES {
        let directory = tree.join(format!("d{directory}"));
        std::fs::create_dir_all(&directory).unwrap();
        for file in 0..FILES {
            let text = format!("{} {file}\n", directory.display());
            std::fs::write(directory.join(format!("f{file}")), text).unwrap();
        }
    }
    for arguments in [
        &["init", "-q", "."][..],
        &["add", "-A"],
        &[
            "-c",
            "user.name=n",
            "-c",
            "user.email=n@example.org",
            "commit",
            "-qm",
            "all",
        ],
    ] {
        let status = Command::new(git_program())
            .args(arguments)
            .current_dir(tree)
            .status()
            .unwrap();
        assert!(status.success(), "git {arguments:?}");
    }
}

/// The hostile program as a small binary, so that what is measured is not the start of a language.
fn compile_hostile(place: &Path) -> PathBuf {
    let source = place.join("hostile.c");
    std::fs::write(&source, HOSTILE).unwrap();
    let program = place.join("hostile");
    let status = Command::new("cc")
        .args(["-O1", "-o"])
        .args([&program, &source])
        .status()
        .unwrap();
    assert!(
        status.success(),
        "cc could not compile {}",
        source.display()
    );
    program
}
