//! Rules that can never match, or never make a difference.
//!
//! Such a rule is a misunderstanding: its writer believes that something is allowed or forbidden
//! that is not. Never: a warning. What does nothing is a mistake.

use std::collections::BTreeSet;

use super::{DenyScope, Hit, Origin, Place, Policy, Section, protected};
use crate::diagnostic::Diagnostic;
use crate::document::Problems;
use crate::scope::{Scope, ToolScope};

/// Notes rules of a section that another rule of the same section makes void.
pub(super) fn redundant(problems: &Problems, section: &Section) {
    for (index, rule) in section.allow.iter().enumerate() {
        let denied = section
            .deny
            .iter()
            .find(|deny| deny.scope.hits(&rule.scope) == Hit::Whole);
        if let Some(deny) = denied {
            let message = format!(
                "{} can never match: {} denies it",
                rule.place.rule(),
                deny.place.rule()
            );
            problems.report(
                &rule.place.span,
                "rule-without-effect",
                message,
                "remove one of them",
            );
            continue;
        }
        let wider = section.allow.iter().enumerate().find(|(other, wider)| {
            let same = wider.scope == rule.scope;
            // A rule for what the host keeps says more than one for a directory above it.
            let lifts = || protected::lifted(&wider.scope) == protected::lifted(&rule.scope);
            (same && *other < index) || (!same && wider.scope.covers(&rule.scope) && lifts())
        });
        if let Some((_, wider)) = wider {
            let message = format!(
                "{} makes no difference: {} covers it",
                rule.place.rule(),
                wider.place.rule()
            );
            problems.report(
                &rule.place.span,
                "rule-without-effect",
                message,
                "remove it",
            );
        }
    }
    for (index, rule) in section.deny.iter().enumerate() {
        if section
            .deny
            .iter()
            .take(index)
            .any(|other| other.scope == rule.scope)
        {
            let message = format!("{} is there twice", rule.place.rule());
            problems.report(
                &rule.place.span,
                "rule-without-effect",
                message,
                "remove one",
            );
        }
    }
}

/// Finds rules about tools and templates that no layer declares. `broken` tools are declared, but
/// wrong, which is said elsewhere.
pub(super) fn undeclared(policy: &Policy, broken: &BTreeSet<String>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for section in &policy.sections {
        for rule in &section.allow {
            // What was approved may be declared no more. Then it allows nothing, which is no
            // mistake of whoever wrote the policy.
            if let Origin::Approval(_) = rule.place.origin() {
                continue;
            }
            if let Scope::Run(tool) = &rule.scope
                && !broken.contains(tool.tool.as_str())
            {
                found.extend(undeclared_tool(policy, tool, &rule.place));
            }
        }
        for rule in &section.deny {
            if let DenyScope::Run(tool) = &rule.scope
                && !broken.contains(tool.tool.as_str())
            {
                found.extend(undeclared_tool(policy, tool, &rule.place));
            }
        }
    }
    found
}

pub(super) fn undeclared_tool(
    policy: &Policy,
    scope: &ToolScope,
    place: &Place,
) -> Option<Diagnostic> {
    let names = |names: Vec<&str>| names.join(", ");
    let (message, help) = match policy.tool(&scope.tool) {
        None => {
            let known = names(policy.tools().map(|(tool, _)| tool.id().as_str()).collect());
            let help = format!("declare `[tools.{}]`, or use one of: {known}", scope.tool);
            (
                format!(
                    "{}: no layer declares the tool `{}`",
                    place.rule(),
                    scope.tool
                ),
                help,
            )
        }
        Some(tool) => {
            let template = scope
                .template
                .as_ref()
                .filter(|id| !tool.templates().contains_key(*id))?;
            let known = names(tool.templates().keys().map(|id| id.as_str()).collect());
            let help = format!(
                "declare it in `[tools.{}.templates]`, or use one of: {known}",
                scope.tool
            );
            let message = format!(
                "{}: `{}` has no template `{template}`",
                place.rule(),
                scope.tool
            );
            (message, help)
        }
    };
    Some(Diagnostic::new(
        &place.source,
        Some(place.span.clone()),
        "undeclared-tool",
        message,
        help,
    ))
}
