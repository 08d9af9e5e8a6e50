//! Builds a package for another target from a build script: the plugins that the program carries
//! (WebAssembly) and the supervisor (static).
//!
//! A nested cargo must not inherit what the outer one set for itself, and the target must be
//! there. Both are easy to get wrong in two places, so they are here in one. Never: used at run
//! time.

#![expect(
    clippy::disallowed_methods,
    reason = "build scripts run programs and touch files; nothing here runs in the product"
)]

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Variables that the outer cargo, clippy or a coverage tool set for their own compilation.
const FOREIGN: &[&str] = &[
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTFLAGS",
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTDOC",
    "CLIPPY_ARGS",
    "CLIPPY_CONF_DIR",
    "CARGO_MAKEFLAGS",
    "MAKEFLAGS",
    "CARGO_TARGET_DIR",
    "TARGET",
    "HOST",
    "OUT_DIR",
    "LLVM_PROFILE_FILE",
];

/// Prefixes of such variables.
const FOREIGN_PREFIXES: &[&str] = &[
    "CARGO_BUILD_",
    "CARGO_PROFILE_",
    "CARGO_CFG_",
    "CARGO_FEATURE_",
    "CARGO_PKG_",
    "CARGO_PRIMARY_",
    "CARGO_MANIFEST_",
    "CARGO_LLVM_",
    "CARGO_BIN_",
    "DEP_",
];

/// Why the nested build failed.
#[derive(Debug)]
pub struct BuildError(String);

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BuildError {}

/// A package to be built for another target.
#[derive(Debug)]
pub struct CrossBuild<'a> {
    /// The workspace's `Cargo.toml`.
    pub manifest: &'a Path,
    /// Packages to build.
    pub packages: &'a [&'a str],
    /// What of them: for example `--lib` or `--bins`; empty for everything.
    pub what: &'a [&'a str],
    /// The target, for example `wasm32-wasip2`.
    pub target: &'a str,
    /// The profile, for example `release`.
    pub profile: &'a str,
    /// Where to build. Not the outer build's directory, which is locked.
    pub target_dir: &'a Path,
}

impl CrossBuild<'_> {
    /// Builds, and returns the directory in which the results are.
    ///
    /// # Errors
    /// The target cannot be installed, or the build failed; cargo's own output says where.
    pub fn run(&self) -> Result<PathBuf, BuildError> {
        ensure_target(self.target)?;
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        clean(&mut command);
        command
            .arg("build")
            .arg("--locked")
            .arg("--manifest-path")
            .arg(self.manifest)
            .args(["--target", self.target, "--profile", self.profile])
            .arg("--target-dir")
            .arg(self.target_dir)
            .args(self.what);
        for package in self.packages {
            command.args(["-p", package]);
        }
        let status = command
            .status()
            .map_err(|error| BuildError(format!("cargo does not start: {error}")))?;
        if !status.success() {
            return Err(BuildError(format!(
                "building {} for {} failed ({status}); cargo's messages are above",
                self.packages.join(", "),
                self.target
            )));
        }
        Ok(self.target_dir.join(self.target).join(self.profile))
    }
}

/// A directory for nested builds beside the outer build's own, shared by all build scripts, so
/// that debug and release builds of the program use one build of what they carry.
///
/// # Errors
/// Called outside a build script.
pub fn shared_target_dir() -> Result<PathBuf, BuildError> {
    let out = env::var_os("OUT_DIR")
        .map(PathBuf::from)
        .ok_or_else(|| BuildError("OUT_DIR is not set: not a build script".into()))?;
    // <target>/[<triple>/]<profile>/build/<package>/out
    let profile = out.ancestors().nth(3).unwrap_or(&out);
    Ok(profile.join("nested"))
}

fn clean(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        if FOREIGN.contains(&name)
            || FOREIGN_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix))
        {
            command.env_remove(name);
        }
    }
}

/// Installs the target if rustup is there and the target is not.
fn ensure_target(target: &str) -> Result<(), BuildError> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let printed = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .map_err(|error| BuildError(format!("rustc does not start: {error}")))?;
    let libdir = PathBuf::from(String::from_utf8_lossy(&printed.stdout).trim());
    if printed.status.success() && libdir.is_dir() {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    clean(&mut rustup);
    let added = rustup.args(["target", "add", target]).status();
    match added {
        Ok(status) if status.success() => Ok(()),
        Ok(_) | Err(_) => Err(BuildError(format!(
            "the Rust target {target} is not installed; run: rustup target add {target}"
        ))),
    }
}
