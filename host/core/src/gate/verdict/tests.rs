//! Proofs for verdicts: what each end of each tool means, and each criterion.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::gate::MAX_OUTPUT;
use Criterion as Of;
use GateState as State;

fn seen(code: u8, output: &str) -> Observed {
    Observed::new(Exit::Code(code), output, false)
}

fn plain(program: &str, code: u8, output: &str) -> Verdict {
    let meaning = ExitMeaning::of_program(program);
    let criteria = Criteria::default();
    verdict(
        GateKind::UnitTests,
        &criteria,
        &seen(code, output),
        &meaning,
    )
}

fn judged(criteria: serde_json::Value, code: u8, output: &str) -> Verdict {
    let criteria: Criteria = serde_json::from_value(criteria).unwrap();
    let meaning = ExitMeaning::of_program("pytest");
    verdict(
        GateKind::UnitTests,
        &criteria,
        &seen(code, output),
        &meaning,
    )
}

/// Program, exit code, output; the state of the gate.
const ENDS: &[(&str, u8, &str, State)] = &[
    ("pytest", 0, "=== 2 passed in 0.1s ===", State::Passed),
    (
        "pytest",
        1,
        "=== 1 failed, 1 passed in 0.1s ===",
        State::Failed,
    ),
    ("pytest", 2, "=== 1 error in 0.1s ===", State::Error),
    ("pytest", 3, "INTERNALERROR>", State::Error),
    (
        "pytest",
        4,
        "pytest: error: unrecognized arguments: --bad",
        State::Error,
    ),
    (
        "pytest",
        5,
        "=== no tests ran in 0.00s ===",
        State::NothingCollected,
    ),
    (
        "pytest",
        5,
        "5 deselected in 0.01s",
        State::NothingCollected,
    ),
    (
        "pytest",
        0,
        "=== 3 skipped in 0.1s ===",
        State::NothingCollected,
    ),
    (
        "python3",
        1,
        "Ran 2 tests in 0.1s\n\nFAILED (failures=1)",
        State::Failed,
    ),
    (
        "python3",
        0,
        "Ran 0 tests in 0.000s\n\nOK",
        State::NothingCollected,
    ),
    (
        "python3.12",
        5,
        "Ran 0 tests in 0.000s\n\nNO TESTS RAN",
        State::NothingCollected,
    ),
    (
        "python3",
        1,
        "/usr/bin/python3: No module named pytest",
        State::Error,
    ),
    (
        "python3",
        1,
        "ModuleNotFoundError: No module named 'app'",
        State::Failed,
    ),
    (
        "cargo",
        101,
        "test result: FAILED. 0 passed; 1 failed; 0 ignored",
        State::Failed,
    ),
    (
        "cargo",
        101,
        "error[E0425]: cannot find value `x`",
        State::Failed,
    ),
    ("cargo", 101, "error: no such command: `nope`", State::Error),
    (
        "cargo",
        1,
        "error: unexpected argument '--x' found",
        State::Error,
    ),
    (
        "cargo",
        0,
        "test result: ok. 1 passed; 0 failed",
        State::Passed,
    ),
    (
        "cargo",
        0,
        "test result: ok. 0 passed; 0 failed",
        State::NothingCollected,
    ),
    // A crate without tests, and the next one does not compile.
    (
        "cargo",
        101,
        "test result: ok. 0 passed; 0 failed\nerror: could not compile `b`",
        State::Failed,
    ),
    (
        "node",
        1,
        "# tests 1\n# pass 0\n# fail 1\n# duration_ms 1",
        State::Failed,
    ),
    (
        "node",
        0,
        "# tests 0\n# pass 0\n# fail 0\n# duration_ms 1",
        State::NothingCollected,
    ),
    ("node", 7, "", State::Error),
    ("npm", 1, "Tests:       1 failed, 1 total", State::Failed),
    ("npm", 1, "npm error Missing script: \"test\"", State::Error),
    (
        "jest",
        1,
        "No tests found, exiting with code 1",
        State::NothingCollected,
    ),
    ("go", 1, "FAIL\ta\t0.1s", State::Failed),
    ("go", 0, "?   \ta\t[no test files]", State::NothingCollected),
    ("go", 2, "flag provided but not defined", State::Error),
    ("ruff", 1, "Found 1 error.", State::Failed),
    ("ruff", 2, "", State::Error),
    // No summary that is known: the exit code decides.
    ("anything", 0, "all good", State::Passed),
    ("anything", 1, "all bad", State::Failed),
    ("anything", 126, "", State::Error),
    ("anything", 127, "sh: nope: not found", State::Error),
    ("anything", 137, "", State::Error),
    ("anything", 255, "", State::Error),
];

