//! The adapter inside a host: starts the agent, reads it while it works, asks what changed, reports.
//!
//! Never: a second try. Whether the work is tried again is the host's decision.

use std::fs;
use std::time::Duration;

use remit_plugin_sdk::{
    AdapterReport, Call, Capabilities, Child, Context, Cost, Event, Exit, Failure, KillCause,
    Problem, ProcessError, Report, SafetyTier, Stdin, json, progress, workspace,
};

use crate::files::Changes;
use crate::inputs::{INPUT_SCHEMA, Request};
use crate::lines::Lines;
use crate::observation::{Note, Observation};
use crate::prepared::{Agent, Prepared, Slot};
use crate::tool::{Reader, Stream, Tool};
use crate::verdict::{Ended, Judgement, Killer, Verdict, judge};

/// How much output is asked for at once.
const CHUNK: u32 = 256 << 10;
/// How long an agent has to end by itself; some ignore the first signal.
const GRACE_MS: u32 = 2_000;
/// How long one request usually may take, in milliseconds.
const USUAL_TIME_MS: u64 = 1_800_000;
/// Most notes that are handed on: far below the host's limit on events.
const MAX_NOTES: u32 = 5_000;

/// What the adapter of an agent can do.
#[must_use]
pub fn describe<A: Agent>() -> Capabilities {
    Capabilities {
        id: A::TOOL.name().into(),
        title: A::TITLE.into(),
        tool_versions: Some(A::TOOL_VERSIONS.into()),
        ..capabilities(A::VERSION)
    }
}

/// What holds for every agent.
pub(crate) fn capabilities(version: &str) -> Capabilities {
    Capabilities {
        id: String::new(),
        version: version.into(),
        title: String::new(),
        task_kinds: [
            "code-edit",
            "bug-fix",
            "refactoring",
            "tests",
            "documentation",
        ]
        .map(str::to_owned)
        .to_vec(),
        domains: Vec::new(),
        max_parallel: 8,
        timeout_ms: USUAL_TIME_MS,
        safety_tier: SafetyTier::RunsCode,
        tool_versions: None,
        input_schema: INPUT_SCHEMA.into(),
    }
}

/// Names what is missing before any request: the agent's program.
#[must_use]
pub fn validate_config<A: Agent>() -> Vec<Problem> {
    missing(&A::sample()).into_iter().collect()
}

/// What is missing for this call. A refusal is not: it is told, with its fix, when the call is made.
fn missing(prepared: &Prepared) -> Option<Problem> {
    match call(prepared, None).check() {
        Err(ProcessError::ToolMissing(message)) => Some(Problem::new("", "tool-missing", message)),
        Err(ProcessError::ToolChanged(message)) => Some(Problem::new("", "tool-changed", message)),
        Ok(())
        | Err(
            ProcessError::Denied(_)
            | ProcessError::InvalidCall(_)
            | ProcessError::SpawnFailed(_)
            | ProcessError::Limit(_)
            | ProcessError::StdinClosed
            | ProcessError::Misuse(_),
        ) => None,
    }
}

/// Carries out one request.
///
/// # Errors
/// The inputs are wrong, the agent could not be started, its provider failed, a time limit passed,
/// or the run was cancelled. Everything else is a report.
pub fn execute<A: Agent>(context: &Context) -> Result<AdapterReport, Failure> {
    let request = Request::check(&context.inputs, false)?;
    let prepared = A::prepare(&request);
    put_files(&prepared.scratch)?;
    let child = call(&prepared, Some(&request)).spawn()?;
    let mut watch = Watch::new(A::TOOL, &request, prepared.keeps_turns);
    let ended = watch.follow(&child)?;
    watch.read_log(prepared.log.as_deref());
    conclude(A::TOOL, &request, watch, ended, &child)
}

/// Puts files into the scratch directory.
pub(crate) fn put_files(files: &[(String, String)]) -> Result<(), Failure> {
    for (name, content) in files {
        let path = workspace::scratch()?.join(name);
        let above = path.parent().map_or(Ok(()), fs::create_dir_all);
        above
            .and_then(|()| fs::write(&path, content))
            .map_err(|error| {
                Failure::failed_for_now("scratch", format!("{}: {error}", path.display()))
            })?;
    }
    Ok(())
}

/// The call as the SDK has it.
fn call(prepared: &Prepared, request: Option<&Request>) -> Call {
    let mut call = Call::new(&prepared.tool, &prepared.template)
        .stdin(Stdin::Bytes(prepared.stdin.clone().into_bytes()));
    for (name, slot) in &prepared.slots {
        call = match slot {
            Slot::One(value) => call.slot(name, value),
            Slot::Many(values) => call.slots(name, values.iter().cloned()),
        };
    }
    match request {
        Some(request) => limits(call, request),
        None => call,
    }
}

