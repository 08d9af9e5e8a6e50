//! What a plugin asks a person, and what the person answers.
//!
//! Never: a question that nobody can read; an answer that the plugin could have given itself.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::digest::Digest;
use crate::durable::Question;

/// Longest text of a question in bytes: some pages. Who has more to say writes a file and names it.
pub const MAX_QUESTION: usize = 16 << 10;
/// Longest note of an answer in bytes: a page of text.
pub const MAX_NOTE: usize = 4_096;
/// Questions of one attempt. Who asks more often should have asked once.
pub const MAX_QUESTIONS: usize = 32;
/// Longest time that a question may wait: what waits longer is not waited for any more.
pub const MAX_DEADLINE: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Begins what is hashed, so that a later way to name a question cannot be mistaken for this one.
const QUESTION_FORMAT: &[u8] = b"remit-question-1";

/// A question that can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonQuestion {
    kind: Question,
    text: String,
    default: Option<bool>,
    deadline: Option<Duration>,
}

/// Why a question cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// There is nothing to read.
    #[error("the question has no text; say what the person is to decide or do")]
    Empty,
    /// Too long.
    #[error("the question has {0} bytes, the limit is {MAX_QUESTION}; write a file and name it")]
    TooLong(usize),
    /// No time, or more than there is.
    #[error("a question waits from 1 ms to 366 days; leave the deadline out to wait without end")]
    Deadline,
    /// An answer by itself, and no time at which it is given.
    #[error("a default without a deadline is never given; name the deadline")]
    Default,
}

impl PersonQuestion {
    /// A question. With a default the deadline gives that answer; without one nobody's answer is an
    /// error.
    ///
    /// # Errors
    /// See [`QuestionError`].
    pub fn new(
        kind: Question,
        text: String,
        default: Option<bool>,
        deadline: Option<Duration>,
    ) -> Result<Self, QuestionError> {
        if text.trim().is_empty() {
            return Err(QuestionError::Empty);
        }
        if text.len() > MAX_QUESTION {
            return Err(QuestionError::TooLong(text.len()));
        }
        if deadline.is_some_and(|time| time.is_zero() || time > MAX_DEADLINE) {
            return Err(QuestionError::Deadline);
        }
        if default.is_some() && deadline.is_none() {
            return Err(QuestionError::Default);
        }
        Ok(Self {
            kind,
            text,
            default,
            deadline,
        })
    }

    /// What the person is asked for.
    #[must_use]
    pub fn kind(&self) -> Question {
        self.kind
    }
    /// What the person reads.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
    /// The answer that the deadline gives.
    #[must_use]
    pub fn default(&self) -> Option<bool> {
        self.default
    }
    /// How long it waits; without end if absent.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// What identifies the question: SHA-256 over its kind and text. An answer to another question
    /// is none to this one.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let kind: &[u8] = match self.kind {
            Question::Manual => b"manual",
            Question::Approval => b"approval",
        };
        let mut hash = Sha256::new();
        for part in [QUESTION_FORMAT, kind, self.text.as_bytes()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Digest::from_bytes(hash.finalize().into())
    }
}

/// What a person answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonAnswer {
    /// Approved, or done.
    pub yes: bool,
    /// What the person added.
    pub note: Option<String>,
    /// Who, as far as that is known: a login name; `deadline` for the default.
    pub by: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, default: Option<bool>, seconds: Option<u64>) -> Result<(), QuestionError> {
        let deadline = seconds.map(Duration::from_secs);
        PersonQuestion::new(Question::Approval, text.to_owned(), default, deadline).map(drop)
    }

    #[test]
    fn questions_that_make_no_sense_are_not_asked() {
        assert_eq!(check("Ship it?", None, None), Ok(()));
        assert_eq!(check("Ship it?", Some(false), Some(60)), Ok(()));
        assert_eq!(check(" \n", None, None), Err(QuestionError::Empty));
        let long = "x".repeat(MAX_QUESTION + 1);
        assert_eq!(
            check(&long, None, None),
            Err(QuestionError::TooLong(long.len()))
        );
        assert_eq!(check("x", None, Some(0)), Err(QuestionError::Deadline));
        assert_eq!(
            check("x", None, Some(u64::MAX)),
            Err(QuestionError::Deadline)
        );
        assert_eq!(check("x", Some(true), None), Err(QuestionError::Default));
    }

    #[test]
    fn another_text_or_kind_is_another_question() {
        let of = |kind, text: &str| {
            let question = PersonQuestion::new(kind, text.to_owned(), None, None);
            question.unwrap().digest()
        };
        let first = of(Question::Approval, "Ship it?");
        assert_eq!(first, of(Question::Approval, "Ship it?"));
        assert_ne!(first, of(Question::Approval, "Ship it!"));
        assert_ne!(first, of(Question::Manual, "Ship it?"));
    }
}
