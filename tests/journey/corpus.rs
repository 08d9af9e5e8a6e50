//! Instance files that nobody here wrote, as inputs: used as they are, or refused with every problem
//! named.
//!
//! They are looked for beside the repository, in `../shared/corpus`; where that is absent, small
//! files of the same shapes are used, and the test says so. Never: a file that ends the program
//! with anything but an answer.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::home::{Home, wait};

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
