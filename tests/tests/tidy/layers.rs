//! The arrows between crates: one way, and siblings never see each other.
//!
//! Never: a new crate without a decision about what it may see.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::repository::{Findings, output_of, rust_files};

/// What each crate may depend on. A crate that is not here has no place yet.
const LAYERS: &[(&str, &[&str])] = &[
    ("remit-core", &[]),
    ("remit-engine", &["remit-core"]),
    ("remit-authoring", &["remit-core"]),
    ("remit-component", &["remit-core"]),
    ("remit-ledger", &["remit-core", "remit-engine"]),
    ("remit-network", &["remit-core", "remit-engine"]),
    ("remit-sandbox", &["remit-core", "remit-engine"]),
    ("remit-scripted", &["remit-core", "remit-engine"]),
    ("remit-telemetry", &["remit-core", "remit-engine"]),
    ("remit-workspace", &["remit-core", "remit-engine"]),
    // The supervisor is the far end of process's own protocol, for a target of its own.
    ("remit-supervisor", &[]),
    (
        "remit-process",
        &[
            "remit-core",
            "remit-engine",
            "remit-supervisor",
            "remit-crossbuild",
        ],
    ),
    // Carried by the program, and run as a tool; knows nothing of what it attacks.
    ("remit-attacker", &[]),
    // Carried by the program, and run in place of a tool; knows nothing of the host.
    ("remit-replayer", &[]),
    // What build scripts need to build for another target, and what they build.
    ("remit-crossbuild", &[]),
    ("remit-builtin", &["remit-crossbuild"]),
    (
        "remit",
        &[
            "remit-attacker",
            "remit-authoring",
            "remit-builtin",
            "remit-component",
            "remit-core",
            "remit-crossbuild",
            "remit-engine",
            "remit-ledger",
            "remit-network",
            "remit-process",
            "remit-replayer",
            "remit-sandbox",
            "remit-scripted",
            "remit-telemetry",
            "remit-workspace",
        ],
    ),
    // A program of the tests, and of people who try an agent; knows nothing of the host.
    ("remit-model-server", &[]),
    (
        "remit-tests",
        &[
            "remit-builtin",
            "remit-component",
            "remit-core",
            "remit-engine",
            "remit-ledger",
            "remit-process",
            "remit-sandbox",
            "remit-workspace",
        ],
    ),
];

/// What the tests of any crate may see besides: guest programs, which are data, and a model that
/// says what a script says.
const FOR_TESTS: &[&str] = &["remit-builtin", "remit-model-server"];

/// What must not be reachable from a crate, and why.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    (
        "remit-core",
        &[
            "async-trait",
            "cap-std",
            "hyper",
            "libc",
            "opentelemetry-proto",
            "rusqlite",
            "rustix",
            "tokio",
            "ureq",
            "wasmparser",
            "wasmtime",
            "wasmtime-wasi",
        ],
        "core decides and does nothing else: no I/O, no async, no wasm",
    ),
    (
        "remit-engine",
        &[
            "cap-std",
            "hyper",
            "opentelemetry-proto",
            "rusqlite",
            "rustls",
            "ureq",
            "wasmtime",
            "wasmtime-wasi",
        ],
        "engine reaches the world through its seams only",
    ),
    (
        "remit-telemetry",
        &[
            "native-tls",
            "openssl",
            "reqwest",
            "rusqlite",
            "tonic",
            "wasmtime",
        ],
        "one POST on one thread: no second HTTP stack, no gRPC",
    ),
    (
        "remit-component",
        &["tokio", "wasmtime"],
        "looking into a file runs nothing",
    ),
    (
        "remit-authoring",
        &["tokio", "wasmtime", "remit-engine"],
        "making and building a project runs no plugin",
    ),
    (
        "remit-supervisor",
        &["tokio", "wasmtime", "rusqlite", "remit-core"],
        "the supervisor stays small and starts quickly",
    ),
    (
        "remit-attacker",
        &[
            "tokio",
            "wasmtime",
            "remit-core",
            "remit-process",
            "remit-supervisor",
        ],
        "the attacker shares nothing with what it attacks",
    ),
    (
        "remit-replayer",
        &["tokio", "wasmtime", "remit-core", "remit-process"],
        "a stand-in for a tool is as small as a tool can be",
    ),
];

