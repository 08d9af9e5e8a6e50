//! What is taken out of an allowed scope because it was not used.
//!
//! Never: a pattern that could hit something that was used.

use std::collections::BTreeSet;

use super::{Breadth, Observed};
use crate::path::RelPath;
use crate::policy::conflict::guarded;
use crate::policy::edit::ProposedRule;
use crate::policy::{PathPattern, Policy};
use crate::scope::{Scope, ToolScope};
use crate::tool::{TemplateId, ToolDeclaration, ToolId};

/// Directories that are taken out of one scope by name. A longer list nobody reads, and nobody
/// keeps right.
pub const MAX_CARVED: usize = 8;

/// Directories that say what was used. More are put together to the directories above them.
pub const MAX_ROOTS: usize = 8;

/// Templates that are taken out of one tool. The catalogue's largest tool has twelve.
const MAX_TEMPLATES: usize = 16;

/// The deny rules that take what was not used out of a scope.
pub(super) fn out(
    scope: &Scope,
    policy: &Policy,
    observed: &Observed,
    breadth: Breadth,
) -> Vec<ProposedRule> {
    match scope {
        Scope::Read(root) if breadth != Breadth::Guarded => {
            let used: Vec<&RelPath> = observed.read.iter().chain(observed.work()).collect();
            // What a tool reads below its directory cannot be seen, so nothing there is unused.
            let unused = unused(root, observed, &used)
                .into_iter()
                .filter(|path| !observed.work().any(|work| work.covers(path)));
            patterns(unused).map(ProposedRule::DenyRead).collect()
        }
        Scope::Write(root) => {
            let mut rules: Vec<ProposedRule> = kept(root, policy, observed)
                .map(ProposedRule::DenyWrite)
                .collect();
            let used: Vec<&RelPath> = observed.writes().collect();
            let open = |path: &RelPath| match breadth {
                Breadth::Narrow => false,
                Breadth::WithoutWork => observed
                    .work()
                    .any(|work| work.covers(path) || path.covers(work)),
                Breadth::Guarded | Breadth::Requested | Breadth::Everything => true,
            };
            let unused = unused(root, observed, &used)
                .into_iter()
                .filter(|path| !open(path));
            let unused = patterns(unused).map(ProposedRule::DenyWrite);
            for rule in unused {
                if !rules.contains(&rule) {
                    rules.push(rule);
                }
            }
            rules
        }
        Scope::Run(ToolScope {
            tool,
            template: None,
        }) => templates(tool, policy, observed),
        Scope::Read(_)
        | Scope::Run(_)
        | Scope::RunAny
        | Scope::Env(_)
        | Scope::Net(_)
        | Scope::NetAny => Vec::new(),
    }
}

/// Patterns for files that programs obey, below a directory and not written.
fn kept<'a>(
    root: &'a RelPath,
    policy: &Policy,
    observed: &'a Observed,
) -> impl Iterator<Item = PathPattern> {
    let used = observed.calls.iter();
    let tools: Vec<&ToolDeclaration> = used.filter_map(|call| policy.tool(&call.tool)).collect();
    guarded(&tools)
        .into_iter()
        .filter_map(|pattern| pattern.parse::<PathPattern>().ok())
        .filter(|pattern| {
            // Only at the root of the workspace: that is where people and tools look.
            root.is_root() && !observed.writes().any(|path| pattern.denies(path))
        })
}

/// The directories directly below a root in which nothing was used, if they are few.
fn unused<'a>(root: &RelPath, observed: &'a Observed, used: &[&RelPath]) -> Vec<&'a RelPath> {
    let unused: Vec<&RelPath> = observed
        .directories
        .iter()
        .filter(|path| path.parent().is_some_and(|parent| parent == *root))
        .filter(|path| !used.iter().any(|used| path.covers(used)))
        .collect();
    if unused.len() > MAX_CARVED {
        return Vec::new();
    }
    unused
}

/// Patterns for these directories and all that lies below them.
fn patterns<'a>(paths: impl Iterator<Item = &'a RelPath>) -> impl Iterator<Item = PathPattern> {
    paths.filter_map(|path| {
        let mut text = String::with_capacity(path.as_str().len() + 3);
        for character in path.as_str().chars() {
            if matches!(character, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | '!') {
                text.push('\\');
            }
            text.push(character);
        }
        text.push_str("/**");
        text.parse().ok()
    })
}

/// The templates of a tool that were not called, if some were.
fn templates(tool: &ToolId, policy: &Policy, observed: &Observed) -> Vec<ProposedRule> {
    let Some(declaration) = policy.tool(tool) else {
        return Vec::new();
    };
    let called = |template: &TemplateId| {
        let mut calls = observed.calls.iter();
        calls.any(|call| call.tool == *tool && call.template == *template)
    };
    let idle: Vec<&TemplateId> = declaration
        .templates()
        .keys()
        .filter(|template| !called(template))
        .collect();
    if idle.len() > MAX_TEMPLATES || idle.len() == declaration.templates().len() {
        return Vec::new();
    }
    idle.into_iter()
        .map(|template| {
            ProposedRule::DenyRun(ToolScope {
                tool: tool.clone(),
                template: Some(template.clone()),
            })
        })
        .collect()
}

/// The smallest set of at most [`MAX_ROOTS`] directories that holds all of these paths: the
/// deepest ones are put together first.
#[must_use]
pub fn cover<'a>(paths: impl IntoIterator<Item = &'a RelPath>) -> Vec<RelPath> {
    let mut roots: BTreeSet<RelPath> = paths.into_iter().cloned().collect();
    reduce(&mut roots);
    while roots.len() > MAX_ROOTS {
        let deepest = roots
            .iter()
            .max_by_key(|path| path.components().count())
            .cloned();
        let Some(deepest) = deepest else { break };
        roots.insert(deepest.parent().unwrap_or_else(RelPath::root));
        roots.remove(&deepest);
        reduce(&mut roots);
    }
    roots.into_iter().collect()
}

/// Leaves out what lies below another one.
fn reduce(roots: &mut BTreeSet<RelPath>) {
    let all: Vec<RelPath> = roots.iter().cloned().collect();
    roots.retain(|path| !all.iter().any(|other| other != path && other.covers(path)));
}
