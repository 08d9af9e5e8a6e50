//! `remit plugin test`: scenarios of the program's own plugins pass, differences are shown, mistakes
//! have a line.
//!
//! Never: a scenario that is only read.

use serde_json::json;

use super::{built_in, ends, remit, scenarios, write};
use crate::home::{Home, repository};

#[test]
fn the_scenarios_of_every_built_in_plugin_pass() {
    let home = Home::new();
    let mut wrong = String::new();
    let mut count = 0;
    for id in built_in(&home) {
        let files = scenarios(&id);
        if files.is_empty() {
            continue;
        }
        let mut arguments = vec!["plugin", "test", id.as_str()];
        arguments.extend(files.iter().map(|file| file.to_str().unwrap()));
        let said = remit(&home, &arguments);
        count += files.len();
        if said.code != Some(0) {
            wrong.push_str(&format!("{}{}", said.out, said.err));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(count >= 10, "only {count} scenarios");
}

#[test]
fn the_scenario_of_the_documents_is_the_one_of_the_plugin() {
    let read = |path: &str| std::fs::read_to_string(repository().join(path)).unwrap();
    let example = read("examples/scenarios/reports.toml");
    assert_eq!(example, read("plugins/adapters/command/tests/reports.toml"));
}

#[test]
fn the_command_adapter_survives_every_fault_at_every_call() {
    let home = Home::new();
    let file = scenarios("command")
        .into_iter()
        .find(|file| file.ends_with("reports.toml"))
        .unwrap();
    let arguments = [
        "plugin",
        "test",
        "command",
        file.to_str().unwrap(),
        "--faults",
        "--json",
    ];
    let report = ends(&home, 0, &arguments).json();
    assert_eq!(report["failed"], 0);
    assert_eq!(report["passed"], 11, "the scenario, and ten faults");
}

#[test]
fn what_differs_is_shown_with_its_line() {
    let home = Home::new();
    let file = home.path("out/differs.toml");
    let text = r#"format = 1
inputs = { tool = "git", template = "status" }

[[calls]]
tool = "git"
template = "status"
play = [{ stdout = "got this\n" }, { write = "a.txt", text = "one\ntwo\n" }, { exit = 0 }]

[[calls]]
tool = "git"
template = "log"

[expect]
status = "failed"
outputs = { output = "wanted that\n" }
changes = {}
files = { "a.txt" = "one\nthree\n" }
events = [{ type = "step", name = "never taken" }]
"#;
    write(&file, text);
    let said = ends(
        &home,
        1,
        &["plugin", "test", "command", file.to_str().unwrap()],
    );
    let mut rest = said.out.as_str();
    for part in [
        "FAIL",
        "differs",
        "status",
        "line 13",
        "wanted  failed",
        "got     succeeded",
        "git:log",
        "no such call",
        "outputs/output",
        "\"wanted that\\n\"",
        "\"got this\\n\"",
        "changes",
        "nothing changed",
        "a.txt created",
        "events",
        "never taken",
        "files.a.txt",
        "-three",
        "+two",
        "0 passed, 1 failed",
    ] {
        let at = rest
            .find(part)
            .unwrap_or_else(|| panic!("{part} is missing in {rest}"));
        rest = &rest[at..];
    }
    let arguments = [
        "plugin",
        "test",
        "command",
        file.to_str().unwrap(),
        "--json",
    ];
    let report = ends(&home, 1, &arguments).json();
    assert_eq!(report["scenarios"][0]["passed"], false);
    let difference = &report["scenarios"][0]["differences"][0];
    assert_eq!(
        (&difference["what"], &difference["line"]),
        (&json!("status"), &json!(13))
    );
}

#[test]
fn a_call_that_nobody_expects_fails_the_scenario_whatever_it_expects() {
    let home = Home::new();
    let file = home.path("out/unexpected.toml");
    let text = "format = 1\ninputs = { tool = \"git\", template = \"status\" }\n\
                [grant]\nrun = [\"git\"]\n[expect]\nstatus = \"failed\"\n";
    write(&file, text);
    let said = ends(
        &home,
        1,
        &["plugin", "test", "command", file.to_str().unwrap()],
    );
    assert!(
        said.out.contains("call 1 (git:status) is not expected"),
        "{said:?}"
    );
}

#[test]
fn mistakes_in_all_scenarios_are_shown_at_once() {
    let home = Home::new();
    let [one, two] = ["out/one.toml", "out/two.toml"].map(|name| home.path(name));
    write(&one, "format = 1\ncolour = \"red\"\n");
    write(&two, "format = 2\n");
    let arguments = [
        "plugin",
        "test",
        "command",
        one.to_str().unwrap(),
        two.to_str().unwrap(),
    ];
    let said = ends(&home, 2, &arguments);
    for part in ["colour", "format 2 is not one"] {
        assert!(said.err.contains(part), "{part}: {said:?}");
    }
}

#[test]
fn nothing_to_test_is_a_mistake() {
    let home = Home::new();
    let said = ends(&home, 2, &["plugin", "test", "command"]);
    assert!(said.err.contains("has no scenarios"), "{said:?}");
    let said = ends(&home, 2, &["plugin", "test", "."]);
    assert!(said.err.contains("has no remit-plugin.toml"), "{said:?}");
    let said = ends(&home, 2, &["plugin", "test", "no-such-plugin"]);
    assert!(said.err.contains("there is no plugin"), "{said:?}");
}

#[test]
fn the_directory_of_a_plugin_is_enough() {
    let home = Home::new();
    let directory = home.workspace();
    let guest = std::fs::read(&home.places()["$BOASTER"]).unwrap();
    std::fs::create_dir_all(directory.join("dist")).unwrap();
    std::fs::write(directory.join("dist/boaster.wasm"), guest).unwrap();
    let manifest = repository().join("plugins/testing/boaster/remit-plugin.toml");
    std::fs::copy(manifest, directory.join("remit-plugin.toml")).unwrap();
    let text = "format = 1\n[inputs]\nwrite = { \"a.txt\" = \"x\" }\nclaims = [\"b.txt\"]\n\
                [expect]\nclaims-differ = true\nfiles = { \"a.txt\" = \"x\" }\n";
    write(&directory.join("tests/claims.toml"), text);
    let said = ends(&home, 0, &["plugin", "test"]);
    assert!(said.out.contains("1 passed, 0 failed"), "{said:?}");
    // Of the workspace of whoever tests, nothing was touched.
    assert!(!directory.join("a.txt").exists());
}
