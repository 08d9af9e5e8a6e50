//! From the text of a scenario to a [`Scenario`].
//!
//! Never: the first mistake only.

use std::sync::Arc;

use serde_json::Value;

use super::content::{self, Content};
use super::expect::{self, one_or_many};
use super::play;
use super::{
    CancelAt, ExpectedCall, Fault, Interface, MAX_CALLS, Refusal, SCENARIO_FORMAT, Scenario,
};
use crate::diagnostic::{Diagnostics, Source};
use crate::document::{self, Section, Spanned};
use crate::event::Event;
use crate::manifest::MAX_TIME;
use crate::path::RelPath;
use crate::policy::FlagRules;
use crate::quantity::TimeSpan;
use crate::tool::{EnvName, SlotValue, TemplateId, ToolDeclaration, ToolId, read_tool};

/// Most times that one call can be expected.
const MAX_TIMES: u32 = 10_000;

pub(super) fn scenario(source: &Arc<Source>) -> Result<Scenario, Diagnostics> {
    document::read(source, |root| {
        check_format(root);
        let expect = expect::read(root);
        Some(Scenario {
            name: text(root, "name"),
            role: role(root),
            time: time(root),
            policy: text(root, "policy"),
            workspace: content::beside(root, "workspace"),
            any_order: root.flag("any-order"),
            inputs: root.object("inputs").unwrap_or_default(),
            files: files(root),
            env: env(root, "env"),
            grant: grant(root),
            tools: tools(root),
            state: values(root, "state"),
            calls: calls(root),
            cancel: cancel(root),
            expect,
        })
    })
}

fn check_format(root: &mut Section<'_>) {
    if let Some(format) = root.need_integer("format", "format = 1")
        && format.value != SCENARIO_FORMAT
    {
        let message = format!("format {} is not one that this version reads", format.value);
        let help = format!("write `format = {SCENARIO_FORMAT}`, or update the host");
        root.problems()
            .report(&format.span, "unknown-format", message, help);
    }
}

fn text(section: &mut Section<'_>, key: &str) -> Option<String> {
    section.text(key).map(|text| text.value.to_owned())
}

fn role(root: &mut Section<'_>) -> Option<Interface> {
    let text = root.text("role")?;
    match text.value {
        "pattern" => Some(Interface::Pattern),
        "adapter" => Some(Interface::Adapter),
        other => {
            let message = format!("`{other}` is no interface of a plugin");
            let fix = "write \"pattern\" or \"adapter\"";
            root.problems()
                .report(&text.span, "unknown-role", message, fix);
            None
        }
    }
}

fn time(root: &mut Section<'_>) -> Option<TimeSpan> {
    let time = root.parsed::<TimeSpan>("time", "bad-time")?;
    if time.value > MAX_TIME {
        let message = format!("no attempt takes longer than {MAX_TIME}");
        root.problems()
            .report(&time.span, "too-long", message, "write less");
    }
    Some(time.value)
}

/// A path that is the name of a key.
pub(super) fn path(section: &Section<'_>, key: &Spanned<&str>) -> Option<RelPath> {
    match RelPath::parse(key.value) {
        Ok(path) if !path.is_root() => Some(path),
        Ok(_) => {
            let message = "the workspace itself is no file";
            section
                .problems()
                .report(&key.span, "bad-path", message, "name a file below it");
            None
        }
        Err(error) => {
            let whole = error.to_string();
            let (message, fix) = whole.split_once("; ").unwrap_or((&whole, "correct it"));
            section
                .problems()
                .report(&key.span, "bad-path", message, fix);
            None
        }
    }
}

fn files(root: &mut Section<'_>) -> Vec<(RelPath, Content)> {
    let Some(mut table) = root.section("files") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for key in table.keys() {
        let path = path(&table, &key);
        let content = content::read(&mut table, key.value);
        found.extend(path.zip(content));
    }
    found
}

/// Names and values of variables.
fn env(section: &mut Section<'_>, key: &str) -> Vec<(String, String)> {
    let Some(mut table) = section.section(key) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for name in table.keys() {
        if let Err(error) = name.value.parse::<EnvName>() {
            let whole = error.to_string();
            let (message, fix) = whole.split_once("; ").unwrap_or((&whole, "correct it"));
            table
                .problems()
                .report(&name.span, "bad-env-name", message, fix);
        }
        if let Some(value) = table.text(name.value) {
            found.push((name.value.to_owned(), value.value.to_owned()));
        }
    }
    found
}

/// Names and any values.
pub(super) fn values(section: &mut Section<'_>, key: &str) -> Vec<(String, Value)> {
    section
        .object(key)
        .map(|object| object.into_iter().collect())
        .unwrap_or_default()
}

fn grant(root: &mut Section<'_>) -> Option<FlagRules> {
    let mut section = root.section("grant")?;
    let mut list = |key: &str| -> Vec<String> {
        let texts = section.texts(key).unwrap_or_default();
        texts.iter().map(|text| text.value.to_owned()).collect()
    };
    let rules = FlagRules {
        allow_read: list("read"),
        allow_write: list("write"),
        allow_env: list("env"),
        allow_run: list("run"),
        allow_net: list("net"),
        deny_read: list("deny-read"),
        deny_write: list("deny-write"),
        deny_env: list("deny-env"),
        deny_run: list("deny-run"),
        deny_net: list("deny-net"),
    };
    section.finish();
    if let Err(found) = rules.layer() {
        for mistake in found {
            let message = format!("in [grant]: {}", mistake.message);
            let span = section.span().clone();
            section
                .problems()
                .report(&span, mistake.code, message, mistake.help);
        }
    }
    Some(rules)
}

