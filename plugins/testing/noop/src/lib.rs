//! A pattern that does nothing and returns at once: what a host costs, without what a plugin does.
//!
//! `validate-inputs` echoes its input as the one problem, which gives benchmarks a call with a
//! string in and a string out. Never: an import, an allocation that is not needed.

use remit_plugin_sdk::{Context, Descriptor, Failure, Outcome, Pattern, Problem};

struct Noop;

impl Pattern for Noop {
    fn describe() -> Descriptor {
        Descriptor {
            id: "noop".into(),
            version: "0.1.0".into(),
            title: "Do nothing".into(),
            input_schema: "{}".into(),
            output_schema: "{}".into(),
        }
    }

    fn validate_inputs(inputs: String) -> Vec<Problem> {
        // `{}` is what a host passes when nobody said anything, and must be valid.
        if inputs == "{}" {
            return Vec::new();
        }
        vec![Problem::new("", "echo", inputs)]
    }

    fn execute(_context: Context) -> Result<Outcome, Failure> {
        Ok(Outcome {
            summary: String::new(),
            outputs: "{}".into(),
            artifacts: Vec::new(),
        })
    }
}

remit_plugin_sdk::export_pattern!(Noop, "remit-plugin.toml");
