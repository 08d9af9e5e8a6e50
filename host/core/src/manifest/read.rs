//! Reads a manifest's text.
//!
//! Never: a request that is guessed, or kept although it is wrong.

use std::sync::Arc;

use super::{
    Confinement, DEFAULT_MEMORY, DEFAULT_TIME, MANIFEST_FORMAT, MAX_MEMORY, MAX_TIME, Manifest,
    Needs, Request, WitVersion,
};
use crate::diagnostic::{Diagnostics, Source};
use crate::digest::Digest;
use crate::document::{self, Problems, Section, Spanned};
use crate::id::PluginId;
use crate::net::NetOrigin;
use crate::path::RelPath;
use crate::quantity::{ByteSize, TimeSpan};
use crate::scope::{Scope, ToolScope};
use crate::tool::{EnvName, TemplateId, ToolId};

/// Longest title or reason in bytes: one line for people.
const MAX_LINE: usize = 500;
/// Most requests: what needs more should be several plugins, and nobody would read the list.
const MAX_REQUESTS: usize = 256;

/// Reads a manifest.
pub(super) fn manifest(source: &Arc<Source>) -> Result<Manifest, Diagnostics> {
    document::read(source, |root| {
        check_format(root);
        let id = root.need_parsed::<PluginId>("id", "bad-id", "id = \"my-plugin\"");
        let version = version(root);
        let wit = root.need_parsed::<WitVersion>("wit", "bad-wit", "wit = \"remit:plugin@0.1.0\"");
        let title = read_line(root, "title", "title = \"What it does, in one line\"");
        let mut requests = Vec::new();
        paths(root, "read", Scope::Read, &mut requests);
        paths(root, "write", Scope::Write, &mut requests);
        variables(root, &mut requests);
        tools(root, &mut requests);
        origins(root, &mut requests);
        check_needless(root.problems(), &requests);
        let needs = needs(root);
        Some(Manifest {
            id: id?.value,
            version: version?,
            wit: wit?.value,
            title: title?,
            requests: requests.into_iter().map(|request| request.value).collect(),
            needs,
            digest: Digest::of(source.text().as_bytes()),
        })
    })
}

fn version(root: &mut Section<'_>) -> Option<semver::Version> {
    let text = root.need_text("version", "version = \"0.1.0\"")?;
    let version = semver::Version::parse(text.value).ok();
    if version.is_none() {
        let message = format!("`{}` is not a version", text.value);
        let help = "write three numbers as in `0.1.0` (semver.org)";
        root.problems()
            .report(&text.span, "bad-version", message, help);
    }
    version
}

fn check_format(root: &mut Section<'_>) {
    match root.need_integer("format", "format = 1") {
        Some(format) if format.value != MANIFEST_FORMAT => {
            let message = format!("format {} is not one that this version reads", format.value);
            let help = format!("write `format = {MANIFEST_FORMAT}`, or update the host");
            root.problems()
                .report(&format.span, "unknown-format", message, help);
        }
        Some(_) | None => {}
    }
}

/// A line that will be shown on a terminal: control characters could redraw the question that it
/// is shown in.
fn read_line(section: &mut Section<'_>, key: &str, example: &str) -> Option<String> {
    let text = section.need_text(key, example)?;
    let hidden = |c: char| c.is_control() || is_invisible(c);
    if text.value.trim().is_empty() || text.value.len() > MAX_LINE || text.value.contains(hidden) {
        let message = format!("`{key}` is empty, too long, or holds invisible characters");
        let help = format!("write one line of plain text, at most {MAX_LINE} bytes");
        section
            .problems()
            .report(&text.span, "bad-line", message, help);
        return None;
    }
    Some(text.value.trim().to_owned())
}

/// Characters that reorder or hide the text around them (Unicode bidi controls, zero width).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Reads what every request has, and closes its section.
fn request(section: &mut Section<'_>, scopes: Vec<Scope>, into: &mut Vec<Spanned<Request>>) {
    let reason = read_line(section, "reason", "reason = \"why the plugin needs this\"");
    let optional = section.flag("optional");
    section.finish();
    let Some(reason) = reason else {
        return;
    };
    if into.len() + scopes.len() > MAX_REQUESTS {
        let message = format!("the manifest has more than {MAX_REQUESTS} requests");
        section
            .problems()
            .report(section.span(), "too-many-requests", message, "request less");
        return;
    }
    into.extend(scopes.into_iter().map(|scope| Spanned {
        value: Request {
            scope,
            reason: reason.clone(),
            optional,
        },
        span: section.span().clone(),
    }));
}

fn paths(
    root: &mut Section<'_>,
    key: &str,
    scope: fn(RelPath) -> Scope,
    into: &mut Vec<Spanned<Request>>,
) {
    for mut section in root.tables(key) {
        let path = section.need_parsed::<RelPath>("path", "bad-path", "path = \".\"");
        request(
            &mut section,
            path.into_iter().map(|path| scope(path.value)).collect(),
            into,
        );
    }
}

