//! The trees that requests lead to.
//!
//! Never: the content of a file compared as a whole; `generated` runs it instead.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{all_requests, check, inputs};
use crate::license::License;
use crate::plan::Plan;
use crate::request::{Language, ModuleType, Request};

fn paths(request: &Request) -> Vec<String> {
    let plan = Plan::of(request).unwrap();
    plan.files.into_iter().map(|file| file.path).collect()
}

#[test]
fn every_request_gives_seven_to_twelve_whole_files() {
    for request in all_requests() {
        let plan = Plan::of(&request).unwrap();
        assert!(
            (7..=12).contains(&plan.files.len()),
            "{request:?}: {}",
            plan.files.len()
        );
        let unique: BTreeSet<_> = plan.files.iter().map(|file| &file.path).collect();
        assert_eq!(unique.len(), plan.files.len(), "{request:?}");
        for file in &plan.files {
            let context = format!("{request:?}: {}", file.path);
            assert!(
                !file.content.contains(['«', '»']),
                "{context}: a mark is left"
            );
            assert!(file.content.ends_with('\n'), "{context}: no end of line");
            assert!(
                !file.content.ends_with("\n\n"),
                "{context}: empty lines at the end"
            );
            assert!(
                !file.content.lines().any(|line| line.ends_with(' ')),
                "{context}"
            );
        }
    }
}

#[test]
fn the_same_request_gives_the_same_plan() {
    for request in all_requests() {
        assert_eq!(Plan::of(&request).unwrap(), Plan::of(&request).unwrap());
    }
}

#[test]
fn the_python_tree() {
    let mut request = check(&inputs(r#""include_cli": true"#)).unwrap();
    assert_eq!(
        paths(&request),
        [
            ".gitignore",
            "LICENSE",
            "README.md",
            "demo_kit/__init__.py",
            "demo_kit/cli.py",
            "demo_kit/core.py",
            "examples/demo_kit_basic.py",
            "requirements-dev.txt",
            "requirements.txt",
            "setup.py",
            "tests/__init__.py",
            "tests/test_demo_kit.py",
        ]
    );
    request.cli = false;
    request.examples = false;
    assert_eq!(paths(&request).len(), 10);
}

#[test]
fn the_script_trees() {
    let mut request = check(&inputs(r#""include_cli": true"#)).unwrap();
    request.language = Language::JavaScript;
    let of_both = [".gitignore", "LICENSE", "README.md"];
    let javascript = [
        "examples/demo_kit_basic.js",
        "package.json",
        "src/cli.js",
        "src/demo_kit.js",
        "src/index.js",
        "tests/demo_kit.test.js",
    ];
    assert_eq!(paths(&request), [&of_both[..], &javascript[..]].concat());
    request.language = Language::TypeScript;
    let typescript = [
        "dist/cli.js",
        "dist/demo_kit.js",
        "examples/demo_kit_basic.js",
        "package.json",
        "src/cli.ts",
        "src/demo_kit.ts",
        "tests/demo_kit.test.js",
        "tsconfig.json",
    ];
    assert_eq!(paths(&request), [&of_both[..], &typescript[..]].concat());
}

#[test]
fn the_tests_are_run_by_the_tool_of_the_language() {
    let mut request = check(&inputs("")).unwrap();
    for (language, run) in [
        (Language::Python, "python3:unittest dir=tests"),
        (
            Language::JavaScript,
            "node:test file=tests/demo_kit.test.js",
        ),
        (
            Language::TypeScript,
            "node:test file=tests/demo_kit.test.js",
        ),
    ] {
        request.language = language;
        assert_eq!(Plan::of(&request).unwrap().tests.describe(), run);
    }
}

#[test]
fn the_license_is_whole_and_named() {
    for (license, beginning, size) in [
        (License::Mit, "MIT License", 1_000),
        (License::Apache2, "Apache License", 11_000),
        (License::Gpl3, "GNU GENERAL PUBLIC LICENSE", 35_000),
        (License::Bsd3, "BSD 3-Clause License", 1_400),
    ] {
        let mut request = check(&inputs("")).unwrap();
        request.license = license;
        let plan = Plan::of(&request).unwrap();
        let content = |path| {
            &plan
                .files
                .iter()
                .find(|file| file.path == path)
                .unwrap()
                .content
        };
        assert!(content("LICENSE").trim_start().starts_with(beginning));
        assert!(
            content("LICENSE").len() > size,
            "{license:?}: {}",
            content("LICENSE").len()
        );
        assert!(content("setup.py").contains(&format!("license=\"{}\"", license.spdx())));
    }
}

#[test]
fn json_files_are_json_and_point_at_files_of_the_plan() {
    for request in all_requests() {
        let plan = Plan::of(&request).unwrap();
        let has = |path: &Value| {
            let path = path.as_str().unwrap().trim_start_matches("./").to_owned();
            plan.files.iter().any(|file| file.path == path)
        };
        for file in plan
            .files
            .iter()
            .filter(|file| file.path.ends_with(".json"))
        {
            let value: Value = serde_json::from_str(&file.content).unwrap();
            if file.path != "package.json" {
                continue;
            }
            assert_eq!(value["version"], "0.1.0");
            assert_eq!(value.get("bin").is_some(), request.cli);
            assert!(value.get("bin").is_none_or(has));
            match request.language {
                Language::TypeScript => {
                    assert!(has(&value["exports"]["."]["types"]));
                    assert!(has(&value["exports"]["."]["default"]));
                }
                Language::JavaScript => assert!(has(&value["exports"])),
                Language::Python => panic!("a Python module has no package.json"),
            }
        }
    }
}

#[test]
fn types_are_where_they_belong() {
    for (_, module_type) in ModuleType::ALL {
        let mut request = check(&inputs("")).unwrap();
        request.module_type = module_type;
        request.language = Language::TypeScript;
        let plan = Plan::of(&request).unwrap();
        let content = |path| {
            &plan
                .files
                .iter()
                .find(|file| file.path == path)
                .unwrap()
                .content
        };
        assert!(
            content("src/demo_kit.ts").contains(": string") || module_type == ModuleType::Library
        );
        assert!(
            !content("src/demo_kit.ts").contains("@param {"),
            "types twice"
        );
        assert!(!content("dist/demo_kit.js").contains("@param {"));
        request.language = Language::JavaScript;
        let plan = Plan::of(&request).unwrap();
        let source = plan
            .files
            .iter()
            .find(|file| file.path == "src/demo_kit.js")
            .unwrap();
        assert!(source.content.contains("@param {"));
    }
}

#[test]
fn the_manifest_and_the_package_agree() {
    let manifest = include_str!("../../remit-plugin.toml");
    for line in [
        format!("id = \"{}\"", env!("CARGO_PKG_NAME")),
        format!("version = \"{}\"", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(manifest.lines().any(|one| one == line), "{line}");
    }
    // What a plan runs is what the manifest asks for.
    for request in all_requests() {
        let tests = Plan::of(&request).unwrap().tests;
        let asks = format!(
            "tool = \"{}\"\ntemplates = [\"{}\"]",
            tests.tool, tests.template
        );
        assert!(manifest.contains(&asks), "{asks}");
    }
}
