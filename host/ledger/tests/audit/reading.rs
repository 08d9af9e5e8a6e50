//! What was added is read: all of it, its end, and what comes later.

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;

use remit_core::audit::{Entry, Link};

use crate::place::{Place, append, fill, lasting, small};

#[test]
fn one_chain_goes_through_all_files() {
    let place = Place::new();
    fill(&mut place.writer(), 40);
    assert!(place.segments().len() > 3, "{:?}", place.segments().keys());
    let lines = place.lines();
    let numbers: Vec<u64> = lines.iter().map(|line| line.seq).collect();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
    let verdict = place.verify();
    assert_eq!(verdict.finding, None);
    assert_eq!(verdict.entries, 40);
    assert_eq!(verdict.last, lines[39].link());
    let noted = place.log().verify(Some(lines[7].hash)).unwrap();
    assert_eq!(noted.finding, None);
}

#[test]
fn a_log_that_is_not_there_is_empty() {
    let place = Place::new();
    let verdict = place.verify();
    assert_eq!((verdict.entries, verdict.finding), (0, None));
    assert_eq!(verdict.last, Link::beginning());
    assert!(place.lines().is_empty());
}

#[test]
fn only_the_owner_may_look() {
    let place = Place::new();
    fill(&mut place.writer(), 20);
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(place.directory()), 0o700);
    for entry in fs::read_dir(place.directory()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(path.clone()), 0o600, "{}", path.display());
    }
}

/// The numbers of the last lines, and of what is added in three steps.
#[test]
fn the_end_is_followed_from_file_to_file() {
    let place = Place::new();
    let mut writer = place.writer();
    fill(&mut writer, 20);
    let mut seen = Vec::new();
    let mut follower = place
        .log()
        .tail(9, &mut |_, _, line| {
            seen.push(line.unwrap().seq);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(seen, (12..=20).collect::<Vec<_>>(), "over two files");
    let files = place.segments().len();
    for step in 0..3 {
        for number in 0..step * 7 {
            append(&mut writer, &small(number)).unwrap();
        }
        let mut more = |_, _: &str, line: Result<remit_core::audit::Line, _>| {
            seen.push(line.unwrap().seq);
            ControlFlow::Continue(())
        };
        follower.follow(&mut more).unwrap();
    }
    assert!(place.segments().len() > files);
    assert_eq!(seen, (12..=41).collect::<Vec<_>>());
}

#[test]
fn whoever_has_seen_enough_stops() {
    let place = Place::new();
    fill(&mut place.writer(), 20);
    let mut seen = 0;
    place
        .log()
        .read(&mut |_, _, _| {
            seen += 1;
            if seen == 3 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .unwrap();
    assert_eq!(seen, 3);
}

#[test]
fn an_entry_of_any_length_is_the_last_one() {
    let place = Place::new();
    let mut writer = place.writer();
    for length in [0, 4000, 4096, 5000, 40_000, 300_000] {
        let entry = Entry::Lost {
            entries: 1,
            reason: "x".repeat(length),
        };
        append(&mut writer, &entry).unwrap();
        append(&mut place.writer(), &lasting()).unwrap();
    }
    assert_eq!(place.verify().entries, 12);
    assert_eq!(place.found(), None);
}
