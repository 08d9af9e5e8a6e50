//! From what a run was seen to use to the policy that would have been enough.
//!
//! A request of a manifest is granted as a whole, so an allow rule is never narrower than the
//! request that it is for; what of it was not used is taken out again by deny rules. [`proposals`]
//! makes the narrowest proposal first and then wider ones, for whoever tries them one by one.
//! Never: a rule for what the owner's policy forbids; a rule for what was not used and can be done
//! without.

mod carve;

use std::collections::BTreeSet;

use super::edit::ProposedRule;
use super::{Allowance, Policy};
use crate::decide::{Verdict, judge};
use crate::manifest::{Manifest, Request};
use crate::path::RelPath;
use crate::scope::{Scope, ToolScope};
use crate::tool::{TemplateId, ToolId};

pub use carve::{MAX_CARVED, MAX_ROOTS, cover};

/// What a run was seen to use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// What the plugin read, listed or looked at.
    pub read: BTreeSet<RelPath>,
    /// What the plugin created, changed or removed.
    pub written: BTreeSet<RelPath>,
    /// What differed in the workspace afterwards, whoever did it.
    pub changed: BTreeSet<RelPath>,
    /// The tools that ran, or about which the plugin asked.
    pub calls: BTreeSet<Called>,
    /// The directories of the workspace, as far as they lie directly below a requested one.
    pub directories: BTreeSet<RelPath>,
}

/// One way in which a tool ran.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Called {
    /// The tool.
    pub tool: ToolId,
    /// The shape of its arguments.
    pub template: TemplateId,
    /// Where in the workspace it ran; elsewhere if absent.
    pub directory: Option<RelPath>,
}

impl Observed {
    /// Paths that were written, by the plugin or a tool.
    fn writes(&self) -> impl Iterator<Item = &RelPath> {
        self.written.iter().chain(&self.changed)
    }

    /// Directories of the workspace in which tools ran. What a tool reads below cannot be seen.
    fn work(&self) -> impl Iterator<Item = &RelPath> {
        self.calls.iter().filter_map(|call| call.directory.as_ref())
    }

    fn uses(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Read(root) => self
                .read
                .iter()
                .chain(self.work())
                .any(|path| root.covers(path)),
            Scope::Write(root) => self.writes().any(|path| root.covers(path)),
            Scope::Run(run) => self.called(run).next().is_some(),
            Scope::RunAny => !self.calls.is_empty(),
            // Whether a guest looks at a variable cannot be seen, and nothing opens the network.
            Scope::Env(_) | Scope::Net(_) | Scope::NetAny => false,
        }
    }

    fn called<'a>(&'a self, run: &'a ToolScope) -> impl Iterator<Item = &'a Called> {
        self.calls.iter().filter(move |call| {
            let template = run.template.as_ref();
            call.tool == run.tool && template.is_none_or(|template| *template == call.template)
        })
    }
}

/// How much is taken out of what is allowed, from most to least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breadth {
    /// Directories that were not used, and files that programs obey.
    Narrow,
    /// The same, without directories in which a tool ran.
    WithoutWork,
    /// Only files that programs obey.
    Guarded,
    /// Nothing: the requests as they are.
    Requested,
    /// The requests as they are, those included that were not seen to be used.
    Everything,
}

impl Breadth {
    /// What is wider in it than in the narrowest, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Narrow => "nothing",
            Self::WithoutWork => "the directories in which tools run are open",
            Self::Guarded => "directories that were not used are open",
            Self::Requested => "everything inside of what is requested is open",
            Self::Everything => "requests that were not seen to be used are allowed too",
        }
    }
}

/// Rules that would have been enough, as far as that can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// How narrow it is.
    pub breadth: Breadth,
    /// The rules, in the order in which a policy has them.
    pub rules: Vec<ProposedRule>,
}

