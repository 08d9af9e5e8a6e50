//! Builds the attacker and the replayer as static binaries and tells the crate where they are.
//!
//! `remit doctor security` carries it, and the tests of the confinement run it. It is static so
//! that it runs wherever the confinement lets a tool run, without libraries of the machine. The
//! replayer stands for a real tool in the same places.
//!
//! Never: a build that inherits the flags of this one.

use std::env;
use std::error::Error;
use std::path::PathBuf;

use remit_crossbuild::{CrossBuild, shared_target_dir};

/// The packages, and their binaries.
const ATTACKER: &str = "remit-attacker";
const REPLAYER: &str = "remit-replayer";

/// The profile in the root manifest: small, static, without unwinding.
const PROFILE: &str = "supervisor";

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = here.join("../..").canonicalize()?;
    for watched in [
        "host/attacker/src",
        "host/attacker/Cargo.toml",
        "host/replayer/src",
        "host/replayer/Cargo.toml",
        "Cargo.lock",
    ] {
        println!("cargo:rerun-if-changed={}", root.join(watched).display());
    }
    let built = CrossBuild {
        manifest: &root.join("Cargo.toml"),
        packages: &[ATTACKER, REPLAYER],
        what: &["--bins"],
        target: &format!("{}-unknown-linux-musl", env::var("CARGO_CFG_TARGET_ARCH")?),
        profile: PROFILE,
        target_dir: &shared_target_dir()?,
    }
    .run()?;
    for (package, variable) in [(ATTACKER, "REMIT_ATTACKER"), (REPLAYER, "REMIT_REPLAYER")] {
        let binary = built.join(package);
        if !binary.is_file() {
            return Err(format!("the build left no {}", binary.display()).into());
        }
        println!("cargo:rustc-env={variable}={}", binary.display());
    }
    Ok(())
}
