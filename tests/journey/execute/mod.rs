//! `remit execute` as people and scripts use it: plans are carried out by the real program with
//! real plugins and tools, answered and ended from other processes, and gone on with.
//!
//! Never: a look into the store; what `remit` shows of it, and what tools left in the workspace.

mod ending;
mod failing;
mod gates;
mod lines;
mod order;
mod people;
mod refusing;
mod routed;
mod screen;
mod submitting;

use std::collections::BTreeMap;
use std::process::{Child, Output};

use serde_json::{Value, json};

use crate::home::{Home, PATIENCE, fill, guests, wait};
use crate::machine::until;

/// What the owner of the journeys allows. The tools are one program that does as it is told.
const POLICY: &str = r#"
format = 1
[plugins.command]
read = ["."]
write = ["."]
run = ["do", "python3:unittest"]
[plugins.probe]
file = "$PROBE"
read = ["."]
write = ["."]
run = ["do"]
[plugins.boaster]
file = "$BOASTER"
read = ["."]
write = ["."]
[plugins.steps]
file = "$GUESTS/steps.wasm"
read = ["."]
write = ["."]
run = ["do"]
[tools.do]
program = "python3"
[tools.do.templates]
say = ["-I", "-B", "worker.py", "say", "--", "{words:text*}"]
log = ["-I", "-B", "worker.py", "log", "--", "{name:text}", "{seconds:text}"]
fail = ["-I", "-B", "worker.py", "fail"]
reject = ["-I", "-B", "worker.py", "reject"]
die = ["-I", "-B", "worker.py", "die"]
hang = ["-I", "-B", "worker.py", "hang", "--", "{tag:text}"]
once = ["-I", "-B", "worker.py", "once", "{file:relpath}"]
wait = ["-I", "-B", "worker.py", "wait", "{file:relpath}"]
lines = ["-I", "-B", "worker.py", "lines", "--", "{count:text}"]
colours = ["-I", "-B", "worker.py", "colours"]
[tools.other]
program = "python3"
[tools.other.templates]
run = ["--version"]
[tools.gone]
program = "/nonexistent/x"
[tools.gone.templates]
run = []
"#;

/// A workspace with a policy, in which plans are executed.
struct Scene {
    home: Home,
}

/// What a command said, and how it ended.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Said {
    #[track_caller]
    fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    #[track_caller]
    fn told(self, texts: &[&str]) -> Self {
        for text in texts {
            let held = self.out.contains(text) || self.err.contains(text);
            assert!(held, "not said: {text}\n{}\n{}", self.out, self.err);
        }
        self
    }
}

impl Scene {
    fn new() -> Self {
        let home = Home::new();
        guests();
        let policy = fill(POLICY, &home.places());
        std::fs::write(home.path("out/policy.toml"), policy).unwrap();
        let worker = include_str!("../programs/worker.py");
        std::fs::write(home.workspace().join("worker.py"), worker).unwrap();
        Self { home }
    }

    /// Writes a plan and says where.
    fn plan(&self, mut plan: Value) -> String {
        plan["format"] = json!(1);
        let name = plan["run"].as_str().unwrap_or("plan").to_owned();
        let path = self.home.path(&format!("out/{name}.json"));
        std::fs::write(&path, plan.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = self.home.remit(arguments);
        if arguments.first() == Some(&"execute") {
            command
                .arg("--policy")
                .arg(self.home.path("out/policy.toml"));
        }
        command
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    fn say(&self, arguments: &[&str]) -> Said {
        wait(self.start(arguments)).into()
    }

    /// Executes a plan to its end.
    fn execute(&self, plan: Value, more: &[&str]) -> Said {
        let path = self.plan(plan);
        let mut arguments = vec!["execute", path.as_str()];
        arguments.extend(more);
        self.say(&arguments)
    }

    /// A host that executes, once the tool of a task has said so.
    fn executing(&self, plan: Value, task: &str, said: &str) -> Child {
        let run = plan["run"].as_str().unwrap().to_owned();
        let path = self.plan(plan);
        let child = self.start(&["execute", &path]);
        self.until_said(&run, task, said);
        child
    }

    fn until_said(&self, run: &str, task: &str, said: &str) {
        let what = format!("{run}/{task}");
        let came = until(PATIENCE, || {
            self.say(&["events", &what, "--raw"]).out.contains(said)
        });
        assert!(came, "{what} never said {said}");
    }

    fn until_task(&self, run: &str, task: &str, phase: &str) {
        let came = until(PATIENCE, || {
            let shown = self.say(&["show", &format!("{run}/{task}"), "--json"]);
            let shown: Value = serde_json::from_str(&shown.out).unwrap_or_default();
            shown["task"]["phase"] == phase
        });
        assert!(came, "{run}/{task} is not {phase}");
    }

    /// Every entry of a run, or of one of its tasks.
    fn entries(&self, what: &str) -> Vec<Value> {
        let said = self.say(&["events", what, "--json"]).ends_with(0);
        json_lines(&said.out)
    }

    /// The words of a run's or a task's entries, without what attempts do.
    fn words(&self, what: &str) -> Vec<String> {
        let entries = self.entries(what);
        let words = entries.iter().map(|entry| entry["event"].as_str().unwrap());
        words
            .filter(|word| *word != "ACTIVITY")
            .map(str::to_owned)
            .collect()
    }

    /// Where each task of a run is.
    fn phases(&self, run: &str) -> BTreeMap<String, String> {
        let said = self.say(&["show", run, "--json"]).ends_with(0);
        let shown: Value = serde_json::from_str(&said.out).unwrap();
        let tasks = shown["tasks"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        tasks
            .iter()
            .map(|task| (text(&task["task"]), text(&task["phase"])))
            .collect()
    }

    #[track_caller]
    fn is_phase(&self, what: &str, phase: &str) {
        let (run, task) = what.split_once('/').unwrap();
        assert_eq!(self.phases(run)[task], phase, "{:?}", self.words(what));
    }

    /// What the tools wrote into their log.
    fn log(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.home.workspace().join("log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn touch(&self, name: &str) {
        std::fs::write(self.home.workspace().join(name), "").unwrap();
    }

    fn tag(&self) -> String {
        let name = self.home.path("").file_name().unwrap().to_owned();
        format!("tag-of-{}", name.to_str().unwrap())
    }
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}

/// A task of the `do` tool.
fn deed(id: &str, deed: &str, slots: Value) -> Value {
    json!({"id": id, "tool": format!("do:{deed}"), "slots": slots})
}

/// A task that writes its name to the log, takes its time, and writes it again.
fn logs(id: &str, seconds: &str) -> Value {
    deed(id, "log", json!({"name": id, "seconds": seconds}))
}

/// A task of a plugin that crashes.
fn crashes(id: &str, adapter: &str) -> Value {
    json!({"id": id, "plugin": "probe", "adapter": adapter, "inputs": {"action": "trap"}})
}

/// The task with more keys.
fn with(mut task: Value, more: Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        task[key] = value.clone();
    }
    task
}

/// Retries that nobody waits for.
fn quick(attempts: u32) -> Value {
    json!({"max-attempts": attempts, "first-delay": "1ms", "cap": "1ms"})
}
