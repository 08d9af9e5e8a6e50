//! What people say: ends, answers, other attempts, circuits, safe mode; and what health makes of it.

use remit_core::durable::{LedgerEvent as E, Question, RunId, Stream};
use remit_core::plan::TaskSpec;
use remit_core::retry::FailureClass;
use remit_engine::durable::ledger::{
    Append, Commit, Expect, HostIdentity, Lane, Ledger as _, TaskQuery,
};
use serde_json::json;

use super::{FAR_MS, Scene, ended, failed, plugin, started, stream};

#[test]
fn cancelling_twice_asks_once_and_says_who_does_it() {
    let scene = Scene::new();
    scene.run_of(&[plugin("a", &[])]);
    let told = scene.told("cancel r");
    assert!(told.contains("nobody executes it now"), "{told}");
    assert_eq!(scene.told_json("cancel r")["cancel"], "asked-before");
    assert_eq!(scene.told_json("cancel r --force")["cancel"], "asked");
    assert_eq!(scene.told_json("cancel r")["cancel"], "asked-before");
    assert_eq!(scene.told_json("cancel r/a")["cancel"], "asked");
    let events = scene.told("events r --json");
    assert_eq!(events.matches("RUN_CANCEL_REQUESTED").count(), 2);
    let reason = remit_core::outcome::CancelReason::Requested;
    scene.say("a", vec![E::TaskCanceled { reason }]);
    scene.finish(0, 1);
    assert_eq!(scene.told_json("cancel r")["cancel"], "ended");
}

#[test]
fn people_answer_what_they_are_asked_once() {
    let scene = Scene::new();
    scene.run_of(&[
        json!({"id": "yes", "kind": "approval", "question": "ship it?"}),
        json!({"id": "doit", "kind": "manual", "instructions": "turn the key"}),
        json!({"id": "late", "kind": "approval", "question": "now?"}),
    ]);
    let (code, _, said) = scene.ask("approve yes");
    assert_eq!(code, 2);
    assert!(said.contains("asks nobody: it is READY"), "{said}");
    for (task, question, expires_ms) in [
        ("yes", Question::Approval, Some(FAR_MS)),
        ("doit", Question::Manual, None),
        ("late", Question::Approval, Some(1_700_000_000_001)),
    ] {
        let text = "asked".to_owned();
        scene.say(
            task,
            vec![E::TaskWaiting {
                question,
                text,
                expires_ms,
                asked_by: None,
            }],
        );
    }
    let waiting = scene.told("task list --waiting");
    for text in [
        "ship it?",
        "turn the key",
        "remit approve r/yes",
        "remit task fail r/doit",
    ] {
        assert!(waiting.contains(text), "{text}\n{waiting}");
    }
    let (code, _, said) = scene.ask("approve r/doit");
    assert_eq!(code, 2);
    assert!(said.contains("remit task done r/doit"), "{said}");
    assert_eq!(scene.told_json("approve r/yes --note fine")["new"], true);
    assert_eq!(scene.told_json("approve r/yes")["new"], false);
    assert_eq!(scene.ask("reject r/yes").0, 2, "an answer stands");
    assert_eq!(scene.told_json("task fail doit")["answer"], "no");
    let (code, _, said) = scene.ask("approve late");
    assert_eq!(code, 2);
    assert!(said.contains("the time for an answer"), "{said}");
    assert!(scene.told("show r/yes").contains("yes, by uid "));
}

