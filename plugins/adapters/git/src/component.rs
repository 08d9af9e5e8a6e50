//! The adapter as the host sees it: seals, asks, reports.
//!
//! Never: git run on the repository's own git directory.

use remit_plugin_sdk::{
    Adapter, AdapterReport, Call, Capabilities, Context, Exit, Failure, KillCause, Output, Problem,
    ProcessError, SafetyTier, progress, workspace,
};
use serde_json::{Map, Value, json};

use crate::read;
use crate::request::{INPUT_SCHEMA, Request, Verb};
use crate::sealed::seal;

/// How long one look usually may take, in milliseconds.
const USUAL_TIME_MS: u64 = 60_000;
/// Most bytes of an answer.
const MOST_OUTPUT: u32 = 8 << 20;
/// How git ends when it cannot do what it was asked: no such commit, no such path.
const REFUSED: [u8; 2] = [128, 129];
/// How many lines of standard error a report quotes.
const TAIL_LINES: usize = 5;

/// The plugin.
pub(crate) struct Git;

impl Adapter for Git {
    fn describe() -> Capabilities {
        Capabilities {
            id: "git".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: "Read a git repository without letting it run anything".into(),
            task_kinds: vec!["vcs-read".into()],
            domains: Vec::new(),
            max_parallel: u32::MAX,
            timeout_ms: USUAL_TIME_MS,
            safety_tier: SafetyTier::ReadOnly,
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
        let call = call(&request);
        call.check()?;
        progress::step("seal the repository");
        let root = workspace::root()?;
        let place = workspace::scratch()?.join("git");
        if let Err(error) = seal(&root, &place) {
            return Ok(refused(&error.to_string()));
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

/// A repository that cannot be looked at.
fn refused(why: &str) -> AdapterReport {
    AdapterReport {
        success: false,
        output: String::new(),
        error: Some(format!("failed:usage/config: {why}")),
        duration_ms: 0.0,
        artifacts: Vec::new(),
        claimed_changes: Vec::new(),
        cost: None,
        details: json!({ "verdict": "failed:usage/config", "trouble": why }).to_string(),
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
