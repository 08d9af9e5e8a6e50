//! Reports that somebody wrote to do harm, and any other text.

use proptest::prelude::*;

use super::*;
use crate::junit::JunitError;
use crate::tests::{MOST_KEPT, MOST_MESSAGE, MOST_NAME};

#[test]
fn an_entity_bomb_is_refused_before_anything_grows() {
    let mut bomb = String::from("<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a0 \"aaaaaaaaaa\">");
    for level in 1..20 {
        let below = format!("&a{};", level - 1).repeat(10);
        bomb += &format!("<!ENTITY a{level} \"{below}\">");
    }
    bomb += "]><testsuites name=\"&a19;\"/>";
    assert_eq!(junit::read(bomb.as_bytes()), Err(JunitError::DocType));
    let outside = "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><testsuites/>";
    assert_eq!(junit::read(outside.as_bytes()), Err(JunitError::DocType));
    for text in [
        "<testsuites name=\"&bomb;\"/>",
        "<testsuite><testcase><failure>&bomb;</failure></testcase></testsuite>",
    ] {
        assert!(
            matches!(
                junit::read(text.as_bytes()),
                Err(JunitError::Malformed { .. })
            ),
            "{text}"
        );
    }
}

#[test]
fn depth_size_and_number_have_limits() {
    let deep = "<testsuite>".repeat(100_000);
    assert_eq!(junit::read(deep.as_bytes()), Err(JunitError::TooDeep));
    assert_eq!(
        junit::read(&vec![b' '; junit::MOST_BYTES + 1]),
        Err(JunitError::TooLarge)
    );
    let long = "x".repeat(MOST_MESSAGE * 4);
    let case = format!(
        "<testcase name=\"{long}\"><failure message=\"{long}\">{long}</failure></testcase>"
    );
    let many = format!("<testsuite>{}</testsuite>", case.repeat(60));
    let tests = junit::read(many.as_bytes()).unwrap();
    let first = &tests.failed[0];
    assert!(first.name.len() <= MOST_NAME + 4);
    assert!(first.message.as_deref().unwrap().len() <= MOST_MESSAGE + 4);
    let small = "<testcase name=\"a\"><error/></testcase>".repeat(MOST_KEPT + 7);
    let tests = junit::read(format!("<testsuite>{small}</testsuite>").as_bytes()).unwrap();
    assert_eq!((tests.failed.len(), tests.left_out), (MOST_KEPT, 7));
    assert_eq!(tests.counts.errors, 1007);
}

#[test]
fn half_a_report_and_another_document_are_no_reports() {
    for (text, error) in [
        ("", JunitError::Incomplete),
        ("<testsuites><testsuite>", JunitError::Incomplete),
        ("<html/>", JunitError::OtherRoot("html".into())),
    ] {
        assert_eq!(junit::read(text.as_bytes()), Err(error), "{text}");
    }
    assert_eq!(junit::read(&[0xff]), Err(JunitError::NotText));
    assert!(junit::read(b"<testsuites></testsuite>").is_err());
}

#[test]
fn a_report_cannot_claim_counts_that_its_tests_do_not_show() {
    let text = "<testsuites><testsuite tests=\"100\" failures=\"0\"><testcase name=\"a\"><failure/></testcase></testsuite></testsuites>";
    let tests = junit::read(text.as_bytes()).unwrap();
    assert_eq!((tests.counts.total, tests.counts.failed), (1, 1));
}

fn case() -> impl Strategy<Value = Case> {
    let status = prop_oneof![
        Just(Status::Passed),
        Just(Status::Failed),
        Just(Status::Error),
        Just(Status::Skipped)
    ];
    // What XML can hold: no control characters, nothing that is trimmed.
    let text = "[a-zA-Z<>&\"'ü\n\t:]{1,30}[a-z]";
    let place = proptest::option::of(("[a-z/]{1,20}\\.py", 1_u64..10_000));
    (text, status, place, proptest::option::of(text)).prop_map(|(name, status, place, message)| {
        Case {
            name,
            status,
            location: place.map(|(file, line)| Location {
                file,
                line: Some(line),
            }),
            message: message.filter(|_| status != Status::Passed),
            seconds: None,
        }
    })
}

proptest! {
    #[test]
    fn what_was_written_as_junit_is_read_back_the_same(cases in proptest::collection::vec(case(), 0..20)) {
        let mut tests = Tests::default();
        for case in cases {
            tests.add(case);
        }
        let text = junit::write("a <suite> & \"more\"", &tests);
        prop_assert_eq!(junit::read(text.as_bytes()).unwrap(), tests);
    }

    #[test]
    fn no_text_ends_a_reader(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&bytes);
        drop(junit::read(&bytes));
        drop(sarif::read(&bytes));
        drop(ruff::read(&bytes));
        drop(libtest::read(&text));
        drop(gotest::read(&text));
        drop(clippy::read(&text));
        drop(crate::tests::location_in(&text));
    }

    #[test]
    fn no_piece_of_a_real_report_ends_a_reader(at in 0_usize..4000, length in 0_usize..300, by in "[<>&;\"'a-z!\\[\\]{}:/. -]{0,12}") {
        let samples = [
            include_str!("../../samples/pytest.xml"),
            include_str!("../../samples/node.xml"),
            include_str!("../../samples/libtest.txt"),
            include_str!("../../samples/gotest.jsonl"),
            include_str!("../../samples/clippy.jsonl"),
            include_str!("../../samples/ruff.sarif"),
        ];
        for sample in samples {
            let mut text: Vec<char> = sample.chars().collect();
            let start = at.min(text.len());
            let end = (start + length).min(text.len());
            text.splice(start..end, by.chars());
            let text: String = text.into_iter().collect();
            drop(junit::read(text.as_bytes()));
            drop(sarif::read(text.as_bytes()));
            drop(libtest::read(&text));
            drop(gotest::read(&text));
            drop(clippy::read(&text));
        }
    }
}
