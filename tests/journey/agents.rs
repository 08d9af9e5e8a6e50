//! The adapters of coding agents from outside: a program that says what a recorded agent said, and
//! what the adapter makes of it. The real agents are run elsewhere; they do not fail on demand.
//!
//! Never: a verdict that only the agent's words decide.

use std::process::Output;

use serde_json::{Value, json};

use crate::check::events;
use crate::home::{Home, finish, repository};

/// What was recorded.
const RECORDINGS: &str = "plugins/agent/tests/transcripts";

/// A home in which `adapter` finds, in place of its agent, the recording.
fn home(adapter: &str, tool: &str, template: &str, recording: &str, more: &[&str]) -> Home {
    let home = Home::new();
    let file = home.workspace().join("calc.py");
    std::fs::write(file, "def add(a, b):\n    return a - b\n").unwrap();
    let here = repository();
    let program = here.join("tests/journey/programs/agent.py");
    let recording = here.join(RECORDINGS).join(recording);
    let mut arguments = vec!["-E", "-s", "-B"];
    arguments.extend([program.to_str().unwrap(), recording.to_str().unwrap()]);
    arguments.extend(more);
    // The slots of the catalogue's template; the program does not look at them.
    let all: Vec<String> = arguments.iter().map(|text| format!("{text:?}")).collect();
    let files = if adapter == "aider" {
        ", \"--\", \"{files:relpath*}\""
    } else {
        ""
    };
    let policy = format!(
        "format = 1\n[tools.{tool}]\nprogram = \"python3\"\n[tools.{tool}.templates]\n\
         {template} = [{}{files}]\n[tools.{tool}.run]\nruntime = [{:?}, {:?}, \"{{prefix}}/lib\"]\n\
         [plugins.{adapter}]\nrun = [\"{tool}:{template}\"]\nread = [\".\"]\nwrite = [\".\"]\n",
        all.join(", "),
        program.parent().unwrap(),
        recording.parent().unwrap(),
    );
    std::fs::write(home.path("out/policy.toml"), policy).unwrap();
    home
}

fn run(home: &Home, adapter: &str, inputs: &Value) -> Output {
    let policy = home.path("out/policy.toml");
    let arguments = [
        "run",
        adapter,
        "--policy",
        policy.to_str().unwrap(),
        "--input-file",
        "-",
        "--json",
    ];
    finish(home.remit(&arguments), &inputs.to_string())
}

/// What the adapter logged of its verdict: there in every outcome.
fn verdict(output: &Output) -> Value {
    let events = events(&String::from_utf8_lossy(&output.stdout)).unwrap();
    let mut logs = events.iter().filter(|event| event["type"] == "log");
    let found = logs.find(|event| event["message"] == "verdict");
    found.unwrap_or_else(|| panic!("{output:#?}"))["fields"].clone()
}

fn outcome(output: &Output) -> Value {
    let events = events(&String::from_utf8_lossy(&output.stdout)).unwrap();
    events.last().unwrap()["outcome"].clone()
}

#[track_caller]
fn check(adapter: &str, recording: &str, code: &str, word: &str, exit: i32) -> (Value, Value) {
    let home = home(adapter, adapter, "edit", recording, &[code]);
    let output = run(&home, adapter, &json!({"prompt": "Fix add()"}));
    assert_eq!(output.status.code(), Some(exit), "{output:#?}");
    let verdict = verdict(&output);
    assert_eq!(verdict["verdict"], word, "{verdict:#}");
    (verdict, outcome(&output))
}

#[test]
fn what_an_agent_did_is_success_with_both_sides_told() {
    for (adapter, recording) in [
        ("aider", "aider-ok-no-commit"),
        ("codex", "codex-ok"),
        ("gemini", "gemini-ok"),
    ] {
        let (verdict, outcome) = check(adapter, recording, "0", "success", 0);
        assert_eq!(verdict["claimed"]["files"], json!(["calc.py"]), "{adapter}");
        assert_eq!(
            verdict["observed"]["files"],
            json!(["calc.py"]),
            "{adapter}"
        );
        assert_eq!(verdict["mismatch"], Value::Null, "{adapter}");
        let cost = &outcome["outputs"]["cost"];
        assert!(
            cost["input-tokens"].as_u64().unwrap() >= 1000,
            "{outcome:#}"
        );
    }
}

