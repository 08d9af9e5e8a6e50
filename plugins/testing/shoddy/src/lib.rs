//! A pattern that keeps the contract as badly as one that loads can, for the commands that find out:
//! it describes itself otherwise each time, traps on inputs that it does not like, reports problems
//! that nobody can place, and says that it produced what is not its own.
//!
//! Never: something that the host would have to refuse.

use std::sync::atomic::{AtomicU32, Ordering};

use remit_plugin_sdk::{Artifact, Context, Descriptor, Failure, Outcome, Pattern, Problem};
use serde_json::Value;

struct Shoddy;

/// How often it was asked what it is.
static ASKED: AtomicU32 = AtomicU32::new(0);

impl Pattern for Shoddy {
    fn describe() -> Descriptor {
        let asked = ASKED.fetch_add(1, Ordering::Relaxed);
        Descriptor {
            id: "somebody-else".into(),
            version: format!("9.9.{asked}"),
            title: "tbd".into(),
            input_schema: r#"{"type": "object", "properties": {"name": {"type": "string"},
                "finish": {"type": "boolean"}}}"#
                .into(),
            output_schema: r#"{"type": "object", "properties": {"count": {"type": "integer"}}}"#
                .into(),
        }
    }

    #[expect(clippy::expect_used, reason = "a plugin that traps is what is wanted")]
    fn validate_inputs(inputs: String) -> Vec<Problem> {
        let inputs: Value = serde_json::from_str(&inputs).expect("JSON");
        let object = inputs.as_object().expect("an object");
        if object.get("name").is_some_and(|name| !name.is_string()) {
            return vec![Problem::new("name", "Not A Text", "")];
        }
        Vec::new()
    }

    fn execute(context: Context) -> Result<Outcome, Failure> {
        if context.inputs.contains("finish") {
            // What a stub leaves behind, in the words of its macro.
            panic!("not yet implemented: the end");
        }
        Ok(Outcome {
            summary: String::new(),
            outputs: r#"{"count": "many"}"#.into(),
            artifacts: vec![Artifact {
                path: "/etc/passwd".into(),
                media_type: "text/plain".into(),
                description: None,
            }],
        })
    }
}

remit_plugin_sdk::export_pattern!(Shoddy, "remit-plugin.toml");
