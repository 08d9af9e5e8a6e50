//! One agent at work: a repository with a mistake in it, a model that says what a script says, and
//! an owner who allows the adapter what it asks for.
//!
//! The tool is declared as in the catalogue, but its provider is the scripted model. Never: a flag or a
//! variable of an agent written here; they are what is tested.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;

use remit_model_server::{Script, Seen, Server, Settings};
use serde_json::{Value, json};
use toml_edit::{DocumentMut, Item, Table, value};

use crate::home::{Home, containing, finish, repository};
use crate::installed::{Agent, programs};

/// The key that the owner gives the agent; it must be written nowhere.
const KEY: &str = "sk-a-key-that-is-written-nowhere";

/// The file that the agent is to repair.
const MISTAKEN: &str = "def add(a, b):\n    return a - b\n";

/// The same, repaired.
const REPAIRED: &str = "def add(a, b):\n    return a + b\n";

/// What an agent runs to see whether it has repaired it, and how far it reaches.
const CHECK: &str = "import socket, sys
import calc
print('adds' if calc.add(2, 3) == 5 else 'does not add')
try:
    socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)
    print('reached the canary')
except OSError as error:
    print('no way to the canary')
";

/// A place to work in, of one test.
pub(crate) struct Studio {
    pub(crate) agent: Agent,
    pub(crate) home: Home,
    pub(crate) model: Server,
    canary: TcpListener,
    policy: DocumentMut,
}

/// What a run of the program said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) events: Vec<Value>,
    stderr: String,
}

impl Said {
    /// The last event of this type.
    pub(crate) fn event(&self, kind: &str) -> &Value {
        let found = self.events.iter().rev().find(|event| event["type"] == kind);
        found.unwrap_or_else(|| panic!("no {kind}: {}", self.everything()))
    }

    /// The adapter's report.
    pub(crate) fn report(&self) -> &Value {
        &self.event("run-finished")["outcome"]["outputs"]
    }

    /// What the adapter found, which it notes for every end.
    pub(crate) fn details(&self) -> &Value {
        let notes = self
            .events
            .iter()
            .rev()
            .filter(|event| event["type"] == "log");
        let mut notes = notes.filter(|event| event["message"] == "verdict");
        let note = notes.next();
        &note.unwrap_or_else(|| panic!("no verdict: {}", self.everything()))["fields"]
    }

    /// What the adapter makes of it.
    pub(crate) fn verdict(&self) -> &str {
        self.details()["verdict"].as_str().unwrap()
    }

    /// The paths that the host saw change.
    pub(crate) fn changed(&self) -> Vec<&str> {
        let changes = self.event("files-changed")["changes"].as_array().unwrap();
        changes
            .iter()
            .filter_map(|change| change["path"].as_str())
            .collect()
    }

    pub(crate) fn everything(&self) -> String {
        let lines: Vec<String> = self.events.iter().map(Value::to_string).collect();
        format!(
            "exit {:?}\n{}\n{}",
            self.code,
            lines.join("\n"),
            self.stderr
        )
    }
}

impl Studio {
    /// For an agent, if it is here, and a model with a script of `scripts`.
    pub(crate) fn new(agent: Agent, script: &str) -> Option<Self> {
        if !agent.is_here() {
            return None;
        }
        let home = Home::new();
        let workspace = home.workspace();
        write(&workspace, "calc.py", MISTAKEN);
        write(&workspace, "check.py", CHECK);
        git(&workspace, &["init", "--quiet"]);
        git(&workspace, &["add", "."]);
        git(&workspace, &["commit", "--quiet", "--message", "begin"]);
        let canary = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        canary.set_nonblocking(true).unwrap();
        let path = repository().join("tests/agents/scripts").join(script);
        let text = std::fs::read_to_string(path).unwrap();
        let port = canary.local_addr().unwrap().port().to_string();
        let workspace = workspace.to_str().unwrap().to_owned();
        let values = [("workspace", workspace.as_str()), ("canary", &port)];
        let script = Script::parse(&text, &values).unwrap();
        let model = Server::start(script, &Settings::default()).unwrap();
        let policy = policy(agent, &format!("http://{}", model.address()));
        Some(Self {
            agent,
            home,
            model,
            canary,
            policy,
        })
    }

