//! `[[hooks]]` of a policy: read, and held against the events and tools that there are.
//!
//! Never: a hook that could not start, for a slip of the pen in an event's or a tool's name.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::{Origin, Place, Policy, check};
use crate::diagnostic::Diagnostic;
use crate::document::{Problems, Section, Spanned};
use crate::durable::LedgerEvent;
use crate::event::Event;
use crate::hook::{EventPattern, Hook, HookTool, MAX_HOOKS};
use crate::nearest::nearest;
use crate::scope::ToolScope;
use crate::tool::{SlotName, SlotValue};

/// A hook, and where it was written.
#[derive(Debug, Clone)]
pub struct DeclaredHook {
    hook: Hook,
    place: Place,
}

impl DeclaredHook {
    /// The hook.
    #[must_use]
    pub fn hook(&self) -> &Hook {
        &self.hook
    }

    /// The layer that has it.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        self.place.origin()
    }

    /// Its line there, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.place.line()
    }
}

/// Every word that a hook can name: those of the ledger, and those of what attempts do.
fn words() -> impl Iterator<Item = &'static str> + Clone {
    LedgerEvent::WORDS.into_iter().chain(Event::WORDS)
}

/// Reads the hooks of one file.
pub(super) fn read(
    root: &mut Section<'_>,
    place: impl Fn(&Range<usize>, String) -> Place,
) -> Vec<DeclaredHook> {
    let sections = root.tables("hooks");
    let mut hooks = Vec::new();
    for mut section in sections {
        let on = patterns(&mut section);
        let tool = tool(&mut section);
        let slots = slots(&mut section);
        section.finish();
        let (Some(on), Some(tool), Some(slots)) = (on, tool, slots) else {
            continue;
        };
        match Hook::new(on, tool, slots) {
            Ok(hook) => {
                let rule = format!("hook `{}`", hook.tool());
                let place = place(section.span(), rule);
                hooks.push(DeclaredHook { hook, place });
            }
            Err(error) => report(section.problems(), section.span(), &error),
        }
    }
    hooks
}

/// Errors of hooks carry their fix after the semicolon.
fn report(problems: &Problems, span: &Range<usize>, error: &dyn std::fmt::Display) {
    let whole = error.to_string();
    let (message, help) = whole.split_once("; ").unwrap_or((&whole, "correct it"));
    problems.report(span, "bad-hook", message, help);
}

/// The patterns, each of which some event matches; nothing if one is wrong.
fn patterns(section: &mut Section<'_>) -> Option<Vec<EventPattern>> {
    let Some(texts) = section.texts("on") else {
        section.need_text("on", "on = [\"TASK_FAILED\"]");
        return None;
    };
    let problems = section.problems();
    let patterns: Vec<Option<EventPattern>> =
        texts.iter().map(|text| pattern(text, problems)).collect();
    patterns.into_iter().collect()
}

fn pattern(text: &Spanned<&str>, problems: &Problems) -> Option<EventPattern> {
    let pattern = match EventPattern::try_from(text.value.to_owned()) {
        Ok(pattern) => pattern,
        Err(error) => {
            report(problems, &text.span, &error);
            return None;
        }
    };
    if words().any(|word| pattern.matches(word)) {
        return Some(pattern);
    }
    let message = format!("no event is called `{}`", text.value);
    let near = nearest(text.value, words()).or_else(|| {
        // A word of one kind written as the other: `task_failed`, `TOOL_FINISHED`.
        let folded = text.value.to_ascii_lowercase().replace('_', "-");
        words().find(|word| word.to_ascii_lowercase().replace('_', "-") == folded)
    });
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the events are {}", words().collect::<Vec<_>>().join(", ")),
    };
    problems.report(&text.span, "unknown-event", message, help);
    None
}

fn tool(section: &mut Section<'_>) -> Option<HookTool> {
    let text = section.need_text("tool", "tool = \"notify:send\"")?;
    match HookTool::try_from(text.value.to_owned()) {
        Ok(tool) => Some(tool),
        Err(error) => {
            let help = "write the tool and one of its templates, as in `notify:send`";
            section
                .problems()
                .report(&text.span, "bad-tool-name", error.to_string(), help);
            None
        }
    }
}

/// The slots; nothing if one is wrong.
fn slots(section: &mut Section<'_>) -> Option<BTreeMap<SlotName, SlotValue>> {
    let mut slots = BTreeMap::new();
    let Some(mut given) = section.section("slots") else {
        return Some(slots);
    };
    let problems = given.problems();
    let keys = given.keys();
    let count = keys.len();
    for key in keys {
        let value = if given.is_list(key.value) {
            let texts = given.texts(key.value);
            texts.map(|texts| SlotValue::Many(texts.iter().map(|t| t.value.to_owned()).collect()))
        } else {
            let text = given.text(key.value);
            text.map(|text| SlotValue::One(text.value.to_owned()))
        };
        match (key.value.parse::<SlotName>(), value) {
            (Ok(name), Some(value)) => {
                slots.insert(name, value);
            }
            (Err(error), _) => report(problems, &key.span, &error),
            // The reader has noted it.
            (Ok(_), None) => {}
        }
    }
    (slots.len() == count).then_some(slots)
}

/// Hooks whose tool no layer declares, and hooks beyond the limit.
pub(super) fn mistakes(policy: &Policy, broken: &BTreeSet<String>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for declared in &policy.hooks {
        let HookTool { tool, template } = declared.hook.tool();
        if !broken.contains(tool.as_str()) {
            let scope = ToolScope {
                tool: tool.clone(),
                template: Some(template.clone()),
            };
            found.extend(check::undeclared_tool(policy, &scope, &declared.place));
        }
    }
    if let Some(beyond) = policy.hooks.get(MAX_HOOKS) {
        let place = &beyond.place;
        found.push(Diagnostic::new(
            &place.source,
            Some(place.span.clone()),
            "too-many-hooks",
            format!("all layers together have {} hooks", policy.hooks.len()),
            format!("at most {MAX_HOOKS} are allowed, so join some"),
        ));
    }
    found
}

#[cfg(test)]
mod tests;
