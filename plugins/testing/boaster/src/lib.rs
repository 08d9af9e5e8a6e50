//! An adapter that writes some files and claims others: a test of the host says which.
//!
//! Never: a look at what it did. That the host looks is what is tested.

use std::collections::BTreeMap;

use remit_plugin_sdk::{About, AdapterReport, Artifact, Failure, SafetyTier, workspace};

/// What it says of itself.
const ABOUT: About = About {
    timeout_ms: 1000,
    ..About::new(SafetyTier::WritesWorkspace)
};

#[remit_plugin_sdk::inputs]
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

#[remit_plugin_sdk::adapter(about = ABOUT)]
fn boast(inputs: Inputs) -> Result<AdapterReport, Failure> {
    for (path, text) in inputs.write {
        std::fs::write(workspace::root()?.join(path), text)?;
    }
    let artifact = |path| Artifact::new(path, "text/plain");
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
