//! The report on a file, and the order in which it comes about: frame, validation, surface,
//! verdict.
//!
//! Never: work on a part of the file that the step before has not found sound.

use std::collections::BTreeMap;

use remit_core::digest::Digest;
use serde::Serialize;
use wasmparser::{Validator, WasmFeatures};

use crate::contract::Contract;
use crate::error::InspectError;
use crate::manifest::{EmbeddedManifest, Finder};
use crate::metadata::Metadata;
use crate::sections::{self, Encoding, Place, Section, Visitor, id};
use crate::surface::{self, Item};
use crate::target::{Name, Target};

/// Largest file, in bytes. A component with a whole Python in it has 18 MiB.
pub const MAX_BYTES: usize = 256 << 20;

/// Most custom sections that a report lists. The rest are counted.
pub const MAX_LISTED_SECTIONS: usize = 256;

/// What kind of binary a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A component.
    Component,
    /// A core module.
    CoreModule,
}

/// Where the bytes of a file go, nested modules and components included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sizes {
    /// All of it, in bytes.
    pub total: u64,
    /// Function bodies, in bytes.
    pub code: u64,
    /// Initial data, in bytes.
    pub data: u64,
    /// Custom sections, in bytes: names, debug information, metadata.
    pub custom: u64,
    /// Number of core modules inside it.
    pub core_modules: u64,
    /// Number of components inside it.
    pub components: u64,
}

/// A custom section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CustomSection {
    /// Its name.
    pub name: String,
    /// Size of its data in bytes.
    pub bytes: u64,
    /// Where it is, for people: `the top level`, `core module 0`.
    pub place: String,
}

/// A WIT package that a component names, with every version of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PackageUse {
    /// For example `wasi:io`.
    pub package: String,
    /// For example `0.2.6`, ascending; empty if it is named without one.
    pub versions: Vec<String>,
}

/// What a file is and what it would ask for.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// What kind of binary it is.
    pub kind: Kind,
    /// Digest of the whole file, `sha256:` and 64 hex digits.
    pub digest: String,
    /// Where its bytes go.
    pub sizes: Sizes,
    /// Whether it is a plugin for this host.
    pub target: Target,
    /// What it imports.
    pub imports: Vec<Item>,
    /// What it exports.
    pub exports: Vec<Item>,
    /// The WIT packages that imports and exports name, sorted.
    pub packages: Vec<PackageUse>,
    /// What it says of itself. Unchecked.
    pub metadata: Metadata,
    /// Its manifest, unread; absent if it has none.
    pub manifest: Option<EmbeddedManifest>,
    /// Its custom sections, at most [`MAX_LISTED_SECTIONS`], in the order of the file.
    pub custom_sections: Vec<CustomSection>,
    /// How many custom sections it has.
    pub custom_section_count: u64,
}

impl Report {
    /// The imports from WASI.
    pub fn wasi_imports(&self) -> impl Iterator<Item = &Item> {
        self.imports
            .iter()
            .filter(|item| item.name.starts_with("wasi:") || item.name.starts_with("wasi_"))
    }
}

/// Looks into a file. Nothing of it runs and nothing is compiled; the validator reads all of it,
/// about 10 ms for each MiB.
///
/// Features of WebAssembly that this host does not run are no error here: a report on a foreign
/// component is of use before it is refused.
///
/// # Errors
/// The bytes are not WebAssembly (and what they are instead), are damaged, pass a limit, or hold
/// two manifests that differ.
pub fn inspect(bytes: &[u8]) -> Result<Report, InspectError> {
    if bytes.len() > MAX_BYTES {
        return Err(InspectError::TooLarge { bytes: bytes.len() });
    }
    let mut survey = Survey::default();
    sections::visit(bytes, &mut survey)?;
    let types = Validator::new_with_features(WasmFeatures::all()).validate_all(bytes)?;
    let (kind, surface, target) = match sections::encoding(bytes)? {
        Encoding::Component => {
            let surface = surface::of_component(bytes, types.as_ref())?;
            let target = Target::of_component(&Contract::read()?, &surface);
            (Kind::Component, surface, target)
        }
        Encoding::Module => (
            Kind::CoreModule,
            surface::of_module(types.as_ref()),
            Target::of_module(),
        ),
    };
    survey.sizes.total = bytes.len() as u64;
    Ok(Report {
        kind,
        digest: Digest::of(bytes).to_string(),
        sizes: survey.sizes,
        target,
        packages: packages(surface.imports.iter().chain(&surface.exports)),
        imports: surface.imports,
        exports: surface.exports,
        metadata: survey.metadata,
        manifest: survey.manifest.found,
        custom_sections: survey.custom,
        custom_section_count: survey.custom_count,
    })
}

/// The packages that some names name.
fn packages<'a>(items: impl Iterator<Item = &'a Item>) -> Vec<PackageUse> {
    let mut found: BTreeMap<String, std::collections::BTreeSet<semver::Version>> = BTreeMap::new();
    for name in items.filter_map(|item| Name::parse(&item.name)) {
        found.entry(name.package).or_default().extend(name.version);
    }
    found
        .into_iter()
        .map(|(package, versions)| PackageUse {
            package,
            versions: versions.iter().map(ToString::to_string).collect(),
        })
        .collect()
}

/// What one walk through the frame collects.
#[derive(Default)]
struct Survey {
    sizes: Sizes,
    metadata: Metadata,
    manifest: Finder,
    custom: Vec<CustomSection>,
    custom_count: u64,
}

impl<'a> Visitor<'a> for Survey {
    fn section(&mut self, place: &Place, section: &Section<'a>) -> Result<(), InspectError> {
        self.manifest.section(place, section)?;
        self.metadata.read(place.is_top(), place.within, section);
        let length = section.content.len() as u64;
        match (place.within, section.id) {
            (_, id::CUSTOM) => {
                self.sizes.custom += length;
                self.note(place, section);
            }
            (Encoding::Component, id::CORE_MODULE) => self.sizes.core_modules += 1,
            (Encoding::Component, id::COMPONENT) => self.sizes.components += 1,
            (Encoding::Module, id::CODE) => self.sizes.code += length,
            (Encoding::Module, id::DATA) => self.sizes.data += length,
            (Encoding::Component | Encoding::Module, _) => {}
        }
        Ok(())
    }
}

impl Survey {
    fn note(&mut self, place: &Place, section: &Section<'_>) {
        self.custom_count += 1;
        if let (true, Some((name, data))) =
            (self.custom.len() < MAX_LISTED_SECTIONS, section.custom())
        {
            self.custom.push(CustomSection {
                name: name.to_owned(),
                bytes: data.len() as u64,
                place: place.to_string(),
            });
        }
    }
}
