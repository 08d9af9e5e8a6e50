//! Learning changes nothing: not the workspace, not the policy, not the state, not one byte.
//!
//! Never: a look at what the program says only.

use std::process::Output;

use crate::home::{Home, finish};
use crate::tree;

/// The policy of whoever learns, with something that an edit could spoil.
const POLICY: &str = "# mine\nformat = 1\n\n[plugins.probe]\nread = [ \"src\" ]   # odd\n";

/// A home in which a plugin has run before, and kept a value.
fn lived_in() -> Home {
    let home = Home::new();
    let policy = home.path("home/config/remit/policy.toml");
    std::fs::create_dir_all(policy.parent().unwrap()).unwrap();
    std::fs::write(policy, POLICY).unwrap();
    for path in ["src/a.txt", "docs/b.txt"] {
        let path = home.workspace().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "before").unwrap();
    }
    let kept = remit(&home, &["run", "--no-prompt"], SET);
    assert_eq!(kept.status.code(), Some(0), "{kept:?}");
    home
}

/// Inputs of the probe: a value to keep.
const SET: &str = r#"{"action": "state-set", "scope": "task", "key": "k", "json": "1"}"#;

fn remit(home: &Home, words: &[&str], inputs: &str) -> Output {
    let probe = &home.places()["$PROBE"];
    let mut arguments = words.to_vec();
    arguments.extend([probe.as_str(), "--input-file", "-"]);
    finish(home.remit(&arguments), inputs)
}

#[test]
fn a_rehearsal_leaves_no_trace() {
    let home = lived_in();
    let before = [home.path("home"), home.workspace()].map(|path| tree::read(&path));
    let state = &before[0];
    assert!(
        state.contains_key("state/remit/state.db"),
        "{:?}",
        state.keys()
    );
    for inputs in [
        SET,
        r#"{"action": "write", "path": "src/a.txt", "text": "after"}"#,
        r#"{"action": "remove", "path": "docs/b.txt"}"#,
        r#"{"action": "sequence", "actions": [{"action": "mkdir", "path": "new"}, {"action": "state-set", "scope": "project", "key": "x", "json": "2"}]}"#,
        r#"{"action": "return", "ending": "failed", "text": "no"}"#,
        r#"{"action": "run", "call": {"tool": "python3", "template": "version"}}"#,
    ] {
        let output = remit(
            &home,
            &["policy", "learn", "--allow-run=python3:version"],
            inputs,
        );
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{inputs}: {said}");
        let after = [home.path("home"), home.workspace()].map(|path| tree::read(&path));
        assert!(after == before, "{inputs}: something changed");
        assert!(tree::read(&home.path("tmp")).is_empty(), "{inputs}");
    }
}

#[test]
fn a_value_that_was_kept_is_not_seen_in_a_rehearsal() {
    let home = lived_in();
    let get = r#"{"action": "state-get", "scope": "task", "key": "k"}"#;
    for (words, want) in [
        (&["run", "--no-prompt", "--json"][..], "\"1\""),
        (&["policy", "learn", "--json"], "null"),
    ] {
        let output = remit(&home, words, get);
        let said = String::from_utf8(output.stdout).unwrap();
        let said: String = said.split_whitespace().collect();
        assert!(
            said.contains(&format!("\"ok\":{want}")),
            "{words:?}: {said}"
        );
    }
}

#[test]
fn what_is_written_is_the_policy_with_the_rules_and_nothing_else() {
    let home = lived_in();
    let write = r#"{"action": "write", "path": "src/a.txt", "text": "after"}"#;
    let output = remit(&home, &["policy", "learn", "--write", "--yes"], write);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = std::fs::read_to_string(home.path("home/config/remit/policy.toml")).unwrap();
    let (head, rest) = text.split_at(POLICY.len());
    assert_eq!(head, POLICY);
    assert_eq!(
        rest,
        "write = [\".\"]\ndeny-write = [\".git/**\", \".vscode/**\", \".idea/**\", \"docs/**\"]\n"
    );
    assert_eq!(
        std::fs::read(home.workspace().join("src/a.txt")).unwrap(),
        b"before"
    );
}
