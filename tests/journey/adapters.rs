//! Adapters under observation: what they say of themselves, what they miss, which version of a tool
//! is there, and what they would start.
//!
//! Never: a value of a variable in what is said.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::home::{Home, finish, guests};

/// The value of the variable that the adapter wants.
const SECRET: &str = "value-that-nobody-says";

/// A home in which `choosy` is allowed all that it asks for, with this program as its tool.
struct Scene {
    home: Home,
}

impl Scene {
    fn new(program: &str, rules: &str) -> Self {
        let home = Home::new();
        let tool = match program {
            "" => String::new(),
            program => format!(
                "[tools.python3]\nprogram = \"{program}\"\n\
                 [tools.python3.templates]\nversion = [\"--version\"]\n"
            ),
        };
        let policy = format!(
            "format = 1\n{tool}[plugins.choosy]\nfile = \"{}\"\n{rules}\n",
            guests().join("choosy.wasm").display()
        );
        std::fs::write(home.path("out/policy.toml"), policy).unwrap();
        Self { home }
    }

    /// With everything that it asks for.
    fn allowed(program: &str) -> Self {
        Self::new(program, "run = [\"python3\"]\nenv = [\"CHOOSY_KEY\"]")
    }

    /// The exit code and everything that was said.
    fn say(&self, arguments: &[&str], key: bool) -> (i32, String) {
        let mut command = self.home.remit(arguments);
        command
            .arg("--policy")
            .arg(self.home.path("out/policy.toml"));
        if key {
            command.env("CHOOSY_KEY", SECRET);
        }
        let output = finish(command, "");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        assert!(!text.contains(SECRET), "{text}");
        (output.status.code().unwrap_or(-1), text)
    }

    fn json(&self, arguments: &[&str], key: bool) -> (i32, Value) {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        let (code, text) = self.say(&arguments, key);
        (
            code,
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}")),
        )
    }
}

/// A program that says this version.
fn other_version(home: &Home) -> String {
    let path = home.path("outside/other");
    std::fs::write(&path, "#!/usr/bin/env python3\nprint(\"Python 9.9.9\")\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn an_adapter_is_shown_as_who_chooses_one_sees_it() {
    let scene = Scene::allowed("");
    let (code, shown) = scene.json(&["adapter", "show", "choosy"], false);
    assert_eq!(code, 0);
    for (key, value) in [
        ("id", json!("choosy")),
        ("task-kinds", json!(["code-edit"])),
        ("domains", json!(["python"])),
        ("max-parallel", json!(2)),
        ("timeout-ms", json!(60_000)),
        ("safety-tier", json!("read-only")),
        ("tool-versions", json!(">=3.0, <4")),
    ] {
        assert_eq!(shown[key], value, "{shown}");
    }
    assert_eq!(shown["input-schema"]["type"], "object");
    let (code, text) = scene.say(&["adapter", "show", "choosy"], false);
    assert_eq!(code, 0);
    assert!(
        text.contains("code-edit") && text.contains(">=3.0, <4"),
        "{text}"
    );
    let (code, text) = scene.say(&["adapter", "show", "module-creation"], false);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("is no adapter"), "{text}");
}

#[test]
fn the_list_has_adapters_only() {
    let scene = Scene::allowed("");
    let (code, listed) = scene.json(&["adapter", "list"], false);
    assert_eq!(code, 0);
    let listed = listed.as_array().unwrap();
    let ids: Vec<&str> = listed.iter().filter_map(|row| row["id"].as_str()).collect();
    for id in ["choosy", "command", "manual"] {
        assert!(ids.contains(&id), "{ids:?}");
    }
    assert!(!ids.contains(&"module-creation"), "{ids:?}");
}

