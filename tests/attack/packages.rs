//! A9 to A11, A13, B3: packages, modules and programs of the workspace that real tools obey.
//!
//! Never: a trap that nobody steps into; each test shows that its own is live.

use std::path::PathBuf;

use serde_json::json;

use crate::home::finish;
use crate::trap::{RIGHTS, Trap};

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
