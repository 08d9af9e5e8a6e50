//! A workspace that is a trap: a payload that says that it ran, and tries to say so outside.
//!
//! Never: a payload that does more than to touch, read and write below the test's own directory.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::home::finish;
use crate::stage::{SECRET, Said, Stage, User};

/// Rights over the workspace.
pub(crate) const RIGHTS: [&str; 2] = ["--allow-read", "--allow-write"];

/// A stage with a payload in its workspace, which says that it ran and tries to say so outside.
pub(crate) struct Trap {
    pub(crate) stage: Stage,
}

impl Trap {
    pub(crate) fn lay() -> Self {
        let trap = Self {
            stage: Stage::set(User::Own, None),
        };
        let script = format!(
            "#!/bin/sh\ntouch '{}' '{}'\ncat '{}' > '{}'\nexit 0\n",
            trap.ran().display(),
            trap.escaped().display(),
            trap.stage.home.path("outside/canary").display(),
            trap.workspace().join("stolen").display(),
        );
        trap.program("payload", &script);
        trap
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.stage.home.workspace()
    }

    pub(crate) fn file(&self, name: &str, text: &str) {
        let path = self.workspace().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn program(&self, name: &str, text: &str) {
        self.file(name, text);
        let path = self.workspace().join(name);
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    }

    pub(crate) fn payload(&self) -> String {
        self.workspace().join("payload").display().to_string()
    }

    /// What the payload leaves inside.
    pub(crate) fn ran(&self) -> PathBuf {
        self.workspace().join("ran")
    }

    /// What it would leave outside.
    pub(crate) fn escaped(&self) -> PathBuf {
        self.stage.home.path("outside/escaped")
    }

    pub(crate) fn call(&self, tool: &str, template: &str, slots: &Value) -> Said {
        self.call_by(&format!("--allow-run={tool}"), tool, template, slots)
    }

    pub(crate) fn call_by(&self, allow: &str, tool: &str, template: &str, slots: &Value) -> Said {
        let [read, write] = RIGHTS;
        self.stage.run(
            &[read, write, allow],
            |_| json!({"tool": tool, "template": template, "slots": slots}),
        )
    }

    /// Nothing of the payload came out, and nothing of outside came in.
    pub(crate) fn held(&self, said: &Said) {
        assert!(
            !self.escaped().exists(),
            "it left the workspace: {}",
            said.everything()
        );
        let stolen = std::fs::read_to_string(self.workspace().join("stolen")).unwrap_or_default();
        assert!(
            !stolen.contains(SECRET),
            "it read outside: {}",
            said.everything()
        );
    }

    /// Runs git as its user would, to lay out a repository.
    pub(crate) fn git(&self, arguments: &[&str]) {
        let mut command = Command::new("git");
        self.stage.home.furnish(&mut command);
        command.args([
            "-c",
            "user.name=x",
            "-c",
            "user.email=x@example.org",
            "-c",
            "commit.gpgsign=false",
        ]);
        command
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .args(arguments)
            .stdin(Stdio::null());
        let output = finish(command, "");
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// A repository with a commit and a change.
    pub(crate) fn repository(&self) {
        self.git(&["init", "--quiet"]);
        self.file("a.txt", "one\n");
        self.git(&["add", "a.txt"]);
        self.git(&["commit", "--quiet", "--no-verify", "-m", "first"]);
        self.file("a.txt", "another\n");
    }
}
