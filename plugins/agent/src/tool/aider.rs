//! aider: words on standard output, and the log that `--analytics-log` writes into a file.
//!
//! Rule: exit code 0; in the log every `message_send_starting` is followed by a `message_send` and
//! the reason of `exit` is "Completed --message" (or "--message-file"); no "Only 3 reflections allowed"; no edit that did
//! not apply and was not made good by a later one. aider exits with 0 whatever its provider said.
//! Never: the log's contents beyond counts; it has no text of the conversation.

use serde_json::Value;

use super::{count, text};
use crate::evidence::{hint, kind_of_error};
use crate::observation::{EndKind, Observation, Scribe, Tokens, cut, micro_usd};
use crate::verdict::{Objection, Verdict, against, bad_code, unfinished};

/// How many bytes of its last words are kept.
const MAX_TAIL: usize = 4 << 10;

#[derive(Debug, Default)]
pub(super) struct Aider {
    log: Log,
    /// The words that came last.
    tail: String,
    /// The last complaint of the provider, until an answer comes.
    complaint: Option<String>,
    answered: bool,
    interrupted: bool,
}

/// What the log says.
#[derive(Debug, Default)]
struct Log {
    lines: u32,
    starting: u32,
    answered: u32,
    exit: Option<String>,
}

impl Aider {
    pub(super) fn line(&mut self, line: &str, scribe: &mut Scribe) {
        let line = line.trim_end();
        // What it prints before its first word, and each vain look for prices, is no word of its own.
        if line.starts_with("Repo-map:") {
            self.tail.clear();
        } else if !line.starts_with("HTTPSConnectionPool(") {
            self.keep(line);
        }
        if let Some(version) = line.strip_prefix("Aider v") {
            scribe.seen.version = Some(cut(version.trim(), 32));
        } else if let Some(file) = line.strip_prefix("Applied edit to ") {
            scribe.claims(file.trim());
            scribe.step("edit", file.trim());
            scribe.seen.misfits = 0;
        } else if line.starts_with("Tokens: ") {
            self.answered = true;
            self.complaint = None;
            self.tokens(line, scribe);
        } else if line.starts_with("Retrying in ") {
            let why = self.complaint.clone().unwrap_or_default();
            scribe.retry(&format!("{line} {why}"));
        } else if line.starts_with("litellm.") {
            self.complaint = Some(line.to_owned());
        } else if line.contains("SearchReplaceNoExactMatch")
            || line.starts_with("The LLM did not conform to the edit format")
        {
            scribe.seen.misfits = scribe.seen.misfits.saturating_add(1);
            scribe.tool_error("edit", line);
        } else if line.starts_with("^C") {
            self.interrupted = true;
        } else if line.contains("reflections allowed, stopping") {
            scribe.end(EndKind::Failed, line);
        } else if line.contains("has hit a token limit") {
            scribe.end(EndKind::Limit, line);
        } else if let Some(kind) = hint(line) {
            // The answer itself can hold any word: only lines before the first one count.
            if !self.answered {
                scribe.hint(kind, line);
            }
        }
        if !line.is_empty() {
            scribe.seen.loose_lines = scribe.seen.loose_lines.saturating_add(1);
        }
    }

