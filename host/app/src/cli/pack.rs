//! `remit plugin pack`: puts a manifest into a component, for languages whose tools cannot.

use std::path::PathBuf;

use anstream::println;
use remit_component::pack;
use remit_core::digest::Digest;
use remit_core::manifest::Manifest;
use remit_core::outcome::ExitCode;
use remit_sandbox::component::MAX_COMPONENT;

use crate::exit::Stop;
use crate::files;

/// Packs a manifest into a component
///
/// The Rust SDK embeds the manifest by itself; this is for every other language. A manifest that
/// is there already is replaced.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The component
    component: PathBuf,

    /// The manifest, a TOML file
    #[arg(short, long, value_name = "FILE")]
    manifest: PathBuf,

    /// Where to write the result
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let text = files::read_text(&args.manifest)?;
    let manifest = Manifest::parse(&args.manifest.display().to_string(), &text)?;
    let bytes = files::read_bytes(&args.component, MAX_COMPONENT as u64)?;
    let packed = pack(&bytes, &text)
        .map_err(|error| Stop::Plugin(format!("{}: {error}", args.component.display())))?;
    files::write_output(&args.output, &packed)?;
    println!(
        "{} {} in {}: {} bytes, {}",
        manifest.id(),
        manifest.version(),
        args.output.display(),
        packed.len(),
        Digest::of(&packed)
    );
    Ok(ExitCode::Ok)
}
