//! The scratch directory, from inside: it needs no grant, it leads nowhere else, and it gives
//! nothing of the workspace.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic and builds its own directories"
)]

mod support;

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};
use support::{Done, probe, probe_with_scratch};
use tempfile::TempDir;

const ASK: &str = "[[read]]\npath = \".\"\nreason = \"r\"\n[[write]]\npath = \".\"\noptional = true\nreason = \"r\"\n";
const READ_AND_WRITE: &str = "[plugins.fake]\nread = [\".\"]\nwrite = [\".\"]\n";

/// A workspace and a scratch directory, and a file beside both.
fn place() -> TempDir {
    let top = TempDir::new().unwrap();
    for name in ["w/secret", "s", "outside"] {
        fs::create_dir_all(top.path().join(name)).unwrap();
    }
    fs::write(top.path().join("w/a.txt"), "A").unwrap();
    fs::write(top.path().join("w/secret/k.txt"), "KEY").unwrap();
    fs::write(top.path().join("outside/o.txt"), "OUT").unwrap();
    top
}

/// Has the probe do something under these rules.
async fn done(top: &TempDir, policy: &str, inputs: Value) -> Done {
    let (workspace, scratch) = (top.path().join("w"), top.path().join("s"));
    let manifest = if policy.is_empty() { "" } else { ASK };
    probe_with_scratch(&workspace, &scratch, manifest, policy, inputs).await
}

#[track_caller]
fn is_ok(done: &Done) -> Value {
    let outputs = done.outputs();
    let ok = outputs.get("ok");
    ok.unwrap_or_else(|| panic!("it failed: {outputs}")).clone()
}

#[track_caller]
fn is_error(done: &Done) {
    let outputs = done.outputs();
    assert!(outputs.get("error").is_some(), "not refused: {outputs}");
}

#[tokio::test]
async fn it_can_be_used_in_every_way_without_a_grant() {
    let top = place();
    let inputs = json!({"action": "sequence", "actions": [
        {"action": "mkdir", "path": "/scratch/d"},
        {"action": "write", "path": "/scratch/d/x", "text": "one"},
        {"action": "append", "path": "/scratch/d/x", "text": " two"},
        {"action": "rename", "from": "/scratch/d/x", "path": "/scratch/y"},
        {"action": "read", "path": "/scratch/y"},
        {"action": "truncate", "path": "/scratch/y", "size": 3},
        {"action": "rmdir", "path": "/scratch/d"},
        {"action": "ls", "path": "/scratch"},
        {"action": "stat", "path": "/scratch/y"},
    ]});
    let done = done(&top, "", inputs).await;
    let text = is_ok(&done).to_string();
    assert!(
        text.contains("one two") && !text.contains("error"),
        "{text}"
    );
    assert!(done.denied().is_empty());
    assert_eq!(fs::read_to_string(top.path().join("s/y")).unwrap(), "one");
}

#[tokio::test]
async fn a_plugin_is_told_where_it_is_and_one_that_has_none_is_not() {
    let top = place();
    let with = done(&top, "", json!({"action": "grants"})).await;
    assert_eq!(is_ok(&with)["scratch"], "/scratch");
    assert_eq!(is_ok(&with)["root"], Value::Null);
    let without = probe(&top.path().join("w"), "", "", json!({"action": "grants"})).await;
    assert_eq!(is_ok(&without)["scratch"], Value::Null);
    let read = json!({"action": "write", "path": "/scratch/x", "text": ""});
    is_error(&probe(&top.path().join("w"), "", "", read).await);
}

