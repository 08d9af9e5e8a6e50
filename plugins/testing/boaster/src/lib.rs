//! An adapter that writes some files and claims others: a test of the host says which.
//!
//! Never: a look at what it did. That the host looks is what is tested.

use std::collections::BTreeMap;

use remit_plugin_sdk::{
    Adapter, AdapterReport, Artifact, Capabilities, Context, Failure, Problem, SafetyTier, json,
    workspace,
};
use serde::Deserialize;

struct Boaster;

#[derive(Deserialize)]
struct Inputs {
    /// Files that it writes, by path.
    #[serde(default)]
    write: BTreeMap<String, String>,
    /// What it claims to have changed.
    #[serde(default)]
    claims: Vec<String>,
    /// What it claims to have produced.
    #[serde(default)]
    artifacts: Vec<String>,
    /// Whether it says that its tool failed.
    #[serde(default)]
    fails: bool,
}

impl Adapter for Boaster {
    fn describe() -> Capabilities {
        Capabilities {
            id: "boaster".into(),
            version: "0.1.0".into(),
            title: "Claim what is not so".into(),
            task_kinds: Vec::new(),
            domains: Vec::new(),
            max_parallel: 1,
            timeout_ms: 1000,
            safety_tier: SafetyTier::WritesWorkspace,
            tool_versions: None,
            input_schema: r#"{"type": "object"}"#.into(),
        }
    }

    fn validate_config() -> Vec<Problem> {
        Vec::new()
    }

    fn validate_inputs(inputs: String) -> Vec<Problem> {
        json::inputs::<Inputs>(&inputs).err().unwrap_or_default()
    }

    fn execute(context: Context) -> Result<AdapterReport, Failure> {
        let inputs: Inputs = json::inputs(&context.inputs)?;
        for (path, text) in inputs.write {
            std::fs::write(workspace::root()?.join(path), text)
                .map_err(|error| Failure::failed("io", error.to_string()))?;
        }
        let artifact = |path| Artifact {
            path,
            media_type: "text/plain".into(),
            description: None,
        };
        Ok(AdapterReport {
            success: !inputs.fails,
            output: String::new(),
            error: inputs.fails.then(|| "as wanted".into()),
            duration_ms: 0.0,
            artifacts: inputs.artifacts.into_iter().map(artifact).collect(),
            claimed_changes: inputs.claims,
            cost: None,
            details: "{}".into(),
        })
    }
}

remit_plugin_sdk::export_adapter!(Boaster, "remit-plugin.toml");
