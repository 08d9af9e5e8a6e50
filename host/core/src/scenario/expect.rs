//! What must come of a scenario.
//!
//! Never: an expectation that holds whatever happens; what is left out is not looked at.

use std::collections::BTreeMap;

use serde_json::Value;

use super::content::{self, Content};
use super::play::chosen;
use super::words::STATUSES;
use crate::change::ChangeKind;
use crate::document::{Section, Spanned};
use crate::event::Event;
use crate::outcome::ExitCode;
use crate::path::RelPath;

/// What a file of the workspace must be after the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileExpected {
    /// Exactly this.
    Is(Content),
    /// A text that has these in it.
    Contains(Vec<String>),
    /// Not there.
    Absent,
}

/// What must come of a scenario. What is absent or empty is not looked at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expect {
    /// The line on which it begins, from 1; 0 if the scenario has none.
    pub line: usize,
    /// How the attempt ends. A scenario that says nothing about the end expects success.
    pub status: Option<String>,
    /// The exit code of `remit run`.
    pub exit: Option<u8>,
    /// The code of a failure, or the kind of a fault.
    pub code: Option<String>,
    /// Texts in what is said about the end.
    pub message_contains: Vec<String>,
    /// A part of the outputs.
    pub outputs: Option<Value>,
    /// Pointers into the outputs (RFC 6901), with a text that is in the text there.
    pub outputs_contain: Vec<(String, String)>,
    /// Parts of the problems of the inputs, all of them, in any order.
    pub problems: Option<Vec<Value>>,
    /// The paths of the artifacts, all of them, in any order.
    pub artifacts: Option<Vec<String>>,
    /// What the host saw change, all of it.
    pub changes: Option<BTreeMap<String, ChangeKind>>,
    /// Files after the run.
    pub files: Vec<(RelPath, FileExpected)>,
    /// Every denial, as capability and scope, in any order.
    pub denied: Option<Vec<String>>,
    /// Whether claims of the plugin differ from what the host saw.
    pub claims_differ: Option<bool>,
    /// Parts of events, in this order, with others between.
    pub events: Vec<Value>,
    /// Parts of what the plugin stores for the project, by key.
    pub state: Vec<(String, Value)>,
}

impl Expect {
    /// How the attempt must end: what was said, or success if nothing was said.
    #[must_use]
    pub fn status(&self) -> Option<&str> {
        match (&self.status, self.exit, &self.code, &self.problems) {
            (Some(status), ..) => Some(status),
            (None, None, None, None) => Some("succeeded"),
            (None, None, None, Some(_)) => Some("invalid-input"),
            (None, ..) => None,
        }
    }
}

/// Reads `[expect]`.
pub(super) fn read(root: &mut Section<'_>) -> Expect {
    let Some(mut section) = root.section("expect") else {
        return Expect::default();
    };
    let expect = Expect {
        line: section.line(),
        status: status(&mut section),
        exit: exit(&mut section),
        code: section.text("code").map(|text| text.value.to_owned()),
        message_contains: one_or_many(&mut section, "message-contains"),
        outputs: section.object("outputs").map(Value::Object),
        outputs_contain: contain(&mut section),
        problems: section.jsons("problems"),
        artifacts: owned(section.texts("artifacts")),
        changes: changes(&mut section),
        files: files(&mut section, "files"),
        denied: owned(section.texts("denied")),
        claims_differ: section.answer("claims-differ"),
        events: events(&mut section),
        state: super::read::values(&mut section, "state"),
    };
    section.finish();
    expect
}

fn owned(texts: Option<Vec<Spanned<&str>>>) -> Option<Vec<String>> {
    let texts = texts?.into_iter().map(|text| text.value.to_owned());
    Some(texts.collect())
}

/// A text or a list of them.
pub(super) fn one_or_many(section: &mut Section<'_>, key: &str) -> Vec<String> {
    if section.is_list(key) {
        return owned(section.texts(key)).unwrap_or_default();
    }
    section
        .text(key)
        .map(|text| vec![text.value.to_owned()])
        .unwrap_or_default()
}

