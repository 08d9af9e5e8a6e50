//! Writers that are ended in between, and writers that write at the same time.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use remit_core::audit::Entry;

use crate::place::{Place, append, fill, lasting, small, writer};

/// The directory of the log that a started writer writes. Without it, `role` is an empty test.
const DIRECTORY: &str = "REMIT_TEST_AUDIT";

/// How many writers are killed.
const TRIES: usize = 20;

/// Not a test by itself: a writer that adds entries until it is ended, long ones and short ones.
#[test]
fn role() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let mut writer = writer(Path::new(&directory));
    println!("begins");
    for number in 0.. {
        let entry = Entry::Lost {
            entries: 1,
            reason: "x".repeat(number * 7919 % 200_000),
        };
        append(&mut writer, &entry).unwrap();
        append(&mut writer, &small(number)).unwrap();
    }
}

/// Starts a writer and waits until it has begun.
fn start(place: &Place) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash::role", "--exact", "--nocapture"])
        .env(DIRECTORY, place.directory())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while !lines.next().unwrap().unwrap().contains("begins") {}
    child
}

#[test]
fn writers_that_are_killed_leave_a_log_that_verifies() {
    let place = Place::new();
    let mut entries = 0;
    for attempt in 0..TRIES {
        let mut writers = [start(&place), start(&place)];
        // As far as this attempt goes, so that each ends somewhere else.
        while place.verify().entries < entries + 3 * attempt as u64 + 2 {}
        for writer in &mut writers {
            writer.kill().unwrap();
            writer.wait().unwrap();
        }
        let verdict = place.verify();
        assert_eq!(verdict.finding, None, "try {attempt}");
        append(&mut place.writer(), &lasting()).unwrap();
        let mended = place.verify();
        assert_eq!((mended.finding, mended.torn), (None, None), "try {attempt}");
        let added = if verdict.torn.is_some() { 2 } else { 1 };
        assert_eq!(mended.entries, verdict.entries + added, "try {attempt}");
        entries = mended.entries;
    }
}

#[test]
fn writers_at_the_same_time_make_one_chain() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| fill(&mut place.writer(), 25));
        }
    });
    let verdict = place.verify();
    assert_eq!((verdict.entries, verdict.finding), (200, None));
}

/// The file is cut at every byte of an entry that the head does not name: what a crash leaves.
#[test]
fn a_torn_piece_is_told_and_mended_wherever_it_ends() {
    let place = Place::new();
    append(&mut place.writer(), &lasting()).unwrap();
    append(&mut place.writer(), &small(2)).unwrap();
    let (path, bytes) = place.segments().pop_last().unwrap();
    let first = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let head = fs::read(place.directory().join("head.json")).unwrap();
    for cut in first..bytes.len() {
        fs::write(&path, &bytes[..cut]).unwrap();
        fs::write(place.directory().join("head.json"), &head).unwrap();
        let torn = (cut - first) as u64;
        let whole_but_for_its_end = cut == bytes.len() - 1;
        let verdict = place.verify();
        assert_eq!(verdict.finding, None, "{cut}");
        let expected = (torn > 0 && !whole_but_for_its_end).then_some(torn);
        assert_eq!(verdict.torn, expected, "{cut}");
        append(&mut place.writer(), &small(3)).unwrap();
        assert_eq!((place.found(), place.verify().torn), (None, None), "{cut}");
        let kinds: Vec<Entry> = place.lines().into_iter().map(|line| line.entry).collect();
        let mut wanted = vec![lasting()];
        if whole_but_for_its_end {
            wanted.push(small(2));
        } else if torn > 0 {
            wanted.push(Entry::Recovered { bytes: torn });
        }
        wanted.push(small(3));
        assert_eq!(kinds, wanted, "{cut}");
    }
}
