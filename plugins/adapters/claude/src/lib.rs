//! The adapter `claude`: one request, one `claude -p --output-format stream-json`, one report.
//!
//! Claude Code edits files on its own word and runs no command, unless the request allows some:
//! they are handed over as settings in a scratch file. Never: the prompt as an argument, a flag
//! that skips permissions.

use remit_plugin_agent::{Agent, Prepared, Request, Tool, json};

/// The file with the settings of a request, in the scratch directory.
const SETTINGS: &str = "claude-settings.json";

/// The adapter.
pub struct Claude;

impl Agent for Claude {
    const TOOL: Tool = Tool::Claude;
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const TITLE: &'static str = "Have Claude Code carry out one task in the workspace";
    const TOOL_VERSIONS: &'static str = ">=2.1.197, <2.2.0";

    fn prepare(request: &Request) -> Prepared {
        let with_commands = !request.allow_commands.is_empty();
        let template = if with_commands {
            "edit-with-commands"
        } else {
            "edit"
        };
        let mut call = Prepared::new("claude", template, request)
            .slot("max_turns", request.max_turns.map(|most| most.to_string()))
            .slot("model", request.model.clone());
        call.keeps_turns = true;
        if with_commands {
            call = call
                .slot("settings", Some(SETTINGS.to_owned()))
                .file(SETTINGS, settings(request));
        }
        call
    }
}

/// Settings that allow the commands of the request.
fn settings(request: &Request) -> String {
    let allowed: Vec<String> = request
        .allow_commands
        .iter()
        .map(|command| format!("Bash({command})"))
        .collect();
    json!({ "permissions": { "allow": allowed } }).to_string()
}

#[cfg(target_arch = "wasm32")]
remit_plugin_agent::export_agent!(Claude, "remit-plugin.toml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_allowed_by_settings_in_a_scratch_file() {
        let request = Request::check(
            r#"{"prompt": "Fix", "max_turns": 3, "allow_commands": ["python3 *"]}"#,
            false,
        )
        .unwrap();
        let call = Claude::prepare(&request);
        assert_eq!(call.template, "edit-with-commands");
        let [(name, content)] = &call.scratch[..] else {
            panic!("{:?}", call.scratch);
        };
        assert_eq!(name, SETTINGS);
        assert_eq!(content, r#"{"permissions":{"allow":["Bash(python3 *)"]}}"#);
    }

    #[test]
    fn without_commands_there_are_no_settings() {
        let call = Claude::sample();
        assert_eq!((call.template.as_str(), call.stdin.as_str()), ("edit", "x"));
        assert!(call.scratch.is_empty() && call.slots.is_empty());
    }
}
