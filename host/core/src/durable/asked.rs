//! What attempts ask people: a question that is open while the attempt waits, and the answers that
//! the next attempt finds if this one does not live to use them.
//!
//! Never: an answer to another question than the one that was asked.

use serde::{Deserialize, Serialize};

use super::event::LedgerEvent;
use super::task::{IllegalEvent, Phase, TaskState};
use super::transition::Transition;
use super::words::{Answer, Question};
use crate::digest::Digest;
use crate::person::MAX_QUESTIONS;

/// The attempt that asks, and which of its questions it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AskedBy {
    /// The attempt's fence.
    pub fence: u64,
    /// The question's number: counted with the tools that the attempt asks for, from 1.
    pub number: u32,
    /// What identifies the question: digest of its kind and text.
    pub call: Digest,
}

/// A question of an attempt that nobody has answered yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Asked {
    /// Its number.
    pub number: u32,
    /// What identifies it.
    pub call: Digest,
    /// What is asked for.
    pub question: Question,
    /// What the person reads.
    pub text: String,
    /// When it ends by itself, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_ms: Option<u64>,
}

/// A question of an attempt that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Answered {
    /// What identifies it.
    pub call: Digest,
    /// What was answered; nothing if nobody did in time.
    pub answer: Option<Answer>,
    /// Who answered.
    pub by: String,
    /// What the person added.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
}

/// What a person can answer now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenQuestion<'a> {
    /// What is asked for.
    pub question: Question,
    /// When it ends by itself, in milliseconds since 1970.
    pub expires_ms: Option<u64>,
    /// What the person reads; the plan says it if absent.
    pub text: Option<&'a str>,
}

impl TaskState {
    /// The question that waits for an answer: the task's own, or one of its attempt.
    #[must_use]
    pub fn open_question(&self) -> Option<OpenQuestion<'_>> {
        if let Some(asked) = &self.asked {
            return Some(OpenQuestion {
                question: asked.question,
                expires_ms: asked.expires_ms,
                text: Some(&asked.text),
            });
        }
        let (question, expires_ms) = self.question?;
        let is_open = self.phase == Phase::Waiting && self.answer.is_none();
        is_open.then_some(OpenQuestion {
            question,
            expires_ms,
            text: None,
        })
    }

    /// The newest answer to a question of an attempt.
    #[must_use]
    pub fn newest_answer(&self) -> Option<&Answered> {
        self.answered.last_key_value().map(|(_, answered)| answered)
    }
}

impl Transition<'_> {
    /// The events about people alone.
    pub(super) fn make_asked(self) -> Result<(), IllegalEvent> {
        use LedgerEvent as E;
        if let E::TaskWaiting {
            question,
            text,
            expires_ms,
            asked_by,
        } = self.event
        {
            return match asked_by {
                None => self.waiting(*question, *expires_ms),
                Some(by) => self.asked(*by, *question, text, *expires_ms),
            };
        }
        let (answer, by, note) = if let E::TaskAnswered { answer, by, note } = self.event {
            (Some(*answer), by.as_str(), note.clone())
        } else {
            (None, "", None)
        };
        if self.state.phase == Phase::Waiting {
            return self.answered(answer);
        }
        // Also between two attempts: the next one finds it.
        self.from(&[Phase::InProgress, Phase::Ready])?;
        let Some(asked) = self.state.asked.take() else {
            return Err(self.order("nobody is asked"));
        };
        let answered = Answered {
            call: asked.call,
            answer,
            by: by.to_owned(),
            note,
        };
        self.state.answered.insert(asked.number, answered);
        Ok(())
    }

    fn asked(
        self,
        by: AskedBy,
        question: Question,
        text: &str,
        expires_ms: Option<u64>,
    ) -> Result<(), IllegalEvent> {
        self.held_by(by.fence, &[Phase::InProgress])?;
        if self.state.answered.len() >= MAX_QUESTIONS {
            return Err(self.order("an attempt asks so often only"));
        }
        // What an attempt before this one asked and this one does not ask is asked no more.
        self.state.asked = Some(Asked {
            number: by.number,
            call: by.call,
            question,
            text: text.to_owned(),
            expires_ms,
        });
        self.state.answered.remove(&by.number);
        Ok(())
    }
}
