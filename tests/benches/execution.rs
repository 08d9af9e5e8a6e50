//! What a whole `remit execute` takes: 1,000 × `/bin/true` as durable, confined tasks against GNU
//! parallel with a job log, `xargs` and pueue; tasks that do nothing but take an instance of a
//! plugin; how much memory a long run needs; and how quickly a large ledger answers.
//!
//! Needs the program: `cargo build --release -p remit` with the same target directory, or
//! `$REMIT`. Peers that are not there are left out, and that is said. Never: a mode of the program
//! that a user does not have.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::command::{beside, program, runs};
use crate::measure::{Clock, Contender, Samples, take_turns, time};

/// Tools of one turn.
const TOOLS: usize = 1_000;
/// Turns of each contender.
const TURNS: usize = 3;
/// Tasks that do nothing, of one turn.
const NOTHING: usize = 20_000;
/// Tasks of the run whose memory is watched.
const LONG: usize = 100_000;
/// Tasks of the run that is asked about.
const LARGE: usize = 10_000;
/// Times that each question is asked.
const QUESTIONS: usize = 20;
/// Attempts at the same time, of us and of the peers.
const SLOTS: &str = "8";
/// Attempts at the same time where a task only takes an instance: enough that a commit has company.
const MANY_SLOTS: &str = "256";
/// Tasks that pueue gets: it needs about 56 ms for each.
const PUEUE: usize = 100;

const POLICY: &str = r#"
format = 1
[tools.true]
program = "/bin/true"
[tools.true.templates]
run = []
[plugins.command]
run = ["true:run"]
read = ["."]
"#;

pub(crate) fn run() {
    let place = tempfile::tempdir().unwrap();
    let remit = program("REMIT", &beside("remit"));
    if !runs(&remit) {
        println!(
            "no {}: build it with `cargo build --release -p remit`",
            remit.display()
        );
        return;
    }
    let setting = Setting::new(place.path(), remit);
    tools(&setting);
    nothing(&setting);
    memory(&setting);
    questions(&setting);
}

