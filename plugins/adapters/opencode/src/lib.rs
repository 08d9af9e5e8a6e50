//! The adapter `opencode`: one request, one `opencode run --format json`, one report.
//!
//! What belongs to the request (the commands that are allowed, the model's name) is handed over as
//! settings in a scratch file, which the owner's declaration names. Never: the prompt as an
//! argument, a permission left at "ask", which waits for ever.

use remit_plugin_agent::{Agent, Prepared, Request, Tool, Value, json};

/// The file with the settings of a request; the owner's declaration names it.
const SETTINGS: &str = "opencode-settings.json";
/// The provider whose base URL the owner's declaration sets.
const PROVIDER: &str = "openai";

/// The adapter.
pub struct Opencode;

impl Agent for Opencode {
    const TOOL: Tool = Tool::Opencode;
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const TITLE: &'static str = "Have opencode carry out one task in the workspace";
    const TOOL_VERSIONS: &'static str = ">=1.18.0, <1.19.0";

    fn prepare(request: &Request) -> Prepared {
        Prepared::new("opencode", "edit", request)
            .slot("model", request.model.clone())
            .file(SETTINGS, settings(request).to_string())
    }
}

/// The last rule that matches wins, so the refusal comes first.
fn settings(request: &Request) -> Value {
    let mut bash = json!({ "*": "deny" });
    for command in &request.allow_commands {
        bash[command.as_str()] = json!("allow");
    }
    let mut settings = json!({ "permission": { "bash": bash } });
    if let Some(model) = &request.model {
        // A model that opencode has no entry for is no error, then.
        settings["provider"][PROVIDER]["models"][model.as_str()] = json!({});
    }
    settings
}

#[cfg(target_arch = "wasm32")]
remit_plugin_agent::export_agent!(Opencode, "remit-plugin.toml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_refused_but_those_of_the_request() {
        let request = Request::check(
            r#"{"prompt": "Fix", "model": "m", "allow_commands": ["python3 *"]}"#,
            false,
        )
        .unwrap();
        let settings = settings(&request);
        let bash = &settings["permission"]["bash"];
        assert_eq!(bash, &json!({"*": "deny", "python3 *": "allow"}));
        assert!(bash.to_string().starts_with(r#"{"*""#), "{bash}");
        assert_eq!(settings["provider"]["openai"]["models"], json!({"m": {}}));
        assert_eq!(Opencode::prepare(&request).stdin, "Fix");
    }
}
