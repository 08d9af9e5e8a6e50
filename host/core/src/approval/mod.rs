//! An owner's approval of one plugin: which code, which manifest, which programs, and what they
//! may do.
//!
//! An approval counts like a layer of allow rules, but only for exactly the component that it
//! records: [`compare`] says what is different now. Never: a look at the disk, a clock, an approval
//! that opens what a deny rule forbids.

mod compare;
mod difference;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::excerpt::excerpt;
use crate::id::PluginId;
use crate::manifest::{Confinement, Manifest};
use crate::net::NetOrigin;
use crate::path::RelPath;
use crate::quantity::{ByteSize, TimeSpan};
use crate::scope::{Capability, Scope, ToolScope};
use crate::tool::{EnvName, ToolId};

pub use compare::{Standing, applying, compare};
pub use difference::{Difference, Replaced, ToolChange};

/// Version of the format in which approvals are kept. A reader refuses a newer one.
pub const APPROVAL_FORMAT: u32 = 1;

/// Characters of an approval's name: a ULID.
const ID_LENGTH: usize = 26;

/// The name of one approval: a ULID. Another approval never has it, also after this one is gone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApprovalId(String);

/// The text is not the name of an approval.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of an approval; write the 26 characters that `remit grants` prints")]
pub struct ApprovalIdError(String);

impl FromStr for ApprovalId {
    type Err = ApprovalIdError;
    fn from_str(text: &str) -> Result<Self, ApprovalIdError> {
        let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if text.len() == ID_LENGTH && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ApprovalIdError(excerpt(text)))
        }
    }
}

impl fmt::Display for ApprovalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ApprovalId {
    type Error = ApprovalIdError;
    fn try_from(text: String) -> Result<Self, ApprovalIdError> {
        text.parse()
    }
}

impl From<ApprovalId> for String {
    fn from(id: ApprovalId) -> Self {
        id.0
    }
}

/// Where the approved component was, so that it can be looked at again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Carried by the program, under this id.
    BuiltIn(String),
    /// In this file; absolute.
    File(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(id) => write!(f, "built in: {id}"),
            Self::File(path) => f.write_str(path),
        }
    }
}

/// What an approval allows, in the words of a policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Allowed {
    /// Directories that may be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<RelPath>,
    /// Directories that may be written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub write: Vec<RelPath>,
    /// Variables that may be seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<EnvName>,
    /// Tools that may be run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub run: Vec<ToolScope>,
    /// Origins that may be reached.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub net: Vec<NetOrigin>,
}

impl Allowed {
    /// Adds one scope, unless one that is there covers it. What a plugin can only ask for and
    /// nobody can allow as such (`tool = "*"`, `origin = "*"`) adds nothing: false.
    pub fn add(&mut self, scope: Scope) -> bool {
        if self.scopes().iter().any(|known| known.covers(&scope)) {
            return true;
        }
        match scope {
            Scope::Read(path) => self.read.push(path),
            Scope::Write(path) => self.write.push(path),
            Scope::Env(name) => self.env.push(name),
            Scope::Run(tool) => self.run.push(tool),
            Scope::Net(origin) => self.net.push(origin),
            Scope::RunAny | Scope::NetAny => return false,
        }
        true
    }

    /// Everything that is allowed.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        let mut scopes: Vec<Scope> = self.read.iter().cloned().map(Scope::Read).collect();
        scopes.extend(self.write.iter().cloned().map(Scope::Write));
        scopes.extend(self.env.iter().cloned().map(Scope::Env));
        scopes.extend(self.run.iter().cloned().map(Scope::Run));
        scopes.extend(self.net.iter().cloned().map(Scope::Net));
        scopes
    }

    /// Whether nothing is allowed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scopes().is_empty()
    }

    /// The tools that may be run, each once, in order.
    #[must_use]
    pub fn tools(&self) -> Vec<&ToolId> {
        let mut tools: Vec<&ToolId> = self.run.iter().map(|scope| &scope.tool).collect();
        tools.sort_unstable();
        tools.dedup();
        tools
    }
}

