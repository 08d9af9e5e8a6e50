//! Proofs for summaries: the words of each tool as the tool wrote them (pytest 9.2, Python 3.11,
//! cargo 1.95, node 20.20, jest 29), or as its documentation has them (go, llvm-cov, tarpaulin,
//! unittest of Python 3.12); and any text.

use proptest::prelude::*;

use super::*;

/// Passed, failed, errors, skipped.
fn counts(of: [u64; 4]) -> Counts {
    let [passed, failed, errors, skipped] = of;
    Counts {
        passed,
        failed,
        errors,
        skipped,
    }
}

const NODE: &str = "\
TAP version 13
# Subtest: adds
ok 1 - adds
  ---
  duration_ms: 1.284497
  ...
not ok 2 - breaks
ok 3 - later # SKIP
1..3
# tests 3
# suites 0
# pass 1
# fail 1
# cancelled 0
# skipped 1
# todo 0
# duration_ms 113.975607
";

const COUNTS: &[(&str, Option<[u64; 4]>)] = &[
    // pytest
    (
        "========== 1 failed, 1 passed, 1 skipped, 1 xfailed, 1 error in 0.06s ==========",
        Some([1, 1, 1, 2]),
    ),
    ("1 failed, 1 passed in 0.02s", Some([1, 1, 0, 0])),
    (
        "===== 3 passed, 2 warnings in 71.20s (0:01:11) =====",
        Some([3, 0, 0, 0]),
    ),
    (
        "\u{1b}[32m==== \u{1b}[1m2 passed\u{1b}[0m, 1 xpassed in 0.01s ====\u{1b}[0m",
        Some([3, 0, 0, 0]),
    ),
    (
        "============================ no tests ran in 0.00s =============================",
        Some([0; 4]),
    ),
    ("5 deselected in 0.01s", Some([0; 4])),
    ("2 errors in 0.10s", Some([0, 0, 2, 0])),
    ("2 files in 0.10s", None),
    ("1 passed in the end", None),
    ("passed in 0.1s", None),
    // unittest
    (
        "Ran 4 tests in 0.001s\n\nFAILED (failures=1, errors=1, skipped=1)",
        Some([1, 1, 1, 1]),
    ),
    ("Ran 1 test in 0.001s\n\nOK", Some([1, 0, 0, 0])),
    (
        "Ran 3 tests in 0.001s\n\nOK (skipped=1, expected failures=1)",
        Some([1, 0, 0, 2]),
    ),
    (
        "Ran 1 test in 0.0s\n\nFAILED (unexpected successes=1)",
        Some([0, 1, 0, 0]),
    ),
    ("Ran 0 tests in 0.000s\n\nOK", Some([0; 4])),
    ("Ran 0 tests in 0.000s\n\nNO TESTS RAN", Some([0; 4])),
    (
        "Ran 1 test in 0.0s\n\nFAILED (failures=9)",
        Some([0, 9, 0, 0]),
    ),
    ("Ran 4 tests in 0.001s", None),
    ("OK", None),
    ("Ran many tests in 0.001s\nOK", None),
    // cargo test: one summary for each program.
    (
        "test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.08s\n\
         error: test failed, to rerun pass `--lib`\n\
         test result: ok. 2 passed; 0 failed; 0 ignored; 1 measured; 9 filtered out; finished in 0.00s",
        Some([4, 1, 0, 1]),
    ),
    (
        "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 5 filtered out",
        Some([0; 4]),
    ),
    ("test result: surprising", None),
    // node --test
    (NODE, Some([1, 1, 0, 1])),
    (
        "ℹ tests 4\nℹ suites 1\nℹ pass 1\nℹ fail 1\nℹ cancelled 1\nℹ skipped 0\nℹ todo 1\nℹ duration_ms 9.1",
        Some([1, 1, 1, 1]),
    ),
    (
        "1..0\n# tests 0\n# suites 0\n# pass 0\n# fail 0\n# duration_ms 4.6",
        Some([0; 4]),
    ),
    // A file without a test is no test, though node counts it.
    (
        "ok 1 - /w/empty.test.js\n1..1\n# tests 1\n# pass 1\n# fail 0\n# duration_ms 84.3",
        Some([0; 4]),
    ),
    (
        "✔ /w/empty.test.mjs (50.1ms)\nℹ tests 1\nℹ pass 1\nℹ fail 0\nℹ duration_ms 84.3",
        Some([0; 4]),
    ),
    (
        "not ok 1 - /w/bad.test.js\n# tests 1\n# pass 0\n# fail 1\n# duration_ms 84.3",
        Some([0, 1, 0, 0]),
    ),
    (
        "ok 1 - reads a.js\n# tests 1\n# pass 1\n# fail 0\n# duration_ms 84.3",
        Some([1, 0, 0, 0]),
    ),
    ("# pass 3\n# fail 1", None),
    (
        "# tests 1\n# pass 1\n# duration_ms 4.6\n# pass 9",
        Some([1, 0, 0, 0]),
    ),
    // go test
    (
        "ok  \texample.org/a\t0.004s\nok  \texample.org/b\t(cached)",
        Some([2, 0, 0, 0]),
    ),
    ("?   \texample.org/a\t[no test files]", Some([0; 4])),
    (
        "ok  \texample.org/a\t0.004s [no tests to run]",
        Some([0; 4]),
    ),
    (
        "--- FAIL: TestB (0.00s)\n    a_test.go:7: no\nFAIL\nFAIL\texample.org/a\t0.004s\nok  \texample.org/b\t0.1s\nFAIL",
        Some([1, 1, 0, 0]),
    ),
    (
        "=== RUN   TestA\n--- PASS: TestA (0.00s)\n=== RUN   TestB\n    --- PASS: TestB/sub (0.00s)\n\
         --- PASS: TestB (0.00s)\n=== RUN   TestC\n--- SKIP: TestC (0.00s)\nPASS\nok  \texample.org/a\t0.004s",
        Some([2, 0, 0, 1]),
    ),
    ("FAIL\texample.org/a [build failed]", Some([0, 0, 1, 0])),
    ("panic: oh\nFAIL\texample.org/a\t0.004s", Some([0, 1, 0, 0])),
    // jest
    (
        "Tests:       1 failed, 1 skipped, 2 passed, 4 total",
        Some([2, 1, 0, 1]),
    ),
    (
        "Test Suites: 1 failed, 1 total\nTests:       0 total",
        Some([0; 4]),
    ),
    ("No tests found, exiting with code 1", Some([0; 4])),
    ("Tests: 4 passed", None),
    // Several runners are added up.
    (
        "3 passed in 0.1s\r\nTests:       1 failed, 1 total\r\n",
        Some([3, 1, 0, 0]),
    ),
    // What was overwritten on the terminal was not said.
    ("running...\r2 passed in 0.1s", Some([2, 0, 0, 0])),
    ("", None),
    ("all good", None),
    // Numbers beyond all measure are no panic.
    ("99999999999999999999 passed in 0.1s", None),
    (
        "18446744073709551615 passed in 0.1s\n18446744073709551615 passed in 0.1s",
        Some([u64::MAX, 0, 0, 0]),
    ),
];

