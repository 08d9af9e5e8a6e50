//! The granted directories, from inside: what a guest reaches and what it does not, whatever it
//! writes, links, swaps or renames.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic and builds its own workspace"
)]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};
use support::probe;
use tempfile::TempDir;

const ASK: &str =
    "[[read]]\npath = \".\"\nreason = \"r\"\n[[write]]\npath = \".\"\nreason = \"r\"\n";

/// A directory with a workspace in it, and things beside the workspace that nobody may reach.
fn hostile_workspace() -> TempDir {
    let top = TempDir::new().unwrap();
    let at = |path: &str| top.path().join(path);
    for dir in ["w/sub", "w/secret", "w/.git", "outside"] {
        fs::create_dir_all(at(dir)).unwrap();
    }
    for (path, text) in [
        ("w/a.txt", "A"),
        ("w/sub/b.txt", "B"),
        ("w/secret/k.txt", "KEY"),
        ("w/.git/config", "CONFIG"),
        ("outside/o.txt", "OUT"),
    ] {
        fs::write(at(path), text).unwrap();
    }
    for (target, link) in [
        ("../outside/o.txt", "w/file-out"),
        ("/etc/passwd", "w/absolute-out"),
        ("../outside", "w/dir-out"),
        ("../outside/", "w/dir-out-slash"),
        ("../outside/new.txt", "w/dangling-out"),
        ("secret", "w/inside"),
        ("secret/k.txt", "w/to-key"),
        (".git/config", "w/to-config"),
        ("loop", "w/loop"),
    ] {
        symlink(target, at(link)).unwrap();
    }
    top
}

