//! Proofs for the circuit breaker: the story of one adapter, and any order of events.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn who(attempt: u32) -> ProbeKey {
    ProbeKey {
        task: "t".into(),
        attempt,
    }
}

fn failed(attempt: u32, at: u64) -> BreakerEvent {
    BreakerEvent::Failed {
        who: who(attempt),
        at,
    }
}

fn succeeded(attempt: u32, at: u64) -> BreakerEvent {
    BreakerEvent::Succeeded {
        who: who(attempt),
        at,
    }
}

fn started(attempt: u32, at: u64) -> BreakerEvent {
    BreakerEvent::ProbeStarted {
        who: who(attempt),
        at,
    }
}

fn lost(attempt: u32, at: u64) -> BreakerEvent {
    BreakerEvent::ProbeLost {
        who: who(attempt),
        at,
    }
}

/// The breaker after these events, and its changes.
fn after(breaker: Breaker, events: &[BreakerEvent]) -> (Breaker, Vec<CircuitChange>) {
    events
        .iter()
        .fold((breaker, vec![]), |(breaker, mut changes), event| {
            let (breaker, change) = breaker.apply(event);
            changes.extend(change);
            (breaker, changes)
        })
}

fn fresh() -> Breaker {
    Breaker::new(BreakerSettings::default())
}

/// Opened at 1,000 by five failures.
fn opened() -> Breaker {
    let failures: Vec<BreakerEvent> = (996..=1_000).map(|at| failed(1, at)).collect();
    let (breaker, changes) = after(fresh(), &failures);
    assert_eq!(changes, [CircuitChange::Opened { until: 61_000 }]);
    breaker
}

#[test]
fn the_fifth_failure_in_a_row_opens_for_sixty_seconds() {
    let four: Vec<BreakerEvent> = (1..=4).map(|at| failed(1, at)).collect();
    let (breaker, changes) = after(fresh(), &four);
    assert_eq!(*breaker.state(), BreakerState::Closed { failures: 4 });
    assert!(changes.is_empty());
    assert_eq!(breaker.admit(5, &who(2)), Admission::Yes);
    assert_eq!(breaker.remaining(5), None);

    let open = opened();
    assert_eq!(open.state().word(), "OPEN");
    let no = Admission::No {
        until: Some(61_000),
    };
    assert_eq!(open.admit(1_000, &who(2)), no);
    assert_eq!(open.admit(60_999, &who(2)), no);
    assert_eq!(open.remaining(1_000), Some(Duration::from_secs(60)));
    assert_eq!(open.admit(61_000, &who(2)), Admission::Probe);
    assert_eq!(open.remaining(70_000), Some(Duration::ZERO));
}

#[test]
fn a_success_between_failures_starts_the_count_anew() {
    let mut events: Vec<BreakerEvent> = (1..=4).map(|at| failed(1, at)).collect();
    events.push(succeeded(2, 5));
    events.extend((6..=9).map(|at| failed(1, at)));
    let (breaker, changes) = after(fresh(), &events);
    assert_eq!(*breaker.state(), BreakerState::Closed { failures: 4 });
    assert!(changes.is_empty());
}

#[test]
fn one_probe_decides() {
    let (half, changes) = after(opened(), &[started(7, 61_000)]);
    assert_eq!(changes, [CircuitChange::HalfOpened]);
    assert_eq!(half.state().word(), "HALF_OPEN");
    assert_eq!(
        half.admit(99_000, &who(8)),
        Admission::No { until: None },
        "a second probe"
    );
    assert_eq!(half.admit(99_000, &who(7)), Admission::Probe, "asks again");

    let (closed, changes) = after(half.clone(), &[succeeded(7, 62_000)]);
    assert_eq!(changes, [CircuitChange::Closed]);
    assert_eq!(closed, fresh());

    let (open, changes) = after(half, &[failed(7, 62_000)]);
    assert_eq!(changes, [CircuitChange::Opened { until: 122_000 }]);
    assert_eq!(
        *open.state(),
        BreakerState::Open {
            since: 62_000,
            until: 122_000
        }
    );
}

