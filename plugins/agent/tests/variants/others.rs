//! Agents without a result event: opencode and aider.
//!
//! Never: a case without the verdict that a person would give.

use remit_plugin_agent::{Ended, Killer, Tool};

use crate::{Case, case};

fn step(reason: &str) -> String {
    format!(
        r#"{{"type":"step_finish","sessionID":"s","part":{{"reason":"{reason}","tokens":{{"input":1,"output":1}},"cost":0.1}}}}"#
    )
}

#[test]
fn opencode_has_no_result_and_the_last_step_counts() {
    let opencode = || case(Tool::Opencode).says(&step("tool-calls"));
    opencode().says(&step("stop")).is("success");
    opencode().is("failed:no-effect/tests");
    opencode().says(&step("length")).is("failed:limit");
    opencode()
        .says(&step("stop"))
        .exits(1)
        .is("failed:no-effect/tests");
    let error = |name: &str| {
        format!(
            r#"{{"type":"error","sessionID":"s","error":{{"name":"{name}","data":{{"message":"x"}}}}}}"#
        )
    };
    opencode()
        .says(&error("APIError"))
        .says(&step("stop"))
        .is("failed:provider");
    opencode()
        .says(&error("MessageAbortedError"))
        .is("cancelled");
    case(Tool::Opencode)
        .says(&error("ProviderModelNotFoundError"))
        .exits(1)
        .is("failed:usage/config");
    opencode().ends(Ended::Signal(2)).is("cancelled");
}

#[test]
fn opencode_tools_that_failed_or_were_refused() {
    let tool = |name: &str, state: &str| {
        format!(r#"{{"type":"tool_use","part":{{"tool":"{name}","callID":"c","state":{state}}}}}"#)
    };
    let case = |tool: String| case(Tool::Opencode).says(&tool).says(&step("stop"));
    case(tool("edit", r#"{"status":"error","input":{"filePath":"/r/a"},"error":"The user has specified a rule which prevents you from using this specific tool call."}"#))
        .without_changes()
        .is("failed:permission");
    case(tool("invalid", r#"{"status":"completed","input":{},"output":"Model tried to call unavailable tool 'edit'."}"#))
        .without_changes()
        .is("failed:permission");
    let failed = || {
        tool(
            "edit",
            r#"{"status":"error","input":{"filePath":"/r/a"},"error":"oldString not found in content"}"#,
        )
    };
    case(failed()).is("success");
    case(failed())
        .without_changes()
        .is("failed:no-effect/tests");
}

#[test]
fn opencode_in_the_form_for_people() {
    let plain = || case(Tool::Opencode).complains("\u{1b}[0m\n> build · fake-model");
    plain().says("Fixed.").is("success");
    plain()
        .complains("\u{1b}[93m! permission requested: edit (calc.py); auto-rejecting")
        .says("Let me read the file.")
        .without_changes()
        .is("failed:permission");
    plain()
        .complains("Error: invalid x-api-key")
        .exits(1)
        .is("failed:provider");
    plain()
        .complains("Error: Model not found: x/y.")
        .exits(1)
        .is("failed:usage/config");
}

const AIDER_SENT: &str = r#"{"event":"launched","properties":{}}
{"event":"message_send_starting","properties":{}}"#;
const AIDER_GOT: &str = r#"{"event":"message_send","properties":{"prompt_tokens":10,"completion_tokens":2,"total_cost":0.5}}"#;
const AIDER_DONE: &str = r#"{"event":"exit","properties":{"reason":"Completed --message"}}"#;

fn aider() -> Case {
    case(Tool::Aider)
        .says("Aider v0.86.2\nAdded calc.py to the chat.")
        .logs(AIDER_SENT)
}

#[test]
fn aider_is_judged_by_its_log() {
    aider().logs(AIDER_GOT).logs(AIDER_DONE).is("success");
    let from_file = r#"{"event":"exit","properties":{"reason":"Completed --message-file"}}"#;
    aider().logs(AIDER_GOT).logs(from_file).is("success");
    let other = r#"{"event":"exit","properties":{"reason":"Completed lint/test/commit"}}"#;
    aider()
        .logs(AIDER_GOT)
        .logs(other)
        .is("failed:no-effect/tests");
    aider()
        .logs(AIDER_GOT)
        .logs(AIDER_DONE)
        .without_changes()
        .is("failed:no-effect/tests");
    // Not answered: the provider, whatever it printed.
    aider().logs(AIDER_DONE).is("failed:provider");
    aider()
        .says("litellm.InternalServerError: OpenAIException - Connection error.\nRetrying in 0.2 seconds...")
        .logs(AIDER_DONE)
        .is("failed:provider");
    aider().logs(AIDER_GOT).is("failed:no-effect/tests");
    // SIGINT: exit code 0, answered or not.
    let interrupted = r#"{"event":"exit","properties":{"reason":"Control-C"}}"#;
    aider().logs(interrupted).is("cancelled");
    aider().logs(AIDER_GOT).logs(interrupted).is("cancelled");
    aider()
        .says("^C KeyboardInterrupt")
        .logs(AIDER_DONE)
        .is("cancelled");
    aider().ends(Ended::Killed(Killer::Run)).is("cancelled");
}

#[test]
fn aider_edits_that_do_not_apply() {
    let misfit = "The LLM did not conform to the edit format.\n## SearchReplaceNoExactMatch: This SEARCH block failed to exactly match lines in\ncalc.py";
    let done = |case: Case| case.logs(AIDER_GOT).logs(AIDER_DONE);
    done(
        aider()
            .says(misfit)
            .says("Only 3 reflections allowed, stopping."),
    )
    .without_changes()
    .is("failed:no-effect/tests");
    done(aider().says("Applied edit to calc.py").says(misfit)).is("failed:no-effect/tests");
    // It was told, tried again, and then it did apply.
    done(aider().says(misfit).says("Applied edit to calc.py")).is("success");
}

#[test]
fn aider_without_a_log() {
    let plain = || case(Tool::Aider).says("Aider v0.86.2");
    let answered = "Tokens: 1.0k sent, 50 received. Cost: $0.0063 message, $0.0063 session.";
    plain()
        .says(answered)
        .says("Applied edit to calc.py")
        .is("success");
    plain()
        .says("litellm.AuthenticationError: invalid x-api-key")
        .is("failed:provider");
    plain().is("failed:no-effect/tests");
    case(Tool::Aider)
        .complains("usage: aider [-h]\naider: error: unrecognized arguments: --nope")
        .exits(2)
        .is("failed:usage/config");
}
