//! What a plugin asks a person: on record before anyone is asked, answered by whoever may, and no
//! part of the attempt's time while it waits.
//!
//! Never: an answer that the host made up, but the one that the plugin named for its deadline.

use std::sync::atomic::Ordering;
use std::time::Duration;

use remit_core::event::{Event, Level, LogSource};
use remit_core::person::{MAX_QUESTIONS, PersonAnswer, PersonQuestion};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{LimitHit, PluginHost, cut, lock};
use crate::seam::Reply;

/// Who gave the answer that a question names for its deadline.
const BY_DEADLINE: &str = "deadline";

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// There is nobody who could be asked; says what to do.
    #[error("{0}")]
    Unanswered(String),
    /// Nobody answered in time.
    #[error("nobody answered in time")]
    Expired,
    /// The attempt has to end.
    #[error("the attempt ends")]
    Cancelled,
    /// The plugin asked too often, or caused too many events.
    #[error(transparent)]
    Limit(#[from] LimitHit),
}

/// The attempt's clock, which stands still while a person is asked.
#[derive(Debug)]
pub(super) struct Pauses {
    /// How many questions wait.
    waiting: watch::Sender<u32>,
    state: std::sync::Mutex<Paused>,
}

#[derive(Debug, Default)]
struct Paused {
    before: Duration,
    since: Option<Instant>,
}

impl Pauses {
    pub(super) fn new() -> Self {
        Self {
            waiting: watch::Sender::new(0),
            state: std::sync::Mutex::default(),
        }
    }

    /// How long the clock has stood still.
    pub(super) fn so_far(&self) -> Duration {
        let paused = lock(&self.state);
        let now = paused.since.map_or(Duration::ZERO, |since| since.elapsed());
        paused.before.saturating_add(now)
    }

    fn begin(&self) -> Pause<'_> {
        self.waiting.send_modify(|waiting| {
            *waiting = waiting.saturating_add(1);
            lock(&self.state).since.get_or_insert_with(Instant::now);
        });
        Pause(self)
    }
}

/// Ends when dropped, whether there was an answer or not.
struct Pause<'a>(&'a Pauses);

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        self.0.waiting.send_modify(|waiting| {
            *waiting = waiting.saturating_sub(1);
            let mut paused = lock(&self.0.state);
            if *waiting == 0
                && let Some(since) = paused.since.take()
            {
                paused.before = paused.before.saturating_add(since.elapsed());
            }
        });
    }
}

impl PluginHost {
    /// Waits until the attempt's time is over, without the time in which people were asked.
    pub(crate) async fn time_over(&self) {
        let mut waiting = self.pauses.waiting.subscribe();
        loop {
            // The sender lives as long as the attempt.
            if waiting.wait_for(|waiting| *waiting == 0).await.is_err() {
                return;
            }
            let left = self.time_left();
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }

    /// Asks a person and waits for the answer.
    ///
    /// # Errors
    /// There is nobody, nobody answered in time, or the plugin asks too often.
    pub async fn ask(&self, question: &PersonQuestion) -> Result<PersonAnswer, AskError> {
        if self.is_over() {
            return Err(AskError::Cancelled);
        }
        let asked = self.questions.fetch_add(1, Ordering::Relaxed);
        if usize::try_from(asked).is_ok_and(|asked| asked >= MAX_QUESTIONS) {
            let what = format!("more than {MAX_QUESTIONS} questions to a person");
            return Err(LimitHit(what).into());
        }
        self.charge(question.text().len())?;
        // Counted with the tools, so that the number means the same in the next attempt.
        let number = self.effects.fetch_add(1, Ordering::Relaxed) + 1;
        let reply = {
            let _pause = self.pauses.begin();
            self.reply(number, question).await?
        };
        match reply {
            Reply::Answered(answer) => Ok(answer),
            Reply::Nobody(what) => Err(AskError::Unanswered(what)),
            Reply::Expired => match question.default() {
                Some(yes) => Ok(PersonAnswer {
                    yes,
                    note: None,
                    by: BY_DEADLINE.to_owned(),
                }),
                None => Err(AskError::Expired),
            },
        }
    }

    async fn reply(&self, number: u32, question: &PersonQuestion) -> Result<Reply, AskError> {
        if let Some(durable) = &self.world.durable {
            return durable.record.ask(number, question).await.map_err(|lost| {
                self.lost(&lost);
                AskError::Cancelled
            });
        }
        let Some(person) = &self.world.person else {
            let what = "nobody can be asked here; run the plugin on a terminal without --json and \
                        --no-prompt, or as a task of a plan with `remit execute`, where the \
                        question waits for `remit approve` or `remit task done`";
            return Ok(Reply::Nobody(what.to_owned()));
        };
        let asked = json!({"kind": question.kind(), "text": question.text()});
        self.note("a person is asked", asked).await;
        // What is on its way to the same terminal is there before the question.
        self.journal.flush().await;
        let asking = person.ask(&self.identity.plugin, question);
        let reply = match question.deadline() {
            Some(time) => match tokio::time::timeout(time, asking).await {
                Ok(reply) => reply,
                Err(_) => Reply::Expired,
            },
            None => asking.await,
        };
        let said = match &reply {
            Reply::Answered(answer) if answer.yes => "yes",
            Reply::Answered(_) => "no",
            Reply::Expired => "nobody answered in time",
            Reply::Nobody(_) => "there is nobody",
        };
        let fields = match &reply {
            Reply::Answered(answer) => json!({"by": answer.by, "note": answer.note}),
            Reply::Expired | Reply::Nobody(_) => json!(null),
        };
        self.note(&format!("the answer is: {said}"), fields).await;
        Ok(reply)
    }

    /// Puts it on record that a person was asked, and what came of it.
    async fn note(&self, message: &str, fields: serde_json::Value) {
        let event = Event::Log {
            // Who is there has read it; who was not finds it on record.
            level: Level::Debug,
            source: LogSource::Host,
            message: cut(message).to_owned(),
            fields,
        };
        self.journal.emit(event).await;
    }
}
