//! The adapter `qwen`: one request, one `qwen --output-format stream-json`, one report.
//!
//! Limits on turns and the commands that are allowed are handed over as settings in a scratch file,
//! which the owner's declaration names as the system's. qwen says `is_error: false` of a provider
//! that refused; its rule knows. Never: the prompt as an argument.

use remit_plugin_agent::{Agent, Prepared, Request, Tool, Value, json};

/// The file with the settings of a request; the owner's declaration names it.
const SETTINGS: &str = "qwen-settings.json";

/// The adapter.
pub struct Qwen;

impl Agent for Qwen {
    const TOOL: Tool = Tool::Qwen;
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const TITLE: &'static str = "Have qwen-code carry out one task in the workspace";
    const TOOL_VERSIONS: &'static str = ">=0.15.10, <0.16.0";

    fn prepare(request: &Request) -> Prepared {
        let mut call = Prepared::new("qwen", "edit", request)
            .slot("model", request.model.clone())
            .file(SETTINGS, settings(request).to_string());
        call.keeps_turns = true;
        call
    }
}

fn settings(request: &Request) -> Value {
    let mut settings = json!({
        "privacy": { "usageStatisticsEnabled": false },
        "general": { "disableAutoUpdate": true },
        "tools": {
            "allowed": remit_plugin_agent::shell_rules(request),
            // A tool has no terminal, and cannot make one.
            "shell": { "enableInteractiveShell": false },
        },
    });
    if let Some(most) = request.max_turns {
        settings["model"]["maxSessionTurns"] = json!(most);
    }
    settings
}

#[cfg(target_arch = "wasm32")]
remit_plugin_agent::export_agent!(Qwen, "remit-plugin.toml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_name_the_turns_and_the_commands() {
        let request = Request::check(
            r#"{"prompt": "Fix", "max_turns": 3, "allow_commands": ["git status"]}"#,
            false,
        )
        .unwrap();
        let settings = settings(&request);
        assert_eq!(settings["model"]["maxSessionTurns"], 3);
        assert_eq!(
            settings["tools"]["allowed"],
            json!(["run_shell_command(git status)"])
        );
        assert_eq!(Qwen::prepare(&request).stdin, "Fix");
    }
}
