//! What happened, held against what was expected.
//!
//! Never: the first difference only.

use std::collections::BTreeMap;
use std::io::Read as _;

use cap_std::fs::Dir;
use remit_core::change::ChangeKind;
use remit_core::event::Event;
use remit_core::outcome::{Artifact, Outcome};
use remit_core::path::RelPath;
use remit_core::scenario::{Expect, FileExpected, Scenario};
use serde::Serialize;
use serde_json::{Value, json};

use crate::material::{MAX_MATERIAL, Material};
use crate::partial::{mismatches, shown};
use crate::script::{Report, excerpt};

/// What happened in a run.
#[derive(Debug)]
pub struct Happened<'a> {
    /// How it ended.
    pub outcome: &'a Outcome,
    /// Everything that was on record.
    pub events: &'a [Event],
    /// What the tools say.
    pub report: &'a Report,
    /// The workspace after it.
    pub workspace: &'a Dir,
    /// What the plugin has stored for the project.
    pub state: &'a BTreeMap<String, Value>,
    /// The bytes that the scenario names.
    pub material: &'a Material,
}

/// One thing that is not as it was expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What: `status`, `outputs/files`, `call`.
    pub what: String,
    /// The line of the scenario that expects it, from 1; 0 if none does.
    pub line: usize,
    /// What was expected.
    pub wanted: String,
    /// What there was.
    pub got: String,
    /// The whole texts, if two files differ.
    #[serde(skip)]
    pub texts: Option<(String, String)>,
}

/// Everything that is not as the scenario expects it. Nothing means that it passed.
#[must_use]
pub fn check(scenario: &Scenario, happened: &Happened<'_>) -> Vec<Difference> {
    let expect = &scenario.expect;
    let mut look = Look {
        line: expect.line,
        found: Vec::new(),
    };
    look.end(expect, happened.outcome);
    look.calls(happened.report);
    look.outputs(expect, happened.outcome);
    look.lists(expect, happened);
    look.events(expect, happened.events);
    for (path, expected) in &expect.files {
        look.file(path, expected, happened);
    }
    for (key, wanted) in &expect.state {
        let got = happened.state.get(key).unwrap_or(&Value::Null);
        look.json(&format!("state.{key}"), wanted, got);
    }
    look.found
}

struct Look {
    line: usize,
    found: Vec<Difference>,
}

impl Look {
    fn add(&mut self, what: &str, wanted: impl Into<String>, got: impl Into<String>) {
        self.found.push(Difference {
            what: what.to_owned(),
            line: self.line,
            wanted: wanted.into(),
            got: got.into(),
            texts: None,
        });
    }

    fn json(&mut self, what: &str, wanted: &Value, got: &Value) {
        for one in mismatches(wanted, got) {
            self.add(&format!("{what}{}", one.pointer), one.wanted, one.got);
        }
    }

    fn end(&mut self, expect: &Expect, outcome: &Outcome) {
        let status = outcome.status();
        let said = message(outcome);
        let shown = if said.is_empty() {
            status.to_owned()
        } else {
            format!("{status}: {}", excerpt(&said))
        };
        if let Some(wanted) = expect.status()
            && wanted != status
        {
            self.add("status", wanted, shown.clone());
        } else if let Outcome::Internal { .. } = outcome {
            self.add("status", "no fault of the host", shown.clone());
        }
        let exit = outcome.exit_code().number();
        if let Some(wanted) = expect.exit
            && wanted != exit
        {
            self.add("exit", wanted.to_string(), format!("{exit} ({shown})"));
        }
        if let Some(wanted) = &expect.code {
            let got = code(outcome);
            if got.as_deref() != Some(wanted) {
                self.add("code", wanted, got.unwrap_or_else(|| "none".to_owned()));
            }
        }
        for wanted in &expect.message_contains {
            if !said.contains(wanted.as_str()) {
                self.add("message", format!("… {wanted} …"), excerpt(&said));
            }
        }
    }

    fn calls(&mut self, report: &Report) {
        for complaint in &report.complaints {
            self.found.push(Difference {
                what: "calls".to_owned(),
                line: 0,
                wanted: "only what the scenario expects".to_owned(),
                got: complaint.clone(),
                texts: None,
            });
        }
        for (line, what) in &report.missing {
            self.found.push(Difference {
                what: "calls".to_owned(),
                line: *line,
                wanted: what.clone(),
                got: "no such call".to_owned(),
                texts: None,
            });
        }
    }

