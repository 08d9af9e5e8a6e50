//! One entry on one line, for people.

use std::path::PathBuf;

use anstream::eprintln;
use remit_core::audit::{Entry, Line, LineError, Place};
use remit_core::change::Change;
use remit_core::claim::Mismatch;
use remit_core::event::GrantSummary;
use remit_core::manifest::Confinement;
use remit_core::tool::{Exit, ProgramIdentity, Usage};

use crate::places::Places;
use crate::printable::printable;
use crate::render::{self, BAD, BOLD, DIM, GOOD, NOTE, WARN};
pub(super) use crate::stdout::line as write;

/// Width of the longest word of an entry.
const WORD: usize = 13;

/// Characters of a run's id at its end that tell it from others.
const RUN_END: usize = 6;

/// Changed files that a line names.
const NAMED: usize = 5;

/// The file in which a line is.
pub(super) fn file(places: &Places, place: Place) -> PathBuf {
    places.audit().join(format!("{:08}.jsonl", place.segment))
}

/// Says that a line is no entry.
pub(super) fn damaged(places: &Places, place: Place, error: &LineError) {
    eprintln!(
        "{} {}:{}: {}; remit audit verify tells more",
        render::error_word(),
        printable(&file(places, place).display().to_string()),
        place.line,
        printable(&error.to_string())
    );
}

/// An entry on one line.
pub(super) fn line(line: &Line) -> String {
    let word = line.entry.word();
    let style = match &line.entry {
        Entry::Denial { .. } | Entry::Refused { .. } | Entry::Lost { .. } => BAD,
        Entry::Recovered { .. }
        | Entry::Revoked { .. }
        | Entry::ApprovalRevoked { .. }
        | Entry::ClaimsDiffer { .. } => WARN,
        Entry::Spawn { .. } | Entry::Request { .. } => NOTE,
        Entry::RunStarted { .. }
        | Entry::Grant { .. }
        | Entry::Exit { .. }
        | Entry::Response { .. }
        | Entry::FilesChanged { .. }
        | Entry::Approved { .. }
        | Entry::RunFinished { .. } => BOLD,
    };
    let run = line.run.as_deref().unwrap_or_default();
    let run = match run.len().checked_sub(RUN_END).and_then(|at| run.get(at..)) {
        Some(end) => format!("…{}", printable(end)),
        None => " ".repeat(RUN_END + 1),
    };
    format!(
        "{:>5} {DIM}{} {run}{DIM:#} {style}{word:WORD$}{style:#} {}",
        line.seq,
        printable(&line.time),
        what(line)
    )
}

/// What the entry says besides its word.
fn what(line: &Line) -> String {
    match &line.entry {
        Entry::RunStarted {
            plugin,
            version,
            workspace,
            ..
        } => {
            let run = text(line.run.as_deref().unwrap_or_default());
            let (plugin, version, workspace) = (text(plugin), text(version), text(workspace));
            format!("{plugin} {version} in {workspace}  {DIM}run {run}{DIM:#}")
        }
        Entry::Grant { grants } => granted(grants),
        Entry::Denial { denial } => format!("{} {}", denial.capability, text(&denial.scope)),
        Entry::Spawn { .. } => spawned(&line.entry),
        Entry::Refused {
            tool,
            template,
            code,
            message,
        } => {
            let (tool, template) = (text(tool), text(template));
            format!("{tool}:{template} {}: {}", text(code), text(message))
        }
        Entry::Exit {
            call,
            tool,
            exit,
            success,
            usage,
        } => format!("#{call} {} {}", text(tool), ended(*exit, *success, usage)),
        Entry::Request { .. } => asked(&line.entry),
        Entry::Response { .. } => answered(&line.entry),
        Entry::FilesChanged { changes, more } => changed(changes, *more),
        Entry::ClaimsDiffer { mismatch } => differing(mismatch),
        Entry::Approved {
            approval,
            plugin,
            allow,
            ..
        } => format!("{approval} {} {}", text(plugin), text(&allow.join(", "))),
        Entry::Revoked {
            approval, plugin, ..
        } => format!("{approval} {}", text(plugin)),
        Entry::ApprovalRevoked { approval } => format!("{approval} was taken back"),
        Entry::RunFinished {
            status,
            exit_code,
            wall_ms,
        } => format!(
            "{} (exit {exit_code}) {DIM}{wall_ms} ms{DIM:#}",
            text(status)
        ),
        Entry::Recovered { bytes } => format!("a torn line of {bytes} bytes was taken away"),
        Entry::Lost { entries, reason } => {
            format!("{entries} entries could not be written: {}", text(reason))
        }
    }
}

