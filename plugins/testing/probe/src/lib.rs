//! A pattern that does whatever a test of the host asks for, and reports what happened.
//!
//! `inputs.action` names the deed, its other members belong to it: see the enums
//! `FileDeed`, `ToolDeed`, `ServiceDeed`, `SurroundingsDeed`, `HostileDeed` and `FlowDeed`. What
//! comes back is `{"ok": …}` or `{"error": {"kind": …}}` as outputs; with `"strict": true` an error
//! ends the attempt as the failure that a well-behaved plugin would return.
//!
//! `validate-inputs` returns `inputs.problems`, so that a test can have any problems that it likes.
//!
//! Never: a check of its own. What the host lets through must show.

mod action;
mod files;
mod hostile;
mod services;
mod surroundings;
mod tools;
mod trouble;

use remit_plugin_sdk::{Context, Descriptor, Failure, Outcome, Pattern, Problem, json};
use serde::Deserialize;

use action::{Action, FlowDeed, result};

struct Probe;

#[derive(Deserialize)]
struct Inputs {
    #[serde(flatten)]
    action: Action,
    #[serde(default)]
    strict: bool,
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    problems: Vec<WantedProblem>,
}

#[derive(Deserialize)]
struct WantedProblem {
    path: String,
    code: String,
    message: String,
}

impl Pattern for Probe {
    fn describe() -> Descriptor {
        Descriptor {
            id: "probe".into(),
            version: "0.1.0".into(),
            title: "Try the doors of the host".into(),
            input_schema: r#"{"type": "object", "properties": {"action": {"type": "string"}}, "required": ["action"]}"#.into(),
            output_schema: "{}".into(),
        }
    }

    fn validate_inputs(inputs: String) -> Vec<Problem> {
        match json::inputs::<Wanted>(&inputs) {
            Ok(wanted) => wanted
                .problems
                .into_iter()
                .map(|one| Problem::new(one.path, one.code, one.message))
                .collect(),
            Err(problems) => problems,
        }
    }

    fn execute(context: Context) -> Result<Outcome, Failure> {
        let Inputs { action, strict } = json::inputs(&context.inputs)?;
        if let Action::Flow(FlowDeed::Return(wanted)) = action {
            return wanted.into_result();
        }
        let outputs = match action.perform(&context) {
            Err(trouble) if strict => return Err(trouble.into_failure()),
            done => result(done),
        };
        Ok(Outcome {
            summary: "probed".into(),
            outputs: outputs.to_string(),
            artifacts: Vec::new(),
        })
    }
}

remit_plugin_sdk::export_pattern!(Probe, "remit-plugin.toml");
