//! Files as the ledger is: made, added to, torn, changed by hand, made anew.

#![expect(
    clippy::disallowed_methods,
    reason = "a test looks at what was written, and writes over it"
)]

use std::fs;
use std::path::PathBuf;

use remit_core::durable::{LedgerEvent as E, Stream};
use remit_core::event::{Event, Payload, Stream as Output};
use remit_core::plan::{OnUnknown, RunSettings, TaskSpec, Work};
use remit_engine::durable::ledger::{Append, Commit, Expect, Lane};
use remit_ledger::MemoryLedger;
use tempfile::TempDir;

use super::*;

/// A ledger with a run of three tasks, and a workspace.
struct Scene {
    ledger: Arc<dyn Ledger>,
    workspace: TempDir,
}

fn run() -> RunId {
    "r".parse().unwrap()
}

fn task(name: &str) -> Stream {
    Stream::Task(run(), name.parse().unwrap())
}

fn spec(name: &str) -> Box<TaskSpec> {
    Box::new(TaskSpec {
        id: name.parse().unwrap(),
        title: None,
        work: Work::Plugin {
            candidates: Vec::new(),
            inputs: serde_json::Map::new(),
        },
        needs: Vec::new(),
        priority: 0,
        conflict_group: None,
        retry: None,
        timeout: None,
        on_unknown: OnUnknown::default(),
        gates: Vec::new(),
        metadata: serde_json::Map::new(),
    })
}

impl Scene {
    async fn new() -> Self {
        let scene = Self {
            ledger: Arc::new(MemoryLedger::new()),
            workspace: tempfile::tempdir().unwrap(),
        };
        let submitted = E::RunSubmitted {
            settings: Box::new(RunSettings::default()),
            tasks: 3,
            source: "plan.json".to_owned(),
            plan: None,
        };
        scene
            .add(Stream::Run(run()), Expect::New, vec![submitted])
            .await;
        for (index, name) in ["b", "a", "c"].into_iter().enumerate() {
            let queued = E::TaskQueued {
                index: index as u32,
                spec: spec(name),
                ready: true,
            };
            scene.add(task(name), Expect::New, vec![queued]).await;
        }
        let started = E::RunStarted {
            epoch: 1,
            resumed: false,
        };
        scene.say(Stream::Run(run()), vec![started]).await;
        scene
    }

    async fn add(&self, stream: Stream, expect: Expect, events: Vec<E>) {
        let append = Append {
            stream,
            expect,
            events,
        };
        let commit = Commit {
            now_ms: 1_000,
            lane: Lane::State,
            appends: vec![append],
            breakers: Vec::new(),
        };
        self.ledger.commit(commit).await.unwrap();
    }

    async fn say(&self, stream: Stream, events: Vec<E>) {
        self.add(stream, Expect::Exists, events).await;
    }

    /// An attempt that prints and completes or fails.
    async fn work(&self, name: &str, completes: bool) {
        self.say(
            task(name),
            vec![
                E::TaskStarted {
                    attempt: 1,
                    fence: 1,
                    epoch: 1,
                    adapter: "noop".parse().unwrap(),
                    candidate: 0,
                },
                E::Activity {
                    attempt: 1,
                    fence: 1,
                    activity: Box::new(Event::ToolOutput {
                        call: 1,
                        stream: Output::Stdout,
                        payload: Payload::Text(format!("{name} says\n")),
                    }),
                },
            ],
        )
        .await;
        let end = if completes {
            let result = remit_core::durable::AttemptResult {
                status: "succeeded".to_owned(),
                exit_code: 0,
                class: None,
                message: String::new(),
                outcome_digest: None,
                outcome: serde_json::Value::Null,
                wall_ms: 1,
            };
            vec![
                E::AttemptEnded {
                    fence: 1,
                    result: Box::new(result),
                },
                E::TaskCompleted,
            ]
        } else {
            vec![E::TaskFailed {
                code: "work".to_owned(),
                reasons: vec!["no".to_owned()],
            }]
        };
        self.say(task(name), end).await;
    }

    async fn finish(&self) {
        let finished = E::ExecutionFinished {
            completed: 2,
            not_completed: 1,
            wall_ms: 5,
        };
        self.say(Stream::Run(run()), vec![finished]).await;
    }

    async fn begin(&self) -> Deriver {
        let ledger = Arc::clone(&self.ledger);
        Deriver::begin(ledger, run(), self.workspace.path())
            .await
            .unwrap()
    }

    fn path(&self, below: &str) -> PathBuf {
        self.workspace.path().join(below)
    }

    fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap()
    }

    fn results(&self) -> serde_json::Value {
        serde_json::from_str(&self.read(".state/execution_results.json")).unwrap()
    }

    /// All files with what is in them.
    fn all(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for directory in [".state", "logs", "logs/execution"] {
            for entry in fs::read_dir(self.path(directory)).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    let name = format!("{directory}/{}", entry.file_name().to_str().unwrap());
                    found.push((name.clone(), self.read(&name)));
                }
            }
        }
        found.sort();
        found
    }
}

fn words(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| {
            let entry: Entry = serde_json::from_str(line).unwrap();
            entry.event.word().to_owned()
        })
        .collect()
}

