//! Where a policy works against itself, or against the machine that it is for: rules that are
//! each right and together are not what their writer meant.
//!
//! [`conflicts`] takes a policy that was read without mistakes and the [`Facts`] that the program
//! gathered, and says everything that it finds, each with the rule, the reason and the line that
//! would change it. Never: I/O; a finding without a fix; a change to the policy.

mod machine;
mod obeyed;
mod overlap;
mod unused;

use std::path::PathBuf;

use serde::Serialize;

use super::rule::{AllowRule, DenyRule, DenyScope, Place, Section, Subject};
use super::{Policy, RuleLine};
use crate::manifest::Manifest;
use crate::path::RelPath;
use crate::scope::Scope;
use crate::tool::ToolId;

pub(super) use obeyed::guarded;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Something does not work, or a program is open to replacement.
    Error,
    /// Something is wider or weaker than it looks.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word in output.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable kebab-case word for programs.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// The rules that it is about; none if it is about a declaration.
    pub rules: Vec<RuleLine>,
    /// What was found, in one sentence.
    pub message: String,
    /// Why it matters, in one sentence.
    pub why: String,
    /// The line to add, change or remove.
    pub fix: String,
}

/// What is known of the machine and of the plugins. All paths are absolute.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The workspace's real path.
    pub workspace: PathBuf,
    /// Where directories of write rules really are, if a link leads elsewhere.
    pub roots: Vec<(RelPath, PathBuf)>,
    /// The programs of tools that are allowed to someone and were found.
    pub programs: Vec<ProgramFacts>,
    /// Where bare program names are looked up.
    pub search: Vec<PathBuf>,
    /// The `PATH` of every tool.
    pub tool_path: Vec<PathBuf>,
    /// The manifests of the plugins that are known.
    pub manifests: Vec<Manifest>,
}

/// The files behind one tool.
#[derive(Debug, Clone)]
pub struct ProgramFacts {
    /// The tool.
    pub tool: ToolId,
    /// The files and directories that decide what runs under its name.
    pub parts: Vec<(Part, PathBuf)>,
}

/// What a file is to a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The program itself.
    Program,
    /// What runs the script that the tool is.
    Interpreter,
    /// The script that the tool is.
    Script,
    /// A directory that holds one of them, or a link to it.
    Directory,
}

impl Part {
    fn words(self) -> &'static str {
        match self {
            Self::Program => "the program",
            Self::Interpreter => "the interpreter",
            Self::Script => "the script",
            Self::Directory => "a directory on the way to the program",
        }
    }
}

/// Everything that is found, the worst first, otherwise in the order of the rules.
#[must_use]
pub fn conflicts(policy: &Policy, facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(machine::programs(policy, facts));
    found.extend(machine::search_path(policy, facts));
    found.extend(obeyed::settings(policy));
    found.extend(obeyed::code(policy));
    found.extend(overlap::covered(policy));
    found.extend(overlap::redeclared(policy));
    found.extend(unused::denied(policy));
    found.extend(unused::unrequested(policy, &facts.manifests));
    found.extend(unused::tools(policy));
    found.sort_by_key(|finding| finding.severity);
    found
}

/// The rules of one subject, in rising precedence: what its findings are held against.
struct Rules<'a> {
    subject: &'a Subject,
    allow: Vec<(&'a Section, &'a AllowRule)>,
    deny: Vec<(&'a Section, &'a DenyRule)>,
}

impl<'a> Rules<'a> {
    /// One for each plugin that has a section, and one for flags.
    fn of(policy: &'a Policy) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for section in &policy.sections {
            let known = all.iter().position(|one| *one.subject == section.subject);
            let known = known.unwrap_or_else(|| {
                all.push(Self {
                    subject: &section.subject,
                    allow: Vec::new(),
                    deny: Vec::new(),
                });
                all.len() - 1
            });
            if let Some(rules) = all.get_mut(known) {
                let (allow, deny) = (section.allow.iter(), section.deny.iter());
                rules.allow.extend(allow.map(|rule| (section, rule)));
                rules.deny.extend(deny.map(|rule| (section, rule)));
            }
        }
        all
    }

    /// The plugin, in words.
    fn who(&self) -> String {
        match self.subject {
            Subject::Plugin(id) => format!("`{id}`"),
            Subject::Running => "the plugin that runs".to_owned(),
        }
    }

    /// Whether any rule lets it have some template of this tool run.
    fn runs(&self, tool: &ToolId) -> bool {
        let names = |scope: &Scope| matches!(scope, Scope::Run(run) if run.tool == *tool);
        self.allow.iter().any(|(_, rule)| names(&rule.scope))
    }

    /// The rules that let it write, each with its directory.
    fn writes(&self) -> impl Iterator<Item = (&'a AllowRule, &'a RelPath)> {
        self.allow.iter().filter_map(|(_, rule)| match &rule.scope {
            Scope::Write(path) => Some((*rule, path)),
            Scope::Read(_)
            | Scope::Env(_)
            | Scope::Run(_)
            | Scope::RunAny
            | Scope::Net(_)
            | Scope::NetAny => None,
        })
    }

    /// Whether a rule forbids to write this path.
    fn forbids_writing(&self, path: &RelPath) -> bool {
        self.deny.iter().any(|(_, rule)| match &rule.scope {
            DenyScope::Write(pattern) => pattern.denies(path),
            DenyScope::Read(_) | DenyScope::Env(_) | DenyScope::Run(_) | DenyScope::Net(_) => false,
        })
    }

    fn allow_line(&self, rule: &AllowRule) -> RuleLine {
        line(self.subject, false, rule.scope.capability(), &rule.place)
    }

    fn deny_line(&self, rule: &DenyRule) -> RuleLine {
        line(self.subject, true, rule.scope.capability(), &rule.place)
    }

    /// The line, or the flags, that add a deny rule with these values.
    fn deny_fix(&self, key: &str, values: &[&str]) -> String {
        match self.subject {
            Subject::Plugin(id) => {
                let list: Vec<String> = values.iter().map(|value| quoted(value)).collect();
                format!("plugins.{id}.{key} = [{}]", list.join(", "))
            }
            Subject::Running => format!("--{key}={}", values.join(",")),
        }
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

fn line(
    subject: &Subject,
    deny: bool,
    capability: crate::scope::Capability,
    place: &Place,
) -> RuleLine {
    RuleLine {
        plugin: subject.id().cloned(),
        deny,
        capability,
        rule: place.rule().to_owned(),
        origin: place.origin().clone(),
        line: place.line(),
    }
}

/// How a rule is taken back.
fn remove(line: &RuleLine) -> String {
    format!("remove {} at {}", line.rule, line.place())
}

#[cfg(test)]
mod tests;
