//! One rule, and one plugin's rules in one layer.
//!
//! Never: a rule that forgets where it was written.

use std::ops::Range;
use std::sync::Arc;

use super::{Origin, PathPattern};
use crate::diagnostic::Source;
use crate::digest::Digest;
use crate::id::PluginId;
use crate::manifest::Confinement;
use crate::net::NetOrigin;
use crate::quantity::{ByteSize, TimeSpan};
use crate::scope::{Capability, Scope, ToolScope};
use crate::tool::EnvName;

/// Where a rule was written, and how.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(super) origin: Origin,
    pub(super) source: Arc<Source>,
    pub(super) span: Range<usize>,
    pub(super) rule: String,
}

impl Place {
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }
    /// The rule as it is written, for example `run = ["git:log"]` or `--allow-run=git:log`.
    pub(crate) fn rule(&self) -> &str {
        &self.rule
    }
    /// The rule's line; a command line has only one.
    pub(crate) fn line(&self) -> usize {
        match self.origin {
            Origin::Flag(_) => 1,
            Origin::BuiltIn
            | Origin::User(_)
            | Origin::Workspace(_)
            | Origin::File(_)
            | Origin::Approval(_) => self.source.position(self.span.start).0,
        }
    }
}

/// Allows everything that its scope covers.
#[derive(Debug, Clone)]
pub(crate) struct AllowRule {
    pub(crate) scope: Scope,
    pub(crate) place: Place,
}

/// What a deny rule means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DenyScope {
    Read(PathPattern),
    Write(PathPattern),
    Env(EnvName),
    Run(ToolScope),
    Net(NetOrigin),
}

/// How much of a scope a deny rule takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hit {
    Nothing,
    Part,
    Whole,
}

impl Hit {
    fn of(whole: bool, part: bool) -> Self {
        match (whole, part) {
            (true, _) => Self::Whole,
            (false, true) => Self::Part,
            (false, false) => Self::Nothing,
        }
    }
}

impl DenyScope {
    pub(crate) fn capability(&self) -> Capability {
        match self {
            Self::Read(_) => Capability::Read,
            Self::Write(_) => Capability::Write,
            Self::Env(_) => Capability::Env,
            Self::Run(_) => Capability::Run,
            Self::Net(_) => Capability::Net,
        }
    }

    /// How much of `scope` this denies.
    pub(crate) fn hits(&self, scope: &Scope) -> Hit {
        match (self, scope) {
            (Self::Read(pattern), Scope::Read(path))
            | (Self::Write(pattern), Scope::Write(path)) => {
                Hit::of(pattern.denies(path), pattern.reaches_below(path))
            }
            (Self::Env(denied), Scope::Env(name)) => Hit::of(denied == name, false),
            (Self::Run(denied), Scope::Run(tool)) => {
                Hit::of(denied.covers(tool), tool.covers(denied))
            }
            (Self::Run(_), Scope::RunAny) => Hit::Part,
            (Self::Net(denied), Scope::Net(origin)) => Hit::of(denied == origin, false),
            (Self::Net(_), Scope::NetAny) => Hit::Part,
            (Self::Read(_) | Self::Write(_) | Self::Env(_) | Self::Run(_) | Self::Net(_), _) => {
                Hit::Nothing
            }
        }
    }
}

/// Denies what its scope means, whatever is allowed elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct DenyRule {
    pub(crate) scope: DenyScope,
    pub(crate) place: Place,
}

/// Whom a section is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The plugin with this identifier.
    Plugin(PluginId),
    /// The plugin that is being run: what a flag means.
    Running,
}

impl Subject {
    pub(crate) fn id(&self) -> Option<&PluginId> {
        match self {
            Self::Plugin(id) => Some(id),
            Self::Running => None,
        }
    }

    /// Whether the section holds for this plugin.
    pub(crate) fn is(&self, plugin: &PluginId) -> bool {
        match self {
            Self::Plugin(id) => id == plugin,
            Self::Running => true,
        }
    }
}

/// The only component for which a section was written.
#[derive(Debug, Clone)]
pub(crate) struct Pin {
    pub(crate) component: Digest,
    pub(crate) place: Place,
}

/// One plugin's rules in one layer.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub(crate) subject: Subject,
    pub(crate) pin: Option<Pin>,
    pub(crate) file: Option<(String, Origin)>,
    pub(crate) allow: Vec<AllowRule>,
    pub(crate) deny: Vec<DenyRule>,
    pub(crate) memory: Option<ByteSize>,
    pub(crate) time: Option<TimeSpan>,
    pub(crate) confinement: Option<Confinement>,
}
