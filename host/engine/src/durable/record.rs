//! What an attempt writes into the ledger while it works: its activity in batches, its effects
//! before they happen, its checkpoints.
//!
//! One writer for each attempt: what comes later is never in the ledger before what came earlier.
//! Never: a tool started whose start is not durable; a write after the attempt lost its task.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use remit_core::digest::Digest;
use remit_core::durable::{Effect, LedgerEvent, RunId, Stream, TaskId};
use remit_core::event::{Event, Payload};
use remit_core::outcome::CancelReason;
use remit_core::person::PersonQuestion;
use remit_core::tool::Launch;
use tokio::sync::Mutex as AsyncMutex;

use super::attempts::{AttemptRecord, EffectDecision, KnownEffects, Lost};
use super::clock::Clock;
use super::ledger::{Append, Commit, EntryQuery, Expect, Lane, Ledger, LedgerError, MAX_ENTRIES};
use crate::cancel::Cancel;
use crate::seam::Reply;

/// Activity that waits in memory at most, in events: the attempt waits while they are written.
const MAX_WAITING: usize = 64;
/// Likewise, in bytes of tool output. Larger than one piece of output, so that several go together.
const MAX_WAITING_BYTES: usize = 256 * 1024;
/// How long activity waits for company. Whoever follows sees it within a tenth of a second.
const COMPANY: Duration = Duration::from_millis(20);
/// How often a write that may work later is tried again.
const MAX_TRIES: u32 = 8;
/// The first wait between two tries; each further one is twice as long: 25 s in all.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// Whose record it is.
#[derive(Debug, Clone)]
pub(super) struct Whose {
    pub(super) run: RunId,
    pub(super) task: TaskId,
    pub(super) attempt: u32,
    pub(super) fence: u64,
    /// Whether an acceptance gate is checked: then its tool is no effect of the task.
    pub(super) gate: bool,
}

/// The record of one attempt, or of one of its gates.
pub(super) struct Record {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) clock: Clock,
    pub(super) whose: Whose,
    cancel: Cancel,
    known: KnownEffects,
    waiting: Mutex<Waiting>,
    /// Held while something is written: one write after the other.
    pub(super) writer: AsyncMutex<Writer>,
}

#[derive(Debug, Default)]
struct Waiting {
    events: Vec<LedgerEvent>,
    bytes: usize,
    /// Whether somebody will write them soon.
    cared_for: bool,
    open: BTreeMap<u32, String>,
    checkpoint: Option<(Digest, u32)>,
    lost: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Writer {
    /// The place of the newest event that this record wrote.
    seq: u64,
}

/// What is left of a record when its attempt has ended.
#[derive(Debug, Default)]
pub(super) struct Rest {
    pub(super) activity: Vec<LedgerEvent>,
    pub(super) open: BTreeMap<u32, String>,
    pub(super) checkpoint: Option<(Digest, u32)>,
}

impl Record {
    pub(super) fn new(
        ledger: Arc<dyn Ledger>,
        clock: Clock,
        whose: Whose,
        cancel: Cancel,
        known: KnownEffects,
    ) -> Arc<Self> {
        Arc::new(Self {
            ledger,
            clock,
            whose,
            cancel,
            known,
            waiting: Mutex::default(),
            writer: AsyncMutex::default(),
        })
    }

    /// A panic elsewhere cannot leave it half changed: each change is one step.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the record: what it has not written yet goes with the attempt's end.
    pub(super) async fn finish(&self) -> Rest {
        // Whatever is being written is done first.
        let _writer = self.writer.lock().await;
        let mut waiting = self.waiting();
        waiting.lost = Some("it has ended".to_owned());
        waiting.bytes = 0;
        Rest {
            activity: std::mem::take(&mut waiting.events),
            open: std::mem::take(&mut waiting.open),
            checkpoint: waiting.checkpoint,
        }
    }

