//! The examples are what they say: every policy is read, the plugin is built and run by the real
//! program, and the commands of `examples/README.md` end as it says.
//!
//! Never: a network connection of its own, a file outside a temporary directory and cargo's target
//! directories.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests start the real program and look at files from outside"
)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may panic"
)]

mod authoring;
mod documented;
mod durable;
mod languages;
mod place;
mod projects;
mod toolchains;

use std::fs;
use std::path::{Path, PathBuf};

use place::Place;

/// Where the examples are.
fn examples() -> PathBuf {
    fs::canonicalize(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples")).unwrap()
}

/// The example plugin in Rust, built once for all tests.
fn rust_hello() -> &'static Path {
    let (_, component) = toolchains::hellos()
        .iter()
        .find(|(language, _)| *language == "rust")
        .expect("Rust builds this repository, too");
    component
}

#[test]
fn every_policy_is_read_and_says_something() {
    let place = Place::new();
    let mut seen = 0;
    for entry in fs::read_dir(examples().join("policies")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(path.extension().unwrap(), "toml", "{}", path.display());
        let file = path.to_str().unwrap();
        let shown = place.remit(&["policy", "show", "--policy", file]);
        shown.ends_with(0);
        assert!(shown.stdout.contains(file), "{shown}");
        place
            .remit(&["tool", "list", "--policy", file])
            .ends_with(0);
        seen += 1;
    }
    assert!(seen >= 3, "only {seen} policies");
}

#[test]
fn the_plugin_says_what_it_asks_for() {
    let place = Place::new();
    let inspected = place.remit(&["inspect", rust_hello().to_str().unwrap()]);
    inspected.ends_with(0);
    for text in [
        "a plugin for this host: a pattern executor",
        "rust-hello 0.1.0 Greet someone in a file",
        "write .",
        "run git:ls-files (optional)",
    ] {
        assert!(inspected.stdout.contains(text), "{inspected}");
    }
}

#[test]
fn the_plugin_gets_what_it_is_granted_and_nothing_else() {
    let place = Place::new();
    let plugin = rust_hello().to_str().unwrap();
    let run = |more: &[&str]| {
        let mut args = vec!["run", plugin, "-C", place.workspace(), "-i", "name=Ada"];
        args.extend(more);
        place.remit(&args)
    };

    let denied = run(&[]);
    denied.ends_with(3);
    assert!(denied.stdout.contains("--allow-write=."), "{denied}");
    assert_eq!(place.read("HELLO.md"), None);

    let forbidden = run(&["--allow-read", "--allow-write", "--deny-write=*.md"]);
    forbidden.ends_with(3);
    assert!(
        forbidden.stdout.contains("leave out --deny-write=*.md"),
        "{forbidden}"
    );
    assert_eq!(place.read("HELLO.md"), None);

    let done = run(&["--allow-read", "--allow-write"]);
    done.ends_with(0);
    assert!(done.stdout.contains("Ada is greeted"), "{done}");
    assert_eq!(place.read("HELLO.md").as_deref(), Some("# Hello, Ada!\n"));

    let again = run(&["--allow-read", "--allow-write"]);
    again.ends_with(0);
    assert!(again.stdout.contains("files changed: none"), "{again}");

    place.write("HELLO.md", "mine\n");
    // With git granted nothing is refused, so the failure is the plugin's own.
    let kept = run(&["--allow-read", "--allow-write", "--allow-run=git:ls-files"]);
    kept.ends_with(1);
    assert!(kept.stdout.contains("file-exists"), "{kept}");
    assert_eq!(place.read("HELLO.md").as_deref(), Some("mine\n"));
}

#[test]
fn the_plugin_uses_git_where_it_may_and_remembers() {
    let place = Place::new();
    place.write("one.txt", "1");
    place.git_init();
    let policy = format!(
        "format = 1\n[plugins.rust-hello]\nfile = \"{}\"\nread = [\".\"]\nwrite = [\".\"]\n\
         run = [\"git:ls-files\"]\n",
        rust_hello().display()
    );
    let policy = place.beside("policy.toml", &policy);
    for greetings in 1..=2 {
        let ran = place.remit(&[
            "run",
            "rust-hello",
            "-C",
            place.workspace(),
            "--policy",
            &policy,
            "-i",
            "name=Ada",
            "--json",
        ]);
        ran.ends_with(0);
        let last: serde_json::Value =
            serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
        let outputs = last.pointer("/outcome/outputs").unwrap();
        // The greeting of the first run is a file of the second.
        assert_eq!(outputs["files_in_git"], greetings, "{ran}");
        assert_eq!(outputs["greetings"], greetings, "{ran}");
    }
}

#[test]
fn wrong_inputs_are_all_named() {
    let place = Place::new();
    let plugin = rust_hello().to_str().unwrap();
    let wrong = place.remit(&["validate", plugin, "-i", "name=", "-i", "nmae=Ada"]);
    wrong.ends_with(2);
    assert!(wrong.stderr.contains("2 problems"), "{wrong}");
    let odd = place.remit(&["validate", plugin, "-i", "name=a\tb"]);
    odd.ends_with(2);
    assert!(odd.stderr.contains("control-character"), "{odd}");
    place
        .remit(&["validate", plugin, "-i", "name=Ada"])
        .ends_with(0);
}

#[test]
fn another_manifest_can_be_packed() {
    let place = Place::new();
    let manifest = place.beside(
        "manifest.toml",
        "format = 1\nid = \"packed\"\nversion = \"2.0.0\"\nwit = \"remit:plugin@0.1.0\"\n\
         title = \"Packed\"\n[[write]]\npath = \"out\"\nreason = \"writes there\"\n",
    );
    let packed = place.beside("packed.wasm", "");
    let plugin = rust_hello().to_str().unwrap();
    place
        .remit(&["plugin", "pack", plugin, "-m", &manifest, "-o", &packed])
        .ends_with(0);
    let inspected = place.remit(&["inspect", &packed]);
    inspected.ends_with(0);
    assert!(inspected.stdout.contains("packed 2.0.0"), "{inspected}");
    assert!(!inspected.stdout.contains("rust-hello"), "{inspected}");
}

/// `demo-repo` asks for something; only trust in exactly its `remit.toml` gives it.
#[test]
fn a_repository_grants_itself_nothing() {
    let place = Place::new();
    place.copy(&examples().join("demo-repo"), "");
    let run = || {
        place.remit(&[
            "run",
            "command",
            "-C",
            place.workspace(),
            "-i",
            "tool=python3",
            "-i",
            "template=unittest",
            "--allow-read",
        ])
    };
    let before = run();
    before.ends_with(3);
    assert!(before.stderr.contains("nobody trusted it"), "{before}");
    place.remit(&["trust", place.workspace()]).ends_with(0);
    let trusted = run();
    trusted.ends_with(0);
    assert!(trusted.stdout.contains("files changed: none"), "{trusted}");
    let text = place.read("remit.toml").unwrap();
    place.write("remit.toml", &format!("{text}write = [\".\"]\n"));
    let changed = run();
    changed.ends_with(3);
    assert!(changed.stderr.contains("it changed since"), "{changed}");
}
