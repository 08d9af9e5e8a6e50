//! Proofs for acceptance gates: their words, states and criteria, and what all gates together say.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::durable::{LedgerEvent, TaskState};
use crate::tool::Exit;

fn unit_tests(code: u8, output: &str) -> Verdict {
    let observed = Observed::new(Exit::Code(code), output, false);
    let criteria = Criteria::default();
    let meaning = ExitMeaning::of_program("pytest");
    verdict(GateKind::UnitTests, &criteria, &observed, &meaning)
}

#[test]
fn kinds_are_read_in_all_three_dialects() {
    for (text, kind) in [
        ("lint", GateKind::Lint),
        ("GATE_LINT", GateKind::Lint),
        ("unit-tests", GateKind::UnitTests),
        ("unit_tests", GateKind::UnitTests),
        ("GATE_UNIT", GateKind::UnitTests),
        ("GATE_INTEGRATION", GateKind::IntegrationTests),
        ("e2e_tests", GateKind::E2eTests),
        ("GATE_SECURITY", GateKind::SecurityScan),
        ("import-check", GateKind::ImportCheck),
        ("custom", GateKind::Custom),
    ] {
        assert_eq!(text.parse(), Ok(kind));
    }
    for kind in GateKind::ALL {
        let text = serde_json::to_string(&kind).unwrap();
        assert_eq!(text, format!("\"{kind}\""));
        assert_eq!(serde_json::from_str::<GateKind>(&text).unwrap(), kind);
    }
    for text in ["", "Lint", "gate_lint", "GATE-LINT", "GATE_E2E", "tests"] {
        let error = text.parse::<GateKind>().unwrap_err();
        assert!(error.to_string().contains("import-check or custom"));
    }
}

#[test]
fn a_gate_runs_before_it_ends_and_ends_once() {
    use GateState as State;
    let legal = [
        (State::Pending, State::Running),
        (State::Pending, State::Skipped),
        (State::Running, State::Passed),
        (State::Running, State::Failed),
        (State::Running, State::Error),
        (State::Running, State::Skipped),
        (State::Running, State::NothingCollected),
    ];
    for from in State::ALL {
        for to in State::ALL {
            let expected = legal.contains(&(from, to));
            assert_eq!(from.may_become(to), expected, "{from:?} {to:?}");
        }
    }
    let word = serde_json::to_value(State::NothingCollected).unwrap();
    assert_eq!(word, "nothing-collected");
}

#[test]
fn criteria_are_read_as_written_and_refused_with_the_fix() {
    let text = json!({
        "min-coverage": 85.7, "max-failures": 2, "required-tests": ["a"], "timeout": "5m",
        "custom-rules": {"output-matches": ["ok"], "output-lacks": ["panic"]},
    });
    let criteria: Criteria = serde_json::from_value(text.clone()).unwrap();
    assert_eq!(serde_json::to_value(&criteria).unwrap(), text);
    assert_eq!(
        serde_json::to_value(Criteria::default()).unwrap(),
        json!({})
    );
    for (text, says) in [
        (json!({"min-coverage": 101}), "from 0 to 100"),
        (json!({"min-coverage": -1}), "from 0 to 100"),
        (json!({"min-coverage": 80.123}), "at most two decimals"),
        (json!({"max-failures": -1}), "u32"),
        (json!({"required-tests": [""]}), "1 to 1024 bytes"),
        (
            json!({"required-tests": ["x".repeat(MAX_TEXT + 1)]}),
            "1 to 1024 bytes",
        ),
        (
            json!({"required-tests": vec!["x"; MAX_TEXTS + 1]}),
            "at most 1000",
        ),
        (json!({"timeout": 5}), "string"),
        (
            json!({"custom-rules": {"output": []}}),
            "unknown field `output`",
        ),
        (json!({"coverage": 80}), "unknown field `coverage`"),
    ] {
        let error = serde_json::from_value::<Criteria>(text.clone()).unwrap_err();
        assert!(error.to_string().contains(says), "{text}: {error}");
    }
}

#[test]
fn the_owner_says_what_an_exit_code_means() {
    let meaning: ExitMeaning = serde_json::from_value(json!({"failed": [1, 3]})).unwrap();
    assert_eq!(
        [0, 1, 2, 3].map(|code| meaning.of(code)),
        [
            Meaning::Passed,
            Meaning::Failed,
            Meaning::Error,
            Meaning::Failed
        ]
    );
    let loose = ExitMeaning::of_program("pytest").with_success(&[0, 5]);
    assert_eq!(loose.of(5), Meaning::Passed);
    assert_eq!(loose.of(1), Meaning::Failed);
    // The worse of two, and launchers' codes are never anything else.
    let both: ExitMeaning =
        serde_json::from_value(json!({"passed": [0, 7, 127], "failed": [7]})).unwrap();
    assert_eq!(both.of(7), Meaning::Failed);
    assert_eq!(both.of(127), Meaning::Error);
    for name in ["pythonic", "my-pytest", "cargo-nextest"] {
        assert_eq!(
            ExitMeaning::of_program(name),
            ExitMeaning::default(),
            "{name}"
        );
    }
    assert_eq!(
        ExitMeaning::of_program("cargo.exe").of(101),
        Meaning::Failed
    );
}

