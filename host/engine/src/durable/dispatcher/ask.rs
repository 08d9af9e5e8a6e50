//! Tasks that a person does or decides: asked once, answered through the ledger by whoever knows,
//! ended by themselves when nobody answers in time.
//!
//! Never: a slot or a lease for a task that waits.

use remit_core::durable::{Answer, LedgerEvent, Question, Severity, Trigger};
use remit_core::plan::Work;

use super::end::{Then, escalates, escalation};
use super::input::TaskKey;
use super::send::Batch;
use super::{Alarm, Dispatcher};
use crate::durable::ledger::Expect;

impl Dispatcher {
    /// Asks the person.
    pub(super) fn ask(&mut self, key: TaskKey, now_ms: u64) {
        if self.shutdown {
            return;
        }
        let Some(task) = self.task(key) else { return };
        let (question, text, expires) = match &task.spec.work {
            Work::Manual {
                instructions,
                expires,
            } => (Question::Manual, instructions, expires),
            Work::Approval { question, expires } => (Question::Approval, question, expires),
            Work::Plugin { .. } => return,
        };
        let span = expires.map(|span| u64::try_from(span.get().as_millis()).unwrap_or(u64::MAX));
        let event = LedgerEvent::TaskWaiting {
            question,
            text: text.clone(),
            expires_ms: span.map(|span| now_ms.saturating_add(span)),
            asked_by: None,
        };
        let expect = Expect::Seq(task.seq);
        self.batch(key, expect, vec![event]);
    }

    /// A task that waits for a person.
    pub(super) fn step_waiting(&mut self, key: TaskKey, now_ms: u64) {
        let Some(run) = self.runs.get(&key.run) else {
            return;
        };
        let Some(task) = run.task(key.index) else {
            return;
        };
        let question = task.state.question;
        let mut events = Vec::new();
        let then = if let Some(reason) = run.cancel_of(task) {
            Then::Canceled(reason)
        } else if let Some(answer) = task.state.answer {
            answered(answer, question.map(|(question, _)| question))
        } else if let Some(at) = question.and_then(|(_, expires)| expires) {
            if now_ms < at {
                self.alarm(at, Alarm::Task(key));
                return;
            }
            events.push(LedgerEvent::TaskExpired);
            failed("expired", "nobody answered in time")
        } else {
            return;
        };
        let mut once = Vec::new();
        if let (Then::Failed { reasons, .. }, true) = (&then, escalates(run)) {
            let message = reasons.join("; ");
            let call = escalation(run, task, Trigger::TaskFailed, Severity::High, &message);
            once.push(call);
        }
        events.extend(then.event(&task.state));
        let expect = Expect::Seq(task.seq);
        let end = then.end();
        self.send_end(key, expect, events, end, Batch::default(), once, now_ms);
    }
}

fn answered(answer: Answer, question: Option<Question>) -> Then {
    match (answer, question) {
        (Answer::Yes, _) => Then::Completed,
        (Answer::No, Some(Question::Manual)) => failed("manual-failed", "a person says it failed"),
        (Answer::No, Some(Question::Approval) | None) => failed("rejected", "a person said no"),
    }
}

fn failed(code: &str, reason: &str) -> Then {
    Then::Failed {
        code: code.to_owned(),
        reasons: vec![reason.to_owned()],
    }
}
