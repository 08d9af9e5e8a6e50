//! One acceptance check: a declared tool, run by the built-in `command` adapter under the owner's
//! rules for it, and what was seen of it.
//!
//! Never: what a plugin says of the tool in place of what the host saw.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use base64::Engine as _;
use remit_core::event::{Event, Payload};
use remit_core::gate::{MAX_OUTPUT, Observed};
use remit_core::outcome::{InputProblem, Outcome};
use remit_core::plan::GateSpec;
use remit_core::tool::{Exit, KillCause};
use remit_engine::cancel::Cancel;
use remit_engine::durable::attempts::{Assignment, AttemptRecord};
use remit_engine::durable::journal::EventAudit;
use serde_json::{Map, Value, json};

use super::Workshop;
use super::job::Job;
use super::kit::COMMAND;
use super::trail::Trail;

impl Workshop {
    /// Makes one acceptance check.
    pub(super) async fn check_gate(
        &self,
        assignment: Assignment,
        gate: GateSpec,
        record: Arc<dyn AttemptRecord>,
        cancel: Cancel,
    ) -> Result<Observed, Box<Outcome>> {
        let inputs = call(&gate)?;
        let job = Job {
            assignment: Assignment {
                // What the task's work saved is not for its checks.
                checkpoint: None,
                effects_before: 0,
                ..assignment
            },
            plugin: COMMAND.to_owned(),
            inputs,
            record,
            cancel: cancel.clone(),
            effects: false,
            gate: Some(gate.title()),
            hook: None,
        };
        let seen = Arc::new(Mutex::new(Seen::default()));
        let watched = Arc::clone(&seen);
        let outcome = self
            .carry_out(job, |trail| {
                Arc::new(Watching {
                    trail,
                    seen: watched,
                })
            })
            .await;
        let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        match (seen.exit, cancel.reason()) {
            // A tool that ended because the attempt had to says nothing about the work.
            (Some(exit), None) if exit != Exit::Killed(KillCause::RunEnded) => {
                let text = String::from_utf8_lossy(&seen.output);
                Ok(Observed::new(exit, &text, seen.truncated))
            }
            (Some(_) | None, _) => Err(Box::new(outcome)),
        }
    }
}

/// The inputs of `command` for a gate.
fn call(gate: &GateSpec) -> Result<Map<String, Value>, Box<Outcome>> {
    let Some((tool, template)) = gate.tool.split_once(':') else {
        return Err(Box::new(Outcome::InvalidInput {
            problems: vec![InputProblem {
                path: "/tool".to_owned(),
                code: "bad-tool-name".to_owned(),
                message: format!(
                    "gate `{}`: `{}` names no template; write `tool:template`",
                    gate.title(),
                    gate.tool
                ),
            }],
        }));
    };
    let mut inputs = Map::new();
    inputs.insert("tool".to_owned(), json!(tool));
    inputs.insert("template".to_owned(), json!(template));
    if !gate.slots.is_empty() {
        inputs.insert("slots".to_owned(), Value::Object(gate.slots.clone()));
    }
    if let Some(directory) = &gate.directory {
        inputs.insert("cwd".to_owned(), json!(directory));
    }
    Ok(inputs)
}

/// What the host saw of the tool.
#[derive(Default)]
struct Seen {
    /// The end of what it wrote to both streams, in order.
    output: Vec<u8>,
    truncated: bool,
    exit: Option<Exit>,
}

impl Seen {
    fn add(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
        // Cut only now and then, so that each byte is moved once.
        if self.output.len() > 2 * MAX_OUTPUT {
            let over = self.output.len() - MAX_OUTPUT;
            self.output.drain(..over);
            self.truncated = true;
        }
    }
}

/// Keeps what the tool wrote beside the audit.
struct Watching {
    trail: Trail,
    seen: Arc<Mutex<Seen>>,
}

#[async_trait]
impl EventAudit for Watching {
    async fn event(&self, event: &Event) {
        self.trail.event(event).await;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Event::ToolOutput { payload, .. } = event {
            match payload {
                Payload::Text(text) => seen.add(text.as_bytes()),
                // The host wrote it itself, so it is base64.
                Payload::Base64(text) => {
                    let bytes = base64::engine::general_purpose::STANDARD.decode(text);
                    seen.add(&bytes.unwrap_or_default());
                }
            }
        } else if let Event::ToolFinished { exit, usage, .. } = event {
            seen.exit = Some(*exit);
            seen.truncated |= usage.truncated;
        }
    }
}