#[test]
fn a_lost_probe_makes_room_for_the_next() {
    let (half, changes) = after(opened(), &[started(7, 61_000), lost(7, 61_500)]);
    assert_eq!(changes, [CircuitChange::HalfOpened]);
    assert_eq!(half.admit(61_500, &who(8)), Admission::Probe);
    // What the lost one still says does not count.
    let (same, changes) = after(half.clone(), &[failed(7, 61_600), succeeded(7, 61_700)]);
    assert_eq!((&same, changes.as_slice()), (&half, [].as_slice()));
    let (closed, _) = after(half, &[started(8, 61_800), succeeded(8, 61_900)]);
    assert_eq!(closed, fresh());
}

#[test]
fn late_ends_and_uninvited_probes_change_nothing() {
    let open = opened();
    let events = [succeeded(2, 1_001), failed(3, 1_002), started(4, 60_999)];
    assert_eq!(after(open.clone(), &events), (open.clone(), vec![]));
    let (half, _) = after(open, &[started(7, 61_000)]);
    let events = [
        succeeded(2, 61_001),
        failed(3, 61_002),
        started(4, 61_003),
        lost(5, 61_004),
        started(7, 61_005),
    ];
    assert_eq!(after(half.clone(), &events), (half, vec![]));
    assert_eq!(
        after(fresh(), &[started(1, 1), lost(1, 2)]),
        (fresh(), vec![])
    );
}

#[test]
fn a_person_closes_it_from_any_state() {
    let reset = [BreakerEvent::Reset { at: 1_500 }];
    let (half, _) = after(opened(), &[started(7, 61_000)]);
    for breaker in [opened(), half] {
        let (closed, changes) = after(breaker, &reset);
        assert_eq!(
            (closed, changes.as_slice()),
            (fresh(), [CircuitChange::Closed].as_slice())
        );
    }
    let (failing, _) = after(fresh(), &[failed(1, 1)]);
    assert_eq!(after(failing, &reset), (fresh(), vec![]));
}

#[test]
fn a_red_test_is_not_a_failure_of_the_adapter() {
    use FailureClass as Class;
    for class in Class::ALL {
        let expected = match class {
            Class::Crash | Class::Timeout | Class::Unavailable | Class::Host => Some(true),
            Class::Work | Class::Rejected => Some(false),
            Class::Transient
            | Class::Denied
            | Class::CircuitOpen
            | Class::Input
            | Class::Cancelled => None,
        };
        assert_eq!(counts(class), expected, "{class:?}");
        let event = match expected {
            Some(true) => failed(1, 9),
            Some(false) => succeeded(1, 9),
            None => lost(1, 9),
        };
        assert_eq!(ended(who(1), Some(class), 9), event, "{class:?}");
    }
    assert_eq!(ended(who(1), None, 9), succeeded(1, 9));
}

#[test]
fn forms_are_the_published_ones() {
    let text = |breaker: &Breaker| serde_json::to_value(breaker.state()).unwrap();
    assert_eq!(text(&fresh()), json!({"state": "CLOSED", "failures": 0}));
    let open = opened();
    assert_eq!(
        text(&open),
        json!({"state": "OPEN", "since": 1_000, "until": 61_000})
    );
    let (half, _) = after(open, &[started(7, 61_000)]);
    assert_eq!(
        text(&half),
        json!({"state": "HALF_OPEN", "probes": [{"task": "t", "attempt": 7}]})
    );
    let settings = json!({"threshold": 5, "open-for": "1m", "probes": 1});
    assert_eq!(
        serde_json::from_str::<BreakerSettings>("{}").unwrap(),
        serde_json::from_value(settings.clone()).unwrap()
    );
    assert_eq!(serde_json::to_value(half.settings()).unwrap(), settings);
    let names = [
        CircuitChange::Opened { until: 1 },
        CircuitChange::HalfOpened,
        CircuitChange::Closed,
    ]
    .map(CircuitChange::event_name);
    assert_eq!(
        names,
        ["CIRCUIT_OPENED", "CIRCUIT_HALF_OPEN", "CIRCUIT_CLOSED"]
    );
}

