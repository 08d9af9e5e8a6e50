//! The adapter as the host sees it: seals, asks, reports.
//!
//! Never: git run on the repository's own git directory.

use std::collections::BTreeSet;

use remit_plugin_sdk::{
    Adapter, AdapterReport, Call, Capabilities, Context, Exit, Failure, KillCause, Output, Problem,
    ProcessError, SafetyTier, Stdin, progress, workspace,
};
use serde_json::{Map, Value, json};

use crate::flow::{self, Done, Ran, Stop, Work};
use crate::read;
use crate::refusal::Refusal;
use crate::request::{INPUT_SCHEMA, Request, Verb};
use crate::sealed::seal;

/// How long one look usually may take, in milliseconds.
const USUAL_TIME_MS: u64 = 60_000;
/// Most bytes of an answer.
const MOST_OUTPUT: u32 = 8 << 20;
/// How git ends when it cannot do what it was asked: no such commit, no such path.
const REFUSED: [u8; 2] = [128, 129];
/// Most observed files that a report names; the host has them all.
const MOST_OBSERVED: usize = 200;
/// How many lines of standard error a report quotes.
const TAIL_LINES: usize = 5;

/// The plugin.
pub(crate) struct Git;

impl Adapter for Git {
    fn describe() -> Capabilities {
        Capabilities {
            id: "git".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: "Read and write a git repository without letting it run anything".into(),
            task_kinds: vec!["vcs-read".into(), "vcs-write".into()],
            domains: Vec::new(),
            max_parallel: u32::MAX,
            timeout_ms: USUAL_TIME_MS,
            safety_tier: SafetyTier::WritesWorkspace,
            tool_versions: Some(">=2.35".into()),
            input_schema: INPUT_SCHEMA.into(),
        }
    }

    fn validate_config() -> Vec<Problem> {
        match Call::new("git-sealed", "version").check() {
            Err(ProcessError::ToolMissing(message)) => {
                vec![Problem::new("/tools/git-sealed", "missing", message)]
            }
            Ok(()) | Err(_) => Vec::new(),
        }
    }

    fn validate_inputs(inputs: String) -> Vec<Problem> {
        check(&inputs).err().unwrap_or_default()
    }

    fn execute(context: Context) -> Result<AdapterReport, Failure> {
        let request = check(&context.inputs)?;
        if request.verb.writes() {
            return write(&request);
        }
        let call = call(&request);
        call.check()?;
        progress::step("seal the repository");
        let root = workspace::root()?;
        let place = workspace::scratch()?.join("git");
        if let Err(error) = seal(&root, &place) {
            return Ok(stopped(&Refusal::usage("seal", error.to_string())));
        }
        progress::step(&format!("git {}", request.verb.name()));
        let output = call.run_keeping(MOST_OUTPUT)?;
        report(&request, &output)
    }
}

fn check(inputs: &str) -> Result<Request, Vec<Problem>> {
    Request::check(inputs).map_err(|wrong| {
        wrong
            .into_iter()
            .map(|(path, code, message)| Problem::new(path, code, message))
            .collect()
    })
}

fn call(request: &Request) -> Call {
    let mut call = Call::new("git-sealed", request.template());
    let first = if request.verb == Verb::Diff {
        "from"
    } else {
        "rev"
    };
    for (slot, value) in [(first, &request.rev), ("to", &request.to)] {
        if let Some(value) = value {
            call = call.slot(slot, value);
        }
    }
    if let Some(count) = request.count.filter(|_| request.verb == Verb::Log) {
        call = call.slot("count", count.to_string());
    }
    if request.paths.is_empty() {
        call
    } else {
        call.slots("paths", request.paths.clone())
    }
}

/// Git by way of the host.
#[derive(Default)]
struct Hosted {
    /// Milliseconds of all runs.
    took: u64,
}

impl flow::Git for Hosted {
    fn run(
        &mut self,
        template: &'static str,
        slots: &[(&str, &str)],
        input: &[u8],
    ) -> Result<Ran, Stop> {
        progress::step(&format!("git {template}"));
        let host = |error: ProcessError| Stop::Host(error.into());
        let output = hosted(template, slots, input)
            .run_keeping(MOST_OUTPUT)
            .map_err(host)?;
        self.took += output.usage.wall_ms;
        let ended = |verdict, code, why| {
            let message = format!("git {template} {why}");
            Stop::Refused(Refusal {
                verdict,
                code,
                message,
            })
        };
        match output.exit {
            Exit::Killed(KillCause::RunEnded) => Err(Stop::Host(Failure::Cancelled)),
            Exit::Killed(KillCause::WallTimeout | KillCause::IdleTimeout) => {
                Err(ended("timeout", "timeout", "took too long"))
            }
            Exit::Killed(KillCause::OutputLimit) => {
                Err(ended("failed:limit", "too-large", "said too much"))
            }
            _ if output.truncated || output.usage.truncated => {
                Err(ended("failed:limit", "too-large", "said too much"))
            }
            Exit::Code(code) => Ok(Ran {
                code,
                text: output.stdout_text().into_owned(),
                said: output.stderr_tail(TAIL_LINES),
            }),
            Exit::Signal(_) | Exit::Killed(KillCause::Requested | KillCause::SupervisorLost) => {
                Err(ended("failed:internal", "killed", "was ended"))
            }
        }
    }
}

