//! What else can go wrong: no room, no right to write, damage, a second host, an end in good order,
//! an end while someone watches. Each time a clear error or a clean recovery, and nothing lost.
//!
//! Never: a trouble that began before work was under way, where it could as well come later.

use rustix::process::Signal;

use crate::chance::Chance;
use crate::disk::Disk;
use crate::history::Event;
use crate::host::{Host, REFUSED, Stage};
use crate::machine::{send, until};
use crate::plan::{Ending, Plan, Task, ToolCall, Work};

/// Tasks of a plan that is in the middle when trouble comes.
const TASKS: usize = 24;
/// Lines of the tools' log after which work is under way.
const UNDER_WAY: usize = 12;
/// The exit code of a host that someone ended; see `docs/cli.md`.
const RESUMABLE: i32 = 8;

fn plan(seed: u64) -> Plan {
    Plan::random("trouble", TASKS, &mut Chance::new(seed))
}

fn stage(seed: u64) -> Stage {
    Stage::set(plan(seed), 3)
}

/// Starts a host and waits until its tools are at work.
#[track_caller]
fn working(stage: &Stage, more: &[&str]) -> Host {
    let before = stage.log_lines().len();
    let mut host = stage.host(more);
    let mut lives = true;
    let works = until(crate::home::PATIENCE, || {
        lives = host.lives();
        !lives || stage.log_lines().len() >= before + UNDER_WAY
    });
    if !works || !lives {
        let (status, said) = host.end();
        panic!("the host does not work: {status}: {said}");
    }
    host
}

/// Goes on to the end, with someone who answers.
fn complete(stage: &Stage) {
    let answers = std::thread::spawn(stage.answers());
    stage.complete();
    answers.join().unwrap();
}

#[test]
fn a_host_that_is_asked_to_end_leaves_a_run_that_goes_on() {
    let stage = stage(1);
    for signal in [Signal::TERM, Signal::INT] {
        let (status, said) = working(&stage, &[]).signal(signal);
        assert_eq!(status.code(), Some(RESUMABLE), "{said}");
        // It waited for what it ended.
        assert!(!stage.has_tools(), "a tool outlived its host");
    }
    // Whoever asks twice does not want to wait.
    let host = working(&stage, &[]);
    for _ in 0..2 {
        send(host.id(), Signal::TERM);
    }
    host.ends(RESUMABLE);
    complete(&stage);
}

/// The host dies while the tool is at work: what it did until then nobody knows.
#[test]
fn a_tool_that_must_not_be_repeated_is_not_when_its_end_is_unknown() {
    let slow = ToolCall::new("t0000.1", 1).pausing(60_000);
    let task = Task {
        id: "t0000".into(),
        needs: Vec::new(),
        group: None,
        priority: 0,
        work: Work::Tools {
            calls: vec![slow],
            gates: Vec::new(),
            remember: false,
        },
        ending: Ending::Failed,
        unknown_fails: true,
    };
    let plan = Plan {
        run: "once".into(),
        tasks: vec![task],
    };
    let stage = Stage::set(plan, 1);
    let host = stage.host(&[]);
    let began = until(crate::home::PATIENCE, || !stage.log_lines().is_empty());
    assert!(began, "{}", host.said());
    host.signal(Signal::KILL);
    let evidence = stage.complete();
    let unknown = |event: &&Event| event.is("EFFECT_UNKNOWN") && event.body["repeat"] == false;
    assert_eq!(evidence.events.iter().filter(unknown).count(), 1);
    let called = evidence.events.iter().any(|event| event.is("ESCALATION"));
    assert!(called, "nobody is called");
    assert_eq!(evidence.log.len(), 1, "{:?}", evidence.log);
}

#[test]
fn a_host_that_dies_while_someone_watches_leaves_a_run_that_goes_on() {
    let stage = stage(2);
    working(&stage, &["--watch"]).signal(Signal::KILL);
    complete(&stage);
}

#[test]
fn a_second_host_is_refused_and_disturbs_nothing() {
    let stage = stage(3);
    let answers = std::thread::spawn(stage.answers());
    let first = working(&stage, &[]);
    for _ in 0..3 {
        let said = stage.host(&[]).refused();
        assert!(said.contains(&first.id().to_string()), "{said}");
    }
    first.ends(stage.wanted_code());
    answers.join().unwrap();
    stage.holds();
}