/// One request of a manifest, as it was when its owner approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Requested {
    /// The kind of effect.
    pub capability: Capability,
    /// How far it reaches.
    pub scope: String,
    /// Whether the plugin can do without.
    pub optional: bool,
    /// The plugin's reason.
    pub reason: String,
}

/// What a manifest said about limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Limits {
    /// Memory of an instance.
    pub memory: ByteSize,
    /// Time of a run.
    pub time: TimeSpan,
    /// The loosest confinement of tools that it agrees to, if it minds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confinement: Option<Confinement>,
}

/// One file that is or belongs to a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FileIdentity {
    /// Its path without links.
    pub path: String,
    /// The device that it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Its size in bytes.
    pub size: u64,
    /// When its inode last changed: seconds and nanoseconds. No program can set it back, so that a
    /// file with the same identity need not be read again.
    pub changed: (i64, i64),
    /// Digest of its content.
    pub digest: Digest,
}

impl FileIdentity {
    /// Whether the same program lies at the same place, as the same file or as a copy.
    #[must_use]
    pub fn is_same_program(&self, other: &Self) -> bool {
        self.path == other.path && self.digest == other.digest
    }
}

/// A tool's program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ToolIdentity {
    /// The owner's name for the tool.
    pub tool: ToolId,
    /// The program, or the script.
    pub file: FileIdentity,
    /// What runs the script, if it is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub interpreter: Option<FileIdentity>,
    /// What the program says about its version, if its declaration has a way to ask.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
}

impl ToolIdentity {
    /// Whether it is the same program, run the same way, as the same files or as copies.
    #[must_use]
    pub fn is_same_program(&self, other: &Self) -> bool {
        let interpreter = match (&self.interpreter, &other.interpreter) {
            (None, None) => true,
            (Some(one), Some(other)) => one.is_same_program(other),
            (Some(_), None) | (None, Some(_)) => false,
        };
        interpreter && self.file.is_same_program(&other.file)
    }
}

/// An owner's approval of one plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Approval {
    /// Its name.
    pub id: ApprovalId,
    /// The plugin.
    pub plugin: PluginId,
    /// The plugin's version.
    pub version: String,
    /// Digest of the component.
    pub component: Digest,
    /// Digest of the manifest in it.
    pub manifest: Digest,
    /// Where the component was.
    pub source: Source,
    /// The only workspace in which it holds, by its real path; any if absent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub workspace: Option<String>,
    /// What it allows.
    pub allow: Allowed,
    /// What the manifest requested.
    pub requests: Vec<Requested>,
    /// What the manifest said about limits.
    pub limits: Limits,
    /// The programs of the allowed tools; a tool that was not on the machine is not among them.
    pub tools: Vec<ToolIdentity>,
    /// When: RFC 3339 in UTC.
    pub time: String,
}

/// What happened to approvals, for those who keep account of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[serde(rename_all_fields = "kebab-case")]
pub enum ApprovalChange {
    /// The owner approved.
    Granted {
        /// What exactly.
        approval: Box<Approval>,
        /// The approval that it takes the place of.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        replaces: Option<ApprovalId>,
    },
    /// The owner took an approval back.
    Revoked {
        /// Which.
        approval: ApprovalId,
        /// The plugin.
        plugin: PluginId,
        /// Digest of the component.
        component: Digest,
        /// The workspace in which it held; any if absent.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        workspace: Option<String>,
        /// When: RFC 3339 in UTC.
        time: String,
    },
}

/// What a manifest requests, as an approval records it.
#[must_use]
pub fn requested(manifest: &Manifest) -> Vec<Requested> {
    manifest
        .requests()
        .iter()
        .map(|request| Requested {
            capability: request.scope().capability(),
            scope: request.scope().to_string(),
            optional: request.is_optional(),
            reason: request.reason().to_owned(),
        })
        .collect()
}

/// What a manifest says about limits, as an approval records it.
#[must_use]
pub fn limits(manifest: &Manifest) -> Limits {
    let needs = manifest.needs();
    Limits {
        memory: needs.memory(),
        time: needs.time(),
        confinement: needs.confinement(),
    }
}

#[cfg(test)]
mod tests;
