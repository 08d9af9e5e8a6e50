//! Builds the attacker as a static binary and tells the crate where it is.
//!
//! `remit doctor security` carries it, and the tests of the confinement run it. It is static so
//! that it runs wherever the confinement lets a tool run, without libraries of the machine.
//!
//! Never: a build that inherits the flags of this one.

use std::env;
use std::error::Error;
use std::path::PathBuf;

use remit_crossbuild::{CrossBuild, shared_target_dir};

/// The package and its binary.
const ATTACKER: &str = "remit-attacker";

/// The profile in the root manifest: small, static, without unwinding.
const PROFILE: &str = "supervisor";

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = here.join("../..").canonicalize()?;
    for watched in [
        "host/attacker/src",
        "host/attacker/Cargo.toml",
        "Cargo.lock",
    ] {
        println!("cargo:rerun-if-changed={}", root.join(watched).display());
    }
    let built = CrossBuild {
        manifest: &root.join("Cargo.toml"),
        packages: &[ATTACKER],
        what: &["--bin", ATTACKER],
        target: &format!("{}-unknown-linux-musl", env::var("CARGO_CFG_TARGET_ARCH")?),
        profile: PROFILE,
        target_dir: &shared_target_dir()?,
    }
    .run()?;
    let binary = built.join(ATTACKER);
    if !binary.is_file() {
        return Err(format!("the build left no {}", binary.display()).into());
    }
    println!("cargo:rustc-env=REMIT_ATTACKER={}", binary.display());
    Ok(())
}
