//! Looks into a wasm binary without running or compiling it, and packs manifests into components.
//!
//! Someone who is handed a `.wasm` file wants to know what it would ask for before anything runs.
//! [`inspect`] answers from the bytes alone: every import and export down to the single function,
//! sizes, metadata, the embedded manifest, and whether this host could load it. [`pack`] puts a
//! manifest into a component, for languages whose toolchain cannot.
//!
//! The file may be anything: foreign, cut off, or made to do harm. Never: a panic or an
//! unbounded use of memory for any input, a verdict from a file's name.

mod contract;
mod encode;
mod error;
mod manifest;
mod metadata;
mod package;
mod report;
mod sections;
mod surface;
mod target;

pub use encode::{EncodeError, encode};
pub use error::{InspectError, PackError};
pub use manifest::{EmbeddedManifest, MAX_MANIFEST, extract_manifest, pack};
pub use metadata::{Metadata, Producer};
pub use package::{
    LICENCE_SECTION, MAX_PART, Package, Parts, README_SECTION, SEAL_SECTION, Seal, package, unpack,
};
pub use report::{
    CustomSection, Kind, MAX_BYTES, MAX_LISTED_SECTIONS, PackageUse, Report, Sizes, inspect,
};
pub use sections::MAX_NESTING;
pub use surface::{Item, ItemKind};
pub use target::{Role, Target};