    fn outputs(&mut self, expect: &Expect, outcome: &Outcome) {
        let outputs = outputs(outcome);
        if let Some(wanted) = &expect.outputs {
            self.json("outputs", wanted, outputs);
        }
        for (pointer, wanted) in &expect.outputs_contain {
            let got = outputs.pointer(pointer);
            let text = match got {
                Some(Value::String(text)) => text.clone(),
                Some(value) => value.to_string(),
                None => String::new(),
            };
            if !text.contains(wanted.as_str()) {
                let got = got.map_or_else(|| "nothing".to_owned(), shown);
                self.add(&format!("outputs{pointer}"), format!("… {wanted} …"), got);
            }
        }
        if let Some(wanted) = &expect.artifacts {
            let mut got: Vec<&str> = artifacts(outcome)
                .iter()
                .map(|artifact| artifact.path.as_str())
                .collect();
            let mut wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            got.sort_unstable();
            wanted.sort_unstable();
            if got != wanted {
                self.add("artifacts", format!("{wanted:?}"), format!("{got:?}"));
            }
        }
        if let Some(wanted) = &expect.problems {
            self.problems(wanted, outcome);
        }
    }

    /// In any order, but all of them: who checks first is nobody's business.
    fn problems(&mut self, wanted: &[Value], outcome: &Outcome) {
        let mut left: Vec<Value> = if let Outcome::InvalidInput { problems } = outcome {
            problems.iter().map(|problem| json!(problem)).collect()
        } else {
            Vec::new()
        };
        let all = shown(&json!(left));
        for one in wanted {
            match left.iter().position(|got| mismatches(one, got).is_empty()) {
                Some(place) => {
                    left.remove(place);
                }
                None => self.add("problems", shown(one), all.clone()),
            }
        }
        for more in left {
            self.add("problems", "no further problem", shown(&more));
        }
    }

    fn lists(&mut self, expect: &Expect, happened: &Happened<'_>) {
        if let Some(wanted) = &expect.denied {
            let mut wanted = wanted.clone();
            let mut got = denied(happened);
            wanted.sort_unstable();
            got.sort_unstable();
            got.dedup();
            if wanted != got {
                self.add("denied", format!("{wanted:?}"), format!("{got:?}"));
            }
        }
        if let Some(wanted) = &expect.changes {
            let got = changes(happened.events);
            if *wanted != got {
                self.add("changes", words(wanted), words(&got));
            }
        }
        if let Some(wanted) = expect.claims_differ {
            let differ = happened
                .events
                .iter()
                .find(|event| matches!(event, Event::ClaimsDiffer { .. }));
            if differ.is_some() != wanted {
                let got = differ.map_or_else(
                    || "claims that agree with what the host saw".to_owned(),
                    |event| shown(&json!(event)),
                );
                let wanted = if wanted {
                    "claims that differ"
                } else {
                    "claims that agree"
                };
                self.add("claims-differ", wanted, got);
            }
        }
    }

    /// Each wanted event is found behind the one before it.
    fn events(&mut self, expect: &Expect, events: &[Event]) {
        let values: Vec<Value> = events.iter().map(|event| json!(event)).collect();
        let mut from = 0;
        for wanted in &expect.events {
            let rest = values.get(from..).unwrap_or_default();
            match rest
                .iter()
                .position(|got| mismatches(wanted, got).is_empty())
            {
                Some(place) => from += place + 1,
                None => {
                    let word = wanted.get("type");
                    let near: Vec<String> = rest
                        .iter()
                        .filter(|got| got.get("type") == word)
                        .take(3)
                        .map(shown)
                        .collect();
                    let got = if near.is_empty() {
                        let words: Vec<&str> = events
                            .get(from..)
                            .unwrap_or_default()
                            .iter()
                            .map(Event::word)
                            .collect();
                        format!("no such event among {}", excerpt(&words.join(", ")))
                    } else {
                        near.join(" and ")
                    };
                    self.add("events", shown(wanted), got);
                }
            }
        }
    }

