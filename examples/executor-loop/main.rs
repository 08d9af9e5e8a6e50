//! The executor loop as a library: a program of its own opens a ledger, says how its work is done,
//! submits a plan, and carries it out durably.
//!
//! Kill it at any moment and start it again: what completed is not done again. Run it with
//! `cargo run -p remit-tests --example executor-loop`. Never: a sandbox; `Attempts` here is plain
//! code, where remit itself has plugins and tools.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use remit_core::diagnostic::Source;
use remit_core::gate::Observed;
use remit_core::outcome::Outcome;
use remit_core::plan::{Candidate, GateSpec, TaskSpec, Work, read_plan};
use remit_core::tool::Exit;
use remit_engine::cancel::Cancel;
use remit_engine::durable::attempts::{AdapterFacts, Assignment, AttemptRecord, Attempts, Unfit};
use remit_engine::durable::clock::machine_clock;
use remit_engine::durable::ledger::{HostIdentity, Ledger};
use remit_engine::durable::{Control, ExecutorConfig, Summary, Which, run_executor_loop, submit};
use remit_ledger::SqliteLedger;
use serde_json::json;

const PLAN: &str = r#"{
  "format": 1, "run": "words",
  "retry": { "max-attempts": 2, "first-delay": "10ms" },
  "tasks": [
    { "id": "one", "plugin": "upper", "inputs": { "text": "durable" } },
    { "id": "two", "plugin": "upper", "inputs": { "text": "", "fails-first": true } },
    { "id": "three", "plugin": "upper", "inputs": {}, "needs": ["one", "two"] }
  ]
}"#;

/// How this program does its work.
struct Upper;

#[async_trait]
impl Attempts for Upper {
    async fn check(&self, _: &TaskSpec, who: &Candidate) -> Result<AdapterFacts, Box<Unfit>> {
        let adapter = who.plugin.parse().map_err(|error| Unfit {
            adapter: "upper".parse().unwrap_or_else(|_| unreachable!()),
            outcome: Outcome::Unavailable {
                what: format!("{error}"),
            },
        })?;
        Ok(AdapterFacts {
            adapter,
            max_parallel: None,
        })
    }

    async fn attempt(
        &self,
        assignment: Assignment,
        _record: Arc<dyn AttemptRecord>,
        _cancel: Cancel,
    ) -> Outcome {
        let Work::Plugin { inputs, .. } = &assignment.task.work else {
            return Outcome::Internal {
                message: "people do the others".to_owned(),
            };
        };
        let text = inputs
            .get("text")
            .and_then(|text| text.as_str())
            .unwrap_or("nothing");
        let fails = inputs.get("fails-first").is_some() && assignment.attempt == 1;
        if fails {
            return Outcome::Failed {
                code: "not-yet".to_owned(),
                message: "another try helps".to_owned(),
                retryable: true,
                hint: None,
                outputs: json!({}),
            };
        }
        Outcome::Succeeded {
            summary: text.to_uppercase(),
            outputs: json!({}),
            artifacts: Vec::new(),
        }
    }

    async fn gate(
        &self,
        _assignment: Assignment,
        _gate: GateSpec,
        _record: Arc<dyn AttemptRecord>,
        _cancel: Cancel,
    ) -> Result<Observed, Box<Outcome>> {
        Ok(Observed::new(Exit::Code(0), "", false))
    }
}

/// Submits the plan and carries it out.
pub(crate) async fn carry_out(directory: &Path) -> Result<Summary, Box<dyn Error>> {
    let ledger: Arc<dyn Ledger> = Arc::new(SqliteLedger::open(&directory.join("ledger.db"))?);
    let clock = machine_clock();
    let plan = read_plan(&Source::new("plan.json", PLAN))?;
    let run = submit(&*ledger, plan, "an example".to_owned(), clock())
        .await?
        .run;
    // Two hosts never share a ledger: who this is, so that the next one can tell whether it lives.
    let host = HostIdentity {
        boot_id: "example".to_owned(),
        pid: std::process::id(),
        pid_start: clock(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let config = ExecutorConfig::new(Which::One(run), host, clock);
    Ok(run_executor_loop(config, ledger, Arc::new(Upper), Control::new()).await?)
}

/// Carries the plan out in a new directory, and says what became of it.
pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let summary = runtime.block_on(carry_out(directory.path()))?;
    for end in summary.finished {
        println!("run {} has finished: {:?}", end.run, end.counts);
    }
    Ok(())
}
