//! The Agent Client Protocol (protocol version 1): what any agent that speaks it tells, and the
//! side that asks it.
//!
//! Source: agentclientprotocol.com, and what opencode 1.18, gemini-cli 0.61 and qwen-code 0.15
//! really send. Never: a permission that the policy does not give.

mod client;
#[cfg(target_arch = "wasm32")]
pub mod guest;
mod policy;
mod settings;
mod told;

use serde_json::{Value, json};

pub use client::Client;
pub use policy::{Files, Granted, Rules};
pub use settings::settings_files;
pub(crate) use told::{Told, objection};

/// The schema of the inputs: that of all agents, and the tool that is meant.
#[must_use]
pub fn input_schema() -> String {
    let mut schema: Value = serde_json::from_str(crate::INPUT_SCHEMA).unwrap_or_default();
    schema["properties"]["agent"] = json!({
        "description": "The owner's name for the tool that speaks the protocol, for example `opencode`.",
        "type": "string",
        "pattern": "^[a-z][a-z0-9_-]{0,63}$",
    });
    schema["required"] = json!(["prompt", "agent"]);
    schema.to_string()
}

#[cfg(test)]
mod tests;
