//! Questions of a plugin on the terminal of the run: what it asks is printed, what the person types
//! is the answer.
//!
//! Never: a question without the name of who asks; an answer that was typed before the question was
//! there.

use std::io::{BufRead as _, Write as _};

use anstream::{eprint, eprintln};
use async_trait::async_trait;
use remit_core::durable::Question;
use remit_core::person::{MAX_NOTE, PersonAnswer, PersonQuestion};
use remit_engine::seam::{Person, Reply};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::person;
use crate::printable::printable;
use crate::render::{BOLD, NOTE};

/// How often a person who types something else is asked again.
const MAX_TRIES: u32 = 10;

/// The person at the terminal. One question at a time.
#[derive(Debug, Default)]
pub(crate) struct AtTerminal {
    /// The line that is being waited for; it outlives a question that nobody waits for any more.
    line: Mutex<Option<JoinHandle<Option<String>>>>,
}

#[async_trait]
impl Person for AtTerminal {
    async fn ask(&self, plugin: &str, question: &PersonQuestion) -> Reply {
        let mut line = self.line.lock().await;
        if line.as_ref().is_some_and(JoinHandle::is_finished) {
            // Typed for a question before this one.
            line.take();
        }
        show(plugin, question);
        for _ in 0..MAX_TRIES {
            eprint!("  {}: ", choices(question.kind()));
            drop(std::io::stderr().flush());
            let reading = line.get_or_insert_with(|| tokio::task::spawn_blocking(read_line));
            let typed = reading.await;
            line.take();
            let Ok(Some(typed)) = typed else {
                return Reply::Nobody("the terminal was closed before an answer".to_owned());
            };
            if let Some((yes, note)) = parse(&typed) {
                return Reply::Answered(PersonAnswer {
                    yes,
                    note,
                    by: person::name(),
                });
            }
        }
        Reply::Nobody("no answer was typed that is one".to_owned())
    }
}

fn show(plugin: &str, question: &PersonQuestion) {
    let what = match question.kind() {
        Question::Manual => "asks you to do something",
        Question::Approval => "asks for a decision",
    };
    eprintln!("{BOLD}{}{BOLD:#} {NOTE}{what}{NOTE:#}:", printable(plugin));
    for line in question.text().lines() {
        eprintln!("  {}", printable(line));
    }
}

fn choices(kind: Question) -> &'static str {
    match kind {
        Question::Manual => "[y]es, it is done, or [n]o; a note can follow",
        Question::Approval => "[y]es or [n]o; a note can follow",
    }
}

/// A line without its end; none at the end of the input.
fn read_line() -> Option<String> {
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line),
    }
}

/// Yes or no, and what follows the word.
fn parse(typed: &str) -> Option<(bool, Option<String>)> {
    let typed = typed.trim();
    let (word, rest) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
    let yes = match word.to_ascii_lowercase().as_str() {
        "y" | "yes" => true,
        "n" | "no" => false,
        _ => return None,
    };
    let rest = rest.trim();
    let end = rest.floor_char_boundary(MAX_NOTE);
    let note = rest.get(..end).unwrap_or(rest);
    Some((yes, (!note.is_empty()).then(|| note.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_an_answer_and_what_follows_a_note() {
        let note = |text: &str| Some(text.to_owned());
        for (typed, answer) in [
            ("y\n", Some((true, None))),
            (" YES \n", Some((true, None))),
            ("n", Some((false, None))),
            ("no  too early\n", Some((false, note("too early")))),
            ("", None),
            ("\n", None),
            ("yess", None),
            ("maybe", None),
        ] {
            assert_eq!(parse(typed), answer, "{typed:?}");
        }
        let long = format!("y {}", "ö".repeat(MAX_NOTE));
        let (_, kept) = parse(&long).unwrap();
        assert!(kept.unwrap().len() <= MAX_NOTE);
    }
}
