//! Approvals in a world that changes: programs that are replaced, and approvals that are taken
//! back while a run rests on them.
//!
//! Never: a program that a test did not put there itself where one is replaced.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::check::events;
use crate::home::{Home, finish, wait};
use crate::kill::Running;
use crate::terminal::at_terminal;

/// A home with a tool of its own, `out/mine`, and the policy that declares it.
fn with_tool() -> (Home, PathBuf, PathBuf) {
    let home = Home::new();
    let program = home.path("out/mine");
    std::fs::copy("/bin/true", &program).unwrap();
    let policy = home.path("out/policy.toml");
    let text = format!(
        "format = 1\n[tools.mine]\nprogram = \"{}\"\ntemplates = {{ version = [\"--version\"] }}\n",
        program.display()
    );
    std::fs::write(&policy, text).unwrap();
    (home, program, policy)
}

/// How the program ends with these arguments, and what it says on both streams.
fn said(home: &Home, arguments: &[&str], policy: &Path) -> (Option<i32>, String) {
    let mut command = home.remit(arguments);
    command.arg("--policy").arg(policy);
    let output = finish(command, "");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

/// A file with other content under the same name: another inode, as an installation leaves it.
fn replace(path: &Path, content: &[u8]) {
    let new = path.with_extension("new");
    std::fs::copy(path, &new).unwrap();
    std::fs::write(&new, content).unwrap();
    std::fs::rename(&new, path).unwrap();
}

#[test]
fn a_replaced_program_stops_the_run_before_anything_of_it_runs() {
    let (home, program, policy) = with_tool();
    let probe = home.places()["$PROBE"].clone();
    let grant = ["grant", &probe, "--allow-run=mine", "--yes"];
    let run = ["run", &probe, "-i", "action=env"];
    assert_eq!(said(&home, &grant, &policy).0, Some(0));
    assert_eq!(said(&home, &run, &policy).0, Some(0));

    let mut content = std::fs::read(&program).unwrap();
    content.push(0);
    replace(&program, &content);
    let (code, text) = said(&home, &run, &policy);
    assert_eq!(code, Some(3), "{text}");
    assert!(
        text.contains("run `mine` is not what you approved"),
        "{text}"
    );
    assert!(!text.contains("run-started"), "{text}");
    let (code, text) = said(&home, &["grants"], &policy);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("! - tool mine"), "{text}");

    let update = ["grant", &probe, "--update", "--yes"];
    let (code, text) = said(&home, &update, &policy);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(said(&home, &run, &policy).0, Some(0));
}

#[test]
fn the_same_program_installed_again_is_pinned_again_without_a_question() {
    let (home, program, policy) = with_tool();
    let probe = home.places()["$PROBE"].clone();
    let grant = ["grant", &probe, "--allow-run=mine", "--yes"];
    assert_eq!(said(&home, &grant, &policy).0, Some(0));
    let content = std::fs::read(&program).unwrap();
    replace(&program, &content);
    let (code, text) = said(&home, &["run", &probe, "-i", "action=env"], &policy);
    assert_eq!(code, Some(0), "{text}");
    let kept = std::fs::read_to_string(home.path("home/state/remit/approvals.json")).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    let inode = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(&program).unwrap());
    assert_eq!(kept["approvals"][0]["tools"][0]["file"]["inode"], inode);
}

#[test]
fn a_program_that_was_not_there_does_not_start_unseen() {
    let (home, program, policy) = with_tool();
    let content = std::fs::read(&program).unwrap();
    std::fs::remove_file(&program).unwrap();
    let probe = home.places()["$PROBE"].clone();
    let grant = ["grant", &probe, "--allow-run=mine", "--yes"];
    let (code, text) = said(&home, &grant, &policy);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("does not exist"), "{text}");
    let run = ["run", &probe, "-i", "action=env"];
    assert_eq!(said(&home, &run, &policy).0, Some(0));
    std::fs::copy("/bin/true", &program).unwrap();
    std::fs::write(&program, content).unwrap();
    let (code, text) = said(&home, &run, &policy);
    assert_eq!(code, Some(3), "{text}");
    assert!(
        text.contains("- tool mine was not on this machine"),
        "{text}"
    );
}

#[test]
fn a_question_about_an_approval_needs_a_yes() {
    for (keys, code) in [("\n", 3), ("n\n", 3), ("y\n", 0)] {
        let home = Home::new();
        let seen = at_terminal(&home, &["grant", "module-creation"], keys);
        assert_eq!(seen.code, Some(code), "{keys:?}: {}", seen.screen);
        assert!(
            seen.screen.contains("approve exactly this?"),
            "{}",
            seen.screen
        );
        let there = home.path("home/state/remit/approvals.json").is_file();
        assert_eq!(there, code == 0, "{keys:?}");
    }
}

/// A run of the probe that rests on an approval.
fn approved(action: &str, shape: &str) -> Running {
    Running::under(action, shape, |home, policy| {
        let probe = home.places()["$PROBE"].clone();
        let grant = ["grant", &probe, "--allow-read", "--allow-run=tree", "--yes"];
        let (code, text) = said(home, &grant, policy);
        assert_eq!(code, Some(0), "{text}");
        Vec::new()
    })
}

#[test]
fn revoking_ends_a_run_with_every_process_of_its_tools() {
    for (action, shape) in [
        ("run", "deep"),
        ("run", "stubborn"),
        // The guest itself is busy, not the host on its behalf.
        ("spawn-spin", "churn"),
    ] {
        let running = approved(action, shape);
        let revoke = running.home.remit(&["revoke", "probe"]).spawn().unwrap();
        assert_eq!(wait(revoke).status.code(), Some(0));
        let ended = running.end();
        let what = format!("{action} {shape}: {}", ended.said());
        assert_eq!(ended.output.status.code(), Some(8), "{what}");
        let events = events(&ended.events).unwrap();
        let last = &events.last().unwrap()["outcome"];
        assert_eq!(last["status"], "cancelled", "{what}");
        assert_eq!(last["reason"], "revoked", "{what}");
        let revoked = events.iter().find(|one| one["type"] == "approval-revoked");
        let started = &events[0]["grants"]["approvals"][0];
        assert_eq!(&revoked.unwrap()["approval"], started, "{what}");
        assert!(ended.alive.is_empty(), "{what}: {:?} is left", ended.alive);
    }
}

#[test]
fn revoking_changes_nothing_for_a_run_that_the_policy_allows_anyway() {
    let running = Running::under("run", "leaver", |home, policy| {
        let probe = home.places()["$PROBE"].clone();
        let grant = ["grant", &probe, "--allow-read", "--allow-run=tree", "--yes"];
        assert_eq!(said(home, &grant, policy).0, Some(0));
        vec!["--allow-read".to_owned(), "--allow-run=tree".to_owned()]
    });
    let revoke = running.home.remit(&["revoke", "--all"]).spawn().unwrap();
    assert_eq!(wait(revoke).status.code(), Some(0));
    let ended = running.end();
    assert_eq!(ended.output.status.code(), Some(0), "{}", ended.said());
    let events = events(&ended.events).unwrap();
    assert_eq!(events[0]["type"], "run-started");
    assert_eq!(events[0]["grants"].get("approvals"), None);
}
