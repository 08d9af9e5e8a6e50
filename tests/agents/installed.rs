//! The agents on this machine, installed once by the script `install` and for all tests.
//!
//! Never: a test that is left out without a word. What is missing, and why, is written past the
//! test runner, which would keep it for itself.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::home::repository;

/// An agent that the tests know how to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Agent {
    Aider,
    Claude,
    Codex,
    Opencode,
}

impl Agent {
    pub(crate) const ALL: [Self; 4] = [Self::Aider, Self::Claude, Self::Codex, Self::Opencode];

    /// Its name: of the adapter, of the tool, of the program.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aider => "aider",
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Opencode => "opencode",
        }
    }

    /// Whether it is installed; if it is not, says so.
    pub(crate) fn is_here(self) -> bool {
        match &agents()[self.name()] {
            Ok(()) => true,
            Err(why) => {
                say(&format!("SKIPPED: no test with {}: {why}", self.name()));
                false
            }
        }
    }
}

/// The directory that holds the programs.
pub(crate) fn programs() -> PathBuf {
    place().join("bin")
}

/// Where they are installed: beside everything else that is built.
fn place() -> PathBuf {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    scratch.parent().unwrap().join("agents")
}

/// Writes to the terminal or the log, past the test runner.
fn say(text: &str) {
    let line = format!("\n{text}\n\n");
    // A macro would write where the test runner keeps it.
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// For each agent, whether it is here or why not.
fn agents() -> &'static BTreeMap<&'static str, Result<(), String>> {
    static AGENTS: OnceLock<BTreeMap<&'static str, Result<(), String>>> = OnceLock::new();
    AGENTS.get_or_init(|| {
        let output = Command::new(repository().join("tests/agents/install"))
            .arg(place())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaints = String::from_utf8_lossy(&output.stderr);
        Agent::ALL
            .into_iter()
            .map(|agent| (agent.name(), found(agent.name(), &said, &complaints)))
            .collect()
    })
}

/// What the script said about one of them.
fn found(name: &str, said: &str, complaints: &str) -> Result<(), String> {
    let line = said.lines().find_map(|line| line.strip_prefix(name));
    match line.map(str::trim_start) {
        Some(line) if line.starts_with("ready ") => Ok(()),
        Some(line) => Err(line.to_owned()),
        None => Err(format!(
            "tests/agents/install said nothing of it: {complaints}"
        )),
    }
}

#[test]
fn an_agent_that_could_not_be_installed_is_told_with_the_reason() {
    let said = "aider missing aider-chat could not be installed: no route\ncodex ready 1 /p\n";
    assert_eq!(found("codex", said, ""), Ok(()));
    let aider = found("aider", said, "").unwrap_err();
    assert_eq!(aider, "missing aider-chat could not be installed: no route");
    let claude = found("claude", said, "flock: not found").unwrap_err();
    assert!(claude.contains("flock: not found"), "{claude}");
}
