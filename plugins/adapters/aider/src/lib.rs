//! The adapter `aider`: one request, one `aider --message-file`, one report.
//!
//! aider reads its prompt from a scratch file, and its log of what it sent and got lies beside it:
//! that log, and not the exit code, says whether its provider answered. It is told to run no
//! command at all. Never: the prompt as an argument.

use remit_plugin_agent::{Agent, Prepared, Request, Tool};

/// The file with the prompt; the owner's template names it.
const PROMPT: &str = "aider-prompt.md";
/// The file into which aider logs; the owner's template names it.
const LOG: &str = "aider-analytics.jsonl";

/// The adapter.
pub struct Aider;

impl Agent for Aider {
    const TOOL: Tool = Tool::Aider;
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const TITLE: &'static str = "Have aider carry out one task in the workspace";
    const TOOL_VERSIONS: &'static str = ">=0.86.0, <0.87.0";

    fn prepare(request: &Request) -> Prepared {
        let mut call = Prepared::new("aider", "edit", request)
            .slot("model", request.model.clone())
            .slots("files", &request.files)
            .file(PROMPT, request.prompt.clone());
        call.stdin = String::new();
        call.log = Some(LOG.to_owned());
        call
    }
}

#[cfg(target_arch = "wasm32")]
remit_plugin_agent::export_agent!(Aider, "remit-plugin.toml");

#[cfg(test)]
mod tests {
    use remit_plugin_agent::Slot;

    use super::*;

    #[test]
    fn the_prompt_is_a_scratch_file_and_files_are_slots() {
        let request = Request::check(r#"{"prompt": "Fix", "files": ["a.py"]}"#, false).unwrap();
        let call = Aider::prepare(&request);
        assert_eq!(call.scratch, [(PROMPT.to_owned(), "Fix".to_owned())]);
        assert_eq!(
            call.slots,
            [("files".to_owned(), Slot::Many(vec!["a.py".into()]))]
        );
        assert!(call.stdin.is_empty());
        assert_eq!(call.log.as_deref(), Some(LOG));
    }
}
