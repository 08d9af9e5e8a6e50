//! G17: machines that lack a part of what confines. Either nothing runs, with words, or it runs at
//! a lower level that is said as it is, and that level keeps its promises.
//!
//! Never: a level that is taken on trust.

use remit_attacker::{Level, ROWS};

use crate::home::finish;
use crate::stage::{Said, Stage, User, attempts};

/// Exit codes with which a run is refused: denied, or the plugin cannot be run here.
const REFUSED: [i32; 2] = [3, 10];

/// What is said of a machine on which not even a harmless program can be started as a tool.
const NO_TOOL: &str = "tools cannot be run here";

/// Runs everything on a machine without these features; the level, if it ran.
fn honest(features: &'static str) -> Vec<(User, Option<Level>)> {
    let run = |user| {
        let stage = Stage::set(user, Some(features));
        let said = stage.attack("all", &[]);
        let level = judge(&said, user, features);
        overview(&stage, level);
        (user, level)
    };
    User::all().into_iter().map(run).collect()
}

fn judge(said: &Said, user: User, features: &str) -> Option<Level> {
    let everything = said.everything();
    if said.event("tool-started").is_none() {
        let refused = said.code.is_some_and(|code| REFUSED.contains(&code));
        let in_words = refused && everything.contains("tools at level");
        // Or the start failed, at a step that has a name.
        let no_tool = said.code == Some(2) && everything.contains(NO_TOOL);
        assert!(in_words || no_tool, "without {features}: {everything}");
        return None;
    }
    let level = said
        .level()
        .unwrap_or_else(|| panic!("without {features}: {everything}"));
    let promised = ROWS.iter().filter(|row| user.is_promised(row, level));
    let promised: Vec<&str> = promised.map(|row| row.name).collect();
    let broken: Vec<String> = attempts(said)
        .iter()
        .filter(|one| promised.contains(&one.row.as_str()) && !one.verdict.holds())
        .map(ToString::to_string)
        .collect();
    assert!(
        broken.is_empty(),
        "level {level} without {features}:\n{}",
        broken.join("\n")
    );
    Some(level)
}

/// `remit doctor` says the same as the record.
fn overview(stage: &Stage, level: Option<Level>) {
    let output = finish(stage.remit(&["doctor", "--json"]), "");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    match level {
        Some(level) => assert!(said.contains(&format!("level {level}")), "{level}: {said}"),
        None => assert_eq!(output.status.code(), Some(1), "{said}"),
    }
}

#[test]
fn without_landlock_namespaces_remain() {
    for (user, level) in honest("landlock") {
        assert_eq!(level, Some(Level::BPrime), "{user:?}");
    }
}

#[test]
fn without_namespaces_landlock_remains() {
    for (user, level) in honest("userns") {
        assert_eq!(level, user.can(Level::B).then_some(Level::B), "{user:?}");
    }
}

#[test]
fn without_mounts_no_root_is_claimed() {
    for (user, level) in honest("mount") {
        assert_eq!(level, user.can(Level::B).then_some(Level::B), "{user:?}");
    }
}

#[test]
fn without_filters_nothing_runs() {
    for (user, level) in honest("seccomp") {
        assert_eq!(level, None, "{user:?}");
    }
}

#[test]
fn without_anything_nothing_runs() {
    for (user, level) in honest("landlock,userns") {
        assert_eq!(level, None, "{user:?}");
    }
}

#[test]
fn without_landlock_and_mounts_nothing_runs() {
    for (user, level) in honest("landlock,mount") {
        assert_eq!(level, None, "{user:?}");
    }
}

#[test]
fn without_a_way_to_close_descriptors_nothing_runs() {
    for (user, level) in honest("closerange") {
        assert_eq!(level, None, "{user:?}");
    }
}
