//! What was seen of one run of an agent.
//!
//! Everything in here is a claim of the agent: it decides nothing alone. Never: a list or text
//! without a limit; what does not fit is counted.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// Longest text of an agent that is kept, in bytes: its last words, not its transcript.
const MAX_TEXT: usize = 16 << 10;
/// Longest sentence about one thing that went wrong, in bytes.
const MAX_WORDS: usize = 512;
/// Longest piece of an agent's words that is told at once, in bytes.
const MAX_SPEECH: usize = 2 << 10;
/// Most entries of each list. More than people read.
const MAX_ENTRIES: usize = 200;
/// Most kinds of unknown event that are told apart.
const MAX_KINDS: usize = 64;
/// Most files that an agent can claim.
const MAX_FILES: usize = 10_000;

/// How an agent itself says that it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndKind {
    /// It says that it did the work.
    Completed,
    /// It stopped in the middle, without a word about it.
    Stopped,
    /// The service behind it did not answer, or not with an answer.
    Provider,
    /// A limit on turns, tokens or money.
    Limit,
    /// What it wanted to do was refused.
    Permission,
    /// It was called or set up in a way that it does not take.
    Config,
    /// Someone ended it.
    Cancelled,
    /// It failed in some other way.
    Failed,
}

/// A terminal event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct End {
    /// Its kind.
    pub kind: EndKind,
    /// The agent's own words.
    pub words: String,
}

/// Something that the agent wanted to do and was not allowed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Denied {
    /// The agent's name for the call, if it has one: the same refusal is often told twice.
    #[serde(skip)]
    pub id: String,
    /// What it wanted to do.
    pub what: String,
    /// Why it was refused.
    pub why: String,
}

/// Tokens, as far as the agent says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// Sent, those from a cache included.
    pub input: u64,
    /// Of those, read from a cache.
    pub cached: u64,
    /// Received.
    pub output: u64,
}

impl Tokens {
    /// Whether nothing was counted.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.cached = self.cached.saturating_add(other.cached);
        self.output = self.output.saturating_add(other.output);
    }
}

/// What was seen of one run of an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observation {
    /// The agent's name for the session.
    pub session: Option<String>,
    /// The version that it says it has.
    pub version: Option<String>,
    /// The directory in which it says it works, as it sees it.
    pub root: Option<String>,
    /// Its last words.
    pub text: String,
    /// Files that it says it changed, as it wrote them.
    pub files: BTreeSet<String>,
    /// Its terminal events, in order.
    pub ends: Vec<End>,
    /// What it says was refused.
    pub denials: Vec<Denied>,
    /// Tools of its own that failed.
    pub tool_errors: Vec<String>,
    /// How many there were, kept or not.
    pub tool_error_count: u32,
    /// Signs of a refusal that are none by themselves: a command that hit a read-only place.
    pub refusal_signs: u32,
    /// How often it asked its provider again.
    pub retries: u32,
    /// What it said when it did so the last time.
    pub last_retry: String,
    /// How many tools of its own it used.
    pub steps: u32,
    /// Tokens.
    pub tokens: Tokens,
    /// Money in millionths of a US dollar, if it said.
    pub micro_usd: Option<u64>,
    /// Known events.
    pub events: u32,
    /// Events that nobody here knows, by type.
    pub unknown: BTreeMap<String, u32>,
    /// Lines of standard output that are words where events were expected.
    pub loose_lines: u32,
    /// Lines that begin like an event and are none.
    pub broken_lines: u32,
    /// What lines for people and errors hint at; only looked at when the agent has no end of its
    /// own.
    pub hints: Vec<End>,
    /// `aider`: messages that were sent and never answered.
    pub unanswered: u32,
    /// `aider`: edits that did not apply and were not made good later.
    pub misfits: u32,
}

/// Something that people who watch may want to know at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The agent uses a tool of its own.
    Step(String),
    /// The agent says something.
    Said(String),
    /// It asks its provider again.
    Retry(String),
    /// Something was refused.
    Denied(String),
}

/// Most notes that wait to be taken; the reader takes them after each line.
const MAX_NOTES: usize = 1_000;

/// An observation while it is made, with what is to be told on the way.
#[derive(Debug, Default)]
pub(crate) struct Scribe {
    pub(crate) seen: Observation,
    notes: Vec<Note>,
    /// Words that came in pieces, until a line of them is whole.
    speech: String,
}

impl Scribe {
    fn note(&mut self, note: Note) {
        self.speak();
        if self.notes.len() < MAX_NOTES {
            self.notes.push(note);
        }
    }

    pub(crate) fn known(&mut self) {
        self.seen.events = self.seen.events.saturating_add(1);
    }

    pub(crate) fn unknown(&mut self, kind: &str) {
        let kind = cut(kind, 64);
        let is_new = !self.seen.unknown.contains_key(&kind);
        let kind = if is_new && self.seen.unknown.len() >= MAX_KINDS {
            "others".to_owned()
        } else {
            kind
        };
        let count = self.seen.unknown.entry(kind).or_default();
        *count = count.saturating_add(1);
    }

    pub(crate) fn step(&mut self, name: &str, about: &str) {
        self.count_step();
        self.tell_step(name, about);
    }

    pub(crate) fn count_step(&mut self) {
        self.seen.steps = self.seen.steps.saturating_add(1);
    }

    pub(crate) fn tell_step(&mut self, name: &str, about: &str) {
        let about = about.lines().next().unwrap_or_default();
        self.note(Note::Step(cut(format!("{name} {about}").trim(), 200)));
    }

