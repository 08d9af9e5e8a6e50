//! Builds the supervisor as a static binary and tells the crate where it is.
//!
//! The supervisor is embedded in the host: one file to install, and no way to start the host with
//! a supervisor of another build. It is static because a dynamic one costs 0.3 ms more per start.
//!
//! Never: a build that inherits the flags of this one. A sanitizer, a coverage tool or a linter
//! wraps the compiler for the host; the supervisor must come out the same.

use std::env;
use std::error::Error;
use std::path::PathBuf;

use remit_crossbuild::{CrossBuild, shared_target_dir};

/// The package and its binary.
const SUPERVISOR: &str = "remit-supervisor";

/// The profile in the root manifest.
const PROFILE: &str = "supervisor";

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
    let built = CrossBuild {
        manifest: &root.join("Cargo.toml"),
        packages: &[SUPERVISOR],
        what: &["--bin", SUPERVISOR],
        target: &format!("{}-unknown-linux-musl", env::var("CARGO_CFG_TARGET_ARCH")?),
        profile: PROFILE,
        target_dir: &shared_target_dir()?,
    }
    .run()?;
    let binary = built.join(SUPERVISOR);
    if !binary.is_file() {
        return Err(format!("the build left no {}", binary.display()).into());
    }
    println!("cargo:rustc-env=REMIT_SUPERVISOR={}", binary.display());
    Ok(())
}
