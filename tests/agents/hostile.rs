//! Hostile repositories: nothing that a repository configures runs, and the agent does its work all
//! the same. Beside each agent there is a careless owner, for whom the same traps snap.
//!
//! Never: a trap that no agent could have stepped into.

use serde_json::json;
use toml_edit::DocumentMut;

use crate::edits::work;
use crate::home::repository;
use crate::installed::Agent;
use crate::studio::{Said, Studio};
use crate::traps;

/// An agent repairs a file in a repository full of traps.
fn hostile(agent: Agent, careless: impl FnOnce(&mut Studio)) -> Option<(Studio, Said)> {
    let mut studio = Studio::new(agent, &format!("{}.json", agent.name()))?;
    traps::lay(&studio.home.workspace(), &studio.canary());
    careless(&mut studio);
    let said = studio.repair(&json!({}));
    Some((studio, said))
}

/// With the declaration of the catalogue nothing snaps, and the work is done.
fn is_safe(agent: Agent) {
    let Some((studio, said)) = hostile(agent, |_| {}) else {
        return;
    };
    let snapped = traps::snapped(&studio.home.workspace());
    assert!(snapped.is_empty(), "{snapped:?}: {}", said.everything());
    assert_eq!(said.verdict(), "success", "{}", said.everything());
    assert!(studio.is_repaired());
    assert_eq!(work(&said), ["calc.py"], "{}", said.everything());
}

/// With less care something snaps, so the test above can fail.
fn would_snap(agent: Agent, trap: &str, careless: impl FnOnce(&mut Studio)) {
    let Some((studio, said)) = hostile(agent, careless) else {
        return;
    };
    let snapped = traps::snapped(&studio.home.workspace());
    let found = snapped.iter().any(|name| name == trap);
    assert!(found, "{trap} of {snapped:?}: {}", said.everything());
}

/// Takes elements out of the templates of the tool.
fn without(studio: &mut Studio, templates: &[&str], elements: &[&str]) {
    for template in templates {
        let template = studio.template(template);
        template.retain(|element| !elements.contains(&element.as_str().unwrap_or_default()));
    }
}

#[test]
fn nothing_that_a_repository_configures_runs_when_aider_works_in_it() {
    is_safe(Agent::Aider);
}

#[test]
fn nothing_that_a_repository_configures_runs_when_claude_works_in_it() {
    is_safe(Agent::Claude);
}

#[test]
fn nothing_that_a_repository_configures_runs_when_codex_works_in_it() {
    is_safe(Agent::Codex);
}

#[test]
fn nothing_that_a_repository_configures_runs_when_opencode_works_in_it() {
    is_safe(Agent::Opencode);
}

#[test]
fn aider_would_run_what_the_variables_of_a_repository_say() {
    would_snap(Agent::Aider, "aider-load", |studio| {
        studio.rules().remove("hides");
        let edit = studio.template("edit");
        let load = edit
            .iter()
            .position(|element| element.as_str() == Some("--load"));
        let load = load.unwrap();
        // The flag and its value.
        edit.remove(load);
        edit.remove(load);
    });
}

#[test]
fn claude_would_run_the_hooks_of_a_repository() {
    would_snap(Agent::Claude, "claude-hook-SessionStart", |studio| {
        studio.rules().remove("hides");
        let flags = ["--bare", "--strict-mcp-config", "--setting-sources="];
        without(studio, &["edit", "edit-with-commands"], &flags);
    });
}

#[test]
fn codex_would_run_the_filters_of_a_repository() {
    would_snap(Agent::Codex, "git-clean", |studio| {
        studio.rules().remove("hides");
    });
}

#[test]
fn opencode_would_start_the_servers_of_a_repository() {
    would_snap(Agent::Opencode, "opencode-server", |studio| {
        studio.rules().remove("hides");
        let set = studio.rules()["set"].as_table_like_mut().unwrap();
        set.remove("OPENCODE_DISABLE_PROJECT_CONFIG");
    });
}

/// What the recorded runs of `shared/transcripts/hostile-repo-*` found executed, and what stops it.
const COUNTERS: &[(&str, &str, &[&str])] = &[
    ("aider", "PWNED-aider-lint", &["--no-auto-lint"]),
    ("aider", "PWNED-aider-test", &["--no-auto-test"]),
    (
        "claude",
        "PWNED-claude-hook",
        &["--bare", "--setting-sources="],
    ),
    (
        "claude",
        "PWNED-claude-hook2",
        &["--bare", "--setting-sources="],
    ),
    (
        "claude",
        "PWNED-claude-mcp",
        &["--bare", "--strict-mcp-config"],
    ),
    // Only for who trusts the repository, which needs `--trust`.
    (
        "codex",
        "PWNED-codex-mcp",
        &["--ignore-user-config", "--ignore-rules"],
    ),
    ("gemini", "PWNED-gemini-hook", &["--skip-trust"]),
    (
        "gemini",
        "PWNED-gemini-mcp",
        &["--allowed-mcp-server-names", "none", "-e"],
    ),
    (
        "opencode",
        "PWNED-opencode-mcp",
        &["--pure", "OPENCODE_DISABLE_PROJECT_CONFIG"],
    ),
    ("opencode", "PWNED-opencode-plugin", &["--pure"]),
    (
        "qwen",
        "PWNED-qwen-mcp",
        &["--allowed-mcp-server-names", "none"],
    ),
];

#[test]
fn every_declaration_has_the_counters_of_what_was_seen_executed() {
    let path = repository().join("host/core/src/catalogue.toml");
    let catalogue: DocumentMut = std::fs::read_to_string(path).unwrap().parse().unwrap();
    for (tool, executed, counters) in COUNTERS {
        let tool_table = &catalogue["tools"][tool];
        let set = tool_table["run"]["set"].as_table_like().unwrap();
        for (name, template) in tool_table["templates"].as_table_like().unwrap().iter() {
            if name == "version" {
                continue;
            }
            let elements: Vec<&str> = template
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|element| element.as_str())
                .collect();
            assert!(!elements.contains(&"--trust"), "{tool}:{name}");
            for counter in *counters {
                let found = elements.contains(counter) || set.contains_key(counter);
                assert!(found, "{tool}:{name} lacks {counter} against {executed}");
            }
        }
    }
}

#[test]
fn every_agent_is_kept_from_the_settings_of_git_and_from_variables() {
    let path = repository().join("host/core/src/catalogue.toml");
    let catalogue: DocumentMut = std::fs::read_to_string(path).unwrap().parse().unwrap();
    for tool in ["aider", "claude", "codex", "gemini", "opencode", "qwen"] {
        let hidden = catalogue["tools"][tool]["run"]["hides"].as_array().unwrap();
        for path in [
            ".env",
            ".git/config",
            ".git/config.worktree",
            ".git/commondir",
            ".git/hooks",
        ] {
            let found = hidden.iter().any(|entry| entry.as_str() == Some(path));
            assert!(found, "{tool} sees {path}");
        }
    }
}