#[test]
fn a_success_that_is_none_is_a_failure_with_its_reason() {
    for (adapter, recording, code, word) in [
        (
            "claude",
            "claude-permission-denied-rc0",
            "0",
            "failed:permission",
        ),
        ("claude", "claude-max-turns-rc1", "1", "failed:limit"),
        (
            "opencode",
            "opencode-permission-autoreject-rc0",
            "0",
            "failed:permission",
        ),
        ("codex", "codex-badflag-rc2", "2", "failed:usage/config"),
        (
            "aider",
            "aider-autotest-fails-rc0",
            "0",
            "failed:no-effect/tests",
        ),
    ] {
        let (_, outcome) = check(adapter, recording, code, word, 1);
        let outputs = &outcome["outputs"];
        assert_eq!(outputs["success"], false, "{outcome:#}");
        assert_eq!(outputs["details"]["verdict"], word);
        assert!(
            outcome["message"].as_str().unwrap().contains(word),
            "{outcome:#}"
        );
    }
}

#[test]
fn a_provider_that_fails_may_be_asked_again_unless_it_is_about_a_key() {
    for (adapter, recording, code) in [
        ("aider", "aider-401-rc0", "0"),
        ("gemini", "gemini-401-rc145", "145"),
        ("qwen", "qwen-401-rc0-is_error-false", "0"),
    ] {
        let (_, outcome) = check(adapter, recording, code, "failed:provider", 1);
        assert_eq!(outcome["code"], "provider", "{outcome:#}");
        assert_eq!(outcome["retryable"], false, "{outcome:#}");
    }
}

#[test]
fn an_agent_that_only_asks_its_provider_again_is_ended() {
    let home = home("codex", "codex", "edit", "codex-401-rc1", &["0", "hang"]);
    let inputs = json!({"prompt": "Fix add()", "retry_budget": 2});
    let output = run(&home, "codex", &inputs);
    let verdict = verdict(&output);
    assert_eq!(verdict["verdict"], "failed:provider", "{verdict:#}");
    assert!(
        verdict["exit"].as_str().unwrap().contains("too often"),
        "{verdict:#}"
    );
    // It is about the key, so asking again another time is as useless.
    assert_eq!(outcome(&output)["retryable"], false);
}

#[test]
fn an_agent_without_an_end_runs_into_the_time_limit_of_its_request() {
    let home = home("codex", "codex", "edit", "codex-ok", &["0", "hang"]);
    let inputs = json!({"prompt": "Fix add()", "timeout_ms": 3000});
    let output = run(&home, "codex", &inputs);
    assert_eq!(output.status.code(), Some(7), "{output:#?}");
    // It had said that it was done, and changed the file: that does not make it one.
    assert_eq!(verdict(&output)["verdict"], "timeout");
}

#[test]
fn an_agent_that_asks_is_answered_as_the_recorded_one_was() {
    let home = home("acp", "opencode", "acp", "acp-opencode", &["0"]);
    let output = run(
        &home,
        "acp",
        &json!({"prompt": "Fix add()", "agent": "opencode"}),
    );
    assert_eq!(output.status.code(), Some(0), "{output:#?}");
    assert_eq!(verdict(&output)["verdict"], "success");
    // The adapter itself wrote it, as the agent asked.
    let text = std::fs::read_to_string(home.workspace().join("calc.py")).unwrap();
    assert!(text.contains("a + b"), "{text}");
}

#[test]
fn without_an_agent_the_adapter_says_what_is_missing() {
    let home = Home::new();
    let policy = "format = 1\n[tools.codex]\nprogram = \"no-such-agent\"\n\
                  templates = { edit = [\"--model={model:ident?}\"] }\n\
                  [plugins.codex]\nrun = [\"codex:edit\"]\nread = [\".\"]\nwrite = [\".\"]\n";
    std::fs::write(home.path("out/policy.toml"), policy).unwrap();
    let output = run(&home, "codex", &json!({"prompt": "Fix add()"}));
    assert_eq!(output.status.code(), Some(6), "{output:#?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("no-such-agent"));
}
