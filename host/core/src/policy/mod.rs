//! What the owner allows: tools, and rules for plugins, from several files and flags.
//!
//! ```toml
//! format = 1
//!
//! [tools.git]
//! program = "/usr/bin/git"
//! [tools.git.templates]
//! log = ["log", "-n", "{count:int:1..500}", "{rev:rev}"]
//! [tools.git.run]
//! wall = "60s"
//!
//! [plugins.module-creation]
//! component = "sha256:..."            # optional: for this component only
//! read = ["."]
//! write = ["."]
//! run = ["python3:unittest"]
//! deny-write = [".git/**"]
//! confinement = "A"                # tools run this tightly confined or not at all
//! limits = { memory = "128MiB" }      # holds in place of what the manifest asks for
//! ```
//!
//! Each file is a [`Layer`]; [`Policy::read`] reads them all and puts them together. Allows add up. A deny beats
//! every allow, whatever layer it comes from. A tool declared again replaces the earlier one as a
//! whole. Every rule remembers where it was written. Never: a rule that silently does nothing.

mod allowance;
mod approved;
mod as_root;
mod check;
mod conflict;
mod edit;
mod flags;
mod hooks;
mod layer;
mod learned;
mod origin;
mod pattern;
mod protected;
mod rule;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::approval::Approval;
use crate::catalogue;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::id::PluginId;
use crate::manifest::Confinement;
use crate::path::RelPath;
use crate::scope::{Capability, Scope};
use crate::tool::{ToolDeclaration, ToolId};

pub(crate) use allowance::Allowance;
pub use as_root::{AsRoot, AsRootError};
pub use conflict::{Facts, Finding, Part, ProgramFacts, Severity, conflicts};
pub use edit::{EditError, ProposedRule, with_rules};
pub use flags::FlagRules;
pub use hooks::DeclaredHook;
pub(crate) use layer::written;
pub use layer::{Layer, POLICY_FORMAT};
pub use learned::{
    Breadth, Called, MAX_CARVED, MAX_ROOTS, Observed, Proposal, cover, proposals, undecided,
    unobservable,
};
pub use origin::Origin;
pub use pattern::{PathPattern, PatternError};
pub(crate) use rule::{AllowRule, DenyRule, DenyScope, Hit, Pin, Place, Section};

/// What the owner allows, all layers together.
#[derive(Debug, Clone)]
pub struct Policy {
    tools: BTreeMap<ToolId, DeclaredTool>,
    /// Declarations that a higher layer's replaced, in rising precedence.
    replaced: Vec<(ToolId, DeclaredTool)>,
    /// Sections in rising precedence.
    sections: Vec<Section>,
    search: Option<Vec<PathBuf>>,
    confinement: Option<Confinement>,
    as_root: Option<AsRoot>,
    /// In rising precedence of their layers. They add up.
    hooks: Vec<DeclaredHook>,
}

/// A tool with the layer that declares it.
#[derive(Debug, Clone)]
struct DeclaredTool {
    declaration: Arc<ToolDeclaration>,
    origin: Origin,
}

/// A rule as `policy show` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleLine {
    /// The plugin that it is for; the plugin that is being run if absent.
    pub plugin: Option<PluginId>,
    /// Whether it forbids.
    pub deny: bool,
    /// The kind of effect.
    pub capability: Capability,
    /// The rule as it is written.
    pub rule: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The rule's line, from 1.
    pub line: usize,
}

impl RuleLine {
    /// Where it stands, for people: file and line. A flag is its own place.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.origin {
            Origin::Flag(_) => "command line".to_owned(),
            file @ (Origin::BuiltIn
            | Origin::User(_)
            | Origin::Workspace(_)
            | Origin::File(_)
            | Origin::Approval(_)) => format!("{file}:{}", self.line),
        }
    }
}

impl Policy {
    /// Reads one policy on top of the built-in catalogue.
    ///
    /// # Errors
    /// Every mistake in the text, and every rule that can never match, with line and fix.
    pub fn parse(origin: Origin, text: &str) -> Result<Self, Diagnostics> {
        Self::read(&[(origin, text)], &FlagRules::default())
    }

    /// Reads several policies and the flags of a command line on top of the built-in catalogue.
    ///
    /// # Errors
    /// Every mistake of every text and flag at once.
    pub fn read(texts: &[(Origin, &str)], flags: &FlagRules) -> Result<Self, Diagnostics> {
        Self::read_approved(texts, flags, None)
    }

    /// Like [`Self::read`], with an approval of the owner between the files and the flags. That it
    /// still stands is for [`crate::approval::compare`] to say.
    ///
    /// # Errors
    /// Every mistake of every text and flag at once.
    pub fn read_approved(
        texts: &[(Origin, &str)],
        flags: &FlagRules,
        approval: Option<&Approval>,
    ) -> Result<Self, Diagnostics> {
        let mut layers = vec![catalogue::layer()?];
        let mut found = Vec::new();
        for (origin, text) in texts {
            let (layer, mistakes) = Layer::attempt(origin.clone(), text);
            layers.push(layer);
            found.extend(mistakes);
        }
        layers.extend(approval.map(Layer::approved));
        let (layer, mistakes) = flags.attempt();
        layers.push(layer);
        found.extend(mistakes);
        Self::stacked(layers, found)
    }

