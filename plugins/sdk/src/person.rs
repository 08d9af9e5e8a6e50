//! A person who does or decides what the plugin cannot.
//!
//! ```no_run
//! # use remit_plugin_sdk::{Failure, person::Question};
//! # fn run() -> Result<(), Failure> {
//! let answer = Question::approve("Delete 14 archives?").ask()?;
//! if !answer.yes {
//!     return Err(Failure::Rejected("not wanted".to_owned()));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Never: a question whose answer the plugin could find out by itself.

use std::time::Duration;

use crate::Failure;
use crate::bindings::imports::remit::plugin::person as host;
pub use crate::bindings::imports::remit::plugin::person::{Answer, AskError, Kind};

/// A question, built step by step.
#[derive(Debug, Clone)]
#[must_use = "nobody is asked until `ask`"]
pub struct Question(host::Question);

impl Question {
    /// To say yes or no.
    pub fn approve(text: impl Into<String>) -> Self {
        Self::of(Kind::Approve, text.into())
    }

    /// To do something, and to say how it went.
    pub fn done(text: impl Into<String>) -> Self {
        Self::of(Kind::Done, text.into())
    }

    fn of(kind: Kind, text: String) -> Self {
        Self(host::Question {
            kind,
            text,
            default: None,
            deadline_ms: None,
        })
    }

    /// Waits this long at most. Nobody's answer is [`AskError::Expired`] then.
    pub fn within(mut self, time: Duration) -> Self {
        let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.0.deadline_ms = Some(time);
        self
    }

    /// Waits this long at most, and takes this for the answer if nobody gives one.
    pub fn within_or(self, time: Duration, default: bool) -> Self {
        let mut question = self.within(time);
        question.0.default = Some(default);
        question
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// There is nobody who could be asked, nobody answered in time, or the text is empty or too
    /// long.
    pub fn ask(&self) -> Result<Answer, AskError> {
        host::ask(&self.0)
    }
}

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Invalid(why) => Self::failed("invalid-question", why),
            AskError::Unanswered(what) => Self::Unavailable(what),
            AskError::Expired => Self::Rejected("nobody answered in time".to_owned()),
            AskError::Cancelled => Self::Cancelled,
        }
    }
}