/// A dependency on another member of the workspace.
struct Edge {
    to: String,
    /// Whether only the crate's tests need it.
    only_tests: bool,
}

/// Dependencies of every member of the workspace on other members, of any kind.
fn edges() -> BTreeMap<String, Vec<Edge>> {
    let text = output_of(
        "cargo",
        &[
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ],
    );
    let metadata: Value = serde_json::from_str(&text).expect("cargo metadata prints JSON");
    let packages = metadata["packages"].as_array().expect("packages is a list");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().into_iter().flatten();
            let own = dependencies
                .filter(|dependency| !dependency["path"].is_null())
                .filter_map(|dependency| {
                    Some(Edge {
                        to: dependency["name"].as_str()?.to_owned(),
                        only_tests: dependency["kind"] == "dev",
                    })
                })
                .collect();
            (package["name"].as_str().unwrap_or_default().to_owned(), own)
        })
        .collect()
}

#[test]
fn crates_depend_only_downwards() {
    let mut findings = Findings::default();
    for (name, dependencies) in edges() {
        let Some((_, allowed)) = LAYERS.iter().find(|(known, _)| *known == name) else {
            findings.add(
                "Cargo.toml",
                1,
                &format!("crate `{name}` has no layer"),
                "add it to LAYERS in tests/tests/tidy/layers.rs, with what it may see",
            );
            continue;
        };
        for Edge { to, only_tests } in dependencies {
            let for_tests = only_tests && FOR_TESTS.contains(&to.as_str());
            if to != name && !for_tests && !allowed.contains(&to.as_str()) {
                findings.add(
                    &format!("{name}/Cargo.toml"),
                    1,
                    &format!("`{name}` depends on `{to}`"),
                    "let `engine` own a seam, implement it in one crate and wire it in `app`",
                );
            }
        }
    }
    findings.assert_none();
}

#[test]
fn the_table_of_layers_has_no_way_up() {
    for (name, allowed) in LAYERS {
        for dependency in *allowed {
            let their = LAYERS.iter().find(|(known, _)| known == dependency);
            let (_, theirs) = their.unwrap_or_else(|| panic!("`{dependency}` has no layer"));
            assert!(
                !theirs.contains(name),
                "`{name}` and `{dependency}` see each other"
            );
        }
    }
}

#[test]
fn heavy_dependencies_stay_at_home() {
    let members = edges();
    let mut findings = Findings::default();
    for (name, forbidden, why) in FORBIDDEN {
        if !members.contains_key(*name) {
            continue;
        }
        let tree = output_of(
            "cargo",
            &[
                "tree",
                "--offline",
                "-p",
                name,
                "-e",
                "normal,build",
                "--prefix",
                "none",
                "--format",
                "{p}",
            ],
        );
        for line in tree.lines() {
            let dependency = line.split(' ').next().unwrap_or_default();
            if forbidden.contains(&dependency) {
                findings.add(
                    &format!("{name}/Cargo.toml"),
                    1,
                    &format!("`{name}` reaches `{dependency}`"),
                    &format!("{why}; `cargo tree -p {name} -i {dependency}` shows the way"),
                );
            }
        }
    }
    findings.assert_none();
}

#[test]
fn core_knows_no_clock_no_file_and_no_process() {
    let words = [
        "std::fs",
        "std::process",
        "std::thread",
        "std::net::Tcp",
        "std::net::Udp",
        "std::time::Instant",
        "std::time::SystemTime",
        "std::env",
    ];
    let mut findings = Findings::default();
    for file in rust_files() {
        if !file.path.starts_with("host/core/src/") || file.ends_with("tests.rs") {
            continue;
        }
        let tests = file.text.find("#[cfg(test)]").unwrap_or(file.text.len());
        let mut read = 0;
        for (number, line) in file.lines() {
            read += line.len() + 1;
            let comment = line.trim_start().starts_with("//");
            if read > tests || comment {
                continue;
            }
            for word in words.iter().filter(|word| line.contains(**word)) {
                findings.add(
                    &file.path,
                    number,
                    &format!("core uses `{word}`"),
                    "take the value as an argument, or move this to the crate whose work it is",
                );
            }
        }
    }
    findings.assert_none();
}
