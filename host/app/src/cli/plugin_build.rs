//! `remit plugin build`: from a project to a plugin, with the author's own toolchain.

use std::path::{Path, PathBuf};

use anstream::{eprintln, println};
use remit_authoring::{AuthoringError, Core};
use remit_component::{encode, inspect, pack};
use remit_core::digest::Digest;
use remit_core::manifest::Manifest;
use remit_core::outcome::ExitCode;
use remit_sandbox::component::MAX_COMPONENT;

use crate::exit::Stop;
use crate::files;
use crate::printable::printable;
use crate::render::{BOLD, DIM};

/// Builds a plugin project into one component
///
/// Finds the toolchain of its language in the project, in its .venv or node_modules, or on PATH, or
/// explains how to get it. The toolchain runs with your rights, unconfined, as in any build: build
/// only what you trust. For example: remit plugin build my-plugin
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The project's directory
    #[arg(default_value = ".", value_name = "DIR")]
    directory: PathBuf,

    /// Where to write the plugin, instead of ID.wasm in the project's directory
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Installs a missing toolchain into the project's .remit/toolchain, with npm or pip; for Rust
    /// adds the target with rustup
    #[arg(long)]
    install_toolchain: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let mut say = |command: &str| eprintln!("{DIM}$ {}{DIM:#}", printable(command));
    let built =
        remit_authoring::build(&args.directory, args.install_toolchain, &mut say).map_err(stop)?;
    let component = match built.core {
        Core::Component(bytes) => bytes,
        Core::Module(bytes) => encode(&bytes).map_err(|error| Stop::Plugin(error.to_string()))?,
    };
    let packed =
        pack(&component, &built.manifest_text).map_err(|error| Stop::Plugin(error.to_string()))?;
    let role = fits(&packed)?;
    let id = built.manifest.id();
    let output = args
        .output
        .clone()
        .unwrap_or_else(|| args.directory.join(format!("{id}.wasm")));
    files::write_output(&output, &packed)?;
    println!(
        "{BOLD}{id}{BOLD:#} {} in {}: {role}, {} KiB, {}",
        built.manifest.version(),
        output.display(),
        packed.len().div_ceil(1024),
        Digest::of(&packed)
    );
    println!("next: {}", next(&output, &built.manifest));
    Ok(ExitCode::Ok)
}

/// What the component is, if this host would load it.
fn fits(packed: &[u8]) -> Result<String, Stop> {
    if packed.len() > MAX_COMPONENT {
        let bytes = packed.len();
        return Err(Stop::Plugin(format!(
            "the component has {bytes} bytes, a host takes {MAX_COMPONENT}"
        )));
    }
    let report = inspect(packed).map_err(|error| Stop::Plugin(error.to_string()))?;
    let target = report.target;
    if !target.loads() {
        return Err(Stop::Plugin(target.verdict()));
    }
    let roles: Vec<&str> = target.roles.iter().map(|role| role.phrase()).collect();
    Ok(roles.join(" and "))
}

/// A command that shows what the plugin is and asks for.
fn next(output: &Path, manifest: &Manifest) -> String {
    let path = output.display().to_string();
    // Without a directory it would be the id of a plugin.
    let path = if path.contains('/') {
        path
    } else {
        format!("./{path}")
    };
    let grants = if manifest.requests().is_empty() {
        "it asks for nothing"
    } else {
        "it says which grants it needs"
    };
    format!("remit inspect {path}, remit run {path} -C DIRECTORY ({grants})")
}

/// An error of a project, for people.
pub(super) fn stop(error: AuthoringError) -> Stop {
    let fix = error.fix();
    match error {
        AuthoringError::Manifest(diagnostics) => Stop::Files(diagnostics),
        AuthoringError::NoToolchain { .. } => Stop::Unavailable {
            message: error.to_string(),
            fix,
        },
        AuthoringError::Failed { .. } | AuthoringError::NoResult { .. } => {
            Stop::Plugin(format!("{error}; {fix}"))
        }
        AuthoringError::Occupied(_)
        | AuthoringError::Files { .. }
        | AuthoringError::NoProject { .. }
        | AuthoringError::SeveralSources { .. } => Stop::usage(error.to_string(), fix),
    }
}