#[test]
fn counts_are_read_from_the_summaries_of_known_tools() {
    for (text, expected) in COUNTS {
        assert_eq!(read(text).counts, expected.map(counts), "{text}");
    }
}

const COVERAGE: &[(&str, Option<u32>)] = &[
    ("TOTAL          17      7    59%", Some(5_900)),
    (
        "TOTAL          17      7     4      1    58.82%",
        Some(5_882),
    ),
    (
        "TOTAL  10 2 80.00%  4 1 75.00%  20 3 85.00%  0 0 -",
        Some(8_500),
    ),
    (
        "TOTAL  10 2 80.00%  4 1 75.00%  20 3 85.00%  9 1 88.88%",
        Some(8_500),
    ),
    ("TOTAL  80% 90%", None),
    ("test_a.py       7      7     0%", None),
    (
        "All files |   85.71 |       50 |     100 |   90.1 |                   ",
        Some(9_010),
    ),
    (
        "All files |       0 |        0 |       0 |       0 |                   ",
        Some(0),
    ),
    (
        "a.js      |   85.71 |       50 |     100 |   90.1 | 1,2",
        None,
    ),
    ("# all files | 90.00 |   80.00 |   66.67 |", Some(9_000)),
    ("ℹ all files | 100.00 |   100.00 |   66.67 |", Some(10_000)),
    ("Lines        : 90% ( 9/10 )", Some(9_000)),
    ("Lines        : Unknown% ( 0/0 )", None),
    ("Statements   : 80% ( 8/10 )", None),
    ("ok  \ta\t0.1s\tcoverage: 85.7% of statements", Some(8_570)),
    ("coverage: 85.7% of statements in ./...", Some(8_570)),
    ("coverage: [no statements]", None),
    ("total:\t\t(statements)\t\t85.7%", Some(8_570)),
    (
        "85.71% coverage, 6/7 lines covered, +0.00% change in coverage",
        Some(8_571),
    ),
    ("coverage: 101% of statements", None),
    ("coverage: 100.01% of statements", None),
    ("coverage: -1% of statements", None),
    ("coverage: NaN% of statements", None),
    // Cut, not rounded up.
    ("coverage: 79.999% of statements", Some(7_999)),
    // The lowest counts.
    (
        "coverage: 85.7% of statements\ncoverage: 12% of statements\ncoverage: 90% of statements",
        Some(1_200),
    ),
    ("", None),
];

