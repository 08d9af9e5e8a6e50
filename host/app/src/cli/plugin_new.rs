//! `remit plugin new`: a small, complete project that builds and runs at once.

use std::path::PathBuf;

use anstream::println;
use remit_authoring::Language;
use remit_core::id::PluginId;
use remit_core::outcome::ExitCode;

use super::plugin_build::stop;
use crate::exit::Stop;
use crate::render::{BOLD, DIM};

/// Makes a new plugin project
///
/// It builds and runs at once; everything that it needs but its language's toolchain comes out of
/// this program. For example: remit plugin new say-hello --lang python
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What the plugin is called: its id, and the name of its directory
    #[arg(value_name = "NAME")]
    id: PluginId,

    /// The language: rust, javascript, python or c
    #[arg(short, long, value_name = "LANGUAGE")]
    lang: Language,

    /// The directory to make, instead of one with the plugin's name
    #[arg(short, long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let directory = args
        .dir
        .clone()
        .unwrap_or_else(|| PathBuf::from(args.id.as_str()));
    let created = remit_authoring::create(&directory, &args.id, args.lang).map_err(stop)?;
    println!(
        "{BOLD}{}{BOLD:#} in {}, a plugin in {}",
        args.id,
        directory.display(),
        args.lang
    );
    for file in &created.files {
        println!("  {DIM}+ {file}{DIM:#}");
    }
    println!("its work is in {}; to build and run it:", created.source);
    println!("  cd {}", directory.display());
    println!("  remit plugin build");
    println!("  remit run ./{}.wasm -i name=world --allow-write", args.id);
    Ok(ExitCode::Ok)
}
