//! The checker's own proof: a good history, with a crash in it, breaks no rule; and for each rule a
//! history that is wrong in one place breaks it.
//!
//! Among the wrong ones is what mutants of the host would write: a host without fences, a host that
//! takes a task away too early, a host that forgets what was finished.

use serde_json::{Value, json};

use super::{Evidence, Rule, check, print};
use crate::history::{Event, events, log};
use crate::plan::{Ending, Plan, Task, ToolCall, Work};

const RUN: &str = "r";

fn task(id: &str, needs: &[usize], group: Option<&str>, work: Work, ending: Ending) -> Task {
    Task {
        id: id.into(),
        needs: needs.to_vec(),
        group: group.map(Into::into),
        priority: 0,
        work,
        ending,
        unknown_fails: false,
    }
}

fn tools(calls: &[&str], gates: &[&str]) -> Work {
    let make = |labels: &[&str], lines| -> Vec<ToolCall> {
        let labels = labels.iter();
        labels.map(|label| ToolCall::new(*label, lines)).collect()
    };
    Work::Tools {
        calls: make(calls, 1),
        gates: make(gates, 0),
        remember: false,
    }
}

/// `a` has two tools and a gate and lives through a crash; `b` needs it and fails; `c` shares its
/// group; `d` is blocked by `b`.
fn plan() -> Plan {
    Plan {
        run: RUN.into(),
        tasks: vec![
            task(
                "a",
                &[],
                Some("g"),
                tools(&["a.1", "a.2"], &["a.gate0"]),
                Ending::Completed,
            ),
            task("b", &[0], None, tools(&["b.1"], &[]), Ending::Failed),
            task("c", &[], Some("g"), tools(&["c.1"], &[]), Ending::Completed),
            task("d", &[1], None, tools(&["d.1"], &[]), Ending::Blocked),
        ],
    }
}

fn out(fence: u64, call: u64, label: &str) -> Value {
    json!({"event": "ACTIVITY", "fence": fence, "type": "tool-output", "call": call,
           "stream": "stdout", "text": format!("{label} line 1\n")})
}

fn begun(attempt: u64, fence: u64, epoch: u64) -> Value {
    json!({"event": "TASK_STARTED", "attempt": attempt, "fence": fence, "epoch": epoch})
}

fn started(fence: u64, effect: u64) -> Value {
    json!({"event": "EFFECT_STARTED", "fence": fence, "effect": effect})
}

fn finished(fence: u64, effect: u64, call: u64) -> Value {
    json!({"event": "EFFECT_FINISHED", "fence": fence, "effect": effect, "tool-call": call})
}

fn ended(fence: u64) -> Value {
    json!({"event": "ATTEMPT_ENDED", "fence": fence})
}

fn word(word: &str) -> Value {
    json!({ "event": word })
}

