//! One start of a hook: the owner's tool, run by the built-in `command` adapter under the owner's
//! rules for it, with the event on standard input.
//!
//! Nothing of it is in the ledger, so a hook never starts a hook; the audit has all of it. Never: a
//! tool that a plan's task could not run in the same way.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use remit_core::audit::HookOf;
use remit_core::denial::Denial;
use remit_core::digest::Digest;
use remit_core::durable::RunId;
use remit_core::event::Event;
use remit_core::hook::Hook;
use remit_core::outcome::Outcome;
use remit_core::person::PersonQuestion;
use remit_core::plan::RunSettings;
use remit_core::tool::{Exit, Launch};
use remit_engine::cancel::Cancel;
use remit_engine::durable::attempts::{Assignment, AttemptRecord, EffectDecision, Lost};
use remit_engine::durable::journal::EventAudit;
use remit_engine::seam::Reply;
use serde_json::{Map, Value, json};

use super::Workshop;
use super::job::Job;
use super::kit::COMMAND;
use super::trail::Trail;

/// How long one start of a hook may take. It tells someone something; what takes longer hangs.
const TIME: Duration = Duration::from_secs(60);

/// The task that a hook works at, as far as the adapter is told.
const TASK: &str = "hook";
/// The run of an event that belongs to none.
const NO_RUN: &str = "host";

/// Why a hook did not do what it should.
#[derive(Debug)]
pub(crate) enum HookTrouble {
    /// The owner does not let `command` run its tool.
    Denied(Vec<Denial>),
    /// Anything else, in one line.
    Failed(String),
    /// It was ended.
    Cancelled,
}

/// What started a hook.
#[derive(Debug)]
pub(crate) struct Started {
    /// The run of the event, if it has one.
    pub(crate) run: Option<RunId>,
    /// The event's place among all of the ledger.
    pub(crate) seq: u64,
    /// Its word.
    pub(crate) word: &'static str,
    /// Its JSON form, on one line.
    pub(crate) json: String,
}

impl Workshop {
    /// Starts a hook's tool for an event and waits for its end.
    ///
    /// # Errors
    /// It was denied, or it failed.
    pub(crate) async fn run_hook(
        &self,
        hook: &Hook,
        started: Started,
        cancel: Cancel,
    ) -> Result<(), HookTrouble> {
        let about = HookOf {
            tool: hook.tool().to_string(),
            seq: started.seq,
            event: started.word.to_owned(),
        };
        let seen = Arc::new(Mutex::new(None));
        let watched = Arc::clone(&seen);
        let job = Job {
            assignment: assignment(started.run).map_err(HookTrouble::Failed)?,
            plugin: COMMAND.to_owned(),
            inputs: call(hook, started.json),
            record: Arc::new(Unrecorded),
            cancel,
            effects: false,
            gate: None,
            hook: Some(about),
        };
        let outcome = self
            .carry_out(job, |trail| {
                Arc::new(Watching {
                    trail,
                    ended: watched,
                })
            })
            .await;
        let ended = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        judge(outcome, ended)
    }
}

/// What the outcome and the tool's end come to.
fn judge(outcome: Outcome, ended: Option<(Exit, bool)>) -> Result<(), HookTrouble> {
    let failed = |message: String| Err(HookTrouble::Failed(message));
    match (outcome, ended) {
        (Outcome::Cancelled { .. }, _) => Err(HookTrouble::Cancelled),
        (Outcome::Denied { denials, .. }, _) => Err(HookTrouble::Denied(denials)),
        (_, Some((_, true))) => Ok(()),
        (_, Some((exit, false))) => failed(format!("its tool ended with {}", exit_words(exit))),
        (Outcome::Succeeded { .. }, None) => failed("its tool was not started".to_owned()),
        (Outcome::Failed { message, .. } | Outcome::PluginFault { message, .. }, None)
        | (Outcome::Internal { message }, None) => failed(message),
        (Outcome::Rejected { reason }, None) => failed(reason),
        (Outcome::Unavailable { what }, None) => failed(what),
        (Outcome::TimedOut { limit_ms }, None) => {
            failed(format!("it took longer than {limit_ms} ms"))
        }
        (Outcome::InvalidInput { problems }, None) => {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            failed(lines.join("; "))
        }
    }
}

fn exit_words(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit code {code}"),
        Exit::Signal(signal) => format!("signal {signal}"),
        Exit::Killed(cause) => format!("a kill: {cause:?}"),
    }
}

/// The inputs of `command` for a hook.
fn call(hook: &Hook, event: String) -> Map<String, Value> {
    let slots: Map<String, Value> = hook
        .call(Vec::new())
        .slots
        .into_iter()
        .map(|(name, value)| (name, json!(value)))
        .collect();
    let mut inputs = Map::new();
    inputs.insert("tool".to_owned(), json!(hook.tool().tool));
    inputs.insert("template".to_owned(), json!(hook.tool().template));
    if !slots.is_empty() {
        inputs.insert("slots".to_owned(), Value::Object(slots));
    }
    // A line, so that what is appended to a file stays readable.
    inputs.insert("stdin".to_owned(), json!(event + "\n"));
    inputs
}

fn assignment(run: Option<RunId>) -> Result<Assignment, String> {
    let run = match run {
        Some(run) => run,
        None => NO_RUN
            .parse()
            .map_err(|error| format!("`{NO_RUN}`: {error}"))?,
    };
    let task = json!({"id": TASK, "kind": "plugin", "candidates": [{"plugin": COMMAND}]});
    let task = serde_json::from_value(task).map_err(|error| error.to_string())?;
    Ok(Assignment {
        run,
        settings: Arc::new(RunSettings::default()),
        task: Arc::new(task),
        candidate: 0,
        attempt: 1,
        fence: 0,
        time: Some(TIME),
        checkpoint: None,
        effects_before: 0,
    })
}

/// Takes what a hook does and keeps nothing of it: the ledger is about runs.
struct Unrecorded;

#[async_trait]
impl AttemptRecord for Unrecorded {
    async fn activity(&self, _event: Event) -> Result<(), Lost> {
        Ok(())
    }

    async fn effect(
        &self,
        _effect: u32,
        _call: Digest,
        _launch: &Launch,
    ) -> Result<EffectDecision, Lost> {
        Ok(EffectDecision::Start)
    }

    async fn effect_finished(
        &self,
        _effect: u32,
        _tool_call: u32,
        _success: bool,
    ) -> Result<(), Lost> {
        Ok(())
    }

    async fn effect_refused(&self, _effect: u32, _message: String) -> Result<(), Lost> {
        Ok(())
    }

    async fn ask(&self, _number: u32, _question: &PersonQuestion) -> Result<Reply, Lost> {
        Ok(Reply::Nobody("a hook asks nobody".to_owned()))
    }

    async fn checkpoint(&self, _bytes: Vec<u8>, _effects: u32) -> Result<(), Lost> {
        Ok(())
    }
}

/// Keeps how the tool ended beside the audit.
struct Watching {
    trail: Trail,
    ended: Arc<Mutex<Option<(Exit, bool)>>>,
}

#[async_trait]
impl EventAudit for Watching {
    async fn event(&self, event: &Event) {
        self.trail.event(event).await;
        if let Event::ToolFinished { exit, success, .. } = event {
            let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            *ended = Some((*exit, *success));
        }
    }
}