#[test]
fn of_hosts_that_are_started_together_one_does_the_work() {
    let stage = stage(4);
    let answers = std::thread::spawn(stage.answers());
    let commands: Vec<_> = (0..4).map(|_| stage.execute(&[])).collect();
    let hosts: Vec<Host> = commands
        .into_iter()
        .map(|command| stage.start(command))
        .collect();
    let mut codes: Vec<Option<i32>> = Vec::new();
    for host in hosts {
        let (status, said) = host.end();
        codes.push(status.code());
        let known = [Some(REFUSED), Some(stage.wanted_code())];
        assert!(known.contains(&status.code()), "{status}: {said}");
    }
    let worked = codes
        .iter()
        .filter(|code| **code == Some(stage.wanted_code()))
        .count();
    assert_eq!(worked, 1, "{codes:?}");
    answers.join().unwrap();
    stage.holds();
}

#[test]
fn a_full_disk_loses_nothing() {
    let mut stage = stage(5);
    let place = stage.ledger();
    let Some(disk) = Disk::new(&place, "16m") else {
        return;
    };
    stage.around = disk.inside();
    let mut host = working(&stage, &[]);
    // It says so, and either waits for room or ends. What it held back for this is taken, too.
    let mut lives = true;
    let noticed = until(crate::home::PATIENCE, || {
        disk.fill();
        lives = host.lives();
        !lives || host.said().contains("full")
    });
    assert!(noticed, "a full disk is not noticed: {}", host.said());
    let known = stage.ask(&["runs"]);
    assert!(known.status.success(), "it cannot be read while it is full");
    disk.free();
    if lives {
        host.signal(Signal::KILL);
    } else {
        let (status, said) = host.end();
        assert!(said.contains("full"), "{status}: {said}");
        assert_ne!(status.code(), Some(0), "{said}");
    }
    complete(&stage);
}

#[test]
fn a_read_only_disk_is_refused_and_loses_nothing() {
    let mut stage = stage(6);
    let place = stage.ledger();
    let Some(disk) = Disk::new(&place, "64m") else {
        return;
    };
    stage.around = disk.inside();
    working(&stage, &[]).signal(Signal::KILL);
    stage.is_quiet();
    disk.read_only(true);
    let before = stage.log();
    let said = stage.host(&[]).refused();
    assert!(said.to_lowercase().contains("read-only"), "{said}");
    assert_eq!(stage.log(), before, "tools ran without a record");
    disk.read_only(false);
    complete(&stage);
}

/// What a host leaves that dies in the middle of a write: a part of a frame after the last commit.
#[test]
fn a_torn_write_at_the_end_of_the_log_is_recovered_from() {
    let stage = stage(7);
    working(&stage, &[]).signal(Signal::KILL);
    stage.is_quiet();
    let wal = stage.ledger().join("ledger.db-wal");
    let mut bytes = std::fs::read(&wal).unwrap();
    let torn: Vec<u8> = bytes.iter().rev().take(1_000).copied().collect();
    bytes.extend(torn);
    std::fs::write(&wal, bytes).unwrap();
    complete(&stage);
}

/// A disk that gives back other bytes than were written: nothing is done on such a ledger, it is
/// left as it is, and with the right bytes the run goes on.
#[test]
fn a_damaged_page_is_an_error_and_the_ledger_is_left_as_it_is() {
    let stage = stage(8);
    working(&stage, &[]).signal(Signal::KILL);
    stage.is_quiet();
    let file = stage.ledger().join("ledger.db");
    // Everything into the main file: what the log beside it has is read from there.
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); \
                  print(c.execute('pragma wal_checkpoint(truncate)').fetchone())";
    let moved = std::process::Command::new("python3")
        .args(["-c", script])
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(moved.stdout, b"(0, 0, 0)\n", "{moved:?}");
    let whole = std::fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    let page = damaged.len() - PAGE;
    for byte in &mut damaged[page..] {
        *byte ^= 0x5A;
    }
    std::fs::write(&file, &damaged).unwrap();
    let before = stage.log();
    let verified = stage.ask(&["ledger", "verify"]);
    let verified = (verified.status.code(), format!("{verified:?}"));
    assert_ne!(verified.0, Some(0), "damage is not seen: {verified:?}");
    assert!(verified.1.contains("damaged"), "{verified:?}");
    let said = stage.host(&[]).refused();
    assert!(said.contains("damaged"), "{said}");
    assert_eq!(stage.log(), before, "tools ran on a damaged ledger");
    std::fs::write(&file, &whole).unwrap();
    complete(&stage);
}

/// SQLite's usual page.
const PAGE: usize = 4096;
