//! Ways in which agents end that no recording shows, or only one of: written by the rules of the
//! design and the sources of the agents.
//!
//! Never: a case without the verdict that a person would give.

mod others;
mod results;

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
