//! What a step said and did against what its case says: every difference, not only the first.
//!
//! Some things hold for every step and need no word in a case: `--json` means JSON and nothing
//! else, no fault of the host, no escape sequence off a terminal, no process and no temporary file left.

use std::collections::BTreeMap;
use std::process::Output;

use serde_json::Value;

use crate::case::{Step, WithEvent};
use crate::home::{Home, fill};
use crate::machine;
use crate::tree::{self, Node};

/// The differences between a step and its case.
pub(crate) struct Check<'a> {
    home: &'a Home,
    places: &'a BTreeMap<&'static str, String>,
    step: &'a Step,
    stdout: String,
    stderr: String,
    code: Option<i32>,
    found: Vec<String>,
}

impl<'a> Check<'a> {
    pub(crate) fn new(
        home: &'a Home,
        places: &'a BTreeMap<&'static str, String>,
        step: &'a Step,
        output: &Output,
    ) -> Self {
        Self {
            home,
            places,
            step,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
            found: Vec::new(),
        }
    }

    /// Every difference; what the program said is shown if there is one.
    pub(crate) fn differences(mut self, before: &BTreeMap<String, Node>) -> Option<String> {
        if self.code != Some(self.step.exit) {
            let (want, got) = (self.step.exit, self.code);
            self.found.push(format!("exit: want {want}, got {got:?}"));
        }
        self.texts();
        self.manners();
        self.json();
        self.workspace(before);
        self.nothing_is_left();
        if self.found.is_empty() {
            return None;
        }
        let mut text = String::new();
        for difference in &self.found {
            text.push_str(&format!("  - {difference}\n"));
        }
        for (name, said) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            text.push_str(&format!("  --- {name}\n{}\n", shorten(said)));
        }
        Some(text)
    }

    fn texts(&mut self) {
        for (name, said, wanted) in [
            ("stdout", &self.stdout, &self.step.stdout),
            ("stderr", &self.stderr, &self.step.stderr),
        ] {
            let mut rest = said.as_str();
            for text in wanted {
                let text = fill(text, self.places);
                match rest.split_once(&text) {
                    Some((_, after)) => rest = after,
                    None => self
                        .found
                        .push(format!("{name} does not hold, at its place: {text}")),
                }
            }
        }
        for text in &self.step.nowhere {
            let text = fill(text, self.places);
            if self.stdout.contains(&text) || self.stderr.contains(&text) {
                self.found.push(format!("was said: {text}"));
            }
        }
    }

    /// What holds for every step.
    fn manners(&mut self) {
        for (what, sign) in [
            ("an escape sequence off a terminal", "\u{1b}"),
            ("an internal error", "internal error"),
        ] {
            if self.stdout.contains(sign) || self.stderr.contains(sign) {
                self.found.push(what.to_owned());
            }
        }
        let is = |word: &str| self.step.args.iter().any(|argument| argument == word);
        if !is("--json") {
            return;
        }
        if is("run") {
            if let Err(error) = events(&self.stdout) {
                self.found.push(error);
            }
        } else if is("tail") {
            let lines = self.stdout.lines();
            let wrong = lines.filter(|line| serde_json::from_str::<Value>(line).is_err());
            let wrong = wrong.map(|line| format!("no line of JSON: {line}"));
            self.found.extend(wrong.collect::<Vec<_>>());
        } else if !self.stdout.is_empty()
            && let Err(error) = serde_json::from_str::<Value>(&self.stdout)
        {
            self.found.push(format!("stdout is not JSON: {error}"));
        }
    }

    fn json(&mut self) {
        let step = self.step;
        let asked = !step.json.is_empty()
            || !step.json_holds.is_empty()
            || !step.events.is_empty()
            || step.all_events.is_some()
            || !step.with_events.is_empty();
        if !asked {
            return;
        }
        let events = events(&self.stdout).unwrap_or_default();
        let kinds: Vec<&str> = events.iter().map(kind).collect();
        let mut rest = kinds.iter();
        for wanted in &step.events {
            if !rest.any(|kind| kind == wanted) {
                self.found.push(format!(
                    "no event `{wanted}` at its place among {}",
                    kinds.join(" ")
                ));
            }
        }
        if let Some(wanted) = &step.all_events {
            let mut once = kinds.clone();
            once.dedup();
            if once != *wanted {
                self.found.push(format!(
                    "events:\n    want {}\n    got  {}",
                    wanted.join(" "),
                    once.join(" ")
                ));
            }
        }
        for wanted in &step.with_events {
            self.with_event(wanted, &events);
        }
        let document = match events.into_iter().next_back() {
            Some(last) => last,
            None => serde_json::from_str(&self.stdout).unwrap_or_default(),
        };
        let differences = differences(&document, &step.json, &step.json_holds, self.places);
        self.found.extend(differences);
    }

    fn with_event(&mut self, wanted: &WithEvent, events: &[Value]) {
        let mut nearest: Option<Vec<String>> = None;
        for event in events.iter().filter(|event| kind(event) == wanted.kind) {
            let found = differences(event, &wanted.json, &wanted.json_holds, self.places);
            if found.is_empty() {
                return;
            }
            if nearest.as_ref().is_none_or(|old| found.len() < old.len()) {
                nearest = Some(found);
            }
        }
        self.found.push(match nearest {
            None => format!("no event `{}`", wanted.kind),
            Some(found) => format!("no event `{}` that fits: {}", wanted.kind, found.join("; ")),
        });
    }

    fn workspace(&mut self, before: &BTreeMap<String, Node>) {
        let after = tree::read(&self.home.workspace());
        let changes = tree::changes(before, &after);
        if changes != self.step.changed {
            self.found.push(format!(
                "changed:\n    want {:?}\n    got  {changes:?}",
                self.step.changed
            ));
        }
        for (path, text) in &self.step.holds {
            let text = fill(text, self.places);
            let there = matches!(after.get(path), Some(Node::File(bytes))
                if String::from_utf8_lossy(bytes).contains(&text));
            if !there {
                self.found.push(format!("{path} does not hold: {text}"));
            }
        }
    }

    fn nothing_is_left(&mut self) {
        let running = machine::inside(&self.home.workspace());
        if !running.is_empty() {
            self.found.push(format!("still running: {running:?}"));
        }
        let left: Vec<String> = tree::read(&self.home.path("tmp")).into_keys().collect();
        if !left.is_empty() {
            self.found.push(format!("left in TMPDIR: {left:?}"));
        }
    }
}

