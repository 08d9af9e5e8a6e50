//! What an attempt asks a person: the question goes into the ledger, and the attempt waits until an
//! answer is there, whoever writes it, from whichever process.
//!
//! A host that dies meanwhile loses nothing: the next attempt asks the same question and finds it
//! open, or answered. Never: an answer that is not in the ledger.

use std::time::Duration;

use remit_core::durable::{Answer, Answered, AskedBy, LedgerEvent, TaskState};
use remit_core::person::{MAX_QUESTIONS, PersonAnswer, PersonQuestion};
use tokio::time::Instant;

use super::attempts::Lost;
use super::ledger::{Lane, LedgerError, Refusal};
use super::record::Record;
use crate::seam::Reply;

/// How long entries of others may gather before the task is read again. Whoever answered waits that
/// long.
const GATHER: Duration = Duration::from_millis(30);
/// How long it waits at most before it looks by itself: a person needs longer to answer.
const LOOK: Duration = Duration::from_secs(60);

impl Record {
    /// Asks, and waits.
    pub(super) async fn ask_in_ledger(
        &self,
        number: u32,
        question: &PersonQuestion,
    ) -> Result<Reply, Lost> {
        let call = question.digest();
        let mut newest = self.ledger.newest();
        loop {
            newest.borrow_and_update();
            let state = self.task_state().await?;
            if let Some(answered) = state.answered.get(&number)
                && answered.call == call
            {
                return Ok(reply(answered));
            }
            let open = state.asked.as_ref();
            let Some(open) = open.filter(|open| open.number == number && open.call == call) else {
                if state.answered.len() >= MAX_QUESTIONS {
                    let what = format!("the task has {MAX_QUESTIONS} answered questions already");
                    return Ok(Reply::Nobody(what));
                }
                self.put_question(number, question).await?;
                continue;
            };
            let left = open
                .expires_ms
                .map(|at| Duration::from_millis(at.saturating_sub((self.clock)())));
            if left.is_some_and(|left| left.is_zero()) {
                self.expire().await?;
                continue;
            }
            let look = Instant::now() + left.map_or(LOOK, |left| left.min(LOOK));
            tokio::select! {
                changed = newest.changed() => {
                    if changed.is_err() {
                        return Err(self.lose("the ledger is closed".to_owned()));
                    }
                    tokio::time::sleep(GATHER).await;
                }
                () = tokio::time::sleep_until(look) => {}
            }
        }
    }

    async fn task_state(&self) -> Result<TaskState, Lost> {
        let task = self.ledger.task(&self.whose.run, &self.whose.task).await;
        match task {
            Ok(Some(task)) => Ok(task.state),
            Ok(None) => Err(self.lose("the ledger does not have the task".to_owned())),
            Err(error) => Err(self.lose(error.to_string())),
        }
    }

    async fn put_question(&self, number: u32, question: &PersonQuestion) -> Result<(), Lost> {
        let span = question
            .deadline()
            .map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let event = LedgerEvent::TaskWaiting {
            question: question.kind(),
            text: question.text().to_owned(),
            expires_ms: span.map(|span| (self.clock)().saturating_add(span)),
            asked_by: Some(AskedBy {
                fence: self.whose.fence,
                number,
                call: question.digest(),
            }),
        };
        self.write(vec![event], Lane::State).await
    }

    /// Ends the question, unless somebody has answered it in the meantime.
    async fn expire(&self) -> Result<(), Lost> {
        // What waits goes first, so that a refusal is about this event alone.
        self.write(Vec::new(), Lane::Activity).await?;
        let mut writer = self.writer.lock().await;
        let ended = self.commit(&mut writer, &[LedgerEvent::TaskExpired], Lane::State);
        match ended.await {
            Ok(()) | Err(LedgerError::Refused(Refusal::Illegal { .. })) => Ok(()),
            Err(error) => Err(self.lose(error.to_string())),
        }
    }
}

fn reply(answered: &Answered) -> Reply {
    let Some(answer) = answered.answer else {
        return Reply::Expired;
    };
    Reply::Answered(PersonAnswer {
        yes: match answer {
            Answer::Yes => true,
            Answer::No => false,
        },
        note: answered.note.clone(),
        by: answered.by.clone(),
    })
}
