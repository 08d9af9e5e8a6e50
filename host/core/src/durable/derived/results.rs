//! `execution_results.json`: one row per task that has ended, in both dialects of the source
//! documents' programs (the engine's rows, the command line's totals).
//!
//! Never: output without a limit; an exit code that no tool and no attempt gave.

use std::collections::HashMap;

use base64::Engine as _;
use serde::Serialize;

use super::status_word;
use crate::durable::entry::Entry;
use crate::durable::event::{AttemptResult, LedgerEvent};
use crate::durable::name::{AdapterId, RunId, TaskId};
use crate::durable::words::End;
use crate::event::{Event, Payload, Stream};
use crate::plan::{TaskSpec, Work};
use crate::retry::FailureClass;
use crate::tool::{Exit, KillCause};

/// Most bytes of each of a task's streams that stand in the results: the end of what its tools
/// wrote. All of it is in the task's log.
pub const MAX_TAIL: usize = 8 << 10;

/// The source documents' codes for ends that are no exit code.
const TIMED_OUT: i32 = -1;
const NOT_FOUND: i32 = -2;
const NOT_STARTED: i32 = -3;

/// Added to a signal's number, as shells do.
const SIGNAL_BASE: i32 = 128;

/// One row. Names and words are the source documents'.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskResult {
    /// The run.
    pub run_id: RunId,
    /// The task.
    pub task_id: TaskId,
    /// What the plan calls its kind, else the kind of its work.
    pub task_kind: Box<str>,
    /// `completed`, `failed`, `timeout`, `canceled`, `skipped` or `blocked`.
    pub status: &'static str,
    /// The adapter of the newest attempt; `null` if there was none.
    pub tool_id: Option<AdapterId>,
    /// The tool's; −1 after a timeout, −2 if it was not found, −3 if it was not started, `null` if
    /// nothing was tried.
    pub exit_code: Option<i32>,
    /// The patch that the work came to; `null` as long as there are none.
    pub output_patch_id: Option<String>,
    /// Why it did not complete.
    pub error: Option<String>,
    /// What its tools wrote and how it went.
    pub metadata: Metadata,
}

/// The rest of a row.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metadata {
    /// The end of standard output of the newest attempt's tools, at most [`MAX_TAIL`] bytes.
    pub stdout: String,
    /// The end of standard error.
    pub stderr: String,
    /// The newest attempt's last tool with its arguments, for people.
    pub command: Option<String>,
    /// How many attempts were begun.
    pub attempts: u32,
    /// From the first attempt or question to the end, in milliseconds.
    pub duration_ms: u64,
}

/// The file up to its first row.
///
/// # Errors
/// The name is no JSON, which cannot be.
pub fn opening(run: &RunId) -> Result<String, serde_json::Error> {
    let run = serde_json::to_string(run)?;
    Ok(format!("{{\n\"run_id\": {run},\n\"results\": ["))
}

/// The file after its last row.
#[must_use]
pub fn closing(total: u64, succeeded: u64) -> String {
    let failed = total.saturating_sub(succeeded);
    format!("\n],\n\"total\": {total},\n\"succeeded\": {succeeded},\n\"failed\": {failed}\n}}\n")
}

/// Rows of one run from its entries. Holds what is open alone: a task that ended leaves it.
#[derive(Debug)]
pub struct Results {
    run: RunId,
    tasks: HashMap<TaskId, Open>,
}

/// A task that has not ended.
#[derive(Debug)]
struct Open {
    index: u32,
    kind: Box<str>,
    /// Absent before its first attempt or question.
    begun: Option<Box<Begun>>,
}

#[derive(Debug)]
struct Begun {
    at_ms: u64,
    attempt: u32,
    adapter: Option<AdapterId>,
    stdout: Tail,
    stderr: Tail,
    command: Option<String>,
    tool: Option<i32>,
    result: Option<(u8, Option<FailureClass>)>,
    /// What is seen from here on belongs to gates.
    validating: bool,
}

impl Begun {
    fn at(at_ms: u64) -> Box<Self> {
        Box::new(Self {
            at_ms,
            attempt: 0,
            adapter: None,
            stdout: Tail::default(),
            stderr: Tail::default(),
            command: None,
            tool: None,
            result: None,
            validating: false,
        })
    }
}

