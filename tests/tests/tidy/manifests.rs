//! The manifests of crates: versions in one place, and nothing of the machine that built them.
//!
//! Never: a version in two places.

use std::path::Path;

use toml_edit::{Document, Item};

use crate::repository::{File, Findings, files, root};

/// The tables in which a crate names other crates.
const TABLES: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

#[test]
fn versions_stand_in_the_workspace_table_only() {
    let mut findings = Findings::default();
    let files = files();
    let manifests: Vec<&File> = files
        .iter()
        .filter(|file| file.path == "Cargo.toml" || file.ends_with("/Cargo.toml"))
        .collect();
    for manifest in &manifests {
        let document = Document::parse(manifest.text.as_str())
            .unwrap_or_else(|e| panic!("{}: {e}", manifest.path));
        // A project of its own, such as an example that people copy, has no table to refer to.
        let own_workspace = document.get("workspace").is_some();
        let standalone = own_workspace && document.get("package").is_some();
        if standalone || (!own_workspace && !inherits(&document)) {
            continue;
        }
        let name = document
            .get("package")
            .and_then(|package| package.get("name"));
        let name = name.and_then(Item::as_str).unwrap_or_default();
        check(&mut findings, manifest, name, document.as_item());
        if let Some(targets) = document.get("target").and_then(Item::as_table_like) {
            for (_, target) in targets.iter() {
                check(&mut findings, manifest, name, target);
            }
        }
    }
    assert!(
        manifests.len() > 5,
        "found only {} manifests",
        manifests.len()
    );
    findings.assert_none();
}

/// Whether a crate takes anything from a workspace's tables.
fn inherits(document: &Document<&str>) -> bool {
    document
        .get("package")
        .and_then(|package| package.get("version"))
        .is_some_and(|version| version.get("workspace").is_some())
}

fn check(findings: &mut Findings, manifest: &File, package: &str, parent: &Item) {
    for table in TABLES {
        let Some(dependencies) = parent.get(table).and_then(Item::as_table_like) else {
            continue;
        };
        for (name, dependency) in dependencies.iter() {
            let inherited = dependency.get("workspace").and_then(Item::as_bool);
            // A crate that tests itself with a feature on names itself by its path.
            if inherited == Some(true) || name == package {
                continue;
            }
            let at = dependency.span().map_or(0, |span| span.start);
            let line = manifest
                .text
                .get(..at)
                .unwrap_or_default()
                .lines()
                .count()
                .max(1);
            findings.add(
                &manifest.path,
                line,
                &format!("`{name}` has a version or path of its own"),
                "put it into [workspace.dependencies] and write `workspace = true` here",
            );
        }
    }
}

#[test]
fn no_file_names_the_machine_that_built_it() {
    // What is wrong everywhere, and what is wrong on this machine.
    let mut words: Vec<String> = vec![["/ro", "ot/."].concat(), ["/ho", "me/runner"].concat()];
    words.push(format!("{}/", root().display()));
    for name in ["HOME", "CARGO_HOME", "CARGO_TARGET_DIR"] {
        let Ok(value) = std::env::var(name) else {
            continue;
        };
        if Path::new(&value).is_absolute() && value.len() > 1 {
            words.push(format!("{}/", value.trim_end_matches('/')));
        }
    }
    let mut findings = Findings::default();
    for file in files() {
        for (number, line) in file.lines() {
            if let Some(word) = words.iter().find(|word| line.contains(word.as_str())) {
                findings.add(
                    &file.path,
                    number,
                    &format!("`{word}` is a path of one machine"),
                    "use a path relative to the repository, or a made-up one such as /home/you",
                );
            }
        }
    }
    findings.assert_none();
}
