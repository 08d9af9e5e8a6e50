//! A double of an attempt's record: keeps what it is told in order, and answers what the test says.
//!
//! Never: used by the product.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use remit_core::digest::Digest;
use remit_core::event::Event;
use remit_core::person::PersonQuestion;
use remit_core::tool::{Launch, TaskMark};

use crate::durable::attempts::{AttemptRecord, EffectDecision, Lost};
use crate::durable::journal::EventAudit;
use crate::host::Durable;
use crate::seam::Reply;

/// Something that a record was told.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// An event.
    Activity(Event),
    /// A tool is about to start.
    Effect(u32, Digest),
    /// A tool has ended.
    Finished(u32, u32, bool),
    /// A tool did not start.
    Refused(u32, String),
    /// A question to a person.
    Asked(u32, String),
    /// A checkpoint, after so many effects.
    Checkpoint(Vec<u8>, u32),
}

/// A record in memory.
#[derive(Debug, Default)]
pub struct FakeRecord {
    /// What it was told, in order.
    pub told: Mutex<Vec<Told>>,
    /// What is decided about an effect; others start.
    pub decisions: Mutex<BTreeMap<u32, EffectDecision>>,
    /// How many more writes it takes before the attempt is lost; for ever if absent.
    pub writes_left: Mutex<Option<u32>>,
    /// How many effects were asked for before the checkpoint from which attempts go on.
    pub effects_before: u32,
}

impl FakeRecord {
    fn write(&self, told: Told) -> Result<(), Lost> {
        if let Some(left) = self.writes_left.lock().unwrap().as_mut() {
            if *left == 0 {
                return Err(Lost("a newer attempt began".into()));
            }
            *left -= 1;
        }
        self.told.lock().unwrap().push(told);
        Ok(())
    }

    /// What it was told so far.
    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }

    /// What it was told so far, one word each: the types of events, and the calls.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let told = self.told();
        told.iter()
            .map(|told| match told {
                Told::Activity(event) => {
                    let value = serde_json::to_value(event).unwrap();
                    value["type"].as_str().unwrap().to_owned()
                }
                Told::Effect(effect, _) => format!("effect {effect}"),
                Told::Finished(effect, call, success) => {
                    format!("finished {effect} by {call}: {success}")
                }
                Told::Refused(effect, _) => format!("refused {effect}"),
                Told::Asked(number, text) => format!("asked {number}: {text}"),
                Told::Checkpoint(bytes, effects) => {
                    format!("checkpoint of {} after {effects}", bytes.len())
                }
            })
            .collect()
    }

    /// The events of one tool run, as a ledger would give them back.
    #[must_use]
    pub fn tool_run(&self, number: u32) -> Vec<Event> {
        let mut events = Vec::new();
        for told in self.told() {
            if let Told::Activity(event) = told
                && let Event::ToolStarted { call, .. }
                | Event::ToolOutput { call, .. }
                | Event::ToolFinished { call, .. } = &event
                && *call == number
            {
                events.push(event);
            }
        }
        events
    }

    /// What makes an attempt durable with this record.
    #[must_use]
    pub fn durable(self: &Arc<Self>, attempt: u32) -> Durable {
        Durable {
            record: Arc::clone(self) as Arc<dyn AttemptRecord>,
            mark: TaskMark {
                run: "run".into(),
                task: "task".into(),
                attempt,
                fence: 7,
            },
            effects_before: self.effects_before,
        }
    }
}

#[async_trait]
impl AttemptRecord for FakeRecord {
    async fn activity(&self, event: Event) -> Result<(), Lost> {
        self.write(Told::Activity(event))?;
        // As a ledger that is behind would: it has the event, and lets its giver wait.
        tokio::task::yield_now().await;
        Ok(())
    }

    async fn effect(
        &self,
        effect: u32,
        call: Digest,
        _launch: &Launch,
    ) -> Result<EffectDecision, Lost> {
        self.write(Told::Effect(effect, call))?;
        // As a disk would: the answer is not there at once.
        tokio::task::yield_now().await;
        let decisions = self.decisions.lock().unwrap();
        Ok(decisions
            .get(&effect)
            .cloned()
            .unwrap_or(EffectDecision::Start))
    }

    async fn effect_finished(
        &self,
        effect: u32,
        tool_call: u32,
        success: bool,
    ) -> Result<(), Lost> {
        tokio::task::yield_now().await;
        self.write(Told::Finished(effect, tool_call, success))
    }

    async fn effect_refused(&self, effect: u32, message: String) -> Result<(), Lost> {
        self.write(Told::Refused(effect, message))
    }

    async fn ask(&self, number: u32, question: &PersonQuestion) -> Result<Reply, Lost> {
        self.write(Told::Asked(number, question.text().to_owned()))?;
        Ok(Reply::Nobody("a fake ledger has nobody".into()))
    }

    async fn checkpoint(&self, bytes: Vec<u8>, effects: u32) -> Result<(), Lost> {
        self.write(Told::Checkpoint(bytes, effects))
    }
}

/// An audit that keeps the events.
#[derive(Debug, Default)]
pub struct FakeAudit(pub Mutex<Vec<Event>>);

#[async_trait]
impl EventAudit for FakeAudit {
    async fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}
