//! `remit plugin pack`: puts a manifest, README and licence into a component, and seals them.
//!
//! Never: a file that was not named or is not beside the manifest.

use std::path::{Path, PathBuf};

use anstream::println;
use remit_component::{MAX_PART, Parts, package};
use remit_core::digest::Digest;
use remit_core::manifest::Manifest;
use remit_core::outcome::ExitCode;
use remit_sandbox::component::MAX_COMPONENT;

use crate::exit::Stop;
use crate::files;
use crate::trial::subject::{MANIFEST_FILE, component_in};

/// Names under which a README is looked for in a plugin's directory.
const READMES: [&str; 3] = ["README.md", "README", "readme.md"];
/// Names under which a licence is looked for.
const LICENCES: [&str; 5] = [
    "LICENSE",
    "LICENCE",
    "LICENSE.txt",
    "LICENSE.md",
    "LICENSE-MIT",
];

/// Packs a plugin into one file: component, manifest, README, licence, and their digests
///
/// What is there already is replaced. Of a plugin's directory, everything is found by itself; a
/// component alone needs at least its manifest. For example:
///
///   remit plugin pack . --output greeter.wasm
///   remit plugin pack app.wasm --manifest remit-plugin.toml --output packed.wasm
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The component, or the plugin's directory
    component: PathBuf,

    /// The manifest, a TOML file; of a directory, its remit-plugin.toml
    #[arg(short, long, value_name = "FILE")]
    manifest: Option<PathBuf>,

    /// A README, Markdown; of a directory, its README.md
    #[arg(long, value_name = "FILE")]
    readme: Option<PathBuf>,

    /// The licence's text; of a directory, its LICENSE
    #[arg(long, value_name = "FILE", alias = "licence")]
    license: Option<PathBuf>,

    /// Where to write the result
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// What is packed, and where it lies.
struct Found {
    component: PathBuf,
    manifest: PathBuf,
    readme: Option<PathBuf>,
    licence: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let found = find(args)?;
    let text = files::read_text(&found.manifest)?;
    let manifest = Manifest::parse(&found.manifest.display().to_string(), &text)?;
    let bytes = files::read_bytes(&found.component, MAX_COMPONENT as u64)?;
    let readme = part(found.readme.as_deref())?;
    let licence = part(found.licence.as_deref())?;
    let parts = Parts {
        manifest: &text,
        readme: readme.as_deref(),
        licence: licence.as_deref(),
    };
    let packed = package(&bytes, &parts)
        .map_err(|error| Stop::Plugin(format!("{}: {error}", found.component.display())))?;
    files::write_output(&args.output, &packed)?;
    println!(
        "{} {} in {}: {} bytes, {}",
        manifest.id(),
        manifest.version(),
        args.output.display(),
        packed.len(),
        Digest::of(&packed)
    );
    for (name, path) in [("readme", &found.readme), ("licence", &found.licence)] {
        match path {
            Some(path) => println!("  {name}: {}", path.display()),
            None => println!("  {name}: none"),
        }
    }
    Ok(ExitCode::Ok)
}

fn find(args: &Args) -> Result<Found, Stop> {
    let mut found = if files::is_directory(&args.component) {
        let directory = &args.component;
        let first = |names: &[&str]| {
            let paths = names.iter().map(|name| directory.join(name));
            paths.into_iter().find(|path| files::is_file(path))
        };
        Found {
            component: component_in(directory)?,
            manifest: directory.join(MANIFEST_FILE),
            readme: first(&READMES),
            licence: first(&LICENCES),
        }
    } else {
        let Some(manifest) = args.manifest.clone() else {
            return Err(Stop::usage(
                "a component alone needs its manifest",
                "add --manifest FILE, or name the plugin's directory",
            ));
        };
        Found {
            component: args.component.clone(),
            manifest,
            readme: None,
            licence: None,
        }
    };
    found.manifest = args.manifest.clone().unwrap_or(found.manifest);
    found.readme = args.readme.clone().or(found.readme);
    found.licence = args.license.clone().or(found.licence);
    Ok(found)
}

/// A text that was named, with the limit that packing has.
fn part(path: Option<&Path>) -> Result<Option<String>, Stop> {
    let Some(path) = path else { return Ok(None) };
    let bytes = files::read_bytes(path, MAX_PART as u64)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Stop::usage(
            format!("{} is not UTF-8", path.display()),
            "save it as UTF-8",
        )
    })?;
    Ok(Some(text))
}