/// The call with the time limits of the request.
pub(crate) fn limits(mut call: Call, request: &Request) -> Call {
    if let Some(limit) = request.timeout_ms {
        call = call.timeout(Duration::from_millis(limit.into()));
    }
    if let Some(limit) = request.idle_ms {
        call = call.idle(Duration::from_millis(limit.into()));
    }
    call
}

/// An agent that is watched while it works.
pub(crate) struct Watch {
    pub(crate) reader: Reader,
    stdout: Lines,
    stderr: Lines,
    retry_budget: u32,
    max_steps: Option<u32>,
    told: u32,
    pub(crate) killer: Option<Killer>,
}

impl Watch {
    pub(crate) fn new(tool: Tool, request: &Request, keeps_turns: bool) -> Self {
        Self {
            reader: Reader::new(tool),
            stdout: Lines::default(),
            stderr: Lines::default(),
            retry_budget: request.retry_budget,
            max_steps: request.max_turns.filter(|_| !keeps_turns),
            told: 0,
            killer: None,
        }
    }

    /// Reads until the agent and everything it started is gone.
    fn follow(&mut self, child: &Child) -> Result<Ended, Failure> {
        loop {
            match child.next_event(CHUNK, None)? {
                Event::Stdout(bytes) => {
                    let reader = &mut self.reader;
                    self.stdout
                        .feed(&bytes, &mut |line| reader.line(Stream::Stdout, line));
                }
                Event::Stderr(bytes) => {
                    let reader = &mut self.reader;
                    self.stderr
                        .feed(&bytes, &mut |line| reader.line(Stream::Stderr, line));
                }
                Event::Exited(exit) => {
                    let reader = &mut self.reader;
                    self.stdout
                        .finish(&mut |line| reader.line(Stream::Stdout, line));
                    self.stderr
                        .finish(&mut |line| reader.line(Stream::Stderr, line));
                    self.tell();
                    return Ok(self.ended(exit));
                }
                Event::NothingYet => {}
            }
            self.tell();
            let (retries, steps) = (self.reader.seen().retries, self.reader.seen().steps);
            self.guard(child, retries, steps);
        }
    }

    /// Ends an agent that only asks its provider again and again, or goes on without end.
    pub(crate) fn guard(&mut self, child: &Child, retries: u32, steps: u32) {
        if self.killer.is_some() {
            return;
        }
        self.killer = if retries > self.retry_budget {
            Some(Killer::RetryBudget)
        } else if self.max_steps.is_some_and(|most| steps > most) {
            Some(Killer::Turns)
        } else {
            None
        };
        if let Some(killer) = self.killer {
            progress::warn(format!("the agent is {}", Ended::Killed(killer)));
            child.kill(GRACE_MS);
        }
    }

    /// Hands on what people may want to know at once.
    fn tell(&mut self) {
        let notes = self.reader.take_notes();
        self.hand_on(notes);
    }

    pub(crate) fn hand_on(&mut self, notes: Vec<Note>) {
        for note in notes {
            self.told = self.told.saturating_add(1);
            if self.told > MAX_NOTES {
                continue;
            }
            match note {
                Note::Step(what) => progress::step(&what),
                Note::Said(text) => progress::info(text),
                Note::Retry(why) => progress::warn(format!("asks its provider again: {why}")),
                Note::Denied(what) => progress::warn(format!("refused: {what}")),
            }
        }
    }

    pub(crate) fn ended(&self, exit: Exit) -> Ended {
        match exit {
            Exit::Code(code) => Ended::Code(code),
            Exit::Signal(number) => Ended::Signal(number),
            Exit::Killed(cause) => Ended::Killed(match cause {
                KillCause::Requested => self.killer.unwrap_or(Killer::Run),
                KillCause::WallTimeout => Killer::Time,
                KillCause::IdleTimeout => Killer::Silence,
                KillCause::OutputLimit => Killer::Output,
                KillCause::RunEnded => Killer::Run,
                KillCause::SupervisorLost => Killer::Supervisor,
            }),
        }
    }

    /// The log that the agent wrote beside its output. One that is not there says nothing.
    fn read_log(&mut self, name: Option<&str>) {
        let Some(name) = name else { return };
        let log = workspace::scratch().map(|scratch| fs::read(scratch.join(name)));
        match log {
            Ok(Ok(bytes)) => {
                let mut lines = Lines::default();
                let reader = &mut self.reader;
                let mut each = |line: &str| reader.line(Stream::Log, line);
                lines.feed(&bytes, &mut each);
                lines.finish(&mut each);
            }
            Ok(Err(error)) => progress::warn(format!("the agent's log: {error}")),
            Err(_) => progress::warn("the agent's log: no scratch directory"),
        }
    }
}