impl Results {
    /// No rows yet.
    #[must_use]
    pub fn new(run: RunId) -> Self {
        Self {
            run,
            tasks: HashMap::new(),
        }
    }

    /// One more entry of the run, in the ledger's order. The row, with the task's place in the
    /// plan, if it ended the task.
    pub fn apply(&mut self, entry: &Entry) -> Option<(u32, TaskResult)> {
        use LedgerEvent as E;
        let task = entry.task.as_ref()?;
        let (end, error) = match &entry.event {
            E::TaskQueued { index, spec, .. } => {
                self.queued(task, *index, spec);
                return None;
            }
            E::TaskCompleted => (End::Completed, None),
            E::TaskFailed { code, reasons } => {
                let reasons = reasons.join("; ");
                let error = if reasons.is_empty() {
                    code.clone()
                } else {
                    reasons
                };
                (End::Failed, Some(error))
            }
            E::TaskTimeout { limit_ms } => {
                let seconds = limit_ms.div_ceil(1_000);
                let error = format!("Command timed out after {seconds}s");
                (End::Timeout, Some(error))
            }
            E::TaskCanceled { reason } => {
                let error = format!("canceled: {}", word(reason));
                (End::Canceled, Some(error))
            }
            E::TaskSkipped { reason } => (End::Skipped, Some(reason.clone())),
            E::TaskBlocked { by } => {
                let error = format!("`{by}` did not complete");
                (End::Blocked, Some(error))
            }
            E::TaskStarted { .. }
            | E::TaskWaiting { .. }
            | E::AttemptEnded { .. }
            | E::TaskValidating { .. }
            | E::Activity { .. } => {
                self.went_on(task, entry);
                return None;
            }
            E::HostStarted { .. }
            | E::CircuitOpened { .. }
            | E::CircuitHalfOpen { .. }
            | E::CircuitClosed { .. }
            | E::SafeModeEntered { .. }
            | E::SafeModeLeft { .. }
            | E::RunSubmitted { .. }
            | E::RunStarted { .. }
            | E::RunCancelRequested { .. }
            | E::Escalation { .. }
            | E::ExecutionFinished { .. }
            | E::TaskReady
            | E::TaskAnswered { .. }
            | E::TaskExpired
            | E::EffectStarted { .. }
            | E::EffectFinished { .. }
            | E::EffectRefused { .. }
            | E::EffectUnknown { .. }
            | E::EffectReplayed { .. }
            | E::CheckpointCreated { .. }
            | E::GateFinished { .. }
            | E::TaskRetry { .. }
            | E::ValidationResumed { .. }
            | E::AttemptLost { .. }
            | E::TaskCancelRequested { .. }
            | E::TaskHurried { .. } => return None,
        };
        self.ended(task, entry.at_ms, end, error)
    }

    fn queued(&mut self, task: &TaskId, index: u32, spec: &TaskSpec) {
        let told = spec
            .metadata
            .get("task-kind")
            .and_then(|kind| kind.as_str());
        let kind = told.unwrap_or(match spec.work {
            Work::Plugin { .. } => "plugin",
            Work::Manual { .. } => "manual",
            Work::Approval { .. } => "approval",
        });
        let open = Open {
            index,
            kind: Box::from(kind),
            begun: None,
        };
        self.tasks.insert(task.clone(), open);
    }

    fn went_on(&mut self, task: &TaskId, entry: &Entry) {
        let Some(open) = self.tasks.get_mut(task) else {
            return;
        };
        let begun = open.begun.get_or_insert_with(|| Begun::at(entry.at_ms));
        if let LedgerEvent::TaskStarted {
            attempt, adapter, ..
        } = &entry.event
        {
            let at_ms = begun.at_ms;
            *begun = Begun::at(at_ms);
            begun.attempt = *attempt;
            begun.adapter = Some(adapter.clone());
        } else if let LedgerEvent::AttemptEnded { result, .. } = &entry.event {
            let AttemptResult {
                exit_code, class, ..
            } = result.as_ref();
            begun.result = Some((*exit_code, *class));
        } else if let LedgerEvent::TaskValidating { .. } = &entry.event {
            begun.validating = true;
        } else if let LedgerEvent::Activity { activity, .. } = &entry.event
            && !begun.validating
        {
            begun.did(activity);
        }
    }