    pub(crate) fn said(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.seen.text = cut(text, MAX_TEXT);
            self.note(Note::Said(cut(text, MAX_SPEECH)));
        }
    }

    /// The first of words that are told in pieces.
    pub(crate) fn begins_to_say(&mut self, text: &str) {
        self.speak();
        self.seen.text.clear();
        self.said_more(text);
    }

    /// More of the same words.
    pub(crate) fn said_more(&mut self, text: &str) {
        let room = MAX_TEXT.saturating_sub(self.seen.text.len());
        self.seen.text.push_str(&cut(text, room));
        let room = MAX_SPEECH.saturating_sub(self.speech.len());
        self.speech.push_str(&cut(text, room));
        if text.ends_with('\n') || self.speech.len() >= MAX_SPEECH {
            self.speak();
        }
    }

    /// Tells the words that have come so far.
    fn speak(&mut self) {
        let speech = std::mem::take(&mut self.speech);
        let speech = speech.trim();
        if !speech.is_empty() && self.notes.len() < MAX_NOTES {
            self.notes.push(Note::Said(speech.to_owned()));
        }
    }

    /// What is to be told, once. At the end also words without the end of a line.
    pub(crate) fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// Nothing more is said.
    pub(crate) fn finish(&mut self) {
        self.speak();
    }

    pub(crate) fn retry(&mut self, why: &str) {
        self.seen.retries = self.seen.retries.saturating_add(1);
        self.seen.last_retry = cut(why, MAX_WORDS);
        self.note(Note::Retry(self.seen.last_retry.clone()));
    }

    pub(crate) fn deny(&mut self, id: &str, what: &str, why: &str) {
        if !id.is_empty() && self.seen.denials.iter().any(|one| one.id == id) {
            return;
        }
        let (what, why) = (cut(what, MAX_WORDS), cut(why, MAX_WORDS));
        self.note(Note::Denied(format!("{what}: {why}")));
        if self.seen.denials.len() < MAX_ENTRIES {
            let id = cut(id, MAX_WORDS);
            self.seen.denials.push(Denied { id, what, why });
        }
    }

    pub(crate) fn tool_error(&mut self, what: &str, words: &str) {
        self.seen.tool_error_count = self.seen.tool_error_count.saturating_add(1);
        if self.seen.tool_errors.len() < MAX_ENTRIES {
            let words = cut(&format!("{what}: {words}"), MAX_WORDS);
            self.seen.tool_errors.push(words);
        }
    }

    pub(crate) fn claims(&mut self, file: &str) {
        if !file.is_empty() && self.seen.files.len() < MAX_FILES {
            self.seen.files.insert(cut(file, 4096));
        }
    }

    pub(crate) fn end(&mut self, kind: EndKind, words: &str) {
        let words = cut(words.trim(), MAX_WORDS);
        // The list is for judging: the first ones and the last one are enough.
        if self.seen.ends.len() >= MAX_ENTRIES {
            self.seen.ends.pop();
        }
        self.seen.ends.push(End { kind, words });
    }

    pub(crate) fn hint(&mut self, kind: EndKind, words: &str) {
        if self.seen.hints.len() < MAX_ENTRIES {
            let words = cut(words.trim(), MAX_WORDS);
            self.seen.hints.push(End { kind, words });
        }
    }

    pub(crate) fn money(&mut self, dollars: f64) {
        if let Some(micro) = micro_usd(dollars) {
            self.seen.micro_usd = Some(micro);
        }
    }
}

/// Millionths of a dollar, if this is an amount of money.
pub(crate) fn micro_usd(dollars: f64) -> Option<u64> {
    /// More than any run costs, and exact as a float.
    const MOST: f64 = 1e9;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be between 0 and 1e15"
    )]
    (0.0..=MOST)
        .contains(&dollars)
        .then(|| (dollars * 1e6).round() as u64)
}

/// At most `limit` bytes of a text, never half a character.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_grows_without_limit() {
        let mut scribe = Scribe::default();
        for number in 0..20_000 {
            scribe.unknown(&format!("kind-{number}"));
            scribe.deny("", "x", "y");
            scribe.tool_error("x", "y");
            scribe.end(EndKind::Stopped, "z");
            scribe.said_more("é".repeat(100).as_str());
            scribe.claims(&format!("f{number}"));
        }
        scribe.end(EndKind::Provider, "last");
        let seen = scribe.seen;
        assert!(seen.unknown.len() <= MAX_KINDS + 1);
        assert_eq!(seen.unknown.values().sum::<u32>(), 20_000);
        assert_eq!((seen.denials.len(), seen.tool_errors.len()), (200, 200));
        assert_eq!(seen.tool_error_count, 20_000);
        assert_eq!(seen.ends.last().unwrap().words, "last");
        assert!(seen.text.len() <= MAX_TEXT && seen.files.len() == MAX_FILES);
        assert_eq!(scribe.notes.len(), MAX_NOTES);
    }

    #[test]
    fn the_same_refusal_told_twice_is_one() {
        let mut scribe = Scribe::default();
        scribe.deny("a", "edit x", "no");
        scribe.deny("a", "edit x", "no");
        scribe.deny("b", "edit y", "no");
        assert_eq!(scribe.seen.denials.len(), 2);
    }

    #[test]
    fn only_amounts_of_money_are_money() {
        assert_eq!(micro_usd(0.00625), Some(6250));
        assert_eq!(micro_usd(-1.0), None);
        assert_eq!(micro_usd(f64::NAN), None);
        assert_eq!(micro_usd(f64::INFINITY), None);
    }
}
