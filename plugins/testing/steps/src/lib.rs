//! A pattern that runs tools one after the other: what durable execution is tested with, because
//! its host can die between any two of them.
//!
//! With `remember` it saves after each tool how many have ended, and begins the next attempt there.
//! Without it, it asks for every tool again and trusts the host not to run it twice. Never: a
//! second try of its own.

use std::collections::BTreeMap;

use remit_plugin_sdk::{
    Call, Context, Descriptor, Failure, Outcome, Pattern, Problem, json, progress,
};
use serde::Deserialize;

struct Steps;

#[derive(Deserialize)]
struct Inputs {
    calls: Vec<ToolCall>,
    /// Whether checkpoints are made and used.
    #[serde(default)]
    remember: bool,
    /// Whether another attempt could help after a tool has failed.
    #[serde(default)]
    retryable: bool,
}

#[derive(Deserialize)]
struct ToolCall {
    tool: String,
    template: String,
    #[serde(default)]
    slots: BTreeMap<String, String>,
}

impl Pattern for Steps {
    fn describe() -> Descriptor {
        Descriptor {
            id: "steps".into(),
            version: "0.1.0".into(),
            title: "Run tools one after the other".into(),
            input_schema: r#"{"type": "object", "required": ["calls"]}"#.into(),
            output_schema: "{}".into(),
        }
    }

    fn validate_inputs(inputs: String) -> Vec<Problem> {
        json::inputs::<Inputs>(&inputs).err().unwrap_or_default()
    }

    fn execute(context: Context) -> Result<Outcome, Failure> {
        let Inputs {
            calls,
            remember,
            retryable,
        } = json::inputs(&context.inputs)?;
        let done = match &context.checkpoint {
            Some(saved) if remember => read(saved)?,
            Some(_) | None => 0,
        };
        let total = calls.len();
        for (number, call) in (1..).zip(calls).skip(done) {
            progress::step(&format!("{number} of {total}"));
            run(number, call, retryable)?;
            if remember {
                progress::checkpoint(number.to_string().as_bytes())?;
            }
        }
        Ok(Outcome {
            summary: format!("{total} tools ran"),
            outputs: "{}".into(),
            artifacts: Vec::new(),
        })
    }
}

fn run(number: usize, wanted: ToolCall, retryable: bool) -> Result<(), Failure> {
    let mut call = Call::new(wanted.tool, wanted.template);
    for (name, value) in wanted.slots {
        call = call.slot(name, value);
    }
    let output = call.run()?;
    if output.success {
        return Ok(());
    }
    let message = format!("tool {number} {}", output.exit);
    Err(if retryable {
        Failure::failed_for_now("tool-failed", message)
    } else {
        Failure::failed("tool-failed", message)
    })
}

fn read(saved: &[u8]) -> Result<usize, Failure> {
    std::str::from_utf8(saved)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Failure::failed("checkpoint", "the checkpoint is not what was saved"))
}

remit_plugin_sdk::export_pattern!(Steps, "remit-plugin.toml");