fn listing(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn refused(policy: &str, inputs: Value) -> (TempDir, Vec<String>) {
    let top = hostile_workspace();
    let done = probe(&top.path().join("w"), ASK, policy, inputs.clone()).await;
    let outputs = done.outputs();
    assert!(
        outputs.get("error").is_some(),
        "{inputs} was not refused: {outputs}"
    );
    assert_eq!(listing(&top.path().join("outside")), ["o.txt"], "{inputs}");
    assert_eq!(
        fs::read_to_string(top.path().join("outside/o.txt")).unwrap(),
        "OUT",
        "{inputs}"
    );
    let denied = done.denied();
    (top, denied)
}

async fn allowed(policy: &str, inputs: Value) -> (TempDir, Value) {
    let top = hostile_workspace();
    let done = probe(&top.path().join("w"), ASK, policy, inputs.clone()).await;
    let outputs = done.outputs().clone();
    assert!(
        outputs.get("ok").is_some(),
        "{inputs} was refused: {outputs}, {:?}",
        done.denied()
    );
    (top, outputs["ok"].clone())
}

const ALL: &str = "[plugins.fake]\nread = [\".\"]\nwrite = [\".\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outside_the_workspace_is_reached() {
    for inputs in [
        json!({"action": "read", "path": "../outside/o.txt"}),
        json!({"action": "read", "path": "sub/../../outside/o.txt"}),
        json!({"action": "read", "path": "/etc/passwd"}),
        json!({"action": "read", "path": "/proc/self/environ"}),
        json!({"action": "read", "path": "file-out"}),
        json!({"action": "read", "path": "absolute-out"}),
        json!({"action": "read", "path": "dir-out/o.txt"}),
        json!({"action": "read", "path": "dir-out-slash/o.txt"}),
        json!({"action": "read", "path": "dir-out/"}),
        json!({"action": "read", "path": "loop"}),
        json!({"action": "ls", "path": "dir-out"}),
        json!({"action": "ls", "path": "dir-out/"}),
        json!({"action": "ls", "path": ".."}),
        json!({"action": "write", "path": "../outside/n", "text": "x"}),
        json!({"action": "write", "path": "file-out", "text": "x"}),
        json!({"action": "write", "path": "dangling-out", "text": "x"}),
        json!({"action": "append", "path": "file-out", "text": "x"}),
        json!({"action": "update", "path": "file-out", "text": "x"}),
        json!({"action": "truncate", "path": "file-out", "size": 0}),
        json!({"action": "mkdir", "path": "dir-out/n"}),
        json!({"action": "remove", "path": "dir-out/o.txt"}),
        json!({"action": "rmdir", "path": "../outside"}),
        json!({"action": "rename", "from": "a.txt", "path": "../outside/a.txt"}),
        json!({"action": "rename", "from": "a.txt", "path": "dir-out/a.txt"}),
        json!({"action": "rename", "from": "dir-out/o.txt", "path": "stolen"}),
    ] {
        refused(ALL, inputs).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_make_no_links() {
    for inputs in [
        json!({"action": "symlink", "target": "../outside", "path": "l"}),
        json!({"action": "symlink", "target": "/etc", "path": "l"}),
        json!({"action": "symlink", "target": "a.txt", "path": "l"}),
        json!({"action": "hardlink", "from": "a.txt", "path": "l"}),
    ] {
        let (top, _) = refused(ALL, inputs).await;
        assert!(fs::symlink_metadata(top.path().join("w/l")).is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaving_link_is_a_denial_on_record() {
    let (_top, denied) = refused(ALL, json!({"action": "read", "path": "dir-out/o.txt"})).await;
    assert_eq!(denied, ["dir-out/o.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_granted_works() {
    let (_top, text) = allowed(ALL, json!({"action": "read", "path": "a.txt"})).await;
    assert_eq!(text, "A");
    let (_top, text) = allowed(ALL, json!({"action": "read", "path": "inside/k.txt"})).await;
    assert_eq!(text, "KEY");
    let (top, _) = allowed(
        ALL,
        json!({"action": "write", "path": "sub/n.txt", "text": "new"}),
    )
    .await;
    assert_eq!(
        fs::read_to_string(top.path().join("w/sub/n.txt")).unwrap(),
        "new"
    );
    let (top, _) = allowed(ALL, json!({"action": "write", "path": "a.txt", "text": ""})).await;
    assert_eq!(fs::read_to_string(top.path().join("w/a.txt")).unwrap(), "");
    let (top, _) = allowed(ALL, json!({"action": "mkdir", "path": "x/y/z"})).await;
    assert!(top.path().join("w/x/y/z").is_dir());
    let (top, _) = allowed(
        ALL,
        json!({"action": "rename", "from": "sub", "path": "moved"}),
    )
    .await;
    assert!(top.path().join("w/moved/b.txt").is_file());
    let (_top, names) = allowed(ALL, json!({"action": "ls", "path": "sub"})).await;
    assert_eq!(names, json!(["b.txt"]));
}

const CARVED: &str = "[plugins.fake]\nread = [\".\"]\nwrite = [\".\"]\ndeny-read = [\"secret/**\"]\ndeny-write = [\".git/**\", \"secret/**\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn deny_rules_hold_against_every_way_around_them() {
    for inputs in [
        json!({"action": "read", "path": "secret/k.txt"}),
        json!({"action": "read", "path": "sub/../secret/k.txt"}),
        json!({"action": "read", "path": "inside/k.txt"}),
        json!({"action": "read", "path": "to-key"}),
        json!({"action": "write", "path": ".git/config", "text": "x"}),
        json!({"action": "write", "path": ".git/pre-commit", "text": "x"}),
        json!({"action": "write", "path": "to-config", "text": "x"}),
        json!({"action": "append", "path": "to-config", "text": "x"}),
        json!({"action": "truncate", "path": "to-config", "size": 0}),
        json!({"action": "remove", "path": ".git/config"}),
        json!({"action": "rename", "from": ".git", "path": "dot-git"}),
        json!({"action": "rename", "from": "secret", "path": "open"}),
        json!({"action": "rename", "from": "secret/k.txt", "path": "k.txt"}),
        json!({"action": "rename", "from": "a.txt", "path": ".git/config"}),
        json!({"action": "mkdir", "path": ".git/hooks"}),
    ] {
        let (top, denied) = refused(CARVED, inputs.clone()).await;
        assert!(!denied.is_empty(), "{inputs} left no denial");
        let config = fs::read_to_string(top.path().join("w/.git/config")).unwrap();
        assert_eq!(config, "CONFIG", "{inputs}");
        assert_eq!(
            fs::read_to_string(top.path().join("w/secret/k.txt")).unwrap(),
            "KEY",
            "{inputs}"
        );
    }
    allowed(CARVED, json!({"action": "read", "path": ".git/config"})).await;
    allowed(
        CARVED,
        json!({"action": "write", "path": "sub/n", "text": "x"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_the_workspace_is_only_that_part() {
    let ask = "[[read]]\npath = \"sub\"\nreason = \"r\"\n";
    let policy = "[plugins.fake]\nread = [\"sub\"]\n";
    for (inputs, want) in [
        (json!({"action": "read", "path": "sub/b.txt"}), true),
        (json!({"action": "ls", "path": "sub"}), true),
        (json!({"action": "read", "path": "a.txt"}), false),
        (json!({"action": "ls", "path": "."}), false),
        (json!({"action": "stat", "path": "a.txt"}), false),
        (
            json!({"action": "write", "path": "sub/b.txt", "text": "x"}),
            false,
        ),
        (
            json!({"action": "truncate", "path": "sub/b.txt", "size": 0}),
            false,
        ),
        (json!({"action": "remove", "path": "sub/b.txt"}), false),
        (json!({"action": "mkdir", "path": "sub/n"}), false),
    ] {
        let top = hostile_workspace();
        let done = probe(&top.path().join("w"), ask, policy, inputs.clone()).await;
        assert_eq!(
            done.outputs().get("ok").is_some(),
            want,
            "{inputs}: {}",
            done.outputs()
        );
        assert_eq!(
            fs::read_to_string(top.path().join("w/sub/b.txt")).unwrap(),
            "B",
            "{inputs}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_grant_there_is_no_file_system() {
    let top = hostile_workspace();
    for inputs in [
        json!({"action": "read", "path": "a.txt"}),
        json!({"action": "ls", "path": "."}),
        json!({"action": "write", "path": "n", "text": "x"}),
        json!({"action": "changed"}),
    ] {
        let done = probe(&top.path().join("w"), "", "", inputs.clone()).await;
        assert!(
            done.outputs().get("error").is_some(),
            "{inputs}: {}",
            done.outputs()
        );
    }
    let done = probe(&top.path().join("w"), "", "", json!({"action": "grants"})).await;
    let text = done.outputs().to_string();
    assert!(!text.contains("w/"), "{text}");
}

/// A native thread swaps a directory for a link to the outside while the guest reads.
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_swapped_for_a_link_leaks_nothing() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let top = hostile_workspace();
    let w = top.path().join("w");
    fs::create_dir(w.join("t")).unwrap();
    fs::write(w.join("t/o.txt"), "IN").unwrap();
    symlink("../outside", w.join("t2")).unwrap();
    let stop = AtomicBool::new(false);
    let reads: Vec<Value> = (0..400)
        .map(|_| json!({"action": "read", "path": "t/o.txt"}))
        .collect();
    let done = std::thread::scope(|scope| {
        scope.spawn(|| {
            let (a, b) = (w.join("t"), w.join("t2"));
            while !stop.load(Ordering::Relaxed) {
                rustix::fs::renameat_with(
                    rustix::fs::CWD,
                    &a,
                    rustix::fs::CWD,
                    &b,
                    rustix::fs::RenameFlags::EXCHANGE,
                )
                .unwrap();
            }
        });
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let handle = std::thread::spawn({
            let w = w.clone();
            move || {
                let done = runtime.block_on(probe(
                    &w,
                    ASK,
                    ALL,
                    json!({"action": "sequence", "actions": reads}),
                ));
                runtime.shutdown_background();
                done
            }
        });
        let done = handle.join().unwrap();
        stop.store(true, Ordering::Relaxed);
        done
    });
    let text = done.outputs().to_string();
    assert!(!text.contains("OUT"), "{text}");
    assert!(
        text.contains("IN"),
        "the race never let a read through: {text}"
    );
}