    pub(super) fn log(&mut self, line: &str, scribe: &mut Scribe) {
        if line.trim().is_empty() {
            return;
        }
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            scribe.seen.broken_lines = scribe.seen.broken_lines.saturating_add(1);
            return;
        };
        self.log.lines = self.log.lines.saturating_add(1);
        match text(&event, "/event") {
            "message_send_starting" => self.log.starting = self.log.starting.saturating_add(1),
            "message_send" => {
                self.log.answered = self.log.answered.saturating_add(1);
                if self.log.answered == 1 {
                    // The log knows better than the rounded words did.
                    scribe.seen.tokens = Tokens::default();
                }
                scribe.seen.tokens.add(Tokens {
                    input: count(&event, "/properties/prompt_tokens"),
                    cached: 0,
                    output: count(&event, "/properties/completion_tokens"),
                });
                let total = event.pointer("/properties/total_cost");
                if let Some(dollars) = total.and_then(Value::as_f64) {
                    scribe.money(dollars);
                }
            }
            "exit" => {
                let reason = text(&event, "/properties/reason");
                self.log.exit = Some(cut(reason, 200));
            }
            "launched" | "repo" | "auto_commits" | "cli session" | "gui session"
            | "model warning" | "no-repo" | "auto_lint" | "auto_test" => {}
            other if other.starts_with("command_") => {}
            other => return scribe.unknown(other),
        }
        scribe.known();
    }

    /// Both streams are over: what they say together.
    pub(super) fn finish(&mut self, scribe: &mut Scribe) {
        scribe.seen.text = self.tail.trim().to_owned();
        scribe.seen.unanswered = self.log.starting.saturating_sub(self.log.answered);
        let left = self
            .log
            .exit
            .as_deref()
            .map(|reason| kind_of_error(reason, EndKind::Stopped));
        if left == Some(EndKind::Cancelled) || (self.interrupted && scribe.seen.unanswered > 0) {
            scribe.end(EndKind::Cancelled, "someone interrupted it");
        } else if let Some(complaint) = self.complaint.take() {
            scribe.end(kind_of_error(&complaint, EndKind::Provider), &complaint);
        } else if scribe.seen.unanswered > 0 && self.log.exit.is_some() {
            let words = "the provider did not answer a message";
            scribe.end(EndKind::Provider, words);
        }
        match self.log.exit.as_deref() {
            // `--message` or `--message-file`.
            Some(reason) if reason.starts_with("Completed --message") => {
                scribe.end(EndKind::Completed, "");
            }
            Some(reason) => scribe.end(left.unwrap_or(EndKind::Stopped), reason),
            // Without the log an answer is all that can be seen.
            None if self.log.lines == 0 && self.answered => scribe.end(EndKind::Completed, ""),
            None => {}
        }
    }

    fn keep(&mut self, line: &str) {
        self.tail.push_str(line);
        self.tail.push('\n');
        if self.tail.len() > MAX_TAIL {
            let mut from = self.tail.len() - MAX_TAIL;
            while !self.tail.is_char_boundary(from) {
                from += 1;
            }
            self.tail.drain(..from);
        }
    }

    /// `Tokens: 1.0k sent, 50 received. Cost: $0.0063 message, $0.0063 session.`
    fn tokens(&self, line: &str, scribe: &mut Scribe) {
        if self.log.answered > 0 {
            return;
        }
        let mut words = line.split([' ', ',']).filter(|word| !word.is_empty());
        let mut before = "";
        let mut tokens = Tokens::default();
        for word in words.by_ref() {
            match word.trim_end_matches('.') {
                "sent" => tokens.input = rounded(before),
                "received" => tokens.output = rounded(before),
                "session" => {
                    let dollars = before.trim_start_matches('$').parse().ok();
                    if let Some(micro) = dollars.and_then(micro_usd) {
                        scribe.seen.micro_usd = Some(micro);
                    }
                }
                _ => {}
            }
            before = word;
        }
        scribe.seen.tokens.add(tokens);
    }
}

/// `50`, `1.0k`, `2.5M`.
fn rounded(word: &str) -> u64 {
    let (number, factor) = if let Some(number) = word.strip_suffix('k') {
        (number, 1e3)
    } else if let Some(number) = word.strip_suffix('M') {
        (number, 1e6)
    } else {
        (word, 1.0)
    };
    let number: f64 = number.parse().unwrap_or(0.0);
    // Millionths of the millionfold: the same bounds as for money.
    micro_usd(number * factor / 1e6).unwrap_or(0)
}

pub(super) fn objection(seen: &Observation, code: u8) -> Option<Objection> {
    let words = || match seen.hints.first() {
        Some(hint) => hint.words.clone(),
        None => format!("exit code {code}"),
    };
    // argparse: the arguments are not what it takes.
    if code == 2 {
        return Some((Verdict::Config, words()));
    }
    if let Some(objection) = seen.ends.iter().find_map(against) {
        return Some(objection);
    }
    if seen.misfits > 0 {
        let last = seen.tool_errors.last().cloned().unwrap_or_default();
        return Some((Verdict::NoEffect, format!("an edit did not apply: {last}")));
    }
    let completed = seen.ends.iter().any(|end| end.kind == EndKind::Completed);
    if completed {
        bad_code(code)
    } else {
        Some(unfinished(seen, code))
    }
}
