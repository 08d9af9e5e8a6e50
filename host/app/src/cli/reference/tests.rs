//! Names that are exact, short, shared, misspelt or unknown.

use remit_core::durable::{LedgerEvent as E, Stream};
use remit_core::plan::{RunSettings, TaskSpec};
use remit_engine::durable::ledger::{Append, Commit, Expect, Lane};
use remit_ledger::MemoryLedger;

use super::*;

async fn submit(ledger: &MemoryLedger, run: &str, tasks: &[&str]) {
    let append = |stream, event| Append {
        stream,
        expect: Expect::New,
        events: vec![event],
    };
    let run: RunId = run.parse().unwrap();
    let mut appends = vec![append(
        Stream::Run(run.clone()),
        E::RunSubmitted {
            settings: Box::new(RunSettings::default()),
            tasks: tasks.len() as u64,
            source: "plan.json".to_owned(),
            plan: None,
        },
    )];
    for (index, id) in (0..).zip(tasks) {
        let spec = serde_json::json!({"id": id, "kind": "manual", "instructions": "do it"});
        let spec: TaskSpec = serde_json::from_value(spec).unwrap();
        appends.push(append(
            Stream::Task(run.clone(), id.parse().unwrap()),
            E::TaskQueued {
                index,
                spec: Box::new(spec),
                ready: true,
            },
        ));
    }
    let commit = Commit {
        now_ms: 1,
        lane: Lane::State,
        appends,
        breakers: Vec::new(),
    };
    ledger.commit(commit).await.unwrap();
}

/// What a name leads to: `RUN`, `RUN/TASK`, or what is said about it.
async fn meant(ledger: &MemoryLedger, text: &str) -> String {
    match find(ledger, text).await {
        Ok(Meant::Run(run)) => run.run.to_string(),
        Ok(Meant::Task(run, task)) => format!("{}/{}", run.run, task.spec.id),
        Err(Stop::Usage { message, fix }) => format!("{message}; {}", fix.unwrap_or_default()),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn names_lead_to_what_was_meant_or_say_what_is_near() {
    let ledger = MemoryLedger::new();
    submit(&ledger, "01ABC", &["lint", "build"]).await;
    submit(&ledger, "01ABD", &["lint"]).await;
    submit(&ledger, "nightly", &["pack"]).await;
    for (text, want) in [
        ("01ABC", "01ABC"),
        ("last", "nightly"),
        ("night", "nightly"),
        ("01abd", "01ABD"),
        ("01ABC/lint", "01ABC/lint"),
        ("01abc/build", "01ABC/build"),
        ("pack", "nightly/pack"),
        (
            "lint",
            "2 open runs have a task `lint`; name the run too: 01ABD/lint, 01ABC/lint",
        ),
        (
            "01AB",
            "2 runs begin with `01AB`; write more of the name: 01ABD, 01ABC",
        ),
        (
            "nihgtly",
            "there is no run `nihgtly`, and no open run has a task of that name; did you mean \
             `nightly`?",
        ),
        (
            "01ABC/biuld",
            "run 01ABC has no task `biuld`; did you mean `01ABC/build`?",
        ),
        (
            "01ABC/../x",
            "run 01ABC has no task `../x`; `remit show 01ABC` lists them",
        ),
    ] {
        assert_eq!(meant(&ledger, text).await, want, "{text}");
    }
}

#[tokio::test]
async fn an_empty_ledger_says_how_to_begin() {
    let said = meant(&MemoryLedger::new(), "x").await;
    assert!(said.ends_with("`remit execute PLAN` begins one"), "{said}");
}

#[tokio::test]
async fn a_task_is_asked_for_where_one_is_needed() {
    let ledger = MemoryLedger::new();
    submit(&ledger, "r", &["t"]).await;
    let stop = task(&ledger, "r").await.unwrap_err();
    assert!(format!("{stop:?}").contains("a task is needed"), "{stop:?}");
    assert_eq!(task(&ledger, "t").await.unwrap().1.spec.id.as_str(), "t");
}