    fn ended(
        &mut self,
        task: &TaskId,
        at_ms: u64,
        end: End,
        error: Option<String>,
    ) -> Option<(u32, TaskResult)> {
        let open = self.tasks.remove(task)?;
        let exit_code = exit_code(end, open.begun.as_deref());
        let mut result = TaskResult {
            run_id: self.run.clone(),
            task_id: task.clone(),
            task_kind: open.kind,
            status: status_word(end),
            tool_id: None,
            exit_code,
            output_patch_id: None,
            error,
            metadata: Metadata::default(),
        };
        if let Some(begun) = open.begun {
            result.tool_id = begun.adapter;
            result.metadata = Metadata {
                stdout: begun.stdout.end(),
                stderr: begun.stderr.end(),
                command: begun.command,
                attempts: begun.attempt,
                duration_ms: at_ms.saturating_sub(begun.at_ms),
            };
        }
        Some((open.index, result))
    }
}

impl Begun {
    fn did(&mut self, activity: &Event) {
        if let Event::ToolStarted {
            tool, arguments, ..
        } = activity
        {
            let mut command = tool.clone();
            for argument in arguments {
                command.push(' ');
                command.push_str(&quoted(argument));
            }
            self.command = Some(tail(command));
        } else if let Event::ToolOutput {
            stream, payload, ..
        } = activity
        {
            let tail = match stream {
                Stream::Stdout => &mut self.stdout,
                Stream::Stderr => &mut self.stderr,
            };
            tail.push(payload);
        } else if let Event::ToolFinished { exit, .. } = activity {
            self.tool = Some(tool_code(*exit));
        } else if let Event::ToolRefused { code, .. } = activity {
            let missing = code.contains("missing") || code.contains("not-found");
            self.tool = Some(if missing { NOT_FOUND } else { NOT_STARTED });
        }
    }
}

fn tool_code(exit: Exit) -> i32 {
    match exit {
        Exit::Code(code) => code.into(),
        Exit::Signal(signal) => SIGNAL_BASE + i32::from(signal),
        Exit::Killed(KillCause::WallTimeout | KillCause::IdleTimeout) => TIMED_OUT,
        Exit::Killed(
            KillCause::Requested
            | KillCause::OutputLimit
            | KillCause::RunEnded
            | KillCause::SupervisorLost,
        ) => SIGNAL_BASE + 9,
    }
}

/// What stands for the task as a whole. A failed task never has a 0, whatever its tools said.
fn exit_code(end: End, begun: Option<&Begun>) -> Option<i32> {
    let tool = begun.and_then(|begun| begun.tool);
    let result = begun.and_then(|begun| begun.result);
    match end {
        End::Completed => Some(tool.unwrap_or(0)),
        End::Timeout => Some(TIMED_OUT),
        End::Failed => {
            let failed = |code: &i32| *code != 0;
            let class = result.and_then(|(_, class)| class);
            let unavailable = (class == Some(FailureClass::Unavailable)).then_some(NOT_FOUND);
            let attempt = result.map(|(code, _)| i32::from(code)).filter(failed);
            let known = tool.filter(failed).or(unavailable).or(attempt);
            Some(known.unwrap_or(1))
        }
        End::Canceled => tool,
        End::Skipped | End::Blocked => None,
    }
}

/// The end of what a stream held.
#[derive(Debug, Default)]
struct Tail(String);

impl Tail {
    fn push(&mut self, payload: &Payload) {
        match payload {
            Payload::Text(text) => self.0.push_str(text),
            Payload::Base64(encoded) => {
                let bytes = base64::engine::general_purpose::STANDARD.decode(encoded);
                let bytes = bytes.unwrap_or_default();
                self.0.push_str(&String::from_utf8_lossy(&bytes));
            }
        }
        // Not at each piece: that would copy the tail for every line.
        if self.0.len() > 2 * MAX_TAIL {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let text = std::mem::take(&mut self.0);
        self.0 = tail(text);
    }

    fn end(mut self) -> String {
        self.cut();
        self.0
    }
}

/// The last [`MAX_TAIL`] bytes, from a whole character on.
fn tail(mut text: String) -> String {
    let mut from = text.len().saturating_sub(MAX_TAIL);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.drain(..from);
    text
}

/// As a person would type it in a shell. For reading: it is run nowhere.
fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', "'\\''"))
}

fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
