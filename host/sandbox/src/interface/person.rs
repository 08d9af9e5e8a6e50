//! `remit:plugin/person`: what a plugin asks a person.
//!
//! Never: an answer of the host's own.

use std::time::Duration;

use remit_core::durable::Question;
use remit_core::person::PersonQuestion;
use remit_engine::host::AskError as Error;
use wasmtime::Result;

use crate::bindings::host::remit::plugin::person::{
    Answer, AskError, Host, Kind, Question as GuestQuestion,
};
use crate::store::StoreData;

impl Host for StoreData {
    async fn ask(
        &mut self,
        question: GuestQuestion,
    ) -> Result<std::result::Result<Answer, AskError>> {
        let kind = match question.kind {
            Kind::Approve => Question::Approval,
            Kind::Done => Question::Manual,
        };
        let deadline = question.deadline_ms.map(Duration::from_millis);
        let question = PersonQuestion::new(kind, question.text, question.default, deadline);
        let question = match question {
            Ok(question) => question,
            Err(error) => return Ok(Err(AskError::Invalid(error.to_string()))),
        };
        match self.host.ask(&question).await {
            Ok(answer) => Ok(Ok(Answer {
                yes: answer.yes,
                note: answer.note,
                by: answer.by,
            })),
            Err(Error::Unanswered(what)) => Ok(Err(AskError::Unanswered(what))),
            Err(Error::Expired) => Ok(Err(AskError::Expired)),
            Err(Error::Cancelled) => Ok(Err(AskError::Cancelled)),
            Err(Error::Limit(hit)) => Err(hit.into()),
        }
    }
}
