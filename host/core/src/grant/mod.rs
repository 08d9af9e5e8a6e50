//! The proof of a decision: what a plugin may do in this run.
//!
//! Code that takes an effect asks for `Grants` in its signature. Only [`crate::decide::decide`]
//! makes one; there is no default and no way to read one from a file. Never: a method that adds
//! something, a check of what is on disk.

mod launch;
mod refusal;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::decide::{Verdict, judge};
use crate::denial::Denial;
use crate::digest::Digest;
use crate::manifest::{Confinement, Manifest};
use crate::net::NetOrigin;
use crate::path::RelPath;
use crate::policy::{Allowance, DenyScope, PathPattern};
use crate::quantity::{ByteSize, TimeSpan};
use crate::scope::{Capability, Scope, ToolScope};
use crate::tool::{EnvName, TemplateId, ToolDeclaration, ToolId};

pub(crate) use refusal::refusal;
pub use refusal::{CallProblem, CallRefused};

/// What a plugin wants to do with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Read a file, list a directory, look at metadata.
    Read,
    /// Create, change or delete.
    Write,
}

/// A declared tool with the templates that are granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedTool {
    pub(crate) declaration: Arc<ToolDeclaration>,
    pub(crate) templates: BTreeSet<TemplateId>,
}

impl GrantedTool {
    /// The owner's declaration.
    #[must_use]
    pub fn declaration(&self) -> &ToolDeclaration {
        &self.declaration
    }
    /// The templates that may be called; never empty.
    #[must_use]
    pub fn templates(&self) -> &BTreeSet<TemplateId> {
        &self.templates
    }
}

/// The limits of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantedLimits {
    pub(crate) memory: ByteSize,
    pub(crate) time: TimeSpan,
    pub(crate) confinement: Confinement,
}

impl GrantedLimits {
    /// Memory of an instance: the owner's limit, or what the manifest asks for.
    #[must_use]
    pub fn memory(&self) -> ByteSize {
        self.memory
    }
    /// Time of an attempt, likewise.
    #[must_use]
    pub fn time(&self) -> TimeSpan {
        self.time
    }
    /// The loosest confinement under which tools may run: the tightest that manifest and owner ask
    /// for.
    #[must_use]
    pub fn confinement(&self) -> Confinement {
        self.confinement
    }
}

/// What a plugin may do. See the module's documentation.
#[derive(Debug, Clone)]
pub struct Grants {
    manifest: Manifest,
    component: Digest,
    read: Vec<RelPath>,
    write: Vec<RelPath>,
    env: Vec<EnvName>,
    net: Vec<NetOrigin>,
    tools: BTreeMap<ToolId, GrantedTool>,
    limits: GrantedLimits,
    withheld: Vec<Denial>,
    allowance: Allowance,
}

impl Grants {
    /// Only `decide` calls this.
    pub(crate) fn decided(
        manifest: Manifest,
        component: Digest,
        granted: Vec<Scope>,
        tools: BTreeMap<ToolId, GrantedTool>,
        limits: GrantedLimits,
        withheld: Vec<Denial>,
        allowance: Allowance,
    ) -> Self {
        let mut grants = Self {
            manifest,
            component,
            read: Vec::new(),
            write: Vec::new(),
            env: Vec::new(),
            net: Vec::new(),
            tools,
            limits,
            withheld,
            allowance,
        };
        for scope in granted {
            match scope {
                Scope::Read(path) => grants.read.push(path),
                Scope::Write(path) => grants.write.push(path),
                Scope::Env(name) => grants.env.push(name),
                Scope::Net(origin) => grants.add_net(origin),
                Scope::NetAny => grants.add_allowed_nets(),
                // Which templates these mean is in `tools` already.
                Scope::Run(_) | Scope::RunAny => {}
            }
        }
        grants
    }

    fn add_net(&mut self, origin: NetOrigin) {
        if !self.net.contains(&origin) {
            self.net.push(origin);
        }
    }

    /// What a request for any origin means: every one that the owner allows.
    fn add_allowed_nets(&mut self) {
        let allowed: Vec<NetOrigin> = self
            .allowance
            .allow
            .iter()
            .filter(|rule| matches!(judge(&self.allowance, &rule.scope), Verdict::Granted))
            .filter_map(|rule| match &rule.scope {
                Scope::Net(origin) => Some(origin.clone()),
                Scope::Read(_)
                | Scope::Write(_)
                | Scope::Env(_)
                | Scope::Run(_)
                | Scope::RunAny
                | Scope::NetAny => None,
            })
            .collect();
        for origin in allowed {
            self.add_net(origin);
        }
    }

