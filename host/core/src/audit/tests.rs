//! Lines and the verifier: whatever is done to a log is found, and named.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::digest::Digest;
use crate::outcome::{CancelReason, FaultKind, Outcome};

const RUN: &str = "01M7X2B5GX1J8PXJX3B1KJCZFP";
const TIME: &str = "2026-11-20T18:08:49.703Z";

fn spawn(call: u32, arguments: Vec<String>) -> Entry {
    Entry::Spawn {
        call,
        tool: "python3".into(),
        template: "unittest".into(),
        arguments,
        env: vec!["LANG".into()],
        directory: ".".into(),
        program: None,
        origins: Vec::new(),
        level: None,
    }
}

/// A log with an entry for each of these texts.
fn log(texts: &[String]) -> (Vec<String>, Link) {
    let mut last = Link::beginning();
    let mut lines = Vec::new();
    for (call, text) in (1..).zip(texts) {
        let entry = spawn(call, vec![text.clone()]);
        let sealed = Sealed::after(last, TIME, Some(RUN), &entry).unwrap();
        last = sealed.link;
        lines.push(sealed.text.trim_end_matches('\n').to_owned());
    }
    (lines, last)
}

fn verify(lines: &[impl AsRef<[u8]>], head: HeadFound, wanted: Option<Digest>) -> Verdict {
    let mut verifier = Verifier::new(head, wanted);
    for (line, bytes) in (1..).zip(lines) {
        verifier.line(Place { segment: 1, line }, bytes.as_ref());
    }
    verifier.finish()
}

/// The kind of what is found, and the line.
fn found(lines: &[impl AsRef<[u8]>], head: Link) -> Option<(String, Option<u64>)> {
    let finding = verify(lines, HeadFound::Link(head), None).finding?;
    let kind = serde_json::to_value(&finding).unwrap()["kind"].clone();
    let line = finding.place.map(|place| place.line);
    Some((kind.as_str().unwrap().to_owned(), line))
}

#[test]
fn a_line_is_what_the_documents_show() {
    let sealed = Sealed::after(
        Link::beginning(),
        TIME,
        Some(RUN),
        &spawn(1, vec!["-I".into()]),
    );
    let text = sealed.unwrap().text;
    let without_hash = concat!(
        r#"{"v":1,"seq":1,"time":"2026-11-20T18:08:49.703Z","run":"01M7X2B5GX1J8PXJX3B1KJCZFP","#,
        r#""type":"spawn","call":1,"tool":"python3","template":"unittest","arguments":["-I"],"#,
        r#""env":["LANG"],"directory":".","prev":"sha256:"#,
        "0000000000000000000000000000000000000000000000000000000000000000\"}"
    );
    let hash = Digest::of(without_hash.as_bytes());
    let without_end = without_hash.strip_suffix('}').unwrap();
    assert_eq!(text, format!("{without_end},\"hash\":\"{hash}\"}}\n"));
    let line = Line::read(text.trim_end().as_bytes()).unwrap();
    assert_eq!(format!("{}\n", serde_json::to_string(&line).unwrap()), text);
}

#[test]
fn every_word_is_that_of_the_json_form() {
    let outcomes = [
        Outcome::Rejected { reason: "x".into() },
        Outcome::InvalidInput { problems: vec![] },
        Outcome::Unavailable { what: "x".into() },
        Outcome::TimedOut { limit_ms: 1 },
        Outcome::Cancelled {
            reason: CancelReason::Forced,
        },
        Outcome::PluginFault {
            kind: FaultKind::Trap,
            message: "x".into(),
        },
        Outcome::Internal {
            message: "x".into(),
        },
        Outcome::Denied {
            denials: vec![],
            message: None,
        },
        Outcome::Succeeded {
            summary: "x".into(),
            outputs: json!({}),
            artifacts: vec![],
        },
        Outcome::Failed {
            code: "x".into(),
            message: "x".into(),
            hint: None,
            retryable: false,
            outputs: Value::Null,
        },
    ];
    for outcome in outcomes {
        let value = serde_json::to_value(&outcome).unwrap();
        assert_eq!(value["status"], outcome.status());
    }
    let value = serde_json::to_value(spawn(1, vec![])).unwrap();
    assert_eq!(value["type"], spawn(1, vec![]).word());
}

