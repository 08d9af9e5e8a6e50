//! The same plugin in Rust, JavaScript, Python and C does the same: the same inputs give the same
//! events, the same outcome, the same files and the same exit code.
//!
//! Never: a comparison of less than everything but times, digests and names.

use serde_json::Value;

use crate::place::Place;
use crate::toolchains;

/// Keys of events that are about one run, or that time decides.
const OF_ONE_RUN: &[&str] = &[
    "time",
    "run",
    "seq",
    "component",
    "manifest",
    "wall-ms",
    "usage",
];

/// One run.
struct Case {
    name: &'static str,
    /// Whether the workspace is a repository of git.
    repository: bool,
    /// Files that are there before.
    files: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
    /// How it ends.
    code: i32,
    /// What its events hold somewhere, so that it is the case that it is meant to be.
    says: &'static [&'static str],
    /// The file that is read afterwards.
    file: &'static str,
}

const WRITE: &[&str] = &[
    "--allow-read",
    "--allow-write",
    "--allow-run=git:ls-files",
    "-i",
    "name=Ada",
];

const CASES: &[Case] = &[
    Case {
        name: "everything is granted",
        repository: true,
        files: &[("one.txt", "1"), ("two words.txt", "2")],
        arguments: WRITE,
        code: 0,
        says: &[
            "Ada is greeted, among 2 files",
            "\"value\":100",
            "\"type\":\"produced\"",
        ],
        file: "HELLO.md",
    },
    Case {
        name: "text that is not ASCII",
        repository: true,
        files: &[("größe 世界.txt", "")],
        arguments: &[
            "--allow-read",
            "--allow-write",
            "--allow-run=git:ls-files",
            "-i",
            "name=Zoë \"𝄞\" 世界 \\ </b>",
            "-i",
            "file=grüße.md",
        ],
        code: 0,
        says: &["Zoë \\\"𝄞\\\" 世界 \\\\ </b> is greeted, among 1 files"],
        file: "grüße.md",
    },
    Case {
        name: "inputs that do not fit the schema",
        repository: false,
        files: &[],
        arguments: &[
            "--allow-read",
            "--allow-write",
            "-i",
            "name=",
            "-i",
            "nmae=x",
            "-i",
            "file=",
        ],
        code: 2,
        says: &["/name", "/file", "nmae"],
        file: "HELLO.md",
    },
    Case {
        name: "inputs of other types",
        repository: false,
        files: &[("inputs.json", r#"{"file": [1], "name": {"a": 1}}"#)],
        arguments: &[
            "--allow-read",
            "--allow-write",
            "--input-file",
            "workspace/inputs.json",
        ],
        code: 2,
        says: &["/file", "/name"],
        file: "HELLO.md",
    },
    Case {
        name: "inputs that only the plugin can judge, with every problem",
        repository: false,
        files: &[],
        arguments: &[
            "--allow-read",
            "--allow-write",
            "-i",
            "name=a\tb",
            "-i",
            "file=x.txt",
        ],
        code: 2,
        says: &["control-character", "not-markdown"],
        file: "x.txt",
    },
    Case {
        name: "git is not granted",
        repository: true,
        files: &[],
        arguments: &["--allow-read", "--allow-write", "-i", "name=Ada"],
        code: 0,
        says: &[
            "git:ls-files",
            "git cannot be asked",
            "\"files_in_git\":null",
        ],
        file: "HELLO.md",
    },
    Case {
        name: "git fails",
        repository: false,
        files: &[],
        arguments: WRITE,
        code: 0,
        says: &["git exited with code 128", "not a git repository"],
        file: "HELLO.md",
    },
    Case {
        name: "the greeting is there already",
        repository: false,
        files: &[("HELLO.md", "# Hello, Ada!\n")],
        arguments: WRITE,
        code: 0,
        says: &["Ada is greeted"],
        file: "HELLO.md",
    },
    Case {
        name: "the file holds something else",
        repository: false,
        files: &[("HELLO.md", "mine\n")],
        arguments: WRITE,
        code: 1,
        says: &["file-exists", "move it away, or name another file"],
        file: "HELLO.md",
    },
    Case {
        name: "the file must not be written",
        repository: false,
        files: &[],
        arguments: &[
            "--allow-read",
            "--allow-write",
            "--deny-write=*.md",
            "-i",
            "name=Ada",
        ],
        code: 3,
        says: &["deny-write"],
        file: "HELLO.md",
    },
    Case {
        name: "the file is a directory",
        repository: false,
        files: &[("HELLO.md/inside", "")],
        arguments: WRITE,
        code: 1,
        says: &["cannot read HELLO.md"],
        file: "HELLO.md",
    },
];

#[test]
fn the_same_inputs_give_the_same_events_in_every_language() {
    let hellos = toolchains::hellos();
    assert!(hellos.iter().any(|(language, _)| *language == "rust"));
    for case in CASES {
        let mut expected = None;
        for (language, component) in hellos {
            let plugin = component.to_str().unwrap();
            let found = carry_out(case, language, plugin);
            let expected = expected.get_or_insert_with(|| {
                for text in case.says {
                    assert!(found.contains(text), "{}: {text}\n{found}", case.name);
                }
                found.clone()
            });
            assert_eq!(*expected, found, "{}: {language} is not as Rust", case.name);
        }
    }
}

/// Carries out a case twice, the second time on what the first has left, and returns what there is
/// to compare: a line for each event, and the file.
fn carry_out(case: &Case, language: &str, plugin: &str) -> String {
    let place = Place::with_shared_cache();
    for (path, text) in case.files {
        place.write(path, text);
    }
    if case.repository {
        place.git_init();
    }
    let mut found = String::new();
    for _ in 0..2 {
        let mut arguments = vec!["run", plugin, "-C", place.workspace(), "--json"];
        arguments.extend(case.arguments);
        let ran = place.remit(&arguments);
        assert_eq!(ran.code, Some(case.code), "{}: {ran}", case.name);
        // In which pieces a tool's output is seen is a matter of time; all of it is compared.
        let mut output = String::new();
        for line in ran.stdout.lines() {
            let mut event: Value = serde_json::from_str(line).unwrap();
            if event["type"] == "tool-output" {
                output += event["text"].as_str().expect("git writes text");
                continue;
            }
            level(&mut event);
            found += &event.to_string();
            found.push('\n');
        }
        found += &output;
    }
    found += &format!("{:?}\n", place.read(case.file));
    let above = std::path::Path::new(place.workspace()).parent().unwrap();
    found
        .replace(&format!("{language}-hello"), "hello")
        .replace(above.to_str().unwrap(), "PLACE")
}

/// Takes out what is about one run.
fn level(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|key, _| !OF_ONE_RUN.contains(&key.as_str()));
            object.values_mut().for_each(level);
        }
        Value::Array(items) => items.iter_mut().for_each(level),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn a_component_in_every_language_says_what_its_manifest_says() {
    let place = Place::with_shared_cache();
    for (language, component) in toolchains::hellos() {
        let plugin = component.to_str().unwrap();
        let inspected = place.remit(&["inspect", plugin]);
        inspected.ends_with(0);
        for text in [
            "a plugin for this host: a pattern executor".to_owned(),
            format!("{language}-hello 0.1.0 Greet someone in a file"),
            "run git:ls-files (optional)".to_owned(),
        ] {
            assert!(inspected.stdout.contains(&text), "{inspected}");
        }
        let schema = place.remit(&["schema", plugin]);
        schema.ends_with(0);
        let schema: Value = serde_json::from_str(&schema.stdout).unwrap();
        assert!(
            schema.to_string().contains("Who is greeted."),
            "{language}: {schema}"
        );
    }
}
