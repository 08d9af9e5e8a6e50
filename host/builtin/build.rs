//! Builds the plugins of `plugins/` as components, so that `cargo run` needs no second step.
//!
//! Never: a component that comes from anywhere but the sources in this repository.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script copies what it built"
)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use remit_crossbuild::{CrossBuild, shared_target_dir};

/// Folders of `plugins/` whose packages become part of the program. A package has the name of its
/// folder.
const BUILT_IN: &[&str] = &["patterns", "adapters"];
/// The folder with the guest programs of the tests.
const TESTING: &[&str] = &["testing"];

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("no manifest directory")?);
    let root = here.join("../..");
    let plugins = root.join("plugins");
    // Not all of `plugins`: the target directory that its own cargo makes would be part of it.
    for entry in fs::read_dir(&plugins)? {
        let entry = entry?;
        if entry.file_name() != "target" && entry.file_name() != "testing" {
            println!("cargo:rerun-if-changed={}", entry.path().display());
        }
    }
    println!("cargo:rerun-if-changed={}", root.join("wit").display());
    println!("cargo:rerun-if-changed=build.rs");
    let built_in = packages(&plugins, BUILT_IN)?;
    let mut testing = Vec::new();
    if env::var_os("CARGO_FEATURE_TESTING").is_some() {
        println!(
            "cargo:rerun-if-changed={}",
            plugins.join("testing").display()
        );
        testing = packages(&plugins, TESTING)?;
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let all: Vec<&str> = built_in
        .iter()
        .chain(&testing)
        .map(String::as_str)
        .collect();
    let built = CrossBuild {
        manifest: &plugins.join("Cargo.toml"),
        packages: &all,
        what: &["--lib"],
        target: "wasm32-wasip2",
        profile: "release",
        target_dir: &shared_target_dir()?,
    }
    .run()?;
    for package in all {
        copy(&built, &out, package)?;
    }
    fs::write(out.join("built_in.rs"), list(&built_in))?;
    fs::write(out.join("testing.rs"), list(&testing))?;
    Ok(())
}

/// The packages in these folders, sorted by name.
fn packages(plugins: &Path, folders: &[&str]) -> Result<Vec<String>, Box<dyn Error>> {
    let mut found = Vec::new();
    for folder in folders {
        let folder = plugins.join(folder);
        let entries =
            fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            if entry.path().join("Cargo.toml").is_file() {
                let name = entry.file_name();
                found.push(
                    name.to_str()
                        .ok_or("a folder's name is not UTF-8")?
                        .to_owned(),
                );
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The components as an expression: what `src/lib.rs` includes.
fn list(packages: &[String]) -> String {
    let each: Vec<String> = packages
        .iter()
        .map(|package| format!("component!({package:?})"))
        .collect();
    format!("&[{}]", each.join(", "))
}

fn copy(built: &Path, out: &Path, package: &str) -> Result<(), Box<dyn Error>> {
    let name = package.replace('-', "_");
    let from = built.join(format!("{name}.wasm"));
    let to = out.join(format!("{package}.wasm"));
    fs::copy(&from, &to).map_err(|error| format!("{}: {error}", from.display()))?;
    Ok(())
}
