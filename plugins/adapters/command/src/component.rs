//! The adapter as the host sees it: fills the call, waits, reports.
//!
//! Never: a second run of the tool. Whether to try again is the host's decision.

use std::time::Duration;

use remit_plugin_sdk::{
    Adapter, AdapterReport, Artifact, Call, Capabilities, Context, Exit, Failure, KillCause,
    Output, Problem, SafetyTier, SlotValue, json, progress, workspace,
};
use serde::Serialize;
use serde_json::{Value, json as object};

use crate::findings::{Finding, find};
use crate::request::{INPUT_SCHEMA, Request};

/// How many lines of standard error a report quotes.
const TAIL_LINES: usize = 20;
/// How long one request usually may take, in milliseconds: most tools' own limit is shorter.
const USUAL_TIME_MS: u64 = 600_000;
/// Most files that a report names as artifacts; a build can leave tens of thousands.
const MOST_ARTIFACTS: usize = 1_000;

/// The plugin.
pub(crate) struct Command;

#[derive(Serialize)]
struct Details {
    exit: Value,
    truncated: bool,
    stderr_tail: String,
    errors: Vec<Finding>,
    usage: Value,
}

impl Adapter for Command {
    fn describe() -> Capabilities {
        Capabilities {
            id: "command".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: "Run one declared tool and report what it did".into(),
            task_kinds: Vec::new(),
            domains: Vec::new(),
            max_parallel: u32::MAX,
            timeout_ms: USUAL_TIME_MS,
            // It depends on the tool, so the worst that a tool can do.
            safety_tier: SafetyTier::RunsCode,
            tool_versions: None,
            input_schema: INPUT_SCHEMA.into(),
        }
    }

    /// The tools are named by each request, and a request for one that is not granted is denied
    /// with the line that would allow it: nothing is needed by every request.
    fn validate_config() -> Vec<Problem> {
        Vec::new()
    }

    fn validate_inputs(inputs: String) -> Vec<Problem> {
        Request::check(&inputs).err().unwrap_or_default()
    }

    fn execute(context: Context) -> Result<AdapterReport, Failure> {
        let request = Request::check(&context.inputs)?;
        progress::step(&format!("run {}:{}", request.tool, request.template));
        let output = call(&request).run_keeping(request.max_output)?;
        if let Exit::Killed(KillCause::RunEnded) = output.exit {
            return Err(Failure::Cancelled);
        }
        report(&output)
    }
}

fn call(request: &Request) -> Call {
    let mut call = Call::new(&request.tool, &request.template).stdin(request.stdin());
    for (name, value) in request.slots() {
        call = match value {
            SlotValue::One(value) => call.slot(name, value),
            SlotValue::Many(values) => call.slots(name, values),
        };
    }
    for (name, value) in &request.env {
        call = call.env(name, value);
    }
    if let Some(directory) = &request.cwd {
        call = call.cwd(directory);
    }
    if let Some(time) = request.timeout_ms {
        call = call.timeout(Duration::from_millis(time.into()));
    }
    if let Some(time) = request.idle_ms {
        call = call.idle(Duration::from_millis(time.into()));
    }
    call
}

fn report(output: &Output) -> Result<AdapterReport, Failure> {
    let stderr_tail = output.stderr_tail(TAIL_LINES);
    let mut errors = find(&output.stderr_text());
    for finding in find(&output.stdout_text()) {
        if !errors.contains(&finding) {
            errors.push(finding);
        }
    }
    let error = (!output.success).then(|| complaint(output, &stderr_tail));
    let details = Details {
        exit: exit(output.exit),
        truncated: output.truncated || output.usage.truncated,
        stderr_tail,
        errors,
        usage: usage(output),
    };
    Ok(AdapterReport {
        success: output.success,
        output: output.stdout_text().into_owned(),
        error,
        duration_ms: duration(output.usage.wall_ms),
        artifacts: artifacts(),
        // The tool claims nothing in a form that is known here; the host looks for itself.
        claimed_changes: Vec::new(),
        cost: None,
        details: json::text(&details)?,
    })
}

/// The end of the tool, and the last thing that it said.
fn complaint(output: &Output, stderr_tail: &str) -> String {
    let ended = format!("the tool {}", output.exit);
    let last = stderr_tail
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty());
    match last {
        Some(line) => format!("{ended}: {}", line.trim()),
        None => ended,
    }
}

fn exit(exit: Exit) -> Value {
    match exit {
        Exit::Code(code) => object!({ "code": code }),
        Exit::Signal(number) => object!({ "signal": number }),
        Exit::Killed(cause) => object!({ "killed": match cause {
            KillCause::Requested => "requested",
            KillCause::WallTimeout => "wall-timeout",
            KillCause::IdleTimeout => "idle-timeout",
            KillCause::OutputLimit => "output-limit",
            KillCause::RunEnded => "run-ended",
            KillCause::SupervisorLost => "supervisor-lost",
        } }),
    }
}

fn usage(output: &Output) -> Value {
    let usage = &output.usage;
    object!({
        "wall_ms": usage.wall_ms,
        "user_ms": usage.user_ms,
        "system_ms": usage.system_ms,
        "max_rss": usage.max_rss,
        "stdout_bytes": usage.stdout_bytes,
        "stderr_bytes": usage.stderr_bytes,
        "containment": usage.containment,
    })
}

/// Milliseconds as the report wants them; whole ones are exact up to 285 000 years.
#[expect(clippy::cast_precision_loss, reason = "no run lasts 2^53 milliseconds")]
fn duration(milliseconds: u64) -> f64 {
    milliseconds as f64
}

/// The files that are new or changed since the run began. An adapter runs one tool, so they are
/// the tool's. That they cannot be listed does not make the tool's work undone.
fn artifacts() -> Vec<Artifact> {
    let changes = match workspace::changed_files() {
        Ok(changes) => changes,
        Err(workspace::WorkspaceError::NotGranted) => return Vec::new(),
        Err(workspace::WorkspaceError::Unavailable(reason)) => {
            progress::warn(format!("changed files cannot be listed: {reason}"));
            return Vec::new();
        }
    };
    let mut artifacts = Vec::new();
    for change in changes {
        let description = match change.kind {
            workspace::ChangeKind::Created => "created",
            workspace::ChangeKind::Modified => "modified",
            workspace::ChangeKind::Deleted => continue,
        };
        if artifacts.len() == MOST_ARTIFACTS {
            progress::warn(format!(
                "more than {MOST_ARTIFACTS} files changed; the rest is not named"
            ));
            break;
        }
        artifacts.push(Artifact {
            path: change.path,
            media_type: "application/octet-stream".into(),
            description: Some(description.into()),
        });
    }
    artifacts
}
