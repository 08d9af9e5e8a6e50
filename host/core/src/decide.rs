//! The decision: requested, allowed, not denied.
//!
//! A request is granted as a whole or not at all. It is granted if one allow rule covers it (for
//! a whole tool: if rules cover each of its templates) and no deny rule takes all of it. A deny
//! rule inside it narrows the grant, and the grant remembers where. Never: a narrower grant than
//! was asked for in place of a refusal, a prompt, a look at the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::denial::{Denial, Denials, Fix, MissingKey, shell_quoted};
use crate::digest::Digest;
use crate::grant::{GrantedLimits, GrantedTool, Grants};
use crate::id::PluginId;
use crate::manifest::{Manifest, Request};
use crate::policy::{Allowance, DenyRule, Hit, Origin, Place, Policy, written};
use crate::scope::{Capability, Scope, ToolScope};
use crate::tool::ToolId;

/// Compares what a manifest requests with what a policy allows, for this component.
///
/// # Errors
/// Every request that the plugin cannot do without and that is not granted, in the manifest's
/// order; each with the line that would change it. A component other than the pinned one is
/// refused with a single denial.
pub fn decide(manifest: &Manifest, policy: &Policy, component: &Digest) -> Result<Grants, Denials> {
    let allowance = policy.for_plugin(manifest.id());
    let pins = allowance
        .pins
        .iter()
        .filter(|pin| pin.component != *component);
    let pins = pins
        .map(|pin| other_component(component, &pin.place))
        .collect();
    if let Some(denials) = Denials::of(pins) {
        return Err(denials);
    }
    let mut granted = Vec::new();
    let mut withheld = Vec::new();
    let mut denials = Vec::new();
    for request in manifest.requests() {
        match judge(&allowance, request.scope()) {
            Verdict::Granted => granted.push(request.scope().clone()),
            refused @ (Verdict::NotAllowed | Verdict::Forbidden(_)) => {
                let denial = refuse(
                    manifest.id(),
                    &allowance,
                    request.scope(),
                    Some(request),
                    &refused,
                );
                if request.is_optional() {
                    withheld.push(denial);
                } else {
                    denials.push(denial);
                }
            }
        }
    }
    if let Some(denials) = Denials::of(denials) {
        return Err(denials);
    }
    let tools = granted_tools(&allowance, &granted);
    let limits = GrantedLimits {
        memory: allowance.memory.unwrap_or(manifest.needs().memory()),
        time: allowance.time.unwrap_or(manifest.needs().time()),
        confinement: manifest
            .needs()
            .confinement()
            .map_or(allowance.confinement, |wanted| {
                wanted.min(allowance.confinement)
            }),
    };
    Ok(Grants::decided(
        manifest.clone(),
        *component,
        granted,
        tools,
        limits,
        withheld,
        allowance,
    ))
}

/// What the owner's rules say about a scope.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verdict<'a> {
    Granted,
    NotAllowed,
    Forbidden(&'a DenyRule),
}

/// Looks a scope up in the owner's rules.
pub(crate) fn judge<'a>(allowance: &'a Allowance, scope: &Scope) -> Verdict<'a> {
    let whole = allowance
        .deny
        .iter()
        .find(|rule| rule.scope.hits(scope) == Hit::Whole);
    if let Some(rule) = whole {
        return Verdict::Forbidden(rule);
    }
    match scope {
        Scope::Read(_) | Scope::Write(_) | Scope::Env(_) | Scope::Net(_) => {
            if allowance.allow.iter().any(|rule| rule.scope.covers(scope)) {
                Verdict::Granted
            } else {
                Verdict::NotAllowed
            }
        }
        // What any tool or any origin means is decided when one is used.
        Scope::RunAny | Scope::NetAny => Verdict::Granted,
        Scope::Run(tool) => judge_tool(allowance, tool),
    }
}

/// A tool is granted if each template that is meant is allowed, and at least one is not denied.
fn judge_tool<'a>(allowance: &'a Allowance, scope: &ToolScope) -> Verdict<'a> {
    let Some(meant) = templates(allowance, scope) else {
        return Verdict::NotAllowed;
    };
    let covered = |one: &Scope| allowance.allow.iter().any(|rule| rule.scope.covers(one));
    if meant.is_empty() || !meant.iter().all(covered) {
        return Verdict::NotAllowed;
    }
    let deny = |one: &Scope| {
        allowance
            .deny
            .iter()
            .find(|rule| rule.scope.hits(one) == Hit::Whole)
    };
    let denied: Vec<&DenyRule> = meant.iter().filter_map(deny).collect();
    match denied.first() {
        Some(rule) if denied.len() == meant.len() => Verdict::Forbidden(rule),
        Some(_) | None => Verdict::Granted,
    }
}

/// The templates that a scope means, each as a scope; `None` if one is not declared.
fn templates(allowance: &Allowance, scope: &ToolScope) -> Option<Vec<Scope>> {
    let tool = allowance.tools.get(&scope.tool)?;
    let one = |template| {
        let template = Some(template);
        Scope::Run(ToolScope {
            tool: scope.tool.clone(),
            template,
        })
    };
    match &scope.template {
        Some(template) => tool
            .templates()
            .contains_key(template)
            .then(|| vec![one(template.clone())]),
        None => Some(tool.templates().keys().cloned().map(one).collect()),
    }
}

