//! The audit of many runs at the same time.

use std::fs;
use std::sync::Arc;

use remit_core::audit::Entry;
use remit_core::outcome::Outcome;
use remit_engine::journal::Clock;
use remit_ledger::AuditGroup;

use crate::place::{Place, RUN, TIME, append, lasting};

fn group(place: &Place) -> AuditGroup {
    let clock: Clock = Arc::new(|| TIME.into());
    AuditGroup::start(place.directory(), clock).unwrap()
}

fn refused(code: &str) -> Entry {
    Entry::Refused {
        tool: "git".into(),
        template: "status".into(),
        code: code.into(),
        message: "no".into(),
    }
}

fn finished() -> Entry {
    let reason = String::new();
    Entry::RunFinished {
        status: Outcome::Rejected { reason }.status().to_owned(),
        exit_code: 0,
        wall_ms: 1,
    }
}

/// What was refused in one run, in the order in which it stands in the log.
fn codes_of(place: &Place, run: &str) -> Vec<String> {
    let of_run = place
        .lines()
        .into_iter()
        .filter(|line| line.run.as_deref() == Some(run));
    of_run
        .filter_map(|line| {
            if let Entry::Refused { code, .. } = line.entry {
                Some(code)
            } else {
                None
            }
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_runs_and_another_program_make_one_chain_with_each_run_in_order() {
    let place = Place::new();
    let group = group(&place);
    let runs = (0..16).map(|run| {
        let group = group.clone();
        tokio::spawn(async move {
            let run = format!("run-{run}");
            group
                .add_now(TIME.into(), run.clone(), refused("0"))
                .await
                .unwrap();
            for code in 1..100 {
                group
                    .add(TIME.into(), run.clone(), refused(&code.to_string()))
                    .await;
            }
            group.add(TIME.into(), run, finished()).await;
        })
    });
    let runs: Vec<_> = runs.collect();
    for _ in 0..20 {
        append(&mut place.writer(), &lasting()).unwrap();
    }
    for run in runs {
        run.await.unwrap();
    }
    group.sync().await;
    assert_eq!(place.found(), None);
    assert_eq!(place.lines().len(), 16 * 101 + 20);
    let expected: Vec<String> = (0..100).map(|code| code.to_string()).collect();
    for run in 0..16 {
        assert_eq!(codes_of(&place, &format!("run-{run}")), expected);
    }
    assert_eq!(group.trouble().said(), None);
}

#[tokio::test]
async fn an_entry_that_was_waited_for_is_in_the_log() {
    let place = Place::new();
    let group = group(&place);
    group
        .add_now(TIME.into(), RUN.into(), refused("one"))
        .await
        .unwrap();
    assert_eq!(codes_of(&place, RUN), ["one"]);
}

#[tokio::test]
async fn the_head_names_what_must_last_once_it_is_on_the_disk() {
    let place = Place::new();
    let group = group(&place);
    group.add(TIME.into(), RUN.into(), finished()).await;
    group.sync().await;
    let last = place.lines().pop().unwrap();
    let head = fs::read_to_string(place.directory().join("head.json")).unwrap();
    assert!(head.contains(&last.hash.to_string()), "{head}");
}

#[tokio::test]
async fn the_head_does_not_go_back_behind_what_another_program_added() {
    let place = Place::new();
    let group = group(&place);
    for _ in 0..50 {
        group.add(TIME.into(), RUN.into(), finished()).await;
        append(&mut place.writer(), &lasting()).unwrap();
    }
    group.sync().await;
    let last = place.lines().pop().unwrap();
    let head = fs::read_to_string(place.directory().join("head.json")).unwrap();
    assert!(head.contains(&last.hash.to_string()), "{head}");
    assert_eq!(place.found(), None);
}

#[tokio::test]
async fn whoever_waits_is_told_that_the_log_takes_nothing_and_the_log_later_how_much() {
    let place = Place::new();
    append(&mut place.writer(), &lasting()).unwrap();
    let group = group(&place);
    let aside = place.directory().with_extension("aside");
    fs::rename(place.directory(), &aside).unwrap();
    fs::write(place.directory(), "in the way").unwrap();
    let add = |code: &str| group.add_now(TIME.into(), RUN.into(), refused(code));
    let error = add("one").await.unwrap_err();
    assert!(error.to_string().contains("state/audit"), "{error}");
    assert!(add("two").await.is_err());

    fs::remove_file(place.directory()).unwrap();
    fs::rename(&aside, place.directory()).unwrap();
    add("three").await.unwrap();
    let entries: Vec<Entry> = place.lines().into_iter().map(|line| line.entry).collect();
    assert!(
        matches!(entries[1], Entry::Lost { entries: 2, .. }),
        "{:?}",
        entries[1]
    );
    assert_eq!(codes_of(&place, RUN), ["three"]);
    assert_eq!(place.found(), None);
}

#[tokio::test]
async fn a_log_that_was_changed_takes_no_entry() {
    let place = Place::new();
    let group = group(&place);
    group.add(TIME.into(), RUN.into(), finished()).await;
    group.sync().await;
    let file = place.directory().join("00000001.jsonl");
    fs::write(&file, "").unwrap();
    let error = group
        .add_now(TIME.into(), RUN.into(), refused("one"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("was changed"), "{error}");
    assert!(fs::read_to_string(&file).unwrap().is_empty());
}
