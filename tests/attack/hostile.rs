//! A1 to A8, A12: repositories that are traps for git, and calls that would turn a tool into another.
//!
//! Some traps snap: a filter of a repository runs when git looks at it. Then what runs must not
//! leave the workspace. Each such test shows that its trap is live. Never: a trap that nobody
//! steps into.

use std::path::Path;

use serde_json::{Value, json};

use crate::home::finish;
use crate::trap::{RIGHTS, Trap};

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
            // A path is written in its plain form, and one that git could read as more than a path
            // begins with a dot.
            let plain = value.replace("//", "/");
            let forms = [format!("./{plain}"), plain];
            let is_value = |one: &Value| forms.iter().any(|form| one == form);
            let place = arguments.iter().rposition(is_value);
            let place = place.unwrap_or_else(|| panic!("{value}: {arguments:?}"));
            let harmless = !value.starts_with('-') || end.is_some_and(|end| place > end);
            assert!(harmless, "{value}: {arguments:?}");
            assert!(
                !value.split('/').any(|name| name == "..") && !value.starts_with('/'),
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
