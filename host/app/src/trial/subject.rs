//! What is to be tried: a component, found by what its author calls it, and its scenarios.
//!
//! Never: a build. Whoever changed the source builds it first.

use std::path::{Path, PathBuf};

use remit_core::approval::Source;
use remit_core::manifest::Manifest;

use super::{Placed, read_all};
use crate::exit::Stop;
use crate::files;
use crate::loading::{self, Loaded};

/// The manifest beside a plugin's source.
pub(crate) const MANIFEST_FILE: &str = "remit-plugin.toml";
/// Where a plugin's scenarios lie, relative to its directory.
const SCENARIOS: &str = "tests";
/// Where components are looked for in a plugin's directory; `{id}` and `{name}` (the id with `_`)
/// stand for the plugin's own.
const COMPONENTS: [&str; 6] = [
    "{id}.wasm",
    "dist/{id}.wasm",
    "build/{id}.wasm",
    "target/remit/{id}.wasm",
    "target/wasm32-wasip2/release/{name}.wasm",
    "target/wasm32-wasip2/debug/{name}.wasm",
];

/// A component, and the directory of its source if that was named.
pub(crate) struct Subject {
    /// The component.
    pub(crate) loaded: Loaded,
    /// The directory of its source.
    pub(crate) directory: Option<PathBuf>,
}

impl Subject {
    /// Finds what was meant: a directory with a manifest, a `.wasm` file, or a built-in id.
    ///
    /// # Errors
    /// There is nothing of that name, or no component in the directory.
    pub(crate) fn find(named: &str) -> Result<Self, Stop> {
        let path = Path::new(named);
        if files::is_directory(path) {
            let component = component_in(path)?;
            return Ok(Self {
                loaded: from_file(&component)?,
                directory: Some(path.to_owned()),
            });
        }
        let loaded = if loading::looks_like_file(named) {
            from_file(path)?
        } else if remit_builtin::find(named).is_some() {
            loading::find_again(&Source::BuiltIn(named.to_owned()))?
        } else {
            let known: Vec<&str> = remit_builtin::ALL.iter().map(|plugin| plugin.id).collect();
            return Err(Stop::usage(
                format!("there is no plugin `{named}`"),
                format!(
                    "name a directory with {MANIFEST_FILE}, a .wasm file, or one of {}",
                    known.join(", ")
                ),
            ));
        };
        Ok(Self {
            loaded,
            directory: None,
        })
    }

    /// The scenarios that were named, or those in the plugin's directory.
    ///
    /// # Errors
    /// Every mistake in every file.
    pub(crate) fn scenarios(&self, named: &[PathBuf]) -> Result<Vec<Placed>, Stop> {
        if !named.is_empty() {
            return read_all(named);
        }
        let Some(directory) = &self.directory else {
            return Ok(Vec::new());
        };
        read_all(&files::texts_in(&directory.join(SCENARIOS), "toml")?)
    }
}

fn from_file(path: &Path) -> Result<Loaded, Stop> {
    loading::find_again(&Source::File(path.display().to_string()))
}

/// The component that was built in a plugin's directory.
pub(crate) fn component_in(directory: &Path) -> Result<PathBuf, Stop> {
    let manifest = directory.join(MANIFEST_FILE);
    let Some(text) = files::read_text_if_there(&manifest)? else {
        return Err(Stop::usage(
            format!("{} has no {MANIFEST_FILE}", directory.display()),
            "name the directory of a plugin, or a .wasm file",
        ));
    };
    let manifest = Manifest::parse(&manifest.display().to_string(), &text)?;
    let id = manifest.id().to_string();
    let name = id.replace('-', "_");
    let places = COMPONENTS
        .iter()
        .map(|place| directory.join(place.replace("{id}", &id).replace("{name}", &name)));
    // The newest: whoever built twice means the last.
    let found = places.filter(|place| files::is_file(place));
    found
        .max_by_key(|place| files::changed(place))
        .ok_or_else(|| {
            Stop::usage(
                format!("no component of {id} was built in {}", directory.display()),
                "build it with `remit plugin build`, or name the .wasm file",
            )
        })
}
