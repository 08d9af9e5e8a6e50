//! The adapters of checks whose tools not every machine has: pytest, ruff, go.
//!
//! Where a tool is not there, its test says so and looks at nothing. Never: a tool that is stood in for.

use std::path::PathBuf;

use serde_json::Value;

use crate::home::{Home, finish};
use crate::tree::{self, Node};

/// The directory of a tool that the caller has, if there is one.
fn place_of(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).find(|directory| directory.join(tool).is_file());
    if found.is_none() {
        eprintln!("{tool} is not there: NOT TESTED with it");
    }
    found
}

/// Runs an adapter with its tool, and returns how it ended and what it says.
fn check(home: &Home, tool: &str, arguments: &[&str]) -> Option<(i32, Value)> {
    let place = place_of(tool)?;
    let mut all = vec!["run"];
    all.extend(arguments);
    all.extend(["--allow-read", "--json"]);
    let mut command = home.remit(&all);
    let old = command
        .get_envs()
        .find(|(name, _)| *name == "PATH")
        .and_then(|(_, value)| value)
        .map(|value| value.to_string_lossy().into_owned());
    let path = format!("{}:{}", place.display(), old.unwrap_or_default());
    command.env("PATH", path);
    let output = finish(command, "");
    let text = String::from_utf8(output.stdout).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    Some((output.status.code().unwrap(), last["outcome"].clone()))
}

fn write(home: &Home, path: &str, text: &str) {
    let node = Node::File(text.as_bytes().to_vec());
    tree::make(&home.workspace().join(path), node);
}

#[test]
fn pytest_is_counted_named_and_never_successful_without_tests() {
    let home = Home::new();
    write(
        &home,
        "tests/test_a.py",
        "def test_a():\n    assert 1 == 2\n",
    );
    write(&home, "tests/test_b.py", "def test_b():\n    pass\n");
    write(&home, "broken/test_c.py", "import not_there_at_all\n");
    write(&home, "none/notes.txt", "nothing");
    for (paths, code, verdict) in [
        ("paths=[\"tests/test_b.py\"]", 0, "success"),
        ("paths=[\"tests\"]", 1, "failed:tests"),
        ("paths=[\"none\"]", 1, "no-tests"),
        ("paths=[\"broken\"]", 1, "failed:build"),
        ("paths=[\"gone.py\"]", 1, "failed:usage/config"),
    ] {
        let arguments = ["pytest", "--allow-run=pytest:junit", "-i", paths];
        let Some((ended, outcome)) = check(&home, "pytest", &arguments) else {
            return;
        };
        let details = &outcome["outputs"]["details"];
        assert_eq!(details["verdict"], verdict, "{outcome}");
        assert_eq!(ended, code, "{outcome}");
        if verdict == "failed:tests" {
            assert_eq!(details["counts"]["total"], 2);
            let location = &details["failed"][0]["location"];
            assert_eq!(location["file"], "tests/test_a.py");
            assert_eq!(location["line"], 2);
        }
    }
    assert!(!home.workspace().join("junit.xml").exists());
}

#[test]
fn ruff_is_clean_has_findings_or_was_called_in_a_wrong_way() {
    let home = Home::new();
    write(&home, "bad.py", "import os\n");
    write(&home, "good.py", "X = 1\n");
    write(&home, "odd/ruff.toml", "[lint]\nselect = 7\n");
    write(&home, "odd/a.py", "X = 1\n");
    for (paths, code, verdict) in [
        ("paths=[\"good.py\"]", 0, "success"),
        ("paths=[\"bad.py\"]", 1, "failed:findings"),
        ("paths=[\"gone.py\"]", 1, "failed:usage/config"),
        ("paths=[\"odd/a.py\"]", 1, "failed:usage/config"),
    ] {
        let arguments = [
            "lint",
            "--allow-run=ruff:sarif",
            "-i",
            "linter=ruff",
            "-i",
            paths,
        ];
        let Some((ended, outcome)) = check(&home, "ruff", &arguments) else {
            return;
        };
        let details = &outcome["outputs"]["details"];
        assert_eq!(details["verdict"], verdict, "{outcome}");
        assert_eq!(ended, code, "{outcome}");
        if verdict == "failed:findings" {
            assert_eq!(details["rules"]["F401"], 1);
            assert_eq!(details["findings"][0]["file"], "bad.py");
        }
    }
}

#[test]
fn go_is_counted_by_its_events() {
    let home = Home::new();
    write(&home, "go.mod", "module example.org/m\n\ngo 1.18\n");
    write(&home, "m.go", "package m\n");
    let run = |verdict: &str, code: i32| {
        let Some((ended, outcome)) = check(&home, "go", &["go-test", "--allow-run=go:test-json"])
        else {
            return false;
        };
        assert_eq!(
            outcome["outputs"]["details"]["verdict"], verdict,
            "{outcome}"
        );
        assert_eq!(ended, code, "{outcome}");
        true
    };
    if !run("no-tests", 1) {
        return;
    }
    let test = "package m\n\nimport \"testing\"\n\nfunc TestA(t *testing.T) {}\n";
    write(&home, "a_test.go", test);
    run("success", 0);
    write(&home, "a_test.go", &test.replace("{}", "{ t.Error(7) }"));
    run("failed:tests", 1);
    write(&home, "a_test.go", &test.replace("{}", "{ nothing }"));
    run("failed:build", 1);
}

#[test]
fn cargo_is_counted_over_its_targets() {
    let home = Home::new();
    let validate = |input: &str| {
        let output = finish(
            home.remit(&["validate", "cargo-test", "--json", "-i", input]),
            "",
        );
        output.status.code().unwrap()
    };
    assert_eq!(validate("filter=adds"), 0);
    assert_eq!(validate("filter=--nocapture"), 2);
    assert_eq!(validate("cwd=../elsewhere"), 2);
    write(
        &home,
        "Cargo.toml",
        "[package]\nname = \"m\"\nedition = \"2024\"\n\n[workspace]\n",
    );
    let source = "#[test]\nfn adds() {\n    assert_eq!(1 + 1, 2);\n}\n";
    write(&home, "src/lib.rs", source);
    // Without the grant nothing is built.
    let denied = finish(home.remit(&["run", "cargo-test", "--allow-read"]), "");
    assert_eq!(denied.status.code(), Some(3));
    assert!(!home.workspace().join("target").exists());
}

#[test]
fn node_says_success_where_there_was_no_test_and_is_not_believed() {
    let home = Home::new();
    write(&home, "none/notes.txt", "nothing");
    let arguments = ["node-test", "--allow-run=node:junit", "-i", "cwd=none"];
    let (code, outcome) = check(&home, "node", &arguments).unwrap();
    assert_eq!(code, 1, "{outcome}");
    assert_eq!(outcome["outputs"]["details"]["exit"]["code"], 0);
    assert_eq!(outcome["outputs"]["details"]["verdict"], "no-tests");
}