    /// Puts an event to those that wait. Whether it is time to write them.
    fn push(self: &Arc<Self>, event: Event) -> Result<bool, Lost> {
        let bytes = size_of_output(&event);
        let event = LedgerEvent::Activity {
            attempt: self.whose.attempt,
            fence: self.whose.fence,
            activity: Box::new(event),
        };
        let mut waiting = self.waiting();
        if let Some(why) = &waiting.lost {
            return Err(Lost(why.clone()));
        }
        waiting.events.push(event);
        waiting.bytes = waiting.bytes.saturating_add(bytes);
        let full = waiting.events.len() >= MAX_WAITING || waiting.bytes >= MAX_WAITING_BYTES;
        if !full && !waiting.cared_for {
            waiting.cared_for = true;
            let record = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(COMPANY).await;
                record.waiting().cared_for = false;
                // Its own attempt hears of a loss with its next write.
                record
                    .write(Vec::new(), Lane::Activity)
                    .await
                    .unwrap_or_default();
            });
        }
        Ok(full)
    }

    /// Writes what waits, then these.
    pub(super) async fn write(&self, events: Vec<LedgerEvent>, lane: Lane) -> Result<(), Lost> {
        let mut writer = self.writer.lock().await;
        let mut all = {
            let mut waiting = self.waiting();
            if let Some(why) = &waiting.lost {
                return Err(Lost(why.clone()));
            }
            waiting.bytes = 0;
            std::mem::take(&mut waiting.events)
        };
        all.extend(events);
        if all.is_empty() {
            return Ok(());
        }
        match self.commit(&mut writer, &all, lane).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.lose(error.to_string())),
        }
    }

    pub(super) async fn commit(
        &self,
        writer: &mut Writer,
        events: &[LedgerEvent],
        lane: Lane,
    ) -> Result<(), LedgerError> {
        let stream = Stream::Task(self.whose.run.clone(), self.whose.task.clone());
        let mut wait = FIRST_WAIT;
        let mut tries = 1;
        loop {
            let commit = Commit {
                now_ms: (self.clock)(),
                lane,
                appends: vec![Append {
                    stream: stream.clone(),
                    expect: Expect::Fence(self.whose.fence),
                    events: events.to_vec(),
                }],
                breakers: Vec::new(),
            };
            let error = match self.ledger.commit(commit).await {
                Ok(committed) => {
                    writer.seq = committed.seq;
                    return Ok(());
                }
                Err(error) => error,
            };
            let later = match error {
                LedgerError::Full(_) | LedgerError::Unavailable(_) | LedgerError::Unknown(_) => {
                    true
                }
                LedgerError::Refused(_)
                | LedgerError::ReadOnly(_)
                | LedgerError::Damaged(_)
                | LedgerError::Held { .. } => false,
            };
            if !later || tries >= MAX_TRIES {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            wait = wait.saturating_mul(2);
            tries += 1;
            if matches!(error, LedgerError::Unknown(_)) && self.is_there(writer, events).await? {
                return Ok(());
            }
        }
    }

    /// Whether events were written after all.
    async fn is_there(
        &self,
        writer: &mut Writer,
        events: &[LedgerEvent],
    ) -> Result<bool, LedgerError> {
        let found = self.read(writer.seq, None).await?;
        let place = found
            .iter()
            .position(|(_, event)| Some(event) == events.first());
        let last = place.and_then(|place| found.get(place + events.len().saturating_sub(1)));
        match last {
            Some((seq, event)) if Some(event) == events.last() => {
                writer.seq = *seq;
                Ok(true)
            }
            Some(_) | None => Ok(false),
        }
    }

    /// The task's events after a place, until one that satisfies `until` is there.
    async fn read(
        &self,
        mut after: u64,
        until: Option<&(dyn Fn(&LedgerEvent) -> bool + Sync)>,
    ) -> Result<Vec<(u64, LedgerEvent)>, LedgerError> {
        let mut found = Vec::new();
        loop {
            let page = self
                .ledger
                .entries(EntryQuery {
                    run: Some(self.whose.run.clone()),
                    task: Some(self.whose.task.clone()),
                    after,
                    activity: true,
                    limit: MAX_ENTRIES,
                })
                .await?;
            let Some(last) = page.last() else {
                return Ok(found);
            };
            after = last.seq;
            for entry in page {
                let ends = until.is_some_and(|until| until(&entry.event));
                found.push((entry.seq, entry.event));
                if ends {
                    return Ok(found);
                }
            }
        }
    }

    pub(super) fn lose(&self, why: String) -> Lost {
        self.waiting().lost.get_or_insert_with(|| why.clone());
        self.cancel.cancel(CancelReason::Lost);
        Lost(why)
    }

    /// What a tool run of an earlier attempt did, from its start to its end.
    async fn recorded(&self, attempt: u32, call: u32) -> Result<Vec<Event>, Lost> {
        let is_end = |event: &LedgerEvent| matches!(activity(event, attempt), Some(Event::ToolFinished { call: other, .. }) if *other == call);
        let found = self.read(0, Some(&is_end)).await;
        let found = found.map_err(|error| self.lose(error.to_string()))?;
        let of_call = found.iter().filter_map(|(_, event)| {
            let event = activity(event, attempt)?;
            (tool_call(event) == Some(call)).then(|| event.clone())
        });
        Ok(of_call.collect())
    }

    fn gate(&self) -> bool {
        self.whose.gate
    }
}

