//! The adapter as the host sees it.
//!
//! Never: a tool.

use std::time::Duration;

use remit_plugin_sdk::{
    Adapter, AdapterReport, Artifact, Capabilities, Context, Failure, Problem, SafetyTier, json,
    workspace,
};

use crate::request::{Ending, Request};

/// How long one request usually may take, in milliseconds.
const USUAL_TIME_MS: u64 = 1_000;

struct Mock;

impl Adapter for Mock {
    fn describe() -> Capabilities {
        Capabilities {
            id: "mock".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: "Pretend to be a tool, for tests of plans and policies".into(),
            task_kinds: Vec::new(),
            domains: Vec::new(),
            max_parallel: u32::MAX,
            timeout_ms: USUAL_TIME_MS,
            safety_tier: SafetyTier::WritesWorkspace,
            tool_versions: None,
            input_schema: include_str!("../schema/inputs.json").into(),
        }
    }

    fn validate_config() -> Vec<Problem> {
        Vec::new()
    }

    fn validate_inputs(inputs: String) -> Vec<Problem> {
        json::inputs::<Request>(&inputs).err().unwrap_or_default()
    }

    fn execute(context: Context) -> Result<AdapterReport, Failure> {
        let request: Request = json::inputs(&context.inputs)?;
        if request.wait_ms > 0 {
            std::thread::sleep(Duration::from_millis(request.wait_ms));
        }
        for (path, text) in &request.files {
            write(path, text)?;
        }
        let message = request.message.clone();
        match request.outcome {
            Ending::Success | Ending::Failure => Ok(report(&request)),
            Ending::FailedForNow => Err(Failure::failed_for_now("mock", message)),
            Ending::Rejected => Err(Failure::Rejected(message)),
            Ending::Unavailable => Err(Failure::Unavailable(message)),
            Ending::Cancelled => Err(Failure::Cancelled),
            Ending::TimedOut => Err(Failure::TimedOut),
        }
    }
}

fn write(path: &str, text: &str) -> Result<(), Failure> {
    let file = workspace::root()?.join(path);
    let failed = |error: std::io::Error| Failure::failed("io", format!("{path}: {error}"));
    if let Some(parent) = file.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    std::fs::write(&file, text).map_err(failed)
}

fn report(request: &Request) -> AdapterReport {
    let success = request.outcome == Ending::Success;
    AdapterReport {
        success,
        output: request.output.clone(),
        error: (!success).then(|| request.message.clone()),
        duration_ms: f64::from(request.duration_ms),
        artifacts: request
            .files
            .keys()
            .map(|path| Artifact {
                path: path.clone(),
                media_type: "text/plain".into(),
                description: None,
            })
            .collect(),
        claimed_changes: request.claimed(),
        cost: None,
        details: "{}".into(),
    }
}

remit_plugin_sdk::export_adapter!(Mock, "remit-plugin.toml");
