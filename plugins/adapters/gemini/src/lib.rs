//! The adapter `gemini`: one request, one `gemini --output-format stream-json`, one report.
//!
//! gemini-cli takes the way to log in, the limit on turns and the commands that are allowed from
//! settings only. They are handed over in a scratch file, in what the owner's declaration names as
//! its home. Never: the prompt as an argument.

use remit_plugin_agent::{Agent, Prepared, Request, Tool, Value, json};

/// The file with the settings of a request: the user's, in the home that the owner's declaration
/// names. (It takes settings of the system only from files of root.)
const SETTINGS: &str = ".gemini/settings.json";

/// The adapter.
pub struct Gemini;

impl Agent for Gemini {
    const TOOL: Tool = Tool::Gemini;
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const TITLE: &'static str = "Have gemini-cli carry out one task in the workspace";
    const TOOL_VERSIONS: &'static str = ">=0.61.0, <0.62.0";

    fn prepare(request: &Request) -> Prepared {
        let mut call = Prepared::new("gemini", "edit", request)
            .slot("model", request.model.clone())
            .file(SETTINGS, settings(request).to_string());
        call.keeps_turns = true;
        call
    }
}

fn settings(request: &Request) -> Value {
    let mut settings = json!({
        "security": { "auth": { "selectedType": "gemini-api-key" } },
        "privacy": { "usageStatisticsEnabled": false },
        "general": { "enableAutoUpdate": false },
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
remit_plugin_agent::export_agent!(Gemini, "remit-plugin.toml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_name_the_login_the_turns_and_the_commands() {
        let request = Request::check(
            r#"{"prompt": "Fix", "max_turns": 3, "allow_commands": ["python3 *"]}"#,
            false,
        )
        .unwrap();
        let settings = settings(&request);
        assert_eq!(
            settings["security"]["auth"]["selectedType"],
            "gemini-api-key"
        );
        assert_eq!(settings["model"]["maxSessionTurns"], 3);
        assert_eq!(
            settings["tools"]["allowed"],
            json!(["run_shell_command(python3)"])
        );
        assert_eq!(Gemini::prepare(&request).stdin, "Fix");
    }
}