    fn file(&mut self, path: &RelPath, expected: &FileExpected, happened: &Happened<'_>) {
        let what = format!("files.{path}");
        let got = match read_file(happened.workspace, path) {
            Ok(got) => got,
            Err(error) => {
                if !matches!(expected, FileExpected::Absent) {
                    self.add(&what, "a file", error);
                }
                return;
            }
        };
        let text = String::from_utf8_lossy(&got);
        match expected {
            FileExpected::Absent => self.add(&what, "no file", excerpt(&text)),
            FileExpected::Contains(parts) => {
                for part in parts {
                    if !text.contains(part.as_str()) {
                        self.add(&what, format!("… {part} …"), excerpt(&text));
                    }
                }
            }
            FileExpected::Is(content) => {
                let wanted = happened.material.bytes(content).unwrap_or_default();
                if wanted != got {
                    let wanted = String::from_utf8_lossy(&wanted);
                    let (first, other) = first_line(&wanted, &text);
                    self.add(&what, first, other);
                    if let Some(last) = self.found.last_mut() {
                        last.texts = Some((wanted.into_owned(), text.into_owned()));
                    }
                }
            }
        }
    }
}

/// The first lines in which two texts differ, with their number.
fn first_line(wanted: &str, got: &str) -> (String, String) {
    let mut numbered = wanted.lines().zip(got.lines()).enumerate();
    match numbered.find(|(_, (wanted, got))| wanted != got) {
        Some((index, (wanted, got))) => (
            format!("line {}: {}", index + 1, excerpt(wanted)),
            format!("line {}: {}", index + 1, excerpt(got)),
        ),
        None => (
            format!("{} bytes, the end is {:?}", wanted.len(), tail(wanted)),
            format!("{} bytes, the end is {:?}", got.len(), tail(got)),
        ),
    }
}

fn tail(text: &str) -> &str {
    /// Enough to see what a file ends with.
    const TAIL: usize = 40;
    let start = text.len().saturating_sub(TAIL);
    text.get(text.ceil_char_boundary(start)..).unwrap_or(text)
}

/// The content of a file below a directory, up to the largest that a scenario can name.
pub(crate) fn read_file(directory: &Dir, path: &RelPath) -> Result<Vec<u8>, String> {
    let file = directory
        .open(path.as_str())
        .map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(MAX_MATERIAL)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// What is said about an end, for people.
fn message(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Succeeded { summary, .. } => summary.clone(),
        Outcome::Failed { message, .. }
        | Outcome::PluginFault { message, .. }
        | Outcome::Internal { message } => message.clone(),
        Outcome::Rejected { reason } => reason.clone(),
        Outcome::InvalidInput { problems } => {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            problems.join("; ")
        }
        Outcome::Denied { denials, message } => {
            let mut said: Vec<String> = message.iter().cloned().collect();
            said.extend(
                denials
                    .iter()
                    .map(|denial| format!("{} {}", denial.capability, denial.scope)),
            );
            said.join("; ")
        }
        Outcome::Unavailable { what } => what.clone(),
        Outcome::TimedOut { limit_ms } => format!("after {limit_ms} ms"),
        Outcome::Cancelled { reason } => reason.to_string(),
    }
}

/// The word for a failure or a fault.
fn code(outcome: &Outcome) -> Option<String> {
    if let Outcome::PluginFault { kind, .. } = outcome {
        return json!(kind).as_str().map(str::to_owned);
    }
    if let Outcome::Failed { code, .. } = outcome {
        return Some(code.clone());
    }
    None
}

fn outputs(outcome: &Outcome) -> &Value {
    if let Outcome::Succeeded { outputs, .. } | Outcome::Failed { outputs, .. } = outcome {
        outputs
    } else {
        &Value::Null
    }
}

fn artifacts(outcome: &Outcome) -> &[Artifact] {
    if let Outcome::Succeeded { artifacts, .. } = outcome {
        artifacts
    } else {
        &[]
    }
}

/// Every denial of the run and of its end.
fn denied(happened: &Happened<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for event in happened.events {
        if let Event::Denied { denial } = event {
            all.push(denial);
        }
    }
    if let Outcome::Denied { denials, .. } = happened.outcome {
        all.extend(denials);
    }
    all.into_iter()
        .map(|denial| format!("{} {}", denial.capability, denial.scope))
        .collect()
}

fn changes(events: &[Event]) -> BTreeMap<String, ChangeKind> {
    let mut found = BTreeMap::new();
    for event in events {
        if let Event::FilesChanged { changes, .. } = event {
            for change in changes {
                found.insert(change.path.to_string(), change.kind);
            }
        }
    }
    found
}

fn words(changes: &BTreeMap<String, ChangeKind>) -> String {
    if changes.is_empty() {
        return "nothing changed".to_owned();
    }
    let each: Vec<String> = changes
        .iter()
        .map(|(path, kind)| format!("{path} {}", kind.word()))
        .collect();
    excerpt(&each.join(", "))
}
