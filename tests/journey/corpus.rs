//! Instance files that nobody here wrote, as inputs: used as they are, or refused with every problem
//! named.
//!
//! They are looked for beside the repository, in `../shared/corpus`; where that is absent, small
//! files of the same shapes are used, and the test says so. Never: a file that ends the program
//! with anything but an answer.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::home::{Home, finish, wait};

/// The corpus, or our own small copies of its shapes.
fn corpus() -> (PathBuf, PathBuf) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = here.join("../../../shared/corpus");
    if shared.is_dir() {
        return (shared.join("pattern"), shared);
    }
    eprintln!(
        "{} is not there: own small copies are used",
        shared.display()
    );
    let own = here.join("../../tests/journey/corpus");
    (own.clone(), own)
}

fn validate(home: &Home, file: &Path, more: &[&str]) -> (i32, Value) {
    let file = file.to_str().unwrap();
    let mut arguments = vec![
        "validate",
        "module-creation",
        "--json",
        "--input-file",
        file,
    ];
    arguments.extend(more);
    let mut command = home.remit(&arguments);
    command.stdout(std::process::Stdio::piped());
    let output = wait(command.spawn().unwrap());
    let code = output.status.code().unwrap();
    (
        code,
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
    )
}

#[test]
fn instances_of_the_origin_are_refused_with_every_problem_and_taken_once_mended() {
    let home = Home::new();
    let (patterns, _) = corpus();
    for (name, wrong) in [
        (
            "module_creation_001.instance_minimal.json",
            &["/language", "/module_type"][..],
        ),
        (
            "module_creation_001.instance_test.json",
            &["/language", "/license", "/module_type"],
        ),
    ] {
        let file = patterns.join(name);
        let (code, answer) = validate(&home, &file, &[]);
        assert_eq!(code, 2, "{name}: {answer}");
        let mut paths: Vec<&str> = answer["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|problem| problem["path"].as_str().unwrap())
            .collect();
        paths.sort_unstable();
        assert_eq!(paths, wrong, "{name}");
        let mended = [
            "-i",
            "language=python",
            "-i",
            "module_type=library",
            "-i",
            "license=MIT",
        ];
        let (code, answer) = validate(&home, &file, &mended);
        assert_eq!(code, 0, "{name}: {answer}");
    }
}

/// Runs a pattern on an instance that lies in the workspace; returns exit code and outcome.
fn run(plugin: &str, instance: &Path, more: &[&str]) -> (i32, Value) {
    let home = Home::new();
    let name = instance.file_name().unwrap().to_str().unwrap();
    std::fs::copy(instance, home.workspace().join(name)).unwrap();
    let path = format!("instance_path={name}");
    let mut arguments = vec!["run", plugin, "--json", "-i", &path];
    arguments.extend(["--allow-read", "--allow-write", "--allow-run=python3"]);
    arguments.extend(more);
    let output = finish(home.remit(&arguments), "");
    let text = String::from_utf8_lossy(&output.stdout);
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    (output.status.code().unwrap(), last["outcome"].clone())
}

#[test]
fn instances_of_the_origin_are_understood_leniently_and_refused_strictly() {
    let (patterns, _) = corpus();
    for (plugin, instance, deviations) in [
        ("module-creation", "module_creation_001.instance_minimal", 2),
        ("module-creation", "module_creation_001.instance_test", 3),
        ("config-setup", "config_setup_001.instance_minimal", 1),
        ("config-setup", "config_setup_001.instance_test", 2),
    ] {
        let file = patterns.join(format!("{instance}.json"));
        // YAML is not read where PyYAML is missing.
        let quick: &[&str] = match plugin {
            "config-setup" => &["-i", "verify=false"],
            _ => &[],
        };
        let (code, outcome) = run(plugin, &file, quick);
        assert_eq!(code, 0, "{instance}: {outcome}");
        let notes = outcome["outputs"]["notes"].as_array().unwrap();
        let adapted = notes.iter().filter(|note| {
            let note = note.as_str().unwrap();
            note.contains("is a placeholder, not one of")
        });
        assert_eq!(adapted.count(), deviations, "{instance}: {notes:?}");
        let (code, outcome) = run(plugin, &file, &["-i", "import=strict"]);
        assert_eq!(code, 2, "{instance}: {outcome}");
        let problems = outcome["problems"].as_array().unwrap();
        assert_eq!(problems.len(), deviations, "{instance}: {outcome}");
    }
}

#[test]
fn an_instance_that_names_a_file_that_is_not_there_is_completed_by_what_is_said_beside_it() {
    let (patterns, _) = corpus();
    let plugin = "module-creation-convergence";
    for name in ["minimal", "test"] {
        let file = patterns.join(format!("module_creation_convergence.instance_{name}.json"));
        let (code, outcome) = run(plugin, &file, &[]);
        assert_eq!(code, 2, "{outcome}");
        assert_eq!(outcome["problems"][0]["path"], "/instance_path");
        let (code, outcome) = run(plugin, &file, &["-i", "module_name=demo"]);
        assert_eq!(code, 0, "{outcome}");
        let created = outcome["outputs"]["files_created"].as_array().unwrap();
        assert_eq!(created.len(), 2, "{outcome}");
    }
}

fn json_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            json_files(&path, found);
        } else if path
            .extension()
            .is_some_and(|end| end == "json" || end == "jsonl")
        {
            found.push(path);
        }
    }
}