    /// The manifest that was decided.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The component for which it was decided.
    #[must_use]
    pub fn component(&self) -> &Digest {
        &self.component
    }

    /// The directories below which files may be read, as requested. What [`Self::may_read`]
    /// refuses inside them stays refused.
    #[must_use]
    pub fn read_roots(&self) -> &[RelPath] {
        &self.read
    }

    /// The directories below which files may be created, changed and deleted, likewise.
    #[must_use]
    pub fn write_roots(&self) -> &[RelPath] {
        &self.write
    }

    /// Whether this path may be read: below a read root, and no deny rule matches.
    #[must_use]
    pub fn may_read(&self, path: &RelPath) -> bool {
        self.may(Access::Read, path)
    }

    /// Whether this path may be created, changed or deleted, likewise.
    #[must_use]
    pub fn may_write(&self, path: &RelPath) -> bool {
        self.may(Access::Write, path)
    }

    /// Whether this access to this path is granted.
    #[must_use]
    pub fn may(&self, access: Access, path: &RelPath) -> bool {
        let roots = match access {
            Access::Read => &self.read,
            Access::Write => &self.write,
        };
        roots.iter().any(|root| root.covers(path))
            && !self.patterns(access).any(|pattern| pattern.denies(path))
    }

    /// Whether a deny rule could match something below this directory. To move or remove such a
    /// directory as a whole would go around the rule.
    #[must_use]
    pub fn denies_below(&self, access: Access, path: &RelPath) -> bool {
        self.patterns(access)
            .any(|pattern| pattern.reaches_below(path))
    }

    /// The deny patterns for this access: what is carved out of the roots.
    pub fn patterns(&self, access: Access) -> impl Iterator<Item = &PathPattern> {
        self.allowance
            .deny
            .iter()
            .filter_map(move |rule| match (&rule.scope, access) {
                (DenyScope::Read(pattern), Access::Read)
                | (DenyScope::Write(pattern), Access::Write) => Some(pattern),
                (DenyScope::Read(_), Access::Write)
                | (DenyScope::Write(_), Access::Read)
                | (
                    DenyScope::Env(_) | DenyScope::Run(_) | DenyScope::Net(_),
                    Access::Read | Access::Write,
                ) => None,
            })
    }

    /// The same question as [`Self::may`], with the answer in words.
    ///
    /// # Errors
    /// The access is not granted; the denial says which key is missing and what would change it.
    #[expect(
        clippy::result_large_err,
        reason = "a refusal is rare, and its caller keeps it"
    )]
    pub fn check_path(&self, access: Access, path: &RelPath) -> Result<(), Denial> {
        if self.may(access, path) {
            return Ok(());
        }
        let scope = match access {
            Access::Read => Scope::Read(path.clone()),
            Access::Write => Scope::Write(path.clone()),
        };
        Err(self.denial(&scope))
    }

    /// The host's environment variables that the plugin may see.
    #[must_use]
    pub fn env_names(&self) -> &[EnvName] {
        &self.env
    }

    /// The network origins that the plugin may reach.
    #[must_use]
    pub fn nets(&self) -> &[NetOrigin] {
        &self.net
    }

    /// Whether the plugin may reach this origin.
    ///
    /// # Errors
    /// It may not; the denial says which key is missing and what would change it.
    pub fn check_net(&self, origin: &NetOrigin) -> Result<(), Box<Denial>> {
        if self.net.contains(origin) {
            return Ok(());
        }
        Err(Box::new(self.denial(&Scope::Net(origin.clone()))))
    }

    /// Whether the plugin could reach anything at all: its manifest requests an origin.
    ///
    /// # Errors
    /// It does not; the denial says what would change it.
    pub fn check_any_net(&self) -> Result<(), Box<Denial>> {
        let mut requests = self.manifest.requests().iter();
        if requests.any(|request| request.scope().capability() == Capability::Net) {
            return Ok(());
        }
        Err(Box::new(self.denial(&Scope::NetAny)))
    }

    /// The tools that the plugin may have run, by name.
    #[must_use]
    pub fn tools(&self) -> &BTreeMap<ToolId, GrantedTool> {
        &self.tools
    }

    /// The limits of an instance.
    #[must_use]
    pub fn limits(&self) -> &GrantedLimits {
        &self.limits
    }

    /// Optional requests that were not granted, in the manifest's order.
    #[must_use]
    pub fn withheld(&self) -> &[Denial] {
        &self.withheld
    }

    fn tool_scope(tool: &ToolId, template: &TemplateId) -> Scope {
        let (tool, template) = (tool.clone(), Some(template.clone()));
        Scope::Run(ToolScope { tool, template })
    }
}

#[cfg(test)]
mod tests;