#[test]
fn coverage_is_read_from_the_reports_of_known_tools() {
    for (text, expected) in COVERAGE {
        let expected = expected.and_then(Percent::hundredths);
        assert_eq!(read(text).coverage, expected, "{text}");
    }
}

const RESULTS: &[(&str, &[(&str, bool)])] = &[
    ("test a::b ... ok", &[("a::b", true)]),
    ("test a::b - should panic ... ok", &[("a::b", true)]),
    ("test a::b ... FAILED", &[("a::b", false)]),
    ("test a::b ... ignored, why", &[("a::b", false)]),
    (
        "test_ok (test_a.T.test_ok) ... ok",
        &[
            ("test_a.T.test_ok", true),
            ("test_a.T.test_ok.test_ok", true),
        ],
    ),
    (
        "test_ok (test_a.T) ... ERROR",
        &[("test_a.T", false), ("test_a.T.test_ok", false)],
    ),
    (
        "t (m.T.t) ... skipped 'x'",
        &[("m.T.t", false), ("m.T.t.t", false)],
    ),
    (
        "test_b.py::test_ok PASSED                  [ 20%]",
        &[("test_b.py::test_ok", true)],
    ),
    (
        "test_b.py::test_x[one two] PASSED [ 20%]",
        &[("test_b.py::test_x[one two]", true)],
    ),
    (
        "test_b.py::test_s SKIPPED (unconditional skip) [ 60%]",
        &[("test_b.py::test_s", false)],
    ),
    (
        "test_b.py::test_x XFAIL [ 80%]",
        &[("test_b.py::test_x", false)],
    ),
    ("PASSED test_b.py::test_ok", &[("test_b.py::test_ok", true)]),
    (
        "FAILED test_b.py::test_bad - assert 'x PASSED' == 2",
        &[("test_b.py::test_bad", false)],
    ),
    (
        "ERROR test_b.py::test_err - ValueError",
        &[("test_b.py::test_err", false)],
    ),
    ("ok 1 - adds", &[("adds", true)]),
    ("    ok 1 - adds", &[("adds", true)]),
    ("not ok 2 - breaks", &[("breaks", false)]),
    ("ok 3 - later # SKIP", &[("later", false)]),
    (concat!("ok 3 - later # TO", "DO"), &[("later", false)]),
    ("ok 4 - issue # 7", &[("issue # 7", true)]),
    ("  ✔ in s (0.966784ms)", &[("in s", true)]),
    (concat!("  ✔ t (0.180707ms) # TO", "DO"), &[("t", false)]),
    ("﹣ later (0.157223ms) # SKIP", &[("later", false)]),
    (
        "    ✓ in it (in a group) (2 ms)",
        &[("in it (in a group)", true)],
    ),
    ("    ✓ in it (classes)", &[("in it (classes)", true)]),
    ("  ✕ breaks (2 ms)", &[("breaks", false)]),
    ("--- PASS: TestX (0.00s)", &[("TestX", true)]),
    ("    --- FAIL: TestX/sub (0.00s)", &[("TestX/sub", false)]),
    ("--- SKIP: TestX (0.00s)", &[("TestX", false)]),
    ("ok, all is good", &[]),
    ("test result: ok. 1 passed", &[]),
    ("a::b", &[]),
];

