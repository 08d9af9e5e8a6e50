//! A tool as its owner declares it.
//!
//! Never: made from anything but an owner's policy or the catalogue.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::{
    EnvName, OriginPort, PLACE, Program, Resources, RuntimePath, SecretSource, Template,
    TemplateId, ToolId, ToolLimits,
};
use crate::excerpt::excerpt;
use crate::path::RelPath;
use crate::quantity::{ByteSize, TimeSpan};

/// Wall-clock limit of a tool whose declaration names none.
pub const DEFAULT_WALL: TimeSpan = TimeSpan::seconds(60);
/// Kept output of a tool whose declaration names no limit.
pub const DEFAULT_OUTPUT: ByteSize = ByteSize::mebibytes(16);
/// A tool is ended at this many times its kept output, unless its declaration says otherwise: a
/// bit too much is cut, a flood is stopped.
pub const HARD_OUTPUT_FACTOR: u64 = 4;
/// Longest time limit of a tool: what takes longer than a day is a service.
pub const MAX_TOOL_TIME: TimeSpan = TimeSpan::seconds(24 * 60 * 60);

/// Which network a tool may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// None.
    None,
    /// A loopback interface of its own: what the tool starts can talk among itself, and to nobody
    /// else.
    Loopback,
    /// Likewise, with ports on it that stand for one named origin each.
    Origins,
    /// The host's.
    Full,
}

/// Where a tool runs if the call does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolDirectory {
    /// The workspace; a call may name a directory below it.
    Workspace,
    /// This absolute path; a call may name nothing else.
    Fixed(PathBuf),
}

/// The rules of a run of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolRules {
    pub(crate) pass_env: Vec<EnvName>,
    pub(crate) plugin_env: Vec<EnvName>,
    pub(crate) set_env: Vec<(EnvName, String)>,
    pub(crate) directory: ToolDirectory,
    pub(crate) limits: ToolLimits,
    pub(crate) success: Vec<u8>,
    pub(crate) network: Network,
    pub(crate) origins: Vec<OriginPort>,
    pub(crate) runtime: Vec<RuntimePath>,
    pub(crate) writes_settings: Vec<RelPath>,
    pub(crate) hides: Vec<RelPath>,
    pub(crate) secrets: Vec<(EnvName, SecretSource)>,
    pub(crate) resources: Resources,
}

impl ToolRules {
    /// Names whose values the tool gets from the host's environment.
    #[must_use]
    pub fn pass_env(&self) -> &[EnvName] {
        &self.pass_env
    }
    /// Names that a plugin may set.
    #[must_use]
    pub fn plugin_env(&self) -> &[EnvName] {
        &self.plugin_env
    }
    /// Names with the owner's constants.
    #[must_use]
    pub fn set_env(&self) -> &[(EnvName, String)] {
        &self.set_env
    }
    /// The constants that name the scratch directory or a file in it, by their index.
    pub(crate) fn scratch_env(&self) -> Vec<usize> {
        let named = |value: &str| value.starts_with(PLACE);
        let all = self.set_env.iter().enumerate();
        all.filter_map(|(index, (_, value))| named(value).then_some(index))
            .collect()
    }
    /// Where the tool runs.
    #[must_use]
    pub fn directory(&self) -> &ToolDirectory {
        &self.directory
    }
    /// Its limits; a call can only lower them.
    #[must_use]
    pub fn limits(&self) -> &ToolLimits {
        &self.limits
    }
    /// The exit codes that count as success.
    #[must_use]
    pub fn success(&self) -> &[u8] {
        &self.success
    }
    /// The network that it may reach.
    #[must_use]
    pub fn network(&self) -> Network {
        self.network
    }
    /// The origins that it may reach, by port; empty unless its network is [`Network::Origins`].
    #[must_use]
    pub fn origins(&self) -> &[OriginPort] {
        &self.origins
    }
    /// What it needs outside of the workspace, beside the system's own directories.
    #[must_use]
    pub fn runtime(&self) -> &[RuntimePath] {
        &self.runtime
    }
    /// Settings of the workspace that later programs obey and that this tool may change.
    #[must_use]
    pub fn writes_settings(&self) -> &[RelPath] {
        &self.writes_settings
    }
    /// What of the workspace looks empty to this tool: files from which it would take commands.
    #[must_use]
    pub fn hides(&self) -> &[RelPath] {
        &self.hides
    }
    /// Names with the places where their secret values are.
    #[must_use]
    pub fn secrets(&self) -> &[(EnvName, SecretSource)] {
        &self.secrets
    }
    /// Its resources.
    #[must_use]
    pub fn resources(&self) -> &Resources {
        &self.resources
    }
}

/// A tool: a program, the shapes of its arguments, and the rules of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolDeclaration {
    pub(crate) id: ToolId,
    pub(crate) program: Program,
    pub(crate) templates: BTreeMap<TemplateId, Template>,
    pub(crate) rules: ToolRules,
}

impl ToolDeclaration {
    /// The owner's name for it.
    #[must_use]
    pub fn id(&self) -> &ToolId {
        &self.id
    }
    /// The program.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }
    /// The shapes of its arguments, by name.
    #[must_use]
    pub fn templates(&self) -> &BTreeMap<TemplateId, Template> {
        &self.templates
    }
    /// The rules of a run.
    #[must_use]
    pub fn rules(&self) -> &ToolRules {
        &self.rules
    }
}

/// The text is not a network rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a network rule; write none, loopback, origins or full")]
pub struct NetworkError(String);

impl FromStr for Network {
    type Err = NetworkError;
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        match text {
            "none" => Ok(Self::None),
            "loopback" => Ok(Self::Loopback),
            "origins" => Ok(Self::Origins),
            "full" => Ok(Self::Full),
            other => Err(NetworkError(excerpt(other))),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Loopback => "loopback",
            Self::Origins => "origins",
            Self::Full => "full",
        })
    }
}

impl fmt::Display for ToolDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workspace => f.write_str("workspace"),
            Self::Fixed(path) => write!(f, "{}", path.display()),
        }
    }
}