/// A request of a plugin, one hop of it.
fn asked(entry: &Entry) -> String {
    let Entry::Request {
        call,
        hop,
        method,
        origin,
        path,
    } = entry
    else {
        return String::new();
    };
    let redirected = if *hop == 0 {
        String::new()
    } else {
        format!("  redirect {hop}")
    };
    let (method, origin, path) = (text(method), text(origin), text(path));
    format!("#{call} {method} {origin}{path}{redirected}")
}

/// How it came out.
fn answered(entry: &Entry) -> String {
    let Entry::Response {
        call,
        origin,
        status,
        code,
        sent,
        received,
    } = entry
    else {
        return String::new();
    };
    let end = match (status, code) {
        (Some(status), _) => status.to_string(),
        (None, code) => text(code.as_deref().unwrap_or_default()),
    };
    format!(
        "#{call} {} {end}, {sent} bytes sent, {received} kept",
        text(origin)
    )
}

/// A tool that started, with how it was held.
fn spawned(entry: &Entry) -> String {
    let Entry::Spawn {
        call,
        tool,
        template,
        arguments,
        directory,
        program,
        level,
        origins,
        ..
    } = entry
    else {
        return String::new();
    };
    let held = held(*level, program.as_deref());
    let (arguments, directory) = (text(&arguments.join(" ")), text(directory));
    let (tool, template) = (text(tool), text(template));
    let origins: String = origins
        .iter()
        .map(|entry| format!("  {}={}", entry.port, entry.origin))
        .collect();
    format!("#{call} {tool}:{template} [{arguments}] in {directory}{held}{origins}")
}

/// Text from outside on one line: line ends become visible too.
fn text(text: &str) -> String {
    printable(text).replace('\n', "\\n")
}

fn granted(grants: &GrantSummary) -> String {
    let mut parts = Vec::new();
    for (name, values) in [
        ("read", &grants.read),
        ("write", &grants.write),
        ("env", &grants.env),
        ("run", &grants.run),
        ("net", &grants.net),
    ] {
        if !values.is_empty() {
            parts.push(format!("{name} {}", text(&values.join(","))));
        }
    }
    if parts.is_empty() {
        parts.push("nothing".to_owned());
    }
    if !grants.withheld.is_empty() {
        parts.push(format!("{WARN}withheld {}{WARN:#}", grants.withheld.len()));
    }
    parts.join("  ")
}

fn changed(changes: &[Change], more: bool) -> String {
    if changes.is_empty() {
        return "none".to_owned();
    }
    let named: Vec<String> = changes
        .iter()
        .take(NAMED)
        .map(|change| format!("{} {}", change.kind.word(), text(change.path.as_str())))
        .collect();
    let rest = if changes.len() > NAMED || more {
        ", …"
    } else {
        ""
    };
    let plus = if more { "+" } else { "" };
    format!("{}{plus}: {}{rest}", changes.len(), named.join(", "))
}

/// What a plugin says of files against what was seen.
fn differing(mismatch: &Mismatch) -> String {
    let mut parts = Vec::new();
    for (what, paths) in [
        ("not changed", &mismatch.not_changed),
        ("not claimed", &mismatch.not_claimed),
        ("not there", &mismatch.not_there),
    ] {
        let named: Vec<String> = paths.iter().take(NAMED).map(|path| text(path)).collect();
        let rest = if paths.len() > NAMED { ", …" } else { "" };
        if !named.is_empty() {
            parts.push(format!("{what}: {}{rest}", named.join(", ")));
        }
    }
    parts.join("  ")
}

/// How tightly a tool was held, and which file it was.
fn held(level: Option<Confinement>, program: Option<&ProgramIdentity>) -> String {
    let level = level.map(|level| format!("  level {level}"));
    let file = program.map(|program| {
        let file = program.script.as_ref().unwrap_or(&program.executable);
        let digest = file.digest.map(|digest| format!(" {digest}"));
        format!(
            "  {DIM}{}{}{DIM:#}",
            text(&file.path),
            digest.unwrap_or_default()
        )
    });
    format!("{}{}", level.unwrap_or_default(), file.unwrap_or_default())
}

fn ended(exit: Exit, success: bool, usage: &Usage) -> String {
    let style = if success { GOOD } else { BAD };
    format!(
        "{style}{}{style:#} {DIM}{} ms, {} + {} bytes{DIM:#}",
        exit_words(exit),
        usage.wall.as_millis(),
        usage.stdout_bytes,
        usage.stderr_bytes
    )
}

fn exit_words(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit {code}"),
        Exit::Signal(signal) => format!("signal {signal}"),
        Exit::Killed(cause) => {
            let word = serde_json::to_value(cause).unwrap_or_default();
            format!("killed: {}", word.as_str().unwrap_or_default())
        }
    }
}
