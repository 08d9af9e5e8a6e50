//! Whatever someone does to the files is found, and nothing is added to a log that was changed.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use remit_core::digest::Digest;
use remit_ledger::AuditError;

use crate::place::{Place, append, fill, lasting, small};

/// One thing that is done to the files, at a place that is there.
#[derive(Debug, Clone)]
enum Act {
    EditByte(usize, u8),
    CutFile(usize, usize),
    DropLine(usize),
    SwapLines(usize, usize),
    RepeatLine(usize),
    DropFile(usize),
    SwapFiles(usize, usize),
    EditHead(usize, u8),
    DropHead,
}

fn act() -> impl Strategy<Value = Act> {
    let at = || any::<usize>();
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, with)| Act::EditByte(at, with)),
        (at(), at()).prop_map(|(file, to)| Act::CutFile(file, to)),
        at().prop_map(Act::DropLine),
        (at(), at()).prop_map(|(a, b)| Act::SwapLines(a, b)),
        at().prop_map(Act::RepeatLine),
        at().prop_map(Act::DropFile),
        (at(), at()).prop_map(|(a, b)| Act::SwapFiles(a, b)),
        (at(), any::<u8>()).prop_map(|(at, with)| Act::EditHead(at, with)),
        Just(Act::DropHead),
    ]
}

/// Does it; whether anything is different then.
fn carry_out(place: &Place, act: &Act) -> bool {
    let files: Vec<(PathBuf, Vec<u8>)> = place.segments().into_iter().collect();
    let head = place.directory().join("head.json");
    let file = |number: usize| &files[number % files.len()];
    let in_lines = |number: usize, change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let (path, bytes) = file(number);
        let mut lines: Vec<Vec<u8>> = bytes
            .split_inclusive(|b| *b == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        change(&mut lines);
        fs::write(path, lines.concat()).unwrap();
        lines.concat() != *bytes
    };
    match *act {
        Act::EditByte(at, with) => {
            let (path, bytes) = file(at);
            let mut new = bytes.clone();
            new[at % bytes.len()] = with;
            fs::write(path, &new).unwrap();
            new != *bytes
        }
        Act::CutFile(number, to) => {
            let (path, bytes) = file(number);
            let to = to % bytes.len();
            fs::write(path, &bytes[..to]).unwrap();
            // A line that lacks nothing but its end says the same.
            to != bytes.len() - 1
        }
        Act::DropLine(at) => in_lines(at, &|lines| drop(lines.remove(at % lines.len()))),
        Act::SwapLines(a, b) => in_lines(a, &|lines| {
            let count = lines.len();
            lines.swap(a % count, b % count);
        }),
        Act::RepeatLine(at) => in_lines(at, &|lines| {
            let line = lines[at % lines.len()].clone();
            lines.insert(at % lines.len(), line);
        }),
        Act::DropFile(number) => fs::remove_file(&file(number).0).is_ok(),
        Act::SwapFiles(a, b) => {
            fs::write(&file(a).0, &file(b).1).unwrap();
            fs::write(&file(b).0, &file(a).1).unwrap();
            file(a).0 != file(b).0
        }
        Act::EditHead(at, with) => {
            let text = fs::read_to_string(&head).unwrap();
            let mut new = text.clone().into_bytes();
            // What is behind the value is no part of it.
            new[at % text.trim_end().len()] = with;
            fs::write(&head, &new).unwrap();
            new != text.as_bytes()
        }
        Act::DropHead => fs::remove_file(&head).is_ok(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_is_done_to_the_files_is_found(act in act()) {
        let place = Place::new();
        fill(&mut place.writer(), 20);
        let changed = carry_out(&place, &act);
        let found = place.found();
        prop_assert_eq!(found.is_some(), changed, "{:?}: {:?}", act, found);
    }
}

#[test]
fn nothing_is_added_behind_an_end_that_was_changed() {
    for (what, spoil) in [
        (
            "truncated",
            (|place: &Place| {
                let (path, bytes) = place.segments().pop_last().unwrap();
                fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
            }) as fn(&Place),
        ),
        ("truncated", |place| {
            drop(fs::remove_file(place.segments().pop_last().unwrap().0))
        }),
        ("edited", |place| {
            let (path, bytes) = place.segments().pop_last().unwrap();
            let text = String::from_utf8(bytes).unwrap();
            fs::write(path, text.replace("succeeded", "succeeeed")).unwrap();
        }),
        ("head", |place| {
            drop(fs::remove_file(place.directory().join("head.json")))
        }),
        ("head", |place| {
            fs::write(place.directory().join("head.json"), "{}").unwrap()
        }),
    ] {
        let place = Place::new();
        fill(&mut place.writer(), 10);
        spoil(&place);
        let before = place.segments();
        let error = append(&mut place.writer(), &small(1)).unwrap_err();
        assert!(matches!(error, AuditError::Changed { .. }), "{error}");
        assert!(error.to_string().contains(what), "{what}: {error}");
        assert_eq!(place.segments(), before);
    }
}

#[test]
fn a_log_that_goes_back_under_its_writer_is_noticed() {
    let place = Place::new();
    let mut writer = place.writer();
    append(&mut writer, &lasting()).unwrap();
    append(&mut writer, &small(2)).unwrap();
    // All of it, so that not even the head tells.
    fs::remove_dir_all(place.directory()).unwrap();
    let error = append(&mut writer, &small(3)).unwrap_err();
    assert!(error.to_string().contains("ends with entry 0"), "{error}");
}

#[test]
fn a_log_of_a_newer_version_is_neither_judged_nor_added_to() {
    let place = Place::new();
    append(&mut place.writer(), &lasting()).unwrap();
    let text = r#"{"v":2,"seq":2,"what":"nobody knows yet"}"#;
    let hash = Digest::of(text.as_bytes());
    let line = format!(
        "{},\"hash\":\"{hash}\"}}\n",
        text.strip_suffix('}').unwrap()
    );
    let (path, mut bytes) = place.segments().pop_last().unwrap();
    bytes.extend_from_slice(line.as_bytes());
    fs::write(path, &bytes).unwrap();
    assert_eq!(place.found().as_deref(), Some("newer"));
    let error = append(&mut place.writer(), &small(1)).unwrap_err();
    assert!(
        matches!(error, AuditError::Newer { found: 2, .. }),
        "{error}"
    );
}
