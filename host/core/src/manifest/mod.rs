//! What a plugin requests, and why: the manifest that travels inside its component.
//!
//! ```toml
//! format = 1
//! id = "module-creation"
//! version = "0.1.0"
//! wit = "remit:plugin@0.1.0"
//! title = "Create a module with tests"
//!
//! [[read]]
//! path = "."
//! reason = "looks at the files that are already there"
//!
//! [[run]]
//! tool = "python3"
//! templates = ["unittest"]      # all templates of the tool if left out; `tool = "*"`: whatever is allowed
//! reason = "runs the new module's tests"
//! optional = true               # the plugin can do without
//!
//! [limits]
//! memory = "64MiB"
//! time = "60s"
//! ```
//!
//! A manifest grants nothing. Never: a request without a reason, a request that another one makes
//! needless, a key that nobody knows.

mod read;
mod wit;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostics, Source};
use crate::digest::Digest;
use crate::excerpt::excerpt;
use crate::id::PluginId;
use crate::quantity::{ByteSize, TimeSpan};
use crate::scope::Scope;

pub use wit::{WIT_PACKAGE, WIT_VERSION, WitVersion, WitVersionError};

/// Name of the custom section of the component that holds the manifest.
pub const MANIFEST_SECTION: &str = "remit:manifest";
/// Version of the manifest's format.
pub const MANIFEST_FORMAT: i64 = 1;
/// Memory of a plugin that asks for none in particular: ample for work that tools do.
pub const DEFAULT_MEMORY: ByteSize = ByteSize::mebibytes(64);
/// Most memory that a plugin can ask for: the address space of 32-bit WebAssembly.
pub const MAX_MEMORY: ByteSize = ByteSize::mebibytes(1024);
/// Time of a plugin that asks for none in particular.
pub const DEFAULT_TIME: TimeSpan = TimeSpan::seconds(60);
/// Most time that a plugin can ask for: what takes longer than a day is a service.
pub const MAX_TIME: TimeSpan = TimeSpan::seconds(24 * 60 * 60);

/// How tightly a tool is confined, from the tightest to not at all.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Confinement {
    /// `A`: namespaces with a root of the tool's own, and Landlock.
    #[serde(rename = "A")]
    Full,
    /// `B`: Landlock without namespaces.
    #[serde(rename = "B")]
    Landlock,
    /// `B'`: namespaces with a root of the tool's own, without Landlock.
    #[serde(rename = "B'")]
    Namespaces,
    /// `C`: neither.
    #[default]
    #[serde(rename = "C")]
    None,
}

/// The loosest confinement under which tools run if nobody says otherwise. Where a machine gives
/// less, the owner has to say so.
pub const DEFAULT_CONFINEMENT: Confinement = Confinement::Namespaces;

/// The text is not a confinement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a confinement; write A, B, B' or C")]
pub struct ConfinementError(String);

impl FromStr for Confinement {
    type Err = ConfinementError;
    fn from_str(text: &str) -> Result<Self, ConfinementError> {
        match text {
            "A" => Ok(Self::Full),
            "B" => Ok(Self::Landlock),
            "B'" => Ok(Self::Namespaces),
            "C" => Ok(Self::None),
            other => Err(ConfinementError(excerpt(other))),
        }
    }
}

impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "A",
            Self::Landlock => "B",
            Self::Namespaces => "B'",
            Self::None => "C",
        })
    }
}

/// What a plugin says it needs at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    pub(crate) memory: ByteSize,
    pub(crate) time: TimeSpan,
    pub(crate) confinement: Option<Confinement>,
}

impl Needs {
    /// Memory of an instance.
    #[must_use]
    pub fn memory(&self) -> ByteSize {
        self.memory
    }
    /// Time of an attempt.
    #[must_use]
    pub fn time(&self) -> TimeSpan {
        self.time
    }
    /// The loosest confinement of tools under which it agrees to run, if it minds.
    #[must_use]
    pub fn confinement(&self) -> Option<Confinement> {
        self.confinement
    }
}

/// One request with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub(crate) scope: Scope,
    pub(crate) reason: String,
    pub(crate) optional: bool,
}

impl Request {
    /// What is requested.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }
    /// Why, for people.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
    /// Whether the plugin can do without. A request for any tool or any origin always is
    /// optional: which ones it means is known only when it uses one.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.optional || self.scope.is_any()
    }
}

/// What a plugin requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    pub(crate) id: PluginId,
    pub(crate) version: semver::Version,
    pub(crate) wit: WitVersion,
    pub(crate) title: String,
    pub(crate) requests: Vec<Request>,
    pub(crate) needs: Needs,
    pub(crate) digest: Digest,
}

impl Manifest {
    /// Reads a manifest. `name` is what messages call the text, usually a path.
    ///
    /// # Errors
    /// Every mistake in the text, with line and fix.
    pub fn parse(name: &str, text: &str) -> Result<Self, Diagnostics> {
        read::manifest(&Source::new(name, text))
    }

    /// The plugin's identifier.
    #[must_use]
    pub fn id(&self) -> &PluginId {
        &self.id
    }
    /// The plugin's version.
    #[must_use]
    pub fn version(&self) -> &semver::Version {
        &self.version
    }
    /// The contract that the plugin was built against.
    #[must_use]
    pub fn wit(&self) -> &WitVersion {
        &self.wit
    }
    /// One line for people.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }
    /// The requests, in the order read, write, env, run, net. A `[[run]]` with three templates is
    /// three requests.
    #[must_use]
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }
    /// What it needs at least.
    #[must_use]
    pub fn needs(&self) -> &Needs {
        &self.needs
    }
    /// The digest of the manifest's text.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}

#[cfg(test)]
mod tests;
