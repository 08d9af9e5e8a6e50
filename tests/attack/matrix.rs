//! Every row of the attacker, at every level that this machine can be brought to, as whoever runs
//! the tests and as nobody.
//!
//! Never: a row that the attacker left out, a promise of a level that was not asked for.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use remit_attacker::{CANARY, HIDDEN, Level, PROCESSES, ROWS, Row, SEALED, SHARED_MEMORY, WORD};

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
        if !user.is_promised(row, level) {
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
        let before = stage.outside();
        let segment = Segment::new();
        let more = [format!("{SHARED_MEMORY}{}", segment.key)];
        let said = stage.attack("all", &more);
        if !user.can(level) {
            assert!(
                said.event("tool-started").is_none(),
                "{}",
                said.everything()
            );
            continue;
        }
        assert_eq!(said.level(), Some(level), "{user:?}: {}", said.everything());
        report.push_str(&broken(level, user, &said));
        if stage.outside() != before {
            let _ = writeln!(
                report,
                "level {level} as {user:?}: something outside changed"
            );
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

/// A word that the attacker leaves where nothing stops it; taken away again.
struct Left(String);

impl Drop for Left {
    fn drop(&mut self) {
        for directory in ["/tmp", "/var/tmp", "/dev/shm", "/run/lock"] {
            // Usually it is not there.
            std::fs::remove_file(format!("{directory}/{}", self.0)).ok();
        }
    }
}

/// A segment of System V memory that this process made and everybody on the machine can find.
struct Segment {
    key: i32,
    id: i32,
}

impl Segment {
    #[expect(unsafe_code, reason = "there is no safe wrapper for shared memory")]
    fn new() -> Self {
        static NEXT: AtomicI32 = AtomicI32::new(0x5245_0000);
        let key = i32::try_from(std::process::id()).unwrap() ^ NEXT.fetch_add(1 << 24, Relaxed);
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

/// The attempts of one row at the strongest level that did not end as they should.
fn one(row: &str, more: &[String], users: &[User]) -> String {
    let row: &Row = remit_attacker::find(row).unwrap();
    let mut report = String::new();
    for user in users.iter().copied() {
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
    assert_eq!(one("control", &[], &User::all()), "");
}

#[test]
fn a_fork_bomb_is_bounded() {
    let mut users = User::all();
    let row = remit_attacker::find("fork-bomb").unwrap();
    users.retain(|user| user.is_promised(row, Level::A));
    let bomb = format!("{PROCESSES}2000");
    assert_eq!(one("fork-bomb", &[bomb], &users), "");
}

#[test]
fn what_a_run_leaves_the_next_one_does_not_find() {
    for user in User::all() {
        let stage = Stage::set(user, None);
        let left = Left(format!("word-of-{}", std::process::id()));
        let word = [format!("{WORD}{}", left.0)];
        assert!(!attempts(&stage.attack("leave-behind", &word)).is_empty());
        let found = stage.attack("find-behind", &word);
        let found: Vec<_> = attempts(&found)
            .into_iter()
            .filter(|attempt| !attempt.verdict.holds())
            .collect();
        assert!(found.is_empty(), "{user:?}: {found:?}");
    }
}

#[test]
fn what_is_denied_inside_of_a_grant_is_not_reached() {
    let rights = [
        "--allow-read",
        "--allow-write",
        "--deny-read=deep/er/secret.txt",
        "--deny-write=kept/**",
    ];
    for level in [Level::A, Level::B, Level::BPrime] {
        for user in User::all() {
            let stage = Stage::set(user, without(level));
            let workspace = stage.home.workspace();
            let file = |name: &str| {
                let path = workspace.join(name);
                tree::make(&path, tree::Node::File(SECRET.as_bytes().to_vec()));
                path.display().to_string()
            };
            let hidden = format!("{HIDDEN}{}", file("deep/er/secret.txt"));
            let sealed = format!("{SEALED}{}", file("kept/file.txt"));
            stage.hand_over();
            let said = stage.attack_within(&rights, "carved-out", &[hidden, sealed]);
            if level == Level::B {
                // Landlock takes nothing out of what it gives.
                assert!(
                    said.event("tool-started").is_none(),
                    "{}",
                    said.everything()
                );
                continue;
            }
            assert_eq!(said.level(), Some(level), "{user:?}: {}", said.everything());
            let tried = attempts(&said);
            assert!(tried.len() > 10, "{user:?}: {}", said.everything());
            let mut reached = tried;
            reached.retain(|attempt| !attempt.verdict.holds());
            assert!(reached.is_empty(), "{level} {user:?}: {reached:?}");
            let kept = std::fs::read_to_string(workspace.join("kept/file.txt"));
            assert_eq!(kept.unwrap(), SECRET, "{level} {user:?}");
        }
    }
}

#[test]
fn who_may_only_write_does_not_read() {
    for level in [Level::A, Level::B, Level::BPrime] {
        for user in User::all().into_iter().filter(|user| user.can(level)) {
            let stage = Stage::set(user, without(level));
            let own = stage.home.workspace().join("own.txt");
            std::fs::write(&own, SECRET).unwrap();
            stage.hand_over();
            let own = format!("{CANARY}{}", own.display());
            let said = stage.attack_within(&["--allow-write"], "outside-read", &[own]);
            if level == Level::BPrime {
                // A mount that can be written can be read.
                assert!(
                    said.event("tool-started").is_none(),
                    "{}",
                    said.everything()
                );
                continue;
            }
            let mut reached = attempts(&said);
            assert!(!reached.is_empty(), "{}", said.everything());
            reached.retain(|attempt| !attempt.verdict.holds());
            assert!(reached.is_empty(), "{level} {user:?}: {reached:?}");
        }
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
