//! Proofs for waits and for what follows a failure.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::outcome::CancelReason;

fn exact() -> RetryPolicy {
    RetryPolicy {
        jitter: Jitter::NONE,
        ..RetryPolicy::default()
    }
}

fn seconds(policy: RetryPolicy, attempts: std::ops::RangeInclusive<u32>) -> Vec<u64> {
    attempts.map(|n| policy.delay(n, "t").as_secs()).collect()
}

#[test]
fn waits_double_up_to_the_cap() {
    assert_eq!(seconds(exact(), 1..=8), [1, 2, 4, 8, 16, 32, 60, 60]);
    let origin = RetryPolicy {
        jitter: Jitter::NONE,
        ..RetryPolicy::origin()
    };
    assert_eq!(seconds(origin, 1..=6), [2, 4, 8, 16, 32, 60]);
    let slow = RetryPolicy {
        factor: Factor::new(1.5).unwrap(),
        first_delay: TimeSpan::seconds(4),
        ..exact()
    };
    assert_eq!(seconds(slow, 1..=4), [4, 6, 9, 13]);
}

#[test]
fn the_default_is_three_attempts_one_second_twice_sixty_seconds_half() {
    let policy = RetryPolicy::default();
    let text = json!({
        "max-attempts": 3, "first-delay": "1s", "factor": 2, "cap": "1m",
        "jitter": {"min": 0.5, "max": 1.5}, "retry-rejected": false,
    });
    assert_eq!(serde_json::to_value(policy).unwrap(), text);
    assert_eq!(serde_json::from_value::<RetryPolicy>(text).unwrap(), policy);
    assert_eq!(serde_json::from_str::<RetryPolicy>("{}").unwrap(), policy);
}

#[test]
fn a_small_factor_grows_and_ends() {
    let policy = RetryPolicy {
        first_delay: TimeSpan::milliseconds(1),
        factor: Factor::new(1.001).unwrap(),
        ..exact()
    };
    assert_eq!(policy.delay(1, "t"), Duration::from_millis(1));
    assert_eq!(policy.delay(695, "t"), Duration::from_millis(2));
    assert_eq!(policy.delay(u32::MAX, "t"), Duration::from_secs(60));
}

#[test]
fn a_cap_below_the_first_wait_counts() {
    let policy = RetryPolicy {
        cap: TimeSpan::milliseconds(10),
        ..exact()
    };
    assert_eq!(policy.delay(1, "t"), Duration::from_millis(10));
}

#[test]
fn waits_are_the_same_in_every_version() {
    // Computed by hand from SHA-256: a replay with a newer program waits as the older one did.
    let policy = RetryPolicy::default();
    let waits: Vec<u128> = (1..=4)
        .map(|n| policy.delay(n, "task-7").as_millis())
        .collect();
    assert_eq!(waits, [745, 1_025, 5_529, 6_841]);
}

#[test]
fn tasks_that_failed_together_do_not_come_back_together_even_at_the_cap() {
    let policy = RetryPolicy::default();
    for attempt in [1, 9] {
        let waits: std::collections::BTreeSet<Duration> = (0..100)
            .map(|task| policy.delay(attempt, &format!("task-{task}")))
            .collect();
        assert!(waits.len() > 90, "{waits:?}");
    }
}

#[test]
fn what_another_try_cannot_help_is_never_tried_again() {
    use FailureClass as Class;
    let policy = RetryPolicy {
        max_attempts: MAX_ATTEMPTS,
        ..exact()
    };
    let never = [
        (Class::Work, "work"),
        (Class::Rejected, "rejected"),
        (Class::Denied, "denied"),
        (Class::CircuitOpen, "circuit-open"),
        (Class::Input, "input"),
        (Class::Cancelled, "cancelled"),
    ];
    for class in Class::ALL {
        let expected = never
            .iter()
            .find(|(never, _)| *never == class)
            .map_or(Retry::After(Duration::from_secs(1)), |(_, word)| {
                Retry::Never(word)
            });
        assert_eq!(policy.next(1, class, "t"), expected, "{class:?}");
        let word = serde_json::to_value(class).unwrap();
        assert_eq!(word, class.word());
    }
    let again = RetryPolicy {
        retry_rejected: true,
        ..policy
    };
    let changed: Vec<Class> = Class::ALL
        .into_iter()
        .filter(|class| again.retries(*class) != policy.retries(*class))
        .collect();
    assert_eq!(changed, [Class::Rejected]);
}

#[test]
fn attempts_are_counted_with_the_first() {
    let next = |n| exact().next(n, FailureClass::Crash, "t");
    assert_eq!(next(1), Retry::After(Duration::from_secs(1)));
    assert_eq!(next(2), Retry::After(Duration::from_secs(2)));
    assert_eq!(next(3), Retry::Exhausted);
    assert_eq!(next(u32::MAX), Retry::Exhausted);
    let once = RetryPolicy {
        max_attempts: 0,
        ..exact()
    };
    assert_eq!(once.next(1, FailureClass::Crash, "t"), Retry::Exhausted);
}

#[test]
fn another_adapter_is_tried_only_where_this_one_is_broken() {
    let fallen: Vec<&str> = FailureClass::ALL
        .into_iter()
        .filter(|class| class.falls_back())
        .map(FailureClass::word)
        .collect();
    assert_eq!(fallen, ["crash", "circuit-open", "unavailable"]);
}