type Told = Vec<(&'static str, Value)>;

/// The ledger, without its numbers: stream and event.
fn ledger() -> Told {
    let mut all = first_host();
    all.extend(second_host());
    all
}

/// The first host dies in the middle of the second tool of `a`.
fn first_host() -> Told {
    vec![
        ("run", json!({"event": "RUN_SUBMITTED", "tasks": 4})),
        ("a", word("TASK_QUEUED")),
        ("b", word("TASK_QUEUED")),
        ("c", word("TASK_QUEUED")),
        ("d", word("TASK_QUEUED")),
        (
            "host",
            json!({"event": "HOST_STARTED", "epoch": 1, "pid": 10}),
        ),
        ("run", json!({"event": "RUN_STARTED", "epoch": 1})),
        ("a", begun(1, 1, 1)),
        ("a", started(1, 1)),
        ("a", out(1, 1, "a.1")),
        ("a", finished(1, 1, 1)),
        ("a", started(1, 2)),
    ]
}

fn second_host() -> Told {
    vec![
        (
            "host",
            json!({"event": "HOST_STARTED", "epoch": 2, "pid": 11}),
        ),
        ("run", json!({"event": "RUN_STARTED", "epoch": 2})),
        (
            "a",
            json!({"event": "EFFECT_UNKNOWN", "effect": 2, "repeat": true}),
        ),
        ("a", json!({"event": "ATTEMPT_LOST", "fence": 1})),
        ("a", begun(2, 2, 2)),
        (
            "a",
            json!({"event": "EFFECT_REPLAYED", "fence": 2, "effect": 1}),
        ),
        ("a", started(2, 2)),
        ("a", out(2, 2, "a.2")),
        ("a", finished(2, 2, 2)),
        ("a", ended(2)),
        (
            "a",
            json!({"event": "TASK_VALIDATING", "fence": 2, "gates": 1}),
        ),
        (
            "a",
            json!({"event": "GATE_FINISHED", "fence": 2, "gate": 0}),
        ),
        ("a", word("TASK_COMPLETED")),
        ("b", word("TASK_READY")),
        ("b", begun(1, 1, 2)),
        ("b", started(1, 1)),
        ("c", begun(1, 1, 2)),
        ("c", started(1, 1)),
        ("b", out(1, 1, "b.1")),
        ("b", finished(1, 1, 1)),
        ("b", ended(1)),
        ("b", json!({"event": "TASK_RETRY", "attempt": 1})),
        ("c", out(1, 1, "c.1")),
        ("c", finished(1, 1, 1)),
        ("c", ended(1)),
        ("c", word("TASK_COMPLETED")),
        // A failed try is made again, with all of its effects.
        ("b", begun(2, 2, 2)),
        ("b", started(2, 1)),
        ("b", out(2, 1, "b.1")),
        ("b", finished(2, 1, 1)),
        ("b", ended(2)),
        ("b", word("TASK_FAILED")),
        ("d", json!({"event": "TASK_BLOCKED", "by": "b"})),
        (
            "run",
            json!({"event": "EXECUTION_FINISHED", "completed": 2, "not-completed": 2}),
        ),
    ]
}

const LOG: &str = "\
start a.1 a r/a/1 1 1 9
line a.1 a r/a/1 1 1 9
end a.1 a r/a/1 1 1 9
start a.2 a r/a/2 1 1 9
start a.2 a r/a/2 2 2 9
line a.2 a r/a/2 2 2 9
end a.2 a r/a/2 2 2 9
start a.gate0 a - 2 2 9
end a.gate0 a - 2 2 9
start b.1 b r/b/1 1 1 9
start c.1 c r/c/1 1 1 9
line b.1 b r/b/1 1 1 9
end b.1 b r/b/1 1 1 9
line c.1 c r/c/1 1 1 9
end c.1 c r/c/1 1 1 9
start b.1 b r/b/1 2 2 9
line b.1 b r/b/1 2 2 9
end b.1 b r/b/1 2 2 9
";

fn results() -> Value {
    let row = |task, status| json!({"task_id": task, "status": status});
    json!({
        "results": [
            row("a", "completed"), row("b", "failed"), row("c", "completed"), row("d", "blocked"),
        ],
        "total": 4, "succeeded": 2, "failed": 2,
    })
}

/// Gives the events their numbers.
fn number(ledger: Vec<(&str, Value)>) -> Vec<Event> {
    let mut text = String::new();
    let mut streams = std::collections::HashMap::new();
    for (seq, (stream, mut body)) in (1..).zip(ledger) {
        let newest = streams.entry(stream).or_insert(0);
        *newest += 1;
        body["seq"] = json!(seq);
        body["task-seq"] = json!(*newest);
        if stream != "host" {
            body["run"] = json!(RUN);
            if stream != "run" {
                body["task"] = json!(stream);
            }
        }
        text.push_str(&format!("{body}\n"));
    }
    events(&text)
}

fn good() -> Evidence {
    Evidence {
        plan: plan(),
        events: number(ledger()),
        log: log(LOG),
        results: results(),
    }
}

/// The good history with a change to the ledger, before it is numbered.
fn told(change: impl FnOnce(&mut Told)) -> Evidence {
    let mut ledger = ledger();
    change(&mut ledger);
    Evidence {
        events: number(ledger),
        ..good()
    }
}

/// The good history with another log.
fn happened(change: impl FnOnce(&str) -> String) -> Evidence {
    let changed = change(LOG);
    assert_ne!(changed, LOG, "the change changes nothing");
    Evidence {
        log: log(&changed),
        ..good()
    }
}

/// Where an event of a stream stands.
fn at(ledger: &[(&str, Value)], stream: &str, word: &str) -> usize {
    ledger
        .iter()
        .position(|(of, event)| *of == stream && event["event"] == word)
        .unwrap()
}

#[track_caller]
fn breaks(evidence: &Evidence, rule: Rule) {
    let found = check(evidence);
    assert!(
        found.iter().any(|violation| violation.rule == rule),
        "{rule:?} was not seen to be broken: {}",
        print(&found)
    );
}

#[test]
fn a_history_with_a_crash_that_was_handled_well_breaks_nothing() {
    let found = check(&good());
    assert!(found.is_empty(), "{}", print(&found));
}

#[test]
fn a_gap_in_the_numbers_is_seen() {
    let mut evidence = good();
    evidence.events.remove(9);
    breaks(&evidence, Rule::Numbers);
}

#[test]
fn a_task_that_ends_twice_not_at_all_or_too_early_is_seen() {
    breaks(
        &told(|ledger| ledger.insert(25, ("a", json!({"event": "TASK_COMPLETED"})))),
        Rule::OneEnd,
    );
    breaks(
        &told(|ledger| drop(ledger.remove(at(ledger, "c", "TASK_COMPLETED")))),
        Rule::OneEnd,
    );
    let late = json!({"event": "CHECKPOINT_CREATED", "fence": 2});
    breaks(&told(|ledger| ledger.insert(26, ("a", late))), Rule::OneEnd);
}

#[test]
fn a_wrong_end_is_seen() {
    breaks(
        &told(|ledger| {
            let end = at(ledger, "b", "TASK_FAILED");
            ledger[end].1 = json!({"event": "TASK_COMPLETED"});
        }),
        Rule::RightEnd,
    );
}

#[test]
fn attempts_with_gaps_and_fences_that_do_not_grow_are_seen() {
    for (key, value) in [("attempt", 3), ("fence", 1)] {
        breaks(
            &told(|ledger| ledger[16].1[key] = json!(value)),
            Rule::Attempts,
        );
    }
}

/// What a host without fences writes: the end of the old attempt, after the new one began.
#[test]
fn a_write_of_an_older_attempt_is_seen() {
    let late = json!({"event": "EFFECT_FINISHED", "fence": 1, "effect": 2, "tool-call": 2});
    breaks(&told(|ledger| ledger.insert(17, ("a", late))), Rule::Fences);
}

#[test]
fn two_hosts_that_work_on_one_run_are_seen() {
    breaks(
        &told(|ledger| {
            let begun = at(ledger, "c", "TASK_STARTED");
            ledger[begun].1["epoch"] = json!(1);
        }),
        Rule::Hosts,
    );
}

#[test]
fn an_execution_that_finishes_twice_early_or_with_wrong_counts_is_seen() {
    let again = |ledger: &mut Told| {
        let last = ledger.last().unwrap().clone();
        ledger.push(last);
    };
    breaks(&told(again), Rule::Finished);
    breaks(
        &told(|ledger| {
            let last = ledger.pop().unwrap();
            ledger.insert(20, last);
        }),
        Rule::Finished,
    );
    breaks(
        &told(|ledger| ledger.last_mut().unwrap().1["completed"] = json!(3)),
        Rule::Finished,
    );
    breaks(&told(|ledger| drop(ledger.pop())), Rule::Finished);
}

#[test]
fn a_task_that_begins_before_what_it_needs_is_seen() {
    breaks(
        &told(|ledger| {
            let begun = ledger.remove(at(ledger, "b", "TASK_STARTED"));
            ledger.insert(8, begun);
        }),
        Rule::Needs,
    );
    let early = "start b.1 b r/b/1 1 1 9\n";
    let moved = |log: &str| early.to_owned() + &log.replacen(early, "", 1);
    breaks(&happened(moved), Rule::Needs);
}

#[test]
fn tasks_of_one_group_at_the_same_time_are_seen() {
    let early = "start c.1 c r/c/1 1 1 9\n";
    breaks(
        &happened(|log| {
            let log = log.replacen(early, "", 1);
            log.replacen("line a.2", &format!("{early}line a.2"), 1)
        }),
        Rule::Groups,
    );
}

/// What a host that takes a task away too early does: the old tool is still at work.
#[test]
fn a_tool_that_outlives_its_attempt_is_seen() {
    let late = "line a.2 a r/a/2 1 1 9\n";
    breaks(
        &happened(|log| log.replacen("line a.2", &format!("{late}line a.2"), 1)),
        Rule::Zombies,
    );
}

#[test]
fn a_tool_that_is_not_on_record_is_seen() {
    breaks(
        &told(|ledger| drop(ledger.remove(at(ledger, "c", "EFFECT_STARTED")))),
        Rule::OnRecord,
    );
    // It ran for another task than it should have.
    breaks(
        &happened(|log| log.replace("c.1 c r/c/1", "c.1 b r/b/1")),
        Rule::OnRecord,
    );
}

/// What a host that forgets finished effects does, with everything properly on record.
#[test]
fn a_finished_effect_that_runs_again_is_seen() {
    let mut evidence = told(|ledger| {
        let replayed = at(ledger, "a", "EFFECT_REPLAYED");
        ledger[replayed].1 = json!({"event": "EFFECT_STARTED", "fence": 2, "effect": 1});
        let out = json!({"event": "ACTIVITY", "fence": 2, "type": "tool-output", "call": 1,
                         "stream": "stdout", "text": "a.1 line 1\n"});
        ledger.insert(replayed + 1, ("a", out));
        let end = json!({"event": "EFFECT_FINISHED", "fence": 2, "effect": 1, "tool-call": 1});
        ledger.insert(replayed + 2, ("a", end));
    });
    let again = "start a.1 a r/a/1 2 2 9\nline a.1 a r/a/1 2 2 9\nend a.1 a r/a/1 2 2 9\n";
    let second = "start a.2 a r/a/2 2 2 9\n";
    evidence.log = log(&LOG.replacen(second, &format!("{again}{second}"), 1));
    let found = check(&evidence);
    let rules: Vec<Rule> = found.iter().map(|violation| violation.rule).collect();
    assert_eq!(rules, [Rule::NotAgain], "{}", print(&found));
}

#[test]
fn an_effect_that_must_not_be_repeated_and_is_is_seen() {
    breaks(
        &told(|ledger| {
            let unknown = at(ledger, "a", "EFFECT_UNKNOWN");
            ledger[unknown].1["repeat"] = json!(false);
        }),
        Rule::NotAgain,
    );
    let twice = "start c.1 c r/c/1 1 1 9\n";
    breaks(
        &happened(|log| log.replacen(twice, &format!("{twice}{twice}"), 1)),
        Rule::NotAgain,
    );
}

#[test]
fn an_effect_on_record_that_did_not_happen_is_seen() {
    breaks(
        &happened(|log| log.replacen("end c.1 c r/c/1 1 1 9\n", "", 1)),
        Rule::ReallyDone,
    );
    breaks(
        &told(|ledger| drop(ledger.remove(at(ledger, "c", "EFFECT_FINISHED")))),
        Rule::ReallyDone,
    );
}

#[test]
fn lost_output_is_seen() {
    let mut gone = ledger();
    let lost = |(stream, event): &(&str, Value)| *stream == "c" && event["event"] == "ACTIVITY";
    let place = gone.iter().position(lost).unwrap();
    let line = gone.remove(place);
    let mut evidence = good();
    evidence.events = number(gone.clone());
    breaks(&evidence, Rule::Output);
    // On record, but after the tool's end.
    gone.insert(place + 1, line);
    evidence.events = number(gone);
    breaks(&evidence, Rule::Output);
}

#[test]
fn a_gate_that_is_checked_again_or_never_is_seen() {
    let again = "start a.gate0 a - 2 2 9\n";
    breaks(
        &happened(|log| log.replacen(again, &format!("{again}{again}"), 1)),
        Rule::Gates,
    );
    breaks(
        &told(|ledger| drop(ledger.remove(at(ledger, "a", "GATE_FINISHED")))),
        Rule::Gates,
    );
}

#[test]
fn results_that_lack_a_task_or_tell_another_end_are_seen() {
    for change in [
        |results: &mut Value| drop(results["results"].as_array_mut().unwrap().pop()),
        |results: &mut Value| results["results"][1]["status"] = json!("completed"),
        |results: &mut Value| {
            let again = results["results"][0].clone();
            results["results"].as_array_mut().unwrap().push(again);
        },
        |results: &mut Value| results["total"] = json!(3),
    ] {
        let mut evidence = good();
        change(&mut evidence.results);
        breaks(&evidence, Rule::Results);
    }
}