/// 1,000 × `/bin/true`. The time of one contender is that of all of its tools.
fn tools(setting: &Setting) {
    let plan = setting.plan("tools", TOOLS, r#""tool":"true:run""#);
    let arguments: Vec<String> = (0..TOOLS).map(|number| number.to_string()).collect();
    let list = arguments.join("\n");
    let mut xargs = |samples: &mut Samples| {
        let mut command = Command::new("xargs");
        command.args(["-P", SLOTS, "-n", "1", "/bin/true"]);
        samples.add(fed(&mut command, &list));
    };
    let log = setting.place.join("joblog");
    let mut parallel = |samples: &mut Samples| {
        let mut command = Command::new("parallel");
        command
            .args(["-j", SLOTS, "--joblog"])
            .arg(&log)
            .arg("/bin/true");
        samples.add(fed(&mut command, &list));
    };
    let mut ours = |samples: &mut Samples| samples.add(setting.execute(&plan, SLOTS));
    let mut contenders: Vec<Contender<'_>> = vec![("xargs -P8", &mut xargs)];
    if runs(Path::new("parallel")) {
        contenders.push(("parallel -j8 --joblog", &mut parallel));
    } else {
        println!("no GNU parallel to compare with: apt-get install parallel");
    }
    contenders.push(("remit execute -j8, durable, confined", &mut ours));
    take_turns("1,000 x /bin/true", TURNS, &mut contenders);
    pueue(setting);
}

/// pueue alone, and fewer of them: with 1,000 it would take a minute.
fn pueue(setting: &Setting) {
    if !runs(Path::new("pueued")) || !runs(Path::new("pueue")) {
        println!("no pueue to compare with: cargo install pueue");
        return;
    }
    let home = setting.place.join("pueue");
    std::fs::create_dir_all(&home).unwrap();
    let with = |program: &str| {
        let mut command = Command::new(program);
        for name in [
            "HOME",
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "XDG_RUNTIME_DIR",
        ] {
            command.env(name, &home);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    let mut daemon = with("pueued").spawn().unwrap();
    while !with("pueue").arg("status").status().unwrap().success() {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(
        with("pueue")
            .args(["parallel", SLOTS])
            .status()
            .unwrap()
            .success()
    );
    let took = time(|| {
        for _ in 0..PUEUE {
            assert!(
                with("pueue")
                    .args(["add", "/bin/true"])
                    .status()
                    .unwrap()
                    .success()
            );
        }
        assert!(with("pueue").arg("wait").status().unwrap().success());
    });
    println!("pueue, 8 slots: {:.2} ms a task", per(took, PUEUE));
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

/// Tasks that only take a fresh instance of a plugin.
fn nothing(setting: &Setting) {
    let work = format!(r#""plugin":{:?}"#, setting.noop);
    let plan = setting.plan("nothing", NOTHING, &work);
    println!("\n{NOTHING} tasks that take an instance of noop, {TURNS} times:");
    for _ in 0..TURNS {
        let whole = per(setting.execute(&plan, MANY_SLOTS), NOTHING);
        let run = per(setting.last_wall(), NOTHING);
        println!(
            "  from submitted to finished {:.0} tasks/s; the whole process, with its files {:.0} tasks/s",
            1000.0 / run,
            1000.0 / whole
        );
    }
}

/// Memory of the host in a long run, by tenths of it.
fn memory(setting: &Setting) {
    let work = format!(r#""plugin":{:?}"#, setting.noop);
    let plan = setting.plan("long", LONG, &work);
    let mut child = setting.start(&plan, MANY_SLOTS);
    let clock = Clock::start();
    let mut seen = Vec::new();
    while child.try_wait().unwrap().is_none() {
        seen.extend(resident(&child).map(|kib| (clock.elapsed(), kib)));
        std::thread::sleep(Duration::from_millis(200));
    }
    println!("\nresident memory of the host over {LONG} tasks, by tenths of the time:");
    for tenth in 1..=10 {
        let place = (seen.len() * tenth / 10).saturating_sub(1);
        if let Some((at, kib)) = seen.get(place) {
            println!("  {:>6.1} s {:>8} KiB", at.as_secs_f64(), kib);
        }
    }
}

/// `remit runs`, `show` and `events` over a ledger with a large run.
fn questions(setting: &Setting) {
    let work = format!(r#""plugin":{:?}"#, setting.noop);
    let plan = setting.plan("large", LARGE, &work);
    setting.execute(&plan, MANY_SLOTS);
    let ask = |samples: &mut Samples, arguments: &[&str]| {
        let mut command = setting.remit();
        command.args(arguments).arg("-C").arg(&setting.workspace);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        samples.add(time(|| assert!(command.status().unwrap().success())));
    };
    let last = setting.last_run();
    let mut nothing = |samples: &mut Samples| {
        let mut command = setting.remit();
        command.arg("--version").stdout(Stdio::null());
        samples.add(time(|| assert!(command.status().unwrap().success())));
    };
    let mut all = |samples: &mut Samples| ask(samples, &["runs"]);
    let mut show = |samples: &mut Samples| ask(samples, &["show", &last]);
    let mut events = |samples: &mut Samples| {
        let mut command = setting.remit();
        command
            .args(["events", &last, "-C"])
            .arg(&setting.workspace);
        samples.add(first_lines(&mut command));
    };
    take_turns(
        "questions about a run of 10,000 tasks",
        QUESTIONS,
        &mut [
            ("remit --version, for scale", &mut nothing),
            ("remit runs", &mut all),
            ("remit show RUN", &mut show),
            ("remit events RUN, its first 100 lines", &mut events),
        ],
    );
}

/// Runs a command that reads the list, and says how long it took.
fn fed(command: &mut Command, list: &str) -> Duration {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    time(|| {
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(list.as_bytes()).unwrap();
        drop(input);
        assert!(child.wait().unwrap().success());
    })
}

/// How long it takes until a command has printed a screen or two. What it prints further is nobody's.
fn first_lines(command: &mut Command) -> Duration {
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let clock = Clock::start();
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.by_ref().take(100).count(), 100);
    let took = clock.elapsed();
    drop(lines);
    child.wait().unwrap();
    took
}

/// Milliseconds for each.
fn per(took: Duration, count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let count = count as f64;
    took.as_secs_f64() * 1000.0 / count
}

/// Resident memory in KiB, while the process is there.
fn resident(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Files of the program, apart from those of whoever measures.
struct Setting {
    place: PathBuf,
    program: PathBuf,
    workspace: PathBuf,
    noop: PathBuf,
    policy: PathBuf,
}

impl Setting {
    fn new(place: &Path, program: PathBuf) -> Self {
        let setting = Self {
            place: place.to_owned(),
            program,
            workspace: place.join("workspace"),
            noop: place.join("noop.wasm"),
            policy: place.join("policy.toml"),
        };
        std::fs::create_dir(&setting.workspace).unwrap();
        let noop = remit_builtin::find_testing("noop").unwrap();
        std::fs::write(&setting.noop, noop.bytes).unwrap();
        std::fs::write(&setting.policy, POLICY).unwrap();
        setting
    }

    /// A plan of equal tasks.
    fn plan(&self, name: &str, count: usize, work: &str) -> PathBuf {
        let tasks: Vec<String> = (0..count)
            .map(|number| format!(r#"{{"id":"t{number}",{work}}}"#))
            .collect();
        let path = self.place.join(format!("{name}.json"));
        let text = format!(r#"{{"format":1,"tasks":[{}]}}"#, tasks.join(",\n"));
        std::fs::write(&path, text).unwrap();
        path
    }

    fn remit(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", &self.place);
        command
    }

    fn start(&self, plan: &Path, slots: &str) -> Child {
        self.remit()
            .args(["execute", "--quiet", "-j", slots, "-C"])
            .arg(&self.workspace)
            .arg("--policy")
            .arg(&self.policy)
            .arg(plan)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn execute(&self, plan: &Path, slots: &str) -> Duration {
        time(|| assert!(self.start(plan, slots).wait().unwrap().success()))
    }

    /// How long the run took that was submitted last: what its last event says.
    fn last_wall(&self) -> Duration {
        let mut command = self.remit();
        command.args(["events", &self.last_run(), "--brief", "--json", "-C"]);
        let output = command.arg(&self.workspace).output().unwrap();
        let last = output
            .stdout
            .split(|byte| *byte == b'\n')
            .rfind(|line| !line.is_empty());
        let last: serde_json::Value = serde_json::from_slice(last.unwrap()).unwrap();
        let wall = last.get("wall-ms").and_then(serde_json::Value::as_u64);
        Duration::from_millis(wall.unwrap())
    }

    /// The run that was submitted last.
    fn last_run(&self) -> String {
        let mut command = self.remit();
        command
            .args(["runs", "--all", "--json", "-C"])
            .arg(&self.workspace);
        let output = command.output().unwrap();
        let runs: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let first = runs.as_array().and_then(|runs| runs.first()).unwrap();
        first
            .get("run")
            .and_then(|run| run.as_str())
            .unwrap()
            .to_owned()
    }
}
