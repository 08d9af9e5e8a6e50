//! A1 to A14: workspaces that are traps for real tools, and calls that would turn a tool into
//! another.
//!
//! Some traps snap: a filter of a repository runs when git looks at it. Then what runs must not
//! leave the workspace. Each such test shows that its trap is live. Never: a trap that nobody
//! steps into.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::home::finish;
use crate::stage::{SECRET, Said, Stage, User};

/// Rights over the workspace.
const RIGHTS: [&str; 2] = ["--allow-read", "--allow-write"];

/// A stage with a payload in its workspace, which says that it ran and tries to say so outside.
struct Trap {
    stage: Stage,
}

impl Trap {
    fn lay() -> Self {
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

    fn workspace(&self) -> PathBuf {
        self.stage.home.workspace()
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.workspace().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn program(&self, name: &str, text: &str) {
        self.file(name, text);
        let path = self.workspace().join(name);
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    }

    fn payload(&self) -> String {
        self.workspace().join("payload").display().to_string()
    }

    /// What the payload leaves inside.
    fn ran(&self) -> PathBuf {
        self.workspace().join("ran")
    }

    /// What it would leave outside.
    fn escaped(&self) -> PathBuf {
        self.stage.home.path("outside/escaped")
    }

    fn call(&self, tool: &str, template: &str, slots: &Value) -> Said {
        self.call_by(&format!("--allow-run={tool}"), tool, template, slots)
    }

    fn call_by(&self, allow: &str, tool: &str, template: &str, slots: &Value) -> Said {
        let [read, write] = RIGHTS;
        self.stage.run(
            &[read, write, allow],
            |_| json!({"tool": tool, "template": template, "slots": slots}),
        )
    }

    /// Nothing of the payload came out, and nothing of outside came in.
    fn held(&self, said: &Said) {
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
    fn git(&self, arguments: &[&str]) {
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
    fn repository(&self) {
        self.git(&["init", "--quiet"]);
        self.file("a.txt", "one\n");
        self.git(&["add", "a.txt"]);
        self.git(&["commit", "--quiet", "--no-verify", "-m", "first"]);
        self.file("a.txt", "another\n");
    }
}

/// Slot values that would be options, subcommands or paths outside, if they were taken for them.
const VALUES: &[&str] = &[
    "-c",
    "core.fsmonitor=x",
    "--config-env=a=b",
    "alias.x=!y",
    "ext::sh -c y",
    "--upload-pack=y",
    "--uplo=y",
    "--upload-pa=y",
    "-u",
    "--receive-pack=y",
    "-O",
    "--exec=y",
    "-x",
    "--exec-path=/x",
    "--output=/x",
    "--no-index",
    "-C",
    "--git-dir=/x",
    "--work-tree=/x",
    "-oProxyCommand=y",
    "ssh://-oProxyCommand=y/x",
    "../outside/canary",
    "/etc/passwd",
    ":(top)../outside",
    "HEAD:../x",
    "a..b",
    "@{-1}",
    "--",
    "$(y)",
    "`y`",
    "; y",
    "a\nb",
];

#[test]
fn no_value_becomes_an_option_or_leads_outside() {
    let trap = Trap::lay();
    trap.repository();
    for value in VALUES {
        for (template, slots) in [
            ("log", json!({"rev": value})),
            ("show", json!({"rev": value})),
            ("diff-revs", json!({"from": value})),
            ("rev-parse", json!({"rev": value})),
            ("log", json!({"paths": [value]})),
            ("diff", json!({"paths": [value, "a.txt"]})),
        ] {
            let said = trap.call("git", template, &slots);
            trap.held(&said);
            let Some(started) = said.event("tool-started") else {
                assert!(
                    matches!(said.code, Some(1..=3)),
                    "{value}: {}",
                    said.everything()
                );
                continue;
            };
            // What was accepted is one whole argument, after the last one that ends options.
            let arguments = started["arguments"].as_array().unwrap();
            let end = arguments.iter().position(|one| one == "--");
            let place = arguments.iter().rposition(|one| one == value);
            let place = place.unwrap_or_else(|| panic!("{value}: {arguments:?}"));
            let harmless = !value.starts_with('-') || end.is_some_and(|end| place > end);
            assert!(harmless, "{value}: {arguments:?}");
            assert!(
                !value.contains("..") && !value.starts_with('/'),
                "{value}: {arguments:?}"
            );
        }
    }
}

#[test]
fn what_is_not_a_template_is_not_run() {
    let trap = Trap::lay();
    trap.repository();
    for template in [
        "grep",
        "rebase",
        "filter-branch",
        "difftool",
        "archive",
        "config",
        "clone",
        "fetch",
        "push",
        "commit",
        "add",
        "checkout",
        "-c",
        "--exec-path",
        "status --help",
        "",
    ] {
        let said = trap.call("git", template, &json!({}));
        assert!(said.event("tool-started").is_none(), "{template}");
        assert!(
            matches!(said.code, Some(1..=3)),
            "{template}: {}",
            said.everything()
        );
    }
}

#[test]
fn what_a_repository_has_git_run_stays_inside() {
    let trap = Trap::lay();
    trap.repository();
    let payload = trap.payload();
    for (key, value) in [
        ("core.fsmonitor", payload.as_str()),
        ("core.hooksPath", "hooks"),
        ("core.pager", &payload),
        ("diff.external", &payload),
        ("diff.evil.textconv", &payload),
        ("diff.evil.command", &payload),
        ("filter.evil.clean", &format!("{payload}; cat")),
        ("filter.evil.smudge", &payload),
        ("gpg.program", &payload),
        ("log.showSignature", "true"),
        ("core.worktree", "/"),
    ] {
        trap.git(&["config", key, value]);
    }
    trap.git(&["config", "--unset", "core.worktree"]);
    trap.file(".gitattributes", "*.txt filter=evil diff=evil\n");
    for hook in [
        "post-checkout",
        "pre-commit",
        "post-index-change",
        "reference-transaction",
    ] {
        trap.program(
            &format!("hooks/{hook}"),
            &format!("#!/bin/sh\nexec '{payload}'\n"),
        );
    }
    for template in [
        "status",
        "diff",
        "diff-staged",
        "log",
        "show",
        "ls-files",
        "branch-list",
    ] {
        let said = trap.call("git", template, &json!({}));
        trap.held(&said);
        assert!(
            said.event("tool-started").is_some(),
            "{}",
            said.everything()
        );
    }
    // No setting of git switches this off, so the trap was live.
    assert!(
        trap.ran().exists(),
        "the filter of the repository did not run"
    );
}

#[test]
fn tools_whose_purpose_is_to_start_others_are_refused() {
    let trap = Trap::lay();
    let policy = trap.stage.home.path("out/launchers.toml");
    for program in [
        "/bin/sh",
        "/bin/bash",
        "/usr/bin/env",
        "/usr/bin/xargs",
        "/usr/bin/timeout",
        "/usr/bin/nice",
        "/usr/bin/nohup",
        "/usr/bin/setsid",
        "/usr/bin/sudo",
    ] {
        if !Path::new(program).exists() {
            continue;
        }
        let text = format!(
            "format = 1\n[tools.launcher]\nprogram = '{program}'\n\
             [tools.launcher.templates]\ngo = [\"x\"]\n"
        );
        std::fs::write(&policy, text).unwrap();
        let allow = format!("--policy={}", policy.display());
        let mut command = trap
            .stage
            .remit(&["run", "command", "--json", "--no-prompt", &allow]);
        command.args([
            "--allow-run=launcher",
            "-i",
            "tool=launcher",
            "-i",
            "template=go",
        ]);
        let output = finish(command, "");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success(), "{program}: {said}");
        assert!(!said.contains("tool-started"), "{program}: {said}");
    }
}

#[test]
fn templates_in_which_a_value_could_become_an_option_are_refused() {
    let trap = Trap::lay();
    let policy = trap.stage.home.path("out/templates.toml");
    for (program, template) in [
        ("find", r#"["{where:text}"]"#),
        ("find", r#"[".", "{more:text*}"]"#),
        ("tar", r#"["-xf", "{file:text}"]"#),
        ("sort", r#"["{file:text}"]"#),
    ] {
        let text = format!(
            "format = 1\n[tools.open]\nprogram = '{program}'\n[tools.open.templates]\ngo = {template}\n"
        );
        std::fs::write(&policy, text).unwrap();
        let allow = format!("--policy={}", policy.display());
        let command = trap.stage.remit(&["policy", "show", &allow]);
        let output = finish(command, "");
        assert_eq!(output.status.code(), Some(2), "{program} {template}");
    }
}

#[test]
fn variables_that_a_program_obeys_reach_no_tool() {
    let trap = Trap::lay();
    trap.repository();
    let (payload, marker) = (trap.payload(), trap.escaped().display().to_string());
    let mut command = trap
        .stage
        .remit(&["run", "command", "--json", "--no-prompt"]);
    command
        .args(RIGHTS)
        .args(["--allow-run=git", "-i", "tool=git", "-i", "template=status"]);
    for name in [
        "GIT_EXTERNAL_DIFF",
        "GIT_SSH_COMMAND",
        "GIT_EDITOR",
        "GIT_PAGER",
        "PAGER",
        "EDITOR",
        "BASH_ENV",
        "ENV",
        "LD_AUDIT_X",
        "RUSTC_WRAPPER",
    ] {
        command.env(name, &payload);
    }
    command
        .env("GIT_TRACE", &marker)
        .env("NODE_OPTIONS", format!("--require={payload}"));
    command
        .env("PYTHONPATH", trap.workspace())
        .env("GIT_CONFIG_COUNT", "1");
    command
        .env("GIT_CONFIG_KEY_0", "core.fsmonitor")
        .env("GIT_CONFIG_VALUE_0", &payload);
    let output = finish(command, "");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!trap.ran().exists() && !trap.escaped().exists());
    // A plugin cannot set them, and an owner who tries to let one through is told.
    for name in [
        "GIT_TRACE",
        "LD_PRELOAD",
        "PYTHONPATH",
        "NODE_OPTIONS",
        "BASH_ENV",
        "PATH",
    ] {
        let said = trap.stage.run(
            &["--allow-read", "--allow-run=git"],
            |_| json!({"tool": "git", "template": "status", "env": {name: payload}}),
        );
        assert!(
            said.event("tool-started").is_none(),
            "{name}: {}",
            said.everything()
        );
        let policy = trap.stage.home.path("out/variables.toml");
        let text = format!(
            "format = 1\n[tools.x]\nprogram = 'git'\n[tools.x.templates]\ngo = []\n\
             [tools.x.run]\nplugin-env = ['{name}']\n"
        );
        std::fs::write(&policy, text).unwrap();
        let shown =
            trap.stage
                .remit(&["policy", "show", &format!("--policy={}", policy.display())]);
        assert_eq!(finish(shown, "").status.code(), Some(2), "{name}");
    }
}

#[test]
fn scripts_of_a_package_stay_inside_and_its_settings_choose_no_shell() {
    let trap = Trap::lay();
    trap.file(
        "package.json",
        r#"{"name": "x", "version": "1.0.0", "scripts": {"test": "./payload"}}"#,
    );
    let shell = trap.workspace().join("shell");
    let used = trap.workspace().join("shell-was-used");
    trap.program(
        "shell",
        &format!(
            "#!/bin/sh\ntouch '{}'\nexec /bin/sh \"$@\"\n",
            used.display()
        ),
    );
    trap.file(".npmrc", &format!("script-shell={}\n", shell.display()));
    let said = trap.call("npm", "test", &json!({}));
    trap.held(&said);
    assert!(
        trap.ran().exists(),
        "the script did not run: {}",
        said.everything()
    );
    assert!(!used.exists(), "the workspace chose the shell");
}

#[test]
fn modules_of_the_workspace_stand_in_for_no_other_and_stay_inside() {
    let trap = Trap::lay();
    let python = format!(
        "import subprocess\nsubprocess.run(['{}'])\n",
        trap.payload()
    );
    for name in [
        "argparse.py",
        "unittest.py",
        "sitecustomize.py",
        "usercustomize.py",
    ] {
        trap.file(name, &python);
    }
    trap.file("tests/__init__.py", "");
    trap.file(
        "tests/test_x.py",
        "import unittest\nclass T(unittest.TestCase):\n    def test(self): pass\n",
    );
    let said = trap.call("python3", "unittest", &json!({}));
    assert_eq!(said.code, Some(0), "{}", said.everything());
    assert!(!trap.ran().exists(), "a module of the workspace ran");
    trap.file("direct.py", &python);
    let said = trap.call("python3", "run-file", &json!({"file": "direct.py"}));
    trap.held(&said);
    assert!(
        trap.ran().exists(),
        "the program did not run: {}",
        said.everything()
    );
    trap.file(
        "direct.js",
        &format!("require('child_process').spawnSync('{}')\n", trap.payload()),
    );
    std::fs::remove_file(trap.ran()).unwrap();
    let said = trap.call("node", "run-file", &json!({"file": "direct.js"}));
    trap.held(&said);
    assert!(
        trap.ran().exists(),
        "the program did not run: {}",
        said.everything()
    );
}

#[test]
fn a_build_script_stays_inside_and_the_workspace_chooses_no_compiler() {
    let trap = Trap::lay();
    trap.file(
        "Cargo.toml",
        "[package]\nname = \"x\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n",
    );
    trap.file("src/lib.rs", "");
    let script = format!(
        "fn main() {{ let _ = std::process::Command::new(\"{}\").status(); }}\n",
        trap.payload()
    );
    trap.file("build.rs", &script);
    let used = trap.workspace().join("wrapper-was-used");
    let wrapper = trap.workspace().join("wrapper");
    trap.program(
        "wrapper",
        &format!("#!/bin/sh\ntouch '{}'\nexec \"$@\"\n", used.display()),
    );
    let wrapper = wrapper.display();
    let config = format!(
        "[build]\nrustc-wrapper = \"{wrapper}\"\nrustc-workspace-wrapper = \"{wrapper}\"\n"
    );
    trap.file(".cargo/config.toml", &config);
    // The toolchain itself: the launcher in front of it needs its user's home.
    let cargo = PathBuf::from(std::env::var_os("CARGO").unwrap());
    let rustc = cargo.with_file_name("rustc");
    let policy = format!(
        "format = 1\n[tools.cargo]\nprogram = '{}'\n[tools.cargo.templates]\nbuild = [\"build\", \"--offline\"]\n\
         [tools.cargo.run]\nwall = \"5m\"\nruntime = ['{{prefix}}/bin', '{{prefix}}/lib']\n\
         [tools.cargo.run.set]\nRUSTC = '{}'\nRUSTC_WRAPPER = ''\nRUSTC_WORKSPACE_WRAPPER = ''\n",
        cargo.display(),
        rustc.display()
    );
    std::fs::write(trap.stage.home.path("out/policy.toml"), policy).unwrap();
    let said = trap.call("cargo", "build", &json!({}));
    trap.held(&said);
    assert!(
        !used.exists(),
        "the workspace chose the compiler: {}",
        said.everything()
    );
    assert!(
        trap.ran().exists(),
        "the build script did not run: {}",
        said.everything()
    );
}

#[test]
fn programs_of_the_workspace_stand_in_for_no_tool() {
    let trap = Trap::lay();
    trap.repository();
    for name in ["git", "node", "python3", "npm", "ls"] {
        trap.program(
            &format!("bin/{name}"),
            &format!("#!/bin/sh\nexec '{}'\n", trap.payload()),
        );
        trap.program(name, &format!("#!/bin/sh\nexec '{}'\n", trap.payload()));
    }
    for tool in ["git", "python3", "node", "npm"] {
        let mut command = trap
            .stage
            .remit(&["run", "command", "--json", "--no-prompt"]);
        command.args(RIGHTS).arg(format!("--allow-run={tool}"));
        command.args(["-i", &format!("tool={tool}"), "-i", "template=version"]);
        let path = std::env::var("PATH").unwrap();
        let bin = trap.workspace().join("bin");
        command.env("PATH", format!("{}::.:bin:{path}", bin.display()));
        let output = finish(command, "");
        assert!(
            !trap.ran().exists(),
            "{tool}: {}",
            String::from_utf8_lossy(&output.stdout)
        );
        assert_eq!(
            output.status.code(),
            Some(0),
            "{tool}: {}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
}

#[test]
fn an_archive_is_no_plugin_and_is_not_unpacked() {
    let trap = Trap::lay();
    let before = crate::tree::read(&trap.stage.home.path("outside"));
    for (name, bytes) in [
        ("zip", &b"PK\x03\x04\x14\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x12\x00\x00\x00../outside/escapedx"[..]),
        ("tar", &b"../outside/escaped\0\0\0\0\0\0\0\0"[..]),
    ] {
        let file = trap.workspace().join(format!("{name}.wasm"));
        std::fs::write(&file, bytes).unwrap();
        for command in ["run", "inspect", "validate"] {
            let output = finish(trap.stage.remit(&[command, &file.display().to_string()]), "");
            assert_eq!(output.status.code(), Some(10), "{name} {command}");
        }
    }
    assert_eq!(crate::tree::read(&trap.stage.home.path("outside")), before);
}
