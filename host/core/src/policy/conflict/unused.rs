//! Rules that open or close nothing, as far as can be known: denied elsewhere, or requested by no
//! plugin that is there.
//!
//! Never: a judgement about a plugin whose manifest is not known.

use super::{Finding, Rules, Severity, remove};
use crate::decide::{Verdict, judge};
use crate::manifest::{Manifest, Request};
use crate::policy::rule::{DenyScope, Hit, Subject};
use crate::policy::{Allowance, Origin, Policy};
use crate::scope::Scope;

/// Allow rules that a deny of another layer takes away completely.
pub(super) fn denied(policy: &Policy) -> Vec<Finding> {
    let mut found = Vec::new();
    for rules in &Rules::of(policy) {
        for (_, rule) in &rules.allow {
            let deny = rules
                .deny
                .iter()
                .find(|(_, deny)| deny.scope.hits(&rule.scope) == Hit::Whole);
            let Some((_, deny)) = deny else { continue };
            let (line, deny) = (rules.allow_line(rule), rules.deny_line(deny));
            found.push(Finding {
                code: "denied-rule",
                severity: Severity::Warning,
                message: format!("{} at {} denies all of it", deny.rule, deny.place()),
                why: "a deny beats every allow, so this one never counts".to_owned(),
                fix: remove(&line),
                rules: vec![line, deny],
            });
        }
    }
    found
}

/// Rules about what no manifest requests.
pub(super) fn unrequested(policy: &Policy, manifests: &[Manifest]) -> Vec<Finding> {
    let mut found = Vec::new();
    for rules in &Rules::of(policy) {
        let Subject::Plugin(id) = rules.subject else {
            continue;
        };
        let Some(manifest) = manifests.iter().find(|manifest| manifest.id() == id) else {
            found.push(Finding {
                code: "unknown-plugin",
                severity: Severity::Note,
                rules: Vec::new(),
                message: format!("no plugin `{id}` is known here, so its rules were not compared"),
                why: "it is not built in, and no layer names its file".to_owned(),
                fix: format!("plugins.{id}.file = \"{id}.wasm\""),
            });
            continue;
        };
        let allowance = policy.for_plugin(id);
        for (_, rule) in &rules.allow {
            let Some((why, fix)) = pointless(manifest, &allowance, &rule.scope) else {
                continue;
            };
            let line = rules.allow_line(rule);
            found.push(Finding {
                code: "unused-rule",
                severity: Severity::Warning,
                message: "it grants nothing".to_owned(),
                why,
                fix: fix.unwrap_or_else(|| remove(&line)),
                rules: vec![line],
            });
        }
        for (_, rule) in &rules.deny {
            if manifest
                .requests()
                .iter()
                .any(|request| meets(&rule.scope, request))
            {
                continue;
            }
            let line = rules.deny_line(rule);
            found.push(Finding {
                code: "unused-rule",
                severity: Severity::Note,
                message: "it takes nothing away today".to_owned(),
                why: format!("`{id}` requests nothing that it would hit"),
                fix: remove(&line),
                rules: vec![line],
            });
        }
    }
    found
}

/// Why an allow rule grants nothing of what the manifest requests, and what would help.
fn pointless(
    manifest: &Manifest,
    allowance: &Allowance,
    scope: &Scope,
) -> Option<(String, Option<String>)> {
    let id = manifest.id();
    let requests = || manifest.requests().iter().map(Request::scope);
    let touching: Vec<&Scope> = requests()
        .filter(|request| request.covers(scope) || scope.covers(request))
        .collect();
    let Some(wider) = touching.iter().find(|request| !scope.covers(request)) else {
        return touching
            .is_empty()
            .then(|| (format!("`{id}` requests nothing that it would allow"), None));
    };
    let counts = touching.iter().any(|request| {
        scope.covers(request)
            || request.is_any()
            || matches!(judge(allowance, request), Verdict::Granted)
    });
    if counts {
        return None;
    }
    let (key, text) = (wider.capability().word(), wider.to_string());
    Some((
        format!("`{id}` requests {key} `{text}` as a whole, and a request is never narrowed"),
        Some(format!(
            "plugins.{id}.{}",
            crate::policy::written(key, &text)
        )),
    ))
}

/// Whether a deny rule takes away some of what is requested.
fn meets(deny: &DenyScope, request: &Request) -> bool {
    deny.hits(request.scope()) != Hit::Nothing
}

/// Tools that the owner declared and allows to nobody.
pub(super) fn tools(policy: &Policy) -> Vec<Finding> {
    let all = Rules::of(policy);
    let idle = policy.tools().filter(|(tool, origin)| {
        **origin != Origin::BuiltIn && !all.iter().any(|rules| rules.runs(tool.id()))
    });
    idle.map(|(tool, origin)| Finding {
        code: "unused-tool",
        severity: Severity::Note,
        rules: Vec::new(),
        message: format!("[tools.{}] in {origin} is allowed to nobody", tool.id()),
        why: "a declaration alone lets nobody run the tool".to_owned(),
        fix: format!(
            "plugins.ID.{}",
            crate::policy::written("run", tool.id().as_str())
        ),
    })
    .collect()
}
