//! Why a file cannot be looked into, or a manifest not be packed.
//!
//! Never: a message that only someone who knows the binary format understands.

use crate::manifest::MAX_MANIFEST;
use crate::package::MAX_PART;
use crate::report::MAX_BYTES;
use crate::sections::MAX_NESTING;

/// Why a file has no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It is larger than anything worth loading.
    #[error("the file has {bytes} bytes, the limit is {MAX_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It is WebAssembly's text format.
    #[error(
        "this is WebAssembly text, not a binary; \
         assemble it first, for example with `wasm-tools parse FILE -o FILE.wasm`"
    )]
    WasmText,
    /// It is some other text.
    #[error("this is text, not WebAssembly; it begins with `{0}`")]
    Text(String),
    /// It is machine code, perhaps compiled from WebAssembly.
    #[error(
        "this is machine code (ELF), not WebAssembly; \
         precompiled components are not accepted, give the `.wasm` file"
    )]
    Elf,
    /// It is something else.
    #[error(
        "this is not WebAssembly: it begins with the bytes {0}, a `.wasm` file with 00 61 73 6d"
    )]
    NotWasm(String),
    /// It is WebAssembly of a version that is not known.
    #[error(
        "this is WebAssembly with the unknown version {0}; \
         known are modules (01 00 00 00) and components (0d 00 01 00): \
         build it again with a current toolchain"
    )]
    UnknownVersion(String),
    /// It breaks the rules of the format, or ends too early.
    #[error("the file is damaged or not valid at byte {offset}: {message}")]
    Malformed {
        /// Where, in bytes from the start.
        offset: usize,
        /// What is wrong.
        message: String,
    },
    /// Components inside components without end.
    #[error("components are nested more than {MAX_NESTING} deep")]
    TooDeep,
    /// A manifest that is too large.
    #[error("the manifest in {place} has {bytes} bytes, the limit is {MAX_MANIFEST}")]
    ManifestTooLarge {
        /// Where it is.
        place: String,
        /// Its size.
        bytes: usize,
    },
    /// A manifest that is not text.
    #[error("the manifest in {place} is not UTF-8 from byte {valid} on")]
    ManifestNotText {
        /// Where it is.
        place: String,
        /// How many bytes of it are text.
        valid: usize,
    },
    /// Two manifests that say different things. Which one holds is not for the host to guess.
    #[error(
        "the manifests in {first} and in {second} differ; \
         build the component with one of them, or replace both with `remit plugin pack`"
    )]
    ManifestConflict {
        /// Where one is.
        first: String,
        /// Where the other is.
        second: String,
    },
    /// A README or licence that is too large.
    #[error("the section `{part}` has {bytes} bytes, the limit is {MAX_PART}")]
    PartTooLarge {
        /// The section.
        part: String,
        /// Its size.
        bytes: usize,
    },
    /// The program's own copy of its contract cannot be read: a fault of this build.
    #[error("the built-in plugin contract is damaged: {0}")]
    Contract(String),
}

impl InspectError {
    /// A stable kebab-case word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too-large",
            Self::WasmText => "wasm-text",
            Self::Text(_) => "text",
            Self::Elf => "machine-code",
            Self::NotWasm(_) => "not-wasm",
            Self::UnknownVersion(_) => "unknown-version",
            Self::Malformed { .. } => "malformed",
            Self::TooDeep => "too-deep",
            Self::ManifestTooLarge { .. } => "manifest-too-large",
            Self::ManifestNotText { .. } => "manifest-not-text",
            Self::ManifestConflict { .. } => "manifest-conflict",
            Self::PartTooLarge { .. } => "part-too-large",
            Self::Contract(_) => "contract",
        }
    }
}

impl From<wasmparser::Error> for InspectError {
    fn from(error: wasmparser::Error) -> Self {
        Self::Malformed {
            offset: error.offset(),
            message: error.message().to_owned(),
        }
    }
}

/// Why a manifest was not packed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// The file is not one that can carry a manifest.
    #[error(transparent)]
    Unreadable(#[from] InspectError),
    /// The file is a core module.
    #[error(
        "this is a core module; only a component can be a plugin: \
         make one first, for example with `wasm-tools component new`"
    )]
    CoreModule,
    /// The manifest is too large.
    #[error("the manifest has {bytes} bytes, the limit is {MAX_MANIFEST}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The README or the licence is too large.
    #[error("the {part} has {bytes} bytes, the limit is {MAX_PART}")]
    PartTooLarge {
        /// Which.
        part: &'static str,
        /// Its size.
        bytes: usize,
    },
}