#[test]
fn whatever_json_is_given_there_is_an_answer() {
    let home = Home::new();
    let mut files = Vec::new();
    json_files(&corpus().1, &mut files);
    assert!(!files.is_empty());
    for file in files {
        let (code, answer) = validate(&home, &file, &[]);
        assert_eq!(code, 2, "{}: {answer}", file.display());
    }
}

/// The outcome of a plugin that reads a folder of the corpus.
fn read_only(plugin: &str, files: &[(&str, &str)], inputs: &[&str]) -> Option<Value> {
    let home = Home::new();
    for (name, place) in files {
        let from = corpus().0.join(name);
        if !from.is_file() {
            eprintln!("{} is not there: NOT TESTED with it", from.display());
            return None;
        }
        let to = home.workspace().join(place);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
    }
    let mut arguments = vec!["run", plugin, "--allow-read", "--json"];
    arguments.extend(inputs);
    let mut command = home.remit(&arguments);
    command.stdout(std::process::Stdio::piped());
    let output = wait(command.spawn().unwrap());
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    Some(last["outcome"]["outputs"].clone())
}

#[test]
fn the_registry_lists_190_patterns_and_claims_181() {
    let files = [
        ("PATTERN_INDEX.yaml", "patterns/registry/PATTERN_INDEX.yaml"),
        (
            "IMPLEMENTATION_STATUS.md",
            "patterns/IMPLEMENTATION_STATUS.md",
        ),
    ];
    let inputs = ["-i", "root=patterns/registry"];
    let Some(status) = read_only("implementation-status", &files, &inputs) else {
        return;
    };
    assert_eq!(status["registry"]["listed"], 190);
    assert_eq!(status["registry"]["claimed"], 181);
    assert_eq!(status["parts"]["spec"]["listed"], 183);
    assert_eq!(status["parts"]["executor"]["listed"], 169);
    // There is no tree here to look into.
    assert_eq!(status["parts"]["spec"]["missing"], Value::Null);
    let bad = status["bad_ids"].as_array().unwrap();
    assert!(
        bad.iter()
            .any(|bad| bad["id"] == "PAT-IMPLEMENTATION_STATUS-007")
    );
    assert_eq!(status["phases"][0]["claimed_percent"], 100);
    assert_eq!(status["phases"][3]["phase"], "total");
    assert_eq!(status["phases"][3]["claimed_percent"], 29);
}

#[test]
fn the_automation_of_the_origin_is_switched_on() {
    let files = [("detection_config.yaml", "detection_config.yaml")];
    let Some(status) = read_only("automation-enabled-status", &files, &[]) else {
        return;
    };
    assert_eq!(status["automation_enabled"]["answer"], "yes");
    assert_eq!(status["switches"][2]["value"], 3);
    assert_eq!(status["switches"][3]["value"], 0.75);
    assert_eq!(status["switches"][4]["value"], 30);
}