fn variables(root: &mut Section<'_>, into: &mut Vec<Spanned<Request>>) {
    for mut section in root.tables("env") {
        let name = section.need_parsed::<EnvName>("name", "bad-env-name", "name = \"LANG\"");
        request(
            &mut section,
            name.into_iter()
                .map(|name| Scope::Env(name.value))
                .collect(),
            into,
        );
    }
}

fn origins(root: &mut Section<'_>, into: &mut Vec<Spanned<Request>>) {
    for mut section in root.tables("net") {
        let example = "origin = \"https://api.example.org\"";
        let text = section.need_text("origin", example);
        let scope = match text {
            Some(text) if text.value == "*" => Some(Scope::NetAny),
            Some(_) => section
                .parsed::<NetOrigin>("origin", "bad-origin")
                .map(|origin| Scope::Net(origin.value)),
            None => None,
        };
        request(&mut section, scope.into_iter().collect(), into);
    }
}

fn tools(root: &mut Section<'_>, into: &mut Vec<Spanned<Request>>) {
    for mut section in root.tables("run") {
        let tool = section.need_text("tool", "tool = \"git\"");
        let any = tool.as_ref().is_some_and(|tool| tool.value == "*");
        let tool = if any {
            None
        } else {
            section.parsed::<ToolId>("tool", "bad-tool-name")
        };
        let listed = section.texts("templates");
        let templates = section.list::<TemplateId>("templates", "bad-template-name");
        if let Some(listed) = listed.as_ref().filter(|listed| any || listed.is_empty()) {
            let span = listed.first().map_or(section.span(), |first| &first.span);
            let message = if any {
                "`tool = \"*\"` with `templates`"
            } else {
                "`templates` is empty"
            };
            let help = "remove `templates`; without it every template is meant";
            section
                .problems()
                .report(span, "bad-templates", message, help);
        }
        let scopes = if any {
            vec![Scope::RunAny]
        } else {
            tool.map_or_else(Vec::new, |tool| {
                tool_scopes(&tool.value, listed.is_some(), templates)
            })
        };
        request(&mut section, scopes, into);
    }
}

fn tool_scopes(tool: &ToolId, listed: bool, templates: Vec<Spanned<TemplateId>>) -> Vec<Scope> {
    let scope = |template| {
        Scope::Run(ToolScope {
            tool: tool.clone(),
            template,
        })
    };
    if listed {
        templates
            .into_iter()
            .map(|template| scope(Some(template.value)))
            .collect()
    } else {
        vec![scope(None)]
    }
}

/// A request inside another one is never needed: whoever reads the list should see what counts.
/// Inside an optional one it is, because the optional one may be withheld.
fn check_needless(problems: &Problems, requests: &[Spanned<Request>]) {
    for (index, request) in requests.iter().enumerate() {
        let scope = &request.value.scope;
        for (other_index, other) in requests.iter().enumerate() {
            let same = other.value.scope == *scope;
            // Of two equal requests the later one is the mistake.
            let needless = if same {
                other_index < index
            } else {
                other.value.scope.covers(scope) && !other.value.is_optional()
            };
            if needless {
                let kind = scope.capability();
                let message = format!(
                    "{kind} `{scope}` is never needed: {kind} `{}` covers it",
                    other.value.scope
                );
                problems.report(&request.span, "needless-request", message, "remove it");
                break;
            }
        }
    }
}

fn needs(root: &mut Section<'_>) -> Needs {
    let mut needs = Needs {
        memory: DEFAULT_MEMORY,
        time: DEFAULT_TIME,
        confinement: None,
    };
    let Some(mut section) = root.section("limits") else {
        return needs;
    };
    let problems = section.problems();
    if let Some(memory) = section.parsed::<ByteSize>("memory", "bad-size") {
        if memory.value.get() == 0 || memory.value > MAX_MEMORY {
            let help = format!("write a size from 1B to {MAX_MEMORY}");
            problems.report(
                &memory.span,
                "bad-limit",
                format!("`memory` is {}", memory.value),
                help,
            );
        }
        needs.memory = memory.value;
    }
    if let Some(time) = section.parsed::<TimeSpan>("time", "bad-time") {
        if time.value.get().is_zero() || time.value > MAX_TIME {
            let help = format!("write a time from 1ms to {MAX_TIME}");
            problems.report(
                &time.span,
                "bad-limit",
                format!("`time` is {}", time.value),
                help,
            );
        }
        needs.time = time.value;
    }
    needs.confinement = section
        .parsed::<Confinement>("confinement", "bad-confinement")
        .map(|confinement| confinement.value);
    section.finish();
    needs
}
