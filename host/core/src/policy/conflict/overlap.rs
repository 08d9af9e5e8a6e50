//! Rules and declarations of different layers that make each other pointless or weaker.
//!
//! Never: rules of one section; those are mistakes of the file already.

use super::{Finding, Rules, Severity, remove};
use crate::path::RelPath;
use crate::policy::{Origin, Policy};
use crate::tool::{Network, ToolDeclaration};

/// Variables that a message names; more would hide the rest of it.
const NAMED: usize = 4;

/// Allow rules that another layer's wider rule makes pointless.
pub(super) fn covered(policy: &Policy) -> Vec<Finding> {
    let mut found = Vec::new();
    for rules in &Rules::of(policy) {
        for (index, (section, rule)) in rules.allow.iter().enumerate() {
            let wider = rules
                .allow
                .iter()
                .enumerate()
                .find(|(other, (home, wider))| {
                    let same = wider.scope == rule.scope;
                    !std::ptr::eq(*home, *section)
                        && ((same && *other < index) || (!same && wider.scope.covers(&rule.scope)))
                });
            let Some((_, (_, wider))) = wider else {
                continue;
            };
            let (line, other) = (rules.allow_line(rule), rules.allow_line(wider));
            let same = wider.scope == rule.scope;
            found.push(Finding {
                code: if same {
                    "repeated-rule"
                } else {
                    "widened-rule"
                },
                severity: if same {
                    Severity::Note
                } else {
                    Severity::Warning
                },
                message: if same {
                    format!("{} at {} says the same", other.rule, other.place())
                } else {
                    format!("{} at {} allows more than that", other.rule, other.place())
                },
                why: if same {
                    "to take one of them out would change nothing".to_owned()
                } else {
                    "allows add up, so the narrow rule narrows nothing".to_owned()
                },
                fix: if same { remove(&line) } else { remove(&other) },
                rules: vec![line, other],
            });
        }
    }
    found
}

/// Tools that a layer declares again, with less care than the declaration that it replaces.
pub(super) fn redeclared(policy: &Policy) -> Vec<Finding> {
    let mut found = Vec::new();
    for (id, old) in &policy.replaced {
        let Some(new) = policy.tools.get(id) else {
            continue;
        };
        let lost = looser(&old.declaration, &new.declaration);
        if lost.is_empty() {
            continue;
        }
        let below = match &old.origin {
            Origin::BuiltIn => "the catalogue".to_owned(),
            other @ (Origin::User(_)
            | Origin::Workspace(_)
            | Origin::File(_)
            | Origin::Approval(_)
            | Origin::Flag(_)) => other.to_string(),
        };
        found.push(Finding {
            code: "looser-declaration",
            severity: Severity::Warning,
            rules: Vec::new(),
            message: format!(
                "[tools.{id}] in {} replaces that of {below}, and {}",
                new.origin,
                lost.join(", ")
            ),
            why: "a declaration replaces the lower one as a whole; what it leaves out is gone"
                .to_owned(),
            fix: format!("copy [tools.{id}] of {below} whole, or give the tool another name"),
        });
    }
    found
}

/// In what a declaration is looser than the one that it replaces.
fn looser(old: &ToolDeclaration, new: &ToolDeclaration) -> Vec<String> {
    let (was, is) = (old.rules(), new.rules());
    let mut lost = Vec::new();
    let names = |names: Vec<&str>| match names.split_at_checked(NAMED) {
        Some((first, rest)) if !rest.is_empty() => {
            format!("{} and {} more", first.join(", "), rest.len())
        }
        Some(_) | None => names.join(", "),
    };
    let dropped: Vec<&str> = was
        .set_env()
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| !is.set_env().iter().any(|(kept, _)| kept.as_str() == *name))
        .collect();
    if !dropped.is_empty() {
        lost.push(format!("no longer fixes {}", names(dropped)));
    }
    let shown: Vec<&str> = was
        .hides()
        .iter()
        .filter(|path| !is.hides().iter().any(|hidden| hidden.covers(path)))
        .map(RelPath::as_str)
        .collect();
    if !shown.is_empty() {
        lost.push(format!("no longer hides {}", names(shown)));
    }
    for (what, was, is) in [
        ("passes", was.pass_env(), is.pass_env()),
        ("takes from plugins", was.plugin_env(), is.plugin_env()),
    ] {
        let more = is.iter().filter(|name| !was.contains(name));
        let more: Vec<&str> = more.map(|name| name.as_str()).collect();
        if !more.is_empty() {
            lost.push(format!("{what} {}", names(more)));
        }
    }
    if reach(is.network()) > reach(was.network()) {
        lost.push(format!("has network = \"{}\"", is.network()));
    }
    if was.network() == Network::Origins {
        let new = is.origins().iter().map(|entry| &entry.origin);
        let new = new.filter(|origin| !was.origins().iter().any(|old| old.origin == **origin));
        let new: Vec<String> = new.map(ToString::to_string).collect();
        if !new.is_empty() {
            let new = new.iter().map(String::as_str).collect();
            lost.push(format!("reaches {}", names(new)));
        }
    }
    let (before, now) = (was.limits(), is.limits());
    if now.wall > before.wall {
        lost.push(format!(
            "may run for {} s instead of {} s",
            now.wall.as_secs(),
            before.wall.as_secs()
        ));
    }
    match (before.idle, now.idle) {
        (Some(_), None) => lost.push("has no `idle` limit".to_owned()),
        (Some(before), Some(now)) if now > before => {
            lost.push("may be silent for longer".to_owned());
        }
        (Some(_), Some(_)) | (None, _) => {}
    }
    if now.hard_output > before.hard_output {
        lost.push("may write more".to_owned());
    }
    lost
}

/// How far a network rule reaches.
fn reach(network: Network) -> u8 {
    match network {
        Network::None => 0,
        Network::Loopback => 1,
        Network::Origins => 2,
        Network::Full => 3,
    }
}