/// Judges and reports.
///
/// # Errors
/// As [`execute`].
pub(crate) fn conclude(
    tool: Tool,
    request: &Request,
    mut watch: Watch,
    ended: Ended,
    child: &Child,
) -> Result<AdapterReport, Failure> {
    watch.reader.finish();
    watch.tell();
    // An agent that was ended by the adapter may exit by itself within its grace.
    let ended = watch.killer.map_or(ended, |killer| match ended {
        Ended::Code(_) | Ended::Signal(_) => Ended::Killed(killer),
        Ended::Killed(_) => ended,
    });
    let seen = watch.reader.seen();
    let changes = changes();
    let judgement = judge(tool, seen, ended, &changes, request.expect_changes);
    let details = crate::details(seen, ended, &changes, &judgement);
    progress::log(progress::Level::Info, "verdict", &details)?;
    let duration_ms = child.usage().wall_ms;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run")]
    let duration_ms = duration_ms as f64;
    report(
        tool,
        seen,
        ended,
        &judgement,
        &changes,
        json::text(&details)?,
        duration_ms,
    )
}

fn changes() -> Changes {
    match workspace::changed_files() {
        Ok(all) => Changes::seen(all.into_iter().map(|change| change.path)),
        Err(error) => {
            progress::warn(format!("what changed is not known: {error:?}"));
            Changes::default()
        }
    }
}

fn report(
    tool: Tool,
    seen: &Observation,
    ended: Ended,
    judgement: &Judgement,
    changes: &Changes,
    details: String,
    duration_ms: f64,
) -> Result<AdapterReport, Failure> {
    let sentence = format!(
        "{}: {}: {}",
        tool.name(),
        judgement.verdict,
        judgement.reason
    );
    match judgement.verdict {
        Verdict::Timeout => return Err(Failure::TimedOut),
        Verdict::Cancelled if ended == Ended::Killed(Killer::Run) => {
            return Err(Failure::Cancelled);
        }
        // A signal from elsewhere, or the memory was full: nobody has called the work off.
        Verdict::Cancelled => return Err(Failure::failed_for_now("interrupted", sentence)),
        Verdict::Provider => {
            return Err(Failure::Failed(Report {
                code: "provider".into(),
                message: sentence,
                hint: Some(
                    "look at the key, the quota and the origin of the tool's declaration; \
                     the log `verdict` has what was seen"
                        .into(),
                ),
                retryable: judgement.retryable,
            }));
        }
        Verdict::Success
        | Verdict::Config
        | Verdict::Permission
        | Verdict::Limit
        | Verdict::NoEffect => {}
    }
    let success = judgement.verdict == Verdict::Success;
    let mut claimed_changes = judgement.claimed_files.clone();
    if !claimed_changes.is_empty() {
        // What its tools leave behind is no news to the adapter, and nothing that the agent hides.
        let left = changes.files.iter().flatten();
        claimed_changes.extend(left.filter(|file| crate::is_by_product(file)).cloned());
    }
    let told = !seen.tokens.is_zero() || seen.micro_usd.is_some();
    Ok(AdapterReport {
        success,
        output: seen.text.clone(),
        error: (!success).then_some(sentence),
        duration_ms,
        artifacts: Vec::new(),
        claimed_changes,
        cost: told.then(|| Cost {
            input_tokens: seen.tokens.input,
            output_tokens: seen.tokens.output,
            micro_usd: seen.micro_usd.unwrap_or(0),
        }),
        details,
    })
}

/// Exports an [`Agent`] as the adapter that a component offers, and embeds its manifest.
#[macro_export]
macro_rules! export_agent {
    ($type:ident, $manifest:literal) => {
        impl remit_plugin_sdk::Adapter for $type {
            fn describe() -> remit_plugin_sdk::Capabilities {
                $crate::guest::describe::<$type>()
            }

            fn validate_config() -> Vec<remit_plugin_sdk::Problem> {
                $crate::guest::validate_config::<$type>()
            }

            fn validate_inputs(inputs: String) -> Vec<remit_plugin_sdk::Problem> {
                $crate::Request::check(&inputs, false)
                    .err()
                    .unwrap_or_default()
            }

            fn execute(
                context: remit_plugin_sdk::Context,
            ) -> Result<remit_plugin_sdk::AdapterReport, remit_plugin_sdk::Failure> {
                $crate::guest::execute::<$type>(&context)
            }
        }

        remit_plugin_sdk::export_adapter!($type, $manifest);
    };
}
