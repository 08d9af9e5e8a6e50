//! Work with tools whose effects are counted outside of the ledger.
//!
//! Never: a count that the ledger could make right.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use remit_core::digest::Digest;
use remit_core::event::{Event, Payload, Stream};
use remit_core::manifest::Confinement;
use remit_core::outcome::{CancelReason, Outcome};
use remit_core::tool::{CallStdin, Exit, Launch, ToolCall, Usage};
use remit_engine::durable::attempts::{AttemptRecord, EffectDecision};
use remit_engine::fake::attempts::{FakeAttempts, succeeded};
use remit_engine::fake::grants;
use tokio::time::Instant;

const RUN: &str = "[[run]]\ntool = \"python3\"\ntemplates = [\"version\"]\nreason = \"r\"\n";
const ALLOW: &str = "[plugins.fake]\nrun = [\"python3:version\"]\n";

fn launch() -> Launch {
    let call = ToolCall {
        tool: "python3".into(),
        template: "version".into(),
        slots: Vec::new(),
        env: Vec::new(),
        cwd: None,
        stdin: CallStdin::Empty,
        timeout: None,
        idle: None,
    };
    grants(RUN, ALLOW).launch(&call).unwrap()
}

/// A tool run, as the world outside saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Effect {
    pub(crate) task: String,
    pub(crate) effect: u32,
    pub(crate) fence: u64,
    pub(crate) began: Instant,
    /// Absent while it runs.
    pub(crate) ended: Option<Instant>,
}

/// The world outside: what tools really did, and what plugins were told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outside {
    pub(crate) effects: Arc<Mutex<Vec<Effect>>>,
    /// What each plugin read from its tools, by task.
    pub(crate) read: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
}

impl Outside {
    pub(crate) fn effects(&self) -> Vec<Effect> {
        self.effects.lock().unwrap().clone()
    }

    /// Work that runs so many tools one after the other, each for so long.
    pub(crate) fn work(&self, tools: u32, each: Duration) -> FakeAttempts {
        let outside = self.clone();
        FakeAttempts::playing(move |assignment, record, cancel| {
            let outside = outside.clone();
            Box::pin(async move {
                let name = assignment.task.id.to_string();
                let mut read = Vec::new();
                for effect in 1..=tools {
                    let what = (name.as_str(), effect, assignment.fence);
                    let work = outside.tool(what, each, &*record);
                    tokio::pin!(work);
                    let line = tokio::select! {
                        line = &mut work => line,
                        reason = cancel.cancelled() => {
                            // A tool takes its time to end.
                            tokio::time::sleep(Duration::from_millis(100)).await;
                            return Outcome::Cancelled { reason };
                        }
                    };
                    match line {
                        Some(line) => read.push(line),
                        None => {
                            let reason = CancelReason::Lost;
                            return Outcome::Cancelled { reason };
                        }
                    }
                }
                outside.read.lock().unwrap().insert(name, read);
                succeeded()
            })
        })
    }

    /// One tool: recorded before it starts, counted outside, recorded after it ended.
    async fn tool(
        &self,
        (task, effect, fence): (&str, u32, u64),
        each: Duration,
        record: &dyn AttemptRecord,
    ) -> Option<String> {
        let call = Digest::of(format!("{task}/{effect}").as_bytes());
        match record.effect(effect, call, &launch()).await.ok()? {
            EffectDecision::Refuse(_) => return Some("refused".into()),
            EffectDecision::Replay(events) => return Some(output_of(&events)),
            EffectDecision::Start => {}
        }
        let at = {
            let mut effects = self.effects.lock().unwrap();
            effects.push(Effect {
                task: task.into(),
                effect,
                fence,
                began: Instant::now(),
                ended: None,
            });
            effects.len() - 1
        };
        let running = Running(&self.effects, at);
        record.activity(started(effect)).await.ok()?;
        tokio::time::sleep(each).await;
        drop(running);
        let text = format!("{task}/{effect} by {fence}");
        record.activity(output(effect, &text)).await.ok()?;
        record.activity(finished(effect)).await.ok()?;
        record.effect_finished(effect, effect, true).await.ok()?;
        Some(text)
    }
}

/// A tool that runs until this is dropped.
struct Running<'a>(&'a Mutex<Vec<Effect>>, usize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap()[self.1].ended = Some(Instant::now());
    }
}

fn output_of(events: &[Event]) -> String {
    assert!(matches!(events.first(), Some(Event::ToolStarted { .. })));
    assert!(matches!(events.last(), Some(Event::ToolFinished { .. })));
    let texts = events.iter().filter_map(|event| match event {
        Event::ToolOutput {
            payload: Payload::Text(text),
            ..
        } => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

fn started(call: u32) -> Event {
    Event::ToolStarted {
        call,
        tool: "python3".into(),
        template: "version".into(),
        arguments: Vec::new(),
        directory: ".".into(),
        env: Vec::new(),
        confinement: Confinement::default(),
        origins: Vec::new(),
        program: None,
    }
}

fn output(call: u32, text: &str) -> Event {
    Event::ToolOutput {
        call,
        stream: Stream::Stdout,
        payload: Payload::Text(text.into()),
    }
}

fn finished(call: u32) -> Event {
    Event::ToolFinished {
        call,
        tool: "python3".into(),
        exit: Exit::Code(0),
        success: true,
        usage: Usage::default(),
    }
}