#[test]
fn results_of_single_tests_are_read() {
    for (text, expected) in RESULTS {
        let mut seen = Vec::new();
        results(text, &mut |name, passed| {
            seen.push((name.to_owned(), passed))
        });
        let expected: Vec<(String, bool)> = expected
            .iter()
            .map(|(name, passed)| ((*name).to_owned(), *passed))
            .collect();
        assert_eq!(seen, expected, "{text}");
    }
}

#[test]
fn a_launcher_without_anything_to_launch_is_known_by_its_words() {
    for text in [
        "/opt/python/3.11/bin/python3: No module named pytest",
        "C:\\Python312\\python.exe: No module named pytest",
        "npm error Missing script: \"test\"\nnpm error",
        "error: no such command: `nope`\n\nhelp: view all installed commands",
        "error: unexpected argument '--badflag' found",
        "error: could not find `Cargo.toml` in `/tmp` or any parent directory",
    ] {
        let line = not_run(text).unwrap_or_default();
        assert_eq!(Some(line.as_str()), text.lines().next(), "{text}");
    }
    for text in [
        "ModuleNotFoundError: No module named 'pytest'",
        "E   python: No module named 'x'",
        "ImportError: No module named x",
        "the python: No module named x",
        "error: test failed, to rerun pass `--lib`",
        "",
    ] {
        assert_eq!(not_run(text), None, "{text}");
    }
}

#[test]
fn a_line_has_an_end_and_colours_are_no_text() {
    let long = format!("{}ß 1 passed in 0.1s", "x".repeat(MAX_LINE - 1));
    assert_eq!(lines(&long).next().unwrap().len(), MAX_LINE - 1);
    let shown: Vec<_> = lines("\u{1b}[31;1mred\u{1b}[0m\n\u{1b}[\n\u{1b}\n\u{1b}(Bx").collect();
    assert_eq!(shown, ["red", "", "", "Bx"]);
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(
        words in prop::collection::vec(
            prop_oneof![
                any::<char>().prop_map(String::from),
                any::<u64>().prop_map(|number| number.to_string()),
                prop::sample::select(vec![
                    " passed", " failed", ", ", " in ", "s", "\n", "Ran ", " tests in ", "OK", "(", ")",
                    "test ", "test result: ", ". ", "; ", " ... ", "ok", "# tests ", "# pass ", "✔ ", "::",
                    "Tests: ", " total", "ok  \t", "FAIL\t", "--- PASS: ", "coverage: ", "%", "TOTAL ", "|",
                    "All files", "\u{1b}[", "\r", "FAILED", " PASSED", " - ", " # SKIP", "=", "skipped=",
                ]).prop_map(str::to_owned),
            ],
            0..40,
        )
    ) {
        let text = words.concat();
        let _summary = read(&text);
        let _line = not_run(&text);
        results(&text, &mut |_, _| {});
    }

    #[test]
    fn a_summary_below_any_output_is_found(noise in "[^\n]{0,80}", passed in any::<u32>(), failed in any::<u32>()) {
        let text = format!("{noise}\n=== {failed} failed, {passed} passed in 1.00s ===\n");
        let before = read(&noise).counts.unwrap_or_default();
        let mut expected = before;
        expected.add(counts([u64::from(passed), u64::from(failed), 0, 0]));
        prop_assert_eq!(read(&text).counts, Some(expected));
    }
}
