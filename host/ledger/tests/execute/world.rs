//! A world for executors: a ledger in memory, work that is played, a clock that tokio holds.
//!
//! Never: a wait of real time.

use std::sync::Arc;
use std::time::Duration;

use remit_core::durable::{Entry, LedgerEvent, Phase, RunId, Stream, TaskId, Trigger};
use remit_core::outcome::{FaultKind, Outcome};
use remit_core::plan::{CheckedPlan, Plan};
use remit_engine::durable::clock::Clock;
use remit_engine::durable::executor::LEASE;
use remit_engine::durable::ledger::{
    Append, Commit, EntryQuery, Expect, HostIdentity, Lane, Ledger, MAX_ENTRIES,
};
use remit_engine::durable::{
    Control, ExecuteError, ExecutorConfig, Summary, Which, run_executor_loop, submit,
};
use remit_engine::fake::attempts::FakeAttempts;
use remit_ledger::MemoryLedger;
use serde_json::{Value, json};
use tokio::time::Instant;

/// 2026-01-01.
pub(crate) const START_MS: u64 = 1_767_225_600_000;

pub(crate) fn clock() -> Clock {
    let start = Instant::now();
    Arc::new(move || START_MS + u64::try_from(start.elapsed().as_millis()).unwrap())
}

pub(crate) fn host() -> HostIdentity {
    HostIdentity {
        boot_id: "boot".into(),
        pid: 1,
        pid_start: 1,
        version: "test".into(),
    }
}

pub(crate) fn run_id() -> RunId {
    "run".parse().unwrap()
}

pub(crate) fn task_id(name: &str) -> TaskId {
    name.parse().unwrap()
}

/// A plan from its tasks and what applies to all.
pub(crate) fn plan(mut settings: Value, tasks: Value) -> CheckedPlan {
    settings["format"] = json!(1);
    settings["run"] = json!("run");
    settings["tasks"] = tasks;
    let plan: Plan = serde_json::from_value(settings).unwrap();
    CheckedPlan::new(plan).unwrap()
}

/// A plugin task with one candidate.
pub(crate) fn task(name: &str, needs: &[&str]) -> Value {
    json!({"id": name, "kind": "plugin", "needs": needs,
           "candidates": [{"plugin": "work"}]})
}

pub(crate) struct World {
    pub(crate) ledger: Arc<MemoryLedger>,
    pub(crate) clock: Clock,
    pub(crate) lease: Duration,
}

impl World {
    pub(crate) async fn with(plan: CheckedPlan) -> Self {
        let world = Self {
            ledger: Arc::new(MemoryLedger::new()),
            clock: clock(),
            lease: LEASE,
        };
        world.submit(plan).await;
        world
    }

    pub(crate) async fn submit(&self, plan: CheckedPlan) {
        let now_ms = (self.clock)();
        let submitted = submit(&*self.ledger, plan, "test".into(), now_ms).await;
        assert!(submitted.unwrap().new);
    }

    pub(crate) fn config(&self) -> ExecutorConfig {
        let config = ExecutorConfig::new(Which::One(run_id()), host(), Arc::clone(&self.clock));
        ExecutorConfig {
            lease: self.lease,
            ..config
        }
    }

    /// Carries the run out with this work.
    pub(crate) async fn execute(&self, attempts: &FakeAttempts) -> Summary {
        self.execute_with(attempts, Control::new()).await.unwrap()
    }

    pub(crate) async fn execute_with(
        &self,
        attempts: &FakeAttempts,
        control: Control,
    ) -> Result<Summary, ExecuteError> {
        let ledger = Arc::clone(&self.ledger) as Arc<dyn Ledger>;
        run_executor_loop(self.config(), ledger, Arc::new(attempts.clone()), control).await
    }

    pub(crate) async fn entries(&self) -> Vec<Entry> {
        let query = EntryQuery {
            run: None,
            task: None,
            after: 0,
            activity: true,
            limit: MAX_ENTRIES,
        };
        self.ledger.entries(query).await.unwrap()
    }

    /// The words of everything that happened to a task, or to the run.
    pub(crate) async fn words(&self, task: Option<&str>) -> Vec<&'static str> {
        let task = task.map(task_id);
        let entries = self.entries().await;
        let of = |entry: &&Entry| entry.run.is_some() && entry.task == task;
        entries
            .iter()
            .filter(of)
            .map(|entry| entry.event.word())
            .collect()
    }

    pub(crate) async fn events(&self, task: &str) -> Vec<LedgerEvent> {
        let task = Some(task_id(task));
        let entries = self.entries().await;
        let of = entries.into_iter().filter(|entry| entry.task == task);
        of.map(|entry| entry.event).collect()
    }

    pub(crate) async fn phase(&self, task: &str) -> Phase {
        let view = self.ledger.task(&run_id(), &task_id(task)).await.unwrap();
        view.unwrap().state.phase
    }

    /// Waits until a task is there.
    pub(crate) async fn until(&self, task: &str, phase: Phase) {
        let mut newest = self.ledger.newest();
        while self.phase(task).await != phase {
            newest.changed().await.unwrap();
        }
    }

    /// Writes what a person asks for.
    pub(crate) async fn say(&self, stream: Stream, event: LedgerEvent) {
        let commit = Commit {
            now_ms: (self.clock)(),
            lane: Lane::State,
            appends: vec![Append {
                stream,
                expect: Expect::Exists,
                events: vec![event],
            }],
            breakers: Vec::new(),
        };
        self.ledger.commit(commit).await.unwrap();
    }

    pub(crate) async fn say_of(&self, task: &str, event: LedgerEvent) {
        self.say(Stream::Task(run_id(), task_id(task)), event).await;
    }

    /// What called for a person.
    pub(crate) async fn calls(&self) -> Vec<Trigger> {
        let entries = self.entries().await;
        let calls = entries.iter().filter_map(|entry| match &entry.event {
            LedgerEvent::Escalation { trigger, .. } => Some(*trigger),
            _ => None,
        });
        calls.collect()
    }

    /// How a task failed.
    pub(crate) async fn failure(&self, task: &str) -> (String, Vec<String>) {
        match self.events(task).await.pop() {
            Some(LedgerEvent::TaskFailed { code, reasons }) => (code, reasons),
            other => panic!("{other:?}"),
        }
    }

    /// Carries the run out beside the test.
    pub(crate) fn begin(
        &self,
        attempts: &FakeAttempts,
        control: &Control,
    ) -> tokio::task::JoinHandle<Result<Summary, ExecuteError>> {
        let ledger = Arc::clone(&self.ledger) as Arc<dyn Ledger>;
        let attempts = Arc::new(attempts.clone());
        tokio::spawn(run_executor_loop(
            self.config(),
            ledger,
            attempts,
            control.clone(),
        ))
    }
}

pub(crate) fn failed(retryable: bool) -> Outcome {
    Outcome::Failed {
        code: "no".into(),
        message: "it does not work".into(),
        hint: None,
        retryable,
        outputs: Value::Null,
    }
}

pub(crate) fn crashed() -> Outcome {
    Outcome::PluginFault {
        kind: FaultKind::Trap,
        message: "it trapped".into(),
    }
}