#[test]
fn every_end_of_every_tool_has_its_own_verdict() {
    for (program, code, output, state) in ENDS {
        let verdict = plain(program, *code, output);
        assert_eq!(
            verdict.state(),
            *state,
            "{program} {code} {output:?}: {verdict}"
        );
    }
}

#[test]
fn a_tool_that_did_not_end_by_itself_is_an_error() {
    let ends = [
        (Exit::Signal(11), "signal 11"),
        (Exit::Killed(KillCause::WallTimeout), "its time limit"),
        (Exit::Killed(KillCause::IdleTimeout), "silent"),
        (Exit::Killed(KillCause::OutputLimit), "wrote more"),
        (Exit::Killed(KillCause::Requested), "on request"),
        (Exit::Killed(KillCause::RunEnded), "the run ended"),
        (Exit::Killed(KillCause::SupervisorLost), "supervisor"),
    ];
    for (exit, says) in ends {
        // Even with a summary that looks good.
        let observed = Observed::new(exit, "2 passed in 0.1s", false);
        let got = verdict(
            GateKind::UnitTests,
            &Criteria::default(),
            &observed,
            &ExitMeaning::default(),
        );
        let Verdict::Error { reason } = got else {
            panic!("{exit:?}: {got}")
        };
        assert!(reason.contains(says), "{reason}");
    }
}

#[test]
fn a_tool_that_did_not_start_is_an_error_whatever_its_codes_mean() {
    let observed = Observed::not_started("tool `x` is not on this machine".into());
    let meaning = ExitMeaning::default().with_success(&[0, 127]);
    let got = verdict(GateKind::Lint, &Criteria::default(), &observed, &meaning);
    let expected = "error: the tool did not start: tool `x` is not on this machine";
    assert_eq!(got.to_string(), expected);
}

#[test]
fn only_a_gate_that_runs_tests_needs_one() {
    for kind in GateKind::ALL {
        let observed = seen(0, "test result: ok. 0 passed; 0 failed");
        let got = verdict(
            kind,
            &Criteria::default(),
            &observed,
            &ExitMeaning::default(),
        );
        let tests = matches!(
            kind,
            GateKind::UnitTests | GateKind::IntegrationTests | GateKind::E2eTests
        );
        let expected = if tests {
            Verdict::NothingCollected
        } else {
            Verdict::Passed
        };
        assert_eq!(got, expected, "{kind}");
    }
}

const RED: &str =
    "a.py::x PASSED\na.py::y FAILED\nTOTAL 10 2 80%\n=== 1 failed, 1 passed in 0.1s ===";
const GREEN: &str = "a.py::x PASSED\nTOTAL 10 2 80%\n=== 1 passed in 0.1s ===";

