//! The adapter `codex`: one request, one `codex exec --json`, one report.
//!
//! codex has no way to be told which commands it may run without a person who answers: what it
//! starts is bounded by the owner's grants alone. Never: the prompt as an argument.

use remit_plugin_agent::{Agent, Prepared, Request, Tool};

/// The adapter.
pub struct Codex;

impl Agent for Codex {
    const TOOL: Tool = Tool::Codex;
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const TITLE: &'static str = "Have codex carry out one task in the workspace";
    const TOOL_VERSIONS: &'static str = ">=0.169.0, <0.170.0";

    fn prepare(request: &Request) -> Prepared {
        Prepared::new("codex", "edit", request).slot("model", request.model.clone())
    }
}

#[cfg(target_arch = "wasm32")]
remit_plugin_agent::export_agent!(Codex, "remit-plugin.toml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompt_is_read_and_the_model_is_a_slot() {
        let request = Request::check(r#"{"prompt": "Fix", "model": "m"}"#, false).unwrap();
        let call = Codex::prepare(&request);
        assert_eq!(
            (call.tool.as_str(), call.template.as_str()),
            ("codex", "edit")
        );
        assert_eq!(call.stdin, "Fix");
        assert_eq!(call.slots.len(), 1);
        assert!(Codex::sample().slots.is_empty());
    }
}
