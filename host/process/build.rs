//! Builds the supervisor as a static binary and tells the crate where it is.
//!
//! The supervisor is embedded in the host: one file to install, and no way to start the host with
//! a supervisor of another build. It is static because a dynamic one costs 0.3 ms more per start.
//!
//! Never: a build that inherits the flags of this one. A sanitizer, a coverage tool or a linter
//! wraps the compiler for the host; the supervisor must come out the same.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script starts the build of another program"
)]

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package and its binary.
const SUPERVISOR: &str = "remit-supervisor";

/// The profile in the root manifest.
const PROFILE: &str = "supervisor";

/// Variables that carry the outer build's choices into the inner one.
const OUTER: [&str; 11] = [
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MAKEFLAGS",
    "CARGO_TARGET_DIR",
    "CARGO_UNSTABLE_SPARSE_REGISTRY",
    "CLIPPY_ARGS",
    "LLVM_PROFILE_FILE",
    "MAKEFLAGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
];

/// The same, by the beginnings of their names.
const OUTER_PREFIXES: [&str; 5] = [
    "CARGO_BUILD_",
    "CARGO_CFG_",
    "CARGO_FEATURE_",
    "CARGO_LLVM_COV",
    "CARGO_PROFILE_",
];

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = here.join("../..").canonicalize()?;
    for watched in [
        "host/supervisor/src",
        "host/supervisor/Cargo.toml",
        "Cargo.lock",
    ] {
        println!("cargo:rerun-if-changed={}", root.join(watched).display());
    }
    let target = format!("{}-unknown-linux-musl", env::var("CARGO_CFG_TARGET_ARCH")?);
    let out = PathBuf::from(env::var("OUT_DIR")?).join("supervisor");
    build(&root, &target, &out)?;
    let binary = out.join(&target).join(PROFILE).join(SUPERVISOR);
    if !binary.is_file() {
        return Err(format!("the build left no {}", binary.display()).into());
    }
    println!("cargo:rustc-env=REMIT_SUPERVISOR={}", binary.display());
    Ok(())
}

/// Builds it, adding the target to the toolchain if it is missing.
fn build(root: &Path, target: &str, out: &Path) -> Result<(), Box<dyn Error>> {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    clean(&mut rustc);
    let output = rustc
        .args(["--print", "target-libdir", "--target", target])
        .output()?;
    let library = PathBuf::from(String::from_utf8(output.stdout)?.trim());
    if !library.is_dir() {
        let added = Command::new("rustup")
            .args(["target", "add", target])
            .current_dir(root)
            .status();
        if !added.is_ok_and(|status| status.success()) {
            return Err(format!(
                "the supervisor is built for {target}, and this toolchain has no standard library \
                 for it; run `rustup target add {target}`, or install it the way that your \
                 distribution offers"
            )
            .into());
        }
    }
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    clean(&mut cargo);
    let status = cargo
        .current_dir(root)
        .args(["build", "--locked", "--quiet", "--profile", PROFILE])
        .args(["--package", SUPERVISOR, "--bin", SUPERVISOR])
        .args(["--target", target, "--target-dir"])
        .arg(out)
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("building {SUPERVISOR} for {target} failed; its errors are above").into())
    }
}

/// Removes what the outer build left in the environment.
fn clean(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        let outer =
            OUTER.contains(&text) || OUTER_PREFIXES.iter().any(|prefix| text.starts_with(prefix));
        if outer {
            command.env_remove(name);
        }
    }
}
