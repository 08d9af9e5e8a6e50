//! `remit plugin pack` and `remit plugin docs`: one file with everything, and a page about it.
//!
//! Never: a page that is compared as a whole; it grows with the plugin.

use super::{ends, write};
use crate::home::{Home, repository};

#[test]
fn a_directory_is_packed_with_readme_and_licence_and_says_when_it_was_changed() {
    let home = Home::new();
    let directory = home.workspace();
    std::fs::copy(&home.places()["$BOASTER"], directory.join("boaster.wasm")).unwrap();
    let manifest = repository().join("plugins/testing/boaster/remit-plugin.toml");
    std::fs::copy(manifest, directory.join("remit-plugin.toml")).unwrap();
    write(&directory.join("README.md"), "# Boaster\n");
    write(&directory.join("LICENSE"), "MIT License\n");
    let [packed, again] = ["out/packed.wasm", "out/again.wasm"].map(|name| home.path(name));
    for file in [&packed, &again] {
        let said = ends(
            &home,
            0,
            &["plugin", "pack", ".", "-o", file.to_str().unwrap()],
        );
        assert!(
            said.out.contains("README.md") && said.out.contains("LICENSE"),
            "{said:?}"
        );
    }
    let bytes = std::fs::read(&packed).unwrap();
    assert_eq!(bytes, std::fs::read(&again).unwrap(), "the same twice");
    let report = ends(&home, 0, &["inspect", packed.to_str().unwrap(), "--json"]).json();
    assert_eq!(report["package"]["readme"], "# Boaster\n");
    assert_eq!(report["package"]["licence"], "MIT License\n");
    assert_eq!(report["package"]["seal"], "intact");
    let said = ends(&home, 0, &["inspect", packed.to_str().unwrap()]);
    assert!(
        said.out.contains("everything is as it was packed"),
        "{said:?}"
    );
    // One letter of the README is another.
    let place = bytes
        .windows(9)
        .position(|window| window == b"# Boaster")
        .unwrap();
    let mut changed = bytes.clone();
    changed[place + 2] = b'T';
    std::fs::write(&packed, changed).unwrap();
    let report = ends(&home, 0, &["inspect", packed.to_str().unwrap(), "--json"]).json();
    assert_eq!(report["package"]["seal"], "broken");
    let said = ends(&home, 0, &["inspect", packed.to_str().unwrap()]);
    assert!(said.out.contains("not as it was packed"), "{said:?}");
}

#[test]
fn a_component_alone_needs_its_manifest() {
    let home = Home::new();
    let boaster = home.places()["$BOASTER"].clone();
    let said = ends(&home, 2, &["plugin", "pack", &boaster, "-o", "x.wasm"]);
    assert!(said.err.contains("--manifest"), "{said:?}");
}

#[test]
fn a_page_has_requests_policy_inputs_and_ends() {
    let home = Home::new();
    let page = ends(&home, 0, &["plugin", "docs", "module-creation"]).out;
    let mut rest = page.as_str();
    for part in [
        "# module-creation",
        "pattern executor",
        "## What it asks for",
        "| `write .` |",
        "## The policy that allows it",
        "[plugins.module-creation]",
        "write = [\".\"]",
        "--allow-write=.",
        "## Inputs",
        "| `module_name` | string |",
        "## Outputs",
        "## How it ends",
        "| 3 (denied) |",
        "## What it imports",
        "remit:plugin/process@0.1.0",
    ] {
        let at = rest
            .find(part)
            .unwrap_or_else(|| panic!("{part} is missing in {page}"));
        rest = &rest[at..];
    }
    let page = ends(&home, 0, &["plugin", "docs", "command"]).out;
    assert!(
        page.contains("tool adapter") && page.contains("`claimed-changes`"),
        "{page}"
    );
}

#[test]
fn the_policy_of_a_page_is_one() {
    let home = Home::new();
    let page = ends(&home, 0, &["plugin", "docs", "module-creation"]).out;
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (policy, _) = rest.split_once("```").unwrap();
    let file = home.path("out/policy.toml");
    write(&file, policy);
    let said = ends(
        &home,
        0,
        &[
            "run",
            "module-creation",
            "--policy",
            file.to_str().unwrap(),
            "-i",
            "module_name=greeting",
            "-i",
            "language=python",
            "-i",
            "module_type=library",
            "--json",
        ],
    );
    assert!(said.out.contains("\"succeeded\""), "{said:?}");
}
