//! A world for executors: a ledger in memory, work that is played, a clock that tokio holds.
//!
//! Never: a wait of real time.

use std::sync::Arc;

use remit_core::durable::{Entry, LedgerEvent, Phase, RunId, TaskId};
use remit_core::plan::{CheckedPlan, Plan};
use remit_engine::durable::clock::Clock;
use remit_engine::durable::ledger::{EntryQuery, HostIdentity, Ledger, MAX_ENTRIES};
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
}

impl World {
    pub(crate) async fn with(plan: CheckedPlan) -> Self {
        let world = Self {
            ledger: Arc::new(MemoryLedger::new()),
            clock: clock(),
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
        ExecutorConfig::new(Which::One(run_id()), host(), Arc::clone(&self.clock))
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
}