fn hosted(template: &str, slots: &[(&str, &str)], input: &[u8]) -> Call {
    let call = Call::new("git-sealed", template).stdin(Stdin::Bytes(input.to_vec()));
    slots
        .iter()
        .fold(call, |call, (name, value)| call.slot(*name, *value))
}

/// Carries out a verb that changes something.
fn write(request: &Request) -> Result<AdapterReport, Failure> {
    let at = request.at.as_deref().unwrap_or("HEAD");
    match request.verb {
        Verb::Commit => hosted("update-index", &[], b"").check()?,
        Verb::Apply => hosted("apply-names", &[], b"").check()?,
        Verb::BranchCreate => hosted("log", &[("count", "1"), ("rev", at)], b"").check()?,
        Verb::Status | Verb::Diff | Verb::Log | Verb::Show | Verb::LsFiles | Verb::BranchList => {}
    }
    let work = Work {
        root: workspace::root()?,
        scratch: workspace::scratch()?,
    };
    let mut git = Hosted::default();
    let mut watch = |step: &'static str| progress::step(step);
    let mut report = match flow::write(&mut git, &work, request, &mut watch) {
        Ok(done) => done_report(done),
        Err(Stop::Refused(refusal)) => stopped(&refusal),
        Err(Stop::Host(failure)) => return Err(failure),
    };
    report.duration_ms = duration(git.took);
    Ok(report)
}

/// What was changed, held against what the host sees. The host sees what changed since the run began, which
/// can be more than is the work of this attempt.
fn done_report(done: Done) -> AdapterReport {
    let mut details = Map::new();
    if let Value::Object(more) = done.details {
        details.extend(more);
    }
    let mut mismatch = Vec::new();
    match workspace::changed_files() {
        Ok(seen) => {
            let seen: BTreeSet<String> = seen.into_iter().map(|change| change.path).collect();
            mismatch.extend(done.written.iter().filter(|path| !seen.contains(*path)));
            let observed: Vec<&String> = seen.iter().take(MOST_OBSERVED).collect();
            details.insert("observed".to_owned(), json!(observed));
        }
        // The host holds the claims against what it sees in any case.
        Err(_) => drop(details.insert("observed".to_owned(), Value::Null)),
    }
    details.insert("mismatch".to_owned(), json!(mismatch));
    details.insert("claimed".to_owned(), json!(done.written));
    details.insert("verdict".to_owned(), json!("success"));
    AdapterReport {
        success: true,
        output: String::new(),
        error: None,
        duration_ms: 0.0,
        artifacts: Vec::new(),
        claimed_changes: done.written.clone(),
        cost: None,
        details: Value::Object(details).to_string(),
    }
}

/// A change that was not made.
fn stopped(refusal: &Refusal) -> AdapterReport {
    let details = json!({
        "verdict": refusal.verdict, "reason": refusal.code, "trouble": refusal.message,
    });
    AdapterReport {
        success: false,
        output: String::new(),
        error: Some(format!("{}: {}", refusal.verdict, refusal.message)),
        duration_ms: 0.0,
        artifacts: Vec::new(),
        claimed_changes: Vec::new(),
        cost: None,
        details: details.to_string(),
    }
}

fn report(request: &Request, output: &Output) -> Result<AdapterReport, Failure> {
    let verdict = match output.exit {
        Exit::Killed(KillCause::RunEnded) => return Err(Failure::Cancelled),
        Exit::Killed(KillCause::WallTimeout | KillCause::IdleTimeout) => "timeout",
        Exit::Killed(KillCause::OutputLimit) => "failed:limit",
        _ if output.truncated || output.usage.truncated => "failed:limit",
        Exit::Code(0) => "success",
        Exit::Code(code) if REFUSED.contains(&code) => "failed:usage/config",
        Exit::Code(_)
        | Exit::Signal(_)
        | Exit::Killed(KillCause::Requested | KillCause::SupervisorLost) => "failed:internal",
    };
    let success = verdict == "success";
    let text = output.stdout_text();
    let mut details = Map::new();
    let mut shown = String::new();
    if success {
        let value = match request.verb {
            Verb::Status => read::status(&text),
            Verb::Log => read::log(&text),
            Verb::LsFiles => read::files(&text),
            Verb::BranchList => read::branches(&text),
            Verb::Commit | Verb::BranchCreate | Verb::Apply => Value::Null,
            Verb::Diff | Verb::Show => {
                shown = text.into_owned();
                json!({ "empty": shown.is_empty() })
            }
        };
        if let Value::Object(value) = value {
            details.extend(value);
        }
    }
    let said = output.stderr_tail(TAIL_LINES);
    details.insert("verdict".to_owned(), json!(verdict));
    details.insert("exit".to_owned(), json!(output.exit.to_string()));
    details.insert("said".to_owned(), json!(said));
    Ok(AdapterReport {
        success,
        output: shown,
        error: (!success).then(|| {
            format!(
                "{verdict}: git {} {}: {said}",
                request.verb.name(),
                output.exit
            )
        }),
        duration_ms: duration(output.usage.wall_ms),
        artifacts: Vec::new(),
        claimed_changes: Vec::new(),
        cost: None,
        details: Value::Object(details).to_string(),
    })
}

/// Milliseconds as the report wants them; whole ones are exact up to 285 000 years.
#[expect(clippy::cast_precision_loss, reason = "no run lasts 2^53 milliseconds")]
fn duration(milliseconds: u64) -> f64 {
    milliseconds as f64
}