#[test]
fn what_was_said_stays_out() {
    for event in [
        json!({"type": "inputs-accepted", "inputs": {"password": "x"}}),
        json!({"type": "tool-output", "call": 1, "stream": "stdout", "text": "x"}),
        json!({"type": "log", "level": "info", "source": "plugin", "message": "x"}),
    ] {
        let event: Event = serde_json::from_value(event).unwrap();
        assert_eq!(Entry::of(&event), None);
    }
    let end: Event = serde_json::from_value(json!({
        "type": "run-finished", "wall-ms": 3,
        "outcome": {"status": "succeeded", "summary": "canary", "outputs": {"x": "canary"}, "artifacts": []},
    }))
    .unwrap();
    let kept = serde_json::to_string(&Entry::of(&end).unwrap()).unwrap();
    assert_eq!(
        kept,
        r#"{"type":"run-finished","status":"succeeded","exit-code":0,"wall-ms":3}"#
    );
}

#[test]
fn the_kind_of_tampering_is_named() {
    let texts: Vec<String> = (0..5).map(|number| number.to_string()).collect();
    let (lines, head) = log(&texts);
    let check = |lines: &[String], kind: &str, line: Option<u64>| {
        assert_eq!(found(lines, head), Some((kind.to_owned(), line)));
    };
    assert_eq!(found(&lines, head), None);

    let mut edited = lines.clone();
    edited[2] = edited[2].replace("python3", "python2");
    check(&edited, "edited", Some(3));
    let mut deleted = lines.clone();
    deleted.drain(1..3);
    check(&deleted, "deleted", Some(2));
    check(&lines[1..], "deleted", Some(1));
    let mut swapped = lines.clone();
    swapped.swap(1, 3);
    check(&swapped, "reordered", Some(2));
    let mut twice = lines.clone();
    twice.insert(4, lines[1].clone());
    check(&twice, "repeated", Some(5));
    check(&lines[..4], "truncated", None);
    check(&[], "truncated", None);
    let mut unreadable = lines.clone();
    unreadable[0] = "{}".into();
    check(&unreadable, "unreadable", Some(1));

    // With a hash of its own that fits: what follows does not follow it.
    let link = |line: usize| Line::read(lines[line].as_bytes()).unwrap().link();
    let forged = Sealed::after(link(1), TIME, None, &Entry::Recovered { bytes: 1 }).unwrap();
    let mut replaced = lines.clone();
    replaced[2] = forged.text.trim_end().to_owned();
    check(&replaced, "unlinked", Some(4));
    let forged = Sealed::after(link(3), TIME, None, &Entry::Recovered { bytes: 1 }).unwrap();
    let mut replaced = lines.clone();
    replaced[4] = forged.text.trim_end().to_owned();
    check(&replaced, "rewritten", Some(5));
}

#[test]
fn the_head_may_be_behind_and_never_before() {
    let texts: Vec<String> = (0..5).map(|number| number.to_string()).collect();
    let (lines, head) = log(&texts);
    let behind = Line::read(lines[2].as_bytes()).unwrap().link();
    assert_eq!(found(&lines, behind), None);
    assert_eq!(found(&lines, Link::beginning()), None);
    let kind = |head: HeadFound| verify(&lines, head, None).finding.map(|f| f.tampering);
    assert_eq!(kind(HeadFound::Missing), Some(Tampering::HeadMissing));
    let unreadable = HeadFound::Unreadable("x".into());
    assert!(matches!(
        kind(unreadable),
        Some(Tampering::HeadUnreadable { .. })
    ));
    let nothing: [&str; 0] = [];
    assert_eq!(verify(&nothing, HeadFound::Missing, None).finding, None);
    assert_eq!(verify(&lines, HeadFound::Link(head), None).last, head);
}