#[tokio::test]
async fn no_link_that_a_tool_left_leads_out_of_it() {
    let top = place();
    let at = |name: &str| top.path().join("s").join(name);
    for (target, link) in [
        ("/etc/passwd", "absolute"),
        ("../outside/o.txt", "relative"),
        ("../outside", "directory"),
        ("../w", "workspace"),
        ("../outside/new.txt", "dangling"),
        ("loop", "loop"),
    ] {
        symlink(target, at(link)).unwrap();
    }
    for policy in ["", READ_AND_WRITE] {
        for deed in [
            json!({"action": "read", "path": "/scratch/absolute"}),
            json!({"action": "read", "path": "/scratch/relative"}),
            json!({"action": "read", "path": "/scratch/directory/o.txt"}),
            json!({"action": "read", "path": "/scratch/../outside/o.txt"}),
            json!({"action": "read", "path": "/scratch/loop"}),
            json!({"action": "read", "path": "/scratch/workspace/a.txt"}),
            json!({"action": "write", "path": "/scratch/relative", "text": "x"}),
            json!({"action": "write", "path": "/scratch/dangling", "text": "x"}),
            json!({"action": "write", "path": "/scratch/directory/new.txt", "text": "x"}),
            json!({"action": "ls", "path": "/scratch/directory"}),
            json!({"action": "mkdir", "path": "/scratch/directory/new"}),
            json!({"action": "remove", "path": "/scratch/directory/o.txt"}),
            json!({"action": "rename", "from": "/scratch/directory/o.txt", "path": "/scratch/o"}),
            json!({"action": "symlink", "target": "/etc", "path": "/scratch/new"}),
            json!({"action": "hardlink", "from": "/scratch/relative", "path": "/scratch/hard"}),
        ] {
            let done = done(&top, policy, deed.clone()).await;
            let outputs = done.outputs();
            assert!(outputs.get("error").is_some(), "{deed}: {outputs}");
        }
    }
    let outside: Vec<_> = fs::read_dir(top.path().join("outside")).unwrap().collect();
    assert_eq!(outside.len(), 1);
    let text = fs::read_to_string(top.path().join("outside/o.txt")).unwrap();
    assert_eq!(text, "OUT");
    // A link itself can be removed.
    let done = done(
        &top,
        "",
        json!({"action": "remove", "path": "/scratch/dangling"}),
    )
    .await;
    is_ok(&done);
}

#[tokio::test]
async fn it_gives_nothing_of_the_workspace_and_takes_nothing_from_its_rules() {
    let top = place();
    is_error(&done(&top, "", json!({"action": "read", "path": "a.txt"})).await);
    let into = json!({"action": "rename", "from": "a.txt", "path": "/scratch/a.txt"});
    is_error(&done(&top, "", into.clone()).await);
    // Even what may be written and read stays where its rules are.
    is_error(&done(&top, READ_AND_WRITE, into).await);
    let guarded = "[plugins.fake]\nread = [\".\"]\nwrite = [\".\"]\n\
        deny-read = [\"secret/**\"]\n";
    let key = json!({"action": "rename", "from": "secret", "path": "/scratch/secret"});
    is_error(&done(&top, guarded, key).await);
    let link = json!({"action": "hardlink", "from": "secret/k.txt", "path": "/scratch/k"});
    is_error(&done(&top, guarded, link).await);
    assert_eq!(fs::read_dir(top.path().join("s")).unwrap().count(), 0);
    let out = json!({"action": "sequence", "actions": [
        {"action": "write", "path": "/scratch/x", "text": "x"},
        {"action": "rename", "from": "/scratch/x", "path": "secret/x"},
    ]});
    let read_only = "[plugins.fake]\nread = [\".\"]\n";
    let moved = done(&top, read_only, out).await;
    assert!(is_ok(&moved)[1].get("error").is_some());
    assert!(!top.path().join("w/secret/x").exists());
}

#[tokio::test]
async fn it_is_the_plugins_own_even_where_it_lies_in_a_workspace_that_may_not_be_written() {
    let top = place();
    let scratch = top.path().join("w/secret/s");
    fs::create_dir(&scratch).unwrap();
    let policy = "[plugins.fake]\nread = [\".\"]\ndeny-read = [\"secret/**\"]\n";
    let inputs = json!({"action": "sequence", "actions": [
        {"action": "write", "path": "/scratch/x", "text": "x"},
        {"action": "read", "path": "/scratch/x"},
    ]});
    let workspace = top.path().join("w");
    let done = probe_with_scratch(&workspace, &scratch, ASK, policy, inputs).await;
    is_ok(&done);
    let up = json!({"action": "read", "path": "/scratch/../k.txt"});
    is_error(&probe_with_scratch(&workspace, &scratch, ASK, policy, up).await);
}
