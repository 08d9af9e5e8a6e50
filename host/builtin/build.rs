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

/// Package names in `plugins/`.
const BUILT_IN: &[&str] = &["module-creation", "command"];
/// Guest programs of the tests.
const TESTING: &[&str] = &["boaster", "noop", "probe", "steps"];

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("no manifest directory")?);
    let root = here.join("../..");
    let plugins = root.join("plugins");
    for watched in ["sdk", "patterns", "adapters", "Cargo.toml", "Cargo.lock"] {
        println!("cargo:rerun-if-changed={}", plugins.join(watched).display());
    }
    println!("cargo:rerun-if-changed={}", root.join("wit").display());
    println!("cargo:rerun-if-changed=build.rs");
    let mut packages = BUILT_IN.to_vec();
    if env::var_os("CARGO_FEATURE_TESTING").is_some() {
        println!(
            "cargo:rerun-if-changed={}",
            plugins.join("testing").display()
        );
        packages.extend(TESTING);
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let built = CrossBuild {
        manifest: &plugins.join("Cargo.toml"),
        packages: &packages,
        what: &["--lib"],
        target: "wasm32-wasip2",
        profile: "release",
        target_dir: &shared_target_dir()?,
    }
    .run()?;
    for package in packages {
        copy(&built, &out, package)?;
    }
    Ok(())
}

fn copy(built: &Path, out: &Path, package: &str) -> Result<(), Box<dyn Error>> {
    let name = package.replace('-', "_");
    let from = built.join(format!("{name}.wasm"));
    let to = out.join(format!("{package}.wasm"));
    fs::copy(&from, &to).map_err(|error| format!("{}: {error}", from.display()))?;
    Ok(())
}
