//! Agents that end with a result: claude, qwen, gemini.
//!
//! Never: a case without the verdict that a person would give.

use remit_plugin_agent::{Ended, Killer, Tool};

use crate::case;

fn result(subtype: &str, is_error: bool, rest: &str) -> String {
    format!(
        r#"{{"permission_denials":[],{rest}"is_error":{is_error},"subtype":"{subtype}","type":"result","session_id":"s"}}"#
    )
}

#[test]
fn claude_results_of_each_kind() {
    let claude = || {
        case(Tool::Claude).says(r#"{"type":"system","subtype":"init","session_id":"s","cwd":"/r"}"#)
    };
    claude()
        .says(&result("success", false, r#""result":"Done.","#))
        .is("success");
    claude()
        .says(&result("success", false, r#""result":"Done.","#))
        .exits(1)
        .is("failed:no-effect/tests");
    claude()
        .says(&result("error_max_budget_usd", true, r#""errors":["x"],"#))
        .exits(1)
        .is("failed:limit");
    claude()
        .says(&result("error_max_turns", true, ""))
        .exits(1)
        .is("failed:limit");
    claude()
        .says(&result(
            "success",
            true,
            r#""result":"API Error: 500","terminal_reason":"api_error","#,
        ))
        .exits(1)
        .is("failed:provider");
    // SIGINT: exit code 0, and the result says that it is an error.
    claude()
        .says(&result(
            "error_during_execution",
            true,
            r#""terminal_reason":"aborted_streaming","#,
        ))
        .is("cancelled");
    claude().exits(143).is("cancelled");
    claude().is("failed:no-effect/tests");
}

#[test]
fn claude_refusals_with_changes_beside_them_are_no_success() {
    let denied = r#"{"type":"result","subtype":"success","is_error":false,"result":"Done.","permission_denials":[{"tool_name":"Bash","tool_use_id":"t","tool_input":{"command":"make"}}]}"#;
    let found = case(Tool::Claude).says(denied).judge();
    assert_eq!(found.verdict.word(), "failed:permission");
    assert!(found.reason.contains("Bash make"), "{}", found.reason);
}

#[test]
fn claude_in_other_forms() {
    // `--output-format json`: one document; with `--verbose` a list of them.
    case(Tool::Claude)
        .says(&result("success", false, ""))
        .is("success");
    let list = format!(
        r#"[{{"type":"system","subtype":"init"}},{}]"#,
        result("success", false, "")
    );
    case(Tool::Claude).says(&list).is("success");
    let plain = |text: &str, code: u8| case(Tool::Claude).says(text).exits(code);
    plain("Fixed.", 0).is("success");
    plain("API Error: 401 invalid x-api-key", 1).is("failed:provider");
    plain("Error: Reached max turns (2)", 1).is("failed:limit");
    plain("", 1).is("failed:usage/config");
}

#[test]
fn claude_that_only_asks_its_provider_again() {
    let retry = r#"{"type":"system","subtype":"api_retry","attempt":1,"error_status":529,"error":"overloaded"}"#;
    case(Tool::Claude)
        .says(retry)
        .exits(1)
        .without_changes()
        .is("failed:provider");
    case(Tool::Claude)
        .says(retry)
        .says(&result("success", false, ""))
        .is("success");
    case(Tool::Claude)
        .says(retry)
        .ends(Ended::Killed(Killer::RetryBudget))
        .is("failed:provider");
}

#[test]
fn qwen_says_success_of_a_failed_provider() {
    let said = r#""result":"[API Error: 500 server]","usage":{"output_tokens":0},"#;
    case(Tool::Qwen)
        .says(&result("success", false, said))
        .without_changes()
        .is("failed:provider");
    case(Tool::Qwen)
        .says("[API Error: Connection error.]")
        .is("failed:provider");
    case(Tool::Qwen).exits(53).is("failed:limit");
    case(Tool::Qwen)
        .exits(41)
        .complains("No auth type is selected")
        .is("failed:usage/config");
    let denied = r#"{"type":"result","subtype":"success","is_error":false,"result":"x","permission_denials":[{"tool_name":"edit","tool_use_id":"t","tool_input":{"file_path":"/r/a"}}]}"#;
    case(Tool::Qwen)
        .says(denied)
        .without_changes()
        .is("failed:permission");
}

#[test]
fn gemini_exit_codes_have_a_meaning() {
    let gemini = |code: u8| case(Tool::Gemini).without_changes().exits(code);
    for code in [41, 42, 44, 52, 55] {
        gemini(code).is("failed:usage/config");
    }
    gemini(53).is("failed:limit");
    gemini(130).is("cancelled");
    gemini(1)
        .complains("Unknown argument: nope")
        .is("failed:usage/config");
    gemini(1)
        .complains("Error when talking to Gemini API")
        .is("failed:provider");
}

#[test]
fn gemini_results_and_tools_that_it_was_not_given() {
    let done =
        r#"{"type":"result","status":"success","stats":{"input_tokens":1,"output_tokens":1}}"#;
    let begun = r#"{"type":"init","session_id":"s","model":"m"}"#;
    let missing = r#"{"type":"tool_use","tool_name":"replace","tool_id":"t","parameters":{"file_path":"/r/a"}}
{"type":"tool_result","tool_id":"t","status":"error","error":{"type":"tool_not_registered","message":"Tool \"replace\" not found. Did you mean one of: \"read_file\"?"}}"#;
    case(Tool::Gemini)
        .says(begun)
        .says(missing)
        .says(done)
        .without_changes()
        .is("failed:permission");
    let failed = r#"{"type":"tool_result","tool_id":"t","status":"error","error":{"type":"edit_no_occurrence_found","message":"could not find the string to replace"}}"#;
    case(Tool::Gemini)
        .says(begun)
        .says(failed)
        .says(done)
        .is("success");
    case(Tool::Gemini)
        .says(begun)
        .says(failed)
        .says(done)
        .without_changes()
        .is("failed:no-effect/tests");
    let turns = r#"{"type":"result","status":"error","error":{"type":"FatalTurnLimitedError","message":"Reached max session turns"}}"#;
    case(Tool::Gemini)
        .says(begun)
        .says(turns)
        .exits(53)
        .is("failed:limit");
    // `--output-format json`: one document over many lines.
    let single = "{\n  \"session_id\": \"s\",\n  \"response\": \"Fixed.\",\n  \"stats\": {}\n}";
    case(Tool::Gemini).says(single).is("success");
    let error = "{\n  \"session_id\": \"s\",\n  \"error\": {\n    \"type\": \"Error\",\n    \"message\": \"[API Error: 500]\"\n  }\n}";
    case(Tool::Gemini)
        .says(error)
        .exits(1)
        .is("failed:provider");
}