fn kind(event: &Value) -> &str {
    event["type"].as_str().unwrap_or("?")
}

/// Reads the lines of `run --json`: whole records of one run, numbered without gaps, and either
/// none or an end.
pub(crate) fn events(text: &str) -> Result<Vec<Value>, String> {
    let mut events: Vec<Value> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let event: Value = serde_json::from_str(line).map_err(|error| {
            format!("line {} of stdout is not JSON: {error}: {line}", index + 1)
        })?;
        let same_run = events
            .first()
            .is_none_or(|first| first["run"] == event["run"]);
        if event["v"] != 1 || event["seq"] != index + 1 || !same_run {
            return Err(format!("not the next record of this run: {line}"));
        }
        events.push(event);
    }
    if events
        .last()
        .is_some_and(|last| kind(last) != "run-finished")
    {
        return Err("the last event is not `run-finished`".to_owned());
    }
    Ok(events)
}

fn differences(
    document: &Value,
    values: &BTreeMap<String, Value>,
    texts: &BTreeMap<String, String>,
    places: &BTreeMap<&'static str, String>,
) -> Vec<String> {
    let mut found = Vec::new();
    for (pointer, want) in values {
        let want = want
            .as_str()
            .map_or_else(|| want.clone(), |text| Value::String(fill(text, places)));
        let got = document.pointer(pointer);
        if got != Some(&want) {
            found.push(format!("{pointer}: want {want}, got {}", shown(got)));
        }
    }
    for (pointer, want) in texts {
        let want = fill(want, places);
        let got = document.pointer(pointer);
        if !got
            .and_then(Value::as_str)
            .is_some_and(|text| text.contains(&want))
        {
            found.push(format!(
                "{pointer}: want a text with `{want}`, got {}",
                shown(got)
            ));
        }
    }
    found
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| shorten(&value.to_string()))
}

/// The beginning and the end of a long text.
fn shorten(text: &str) -> String {
    /// Characters of each.
    const KEPT: usize = 1500;
    let count = text.chars().count();
    if count <= 2 * KEPT {
        return text.to_owned();
    }
    let head: String = text.chars().take(KEPT).collect();
    let tail: String = text.chars().skip(count - KEPT).collect();
    format!("{head}\n… {} characters …\n{tail}", count - 2 * KEPT)
}
