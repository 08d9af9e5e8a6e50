//! What works: each agent repairs a file, and reaches its model and nothing else.
//!
//! Never: the agent's word for it; the file, the model and the canary are asked.

use remit_model_server::Seen;
use serde_json::{Value, json};

use crate::installed::Agent;
use crate::studio::{Said, Studio};

/// Has an agent repair a file, and holds everything that is said against what happened.
fn repairs(agent: Agent, path: &str) {
    let Some(studio) = Studio::new(agent, &format!("{}.json", agent.name())) else {
        return;
    };
    let said = studio.repair(&json!({}));
    assert_eq!(said.code, Some(0), "{}", said.everything());
    assert_eq!(said.verdict(), "success");
    assert!(studio.is_repaired());
    assert_eq!(work(&said), ["calc.py"], "{}", said.everything());
    let details = said.details();
    assert_eq!(&said.report()["details"], details);
    let observed = details["observed"]["files"].to_string();
    assert!(observed.contains("calc.py"), "{details}");
    assert_eq!(details["mismatch"], Value::Null, "{details}");
    assert_eq!(details["claimed"]["success"], true, "{details}");
    was_confined(&said);
    let asked = studio.asked();
    assert!(!asked.is_empty());
    for request in &asked {
        assert!(request.path.starts_with(path), "{}", request.path);
    }
    let prompt = "add() in calc.py subtracts";
    assert!(
        asked[0].body.to_string().contains(prompt),
        "{}",
        asked[0].body
    );
    let keys = ["authorization", "x-api-key"];
    let has_key = keys.iter().any(|key| asked[0].headers.contains_key(*key));
    assert!(has_key, "the key goes to the model: {:?}", asked[0].headers);
    counts(&said, asked.len());
    // aider only writes.
    if agent != Agent::Aider {
        has_checked(&asked);
    }
}

/// What changed, without what opencode does in `.git`: it leaves a mark in every repository that it
/// sees, and touches objects that it shares.
pub(crate) fn work(said: &Said) -> Vec<&str> {
    let mut changed = said.changed();
    let aside = |path: &str| path == ".git/opencode" || path.starts_with(".git/objects/");
    changed.retain(|path| !aside(path));
    changed
}

/// The tool ran at the strongest level, and nothing of it is left.
fn was_confined(said: &Said) {
    let started = said.event("tool-started");
    assert_eq!(started["confinement"], "A", "{started}");
    let usage = &said.event("tool-finished")["usage"];
    assert_eq!(usage["confinement"], "A", "{usage}");
    assert_eq!(usage["containment"], "pid-namespace", "{usage}");
}

/// Tokens are what the model counted: 1 000 and 50 for each request.
fn counts(said: &Said, requests: usize) {
    let requests = u64::try_from(requests).unwrap();
    let tokens = &said.details()["tokens"];
    let cost = &said.report()["cost"];
    for (found, expected) in [
        (&tokens["input"], 1_000 * requests),
        (&tokens["output"], 50 * requests),
        (&cost["input-tokens"], 1_000 * requests),
        (&cost["output-tokens"], 50 * requests),
    ] {
        assert_eq!(*found, expected, "{tokens} {cost}");
    }
}

/// The agent ran the repository's check, which saw the repaired file, and no way to the canary.
fn has_checked(asked: &[Seen]) {
    let last = asked.last().unwrap().body.to_string();
    assert!(last.contains("no way to the canary"), "{last}");
    assert!(!last.contains("does not add"), "{last}");
}

#[test]
fn aider_repairs_a_file_and_reaches_its_model_only() {
    repairs(Agent::Aider, "/v1/chat/completions");
}

#[test]
fn claude_repairs_a_file_and_reaches_its_model_only() {
    repairs(Agent::Claude, "/v1/messages");
}

#[test]
fn codex_repairs_a_file_and_reaches_its_model_only() {
    repairs(Agent::Codex, "/v1/responses");
}

#[test]
fn opencode_repairs_a_file_and_reaches_its_model_only() {
    repairs(Agent::Opencode, "/v1/responses");
}
