//! The agents that are known, and the reader of what they say.
//!
//! Never: a line that ends the reading. What is not known is counted.

mod aider;
mod claude;
mod codex;
mod gemini;
mod opencode;

use serde_json::Value;

use crate::acp::Told;
use crate::document::{Documents, Part};
use crate::evidence;
use crate::observation::{EndKind, Note, Observation, Scribe};
use crate::verdict::Objection;

/// An agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// aider: words, and a log of its own beside them.
    Aider,
    /// codex: `exec --json`.
    Codex,
    /// Claude Code: `--output-format stream-json`.
    Claude,
    /// opencode: `run --format json`.
    Opencode,
    /// gemini-cli: `--output-format stream-json`.
    Gemini,
    /// qwen-code: the form of Claude Code.
    Qwen,
    /// Any agent, by the Agent Client Protocol.
    Acp,
}

impl Tool {
    /// Every agent.
    pub const ALL: [Self; 7] = [
        Self::Aider,
        Self::Codex,
        Self::Claude,
        Self::Opencode,
        Self::Gemini,
        Self::Qwen,
        Self::Acp,
    ];

    /// Its name, which is also the name of its adapter.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aider => "aider",
            Self::Codex => "codex",
            Self::Claude => "claude",
            Self::Opencode => "opencode",
            Self::Gemini => "gemini",
            Self::Qwen => "qwen",
            Self::Acp => "acp",
        }
    }

    /// What speaks against success by the rule of this agent, if the process ended by itself with
    /// this code. Refusals and effects are looked at afterwards, for all agents alike.
    pub(crate) fn objection(self, seen: &Observation, code: u8) -> Option<Objection> {
        match self {
            Self::Aider => aider::objection(seen, code),
            Self::Codex => codex::objection(seen, code),
            Self::Claude | Self::Qwen => claude::objection(seen, code),
            Self::Opencode => opencode::objection(seen, code),
            Self::Gemini => gemini::objection(seen, code),
            Self::Acp => crate::acp::objection(seen, code),
        }
    }
}

/// Where a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A log that the agent writes into a file (`aider`).
    Log,
}

#[derive(Debug)]
enum Dialect {
    Aider(aider::Aider),
    Codex(codex::Codex),
    Claude(claude::Claude),
    Opencode(opencode::Opencode),
    Gemini(gemini::Gemini),
    Acp(Told),
}

/// Reads what an agent says, line by line.
#[derive(Debug)]
pub struct Reader {
    dialect: Dialect,
    documents: Documents,
    scribe: Scribe,
}

impl Reader {
    /// A reader that has seen nothing.
    #[must_use]
    pub fn new(tool: Tool) -> Self {
        let dialect = match tool {
            Tool::Aider => Dialect::Aider(aider::Aider::default()),
            Tool::Codex => Dialect::Codex(codex::Codex::default()),
            Tool::Claude | Tool::Qwen => Dialect::Claude(claude::Claude::default()),
            Tool::Opencode => Dialect::Opencode(opencode::Opencode::default()),
            Tool::Gemini => Dialect::Gemini(gemini::Gemini::default()),
            Tool::Acp => Dialect::Acp(Told::default()),
        };
        Self {
            dialect,
            documents: Documents::default(),
            scribe: Scribe::default(),
        }
    }

    /// Takes one line without its end.
    pub fn line(&mut self, stream: Stream, line: &str) {
        match stream {
            Stream::Stderr => self.stderr(line),
            Stream::Log => {
                if let Dialect::Aider(aider) = &mut self.dialect {
                    aider.log(line, &mut self.scribe);
                }
            }
            Stream::Stdout => {
                let plain = evidence::without_colours(line);
                if let Dialect::Aider(aider) = &mut self.dialect {
                    aider.line(&plain, &mut self.scribe);
                } else {
                    let parts = self.documents.line(&plain);
                    self.parts(parts);
                }
            }
        }
    }

    /// The agent says no more.
    pub fn finish(&mut self) {
        let parts = self.documents.finish();
        self.parts(parts);
        if let Dialect::Aider(aider) = &mut self.dialect {
            aider.finish(&mut self.scribe);
        }
        self.scribe.finish();
    }

    /// What was seen so far.
    #[must_use]
    pub fn seen(&self) -> &Observation {
        &self.scribe.seen
    }

