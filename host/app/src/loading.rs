//! From what was said on the command line to a component with its manifest: built in, a file, or
//! a file that the policy names.
//!
//! Never: a component that was not read whole; a manifest from anywhere but inside it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use remit_component::{InspectError, extract_manifest};
use remit_core::approval::Source;
use remit_core::digest::Digest;
use remit_core::id::PluginId;
use remit_core::manifest::Manifest;
use remit_core::policy::Origin;
use remit_sandbox::component::MAX_COMPONENT;

use crate::exit::Stop;
use crate::files;
use crate::owner::Owner;

/// A component with its manifest.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    /// What it was called on the command line.
    pub(crate) named: String,
    /// Where it lies.
    pub(crate) source: Source,
    /// Where it came from, for people.
    pub(crate) place: String,
    /// The component.
    pub(crate) bytes: Arc<[u8]>,
    /// Its digest.
    pub(crate) digest: Digest,
    /// What it requests.
    pub(crate) manifest: Manifest,
    /// Whether the manifest was inside; a component without one requests nothing.
    pub(crate) has_manifest: bool,
}

/// Finds the plugin that was meant.
///
/// # Errors
/// Nothing has that name, the file is no component, or its manifest has mistakes.
pub(crate) fn find(name: &str, owner: &Owner) -> Result<Loaded, Stop> {
    let found = search(name, owner)?;
    load(name, found)
}

/// Finds the component that was approved, wherever a name leads today.
pub(crate) fn find_again(source: &Source) -> Result<Loaded, Stop> {
    match source {
        Source::File(path) => load(path, read(Path::new(path))?),
        Source::BuiltIn(id) => match built_in(id) {
            Some(found) => load(id, found),
            None => Err(Stop::usage(
                format!("this version of remit has no plugin `{id}`"),
                "revoke its approval, or use the version that has it",
            )),
        },
    }
}

/// Bytes that were found, and where.
struct Found {
    place: String,
    source: Source,
    bytes: Vec<u8>,
}

fn built_in(id: &str) -> Option<Found> {
    let plugin = remit_builtin::find(id)?;
    Some(Found {
        place: format!("built in: {id}"),
        source: Source::BuiltIn(id.to_owned()),
        bytes: plugin.bytes.to_vec(),
    })
}

/// Finds the bytes that were meant.
pub(crate) fn bytes_of(name: &str, owner: &Owner) -> Result<(String, Vec<u8>), Stop> {
    let found = search(name, owner)?;
    Ok((found.place, found.bytes))
}

fn search(name: &str, owner: &Owner) -> Result<Found, Stop> {
    if looks_like_file(name) {
        return read(Path::new(name));
    }
    if let Ok(id) = name.parse::<PluginId>()
        && let Some((file, origin)) = owner.policy().plugin_file(&id)
    {
        return read(&beside(file, origin));
    }
    if let Some(found) = built_in(name) {
        return Ok(found);
    }
    let known: Vec<&str> = remit_builtin::ALL.iter().map(|plugin| plugin.id).collect();
    Err(Stop::usage(
        format!("there is no plugin `{name}`"),
        format!(
            "name a .wasm file, one of {}, or add `file = \"….wasm\"` to [plugins.{name}] of a policy",
            known.join(", ")
        ),
    ))
}

pub(crate) fn looks_like_file(name: &str) -> bool {
    name.contains('/')
        || Path::new(name)
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("wasm"))
}

/// A path in a policy is relative to the policy's own directory.
fn beside(file: &str, origin: &Origin) -> PathBuf {
    let holder = match origin {
        Origin::User(name) | Origin::Workspace(name) | Origin::File(name) => {
            Path::new(name).parent()
        }
        Origin::BuiltIn | Origin::Approval(_) | Origin::Flag(_) => None,
    };
    holder.unwrap_or_else(|| Path::new(".")).join(file)
}

fn read(path: &Path) -> Result<Found, Stop> {
    let bytes = files::read_bytes(path, MAX_COMPONENT as u64)?;
    let real = files::real_or_planned(path);
    Ok(Found {
        place: path.display().to_string(),
        source: Source::File(real.display().to_string()),
        bytes,
    })
}

/// Takes the manifest out of a component.
fn load(named: &str, found: Found) -> Result<Loaded, Stop> {
    let Found {
        place,
        source,
        bytes,
    } = found;
    let bytes: Arc<[u8]> = bytes.into();
    let found = extract_manifest(&bytes).map_err(|error| unreadable(&place, &error))?;
    let has_manifest = found.is_some();
    let (name, text) = match found {
        Some(found) => (format!("{place} (manifest inside)"), found.text),
        None => ("no manifest".to_owned(), empty_manifest(&place)),
    };
    let manifest = Manifest::parse(&name, &text)?;
    Ok(Loaded {
        named: named.to_owned(),
        source,
        digest: Digest::of(&bytes),
        place,
        bytes,
        manifest,
        has_manifest,
    })
}

fn unreadable(place: &str, error: &InspectError) -> Stop {
    Stop::Plugin(format!("{place}: {error}"))
}

/// What a component without a manifest requests: nothing. It is named after its file.
fn empty_manifest(place: &str) -> String {
    let stem = Path::new(place).file_stem().unwrap_or_default();
    let id: String = stem
        .to_string_lossy()
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(64)
        .collect();
    let id = match id.parse::<PluginId>() {
        Ok(id) => id.to_string(),
        Err(_) => "unnamed".to_owned(),
    };
    format!(
        "format = 1\nid = \"{id}\"\nversion = \"0.0.0\"\nwit = \"remit:plugin@0.1.0\"\n\
         title = \"A component without a manifest\"\n"
    )
}