/// Proposals for a plugin, the narrowest first; each differs from the one before. Allows that the
/// policy has already are not repeated.
#[must_use]
pub fn proposals(manifest: &Manifest, policy: &Policy, observed: &Observed) -> Vec<Proposal> {
    let allowance = policy.for_plugin(manifest.id());
    let all = [
        Breadth::Narrow,
        Breadth::WithoutWork,
        Breadth::Guarded,
        Breadth::Requested,
        Breadth::Everything,
    ];
    let mut proposals: Vec<Proposal> = Vec::new();
    for breadth in all {
        let rules = rules(manifest, policy, &allowance, observed, breadth);
        if proposals.last().is_none_or(|last| last.rules != rules) {
            proposals.push(Proposal { breadth, rules });
        }
    }
    proposals
}

fn rules(
    manifest: &Manifest,
    policy: &Policy,
    allowance: &Allowance,
    observed: &Observed,
    breadth: Breadth,
) -> Vec<ProposedRule> {
    let mut rules: Vec<ProposedRule> = Vec::new();
    let mut denies = Vec::new();
    for request in manifest.requests() {
        let used = observed.uses(request.scope());
        let wanted = used || breadth == Breadth::Everything || !request.is_optional();
        if !wanted {
            continue;
        }
        for scope in missing(request, allowance, observed) {
            denies.extend(match breadth {
                Breadth::Requested | Breadth::Everything => Vec::new(),
                Breadth::Narrow | Breadth::WithoutWork | Breadth::Guarded => {
                    carve::out(&scope, policy, observed, breadth)
                }
            });
            let rule = ProposedRule::Allow(scope);
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
    }
    for rule in denies {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    rules
}

/// What a policy would have to allow for a request: the request itself, or the single templates
/// that it turned out to mean. Nothing that is forbidden, or allowed already.
fn missing(request: &Request, allowance: &Allowance, observed: &Observed) -> Vec<Scope> {
    let scopes = match request.scope() {
        // Asked for, not observed: nobody knows whether they are needed.
        Scope::Env(_) | Scope::Net(_) | Scope::NetAny => Vec::new(),
        Scope::RunAny => observed
            .calls
            .iter()
            .map(|call| {
                Scope::Run(ToolScope {
                    tool: call.tool.clone(),
                    template: Some(call.template.clone()),
                })
            })
            .collect(),
        scope @ (Scope::Read(_) | Scope::Write(_) | Scope::Run(_)) => vec![scope.clone()],
    };
    scopes
        .into_iter()
        .filter(|scope| matches!(judge(allowance, scope), Verdict::NotAllowed))
        .collect()
}

/// Requests that a run cannot show to be used, and that the policy does not allow: variables and
/// network origins.
#[must_use]
pub fn unobservable(manifest: &Manifest, policy: &Policy) -> Vec<Request> {
    let allowance = policy.for_plugin(manifest.id());
    let hidden = manifest.requests().iter().filter(|request| {
        matches!(request.scope(), Scope::Env(_) | Scope::Net(_))
            && matches!(judge(&allowance, request.scope()), Verdict::NotAllowed)
    });
    hidden.cloned().collect()
}

/// Everything that a manifest requests and that a policy neither allows nor forbids, as scopes
/// that a policy could allow: what a run in a private copy is given. A request for any tool means
/// each declared one.
#[must_use]
pub fn undecided(manifest: &Manifest, policy: &Policy) -> Vec<Scope> {
    let allowance = policy.for_plugin(manifest.id());
    let mut scopes = Vec::new();
    for request in manifest.requests() {
        match request.scope() {
            Scope::RunAny => scopes.extend(policy.tools().map(|(tool, _)| {
                Scope::Run(ToolScope {
                    tool: tool.id().clone(),
                    template: None,
                })
            })),
            // Nothing that could be allowed as such, and a rehearsal has no network.
            Scope::NetAny => {}
            scope @ (Scope::Read(_)
            | Scope::Write(_)
            | Scope::Env(_)
            | Scope::Run(_)
            | Scope::Net(_)) => scopes.push(scope.clone()),
        }
    }
    scopes.retain(|scope| matches!(judge(&allowance, scope), Verdict::NotAllowed));
    // A tool that no layer declares cannot be allowed.
    scopes.retain(|scope| crate::decide::is_declared(&allowance, scope));
    scopes
}

#[cfg(test)]
mod tests;