fn status(section: &mut Section<'_>) -> Option<String> {
    let text = section.text("status")?;
    let words: Vec<((), &'static str)> = STATUSES.iter().map(|word| ((), *word)).collect();
    if let Err(error) = chosen(text.value, &words) {
        let whole = error.to_string();
        let (message, fix) = whole.split_once("; ").unwrap_or((&whole, "correct it"));
        section
            .problems()
            .report(&text.span, "unknown-status", message, fix);
        return None;
    }
    Some(text.value.to_owned())
}

fn exit(section: &mut Section<'_>) -> Option<u8> {
    let number = section.integer("exit")?;
    let known = ExitCode::ALL
        .iter()
        .find(|code| i64::from(code.number()) == number.value);
    if known.is_none() {
        let all: Vec<String> = ExitCode::ALL
            .iter()
            .map(|code| format!("{} ({})", code.number(), code.meaning()))
            .collect();
        let message = format!("no run ends with {}", number.value);
        section.problems().report(
            &number.span,
            "unknown-exit",
            message,
            format!("write one of {}", all.join(", ")),
        );
    }
    known.map(|code| code.number())
}

fn contain(section: &mut Section<'_>) -> Vec<(String, String)> {
    let Some(mut table) = section.section("outputs-contain") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for key in table.keys() {
        if !key.value.is_empty() && !key.value.starts_with('/') {
            let message = format!("`{}` is no JSON pointer", key.value);
            let fix = format!("write \"/{}\"", key.value);
            table
                .problems()
                .report(&key.span, "bad-pointer", message, fix);
            continue;
        }
        if let Some(text) = table.text(key.value) {
            found.push((key.value.to_owned(), text.value.to_owned()));
        }
    }
    found
}

fn changes(section: &mut Section<'_>) -> Option<BTreeMap<String, ChangeKind>> {
    let mut table = section.section("changes")?;
    let kinds = [
        (ChangeKind::Created, "created"),
        (ChangeKind::Modified, "modified"),
        (ChangeKind::Deleted, "deleted"),
    ];
    let mut found = BTreeMap::new();
    for key in table.keys() {
        let Some(text) = table.text(key.value) else {
            continue;
        };
        match chosen(text.value, &kinds) {
            Ok(kind) => {
                found.insert(key.value.to_owned(), kind);
            }
            Err(error) => {
                let whole = error.to_string();
                let (message, fix) = whole.split_once("; ").unwrap_or((&whole, "correct it"));
                table
                    .problems()
                    .report(&text.span, "unknown-change", message, fix);
            }
        }
    }
    Some(found)
}

/// Files, each with what it has to be.
pub(super) fn files(section: &mut Section<'_>, key: &str) -> Vec<(RelPath, FileExpected)> {
    let Some(mut table) = section.section(key) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for key in table.keys() {
        let path = super::read::path(&table, &key);
        let expected = file(&mut table, key.value);
        found.extend(path.zip(expected));
    }
    found
}

fn file(table: &mut Section<'_>, key: &str) -> Option<FileExpected> {
    let mut special = None;
    if table.is_table(key) {
        let mut inner = table.section(key)?;
        if inner.has("contains") {
            special = Some(FileExpected::Contains(one_or_many(&mut inner, "contains")));
            inner.finish();
        } else if inner.has("absent") {
            if inner.flag("absent") {
                special = Some(FileExpected::Absent);
            } else {
                let fix = "write { absent = true }, or remove the file from the list";
                inner.problems().report(
                    inner.span(),
                    "only-true",
                    "`absent = false` says nothing",
                    fix,
                );
            }
            inner.finish();
            return special;
        }
    }
    special.or_else(|| content::read(table, key).map(FileExpected::Is))
}

fn events(section: &mut Section<'_>) -> Vec<Value> {
    let span = section.span().clone();
    let events = section.jsons("events").unwrap_or_default();
    for event in &events {
        let word = event.get("type").and_then(Value::as_str);
        let message = match word {
            Some(word) if Event::WORDS.contains(&word) => continue,
            Some(word) => format!("no event has the type `{word}`"),
            None => "an event without a `type`".to_owned(),
        };
        let fix = format!(
            "write {{ type = \"…\" }} with one of {}",
            Event::WORDS.join(", ")
        );
        section
            .problems()
            .report(&span, "unknown-event", message, fix);
    }
    events
}