#[test]
fn a_waiting_retry_is_hurried_and_a_finished_run_is_done_again() {
    let scene = Scene::new();
    scene.run_of(&[plugin("a", &[]), plugin("b", &[]), plugin("c", &["a", "b"])]);
    scene.say("a", vec![started(), ended(None), E::TaskCompleted]);
    let retry = E::TaskRetry {
        attempt: 1,
        not_before_ms: FAR_MS,
        candidate: 0,
        reason: "no".to_owned(),
    };
    scene.say(
        "b",
        vec![started(), ended(Some(FailureClass::Transient)), retry],
    );
    assert_eq!(scene.told_json("retry r")["hurried"], json!(["b"]));
    assert_eq!(scene.told_json("retry r")["hurried"], json!([]));
    assert_eq!(scene.ask("retry r/a").0, 2);
    let again = E::TaskStarted {
        attempt: 2,
        fence: 2,
        epoch: 1,
        adapter: "command".parse().unwrap(),
        candidate: 0,
    };
    scene.say("b", vec![again, failed()]);
    scene.say(
        "c",
        vec![E::TaskBlocked {
            by: "b".parse().unwrap(),
        }],
    );
    scene.finish(1, 2);
    let told = scene.told("retry r");
    assert!(told.contains("remit execute --run r-2"), "{told}");
    let run: RunId = "r-2".parse().unwrap();
    let query = TaskQuery {
        run,
        phases: Vec::new(),
        from_index: 0,
        limit: 10,
    };
    let tasks = scene.runtime.block_on(scene.ledger.tasks(query)).unwrap();
    let found: Vec<(&str, usize)> = tasks
        .iter()
        .map(|task| (task.spec.id.as_str(), task.spec.needs.len()))
        .collect();
    assert_eq!(found, [("b", 0), ("c", 1)]);
    assert_eq!(scene.told_json("retry r")["run"], "r-3");
}

#[test]
fn health_turns_with_the_loop_and_the_adapters() {
    let scene = Scene::new();
    scene.run_of(&[plugin("a", &[])]);
    let health = |check: usize| scene.health()["checks"][check]["ok"].clone();
    assert_eq!(health(0), false, "nobody executes");
    let who = HostIdentity {
        boot_id: "boot".to_owned(),
        pid: std::process::id(),
        pid_start: 1,
        version: "0".to_owned(),
    };
    let host = scene.ledger.begin_host(who, 1_700_000_000_000, FAR_MS);
    let host = scene.runtime.block_on(host).unwrap();
    assert_eq!(scene.told_json("health")["ok"], true);
    scene.say(
        "a",
        vec![E::TaskSkipped {
            reason: "x".to_owned(),
        }],
    );
    let stopped = scene.ledger.beat(host.epoch, FAR_MS, true);
    scene.runtime.block_on(stopped).unwrap();
    assert_eq!(health(0), false, "the loop has stopped");

    let other = json!({"id": "x", "kind": "plugin", "candidates": [{"plugin": "./gone.wasm"}]});
    let spec: TaskSpec = serde_json::from_value(other).unwrap();
    assert_eq!(health(1), true);
    let queued = E::TaskQueued {
        index: 1,
        ready: true,
        spec: Box::new(spec),
    };
    scene.add(stream("r", "x"), Expect::New, vec![queued]);
    assert_eq!(health(1), false, "the adapter is gone");
}

#[test]
fn health_turns_with_circuits_and_safe_mode() {
    let scene = Scene::new();
    let health = |check: usize| scene.health()["checks"][check]["ok"].clone();
    assert_eq!(health(2), true);
    let adapter: remit_core::durable::AdapterId = "ruff".parse().unwrap();
    let commit = Commit {
        now_ms: 1_700_000_000_000,
        lane: Lane::State,
        appends: vec![Append {
            stream: Stream::Host,
            expect: Expect::Exists,
            events: vec![E::CircuitOpened {
                adapter: adapter.clone(),
                until_ms: FAR_MS,
            }],
        }],
        breakers: vec![(
            adapter,
            remit_core::breaker::BreakerState::Open {
                since: 1,
                until: FAR_MS,
            },
        )],
    };
    scene.runtime.block_on(scene.ledger.commit(commit)).unwrap();
    assert_eq!(health(2), false, "a circuit is open");
    assert!(scene.told("circuit").contains("ruff  OPEN"));
    assert!(
        scene
            .told("metrics")
            .contains("circuit_breaker_state{adapter=\"ruff\"} 2")
    );
    let (code, _, said) = scene.ask("circuit reset rufff");
    assert_eq!(code, 2);
    assert!(said.contains("did you mean `ruff`?"), "{said}");
    scene.told("circuit reset ruff");
    assert_eq!(health(2), true);
    assert!(
        scene
            .told("metrics")
            .contains("circuit_breaker_state{adapter=\"ruff\"} 0")
    );

    assert_eq!(scene.told_json("safe-mode enter")["changed"], true);
    assert_eq!(scene.told_json("safe-mode enter")["changed"], false);
    assert_eq!(health(3), false, "safe mode");
    assert_eq!(scene.told_json("safe-mode leave")["safe-mode"], false);
    assert_eq!(health(3), true);
}
