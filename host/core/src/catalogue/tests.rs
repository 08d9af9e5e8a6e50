//! The shipped catalogue: it parses, holds no shell, and each template fills as its owner meant.
//! Never: a started program; what the machine has is not looked at.

use super::*;
use crate::policy::Policy;
use crate::tool::{Arity, Program, SlotType, SlotValue, ToolDeclaration};

fn policy() -> Policy {
    Policy::layered(vec![layer().map_err(|found| found.to_string()).unwrap()]).unwrap()
}

fn tool<'a>(policy: &'a Policy, id: &str) -> &'a ToolDeclaration {
    policy.tool(&id.parse().unwrap()).unwrap()
}

#[test]
fn it_declares_the_promised_tools_and_allows_nothing() {
    let policy = policy();
    let names: Vec<&str> = policy.tools().map(|(tool, _)| tool.id().as_str()).collect();
    assert_eq!(
        names,
        [
            "aider",
            "cargo",
            "claude",
            "codex",
            "gemini",
            "git",
            "git-sealed",
            "go",
            "node",
            "npm",
            "opencode",
            "pytest",
            "python3",
            "qwen",
            "ruff"
        ]
    );
    assert!(policy.tools().all(|(_, origin)| *origin == Origin::BuiltIn));
    assert!(policy.rule_lines().is_empty());
}

#[test]
fn no_program_is_a_shell_or_a_path() {
    for (tool, _) in policy().tools() {
        assert_eq!(tool.program().path(), None, "{}", tool.id());
        Program::check_name(tool.program().as_str()).unwrap();
    }
    for shell in ["sh", "bash", "busybox", "/bin/sh", "/usr/bin/env"] {
        let text =
            format!("format = 1\n[tools.x]\nprogram = \"{shell}\"\ntemplates = {{ v = [] }}\n");
        let found = Layer::parse(Origin::BuiltIn, &text).unwrap_err();
        assert_eq!(found.list()[0].code, "bad-program", "{shell}");
    }
}

/// A value that fits, for each type.
fn sample(kind: &SlotType) -> String {
    match kind {
        SlotType::Int { min, .. } => min.to_string(),
        SlotType::Enum(words) => words[0].clone(),
        SlotType::Rev => "feature/x".to_owned(),
        SlotType::RelPath => "src/a b.x".to_owned(),
        SlotType::Ident => "tests.core".to_owned(),
        SlotType::Scratch => "prompt.md".to_owned(),
        SlotType::Text => "-any text".to_owned(),
    }
}

#[test]
fn every_template_fills_with_and_without_optional_values() {
    for (tool, _) in policy().tools() {
        for (id, template) in tool.templates() {
            let value = |kind: &SlotType, arity: &Arity| match arity {
                Arity::Repeated => SlotValue::Many(vec![sample(kind), sample(kind)]),
                Arity::One | Arity::Optional | Arity::Default(_) => SlotValue::One(sample(kind)),
            };
            let all: Vec<(String, SlotValue)> = template
                .slots()
                .map(|slot| (slot.name().to_string(), value(slot.kind(), slot.arity())))
                .collect();
            let full = template.fill(&all).unwrap();
            let needed: Vec<(String, SlotValue)> = template
                .slots()
                .filter(|slot| *slot.arity() == Arity::One)
                .map(|slot| (slot.name().to_string(), value(slot.kind(), slot.arity())))
                .collect();
            let least = template.fill(&needed).unwrap();
            assert!(
                least.arguments.len() <= full.arguments.len(),
                "{}:{id}",
                tool.id()
            );
            let hostile = template
                .slots()
                .map(|slot| {
                    (
                        slot.name().to_string(),
                        SlotValue::One("--upload-pack=x".to_owned()),
                    )
                })
                .collect::<Vec<_>>();
            assert!(
                hostile.is_empty() || template.fill(&hostile).is_err(),
                "{}:{id}",
                tool.id()
            );
        }
    }
}

#[test]
fn what_the_built_in_plugins_call_has_the_shape_they_expect() {
    let policy = policy();
    let fill = |tool_id: &str, template: &str, slots: &[(&str, &str)]| {
        let slots: Vec<(String, SlotValue)> = slots
            .iter()
            .map(|(name, value)| ((*name).to_owned(), SlotValue::One((*value).to_owned())))
            .collect();
        let templates = tool(&policy, tool_id).templates();
        templates[&template.parse().unwrap()]
            .fill(&slots)
            .unwrap()
            .arguments
            .join(" ")
    };
    assert_eq!(
        fill("python3", "unittest", &[("dir", "tests")]),
        "-I -B -m unittest discover -s tests -t ."
    );
    assert_eq!(
        fill("python3", "unittest", &[]),
        "-I -B -m unittest discover -s tests -t ."
    );
    assert_eq!(
        fill("node", "test", &[("file", "tests/m.test.js")]),
        "--test tests/m.test.js"
    );
    assert_eq!(fill("node", "test", &[]), "--test");
    assert_eq!(fill("git", "rev-parse", &[]), "rev-parse --verify HEAD");
}