fn activity(event: &LedgerEvent, of: u32) -> Option<&Event> {
    if let LedgerEvent::Activity {
        attempt, activity, ..
    } = event
    {
        return (*attempt == of).then_some(activity.as_ref());
    }
    None
}

/// Which run of a tool an event is about.
fn tool_call(event: &Event) -> Option<u32> {
    if let Event::ToolStarted { call, .. }
    | Event::ToolOutput { call, .. }
    | Event::ToolFinished { call, .. } = event
    {
        return Some(*call);
    }
    None
}

fn size_of_output(event: &Event) -> usize {
    if let Event::ToolOutput { payload, .. } = event {
        return match payload {
            Payload::Text(text) | Payload::Base64(text) => text.len(),
        };
    }
    0
}

#[async_trait]
impl AttemptRecord for Arc<Record> {
    async fn activity(&self, event: Event) -> Result<(), Lost> {
        if self.push(event)? {
            self.write(Vec::new(), Lane::Activity).await?;
        }
        Ok(())
    }

    async fn effect(
        &self,
        effect: u32,
        call: Digest,
        launch: &Launch,
    ) -> Result<EffectDecision, Lost> {
        if self.gate() {
            return Ok(EffectDecision::Start);
        }
        let fence = self.whose.fence;
        match self.known.get(&effect) {
            Some(Effect::Finished {
                call: known,
                attempt,
                tool_call,
            }) if *known == call => {
                let events = self.recorded(*attempt, *tool_call).await?;
                let event = LedgerEvent::EffectReplayed { fence, effect };
                self.write(vec![event], Lane::State).await?;
                return Ok(EffectDecision::Replay(events));
            }
            Some(Effect::Unknown {
                call: known,
                repeat: false,
            }) if *known == call => {
                return Ok(EffectDecision::Refuse(format!(
                    "whether `{}` did its work before the host ended is not known, and the task \
                     says `on-unknown: fail`",
                    launch.tool()
                )));
            }
            Some(Effect::Finished { .. } | Effect::Unknown { .. } | Effect::Started { .. })
            | None => {}
        }
        let tool = launch.tool().to_string();
        let event = LedgerEvent::EffectStarted {
            fence,
            effect,
            call,
            tool: tool.clone(),
            template: launch.template().to_string(),
        };
        self.write(vec![event], Lane::State).await?;
        self.waiting().open.insert(effect, tool);
        Ok(EffectDecision::Start)
    }

    async fn effect_finished(
        &self,
        effect: u32,
        tool_call: u32,
        success: bool,
    ) -> Result<(), Lost> {
        if self.gate() {
            return Ok(());
        }
        let cut_short = self.cancel.reason() == Some(CancelReason::Shutdown);
        if cut_short && !success {
            // The host ended the tool: what it did until then is not known.
            return Ok(());
        }
        let event = LedgerEvent::EffectFinished {
            fence: self.whose.fence,
            effect,
            tool_call,
            success,
        };
        self.write(vec![event], Lane::State).await?;
        self.waiting().open.remove(&effect);
        Ok(())
    }

    async fn effect_refused(&self, effect: u32, message: String) -> Result<(), Lost> {
        if self.gate() || !self.waiting().open.contains_key(&effect) {
            return Ok(());
        }
        let event = LedgerEvent::EffectRefused {
            fence: self.whose.fence,
            effect,
            message,
        };
        self.write(vec![event], Lane::State).await?;
        self.waiting().open.remove(&effect);
        Ok(())
    }

    async fn ask(&self, number: u32, question: &PersonQuestion) -> Result<Reply, Lost> {
        if self.gate() {
            return Ok(Reply::Nobody("a check asks nobody".to_owned()));
        }
        self.ask_in_ledger(number, question).await
    }

    async fn checkpoint(&self, bytes: Vec<u8>, effects: u32) -> Result<(), Lost> {
        if self.gate() {
            return Ok(());
        }
        let size = bytes.len() as u64;
        let put = self.ledger.put(bytes).await;
        let digest = put.map_err(|error| self.lose(error.to_string()))?;
        let event = LedgerEvent::CheckpointCreated {
            fence: self.whose.fence,
            digest,
            bytes: size,
            effects,
        };
        self.write(vec![event], Lane::State).await?;
        self.waiting().checkpoint = Some((digest, effects));
        Ok(())
    }
}