    /// Puts exactly these layers together (the catalogue only if it is among them): built-in first, then the user's, the workspace's, files, an approval, flags;
    /// layers of one kind in the order given.
    ///
    /// # Errors
    /// Every rule of any layer that names a tool or template which no layer declares.
    pub fn layered(layers: Vec<Layer>) -> Result<Self, Diagnostics> {
        Self::stacked(layers, Vec::new())
    }

    fn stacked(mut layers: Vec<Layer>, mut found: Vec<Diagnostic>) -> Result<Self, Diagnostics> {
        layers.sort_by_key(|layer| layer.origin.rank());
        let mut policy = Self {
            tools: BTreeMap::new(),
            replaced: Vec::new(),
            sections: Vec::new(),
            search: None,
            confinement: None,
            as_root: None,
            hooks: Vec::new(),
        };
        let mut broken = BTreeSet::new();
        for layer in layers {
            broken.extend(layer.broken);
            for declaration in layer.tools {
                let id = declaration.id().clone();
                let declaration = Arc::new(declaration);
                let origin = layer.origin.clone();
                let tool = DeclaredTool {
                    declaration,
                    origin,
                };
                if let Some(old) = policy.tools.insert(id.clone(), tool) {
                    policy.replaced.push((id, old));
                }
            }
            policy.search = layer.search.or(policy.search);
            policy.confinement = layer.confinement.or(policy.confinement);
            policy.as_root = layer.as_root.or(policy.as_root);
            policy.sections.extend(layer.sections);
            policy.hooks.extend(layer.hooks);
        }
        found.extend(check::undeclared(&policy, &broken));
        found.extend(hooks::mistakes(&policy, &broken));
        match Diagnostics::of(found) {
            Some(found) => Err(found),
            None => Ok(policy),
        }
    }

    /// The tools, by name, each with the layer that declares it.
    pub fn tools(&self) -> impl Iterator<Item = (&ToolDeclaration, &Origin)> {
        self.tools
            .values()
            .map(|tool| (tool.declaration.as_ref(), &tool.origin))
    }

    /// The hooks of all layers, in rising precedence.
    #[must_use]
    pub fn hooks(&self) -> &[DeclaredHook] {
        &self.hooks
    }

    /// A tool by name.
    #[must_use]
    pub fn tool(&self, id: &ToolId) -> Option<&ToolDeclaration> {
        self.tools.get(id).map(|tool| tool.declaration.as_ref())
    }

    /// The directories in which bare program names are looked up, if the owner says; absolute.
    #[must_use]
    pub fn search(&self) -> Option<&[PathBuf]> {
        self.search.as_deref()
    }

    /// What happens to tools if the host runs as root.
    #[must_use]
    pub fn as_root(&self) -> AsRoot {
        self.as_root.unwrap_or_default()
    }

    /// The file that holds a plugin's component, if a layer names one, as it is written there:
    /// absolute, or relative to the directory of the layer's file. The highest layer holds.
    #[must_use]
    pub fn plugin_file(&self, id: &PluginId) -> Option<(&str, &Origin)> {
        let named = self
            .sections
            .iter()
            .rev()
            .filter(|section| section.subject.is(id));
        named
            .filter_map(|section| section.file.as_ref())
            .map(|(file, origin)| (file.as_str(), origin))
            .next()
    }

    /// The plugins that have a section of their own, in order, without repetition.
    #[must_use]
    pub fn plugins(&self) -> Vec<&PluginId> {
        let mut ids: Vec<&PluginId> = self
            .sections
            .iter()
            .filter_map(|section| section.subject.id())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The tools of which at least one template is allowed to someone, by name.
    pub fn allowed_tools(&self) -> impl Iterator<Item = &ToolDeclaration> {
        let rules = || self.sections.iter().flat_map(|section| &section.allow);
        self.tools().map(|(tool, _)| tool).filter(move |tool| {
            rules().any(|rule| matches!(&rule.scope, Scope::Run(run) if run.tool == *tool.id()))
        })
    }

    /// The directories that rules let someone write, without repetition.
    #[must_use]
    pub fn write_roots(&self) -> Vec<&RelPath> {
        let rules = self.sections.iter().flat_map(|section| &section.allow);
        let mut roots: Vec<&RelPath> = rules
            .filter_map(|rule| match &rule.scope {
                Scope::Write(path) => Some(path),
                Scope::Read(_)
                | Scope::Env(_)
                | Scope::Run(_)
                | Scope::RunAny
                | Scope::Net(_)
                | Scope::NetAny => None,
            })
            .collect();
        roots.sort_unstable();
        roots.dedup();
        roots
    }

    /// Every rule with where it comes from, in rising precedence.
    #[must_use]
    pub fn rule_lines(&self) -> Vec<RuleLine> {
        let mut lines = Vec::new();
        for section in &self.sections {
            let line = |deny, capability, place: &Place| RuleLine {
                plugin: section.subject.id().cloned(),
                deny,
                capability,
                rule: place.rule().to_owned(),
                origin: place.origin().clone(),
                line: place.line(),
            };
            lines.extend(
                section
                    .allow
                    .iter()
                    .map(|rule| line(false, rule.scope.capability(), &rule.place)),
            );
            lines.extend(
                section
                    .deny
                    .iter()
                    .map(|rule| line(true, rule.scope.capability(), &rule.place)),
            );
        }
        lines
    }
}

#[cfg(test)]
mod tests;
