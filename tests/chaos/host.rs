//! A plan, the place where it is executed, and hosts that execute it there, one after the other.
//!
//! Never: a host that outlives its test; a process that no test started.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output};
use std::sync::OnceLock;

use rustix::process::Signal;
use serde_json::Value;

use crate::checker::{Evidence, check, print};
use crate::history::{Line, events, log};
use crate::home::{Home, PATIENCE, finish, guests};
use crate::machine::{send, until, with_argument};
use crate::plan::{Plan, Work};

const POLICY: &str = r#"
format = 1
[plugins.steps]
read = ["."]
write = ["."]
run = ["effect"]
# Gates are run by this one.
[plugins.command]
read = ["."]
write = ["."]
run = ["effect"]
[tools.effect]
program = "$PROGRAM"
[tools.effect.templates]
do = ["effects/log", "--", "{tag:text}", "{label:text}", "{lines:int:0..1000}", "{pause:int:0..60000}", "{fails:int:0..1000}"]
"#;

/// Where the tools write down what they do, in the workspace.
const LOG: &str = "effects/log";

/// A place with a plan.
pub(crate) struct Stage {
    pub(crate) home: Home,
    pub(crate) plan: Plan,
    tag: String,
    parallel: u32,
    /// What commands begin with; empty for nothing.
    pub(crate) around: Vec<String>,
    hosts: std::cell::Cell<u32>,
}

/// A host at work.
pub(crate) struct Host {
    pub(crate) child: Child,
    said: PathBuf,
}

/// The tool, compiled once.
fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chaos");
        std::fs::create_dir_all(&place).unwrap();
        // Another process of the same tests may do this, too: each builds its own.
        let program = place.join(format!("effect-{}", std::process::id()));
        let source = crate::home::repository().join("tests/chaos/programs/effect.c");
        let built = Command::new("cc")
            .args(["-Wall", "-Wextra", "-Werror", "-O1", "-o"])
            .arg(&program)
            .arg(source)
            .status()
            .unwrap();
        assert!(built.success(), "the tool of the plans does not compile");
        program
    })
}

impl Stage {
    pub(crate) fn set(plan: Plan, parallel: u32) -> Self {
        let home = Home::new();
        for place in [home.workspace().join("effects"), home.path("ledger")] {
            std::fs::create_dir(place).unwrap();
        }
        let own = home.path("out/effect");
        std::fs::copy(program(), &own).unwrap();
        let policy = POLICY.replace("$PROGRAM", own.to_str().unwrap());
        std::fs::write(home.path("out/policy.toml"), policy).unwrap();
        // The home's name is unlike any other's, and the tag is unlike it.
        let name = home.path("").file_name().unwrap().to_owned();
        let tag = format!("tag-of-{}", name.to_str().unwrap());
        let plugin = guests().join("steps.wasm");
        let json = plan.json(plugin.to_str().unwrap(), &tag).to_string();
        std::fs::write(home.path("out/plan.json"), json).unwrap();
        Self {
            home,
            plan,
            tag,
            parallel,
            around: Vec::new(),
            hosts: std::cell::Cell::new(0),
        }
    }