fn tools(root: &mut Section<'_>) -> Vec<ToolDeclaration> {
    let mut tools = Vec::new();
    for (name, mut section) in root.sections("tools") {
        tools.extend(read_tool(&name, &mut section));
    }
    tools
}

fn calls(root: &mut Section<'_>) -> Vec<ExpectedCall> {
    let tables = root.tables("calls");
    if tables.len() > MAX_CALLS {
        let message = format!("there are {} calls, the limit is {MAX_CALLS}", tables.len());
        let fix = "use `times`, or test less at once";
        if let Some(table) = tables.get(MAX_CALLS) {
            root.problems()
                .report(table.span(), "too-many", message, fix);
        }
    }
    tables
        .into_iter()
        .take(MAX_CALLS)
        .filter_map(|mut table| {
            let call = call(&mut table);
            table.finish();
            call
        })
        .collect()
}

fn call(table: &mut Section<'_>) -> Option<ExpectedCall> {
    let tool = table.need_parsed::<ToolId>("tool", "bad-tool-name", "tool = \"git\"");
    let template =
        table.need_parsed::<TemplateId>("template", "bad-template-name", "template = \"status\"");
    let refuse = table.parsed::<Refusal>("refuse", "unknown-word");
    let fault = table.parsed::<Fault>("fault", "unknown-word");
    let play = play::read(table, "play");
    if let Some(refuse) = &refuse
        && (fault.is_some() || !play.is_empty())
    {
        let message = "a tool that does not start neither plays nor fails later";
        let fix = "remove `refuse`, or `play` and `fault`";
        table
            .problems()
            .report(&refuse.span, "never-played", message, fix);
    }
    Some(ExpectedCall {
        line: table.line(),
        slots: slots(table),
        arguments: table.texts("arguments").map(|texts| {
            let texts = texts.iter().map(|text| text.value.to_owned());
            texts.collect()
        }),
        arguments_contain: one_or_many(table, "arguments-contain"),
        directory: table
            .parsed::<RelPath>("directory", "bad-path")
            .map(|path| path.value),
        stdin: table
            .has("stdin")
            .then(|| content::read(table, "stdin"))
            .flatten(),
        stdin_contains: one_or_many(table, "stdin-contains"),
        env: env(table, "env"),
        scratch: expect::files(table, "scratch"),
        optional: table.flag("optional"),
        times: times(table),
        refuse: refuse.map(|refuse| refuse.value),
        fault: fault.map(|fault| fault.value),
        ignores_term: table.flag("ignores-term"),
        play,
        tool: tool?.value.to_string(),
        template: template?.value.to_string(),
    })
}

fn slots(table: &mut Section<'_>) -> Vec<(String, SlotValue)> {
    let Some(mut slots) = table.section("slots") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for key in slots.keys() {
        let value = if slots.is_list(key.value) {
            let texts = slots.texts(key.value).unwrap_or_default();
            let texts = texts.iter().map(|text| text.value.to_owned());
            Some(SlotValue::Many(texts.collect()))
        } else {
            slots
                .text(key.value)
                .map(|text| SlotValue::One(text.value.to_owned()))
        };
        found.extend(value.map(|value| (key.value.to_owned(), value)));
    }
    found
}

fn times(table: &mut Section<'_>) -> u32 {
    let Some(number) = table.integer("times") else {
        return 1;
    };
    match u32::try_from(number.value) {
        Ok(times) if (1..=MAX_TIMES).contains(&times) => times,
        Ok(_) | Err(_) => {
            let message = format!("`times` is {}", number.value);
            let fix = format!("write 1 to {MAX_TIMES}, or `optional = true`");
            table
                .problems()
                .report(&number.span, "out-of-range", message, fix);
            1
        }
    }
}

fn cancel(root: &mut Section<'_>) -> Option<CancelAt> {
    let mut section = root.section("cancel")?;
    let event = section.text("event");
    let after = section.integer("after");
    section.finish();
    if let Some(event) = &event
        && !Event::WORDS.contains(&event.value)
    {
        let message = format!("no event has the type `{}`", event.value);
        let fix = format!("write one of {}", Event::WORDS.join(", "));
        section
            .problems()
            .report(&event.span, "unknown-event", message, fix);
    }
    let after = match after {
        None => 1,
        Some(number) => match u64::try_from(number.value) {
            Ok(after) if after > 0 => after,
            Ok(_) | Err(_) => {
                let message = format!("`after` is {}", number.value);
                let fix = "write how many events happen before, from 1";
                section
                    .problems()
                    .report(&number.span, "out-of-range", message, fix);
                1
            }
        },
    };
    Some(CancelAt {
        event: event.map(|event| event.value.to_owned()),
        after,
    })
}