/// Criteria, exit code, output; the criteria that were not met.
const CRITERIA: &[(&str, u8, &str, &[Of])] = &[
    (r#"{}"#, 0, GREEN, &[]),
    (r#"{}"#, 1, RED, &[Of::ExitCode]),
    // Failures that may be are no reason; what else the exit code says is.
    (r#"{"max-failures": 1}"#, 1, RED, &[]),
    (r#"{"max-failures": 0}"#, 1, RED, &[Of::MaxFailures]),
    (r#"{"max-failures": 0}"#, 0, RED, &[Of::MaxFailures]),
    (r#"{"max-failures": 0}"#, 0, GREEN, &[]),
    (r#"{"max-failures": 1}"#, 1, GREEN, &[Of::ExitCode]),
    (r#"{"max-failures": 1}"#, 1, "?", &[Of::MaxFailures]),
    (r#"{"max-failures": 1}"#, 0, "?", &[Of::MaxFailures]),
    // What is not known is not met.
    (r#"{"min-coverage": 80}"#, 0, GREEN, &[]),
    (r#"{"min-coverage": 80.01}"#, 0, GREEN, &[Of::MinCoverage]),
    (r#"{"min-coverage": 0}"#, 0, "fine", &[Of::MinCoverage]),
    (r#"{"required-tests": ["a.py::x"]}"#, 0, GREEN, &[]),
    (
        r#"{"required-tests": ["a.py::y"], "max-failures": 1}"#,
        1,
        RED,
        &[Of::RequiredTests],
    ),
    (
        r#"{"required-tests": ["a.py::z"]}"#,
        0,
        GREEN,
        &[Of::RequiredTests],
    ),
    // Seen to pass, and seen to fail.
    (
        r#"{"required-tests": ["a"]}"#,
        0,
        "ok 1 - a\nnot ok 2 - a\nok 3 - a",
        &[Of::RequiredTests],
    ),
    (
        r#"{"custom-rules": {"output-matches": ["80%"]}}"#,
        0,
        GREEN,
        &[],
    ),
    (
        r#"{"custom-rules": {"output-matches": ["90%", "passed", "Passed"]}}"#,
        0,
        GREEN,
        &[Of::OutputMatches, Of::OutputMatches],
    ),
    (
        r#"{"custom-rules": {"output-lacks": ["panic"]}}"#,
        0,
        GREEN,
        &[],
    ),
    (
        r#"{"custom-rules": {"output-lacks": ["TOTAL"]}}"#,
        0,
        GREEN,
        &[Of::OutputLacks],
    ),
    // Criteria do not make a red run green.
    (
        r#"{"min-coverage": 80, "custom-rules": {"output-matches": ["80%"]}}"#,
        1,
        RED,
        &[Of::ExitCode],
    ),
    (
        r#"{"min-coverage": 90, "max-failures": 0, "required-tests": ["z"]}"#,
        1,
        RED,
        &[Of::MaxFailures, Of::MinCoverage, Of::RequiredTests],
    ),
];

#[test]
fn each_criterion_is_met_or_named() {
    for (criteria, code, output, expected) in CRITERIA {
        let got = judged(serde_json::from_str(criteria).unwrap(), *code, output);
        let reasons = match &got {
            Verdict::Passed => vec![],
            Verdict::Failed { reasons } => reasons.iter().map(|unmet| unmet.criterion).collect(),
            Verdict::Error { .. } | Verdict::NothingCollected | Verdict::Skipped { .. } => {
                panic!("{criteria}: {got}")
            }
        };
        assert_eq!(reasons, *expected, "{criteria} {code}: {got}");
    }
}

#[test]
fn an_error_or_an_empty_run_is_never_a_matter_of_criteria() {
    let criteria = json!({"max-failures": 9, "min-coverage": 1, "required-tests": ["a"]});
    let error = judged(criteria.clone(), 2, "9 passed in 0.1s");
    assert_eq!(error.state(), GateState::Error);
    let nothing = judged(criteria, 0, "no tests ran in 0.1s");
    assert_eq!(nothing, Verdict::NothingCollected);
}

#[test]
fn of_a_cut_output_nobody_can_say_what_it_lacks() {
    let criteria: Criteria =
        serde_json::from_value(json!({"custom-rules": {"output-lacks": ["panic"]}})).unwrap();
    let of =
        |observed: &Observed| verdict(GateKind::Lint, &criteria, observed, &ExitMeaning::default());
    let cut = Observed::new(Exit::Code(0), "fine", true);
    assert!(of(&cut).to_string().contains("the output was cut"));
    let long = format!("panic{}ß\n2 passed in 0.1s\n", "x".repeat(MAX_OUTPUT));
    let observed = Observed::new(Exit::Code(0), &long, false);
    assert!(observed.truncated && observed.output.len() <= MAX_OUTPUT);
    assert_eq!(observed.counts.map(|counts| counts.passed), Some(2));
    assert_eq!(of(&observed).state(), GateState::Failed);
}

#[test]
fn reasons_say_what_was_asked_for_and_seen_and_come_to_an_end() {
    let got = judged(
        json!({"min-coverage": 90.5, "max-failures": 0, "required-tests": ["z"]}),
        1,
        "TOTAL 10 2 80%\n1 failed in 0.1s",
    );
    assert_eq!(
        got.to_string(),
        "failed: failed tests: 1, at most 0 may fail; coverage is 80 %, at least 90.5 % is asked for; \
         not seen to pass: `z`"
    );
    let names: Vec<String> = (0..30).map(|n| format!("t{n:02}")).collect();
    let rules = json!({"output-matches": names});
    let got = judged(
        json!({"required-tests": names, "custom-rules": rules}),
        0,
        "",
    );
    let text = got.to_string();
    assert!(text.contains("`t19` and 10 more;"), "{text}");
    assert!(text.ends_with("and 10 more rules"), "{text}");
}

proptest! {
    #[test]
    fn a_red_or_broken_tool_never_passes_without_a_criterion(
        code in 1..=255_u8,
        output in ".{0,60}",
        program in prop::sample::select(vec!["pytest", "cargo", "node", "x"]),
    ) {
        prop_assert_ne!(plain(program, code, &output), Verdict::Passed);
    }

    #[test]
    fn a_verdict_is_a_final_state_and_reads_back(code in any::<u8>(), output in ".{0,60}") {
        let got = judged(json!({"max-failures": 1, "min-coverage": 5}), code, &output);
        prop_assert!(got.state().is_final());
        let text = serde_json::to_string(&got).unwrap();
        prop_assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), got);
    }
}