#[test]
fn git_takes_no_program_from_the_repository() {
    let policy = policy();
    let set = tool(&policy, "git").rules().set_env().to_vec();
    let value = |name: &str| {
        let entry = set.iter().find(|(key, _)| key.as_str() == name);
        entry.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let count: usize = value("GIT_CONFIG_COUNT").parse().unwrap();
    let keys: Vec<String> = (0..count)
        .map(|n| value(&format!("GIT_CONFIG_KEY_{n}")))
        .collect();
    for key in [
        "core.fsmonitor",
        "core.hooksPath",
        "protocol.ext.allow",
        "core.sshCommand",
    ] {
        assert!(keys.iter().any(|known| known == key), "{key}");
    }
    assert_eq!(
        set.iter()
            .filter(|(key, _)| key.as_str().starts_with("GIT_CONFIG_KEY_"))
            .count(),
        count
    );
    for (id, template) in tool(&policy, "git").templates() {
        let source = template.source();
        let looks_at_content = ["diff", "log", "show"].contains(&source[0].as_str());
        for flag in ["--no-ext-diff", "--no-textconv"] {
            assert!(
                !looks_at_content || source.iter().any(|text| text == flag),
                "{id} {flag}"
            );
        }
    }
}

/// A tool, the flags of each of its templates, and variables with their values.
type Needed = (
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

/// What keeps a hostile repository from running something of its own through the agent: measured
/// flags and variables, each template of each agent.
#[test]
fn agents_take_no_program_from_the_repository() {
    let policy = policy();
    let needed: [Needed; 6] = [
        (
            "aider",
            &[
                "--no-auto-lint",
                "--no-auto-test",
                "--no-git",
                "--no-notifications",
                "--load",
                "--lint-cmd",
                "--test-cmd",
                "--no-suggest-shell-commands",
            ],
            &[],
        ),
        (
            "claude",
            &["--bare", "--strict-mcp-config", "--setting-sources="],
            &[("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")],
        ),
        ("codex", &["--ignore-user-config", "--ignore-rules"], &[]),
        ("gemini", &["--allowed-mcp-server-names", "-e"], &[]),
        (
            "opencode",
            &["--pure"],
            &[("OPENCODE_DISABLE_PROJECT_CONFIG", "1")],
        ),
        ("qwen", &["--allowed-mcp-server-names"], &[]),
    ];
    for (id, flags, variables) in needed {
        let tool = tool(&policy, id);
        for (name, template) in tool.templates() {
            let source = template.source();
            for flag in flags {
                let found = source.iter().any(|text| text == flag);
                assert!(found || name.as_str() == "version", "{id}:{name} {flag}");
            }
            assert!(!source.iter().any(|text| text == "--trust"), "{id}:{name}");
        }
        let set = tool.rules().set_env();
        for (name, value) in variables {
            let found = set
                .iter()
                .any(|(key, is)| key.as_str() == *name && is == value);
            assert!(found, "{id} {name}");
        }
    }
}

#[test]
fn agents_reach_one_origin_by_a_port_that_their_settings_name() {
    let policy = policy();
    for id in ["aider", "claude", "codex", "gemini", "opencode", "qwen"] {
        let tool = tool(&policy, id);
        let rules = tool.rules();
        assert_eq!(rules.network(), crate::tool::Network::Origins, "{id}");
        assert_eq!(rules.origins().len(), 1, "{id}");
        assert_eq!(rules.secrets().len(), 1, "{id}");
        let here = "127.0.0.1:8001";
        let by_variable = rules
            .set_env()
            .iter()
            .any(|(_, value)| value.contains(here));
        let by_argument = tool
            .templates()
            .values()
            .any(|template| template.source().iter().any(|text| text.contains(here)));
        assert!(by_variable || by_argument, "{id}");
    }
}

#[test]
fn a_prompt_is_no_slot_of_an_agent() {
    let policy = policy();
    for id in ["aider", "claude", "codex", "gemini", "opencode", "qwen"] {
        for (name, template) in tool(&policy, id).templates() {
            for slot in template.slots() {
                let kind = slot.kind();
                assert!(
                    !matches!(kind, SlotType::Text | SlotType::Rev),
                    "{id}:{name} {}: {kind}",
                    slot.name()
                );
            }
        }
    }
}
