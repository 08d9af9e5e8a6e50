//! Tests.

use super::*;
use crate::verdict::Verdict;

fn counts(total: u64, passed: u64, failed: u64, errors: u64, skipped: u64) -> Counts {
    Counts {
        total,
        passed,
        failed,
        errors,
        skipped,
    }
}

/// A test's name, and file and line if they are known.
type Place<'a> = (&'a str, Option<(&'a str, Option<u64>)>);

fn places(tests: &Tests) -> Vec<Place<'_>> {
    tests
        .failed
        .iter()
        .map(|case| {
            let place = case.location.as_ref();
            (
                case.name.as_str(),
                place.map(|place| (place.file.as_str(), place.line)),
            )
        })
        .collect()
}

#[test]
fn pytest_says_what_failed_and_where() {
    let tests = junit::read(include_bytes!("../../samples/pytest.xml")).unwrap();
    assert_eq!(tests.counts, counts(8, 2, 3, 1, 2));
    let file = "tests/test_a.py";
    assert_eq!(
        places(&tests),
        [
            ("tests.test_a::test_bad", Some((file, Some(5)))),
            ("tests.test_a::test_p[2]", Some((file, Some(11)))),
            ("tests.test_a.TestK::test_m", Some((file, Some(13)))),
            ("tests.test_a::test_fix", Some((file, Some(15)))),
        ]
    );
    assert_eq!(tests.failed[3].status, Status::Error);
    let message = tests.failed[0].message.as_deref().unwrap();
    assert_eq!(message, "AssertionError: mes<sage> & more\nassert 1 == 2");
}

#[test]
fn a_run_without_tests_is_read_and_is_no_success() {
    let tests = junit::read(include_bytes!("../../samples/pytest-none.xml")).unwrap();
    assert_eq!(tests.counts, Counts::default());
    assert_eq!(Verdict::of_success(&tests), Verdict::NoTests);
    let skipped = Tests {
        counts: counts(2, 0, 0, 0, 2),
        ..Tests::default()
    };
    assert_eq!(Verdict::of_success(&skipped), Verdict::NoTests);
    let failed = Tests {
        counts: counts(2, 1, 1, 0, 0),
        ..Tests::default()
    };
    assert_eq!(Verdict::of_success(&failed), Verdict::Tests);
}

#[test]
fn a_file_that_could_not_be_loaded_is_an_error_at_its_import() {
    let tests = junit::read(include_bytes!("../../samples/pytest-collect.xml")).unwrap();
    assert_eq!(tests.counts, counts(1, 0, 0, 1, 0));
    assert_eq!(
        places(&tests),
        [("tests.test_c", Some(("tests/test_c.py", Some(1))))]
    );
}

#[test]
fn node_nests_suites_and_its_todos_do_not_count_as_failures() {
    let tests = junit::read(include_bytes!("../../samples/node.xml")).unwrap();
    assert_eq!(tests.counts, counts(6, 2, 2, 0, 2));
    assert_eq!(
        places(&tests),
        [
            ("bad & <x>", Some(("/tmp/tp/js/a.test.js", Some(2)))),
            ("grp > inner bad", Some(("/tmp/tp/js/a.test.js", Some(3)))),
        ]
    );
}

#[test]
fn cargo_test_is_counted_over_all_targets() {
    let run = libtest::read(include_str!("../../samples/libtest.txt"));
    assert_eq!(run.targets, 2);
    assert_eq!(run.tests.counts, counts(6, 1, 4, 0, 1));
    let names: Vec<&str> = run
        .tests
        .failed
        .iter()
        .map(|case| case.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "tests::res",
            "tests::sp",
            "tests::bad",
            "src/lib.rs - a (line 1)"
        ]
    );
    let bad = &run.tests.failed[2];
    let wanted = Location {
        file: "src/lib.rs".into(),
        line: Some(7),
    };
    assert_eq!(bad.location, Some(wanted));
    assert!(bad.message.as_deref().unwrap().contains("no & <x>"));
    let nothing = libtest::read(
        "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 5 filtered out; finished in 0.00s\n",
    );
    assert_eq!((nothing.targets, nothing.tests.counts.total), (1, 0));
}

#[test]
fn go_test_is_read_event_by_event() {
    let run = gotest::read(include_str!("../../samples/gotest.jsonl"));
    assert_eq!(run.tests.counts, counts(5, 1, 3, 0, 1));
    assert_eq!((run.packages, run.other_lines), (2, 0));
    assert_eq!(
        places(&run.tests),
        [
            (
                "example.org/gt.TestBad",
                Some(("example.org/gt/a_test.go", Some(4)))
            ),
            (
                "example.org/gt.TestSub/a_b",
                Some(("example.org/gt/a_test.go", Some(6)))
            ),
            ("example.org/gt.TestSub", None),
        ]
    );
    assert!(
        run.tests.failed[0]
            .message
            .as_deref()
            .unwrap()
            .ends_with("want 2")
    );
    // What Go 1.19 and Go 1.24 say of a package that does not compile.
    for text in [
        "FAIL\texample.org/gt/brk [build failed]\n",
        "{\"ImportPath\":\"example.org/gt/brk\",\"Action\":\"build-fail\"}\n",
        "{\"Action\":\"output\",\"Package\":\"example.org/gt/brk\",\"Output\":\"FAIL\\texample.org/gt/brk [build failed]\\n\"}\n{\"Action\":\"fail\",\"Package\":\"example.org/gt/brk\",\"Elapsed\":0,\"FailedBuild\":\"example.org/gt/brk\"}\n",
    ] {
        assert_eq!(gotest::read(text).broken, ["example.org/gt/brk"], "{text}");
    }
}

#[test]
fn files_are_found_by_the_end_of_the_name_that_a_tool_gives_them() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("pkg/src")).unwrap();
    std::fs::write(root.path().join("pkg/src/a.py"), "").unwrap();
    std::fs::write(root.path().join("b.py"), "").unwrap();
    let found = |directory, named| place::find(root.path(), directory, named);
    assert_eq!(found("pkg", "src/a.py").as_deref(), Some("pkg/src/a.py"));
    assert_eq!(
        found(".", "/elsewhere/w/pkg/src/a.py").as_deref(),
        Some("pkg/src/a.py")
    );
    assert_eq!(
        found("pkg", "/w/pkg/src/a.py").as_deref(),
        Some("pkg/src/a.py")
    );
    assert_eq!(
        found("pkg", "example.org/pkg/src/a.py").as_deref(),
        Some("pkg/src/a.py")
    );
    assert_eq!(found(".", "/usr/lib/x.py"), None);
    assert_eq!(found(".", "../b.py"), None);
    assert_eq!(found("pkg", "../../b.py"), None);
    assert_eq!(found(".", "/"), None);
}
