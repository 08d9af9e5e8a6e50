//! The adapter as the host sees it: asks, waits, looks, reports.
//!
//! Never: a second question about the same work in one attempt.

use std::io::ErrorKind;
use std::time::Duration;

use remit_plugin_sdk::person::Question;
use remit_plugin_sdk::{
    Adapter, AdapterReport, Artifact, Capabilities, Context, Failure, Problem, SafetyTier, clock,
    json, progress, workspace,
};

use crate::request::{INPUT_SCHEMA, Request};
use crate::verdict::{Claimed, Observed, Verdict};

/// How long a person usually takes, in milliseconds: a working day.
const USUAL_TIME_MS: u64 = 8 * 3_600_000;

/// The plugin.
pub(crate) struct Manual;

impl Adapter for Manual {
    fn describe() -> Capabilities {
        Capabilities {
            id: "manual".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: "Hand work to a person and report what came of it".into(),
            task_kinds: Vec::new(),
            domains: Vec::new(),
            max_parallel: u32::MAX,
            timeout_ms: USUAL_TIME_MS,
            safety_tier: SafetyTier::ReadOnly,
            tool_versions: None,
            input_schema: INPUT_SCHEMA.into(),
        }
    }

    /// It needs a person, and whether one is there is known only when one is asked.
    fn validate_config() -> Vec<Problem> {
        Vec::new()
    }

    fn validate_inputs(inputs: String) -> Vec<Problem> {
        Request::check(&inputs).err().unwrap_or_default()
    }

    fn execute(context: Context) -> Result<AdapterReport, Failure> {
        let request = Request::check(&context.inputs)?;
        if !request.expect.is_empty() && workspace::root().is_err() {
            // Not after a person has done the work.
            return Err(Failure::Unavailable(
                "read access to the workspace, to look for the expected files".to_owned(),
            ));
        }
        progress::step("wait for a person");
        let began = clock::monotonic_ns();
        let mut question = Question::done(request.question());
        if let Some(time) = request.deadline_ms {
            question = question.within(Duration::from_millis(time));
        }
        let answer = question.ask()?;
        let claimed = Claimed {
            success: answer.yes,
            note: answer.note,
            by: answer.by,
        };
        let verdict = Verdict::of(claimed, look(&request.expect)?);
        Ok(AdapterReport {
            success: verdict.is_success(),
            output: verdict.claimed.note.clone().unwrap_or_default(),
            error: verdict.error(),
            duration_ms: milliseconds(clock::monotonic_ns().saturating_sub(began)),
            artifacts: verdict.observed.present.iter().map(artifact).collect(),
            claimed_changes: Vec::new(),
            cost: None,
            details: json::text(&verdict)?,
        })
    }
}

/// Which of the files are there. A link is no file: where it leads is not the workspace's matter.
fn look(expected: &[String]) -> Result<Observed, Failure> {
    let mut observed = Observed {
        present: Vec::new(),
        missing: Vec::new(),
    };
    if expected.is_empty() {
        return Ok(observed);
    }
    let root = workspace::root()?;
    for path in expected {
        match std::fs::symlink_metadata(root.join(path)) {
            Ok(found) if found.is_file() => observed.present.push(path.clone()),
            Ok(_) => observed.missing.push(path.clone()),
            Err(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => {
                    observed.missing.push(path.clone());
                }
                _ => {
                    let message = format!("{path} cannot be looked at: {error}");
                    return Err(Failure::failed("unreadable", message));
                }
            },
        }
    }
    Ok(observed)
}

fn artifact(path: &String) -> Artifact {
    Artifact {
        path: path.clone(),
        media_type: "application/octet-stream".into(),
        description: Some("expected of the person".into()),
    }
}

/// Milliseconds as the report wants them.
#[expect(
    clippy::cast_precision_loss,
    reason = "nobody takes 2^53 nanoseconds to the nanosecond"
)]
fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}
