//! Every row of the attacker, at every level that this machine can be brought to, as whoever runs
//! the tests and as nobody.
//!
//! Never: a row that the attacker left out, a promise of a level that was not asked for.

use std::fmt::Write as _;

use remit_attacker::{Level, ROWS, Row, SHARED_MEMORY, WORD};

use crate::stage::{SECRET, Stage, User, attempts};
use crate::tree;

/// What has to be taken away to come to a level.
fn without(level: Level) -> Option<&'static str> {
    match level {
        Level::A => None,
        Level::B => Some("userns"),
        Level::BPrime => Some("landlock"),
        Level::C => Some("landlock,userns,seccomp"),
    }
}

/// Attempts that a level promises to refuse and that were not refused.
fn broken(level: Level, user: User, said: &crate::stage::Said) -> String {
    let attempts = attempts(said);
    let mut text = String::new();
    for row in ROWS {
        let own: Vec<_> = attempts.iter().filter(|one| one.row == row.name).collect();
        if own.is_empty() {
            let _ = writeln!(text, "{}: nothing was tried", row.name);
        }
        if !row.promised.contains(&level) {
            continue;
        }
        for attempt in own.iter().filter(|attempt| !attempt.verdict.holds()) {
            let _ = writeln!(text, "{attempt}");
        }
    }
    if text.is_empty() {
        text
    } else {
        format!("level {level} as {user:?}:\n{text}")
    }
}

/// Tries everything at a level.
fn attack(level: Level) {
    let mut report = String::new();
    for user in User::all() {
        let stage = Stage::set(user, without(level));
        let before = tree::read(&stage.home.path(""));
        let segment = Segment::new();
        let more = [
            format!("{SHARED_MEMORY}{}", segment.key),
            format!("{WORD}left-by-{}", std::process::id()),
        ];
        let said = stage.attack("all", &more);
        assert_eq!(said.level(), Some(level), "{user:?}: {}", said.everything());
        report.push_str(&broken(level, user, &said));
        let after = tree::read(&stage.home.path(""));
        for change in tree::changes(&before, &after) {
            // What is in the workspace is the tool's to change, and the program keeps its records.
            let own = ["workspace/", "home/state/", "home/cache/"];
            if !own.iter().any(|place| change[2..].starts_with(place)) {
                let _ = writeln!(
                    report,
                    "level {level} as {user:?}: outside changed: {change}"
                );
            }
        }
        assert!(
            !said.everything().contains(SECRET),
            "{level} {user:?}: the canary was read"
        );
    }
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn level_a_keeps_its_promises() {
    attack(Level::A);
}

#[test]
fn level_b_keeps_its_promises() {
    attack(Level::B);
}

#[test]
fn level_b_prime_keeps_its_promises() {
    attack(Level::BPrime);
}

/// A segment of System V memory that this process made and everybody on the machine can find.
struct Segment {
    key: i32,
    id: i32,
}

impl Segment {
    #[expect(unsafe_code, reason = "there is no safe wrapper for shared memory")]
    fn new() -> Self {
        let key = i32::try_from(std::process::id()).unwrap() ^ 0x5245_0000;
        // SAFETY: makes a segment and attaches nothing.
        let id = unsafe { libc::shmget(key, 4096, libc::IPC_CREAT | 0o666) };
        assert!(
            id >= 0,
            "no shared memory: {}",
            std::io::Error::last_os_error()
        );
        Self { key, id }
    }
}

impl Drop for Segment {
    #[expect(unsafe_code, reason = "there is no safe wrapper for shared memory")]
    fn drop(&mut self) {
        // SAFETY: removes the segment that this value made.
        unsafe { libc::shmctl(self.id, libc::IPC_RMID, std::ptr::null_mut()) };
    }
}

/// The attempts of one row, as this user, at the strongest level.
fn one(row: &str, more: &[String]) -> String {
    let row: &Row = remit_attacker::find(row).unwrap();
    let mut report = String::new();
    for user in User::all() {
        let stage = Stage::set(user, None);
        let said = stage.attack(row.name, more);
        let attempts = attempts(&said);
        assert!(!attempts.is_empty(), "{}", said.everything());
        for attempt in attempts.iter().filter(|attempt| !attempt.verdict.holds()) {
            let _ = writeln!(report, "{user:?}: {attempt}");
        }
    }
    report
}

#[test]
fn an_ordinary_tool_still_works() {
    assert_eq!(one("control", &[]), "");
}

#[test]
fn a_fork_bomb_is_bounded() {
    assert_eq!(one("fork-bomb", &["--processes=2000".to_owned()]), "");
}

#[test]
fn what_a_run_leaves_the_next_one_does_not_find() {
    for user in User::all() {
        let stage = Stage::set(user, None);
        let word = [format!("{WORD}word-of-{}", std::process::id())];
        let left = attempts(&stage.attack("leave-behind", &word));
        assert!(!left.is_empty());
        let found = stage.attack("find-behind", &word);
        let found: Vec<_> = attempts(&found)
            .into_iter()
            .filter(|attempt| !attempt.verdict.holds())
            .collect();
        assert!(found.is_empty(), "{user:?}: {found:?}");
    }
}

#[test]
fn every_row_is_more_than_a_name() {
    let stage = Stage::set(User::Own, None);
    let said = stage.attack("all", &[]);
    for row in ROWS {
        let own = attempts(&said)
            .into_iter()
            .filter(|one| one.row == row.name);
        let own: Vec<_> = own.collect();
        assert!(!own.is_empty(), "{}", row.name);
        let named = own
            .iter()
            .any(|one| one.verdict.to_string().contains("is only a name"));
        assert!(!named, "{}", row.name);
    }
}
