//! What does not work, and is told as what it is, whatever the agent says and whichever exit code
//! it has.
//!
//! Never: a wait that has to be long enough; an agent that hangs is ended by a limit of the request.

use serde_json::{Value, json};

use crate::edits::work;
use crate::installed::Agent;
use crate::studio::{Said, Studio};

/// The program's exit codes: docs/cli.md.
const FAILED: i32 = 1;
/// A limit on time was passed.
const TIMEOUT: i32 = 7;

/// Silence after which an agent is ended in these tests, in milliseconds. Agents start in less, and
/// what comes later than this changes nothing: a model that hangs never answers.
const SILENCE: u32 = 20_000;

fn ask(agent: Agent, script: &str, more: &Value) -> Option<Said> {
    let studio = Studio::new(agent, script)?;
    let said = studio.repair(more);
    assert!(!studio.is_repaired(), "{}", said.everything());
    assert!(
        !studio.asked().is_empty(),
        "the model was asked: {}",
        said.everything()
    );
    Some(said)
}

/// A provider that refuses the key.
fn is_refused(agent: Agent) {
    if let Some(said) = ask(agent, "no-key.json", &json!({})) {
        assert_eq!(said.verdict(), "failed:provider", "{}", said.everything());
        assert_eq!(said.code, Some(FAILED), "{}", said.everything());
    }
}

/// An agent that says that it has repaired what it has not touched.
fn boasts(agent: Agent) {
    if let Some(said) = ask(agent, "boast.json", &json!({})) {
        assert_eq!(
            said.verdict(),
            "failed:no-effect/tests",
            "{}",
            said.everything()
        );
        assert_eq!(said.code, Some(FAILED), "{}", said.everything());
        assert_eq!(work(&said), [""; 0], "{}", said.everything());
        assert_eq!(
            said.event("tool-finished")["exit"]["code"],
            0,
            "the agent itself lies"
        );
    }
}

/// An agent that may not write the file, though it may write beside it.
fn is_kept_off(agent: Agent) -> Option<Said> {
    let mut studio = Studio::new(agent, &format!("{}.json", agent.name()))?;
    let file = toml_edit::Array::from_iter(["calc.py"]);
    studio.grants()["deny-write"] = toml_edit::value(file);
    let said = studio.repair(&json!({}));
    assert!(!studio.is_repaired(), "{}", said.everything());
    assert_eq!(said.code, Some(FAILED), "{}", said.everything());
    assert_eq!(work(&said), [""; 0], "{}", said.everything());
    Some(said)
}

#[test]
fn a_key_that_the_provider_refuses_is_a_failure_of_the_provider_for_aider() {
    is_refused(Agent::Aider);
}

#[test]
fn a_key_that_the_provider_refuses_is_a_failure_of_the_provider_for_claude() {
    is_refused(Agent::Claude);
}

#[test]
fn a_key_that_the_provider_refuses_is_a_failure_of_the_provider_for_codex() {
    is_refused(Agent::Codex);
}

#[test]
fn a_key_that_the_provider_refuses_is_a_failure_of_the_provider_for_opencode() {
    is_refused(Agent::Opencode);
}

#[test]
fn words_without_an_edit_are_no_success_of_aider() {
    boasts(Agent::Aider);
}

#[test]
fn words_without_an_edit_are_no_success_of_claude() {
    boasts(Agent::Claude);
}

#[test]
fn words_without_an_edit_are_no_success_of_codex() {
    boasts(Agent::Codex);
}

#[test]
fn words_without_an_edit_are_no_success_of_opencode() {
    boasts(Agent::Opencode);
}

#[test]
fn a_command_that_was_not_allowed_is_a_failure_of_permission_for_claude() {
    let more = json!({ "allow_commands": ["python3 -m unittest"] });
    let Some(studio) = Studio::new(Agent::Claude, "claude.json") else {
        return;
    };
    let said = studio.repair(&more);
    assert_eq!(said.verdict(), "failed:permission", "{}", said.everything());
    let denials = &said.details()["denials"];
    assert!(denials.to_string().contains("Bash"), "{denials}");
    assert_eq!(said.code, Some(FAILED));
}

#[test]
fn a_file_that_the_owner_denies_is_not_changed_by_any_agent() {
    for agent in Agent::ALL {
        if let Some(said) = is_kept_off(agent) {
            let verdict = said.verdict();
            let expected = ["failed:permission", "failed:no-effect/tests"];
            assert!(
                expected.contains(&verdict),
                "{verdict}: {}",
                said.everything()
            );
        }
    }
}

#[test]
fn a_model_that_accepts_and_never_answers_ends_in_a_timeout() {
    let more = json!({ "idle_ms": SILENCE });
    if let Some(said) = ask(Agent::Codex, "silent.json", &more) {
        assert_eq!(said.verdict(), "timeout", "{}", said.everything());
        assert_eq!(said.code, Some(TIMEOUT), "{}", said.everything());
    }
}
