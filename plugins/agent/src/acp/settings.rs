//! Settings of the agents that are known to speak the protocol, so that they ask.
//!
//! Each of them takes its settings from a scratch file that the owner's declaration names. An agent
//! that finds none asks or does not by its own default. Never: a permission given here.

use serde_json::{Value, json};

use crate::inputs::Request;

/// The files to put into the scratch directory before the agent starts: name and content.
#[must_use]
pub fn settings_files(request: &Request) -> Vec<(String, String)> {
    let mut opencode = json!({
        "permission": {
            "edit": "ask", "bash": "ask", "webfetch": "ask", "external_directory": "ask",
        },
    });
    if let Some(model) = &request.model {
        // A model that opencode has no entry for is no error, then.
        let name = model.strip_prefix("openai/").unwrap_or(model);
        opencode["provider"]["openai"]["models"][name] = json!({});
    }
    let gemini = json!({
        "security": { "auth": { "selectedType": "gemini-api-key" } },
        "privacy": { "usageStatisticsEnabled": false },
        "general": { "enableAutoUpdate": false },
        "tools": { "shell": { "enableInteractiveShell": false } },
    });
    let qwen = json!({
        "privacy": { "usageStatisticsEnabled": false },
        "general": { "disableAutoUpdate": true },
        "tools": { "shell": { "enableInteractiveShell": false } },
    });
    let file = |name: &str, content: &Value| (name.to_owned(), content.to_string());
    vec![
        file("opencode-settings.json", &opencode),
        file(".gemini/settings.json", &gemini),
        file("qwen-settings.json", &qwen),
    ]
}