    /// The address that nothing may reach.
    pub(crate) fn canary(&self) -> String {
        self.canary.local_addr().unwrap().to_string()
    }

    /// The rules of the tool, to change them.
    pub(crate) fn rules(&mut self) -> &mut Table {
        let tool = &mut self.policy["tools"][self.agent.name()];
        tool["run"].as_table_mut().unwrap()
    }

    /// A template of the tool, to change it.
    pub(crate) fn template(&mut self, name: &str) -> &mut toml_edit::Array {
        let tool = &mut self.policy["tools"][self.agent.name()];
        tool["templates"][name].as_array_mut().unwrap()
    }

    /// The rules of the plugin, to change them.
    pub(crate) fn grants(&mut self) -> &mut Item {
        &mut self.policy["plugins"][self.agent.name()]
    }

    /// Has the agent repair the file.
    pub(crate) fn repair(&self, more: &Value) -> Said {
        let mut inputs = json!({
            "prompt": "add() in calc.py subtracts. Repair it.", "files": ["calc.py"],
            "model": "fake-model", "allow_commands": ["python3 *"],
        });
        for (key, value) in more.as_object().unwrap() {
            inputs[key] = value.clone();
        }
        let policy = self.home.path("out/policy.toml");
        std::fs::write(&policy, self.policy.to_string()).unwrap();
        let mut command = self
            .home
            .remit(&["run", self.agent.name(), "--json", "--no-prompt"]);
        command.args(["--input-file", "-", "--policy"]).arg(policy);
        for name in ["ANTHROPIC_API_KEY", "OPENAI_API_KEY"] {
            command.env(name, KEY);
        }
        let path = command.get_envs().find_map(|(name, value)| {
            (name == "PATH").then(|| value.unwrap().to_str().unwrap().to_owned())
        });
        command.env(
            "PATH",
            format!("{}:{}", path.unwrap(), programs().display()),
        );
        let output = finish(command, &inputs.to_string());
        let stdout = String::from_utf8_lossy(&output.stdout);
        let said = Said {
            code: output.status.code(),
            events: stdout
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        assert!(!said.everything().contains(KEY), "the key was said");
        let written = containing(&self.home.path(""), KEY);
        assert!(written.is_empty(), "the key is in {written:?}");
        self.nothing_was_reached();
        said
    }

    /// Whether the file is repaired.
    pub(crate) fn is_repaired(&self) -> bool {
        let there = std::fs::read_to_string(self.home.workspace().join("calc.py")).unwrap();
        assert!([MISTAKEN, REPAIRED].contains(&there.as_str()), "{there}");
        there == REPAIRED
    }

    /// The requests to the model, without those that only look which models there are.
    pub(crate) fn asked(&self) -> Vec<Seen> {
        let mut seen = self.model.seen();
        seen.retain(|seen| seen.method == "POST");
        seen
    }

    /// Nobody came to the canary's door.
    fn nothing_was_reached(&self) {
        let door = self.canary.accept();
        assert!(door.is_err(), "{} reached the canary", self.agent.name());
    }
}

/// The owner's policy: the tool as the catalogue declares it, with this provider, and everything
/// that the adapter asks for.
fn policy(agent: Agent, provider: &str) -> DocumentMut {
    let path = repository().join("host/core/src/catalogue.toml");
    let catalogue: DocumentMut = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let mut tool = catalogue["tools"][agent.name()].clone();
    let origins = tool["run"]["origins"].as_table_like_mut().unwrap();
    for (_, origin) in origins.iter_mut() {
        *origin = value(provider);
    }
    let text = format!(
        "format = 1\n[plugins.{name}]\nread = [\".\"]\nwrite = [\".\"]\nrun = [\"{name}\"]\n\
         confinement = \"A\"\n[tools]\n",
        name = agent.name()
    );
    let mut policy: DocumentMut = text.parse().unwrap();
    policy["tools"][agent.name()] = tool;
    policy
}

/// Writes a file of a workspace, with the directories above it.
pub(crate) fn write(workspace: &Path, name: &str, content: &str) {
    let path = workspace.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// Runs git as the owner of a repository does.
pub(crate) fn git(workspace: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command
        .args(["-c", "user.name=owner", "-c", "user.email=owner@localhost"])
        .args(["-c", "init.defaultBranch=main"])
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", workspace)
        .current_dir(workspace);
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
}