/// The first event of a task.
fn queued() -> LedgerEvent {
    let spec = json!({"id": "t", "kind": "manual", "instructions": "x"});
    LedgerEvent::TaskQueued {
        index: 0,
        spec: serde_json::from_value(spec).unwrap(),
        ready: true,
    }
}

/// What gates with these verdicts say, each named by its place; `false` is not required.
fn together(verdicts: &[(Verdict, bool)], require_evidence: bool) -> Acceptance {
    let gates: Vec<Judged<'_>> = verdicts
        .iter()
        .map(|(verdict, required)| Judged {
            name: "g",
            required: *required,
            verdict,
        })
        .collect();
    accept(&gates, require_evidence)
}

fn failed() -> Verdict {
    unit_tests(1, "1 failed in 0.1s")
}

fn crashed() -> Verdict {
    unit_tests(3, "")
}

fn skipped() -> Verdict {
    Verdict::Skipped {
        reason: "its tool is not declared".into(),
    }
}

#[test]
fn a_failed_gate_rejects_and_a_broken_one_leaves_it_open() {
    let failed_line = "gate `g`: failed: exit code 1, failed tests: 1".to_owned();
    let crashed_line = "gate `g`: error: the tool ended with exit code 3".to_owned();
    for evidence in [false, true] {
        let passed = (Verdict::Passed, true);
        assert_eq!(
            together(std::slice::from_ref(&passed), evidence),
            Acceptance::Accepted
        );
        assert_eq!(
            together(&[passed.clone(), (failed(), true)], evidence),
            Acceptance::Rejected {
                reasons: vec![failed_line.clone()]
            }
        );
        assert_eq!(
            together(&[passed.clone(), (crashed(), true)], evidence),
            Acceptance::Undecided {
                reasons: vec![crashed_line.clone()]
            }
        );
        assert_eq!(
            together(&[(crashed(), true), (failed(), true)], evidence),
            Acceptance::Rejected {
                reasons: vec![failed_line.clone(), crashed_line.clone()]
            }
        );
        let reported = [passed, (failed(), false), (crashed(), false)];
        assert_eq!(together(&reported, evidence), Acceptance::Accepted);
    }
}

#[test]
fn with_required_evidence_nothing_is_not_enough() {
    let rows: [&[(Verdict, bool)]; 4] = [
        &[],
        &[(skipped(), true)],
        &[(Verdict::NothingCollected, true)],
        &[(Verdict::Passed, true), (Verdict::NothingCollected, true)],
    ];
    for verdicts in rows {
        assert_eq!(together(verdicts, false), Acceptance::Accepted);
        let got = together(verdicts, true);
        let Acceptance::Rejected { reasons } = got else {
            panic!("{verdicts:?}: {got:?}")
        };
        assert_eq!(reasons.len(), 1, "{reasons:?}");
    }
}

proptest! {
    #[test]
    fn work_is_accepted_exactly_if_the_ledger_says_that_its_gates_hold(
        gates in prop::collection::vec((0..5_usize, any::<bool>()), 0..6),
        evidence in any::<bool>(),
    ) {
        let verdicts = [Verdict::Passed, failed(), crashed(), Verdict::NothingCollected, skipped()];
        let mut state = TaskState::begin(&queued()).unwrap();
        let gates: Vec<(Verdict, bool)> = gates
            .into_iter()
            .map(|(which, required)| (verdicts[which].clone(), required))
            .collect();
        state.verdicts = (0..).zip(gates.iter().map(|(verdict, required)| (verdict.word(), *required))).collect();
        let accepted = together(&gates, evidence) == Acceptance::Accepted;
        prop_assert_eq!(accepted, state.gates_hold(evidence));
    }

    #[test]
    fn a_percentage_is_what_was_written(hundredths in 0..=10_000_u32) {
        let percent = Percent::hundredths(hundredths).unwrap();
        let text = serde_json::to_string(&percent).unwrap();
        prop_assert_eq!(serde_json::from_str::<Percent>(&text).unwrap(), percent);
        prop_assert_eq!(Percent::read(&text), Some(percent));
    }
}