#[test]
fn every_outcome_has_its_class() {
    use FailureClass as Class;
    let failed = |retryable| Outcome::Failed {
        code: "x".into(),
        message: String::new(),
        hint: None,
        retryable,
        outputs: serde_json::Value::Null,
    };
    let fault = |kind| Outcome::PluginFault {
        kind,
        message: String::new(),
    };
    let text = String::new;
    let rows = [
        (failed(true), Class::Transient),
        (failed(false), Class::Work),
        (Outcome::Rejected { reason: text() }, Class::Rejected),
        (Outcome::InvalidInput { problems: vec![] }, Class::Input),
        (
            Outcome::Denied {
                denials: vec![],
                message: None,
            },
            Class::Denied,
        ),
        (Outcome::Unavailable { what: text() }, Class::Unavailable),
        (Outcome::TimedOut { limit_ms: 1 }, Class::Timeout),
        (
            Outcome::Cancelled {
                reason: CancelReason::Requested,
            },
            Class::Cancelled,
        ),
        (fault(FaultKind::Load), Class::Unavailable),
        (fault(FaultKind::NotGranted), Class::Denied),
        (fault(FaultKind::Trap), Class::Crash),
        (fault(FaultKind::Memory), Class::Crash),
        (fault(FaultKind::Stack), Class::Crash),
        (fault(FaultKind::Limit), Class::Crash),
        (fault(FaultKind::Exit), Class::Crash),
        (fault(FaultKind::Contract), Class::Crash),
        (Outcome::Internal { message: text() }, Class::Host),
    ];
    for (outcome, class) in rows {
        assert_eq!(FailureClass::of(&outcome), Some(class), "{outcome:?}");
    }
    let succeeded = Outcome::Succeeded {
        summary: text(),
        outputs: json!({}),
        artifacts: vec![],
    };
    assert_eq!(FailureClass::of(&succeeded), None);
}

#[test]
fn what_is_no_policy_is_refused_with_the_fix() {
    for (text, says) in [
        (json!({"max-attempts": 0}), "from 1 to 1000"),
        (json!({"max-attempts": 1001}), "from 1 to 1000"),
        (json!({"max-attempts": -1}), "u32"),
        (json!({"factor": 0.5}), "write 1 or more"),
        (json!({"factor": -2}), "at most three decimals"),
        (json!({"factor": 1.2345}), "at most three decimals"),
        (json!({"factor": 1e9}), "from 0 to 1000"),
        (json!({"factor": "2"}), "f64"),
        (json!({"jitter": {"min": 2, "max": 1}}), "swap them"),
        (json!({"jitter": {"min": 1}}), "max"),
        (json!({"first-delay": 1}), "string"),
        (json!({"first-delay": "1"}), "is not a time"),
        (json!({"delay": "1s"}), "unknown field `delay`"),
    ] {
        let error = serde_json::from_value::<RetryPolicy>(text.clone()).unwrap_err();
        assert!(error.to_string().contains(says), "{text}: {error}");
    }
    assert!(Factor::new(f64::NAN).is_err());
    assert!(Factor::new(f64::INFINITY).is_err());
}

fn policies() -> impl Strategy<Value = RetryPolicy> {
    let spans = || prop_oneof![0..100_000_u64, any::<u64>()].prop_map(TimeSpan::milliseconds);
    let parts = MAX_MULTIPLE * THOUSAND;
    (
        any::<u32>(),
        spans(),
        THOUSAND..=parts,
        spans(),
        (0..=parts, 0..=parts),
    )
        .prop_map(
            |(max_attempts, first_delay, factor, cap, (one, two))| RetryPolicy {
                max_attempts,
                first_delay,
                factor: Factor(Multiple(factor)),
                cap,
                jitter: Jitter {
                    min: Multiple(one.min(two)),
                    max: Multiple(one.max(two)),
                },
                retry_rejected: false,
            },
        )
}

proptest! {
    #[test]
    fn no_wait_is_above_the_cap_and_none_differs_when_asked_again(
        policy in policies(),
        attempt in prop_oneof![0..20_u32, any::<u32>()],
        seed in ".{0,20}",
    ) {
        let wait = policy.delay(attempt, &seed);
        prop_assert!(wait <= policy.cap.get());
        prop_assert_eq!(wait, policy.delay(attempt, &seed));
    }

    #[test]
    fn jitter_stays_in_its_range(attempt in 1..5_u32, seed in ".{0,20}") {
        let wait = RetryPolicy::default().delay(attempt, &seed).as_millis();
        let exact = exact().delay(attempt, &seed).as_millis();
        prop_assert!((exact / 2..=exact * 3 / 2).contains(&wait), "{wait} {exact}");
    }

    #[test]
    fn without_jitter_no_wait_is_shorter_than_the_one_before(
        policy in policies(),
        attempt in 1..200_u32,
    ) {
        let policy = RetryPolicy { jitter: Jitter::NONE, ..policy };
        prop_assert!(policy.delay(attempt, "t") <= policy.delay(attempt + 1, "t"));
    }

    #[test]
    fn a_policy_is_read_as_it_was_written(policy in policies(), attempts in 1..=MAX_ATTEMPTS) {
        let policy = RetryPolicy { max_attempts: attempts, ..policy };
        let text = serde_json::to_string(&policy).unwrap();
        prop_assert_eq!(serde_json::from_str::<RetryPolicy>(&text).unwrap(), policy);
    }
}