#[test]
fn settings_out_of_range_are_refused() {
    for (text, says) in [
        (json!({"threshold": 0}), "from 1 to 1000"),
        (json!({"probes": 0}), "from 1 to 1000"),
        (json!({"probes": 1001}), "from 1 to 1000"),
        (json!({"open-for": "60"}), "is not a time"),
        (json!({"open": "60s"}), "unknown field `open`"),
    ] {
        let error = serde_json::from_value::<BreakerSettings>(text.clone()).unwrap_err();
        assert!(error.to_string().contains(says), "{text}: {error}");
    }
}

fn events() -> impl Strategy<Value = Vec<BreakerEvent>> {
    let event = (0..5_u8, 0..6_u32, 0..100_u64).prop_map(|(kind, who, at)| match kind {
        0 => succeeded(who, at),
        1 => failed(who, at),
        2 => started(who, at),
        3 => lost(who, at),
        _ => BreakerEvent::Reset { at },
    });
    // Mostly failures and probes, so that the circuit opens often.
    let bad = (any::<bool>(), 0..6_u32, 0..100_u64).prop_map(|(fails, who, at)| {
        if fails {
            failed(who, at)
        } else {
            started(who, at)
        }
    });
    prop::collection::vec(prop_oneof![event, bad], 0..60)
}

proptest! {
    #[test]
    fn any_order_of_events_leaves_a_legal_state(
        events in events(),
        threshold in 0..4_u32,
        probes in 0..4_u32,
        open_for in 0..30_u64,
    ) {
        let open_for = TimeSpan::milliseconds(open_for);
        let settings = BreakerSettings { threshold, open_for, probes };
        let mut breaker = Breaker::new(settings);
        for event in events {
            let before = breaker.clone();
            let (next, change) = breaker.apply(&event);
            // A change is told exactly if the word changed, and it is the one that happened.
            let told = match next.state() {
                _ if next.state().word() == before.state().word() => None,
                BreakerState::Open { until, .. } => Some(CircuitChange::Opened { until: *until }),
                BreakerState::HalfOpen { .. } => Some(CircuitChange::HalfOpened),
                BreakerState::Closed { .. } => Some(CircuitChange::Closed),
            };
            prop_assert_eq!(change, told);
            // An open circuit starts nobody before its time.
            if let (BreakerState::Open { until, .. }, BreakerEvent::ProbeStarted { at, .. }) =
                (before.state(), &event)
            {
                prop_assert_eq!(next.state().word() == "HALF_OPEN", at >= until);
            }
            match next.state() {
                BreakerState::Closed { failures } => prop_assert!(*failures < threshold.max(1)),
                BreakerState::Open { since, until } => {
                    prop_assert!(since <= until);
                    for now in 0..*until {
                        let no = Admission::No { until: Some(*until) };
                        prop_assert_eq!(next.admit(now, &who(9)), no);
                    }
                    prop_assert_eq!(next.admit(*until, &who(9)), Admission::Probe);
                }
                BreakerState::HalfOpen { probes: now } => {
                    let limit = probes.max(1) as usize;
                    prop_assert!(now.len() <= limit);
                    let admitted = next.admit(0, &who(9)) == Admission::Probe;
                    prop_assert_eq!(admitted, now.len() < limit);
                }
            }
            let text = serde_json::to_string(&next.state()).unwrap();
            let state: BreakerState = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&Breaker::restore(settings, state), &next);
            breaker = next;
        }
        // However it stands, a probe that succeeds closes it.
        let late = u64::MAX - 1;
        let (breaker, _) = breaker.apply(&BreakerEvent::Reset { at: late });
        prop_assert_eq!(breaker, Breaker::new(settings));
    }
}
