//! Metrics against a recount that is written another way.

use proptest::prelude::*;

use super::*;
use crate::durable::{Answer, LEDGER_FORMAT, Question, Stream};
use crate::outcome::CancelReason;

/// Entries of these events, one millisecond after the other.
fn entries(events: Vec<(Stream, LedgerEvent)>) -> Vec<Entry> {
    events
        .into_iter()
        .enumerate()
        .map(|(index, (stream, event))| Entry {
            v: LEDGER_FORMAT,
            seq: index as u64 + 1,
            at_ms: 1_000 + 7 * index as u64,
            run: stream.run().cloned(),
            task: stream.task().cloned(),
            task_seq: 1,
            event,
        })
        .collect()
}

fn task(number: u8) -> Stream {
    Stream::Task("r".parse().unwrap(), format!("t{number}").parse().unwrap())
}

/// An event that metrics may or may not care about. Whether it could follow does not matter here:
/// the ledger sees to that.
fn event(kind: u8) -> LedgerEvent {
    use LedgerEvent as E;
    let adapter: AdapterId = "ruff".parse().unwrap();
    let gate = |verdict| E::GateFinished {
        fence: 1,
        gate: 0,
        name: "tests".to_owned(),
        kind: "unit-tests".to_owned(),
        verdict,
        required: true,
        reasons: Vec::new(),
        wall_ms: 1,
    };
    match kind {
        0 => E::TaskStarted {
            attempt: 1,
            fence: 1,
            epoch: 1,
            adapter,
            candidate: 0,
        },
        1 => E::TaskWaiting {
            question: Question::Manual,
            text: String::new(),
            expires_ms: None,
            asked_by: None,
        },
        2 => E::TaskRetry {
            attempt: 1,
            not_before_ms: 0,
            candidate: 0,
            reason: String::new(),
        },
        3 => gate(GateWord::Passed),
        4 => gate(GateWord::Failed),
        5 => gate(GateWord::Skipped),
        6 => E::TaskCompleted,
        7 => E::TaskFailed {
            code: "failed".to_owned(),
            reasons: Vec::new(),
        },
        8 => E::TaskTimeout { limit_ms: 5 },
        9 => E::TaskCanceled {
            reason: CancelReason::Requested,
        },
        10 => E::TaskSkipped {
            reason: String::new(),
        },
        11 => E::CircuitOpened {
            adapter,
            until_ms: 9,
        },
        12 => E::CircuitHalfOpen { adapter },
        13 => E::CircuitClosed {
            adapter,
            by_hand: false,
        },
        14 => E::TaskAnswered {
            answer: Answer::Yes,
            by: "me".to_owned(),
            note: None,
        },
        _ => E::TaskReady,
    }
}

/// How many entries have this word.
fn count(entries: &[Entry], word: &str) -> u64 {
    entries
        .iter()
        .filter(|one| one.event.word() == word)
        .count() as u64
}

#[test]
fn six_metrics_from_a_small_history() {
    let kinds = [
        (1, 0),
        (2, 0),
        (1, 2),
        (1, 3),
        (2, 4),
        (1, 6),
        (2, 7),
        (3, 10),
        (0, 11),
    ];
    let events = kinds.map(|(number, kind)| (task(number), event(kind)));
    let mut metrics = Metrics::default();
    for entry in entries(events.to_vec()) {
        metrics.apply(&entry);
    }
    let text = metrics.prometheus();
    for line in [
        "tasks_executed_total{end=\"completed\"} 1",
        "tasks_executed_total{end=\"failed\"} 1",
        "tasks_executed_total{end=\"skipped\"} 0",
        "task_success_rate 0.5",
        "task_duration_seconds_bucket{le=\"0.01\"} 0",
        "task_duration_seconds_bucket{le=\"0.05\"} 2",
        "task_duration_seconds_bucket{le=\"+Inf\"} 2",
        "task_duration_seconds_sum 0.07",
        "task_duration_seconds_count 2",
        "circuit_breaker_state{adapter=\"ruff\"} 2",
        "retry_attempts_total 1",
        "acceptance_test_pass_rate 0.5",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let json = metrics.json();
    assert_eq!(json["task_success_rate"], 0.5);
    assert_eq!(json["circuit_breaker_state"]["ruff"], "OPEN");
    assert_eq!(json["task_duration_seconds"]["count"], 2);
}

#[test]
fn a_rate_of_nothing_is_no_number() {
    let metrics = Metrics::default();
    assert!(metrics.prometheus().contains("task_success_rate NaN\n"));
    assert!(metrics.json()["acceptance_test_pass_rate"].is_null());
}

proptest! {
    #[test]
    fn metrics_equal_a_recount_of_the_entries(
        drawn in proptest::collection::vec((0_u8..6, 0_u8..16), 0..200),
    ) {
        let entries = entries(drawn.iter().map(|(number, kind)| (task(*number), event(*kind))).collect());
        let mut metrics = Metrics::default();
        for entry in &entries {
            metrics.apply(entry);
        }
        prop_assert_eq!(metrics.retries(), count(&entries, "TASK_RETRY"));
        // Each end is looked at from behind: the nearest earlier end of the same task is where its
        // begin is looked for.
        let (mut executed, mut completed, mut sum) = (0, 0, 0);
        for (index, entry) in entries.iter().enumerate() {
            let is_end = |one: &Entry| matches!(
                one.event.word(),
                "TASK_COMPLETED" | "TASK_FAILED" | "TASK_TIMEOUT" | "TASK_CANCELED" | "TASK_SKIPPED"
            );
            if !is_end(entry) {
                continue;
            }
            let same: Vec<&Entry> = entries[..index]
                .iter()
                .rev()
                .filter(|one| one.task == entry.task)
                .take_while(|one| !is_end(one))
                .collect();
            let begin = same.iter().rev().find(|one| {
                matches!(one.event.word(), "TASK_STARTED" | "TASK_WAITING")
            });
            if let Some(begin) = begin {
                executed += 1;
                completed += u64::from(entry.event.word() == "TASK_COMPLETED");
                sum += entry.at_ms - begin.at_ms;
            }
        }
        prop_assert_eq!(metrics.executed_total(), executed);
        prop_assert_eq!(metrics.executed(End::Completed), completed);
        prop_assert_eq!(metrics.durations().count(), executed);
        prop_assert_eq!(metrics.durations().sum_ms(), sum);
        let circuit = entries.iter().rev().find(|one| one.event.word().starts_with("CIRCUIT"));
        let shown = metrics.circuits().values().next().map(|state| *state as u8);
        let want = circuit.map(|one| match one.event.word() {
            "CIRCUIT_OPENED" => 2,
            "CIRCUIT_HALF_OPEN" => 1,
            _ => 0,
        });
        prop_assert_eq!(shown, want);
        let verdict = |wanted: GateWord| entries.iter().filter(|one| {
            matches!(one.event, LedgerEvent::GateFinished { verdict, .. } if verdict == wanted)
        }).count();
        let (passed, failed) = (verdict(GateWord::Passed), verdict(GateWord::Failed));
        let want = (passed + failed > 0).then(|| passed as f64 / (passed + failed) as f64);
        prop_assert_eq!(metrics.pass_rate(), want);
    }
}