/// The tools and templates that the granted requests mean, without those that are denied.
fn granted_tools(allowance: &Allowance, granted: &[Scope]) -> BTreeMap<ToolId, GrantedTool> {
    let mut tools = BTreeMap::new();
    for (id, declaration) in &allowance.tools {
        let requested = |scope: &Scope| granted.iter().any(|request| request.covers(scope));
        let allowed = |scope: &Scope| matches!(judge(allowance, scope), Verdict::Granted);
        let usable: BTreeSet<_> = declaration
            .templates()
            .keys()
            .filter(|template| {
                let scope = Scope::Run(ToolScope {
                    tool: id.clone(),
                    template: Some((*template).clone()),
                });
                requested(&scope) && allowed(&scope)
            })
            .cloned()
            .collect();
        if !usable.is_empty() {
            tools.insert(
                id.clone(),
                GrantedTool {
                    declaration: Arc::clone(declaration),
                    templates: usable,
                },
            );
        }
    }
    tools
}

/// Explains why a scope that the manifest requests was not granted.
pub(crate) fn refuse(
    plugin: &PluginId,
    allowance: &Allowance,
    scope: &Scope,
    request: Option<&Request>,
    verdict: &Verdict<'_>,
) -> Denial {
    let (missing, note, fix) = match verdict {
        Verdict::Forbidden(rule) if *rule.place.origin() == Origin::BuiltIn => {
            let (missing, _, _) = forbidden(&rule.place);
            let note = "nothing but remit itself writes there in a run of tasks".to_owned();
            (missing, Some(note), allow_line(plugin, scope))
        }
        Verdict::Forbidden(rule) => forbidden(&rule.place),
        Verdict::Granted | Verdict::NotAllowed => {
            let (note, fix) = undeclared(allowance, scope)
                .unwrap_or_else(|| (near(allowance, scope), allow_line(plugin, scope)));
            (MissingKey::Allowed, note, fix)
        }
    };
    Denial {
        capability: scope.capability(),
        scope: scope.to_string(),
        missing,
        note,
        reason: request.map(|request| request.reason().to_owned()),
        fix,
    }
}

fn forbidden(place: &Place) -> (MissingKey, Option<String>, Fix) {
    let missing = MissingKey::Forbidden {
        rule: place.rule().to_owned(),
        origin: place.origin().clone(),
        line: place.line(),
    };
    let line = match place.origin() {
        Origin::Flag(flag) => format!("leave out {flag}"),
        Origin::BuiltIn
        | Origin::User(_)
        | Origin::Workspace(_)
        | Origin::File(_)
        | Origin::Approval(_) => {
            format!(
                "remove {} at {}:{}",
                place.rule(),
                place.origin(),
                place.line()
            )
        }
    };
    (missing, None, Fix { flag: None, line })
}

fn other_component(component: &Digest, place: &Place) -> Denial {
    let (missing, _, _) = forbidden(place);
    Denial {
        capability: Capability::Load,
        scope: component.to_string(),
        missing,
        note: Some("the rules were written for another component".to_owned()),
        reason: None,
        fix: Fix {
            flag: None,
            line: format!(
                "component = \"{component}\"   at {}:{}",
                place.origin(),
                place.line()
            ),
        },
    }
}

/// Whether the owner declares what a scope names; only tools need a declaration.
pub(crate) fn is_declared(allowance: &Allowance, scope: &Scope) -> bool {
    undeclared(allowance, scope).is_none()
}

/// A tool or template that no layer declares can be allowed only after it is declared.
fn undeclared(allowance: &Allowance, scope: &Scope) -> Option<(Option<String>, Fix)> {
    let Scope::Run(wanted) = scope else {
        return None;
    };
    let Some(tool) = allowance.tools.get(&wanted.tool) else {
        let note = format!("no policy declares the tool `{}`", wanted.tool);
        let line = format!(
            "tools.{}.program = \"/path/to/{}\"",
            wanted.tool, wanted.tool
        );
        return Some((Some(note), Fix { flag: None, line }));
    };
    let template = wanted
        .template
        .as_ref()
        .filter(|id| !tool.templates().contains_key(*id))?;
    let known: Vec<&str> = tool.templates().keys().map(|id| id.as_str()).collect();
    let note = format!(
        "`{}` has no template `{template}`; it has: {}",
        wanted.tool,
        known.join(", ")
    );
    let line = format!("tools.{}.templates.{template} = [\"..\"]", wanted.tool);
    Some((Some(note), Fix { flag: None, line }))
}

/// Allow rules inside what was asked for: they explain why a request that looks allowed is not.
fn near(allowance: &Allowance, scope: &Scope) -> Option<String> {
    let inside: BTreeSet<String> = allowance
        .allow
        .iter()
        .filter(|rule| scope.covers(&rule.scope))
        .map(|rule| rule.scope.to_string())
        .collect();
    if inside.is_empty() {
        return None;
    }
    let inside: Vec<String> = inside
        .into_iter()
        .map(|scope| format!("`{scope}`"))
        .collect();
    Some(format!(
        "only {} inside it is, and a request is never narrowed",
        inside.join(", ")
    ))
}

/// The flag and the policy line that allow a scope.
fn allow_line(plugin: &PluginId, scope: &Scope) -> Fix {
    let kind = scope.capability();
    let text = scope.to_string();
    Fix {
        flag: Some(format!("--allow-{kind}={}", shell_quoted(&text))),
        line: format!("plugins.{plugin}.{}", written(kind.word(), &text)),
    }
}

#[cfg(test)]
mod tests;
