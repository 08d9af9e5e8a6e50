//! What the ledger says and what really happened, as the checker reads them.
//!
//! Never: a look into the store. What `remit` exports, and what the tools wrote down.

use serde_json::Value;

/// An event of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    pub(crate) task_seq: u64,
    pub(crate) run: Option<String>,
    pub(crate) task: Option<String>,
    pub(crate) word: String,
    /// All of it.
    pub(crate) body: Value,
}

impl Event {
    /// From one exported entry.
    pub(crate) fn read(body: Value) -> Result<Self, String> {
        let number = |key: &str| body[key].as_u64().ok_or_else(|| format!("{key} in {body}"));
        let text = |key: &str| body[key].as_str().map(str::to_owned);
        Ok(Self {
            seq: number("seq")?,
            task_seq: number("task-seq")?,
            run: text("run"),
            task: text("task"),
            word: text("event").ok_or_else(|| format!("event in {body}"))?,
            body,
        })
    }

    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        self.body[key].as_u64()
    }

    /// Whether it is an attempt's own write, which its fence guards.
    pub(crate) fn fence(&self) -> Option<u64> {
        self.number("fence")
    }

    pub(crate) fn is(&self, word: &str) -> bool {
        self.word == word
    }

    pub(crate) fn is_terminal(&self) -> bool {
        TERMINAL.contains(&self.word.as_str())
    }
}

/// How tasks end.
const TERMINAL: [&str; 6] = [
    "TASK_COMPLETED",
    "TASK_FAILED",
    "TASK_TIMEOUT",
    "TASK_CANCELED",
    "TASK_SKIPPED",
    "TASK_BLOCKED",
];

/// The exported entries.
pub(crate) fn events(export: &str) -> Vec<Event> {
    export
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let body: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            Event::read(body).unwrap_or_else(|missing| panic!("no {missing}"))
        })
        .collect()
}

/// A line of the tools' own log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) word: Word,
    pub(crate) label: String,
    /// What the host told the tool, `None` where it said nothing.
    pub(crate) task: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) attempt: Option<u64>,
    pub(crate) fence: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Start,
    Line,
    End,
}

impl Line {
    /// The number of the effect in its key.
    pub(crate) fn effect(&self) -> Option<u64> {
        self.key.as_ref()?.rsplit('/').next()?.parse().ok()
    }

    fn read(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(' ').collect();
        let [word, label, task, key, attempt, fence, _pid] = parts.as_slice() else {
            return None;
        };
        let said = |text: &str| (text != "-").then(|| text.to_owned());
        let number = |text: &str| match text {
            "-" => Some(None),
            text => text.parse().ok().map(Some),
        };
        Some(Self {
            word: match *word {
                "start" => Word::Start,
                "line" => Word::Line,
                "end" => Word::End,
                _ => return None,
            },
            label: (*label).to_owned(),
            task: said(task),
            key: said(key),
            attempt: number(attempt)?,
            fence: number(fence)?,
        })
    }
}

/// The log, in the order in which things happened. Every line is one write, so none is cut.
pub(crate) fn log(text: &str) -> Vec<Line> {
    text.lines()
        .map(|line| Line::read(line).unwrap_or_else(|| panic!("not a line of the log: {line}")))
        .collect()
}
