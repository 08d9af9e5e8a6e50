//! An adapter that minds the version of its tool and a variable: for what is asked before a run.
//!
//! Never: the variable's value in anything that it says.

use remit_plugin_sdk::{
    Adapter, AdapterReport, Call, Capabilities, Context, Failure, Problem, SafetyTier,
};

/// The variable that it wants to see.
const KEY: &str = "CHOOSY_KEY";

struct Choosy;

impl Adapter for Choosy {
    fn describe() -> Capabilities {
        Capabilities {
            id: "choosy".into(),
            version: "0.1.0".into(),
            title: "Need one tool in some versions, and a variable".into(),
            task_kinds: vec!["code-edit".into()],
            domains: vec!["python".into()],
            max_parallel: 2,
            timeout_ms: 60_000,
            safety_tier: SafetyTier::ReadOnly,
            tool_versions: Some(">=3.0, <4".into()),
            input_schema: r#"{"type": "object", "additionalProperties": false}"#.into(),
        }
    }

    fn validate_config() -> Vec<Problem> {
        if std::env::var(KEY).is_ok() {
            return Vec::new();
        }
        let message = format!("the variable {KEY} is not set, or not granted");
        vec![Problem::new(format!("/env/{KEY}"), "missing", message)]
    }

    fn validate_inputs(_inputs: String) -> Vec<Problem> {
        Vec::new()
    }

    fn execute(_context: Context) -> Result<AdapterReport, Failure> {
        let output = Call::new("python3", "version").run()?;
        Ok(AdapterReport {
            success: output.success,
            output: output.stdout_text().into_owned(),
            error: None,
            duration_ms: 0.0,
            artifacts: Vec::new(),
            claimed_changes: Vec::new(),
            cost: None,
            details: "{}".into(),
        })
    }
}

remit_plugin_sdk::export_adapter!(Choosy, "remit-plugin.toml");
