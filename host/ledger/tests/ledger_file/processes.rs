//! Several processes, and several handles of one, on one file.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use remit_engine::durable::ledger::{HostIdentity, LedgerError};
use remit_ledger::verify_ledger;

use crate::*;

/// Names the file for a process that this test starts as a copy of itself.
const FILE: &str = "REMIT_LEDGER_TEST_FILE";

fn who() -> HostIdentity {
    HostIdentity {
        boot_id: "b".into(),
        pid: std::process::id(),
        pid_start: 1,
        version: "0".into(),
    }
}

/// Starts one of the tests below as a process of its own.
fn copy(test: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("processes::{test}"), "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Reads until a line has this word.
fn wait_for(child: &mut Child, word: &str) {
    use std::io::BufRead as _;
    let output = std::io::BufReader::new(child.stdout.as_mut().unwrap());
    assert!(
        output.lines().any(|line| line.unwrap().contains(word)),
        "it never said {word}"
    );
}

/// The other process: executes, says so, and stays until it is killed.
#[tokio::test]
async fn copy_that_executes() {
    let Some(path) = std::env::var_os(FILE) else {
        return;
    };
    let ledger = open(Path::new(&path));
    ledger.begin_host(who(), 1, 2).await.unwrap();
    println!("EXECUTES");
    std::future::pending::<()>().await;
}

/// The other process: writes a hundred commits to a run that is there.
#[tokio::test]
async fn copy_that_writes() {
    let Some(path) = std::env::var_os(FILE) else {
        return;
    };
    let ledger = open(Path::new(&path));
    for number in 0..100 {
        let id = format!("theirs-{number}");
        let events = vec![queued(&id, 1_000 + number)];
        add(&ledger, task("R", &id), Expect::New, events)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_second_executor_is_told_who_the_first_one_is_and_gets_its_place_when_it_dies() {
    let (_directory, path) = place();
    let ledger = open(&path);
    let mut other = copy("copy_that_executes", &path);
    wait_for(&mut other, "EXECUTES");
    let refused = ledger.begin_host(who(), 1, 2).await;
    let pid = Some(other.id());
    assert_eq!(refused, Err(LedgerError::Held { pid }));
    // What is no executor works all the same.
    submit(&ledger, "R", &["a"]).await;
    other.kill().unwrap();
    other.wait().unwrap();
    let record = ledger.begin_host(who(), 1, 2).await.unwrap();
    assert_eq!(record.epoch, 2);
    // Another one of the same process.
    assert_eq!(ledger.begin_host(who(), 1, 2).await.unwrap().epoch, 3);
}

#[tokio::test]
async fn two_processes_write_at_the_same_time_and_nothing_is_lost() {
    let (_directory, path) = place();
    let ledger = open(&path);
    submit(&ledger, "R", &[]).await;
    let mut other = copy("copy_that_writes", &path);
    for number in 0..100 {
        let id = format!("ours-{number}");
        let events = vec![queued(&id, number)];
        add(&ledger, task("R", &id), Expect::New, events)
            .await
            .unwrap();
    }
    assert!(other.wait().unwrap().success());
    let view = ledger.run(&run_id("R")).await.unwrap().unwrap();
    assert_eq!(view.counts.total(), 200);
    assert_eq!(ledger.entries(everything()).await.unwrap().len(), 201);
    assert_eq!(verify_ledger(&path).unwrap().findings, []);
}

#[tokio::test]
async fn whoever_watches_learns_what_another_handle_writes() {
    let (_directory, path) = place();
    let (one, two) = (open(&path), open(&path));
    let mut newest = one.newest();
    for name in ["R", "S"] {
        submit(&two, name, &["a"]).await;
        newest.changed().await.unwrap();
    }
    while *newest.borrow_and_update() < 4 {
        newest.changed().await.unwrap();
    }
    // A fence of one handle's time holds against the other.
    add(&one, task("R", "a"), Expect::Seq(1), vec![began(1, 1)])
        .await
        .unwrap();
    let lost = LedgerEvent::AttemptLost {
        fence: 1,
        reason: "gone".into(),
        orderly: false,
    };
    let events = vec![lost, began(2, 2)];
    add(&two, task("R", "a"), Expect::Seq(2), events)
        .await
        .unwrap();
    let late = add(&one, task("R", "a"), Expect::Fence(1), vec![ended(1, None)]).await;
    refused(late);
}

#[tokio::test]
async fn many_handles_that_open_a_new_file_at_once_all_get_it() {
    let (_directory, path) = place();
    let path = Arc::new(path);
    let mut opening = Vec::new();
    for _ in 0..8 {
        let path = Arc::clone(&path);
        opening.push(std::thread::spawn(move || open(&path)));
    }
    for (number, thread) in opening.into_iter().enumerate() {
        submit(&thread.join().unwrap(), &format!("R{number}"), &["a"]).await;
    }
    assert_eq!(verify_ledger(&path).unwrap().findings, []);
}