#[test]
fn what_is_missing_is_named() {
    let scene = Scene::allowed("");
    let (code, text) = scene.say(&["adapter", "check", "choosy"], true);
    assert_eq!(code, 0, "{text}");
    let (code, text) = scene.say(&["adapter", "check", "choosy"], false);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("CHOOSY_KEY"), "{text}");
    let (code, row) = scene.json(&["adapter", "check", "choosy"], false);
    assert_eq!(
        (code, row["missing"][0]["path"].as_str()),
        (2, Some("/env/CHOOSY_KEY"))
    );
    // Not granted is not there.
    let unseen = Scene::new("", "run = [\"python3\"]");
    assert_eq!(unseen.say(&["adapter", "check", "choosy"], true).0, 2);
    let denied = Scene::new("", "");
    let (code, text) = denied.say(&["adapter", "check", "choosy"], true);
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("python3"), "{text}");
}

#[test]
fn the_doctor_says_which_tools_are_there_and_in_which_versions() {
    let home = Home::new();
    let other = other_version(&home);
    for (program, standing, code) in [
        ("", "ok", 0),
        (other.as_str(), "outside-tested-range", 0),
        ("/nonexistent/python3", "missing", 6),
    ] {
        let scene = Scene::allowed(program);
        let (found, rows) = scene.json(&["doctor", "adapters", "choosy"], true);
        assert_eq!(found, code, "{rows}");
        let tool = &rows[0]["tools"][0];
        assert_eq!(tool["standing"], standing, "{rows}");
        assert_eq!(tool["tested"], ">=3.0, <4", "{rows}");
        let (found, text) = scene.say(&["doctor", "adapters", "choosy"], true);
        assert_eq!(found, code, "{text}");
        assert_eq!(
            text.contains("outside tested range"),
            standing == "outside-tested-range",
            "{text}"
        );
    }
}

#[test]
fn the_doctor_requires_only_adapters_that_were_named() {
    let scene = Scene::allowed("");
    let (code, text) = scene.say(&["doctor", "adapters", "choosy"], false);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("CHOOSY_KEY"), "{text}");
    let denied = Scene::new("", "");
    assert_eq!(denied.say(&["doctor", "adapters", "choosy"], true).0, 3);
    let (code, text) = denied.say(&["doctor", "adapters"], false);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("choosy") && text.contains("command"),
        "{text}"
    );
    assert_eq!(denied.say(&["doctor", "adapters", "nobody"], true).0, 2);
}

#[test]
fn what_an_adapter_would_start_is_printed_and_not_started() {
    let scene = Scene::allowed("");
    let (code, text) = scene.say(&["adapter", "argv", "choosy"], true);
    assert_eq!((code, text.as_str()), (0, "\"--version\"\n"));
    let command = |more: &[&str]| {
        let inputs = [
            "adapter",
            "argv",
            "command",
            "-i",
            "tool=copy",
            "-i",
            "template=to",
            "-i",
            r#"slots={"from": "made up", "to": "never"}"#,
            "--allow-read",
            "--allow-write",
        ];
        let policy = scene.home.path("out/copy.toml");
        let text = "format = 1\n[tools.copy]\nprogram = \"cp\"\n\
            [tools.copy.templates]\nto = [\"--\", \"{from:relpath}\", \"{to:relpath}\"]\n";
        std::fs::write(&policy, text).unwrap();
        let mut remit = scene.home.remit(&inputs);
        remit.args(more).arg("--policy").arg(policy);
        finish(remit, "")
    };
    let printed = command(&["--allow-run=copy", "--json"]);
    assert_eq!(printed.status.code(), Some(0), "{printed:?}");
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(printed["argv"], json!(["--", "made up", "never"]));
    assert_eq!(printed["tool"], "copy");
    // Decided as in a run.
    assert_eq!(command(&[]).status.code(), Some(3));
    assert!(!scene.home.workspace().join("never").exists());
    let (code, text) = scene.say(&["adapter", "argv", "manual", "-i", "instructions=x"], true);
    assert_eq!(code, 10, "{text}");
    assert!(text.contains("asked for no tool"), "{text}");
    let (code, text) = scene.say(&["adapter", "argv", "choosy", "-i", "odd=1"], true);
    assert_eq!(code, 2, "{text}");
}
