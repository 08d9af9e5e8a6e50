//! Durable runs as people and programs see them: the ledger is written as a host would, then the
//! program is asked.
//!
//! Never: a run that is carried out; that is another journey.

mod said;
mod seen;

use remit_core::durable::{AttemptResult, LedgerEvent as E, Stream};
use remit_core::event::{Event, Payload, Stream as Output};
use remit_core::plan::{RunSettings, TaskSpec};
use remit_core::retry::FailureClass;
use remit_engine::durable::ledger::{Append, Commit, Expect, Lane, Ledger as _};
use remit_ledger::SqliteLedger;
use serde_json::{Value, json};

use crate::home::{Home, wait};

/// A home with a ledger that this test writes.
struct Scene {
    home: Home,
    ledger: SqliteLedger,
    runtime: tokio::runtime::Runtime,
}

/// Long after any test: a time that has not come.
const FAR_MS: u64 = 4_000_000_000_000;

impl Scene {
    fn new() -> Self {
        let home = Home::new();
        let path = home.path("home/state/remit/ledger/ledger.db");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let ledger = runtime.block_on(async { SqliteLedger::open(&path).unwrap() });
        Self {
            home,
            ledger,
            runtime,
        }
    }

    fn add(&self, stream: Stream, expect: Expect, events: Vec<E>) {
        let append = Append {
            stream,
            expect,
            events,
        };
        let commit = Commit {
            now_ms: 1_700_000_000_000,
            lane: Lane::State,
            appends: vec![append],
            breakers: Vec::new(),
        };
        self.runtime.block_on(self.ledger.commit(commit)).unwrap();
    }

    fn say(&self, task: &str, events: Vec<E>) {
        self.add(stream("r", task), Expect::Exists, events);
    }

    /// A run called `r` that goes on, of these tasks.
    fn run_of(&self, tasks: &[Value]) {
        let submitted = E::RunSubmitted {
            settings: Box::new(RunSettings::default()),
            tasks: tasks.len() as u64,
            source: "plan.json".to_owned(),
            plan: None,
        };
        let started = E::RunStarted {
            epoch: 1,
            resumed: false,
        };
        let run = Stream::Run("r".parse().unwrap());
        self.add(run, Expect::New, vec![submitted, started]);
        for (index, spec) in (0..).zip(tasks) {
            let spec: TaskSpec = serde_json::from_value(spec.clone()).unwrap();
            let queued = E::TaskQueued {
                index,
                ready: spec.needs.is_empty(),
                spec: Box::new(spec.clone()),
            };
            self.add(stream("r", spec.id.as_str()), Expect::New, vec![queued]);
        }
    }

    fn finish(&self, completed: u64, not_completed: u64) {
        let finished = E::ExecutionFinished {
            completed,
            not_completed,
            wall_ms: 5,
        };
        let run = Stream::Run("r".parse().unwrap());
        self.add(run, Expect::Exists, vec![finished]);
    }

    /// Exit code, standard output and standard error.
    fn ask(&self, arguments: &str) -> (i32, String, String) {
        let words: Vec<&str> = arguments.split(' ').collect();
        let output = wait(self.home.remit(&words).spawn().unwrap());
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap();
        (code, text(output.stdout), text(output.stderr))
    }

    /// Standard output of a command that succeeds.
    fn told(&self, arguments: &str) -> String {
        let (code, out, said) = self.ask(arguments);
        assert_eq!(code, 0, "{arguments}: {said}");
        out
    }

    fn told_json(&self, arguments: &str) -> Value {
        serde_json::from_str(&self.told(&format!("{arguments} --json"))).unwrap()
    }

    /// What `remit health` says, well or not.
    fn health(&self) -> Value {
        serde_json::from_str(&self.ask("health --json").1).unwrap()
    }
}

fn stream(run: &str, task: &str) -> Stream {
    Stream::Task(run.parse().unwrap(), task.parse().unwrap())
}

fn plugin(id: &str, needs: &[&str]) -> Value {
    json!({
        "id": id, "kind": "plugin", "candidates": [{"plugin": "command"}], "needs": needs,
    })
}

fn started() -> E {
    E::TaskStarted {
        attempt: 1,
        fence: 1,
        epoch: 1,
        adapter: "command".parse().unwrap(),
        candidate: 0,
    }
}

fn printed(stream: Output, payload: Payload) -> E {
    E::Activity {
        attempt: 1,
        fence: 1,
        activity: Box::new(Event::ToolOutput {
            call: 1,
            stream,
            payload,
        }),
    }
}

fn ended(class: Option<FailureClass>) -> E {
    E::AttemptEnded {
        fence: 1,
        result: Box::new(AttemptResult {
            status: class.map_or("succeeded", |_| "failed").to_owned(),
            exit_code: u8::from(class.is_some()),
            class,
            message: "said \u{1b}[31mno".to_owned(),
            outcome_digest: None,
            outcome: Value::Null,
            wall_ms: 7,
        }),
    }
}

fn failed() -> E {
    E::TaskFailed {
        code: "work".to_owned(),
        reasons: vec!["no".to_owned()],
    }
}