    /// What people who watch may want to know, once.
    pub fn take_notes(&mut self) -> Vec<Note> {
        self.scribe.take_notes()
    }

    /// For the side that answers, which knows of refusals that the agent does not tell.
    pub(crate) fn scribe(&mut self) -> &mut Scribe {
        &mut self.scribe
    }

    fn parts(&mut self, parts: Vec<Part>) {
        for part in parts {
            match part {
                Part::Event(event) => self.event(&event),
                Part::Broken => {
                    let count = &mut self.scribe.seen.broken_lines;
                    *count = count.saturating_add(1);
                }
                Part::Text(text) => self.loose(&text),
            }
        }
    }

    fn event(&mut self, event: &Value) {
        let scribe = &mut self.scribe;
        match &mut self.dialect {
            Dialect::Aider(_) => {}
            Dialect::Codex(codex) => codex.event(event, scribe),
            Dialect::Claude(claude) => claude.event(event, scribe),
            Dialect::Opencode(opencode) => opencode.event(event, scribe),
            Dialect::Gemini(gemini) => gemini.event(event, scribe),
            Dialect::Acp(told) => told.message(event, scribe),
        }
    }

    /// A line of standard output that is no event.
    fn loose(&mut self, text: &str) {
        let seen = &mut self.scribe.seen;
        seen.loose_lines = seen.loose_lines.saturating_add(1);
        if seen.events == 0 {
            self.scribe.said_more(&format!("{text}\n"));
        }
        // qwen and gemini print the failure of their provider as if it were the answer.
        if text.starts_with("[API Error:") {
            self.scribe.end(EndKind::Provider, text);
        } else if let Some(kind) = evidence::hint(text) {
            self.scribe.hint(kind, text);
        }
    }

    fn stderr(&mut self, line: &str) {
        let line = evidence::without_colours(line);
        let line = line.trim();
        if is_retry(line) {
            self.scribe.retry(line);
        }
        let refusals_are_told = match self.dialect {
            Dialect::Codex(_) | Dialect::Opencode(_) | Dialect::Gemini(_) => true,
            Dialect::Aider(_) | Dialect::Claude(_) | Dialect::Acp(_) => false,
        };
        if refusals_are_told && evidence::is_told_refusal(line) {
            self.scribe.deny(line, "an action", line);
        } else if let Some(kind) = evidence::hint(line) {
            self.scribe.hint(kind, line);
        }
    }
}

/// gemini-cli: `Attempt 1 failed with status 500. Retrying with backoff…`
fn is_retry(line: &str) -> bool {
    line.starts_with("Attempt ") && line.contains("Retrying")
}

/// A text inside a document, or nothing.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A count inside a document, or 0.
pub(crate) fn count(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// Whatever a tool's result says, as one text: agents write texts, lists of parts, or objects.
pub(crate) fn words(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let all: Vec<&str> = parts.iter().map(|part| text(part, "/text")).collect();
            all.join("\n")
        }
        Some(Value::Object(object)) => match object.get("message") {
            Some(Value::String(text)) => text.clone(),
            _ => Value::Object(object.clone()).to_string(),
        },
        Some(other @ (Value::Bool(_) | Value::Number(_))) => other.to_string(),
    }
}

/// The file that a tool of an agent edits, by the names that agents have for it.
pub(crate) fn file_of(input: &Value) -> &str {
    [
        "/file_path",
        "/filePath",
        "/filepath",
        "/path",
        "/notebook_path",
        "/absolute_path",
    ]
    .into_iter()
    .map(|pointer| text(input, pointer))
    .find(|found| !found.is_empty())
    .unwrap_or_default()
}

/// What a tool of an agent is about: a file, a command, a pattern.
pub(crate) fn about(input: &Value) -> &str {
    let file = file_of(input);
    if !file.is_empty() {
        return file;
    }
    ["/command", "/pattern", "/query", "/url", "/description"]
        .into_iter()
        .map(|pointer| text(input, pointer))
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

/// Whether a tool of an agent changes the file that it names.
pub(crate) fn is_edit(name: &str) -> bool {
    const EDITS: &[&str] = &[
        "edit",
        "multiedit",
        "write",
        "write_file",
        "writefile",
        "replace",
        "notebookedit",
        "patch",
        "apply_patch",
    ];
    EDITS.contains(&name.to_lowercase().as_str())
}
