//! `remit plugin new` and `remit plugin build`: what a template makes builds and runs at once, and what
//! is wrong is said with its remedy.
//!
//! Never: a project inside of this repository.

use std::fs;
use std::path::Path;

use crate::place::Place;
use crate::toolchains;

#[test]
fn a_new_project_in_every_language_builds_and_runs_at_once() {
    for language in ["rust", "javascript", "python", "c"] {
        let Some(path) = toolchains::path_for(language) else {
            continue;
        };
        let place = Place::new();
        let new = place.remit(&["plugin", "new", "say-hello", "--lang", language]);
        new.ends_with(0);
        assert!(new.stdout.contains("remit plugin build"), "{new}");
        let built = place.remit_on(&path, &["plugin", "build", "say-hello"]);
        built.ends_with(0);
        assert!(built.stdout.contains("a pattern executor"), "{built}");
        let run = |more: &[&str]| {
            let plugin = "say-hello/say-hello.wasm";
            let first = ["run", plugin, "-C", place.workspace(), "-i", "name=Ada"];
            place.remit(&[&first[..], more].concat())
        };
        run(&[]).ends_with(3);
        let ran = run(&["--allow-write"]);
        ran.ends_with(0);
        assert!(ran.stdout.contains("Hello, Ada!"), "{language}: {ran}");
        assert_eq!(
            place.read("hello.txt").as_deref(),
            Some("Hello, Ada!"),
            "{language}"
        );
        let plugin = "say-hello/say-hello.wasm";
        let unknown = place.remit(&["validate", plugin, "-i", "name=a", "-i", "nmae=b"]);
        unknown.ends_with(2);
        assert!(unknown.stderr.contains("nmae"), "{language}: {unknown}");
    }
}

#[test]
fn a_project_is_made_only_where_nothing_is_and_with_a_name_that_fits() {
    let place = Place::new();
    place.write("mine.txt", "mine");
    let to = ["--dir", place.workspace()];
    let refused = place.remit(&[&["plugin", "new", "say-hello", "--lang", "c"], &to[..]].concat());
    refused.ends_with(2);
    assert!(refused.stderr.contains("not empty"), "{refused}");
    assert_eq!(fs::read_dir(place.workspace()).unwrap().count(), 1);
    for name in ["Hello", "../x", "a"] {
        let refused = place.remit(&["plugin", "new", name, "--lang", "c"]);
        refused.ends_with(2);
        assert!(refused.stderr.contains("is not a plugin id"), "{refused}");
    }
    let refused = place.remit(&["plugin", "new", "say-hello", "--lang", "cobol"]);
    refused.ends_with(2);
    assert!(
        refused.stderr.contains("rust, javascript, python or c"),
        "{refused}"
    );
}

#[test]
fn a_missing_toolchain_is_explained() {
    for (language, command) in [
        ("rust", "rustup target add wasm32-wasip2"),
        ("javascript", "npm install --save-dev componentize-qjs"),
        ("python", "pip install componentize-py"),
        ("c", "pip install ziglang"),
    ] {
        let place = Place::new();
        place
            .remit(&["plugin", "new", "say-hello", "--lang", language])
            .ends_with(0);
        let built = place.remit_on("/nothing".as_ref(), &["plugin", "build", "say-hello"]);
        built.ends_with(6);
        assert!(built.stderr.contains(command), "{language}: {built}");
    }
}

#[test]
fn what_is_no_project_or_has_mistakes_is_not_built() {
    let place = Place::new();
    let nothing = place.remit(&["plugin", "build", place.workspace()]);
    nothing.ends_with(2);
    assert!(
        nothing.stderr.contains("there is no remit-plugin.toml"),
        "{nothing}"
    );
    let new = ["plugin", "new", "say-hello", "--lang", "rust"];
    place.remit(&new).ends_with(0);
    let manifest = place.beside(
        "say-hello/remit-plugin.toml",
        "format = 1\nid = \"say-hello\"\n",
    );
    let wrong = place.remit(&["plugin", "build", "say-hello"]);
    wrong.ends_with(2);
    assert!(wrong.stderr.contains(&manifest), "{wrong}");
}

#[test]
fn a_mistake_of_the_author_is_shown_by_the_toolchain() {
    let place = Place::new();
    let new = ["plugin", "new", "say-hello", "--lang", "rust"];
    place.remit(&new).ends_with(0);
    let source = place.beside("say-hello/src/lib.rs", "#[remit::pattern]\nfn work() {}\n");
    assert!(Path::new(&source).is_file());
    let built = place.remit(&["plugin", "build", "say-hello"]);
    built.ends_with(10);
    assert!(built.stderr.contains("takes its inputs"), "{built}");
    assert!(built.stderr.contains("cargo ended with"), "{built}");
}