#[tokio::test]
async fn followed_files_are_those_that_are_made_anew() {
    let scene = Scene::new().await;
    let mut deriver = scene.begin().await;
    assert!(!deriver.catch_up().await.unwrap());
    for (name, completes) in [("a", true), ("c", false), ("b", true)] {
        scene.work(name, completes).await;
        deriver.catch_up().await.unwrap();
    }
    scene
        .say(
            Stream::Host,
            vec![E::CircuitHalfOpen {
                adapter: "noop".parse().unwrap(),
            }],
        )
        .await;
    scene.finish().await;
    assert!(deriver.catch_up().await.unwrap());
    let followed = scene.all();
    assert_eq!(followed.len(), 7, "{followed:?}");
    let results = scene.results();
    let order: Vec<&str> = results["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["task_id"].as_str().unwrap())
        .collect();
    assert_eq!(order, ["b", "a", "c"], "the order of the plan");
    assert_eq!(
        (&results["total"], &results["succeeded"]),
        (&3.into(), &2.into())
    );
    assert_eq!(results["results"][1]["metadata"]["stdout"], "a says\n");
    let executor = words(&scene.read("logs/executor.jsonl"));
    assert_eq!(executor.last().unwrap(), "EXECUTION_FINISHED");
    assert!(!executor.contains(&"ACTIVITY".to_owned()));
    assert_eq!(
        words(&scene.read("logs/resilience.jsonl")),
        ["CIRCUIT_HALF_OPEN"]
    );
    assert_eq!(
        words(&scene.read("logs/execution/a.jsonl")),
        [
            "TASK_QUEUED",
            "TASK_STARTED",
            "ACTIVITY",
            "ATTEMPT_ENDED",
            "TASK_COMPLETED"
        ]
    );

    fs::remove_dir_all(scene.path(".state")).unwrap();
    fs::remove_dir_all(scene.path("logs")).unwrap();
    let tasks = rebuild(Arc::clone(&scene.ledger), run(), scene.workspace.path()).await;
    assert_eq!(tasks.unwrap(), 3);
    assert_eq!(scene.all(), followed);
}

#[tokio::test]
async fn another_host_goes_on_where_the_files_end() {
    let scene = Scene::new().await;
    scene.begin().await.catch_up().await.unwrap();
    scene.work("a", true).await;
    // The first one died while it wrote: a line is torn, another file is gone, a third is of
    // another run, a fourth misses a line.
    let torn = format!("{}{{\"v\":1,", scene.read("logs/execution/a.jsonl"));
    fs::write(scene.path("logs/execution/a.jsonl"), torn).unwrap();
    fs::remove_file(scene.path("logs/execution/b.jsonl")).unwrap();
    let other = scene
        .read("logs/execution/c.jsonl")
        .replace("\"r\"", "\"old\"");
    fs::write(scene.path("logs/execution/c.jsonl"), other).unwrap();
    fs::write(scene.path("logs/executor.jsonl"), "nonsense").unwrap();
    scene.work("b", true).await;
    scene.work("c", false).await;
    scene.finish().await;
    scene.begin().await.catch_up().await.unwrap();
    let healed = scene.all();
    rebuild(Arc::clone(&scene.ledger), run(), scene.workspace.path())
        .await
        .unwrap();
    assert_eq!(scene.all(), healed);
    assert_eq!(words(&scene.read("logs/execution/a.jsonl")).len(), 5);
}

#[tokio::test]
async fn a_log_that_someone_changed_is_written_anew() {
    let scene = Scene::new().await;
    let mut deriver = scene.begin().await;
    deriver.catch_up().await.unwrap();
    fs::write(scene.path("logs/executor.jsonl"), "edited by hand\n").unwrap();
    scene.work("a", true).await;
    deriver.catch_up().await.unwrap();
    let executor = words(&scene.read("logs/executor.jsonl"));
    assert_eq!(executor.first().unwrap(), "RUN_SUBMITTED");
    assert_eq!(executor.last().unwrap(), "TASK_COMPLETED");
}

#[tokio::test]
async fn results_are_written_when_nothing_new_comes() {
    let scene = Scene::new().await;
    let mut deriver = scene.begin().await;
    deriver.catch_up().await.unwrap();
    assert_eq!(scene.results()["total"], 0);
    scene.work("a", true).await;
    deriver.follow(std::future::ready(())).await.unwrap();
    assert_eq!(scene.results()["total"], 1);
}

#[tokio::test]
async fn following_ends_with_the_run() {
    let scene = Scene::new().await;
    for name in ["a", "b", "c"] {
        scene.work(name, true).await;
    }
    let mut deriver = scene.begin().await;
    let follow = tokio::spawn(async move { deriver.follow(std::future::pending()).await });
    scene.finish().await;
    follow.await.unwrap().unwrap();
    assert_eq!(scene.results()["total"], 3);
}

#[tokio::test]
async fn links_are_not_followed() {
    for link in [".state", "logs", "logs/execution", "logs/execution/a.jsonl"] {
        let scene = Scene::new().await;
        let outside = tempfile::tempdir().unwrap();
        let target = outside.path().join("target");
        if link.ends_with("jsonl") {
            fs::write(&target, "mine").unwrap();
        } else {
            fs::create_dir(&target).unwrap();
        }
        let path = scene.path(link);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        let begun = Deriver::begin(Arc::clone(&scene.ledger), run(), scene.workspace.path()).await;
        let stopped = match begun {
            Ok(mut deriver) => deriver.catch_up().await.is_err(),
            Err(_) => true,
        };
        assert!(stopped, "{link}");
        if link.ends_with("jsonl") {
            assert_eq!(fs::read_to_string(&target).unwrap(), "mine");
        } else {
            assert_eq!(fs::read_dir(&target).unwrap().count(), 0, "{link}");
        }
    }
}

#[tokio::test]
async fn what_lies_there_and_is_no_file_stops_it() {
    let scene = Scene::new().await;
    fs::create_dir_all(scene.path("logs/execution")).unwrap();
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        scene.path("logs/execution/a.jsonl"),
        rustix::fs::Mode::from_raw_mode(0o600),
    )
    .unwrap();
    let stop = scene.begin().await.catch_up().await.unwrap_err();
    assert!(format!("{stop:?}").contains("no regular file"), "{stop:?}");
}
