//! Ways in which agents end that no recording shows, or only one of: written by the rules of the
//! design and the sources of the agents.
//!
//! Never: a case without the verdict that a person would give.

use remit_plugin_agent::{Changes, Ended, Judgement, Killer, Reader, Stream, Tool, judge};

struct Case {
    tool: Tool,
    stdout: Vec<String>,
    stderr: Vec<String>,
    log: Vec<String>,
    ended: Ended,
    changes: Changes,
    expect_changes: bool,
}

fn case(tool: Tool) -> Case {
    Case {
        tool,
        stdout: Vec::new(),
        stderr: Vec::new(),
        log: Vec::new(),
        ended: Ended::Code(0),
        changes: Changes::seen(["calc.py"]),
        expect_changes: true,
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

impl Case {
    fn says(mut self, text: &str) -> Self {
        self.stdout.extend(lines(text));
        self
    }
    fn complains(mut self, text: &str) -> Self {
        self.stderr.extend(lines(text));
        self
    }
    fn logs(mut self, text: &str) -> Self {
        self.log.extend(lines(text));
        self
    }
    fn exits(mut self, code: u8) -> Self {
        self.ended = Ended::Code(code);
        self
    }
    fn ends(mut self, ended: Ended) -> Self {
        self.ended = ended;
        self
    }
    fn without_changes(mut self) -> Self {
        self.changes = Changes::seen(Vec::<String>::new());
        self
    }
    fn judge(&self) -> Judgement {
        let mut reader = Reader::new(self.tool);
        for (stream, lines) in [
            (Stream::Stdout, &self.stdout),
            (Stream::Stderr, &self.stderr),
            (Stream::Log, &self.log),
        ] {
            lines.iter().for_each(|line| reader.line(stream, line));
        }
        reader.finish();
        judge(
            self.tool,
            reader.seen(),
            self.ended,
            &self.changes,
            self.expect_changes,
        )
    }
    #[track_caller]
    fn is(&self, expected: &str) {
        let found = self.judge();
        assert_eq!(found.verdict.word(), expected, "{}", found.reason);
    }
}

const CODEX_DONE: &str =
    r#"{"type":"turn.completed","usage":{"input_tokens":1,"output_tokens":1}}"#;
const CODEX_BEGUN: &str = r#"{"type":"thread.started","thread_id":"t"}
{"type":"turn.started"}"#;

fn codex() -> Case {
    case(Tool::Codex).says(CODEX_BEGUN)
}

#[test]
fn codex_turn_failed_wins_over_everything() {
    let failed =
        r#"{"type":"turn.failed","error":{"message":"stream disconnected before completion"}}"#;
    codex().says(failed).is("failed:provider");
    codex().says(failed).says(CODEX_DONE).is("failed:provider");
    codex()
        .says(CODEX_DONE)
        .exits(1)
        .is("failed:no-effect/tests");
    let window = r#"{"type":"turn.failed","error":{"message":"Codex ran out of room in the model's context window."}}"#;
    codex().says(window).exits(1).is("failed:limit");
}

#[test]
fn codex_retries_that_help_are_no_failure() {
    let retry = r#"{"type":"error","message":"Reconnecting... 1/5 (unexpected status 500)"}"#;
    let found = codex().says(retry).says(retry).says(CODEX_DONE);
    found.is("success");
    codex()
        .says(retry)
        .exits(1)
        .without_changes()
        .is("failed:provider");
    codex()
        .says(retry)
        .ends(Ended::Killed(Killer::RetryBudget))
        .is("failed:provider");
}

#[test]
fn codex_refusals_are_told_only_on_standard_error_or_as_declined() {
    codex()
        .says(CODEX_DONE)
        .complains("2026 ERROR codex_core::tools::router: error=patch rejected: writing is blocked by read-only sandbox; rejected by user approval settings")
        .without_changes()
        .is("failed:permission");
    let declined = r#"{"type":"item.completed","item":{"id":"i","type":"command_execution","command":"x","status":"declined"}}"#;
    codex()
        .says(declined)
        .says(CODEX_DONE)
        .is("failed:permission");
    let read_only = r#"{"type":"item.completed","item":{"id":"i","type":"command_execution","command":"x","status":"failed","exit_code":1,"aggregated_output":"sh: 1: cannot create calc.py: Read-only file system"}}"#;
    codex()
        .says(read_only)
        .says(CODEX_DONE)
        .without_changes()
        .is("failed:permission");
    codex().says(read_only).says(CODEX_DONE).is("success");
}

#[test]
fn codex_in_the_form_for_people() {
    let plain = || case(Tool::Codex).complains("OpenAI Codex v0.169.0\nuser\nFix");
    plain().says("Fixed add() in calc.py.").is("success");
    plain()
        .says("Fixed add() in calc.py.")
        .without_changes()
        .is("failed:no-effect/tests");
    plain()
        .complains("ERROR: unexpected status 401 Unauthorized: invalid x-api-key")
        .exits(1)
        .is("failed:provider");
    plain().exits(0).is("failed:no-effect/tests");
}

#[test]
fn codex_killed_in_the_middle_of_a_line() {
    let half = r#"{"type":"turn.comple"#;
    codex().says(half).ends(Ended::Signal(15)).is("cancelled");
    codex().says(half).is("failed:no-effect/tests");
    case(Tool::Codex).says(half).is("failed:no-effect/tests");
    codex().ends(Ended::Signal(6)).is("failed:no-effect/tests");
    codex().ends(Ended::Killed(Killer::Silence)).is("timeout");
    codex()
        .says(CODEX_DONE)
        .ends(Ended::Killed(Killer::Run))
        .is("cancelled");
}

#[test]
fn an_answer_without_changes_is_success_only_where_none_are_expected() {
    let mut asked = codex().says(CODEX_DONE).without_changes();
    let found = asked.judge();
    assert_eq!(found.verdict.word(), "failed:no-effect/tests");
    assert!(found.mismatch.success);
    asked.expect_changes = false;
    asked.is("success");
    let mut unseen = codex().says(CODEX_DONE);
    unseen.changes = Changes::default();
    unseen.is("failed:no-effect/tests");
}

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

#[test]
fn who_ended_it_comes_before_what_it_said() {
    for tool in Tool::ALL {
        case(tool).ends(Ended::Killed(Killer::Time)).is("timeout");
        case(tool)
            .ends(Ended::Killed(Killer::Silence))
            .is("timeout");
        case(tool).ends(Ended::Killed(Killer::Run)).is("cancelled");
        case(tool)
            .ends(Ended::Killed(Killer::Output))
            .is("failed:limit");
        case(tool)
            .ends(Ended::Killed(Killer::Turns))
            .is("failed:limit");
        case(tool)
            .ends(Ended::Killed(Killer::RetryBudget))
            .is("failed:provider");
        case(tool).ends(Ended::Signal(15)).is("cancelled");
        // Nothing at all is never success.
        assert_ne!(case(tool).judge().verdict.word(), "success");
    }
}

#[test]
fn whether_it_may_help_to_ask_again() {
    let failed =
        |message: &str| format!(r#"{{"type":"turn.failed","error":{{"message":"{message}"}}}}"#);
    assert!(codex().says(&failed("high demand")).judge().retryable);
    assert!(
        !codex()
            .says(&failed("unexpected status 401 Unauthorized"))
            .judge()
            .retryable
    );
    assert!(codex().ends(Ended::Killed(Killer::Time)).judge().retryable);
}