    /// The directory of the ledger, which exists.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.home.path("ledger")
    }

    /// The program in this place, not started yet.
    fn remit(&self, arguments: &[&str]) -> Command {
        let mut command = match self.around.split_first() {
            None => self.home.remit(arguments),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                self.home.furnish(&mut command);
                command
                    .args(rest)
                    .arg(env!("CARGO_BIN_EXE_remit"))
                    .args(arguments);
                command
            }
        };
        command.env("REMIT_LEDGER", self.ledger());
        command
    }

    /// The command that executes the plan, or goes on with it if the ledger knows it.
    pub(crate) fn execute(&self, more: &[&str]) -> Command {
        let mut command = self.remit(&["execute"]);
        if !self.is_known() {
            command.arg(self.home.path("out/plan.json"));
        }
        command
            .args(["--run", &self.plan.run, "-j", &self.parallel.to_string()])
            .arg("-C")
            .arg(self.home.workspace())
            .arg("--policy")
            .arg(self.home.path("out/policy.toml"))
            .args(more);
        command
    }

    /// Whether the ledger has the run.
    pub(crate) fn is_known(&self) -> bool {
        self.ask(&["show", &self.plan.run, "--json"])
            .status
            .success()
    }

    /// Starts a host. What it says goes to a file: nobody has to read it.
    pub(crate) fn host(&self, more: &[&str]) -> Host {
        self.start(self.execute(more))
    }

    pub(crate) fn start(&self, mut command: Command) -> Host {
        self.hosts.set(self.hosts.get() + 1);
        let said = self.home.path(&format!("out/host-{}", self.hosts.get()));
        let file = File::create(&said).unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        Host {
            child: command.spawn().unwrap(),
            said,
        }
    }

    /// Another command about the run, to its end.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Output {
        finish(self.remit(arguments), "")
    }

    /// As [`Stage::ask`], and it has to succeed.
    pub(crate) fn told(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// What the tools have written down so far. The last line may not be whole yet.
    pub(crate) fn log(&self) -> String {
        let text = std::fs::read(self.home.workspace().join(LOG)).unwrap_or_default();
        let mut text = String::from_utf8(text).unwrap();
        text.truncate(text.rfind('\n').map_or(0, |end| end + 1));
        text
    }

    pub(crate) fn log_lines(&self) -> Vec<Line> {
        log(&self.log())
    }

    /// Answers what people are asked, until everything is answered. For a thread of its own.
    pub(crate) fn answers(&self) -> impl FnOnce() + Send + use<> {
        let ask = |task: &str, words: &[&str]| {
            let name = format!("{}/{task}", self.plan.run);
            let mut command = self.remit(words);
            command.arg(name);
            command
        };
        let mut open: Vec<Command> = Vec::new();
        for task in &self.plan.tasks {
            match task.work {
                Work::Tools { .. } => {}
                Work::Manual { done: true } => open.push(ask(&task.id, &["task", "done"])),
                Work::Manual { done: false } => open.push(ask(&task.id, &["task", "fail"])),
                Work::Approval { approved: true } => open.push(ask(&task.id, &["approve"])),
                Work::Approval { approved: false } => open.push(ask(&task.id, &["reject"])),
            }
        }
        move || {
            // Until it is asked, an answer is refused.
            let answered = until(10 * PATIENCE, || {
                open.retain_mut(|command| !command.output().unwrap().status.success());
                std::thread::sleep(ANSWERS);
                open.is_empty()
            });
            assert!(answered, "nobody asked: {open:?}");
        }
    }

    /// Whether a tool of this plan is at work.
    pub(crate) fn has_tools(&self) -> bool {
        !with_argument(&self.tag).is_empty()
    }

    /// Waits until no tool of this plan is left.
    #[track_caller]
    pub(crate) fn is_quiet(&self) {
        let gone = until(PATIENCE, || with_argument(&self.tag).is_empty());
        assert!(gone, "left: {:?}", with_argument(&self.tag));
    }

    /// What is known of the finished run.
    pub(crate) fn evidence(&self) -> Evidence {
        let results = self.home.workspace().join(".state/execution_results.json");
        let results = std::fs::read_to_string(&results)
            .unwrap_or_else(|error| panic!("{}: {error}", results.display()));
        let results: Value = serde_json::from_str(&results).unwrap();
        Evidence {
            plan: self.plan.clone(),
            events: events(&self.told(&["events", "--json"])),
            log: self.log_lines(),
            results,
        }
    }

    /// Goes on with the run to its end, and holds everything that was promised against what
    /// happened.
    pub(crate) fn complete(&self) -> Evidence {
        self.host(&[]).ends(self.wanted_code());
        self.holds()
    }

    /// Holds everything that was promised against what happened. The run has finished.
    pub(crate) fn holds(&self) -> Evidence {
        self.is_quiet();
        self.told(&["ledger", "verify"]);
        let evidence = self.evidence();
        let broken = check(&evidence);
        if !broken.is_empty() {
            self.keep();
            panic!("{}", print(&broken));
        }
        evidence
    }

    /// The exit code of an execution that reaches the end of the plan.
    pub(crate) fn wanted_code(&self) -> i32 {
        let mut endings = self.plan.tasks.iter().map(|task| task.ending.status());
        i32::from(!endings.all(|status| status == "completed"))
    }

    /// Keeps what a test that fails has found, for people.
    fn keep(&self) {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chaos-failed");
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join("events.jsonl"), self.told(&["events", "--json"])).unwrap();
        std::fs::write(place.join("effects.log"), self.log()).unwrap();
    }
}

/// The exit code of a host that does nothing; see `docs/cli.md`.
pub(crate) const REFUSED: i32 = 2;

/// The pause between two looks whether someone is asked: each look is a start of the program.
const ANSWERS: std::time::Duration = std::time::Duration::from_millis(200);

impl Host {
    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub(crate) fn lives(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap()
    }

    /// Sends it a signal and waits for its end.
    pub(crate) fn signal(mut self, signal: Signal) -> (ExitStatus, String) {
        if self.lives() {
            send(self.id(), signal);
        }
        self.end()
    }

    /// Waits for its end, but not for ever; the status, and what it said.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let ended = until(10 * PATIENCE, || !self.lives());
        let said = self.said();
        assert!(ended, "the host does not end: {said}");
        (self.child.wait().unwrap(), said)
    }

    /// Waits until it is refused; what it said.
    #[track_caller]
    pub(crate) fn refused(mut self) -> String {
        let ended = until(PATIENCE, || !self.lives());
        assert!(
            ended,
            "a host that should be refused works: {}",
            self.said()
        );
        self.ends(REFUSED)
    }

    /// Waits for its end, which has this exit code; what it said.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> String {
        let (status, said) = self.end();
        assert_eq!(status.code(), Some(code), "{said}");
        said
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It has ended, unless its test has failed.
        if self.lives() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}