#[test]
fn a_hash_noted_elsewhere_finds_a_log_that_was_written_anew() {
    let (old, noted) = log(&["a".into(), "b".into()]);
    let (new, head) = log(&["a".into(), "c".into(), "d".into()]);
    let with = |lines: &[String], head| {
        let verdict = verify(lines, HeadFound::Link(head), Some(noted.hash));
        verdict.finding.map(|finding| finding.tampering)
    };
    assert_eq!(with(&old, noted), None);
    assert_eq!(with(&new, head), Some(Tampering::UnknownHash));
    let begun = Some(Link::beginning().hash);
    assert_eq!(verify(&new, HeadFound::Link(head), begun).finding, None);
}

#[test]
fn a_newer_format_is_not_judged() {
    let text = r#"{"v":2,"seq":1,"what":"nobody knows yet"}"#;
    let hash = Digest::of(text.as_bytes());
    let line = format!("{},\"hash\":\"{hash}\"}}", text.strip_suffix('}').unwrap());
    assert_eq!(Line::read(line.as_bytes()), Err(LineError::Newer(2)));
}

/// One thing that somebody does to a log.
#[derive(Debug, Clone)]
enum Act {
    Edit(usize, usize, u8),
    Delete(usize),
    Move(usize, usize),
    Repeat(usize, usize),
    Insert(usize),
    Replace(usize),
    Truncate(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let at = || any::<usize>();
    prop_oneof![
        (at(), at(), any::<u8>()).prop_map(|(line, byte, with)| Act::Edit(line, byte, with)),
        at().prop_map(Act::Delete),
        (at(), at()).prop_map(|(from, to)| Act::Move(from, to)),
        (at(), at()).prop_map(|(from, to)| Act::Repeat(from, to)),
        at().prop_map(Act::Insert),
        at().prop_map(Act::Replace),
        at().prop_map(Act::Truncate),
    ]
}

/// Does it, at a place that is there.
fn carry_out(act: &Act, lines: &mut Vec<Vec<u8>>) {
    let count = lines.len();
    // Somebody who knows the format and cannot change what was noted as the head.
    let forged = |lines: &[Vec<u8>], at: usize| {
        let before = match at {
            0 => Link::beginning(),
            _ => Line::read(&lines[at - 1]).unwrap().link(),
        };
        let sealed = Sealed::after(before, TIME, Some(RUN), &spawn(1, vec!["forged".into()]));
        sealed.unwrap().text.trim_end().as_bytes().to_vec()
    };
    match *act {
        Act::Edit(line, byte, with) => {
            let line = &mut lines[line % count];
            let byte = byte % line.len();
            line[byte] = with;
        }
        Act::Delete(line) => drop(lines.remove(line % count)),
        Act::Move(from, to) => {
            let line = lines.remove(from % count);
            lines.insert(to % count, line);
        }
        Act::Repeat(from, to) => {
            let line = lines[from % count].clone();
            lines.insert(to % (count + 1), line);
        }
        // At the very end it would be an entry that the head does not name yet.
        Act::Insert(at) => lines.insert(at % count, forged(lines, at % count)),
        Act::Replace(at) => lines[at % count] = forged(lines, at % count),
        Act::Truncate(to) => lines.truncate(to % count),
    }
}

proptest! {
    #[test]
    fn whatever_is_done_to_a_log_is_found(
        texts in prop::collection::vec("[ -~]{0,12}", 1..20),
        act in act(),
    ) {
        let (lines, head) = log(&texts);
        let before: Vec<Vec<u8>> = lines.iter().map(|line| line.clone().into_bytes()).collect();
        let mut after = before.clone();
        carry_out(&act, &mut after);
        let found = found(&after, head);
        prop_assert_eq!(found.is_some(), after != before, "{:?}: {:?}", act, found);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Line::read(&bytes).is_err());
    }
}
